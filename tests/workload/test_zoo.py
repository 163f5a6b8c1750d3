"""The zoo against published figures."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mcmscope.errors import InputError
from mcmscope.workload import Op, Role, load_network, zoo_description, zoo_names
from mcmscope.workload.zoo import ZOO
from mcmscope.workload.zoo.entry import ImageEntry

# Layers, multiply-accumulates, weights without biases and norms.
FIGURES = {
    "alexnet": (8, 714_188_480, 61_090_496),
    "convnext_tiny": (59, 4_455_531_264, 28_524_000),
    "darknet19": (19, 2_790_989_824, 20_826_976),
    "densenet121": (121, 2_834_161_664, 7_894_208),
    "efficientnet_b0": (82, 385_814_752, 5_236_192),
    "efficientnet_lite4": (92, 2_553_034_336, 12_893_200),
    "googlenet": (58, 1_498_376_192, 6_609_344),
    "inception_resnet_v2": (245, 13_155_794_016, 55_736_160),
    "inception_v3": (95, 5_713_216_096, 23_799_136),
    "inception_v4": (150, 12_253_974_624, 42_615_648),
    "mobilenet_v1": (28, 568_740_352, 4_209_088),
    "mobilenet_v2": (53, 300_774_272, 3_469_760),
    "mobilenet_v3_large": (64, 216_589_760, 5_451_272),
    "resnet18": (21, 1_814_073_344, 11_678_912),
    "resnet34": (37, 3_663_761_408, 21_779_648),
    "resnet50": (54, 4_089_184_256, 25_502_912),
    "resnet101": (105, 7_801_405_440, 44_442_816),
    "resnet152": (156, 11_513_626_624, 60_040_384),
    "resnet_v1_50": (54, 3_482_255_360, 25_502_912),
    "resnet_v2_152": (156, 10_906_697_728, 60_040_384),
    "resnext50": (54, 4_230_479_872, 24_959_680),
    "swin_t": (77, 4_490_566_656, 28_199_424),
    "vgg16": (16, 15_470_264_320, 138_344_128),
    "vgg19": (19, 19_632_062_464, 143_652_544),
    "vit_b_16": (74, 17_563_828_224, 86_292_480),
}
# Billions of MACs and millions of weights (some with biases and norms) as the papers, torchvision, timm
# (Inception v4: 12.28 and 42.68; Inception-ResNet v2: 13.18 and 55.84), Keras (ResNet-152 v2: 10.9) and the
# Hailo model zoo (half of its operations; EfficientNet-Lite4: 2.55 and 12.95; ResNet-50 v1: 3.49) round them.
PUBLISHED = {
    "densenet121": (2.83, 7.98),
    "efficientnet_lite4": (2.55, 12.95),
    "inception_resnet_v2": (13.18, 55.84),
    "inception_v4": (12.28, 42.68),
    "mobilenet_v1": (0.569, 4.24),
    "resnet_v1_50": (3.49, 25.53),
    "resnet_v2_152": (10.9, 60.2),
    "vgg16": (15.47, 138.3),
    "vgg19": (19.63, 143.65),
    "resnet34": (3.66, 21.78),
    "resnet50": (4.09, 25.5),
    "resnet101": (7.80, 44.4),
    "resnet152": (11.51, 60.0),
    "darknet19": (2.79, 20.8),
}
SIDES = {"efficientnet_lite4": 300, "inception_resnet_v2": 299, "inception_v3": 299, "inception_v4": 299}
# Billions of operations (one per MAC) and parameters, as torchvision's tables of weights give them. Of those
# of Inception v3, the auxiliary classifier has 3,326,696, which the zoo leaves out.
TORCHVISION = {
    "alexnet": (0.714, 61_100_840),
    "convnext_tiny": (4.456, 28_589_128),
    "densenet121": (2.834, 7_978_856),
    "efficientnet_b0": (0.386, 5_288_548),
    "inception_v3": (5.713, 27_161_264 - 3_326_696),
    "mobilenet_v2": (0.301, 3_504_872),
    "mobilenet_v3_large": (0.217, 5_483_032),
    "resnet50": (4.089, 25_557_032),
    "resnet152": (11.514, 60_192_808),
    "resnext50": (4.23, 25_028_904),
    "swin_t": (4.491, 28_288_354),
    "vgg16": (15.47, 138_357_544),
    "vit_b_16": (17.564, 86_567_656),
}
# Parameters of no layer: norms before convolutions, layer norms, scales, positions, biases by position.
APART = {
    "convnext_tiny": 2 * (96 + 96 + 192 + 384 + 768) + 3 * (3 * 96 + 3 * 192 + 9 * 384 + 3 * 768),
    "densenet121": sum(
        2 * (first + 32 * i)
        for first, count in ((64, 6), (128, 12), (256, 24), (512, 16))
        for i in range(count)
    )
    + 2 * (256 + 512 + 1024 + 1024),
    "swin_t": 2 * (96 + 384 + 768 + 1536 + 768)
    + 4 * (2 * 96 + 2 * 192 + 6 * 384 + 2 * 768)
    + 169 * (2 * 3 + 2 * 6 + 6 * 12 + 2 * 24),
    "vit_b_16": 198 * 768 + 25 * 2 * 768,
}
UNBIASED = ("denseblock", "transition", "merge")
"""Layers in whose names this is found have neither a bias nor a norm of their own behind them."""


@pytest.mark.parametrize("name", FIGURES)
def test_figures(name: str) -> None:
    network = load_network(name)
    weights = sum(layer.weights for layer in network.layers)
    assert (len(network), network.macs, weights) == FIGURES[name]
    assert network.weight_bytes == weights
    side = SIDES.get(name, 224)
    assert network.input_bytes == 3 * side * side
    assert network.output_bytes == 1000
    assert network.warnings == ()
    if name in PUBLISHED:
        gmacs, millions = PUBLISHED[name]
        assert network.macs / 1e9 == pytest.approx(gmacs, abs=0.006, rel=0.003)
        assert weights / 1e6 == pytest.approx(millions, abs=0.09, rel=0.003)


@pytest.mark.parametrize("name", TORCHVISION)
def test_operations_and_parameters_are_those_of_torchvision(name: str) -> None:
    network = load_network(name)
    gmacs, parameters = TORCHVISION[name]
    assert network.macs / 1e9 == pytest.approx(gmacs, abs=0.0006)
    found = APART.get(name, 0)
    for layer in network.layers:
        found += layer.weights
        if f"{layer.name}.bn" in layer.fused:
            found += 2 * layer.out_channels
        elif layer.op is not Op.MATMUL and not any(word in layer.name for word in UNBIASED):
            found += layer.out_channels
    assert found == parameters


@pytest.mark.parametrize("name", [*FIGURES, "bert_base", "gpt2", "gpt2@kv9", "llama_3_8b", "llama_3_8b@kv9"])
def test_all_outputs_together_need_all_of_their_data(name: str) -> None:
    """A window or stride that does not fit the positions would make tiles need too little."""
    for layer in load_network(name).layers:
        for operand in layer.operands:
            if operand.role is not Role.DATA:
                continue
            for out, size, window, stride in (
                (layer.out_height, operand.height, operand.window[0], operand.stride[0]),
                (layer.out_width, operand.width, operand.window[1], operand.stride[1]),
            ):
                assert (out - 1) * stride + window > size - stride, (layer.name, operand)


def test_every_name_is_tested_and_described() -> None:
    # Those that read tokens are tested in test_zoo_transformers.py.
    assert {name for name in zoo_names() if isinstance(ZOO[name], ImageEntry)} == set(FIGURES)
    assert list(zoo_names()) == sorted(zoo_names())
    for name in zoo_names():
        assert "\n" not in zoo_description(name)
        assert "20" in zoo_description(name)


@pytest.mark.parametrize("name", ["ResNet-50", "RESNET_50", "resnet50", "res-net_50"])
def test_names_ignore_case_and_dashes(name: str) -> None:
    assert load_network(name) == load_network("resnet50")


def test_mobilenet_name() -> None:
    assert load_network("MobileNetV2").name == "mobilenet_v2"


def test_a_size_after_the_name() -> None:
    network, plain = load_network("ResNet-50@299"), load_network("resnet50")
    assert network.name == "resnet50@299"
    assert network.input_bytes == 3 * 299 * 299
    assert network.weight_bytes == plain.weight_bytes
    assert network.layers[0].out_height == 150
    assert load_network("resnet50@224") == plain
    assert load_network("inception_v4@299").name == "inception_v4"


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("resnet50@", "32 to 4096 pixels, got ''"),
        ("resnet50@31", "32 to 4096 pixels"),
        ("resnet50@4097", "32 to 4096 pixels"),
        ("resnet50@99999999999999", "32 to 4096 pixels"),
        ("resnet50@224x224", "32 to 4096 pixels"),
        ("inception_v4@74", "75 to 4096 pixels"),
        ("vgg16@299", "224 x 224 pixels only"),
        ("resnet51@299", "unknown network 'resnet51'"),
    ],
)
def test_sizes_that_do_not_go(name: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        load_network(name)


@pytest.mark.parametrize("name", sorted(set(FIGURES) - {"alexnet", "swin_t", "vgg16", "vgg19", "vit_b_16"}))
def test_every_layer_has_a_pixel_at_the_smallest_size(name: str) -> None:
    entry = ZOO[name]
    assert isinstance(entry, ImageEntry)
    smallest = entry.smallest
    network = load_network(f"{name}@{smallest}")
    assert all(min(layer.out_height, layer.out_width) >= 1 for layer in network.layers)
    assert len(network) == FIGURES[name][0]
    assert network.weight_bytes == FIGURES[name][2]


def test_slim_residual_networks_step_down_at_the_end_of_a_stage() -> None:
    sizes = {layer.name: layer.out_height for layer in load_network("resnet_v1_50").layers}
    assert (sizes["block1.unit_2.conv2"], sizes["block1.unit_3.conv2"]) == (56, 28)
    assert sizes["block4.unit_3.conv2"] == 7
    # Norms that stand before the convolutions of v2 cannot fold away: they are vector work.
    v1, v2 = (
        sum(layer.vector_elements for layer in load_network(name).layers)
        for name in ("resnet152", "resnet_v2_152")
    )
    assert v2 > v1


def test_inception_has_rectangular_kernels() -> None:
    kernels = {layer.kernel for layer in load_network("inception_v4").layers}
    assert kernels == {(1, 1), (3, 3), (1, 7), (7, 1), (1, 3), (3, 1)}


def test_unknown_name_suggests() -> None:
    with pytest.raises(InputError) as caught:
        load_network("resnet51")
    assert "unknown network 'resnet51' (did you mean 'resnet" in str(caught.value)
    assert "darknet19" in str(caught.value)


@pytest.mark.parametrize("name", ["", " ", "a" * 5000, "\0"])
def test_odd_names_are_input_errors(name: str) -> None:
    with pytest.raises(InputError):
        load_network(name)


@pytest.mark.parametrize("bits", [0, 33, -1, True, 2.5, "8"])
def test_bits_are_checked(bits: object) -> None:
    with pytest.raises(InputError) as caught:
        load_network("resnet18", weight_bits=bits, activation_bits=bits)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert len(caught.value.faults) == 2


def test_bits_change_bytes() -> None:
    network = load_network("resnet18", weight_bits=4, activation_bits=16)
    assert network.weight_bytes == 11_678_912 // 2
    assert network.input_bytes == 2 * 3 * 224 * 224


def test_resnet_residuals_and_pooling() -> None:
    network = load_network("resnet50")
    stem, first, last_block, fc = network.layers[0], network.layers[4], network.layers[52], network.layers[53]
    assert (stem.out_height, stem.output_height, stem.pool_window, stem.pool_stride) == (
        112,
        56,
        (3, 3),
        (2, 2),
    )
    # Bias-free convolution and folded norm; the activation on 112 x 112, the pooling 9 per output.
    assert stem.vector_elements == 64 * 112 * 112 + 9 * 64 * 56 * 56
    assert first.name == "layer1.0.downsample.0"
    assert [(o.source, o.role) for o in first.operands] == [(0, Role.DATA), (3, Role.RESIDUAL)]
    assert last_block.output_elements == 2048
    assert last_block.pool_window == (7, 7)
    assert fc.op is Op.LINEAR
    strided = next(layer for layer in network.layers if layer.name == "layer2.0.conv2")
    assert strided.stride == (2, 2)
    assert strided.operands[0].stride == (2, 2)


def test_vgg_flatten_needs_all_positions() -> None:
    fc = load_network("vgg16").layers[13]
    assert fc.operands[0].window == (fc.operands[0].height, fc.operands[0].width) == (7, 7)


def test_depthwise_layers_are_grouped() -> None:
    layer = load_network("mobilenet_v2").layers[1]
    assert (layer.groups, layer.in_channels, layer.out_channels) == (32, 1, 32)
    assert layer.macs == 32 * 9 * 112 * 112


def test_same_network_every_time() -> None:
    assert repr(load_network("googlenet")) == repr(load_network("googlenet"))


def test_import_is_light() -> None:
    code = "import sys, mcmscope.workload as w; w.load_network('resnet18'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"onnx", "numpy", "pydantic"}

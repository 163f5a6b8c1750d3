"""The zoo against published figures."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mcmscope.errors import InputError
from mcmscope.workload import Op, Role, load_network, zoo_description, zoo_names

# Layers, multiply-accumulates, weights without biases and norms.
FIGURES = {
    "alexnet": (8, 714_188_480, 61_090_496),
    "darknet19": (19, 2_790_989_824, 20_826_976),
    "googlenet": (58, 1_498_376_192, 6_609_344),
    "mobilenet_v2": (53, 300_774_272, 3_469_760),
    "resnet18": (21, 1_814_073_344, 11_678_912),
    "resnet34": (37, 3_663_761_408, 21_779_648),
    "resnet50": (54, 4_089_184_256, 25_502_912),
    "resnet101": (105, 7_801_405_440, 44_442_816),
    "resnet152": (156, 11_513_626_624, 60_040_384),
    "vgg16": (16, 15_470_264_320, 138_344_128),
    "vgg19": (19, 19_632_062_464, 143_652_544),
}
# Billions of MACs and millions of weights as the papers and torchvision round them.
PUBLISHED = {
    "vgg16": (15.47, 138.3),
    "vgg19": (19.63, 143.65),
    "resnet34": (3.66, 21.78),
    "resnet50": (4.09, 25.5),
    "resnet101": (7.80, 44.4),
    "resnet152": (11.51, 60.0),
    "darknet19": (2.79, 20.8),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures(name: str) -> None:
    network = load_network(name)
    weights = sum(layer.weights for layer in network.layers)
    assert (len(network), network.macs, weights) == FIGURES[name]
    assert network.weight_bytes == weights
    assert network.input_bytes == 3 * 224 * 224
    assert network.output_bytes == 1000
    assert network.warnings == ()
    if name in PUBLISHED:
        gmacs, millions = PUBLISHED[name]
        assert network.macs / 1e9 == pytest.approx(gmacs, abs=0.006)
        assert weights / 1e6 == pytest.approx(millions, abs=0.06)


def test_every_name_is_tested_and_described() -> None:
    assert set(zoo_names()) == set(FIGURES)
    assert list(zoo_names()) == sorted(zoo_names())
    for name in zoo_names():
        assert "\n" not in zoo_description(name)
        assert "20" in zoo_description(name)


@pytest.mark.parametrize("name", ["ResNet-50", "RESNET_50", "resnet50", "res-net_50"])
def test_names_ignore_case_and_dashes(name: str) -> None:
    assert load_network(name) == load_network("resnet50")


def test_mobilenet_name() -> None:
    assert load_network("MobileNetV2").name == "mobilenet_v2"


def test_unknown_name_suggests() -> None:
    with pytest.raises(InputError) as caught:
        load_network("resnet51")
    assert "unknown network 'resnet51' (did you mean 'resnet" in str(caught.value)
    assert "darknet19" in str(caught.value)


@pytest.mark.parametrize("name", ["", " ", "a" * 5000, "\0"])
def test_odd_names_are_input_errors(name: str) -> None:
    with pytest.raises(InputError):
        load_network(name)


@pytest.mark.parametrize("bits", [0, 33, -1, True, 2.5, "8", None])
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

"""Networks of depthwise convolutions: MobileNets, EfficientNets."""

from __future__ import annotations

from math import ceil

from mcmscope.workload.builder import GraphBuilder
from mcmscope.workload.zoo.entry import CLASSES, ImageEntry, average_and_classify


def _mobilenet_v1(g: GraphBuilder, x: str) -> None:
    """A 3x3 convolution, then pairs of a depthwise and a 1x1 one: (channels, stride)."""
    x = g.conv_relu("conv0", x, 32, 3, stride=2, norm=True)
    small = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1))
    pairs = (*small, (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
    for number, (channels, stride) in enumerate(pairs, 1):
        wide = g.shapes[x][1]
        x = g.conv_relu(f"conv{number}.depthwise", x, wide, 3, stride=stride, groups=wide, norm=True)
        x = g.conv_relu(f"conv{number}.pointwise", x, channels, 1, norm=True)
    average_and_classify(g, x, "logits")


def _mobilenet_v2(g: GraphBuilder, x: str) -> None:
    x = g.conv_relu("features.0.0", x, 32, 3, stride=2, norm=True)
    number = 0
    stages = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )
    for expansion, channels, count, first_stride in stages:
        for i in range(count):
            number += 1
            stride = first_stride if i == 0 else 1
            x = _inverted_residual(g, f"features.{number}.conv", x, channels, expansion, 3, stride)
    x = g.conv_relu("features.18.0", x, 1280, 1, norm=True)
    average_and_classify(g, x, "classifier.1")


def _inverted_residual(
    g: GraphBuilder, name: str, x: str, channels: int, expansion: int, kernel: int, stride: int
) -> str:
    wide = g.shapes[x][1] * expansion
    y = x if expansion == 1 else g.conv_relu(f"{name}.expand", x, wide, 1, norm=True)
    y = g.conv_relu(f"{name}.depthwise", y, wide, kernel, stride=stride, groups=wide, norm=True)
    y = g.norm(g.conv(f"{name}.project", y, channels, 1))
    return y if g.shapes[x] != g.shapes[y] else g.vector(f"{name}.add", "add", x, y)


_PASSES = {"relu": 1, "hardswish": 1, "silu": 2}
"""Passes of an activation over its operand: SiLU is a sigmoid and a product."""


def _act(g: GraphBuilder, name: str, x: str, activation: str) -> str:
    return g.vector(f"{name}.{activation}", activation, g.norm(x), passes=_PASSES[activation])


def _squeezed_residual(
    g: GraphBuilder,
    name: str,
    x: str,
    channels: int,
    wide: int,
    kernel: int,
    stride: int,
    squeezed: int,
    activation: str,
) -> str:
    """An inverted residual block with squeeze and excitation, unless ``squeezed`` is 0 channels."""
    y = x
    if wide != g.shapes[x][1]:
        y = _act(g, f"{name}.expand", g.conv(f"{name}.expand", x, wide, 1), activation)
    y = g.conv(f"{name}.depthwise", y, wide, kernel, stride=stride, groups=wide)
    y = _act(g, f"{name}.depthwise", y, activation)
    if squeezed:
        inner = "relu" if activation != "silu" else "silu"
        gate = g.conv(f"{name}.squeeze", g.global_pool(f"{name}.pool", y), squeezed, 1)
        gate = g.vector(f"{name}.squeeze.{inner}", inner, gate, passes=_PASSES[inner])
        gate = g.vector(f"{name}.gate", "sigmoid", g.conv(f"{name}.excite", gate, wide, 1))
        y = g.vector(f"{name}.gated", "mul", y, gate)
    y = g.norm(g.conv(f"{name}.project", y, channels, 1))
    return y if g.shapes[x] != g.shapes[y] else g.vector(f"{name}.add", "add", x, y)


def _mobilenet_v3_large(g: GraphBuilder, x: str) -> None:
    x = _act(g, "features.0", g.conv("features.0", x, 16, 3, stride=2), "hardswish")
    blocks = (  # kernel, expanded channels, channels, squeezed channels, stride
        (3, 16, 16, 0, 1),
        (3, 64, 24, 0, 2),
        (3, 72, 24, 0, 1),
        (5, 72, 40, 24, 2),
        (5, 120, 40, 32, 1),
        (5, 120, 40, 32, 1),
        (3, 240, 80, 0, 2),
        (3, 200, 80, 0, 1),
        (3, 184, 80, 0, 1),
        (3, 184, 80, 0, 1),
        (3, 480, 112, 120, 1),
        (3, 672, 112, 168, 1),
        (5, 672, 160, 168, 2),
        (5, 960, 160, 240, 1),
        (5, 960, 160, 240, 1),
    )
    for i, (kernel, wide, channels, squeezed, stride) in enumerate(blocks, 1):
        activation = "relu" if i < 7 else "hardswish"
        x = _squeezed_residual(g, f"features.{i}", x, channels, wide, kernel, stride, squeezed, activation)
    x = _act(g, "features.16", g.conv("features.16", x, 960, 1), "hardswish")
    x = g.linear("classifier.0", g.flatten("flatten", g.global_pool("avgpool", x)), 1280)
    g.linear("classifier.3", g.vector("classifier.1", "hardswish", x), CLASSES)


_B0 = (  # expansion, channels, blocks, kernel, stride
    (1, 16, 1, 3, 1),
    (6, 24, 2, 3, 2),
    (6, 40, 2, 5, 2),
    (6, 80, 3, 3, 2),
    (6, 112, 3, 5, 1),
    (6, 192, 4, 5, 2),
    (6, 320, 1, 3, 1),
)
"""Stages of EfficientNet-B0."""


def _efficientnet_b0(g: GraphBuilder, x: str) -> None:
    """Squeezed to a quarter of a block's input channels."""
    x = _act(g, "features.0", g.conv("features.0", x, 32, 3, stride=2), "silu")
    for stage, (expansion, channels, count, kernel, first_stride) in enumerate(_B0, 1):
        for i in range(count):
            narrow = g.shapes[x][1]
            name, stride = f"features.{stage}.{i}", first_stride if i == 0 else 1
            x = _squeezed_residual(
                g, name, x, channels, narrow * expansion, kernel, stride, narrow // 4, "silu"
            )
    x = _act(g, "features.8", g.conv("features.8", x, 1280, 1), "silu")
    average_and_classify(g, x, "classifier.1")


def _efficientnet_lite4(g: GraphBuilder, x: str) -> None:
    """EfficientNet-B0's stages, 1.4 times as wide and 1.8 times as deep, without squeeze and excitation.

    The stem, the first and the last stage, and the head keep their sizes, as in all of the Lite family.
    """
    x = g.conv_relu("stem", x, 32, 3, stride=2, norm=True)
    number = 0
    for stage, (expansion, channels, count, kernel, first_stride) in enumerate(_B0):
        ends = stage in (0, len(_B0) - 1)
        for i in range(count if ends else ceil(1.8 * count)):
            stride = first_stride if i == 0 else 1
            x = _inverted_residual(g, f"blocks_{number}", x, _wider(channels), expansion, kernel, stride)
            number += 1
    average_and_classify(g, g.conv_relu("head", x, 1280, 1, norm=True), "fc")


def _wider(channels: int) -> int:
    """1.4 times as many channels, in eights, rounded to nearest but not down by more than a tenth."""
    wide = 1.4 * channels
    eights = max(8, int(wide + 4) // 8 * 8)
    return eights + 8 if eights < 0.9 * wide else eights


NETWORKS: dict[str, ImageEntry] = {
    "efficientnet_b0": ImageEntry(
        "EfficientNet-B0: inverted residuals with squeeze and excitation",
        "Tan and Le, EfficientNet: Rethinking Model Scaling for CNNs, ICML 2019",
        _efficientnet_b0,
    ),
    "mobilenet_v3_large": ImageEntry(
        "MobileNetV3-Large: inverted residuals, some with squeeze and excitation",
        "Howard et al., Searching for MobileNetV3, ICCV 2019",
        _mobilenet_v3_large,
    ),
    "efficientnet_lite4": ImageEntry(
        "EfficientNet-Lite4: inverted residuals, 300 x 300 pixels",
        "Tan and Le, EfficientNet, ICML 2019; its Lite variant, TensorFlow 2020",
        _efficientnet_lite4,
        size=300,
    ),
    "mobilenet_v1": ImageEntry(
        "MobileNet: depthwise and 1x1 convolutions in turn",
        "Howard et al., MobileNets: Efficient Convolutional Neural Networks, 2017",
        _mobilenet_v1,
    ),
    "mobilenet_v2": ImageEntry(
        "MobileNetV2: inverted residuals with depthwise convolutions",
        "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018",
        _mobilenet_v2,
    ),
}

"""Residual networks: those of torchvision, and those of TF-Slim, which step down at the end of a stage."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mcmscope.workload.builder import GraphBuilder
from mcmscope.workload.zoo.entry import ImageEntry, average_and_classify

Repeats = tuple[int, int, int, int]
Unit = Callable[[GraphBuilder, str, str, int, int], str]
"""A residual block: (graph, name, input, channels, stride) to its output."""


def _resnet(g: GraphBuilder, x: str, repeats: Repeats, unit: Unit) -> None:
    """Version 1.5: a bottleneck has its stride in the 3x3 convolution."""
    x = g.conv_relu("conv1", x, 64, 7, stride=2, norm=True)
    x = g.pool("maxpool", x, 3, 2, padding=1)
    for stage, count in enumerate(repeats):
        for i in range(count):
            stride = 2 if stage and not i else 1
            x = unit(g, f"layer{stage + 1}.{i}", x, 64 << stage, stride)
    average_and_classify(g, x, "fc")


def _basic_block(g: GraphBuilder, name: str, x: str, channels: int, stride: int) -> str:
    y = g.conv_relu(f"{name}.conv1", x, channels, 3, stride=stride, norm=True)
    y = g.norm(g.conv(f"{name}.conv2", y, channels, 3))
    return _join(g, name, x, y, stride)


def _bottleneck(g: GraphBuilder, name: str, x: str, channels: int, stride: int) -> str:
    return _grouped_bottleneck(g, name, x, channels, stride, groups=1, wide=1)


def _grouped_bottleneck(
    g: GraphBuilder, name: str, x: str, channels: int, stride: int, *, groups: int, wide: int
) -> str:
    """A bottleneck whose 3x3 convolution has groups and is ``wide`` times as wide."""
    y = g.conv_relu(f"{name}.conv1", x, wide * channels, 1, norm=True)
    y = g.conv_relu(f"{name}.conv2", y, wide * channels, 3, stride=stride, groups=groups, norm=True)
    y = g.norm(g.conv(f"{name}.conv3", y, 4 * channels, 1))
    return _join(g, name, x, y, stride)


def _join(g: GraphBuilder, name: str, x: str, y: str, stride: int) -> str:
    """Add a block's result to its input, projected if the sizes differ."""
    if g.shapes[x] != g.shapes[y]:
        x = g.norm(g.conv(f"{name}.downsample.0", x, g.shapes[y][1], 1, stride=stride))
    return g.relu(g.vector(f"{name}.add", "add", y, x))


def _slim(g: GraphBuilder, x: str, repeats: Repeats, unit: Unit) -> None:
    """TF-Slim's order: the last bottleneck of a stage has the stride, so that fewer run on large maps."""
    x = g.conv_relu("conv1", x, 64, 7, stride=2, norm=True)
    x = g.pool("pool1", x, 3, 2, padding=1)
    for stage, count in enumerate(repeats):
        for i in range(count):
            stride = 2 if stage < 3 and i == count - 1 else 1
            x = unit(g, f"block{stage + 1}.unit_{i + 1}", x, 64 << stage, stride)
    average_and_classify(g, x, "logits")


def _slim_v1(g: GraphBuilder, name: str, x: str, channels: int, stride: int) -> str:
    return _slim_unit(g, name, x, x, channels, stride, after=True)


def _slim_v2(g: GraphBuilder, name: str, x: str, channels: int, stride: int) -> str:
    """Norm and activation come before the convolutions, and not behind the sum."""
    return _slim_unit(g, name, x, g.relu(g.norm(x)), channels, stride, after=False)


def _slim_unit(g: GraphBuilder, name: str, x: str, y: str, channels: int, stride: int, *, after: bool) -> str:
    shortcut = x
    if g.shapes[x][1] != 4 * channels:
        shortcut = g.conv(f"{name}.shortcut", x if after else y, 4 * channels, 1, stride=stride)
        shortcut = g.norm(shortcut) if after else shortcut
    elif stride > 1:
        shortcut = g.pool(f"{name}.shortcut", x, 1, stride)
    y = g.conv_relu(f"{name}.conv1", y, channels, 1, norm=True)
    y = g.conv_relu(f"{name}.conv2", y, channels, 3, stride=stride, norm=True)
    y = g.conv(f"{name}.conv3", y, 4 * channels, 1)
    y = g.vector(f"{name}.add", "add", g.norm(y) if after else y, shortcut)
    return g.relu(y) if after else y


_V1 = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016"
_V2 = "He et al., Identity Mappings in Deep Residual Networks, ECCV 2016"
_V15 = f"{_V1}; stride in the 3x3 (v1.5)"
_SLIM = "stride at the end of a stage (TF-Slim)"

NETWORKS: dict[str, ImageEntry] = {
    "resnext50": ImageEntry(
        "ResNeXt-50 32x4d: bottlenecks with convolutions of 32 groups",
        "Xie et al., Aggregated Residual Transformations for Deep Neural Networks, CVPR 2017",
        partial(_resnet, repeats=(3, 4, 6, 3), unit=partial(_grouped_bottleneck, groups=32, wide=2)),
    ),
    "resnet18": ImageEntry(
        "ResNet-18: basic blocks", _V15, partial(_resnet, repeats=(2, 2, 2, 2), unit=_basic_block)
    ),
    "resnet34": ImageEntry(
        "ResNet-34: basic blocks", _V15, partial(_resnet, repeats=(3, 4, 6, 3), unit=_basic_block)
    ),
    "resnet50": ImageEntry(
        "ResNet-50: bottlenecks", _V15, partial(_resnet, repeats=(3, 4, 6, 3), unit=_bottleneck)
    ),
    "resnet101": ImageEntry(
        "ResNet-101: bottlenecks", _V15, partial(_resnet, repeats=(3, 4, 23, 3), unit=_bottleneck)
    ),
    "resnet152": ImageEntry(
        "ResNet-152: bottlenecks", _V15, partial(_resnet, repeats=(3, 8, 36, 3), unit=_bottleneck)
    ),
    "resnet_v1_50": ImageEntry(
        "ResNet-50 v1 of TF-Slim: bottlenecks",
        f"{_V1}; {_SLIM}",
        partial(_slim, repeats=(3, 4, 6, 3), unit=_slim_v1),
    ),
    "resnet_v2_152": ImageEntry(
        "ResNet-152 v2 of TF-Slim: bottlenecks, norms before convolutions",
        f"{_V2}; {_SLIM}",
        partial(_slim, repeats=(3, 8, 36, 3), unit=_slim_v2),
    ),
}

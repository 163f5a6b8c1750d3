"""Networks by name, at 224 x 224 pixels, as in the torchvision models of the same names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from mcmscope.workload.builder import GraphBuilder
from mcmscope.workload.graph import Graph

_CLASSES = 1000


@dataclass(frozen=True, slots=True)
class ZooEntry:
    """A network of the zoo: what it is, where it is from, and how to build its graph."""

    description: str
    source: str
    build: Callable[[], Graph]


def _alexnet() -> Graph:
    g = GraphBuilder("alexnet")
    x = g.conv_relu("features.0", g.input(3, 224, 224), 64, 11, stride=4, padding=2)
    x = g.conv_relu("features.3", g.pool("features.2", x, 3, 2), 192, 5)
    x = g.conv_relu("features.6", g.pool("features.5", x, 3, 2), 384, 3)
    x = g.conv_relu("features.8", x, 256, 3)
    x = g.conv_relu("features.10", x, 256, 3)
    return _classifier(g, g.pool("features.12", x, 3, 2))


def _classifier(g: GraphBuilder, x: str) -> Graph:
    """The three fully connected layers of AlexNet and VGG."""
    x = g.relu(g.linear("classifier.fc1", g.flatten("flatten", x), 4096))
    x = g.relu(g.linear("classifier.fc2", x, 4096))
    g.linear("classifier.fc3", x, _CLASSES)
    return g.graph()


def _vgg(name: str, repeats: tuple[int, ...]) -> Graph:
    g = GraphBuilder(name)
    x = g.input(3, 224, 224)
    for stage, (channels, count) in enumerate(zip((64, 128, 256, 512, 512), repeats, strict=True), 1):
        for i in range(1, count + 1):
            x = g.conv_relu(f"conv{stage}_{i}", x, channels, 3)
        x = g.pool(f"pool{stage}", x, 2, 2)
    return _classifier(g, x)


def _darknet19() -> Graph:
    """Stages of 3x3 and 1x1 convolutions in turn, then a 1x1 classifier that is averaged."""
    g = GraphBuilder("darknet19")
    x = g.input(3, 224, 224)
    stages = (
        (32,),
        (64,),
        (128, 64, 128),
        (256, 128, 256),
        (512, 256, 512, 256, 512),
        (1024, 512) * 2 + (1024,),
    )
    number = 0
    for stage, channels in enumerate(stages):
        if stage:
            x = g.pool(f"pool{stage}", x, 2, 2)
        for place, count in enumerate(channels):
            number += 1
            x = g.conv_relu(f"conv{number}", x, count, 1 if place % 2 else 3, norm=True)
    g.global_pool("avgpool", g.conv("conv19", x, _CLASSES, 1))
    return g.graph()


def _resnet(name: str, repeats: tuple[int, int, int, int], bottleneck: bool) -> Graph:
    """Version 1.5: a bottleneck has its stride in the 3x3 convolution."""
    g = GraphBuilder(name)
    x = g.conv_relu("conv1", g.input(3, 224, 224), 64, 7, stride=2, norm=True)
    x = g.pool("maxpool", x, 3, 2, padding=1)
    block = _bottleneck if bottleneck else _basic_block
    for stage, count in enumerate(repeats):
        for i in range(count):
            stride = 2 if stage and not i else 1
            x = block(g, f"layer{stage + 1}.{i}", x, 64 << stage, stride)
    x = g.flatten("flatten", g.global_pool("avgpool", x))
    g.linear("fc", x, _CLASSES)
    return g.graph()


def _basic_block(g: GraphBuilder, name: str, x: str, channels: int, stride: int) -> str:
    y = g.conv_relu(f"{name}.conv1", x, channels, 3, stride=stride, norm=True)
    y = g.norm(g.conv(f"{name}.conv2", y, channels, 3))
    return _join(g, name, x, y, stride)


def _bottleneck(g: GraphBuilder, name: str, x: str, channels: int, stride: int) -> str:
    y = g.conv_relu(f"{name}.conv1", x, channels, 1, norm=True)
    y = g.conv_relu(f"{name}.conv2", y, channels, 3, stride=stride, norm=True)
    y = g.norm(g.conv(f"{name}.conv3", y, 4 * channels, 1))
    return _join(g, name, x, y, stride)


def _join(g: GraphBuilder, name: str, x: str, y: str, stride: int) -> str:
    """Add a block's result to its input, projected if the sizes differ."""
    if g.shapes[x] != g.shapes[y]:
        x = g.norm(g.conv(f"{name}.downsample.0", x, g.shapes[y][1], 1, stride=stride))
    return g.relu(g.vector(f"{name}.add", "add", y, x))


# Channels of an inception block: 1x1; 3x3 reduced, 3x3; "5x5" reduced, "5x5"; projection of the pooling.
_INCEPTIONS: dict[str, tuple[int, int, int, int, int, int]] = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def _googlenet() -> Graph:
    """As in torchvision, whose "5x5" branch is a 3x3 convolution; without the auxiliary classifiers."""
    g = GraphBuilder("googlenet")
    x = g.conv_relu("conv1", g.input(3, 224, 224), 64, 7, stride=2, norm=True)
    x = g.conv_relu("conv2", g.pool("maxpool1", x, 3, 2, ceil=True), 64, 1, norm=True)
    x = g.pool("maxpool2", g.conv_relu("conv3", x, 192, 3, norm=True), 3, 2, ceil=True)
    for block, channels in _INCEPTIONS.items():
        if block == "4a":
            x = g.pool("maxpool3", x, 3, 2, ceil=True)
        if block == "5a":
            x = g.pool("maxpool4", x, 2, 2, ceil=True)
        x = _inception(g, f"inception{block}", x, channels)
    x = g.flatten("flatten", g.global_pool("avgpool", x))
    g.linear("fc", x, _CLASSES)
    return g.graph()


def _inception(g: GraphBuilder, name: str, x: str, channels: tuple[int, int, int, int, int, int]) -> str:
    one, reduced3, three, reduced5, five, projection = channels
    branch1 = g.conv_relu(f"{name}.branch1", x, one, 1, norm=True)
    branch2 = g.conv_relu(f"{name}.branch2.0", x, reduced3, 1, norm=True)
    branch2 = g.conv_relu(f"{name}.branch2.1", branch2, three, 3, norm=True)
    branch3 = g.conv_relu(f"{name}.branch3.0", x, reduced5, 1, norm=True)
    branch3 = g.conv_relu(f"{name}.branch3.1", branch3, five, 3, norm=True)
    pooled = g.pool(f"{name}.branch4.0", x, 3, 1, padding=1, ceil=True)
    branch4 = g.conv_relu(f"{name}.branch4.1", pooled, projection, 1, norm=True)
    return g.concat(f"{name}.concat", branch1, branch2, branch3, branch4)


def _mobilenet_v2() -> Graph:
    g = GraphBuilder("mobilenet_v2")
    x = g.conv_relu("features.0.0", g.input(3, 224, 224), 32, 3, stride=2, norm=True)
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
            x = _inverted_residual(g, f"features.{number}.conv", x, channels, expansion, stride)
    x = g.conv_relu("features.18.0", x, 1280, 1, norm=True)
    x = g.flatten("flatten", g.global_pool("avgpool", x))
    g.linear("classifier.1", x, _CLASSES)
    return g.graph()


def _inverted_residual(g: GraphBuilder, name: str, x: str, channels: int, expansion: int, stride: int) -> str:
    wide = g.shapes[x][1] * expansion
    y = x if expansion == 1 else g.conv_relu(f"{name}.expand", x, wide, 1, norm=True)
    y = g.conv_relu(f"{name}.depthwise", y, wide, 3, stride=stride, groups=wide, norm=True)
    y = g.norm(g.conv(f"{name}.project", y, channels, 1))
    return y if g.shapes[x] != g.shapes[y] else g.vector(f"{name}.add", "add", x, y)


_RESNET = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016; stride in the 3x3 (v1.5)"
_VGG = "Simonyan and Zisserman, Very Deep Convolutional Networks, ICLR 2015"

ZOO: dict[str, ZooEntry] = {
    "alexnet": ZooEntry(
        "AlexNet: 5 convolutions, 3 large fully connected layers",
        "Krizhevsky, One Weird Trick for Parallelizing Convolutional Neural Networks, 2014",
        _alexnet,
    ),
    "darknet19": ZooEntry(
        "DarkNet-19: 19 convolutions, 3x3 and 1x1 in turn, a 1x1 classifier",
        "Redmon and Farhadi, YOLO9000: Better, Faster, Stronger, CVPR 2017",
        _darknet19,
    ),
    "googlenet": ZooEntry(
        "GoogLeNet: 9 inception blocks, no auxiliary classifiers",
        "Szegedy et al., Going Deeper with Convolutions, CVPR 2015; 3x3 in the 5x5 branch (torchvision)",
        _googlenet,
    ),
    "mobilenet_v2": ZooEntry(
        "MobileNetV2: inverted residuals with depthwise convolutions",
        "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018",
        _mobilenet_v2,
    ),
    "resnet18": ZooEntry(
        "ResNet-18: basic blocks", _RESNET, partial(_resnet, "resnet18", (2, 2, 2, 2), False)
    ),
    "resnet34": ZooEntry(
        "ResNet-34: basic blocks", _RESNET, partial(_resnet, "resnet34", (3, 4, 6, 3), False)
    ),
    "resnet50": ZooEntry("ResNet-50: bottlenecks", _RESNET, partial(_resnet, "resnet50", (3, 4, 6, 3), True)),
    "resnet101": ZooEntry(
        "ResNet-101: bottlenecks", _RESNET, partial(_resnet, "resnet101", (3, 4, 23, 3), True)
    ),
    "resnet152": ZooEntry(
        "ResNet-152: bottlenecks", _RESNET, partial(_resnet, "resnet152", (3, 8, 36, 3), True)
    ),
    "vgg16": ZooEntry(
        "VGG-16: 13 convolutions, 3 fully connected", _VGG, partial(_vgg, "vgg16", (2, 2, 3, 3, 3))
    ),
    "vgg19": ZooEntry(
        "VGG-19: 16 convolutions, 3 fully connected", _VGG, partial(_vgg, "vgg19", (2, 2, 4, 4, 4))
    ),
}

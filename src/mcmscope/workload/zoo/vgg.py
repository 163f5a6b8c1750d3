"""Plain chains of convolutions: AlexNet, VGG, DarkNet."""

from __future__ import annotations

from functools import partial

from mcmscope.workload.builder import GraphBuilder
from mcmscope.workload.zoo.entry import CLASSES, ImageEntry


def _alexnet(g: GraphBuilder, x: str) -> None:
    x = g.conv_relu("features.0", x, 64, 11, stride=4, padding=2)
    x = g.conv_relu("features.3", g.pool("features.2", x, 3, 2), 192, 5)
    x = g.conv_relu("features.6", g.pool("features.5", x, 3, 2), 384, 3)
    x = g.conv_relu("features.8", x, 256, 3)
    x = g.conv_relu("features.10", x, 256, 3)
    _classifier(g, g.pool("features.12", x, 3, 2))


def _classifier(g: GraphBuilder, x: str) -> None:
    """The three fully connected layers of AlexNet and VGG."""
    x = g.relu(g.linear("classifier.fc1", g.flatten("flatten", x), 4096))
    x = g.relu(g.linear("classifier.fc2", x, 4096))
    g.linear("classifier.fc3", x, CLASSES)


def _vgg(g: GraphBuilder, x: str, repeats: tuple[int, ...]) -> None:
    for stage, (channels, count) in enumerate(zip((64, 128, 256, 512, 512), repeats, strict=True), 1):
        for i in range(1, count + 1):
            x = g.conv_relu(f"conv{stage}_{i}", x, channels, 3)
        x = g.pool(f"pool{stage}", x, 2, 2)
    _classifier(g, x)


def _darknet19(g: GraphBuilder, x: str) -> None:
    """Stages of 3x3 and 1x1 convolutions in turn, then a 1x1 classifier that is averaged."""
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
    g.global_pool("avgpool", g.conv("conv19", x, CLASSES, 1))


_VGG = "Simonyan and Zisserman, Very Deep Convolutional Networks, ICLR 2015"

NETWORKS: dict[str, ImageEntry] = {
    "alexnet": ImageEntry(
        "AlexNet: 5 convolutions, 3 large fully connected layers",
        "Krizhevsky, One Weird Trick for Parallelizing Convolutional Neural Networks, 2014",
        _alexnet,
        fixed_size=True,
    ),
    "darknet19": ImageEntry(
        "DarkNet-19: 19 convolutions, 3x3 and 1x1 in turn, a 1x1 classifier",
        "Redmon and Farhadi, YOLO9000: Better, Faster, Stronger, CVPR 2017",
        _darknet19,
    ),
    "vgg16": ImageEntry(
        "VGG-16: 13 convolutions, 3 fully connected",
        _VGG,
        partial(_vgg, repeats=(2, 2, 3, 3, 3)),
        fixed_size=True,
    ),
    "vgg19": ImageEntry(
        "VGG-19: 16 convolutions, 3 fully connected",
        _VGG,
        partial(_vgg, repeats=(2, 2, 4, 4, 4)),
        fixed_size=True,
    ),
}

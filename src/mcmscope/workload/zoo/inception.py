"""Inception networks: GoogLeNet, Inception v3, v4 and ResNet v2. Branches side by side, then joined."""

from __future__ import annotations

from mcmscope.workload.builder import GraphBuilder
from mcmscope.workload.zoo.entry import ImageEntry, average_and_classify

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


def _googlenet(g: GraphBuilder, x: str) -> None:
    """As in torchvision, whose "5x5" branch is a 3x3 convolution; without the auxiliary classifiers."""
    x = g.conv_relu("conv1", x, 64, 7, stride=2, norm=True)
    x = g.conv_relu("conv2", g.pool("maxpool1", x, 3, 2, ceil=True), 64, 1, norm=True)
    x = g.pool("maxpool2", g.conv_relu("conv3", x, 192, 3, norm=True), 3, 2, ceil=True)
    for block, channels in _INCEPTIONS.items():
        if block == "4a":
            x = g.pool("maxpool3", x, 3, 2, ceil=True)
        if block == "5a":
            x = g.pool("maxpool4", x, 2, 2, ceil=True)
        x = _inception(g, f"inception{block}", x, channels)
    average_and_classify(g, x, "fc")


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


Kernel = int | tuple[int, int]
Branch = tuple[tuple[int, Kernel], ...]
"""Convolutions in turn: (channels, kernel)."""


def _branch(g: GraphBuilder, name: str, x: str, branch: Branch, *, halved: bool = False) -> str:
    """Convolutions in turn; if ``halved``, the last has a stride of two and no padding."""
    for i, (channels, kernel) in enumerate(branch):
        if halved and i == len(branch) - 1:
            x = g.conv_relu(f"{name}.{i}", x, channels, kernel, stride=2, padding=0, norm=True)
        else:
            x = g.conv_relu(f"{name}.{i}", x, channels, kernel, norm=True)
    return x


def _block(g: GraphBuilder, name: str, x: str, *branches: Branch, pooled: int) -> str:
    """Branches beside an average pooling with its 1x1 convolution to ``pooled`` channels."""
    ys = [_branch(g, f"{name}.branch{i}", x, branch) for i, branch in enumerate(branches)]
    mean = g.pool(f"{name}.pool", x, 3, 1, padding=1)
    ys.append(g.conv_relu(f"{name}.branch{len(branches)}", mean, pooled, 1, norm=True))
    return g.concat(f"{name}.concat", *ys)


def _reduction(g: GraphBuilder, name: str, x: str, *branches: Branch) -> str:
    """Branches that halve the sides, beside a pooling that does."""
    ys = [_branch(g, f"{name}.branch{i}", x, branch, halved=True) for i, branch in enumerate(branches)]
    return g.concat(f"{name}.concat", *ys, g.pool(f"{name}.pool", x, 3, 2))


_A: tuple[Branch, ...] = (((96, 1),), ((64, 1), (96, 3)), ((64, 1), (96, 3), (96, 3)))
_B: tuple[Branch, ...] = (
    ((384, 1),),
    ((192, 1), (224, (1, 7)), (256, (7, 1))),
    ((192, 1), (192, (7, 1)), (224, (1, 7)), (224, (7, 1)), (256, (1, 7))),
)


def _inception_v4(g: GraphBuilder, x: str) -> None:
    x = g.conv_relu("stem.conv1", x, 32, 3, stride=2, padding=0, norm=True)
    x = g.conv_relu("stem.conv2", x, 32, 3, padding=0, norm=True)
    x = g.conv_relu("stem.conv3", x, 64, 3, norm=True)
    x = _reduction(g, "stem.3a", x, ((96, 3),))
    left = g.conv_relu("stem.4a.branch0.0", x, 64, 1, norm=True)
    left = g.conv_relu("stem.4a.branch0.1", left, 96, 3, padding=0, norm=True)
    right = _branch(g, "stem.4a.branch1", x, ((64, 1), (64, (1, 7)), (64, (7, 1))))
    right = g.conv_relu("stem.4a.branch1.3", right, 96, 3, padding=0, norm=True)
    x = _reduction(g, "stem.5a", g.concat("stem.4a.concat", left, right), ((192, 3),))
    for i in range(4):
        x = _block(g, f"a{i}", x, *_A, pooled=96)
    x = _reduction(g, "reduction_a", x, ((384, 3),), ((192, 1), (224, 3), (256, 3)))
    for i in range(7):
        x = _block(g, f"b{i}", x, *_B, pooled=128)
    x = _reduction(
        g, "reduction_b", x, ((192, 1), (192, 3)), ((256, 1), (256, (1, 7)), (320, (7, 1)), (320, 3))
    )
    for i in range(3):
        x = _parting(g, f"c{i}", x, 256, (((384, 1),), ((384, 1), (448, (3, 1)), (512, (1, 3)))), 256, 256)
    average_and_classify(g, x, "logits")


def _parting(
    g: GraphBuilder, name: str, x: str, one: int, stems: tuple[Branch, ...], parted: int, pooled: int
) -> str:
    """A 1x1 branch of ``one`` channels; ``stems`` that part into 1x3 and 3x1; a pooled branch."""
    ys = [g.conv_relu(f"{name}.branch0", x, one, 1, norm=True)]
    for i, stem in enumerate(stems, 1):
        y = _branch(g, f"{name}.branch{i}", x, stem)
        ys.append(g.conv_relu(f"{name}.branch{i}.wide", y, parted, (1, 3), norm=True))
        ys.append(g.conv_relu(f"{name}.branch{i}.high", y, parted, (3, 1), norm=True))
    mean = g.pool(f"{name}.pool", x, 3, 1, padding=1)
    return g.concat(f"{name}.concat", *ys, g.conv_relu(f"{name}.branch3", mean, pooled, 1, norm=True))


def _inception_v3(g: GraphBuilder, x: str) -> None:
    """As in torchvision, without the auxiliary classifier."""
    x = g.conv_relu("conv2d_1a", x, 32, 3, stride=2, padding=0, norm=True)
    x = g.conv_relu("conv2d_2a", x, 32, 3, padding=0, norm=True)
    x = g.pool("maxpool1", g.conv_relu("conv2d_2b", x, 64, 3, norm=True), 3, 2)
    x = g.conv_relu("conv2d_3b", x, 80, 1, norm=True)
    x = g.pool("maxpool2", g.conv_relu("conv2d_4a", x, 192, 3, padding=0, norm=True), 3, 2)
    first: tuple[Branch, ...] = (((64, 1),), ((48, 1), (64, 5)), ((64, 1), (96, 3), (96, 3)))
    for block, pooled in (("5b", 32), ("5c", 64), ("5d", 64)):
        x = _block(g, f"mixed_{block}", x, *first, pooled=pooled)
    x = _reduction(g, "mixed_6a", x, ((384, 3),), ((64, 1), (96, 3), (96, 3)))
    for block, n in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        short: Branch = ((n, 1), (n, (1, 7)), (192, (7, 1)))
        long: Branch = ((n, 1), (n, (7, 1)), (n, (1, 7)), (n, (7, 1)), (192, (1, 7)))
        x = _block(g, f"mixed_{block}", x, ((192, 1),), short, long, pooled=192)
    high: Branch = ((192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3))
    x = _reduction(g, "mixed_7a", x, ((192, 1), (320, 3)), high)
    for block in ("7b", "7c"):
        x = _parting(g, f"mixed_{block}", x, 320, (((384, 1),), ((448, 1), (384, 3))), 384, 192)
    average_and_classify(g, x, "fc")


_BLOCK35: tuple[Branch, ...] = (((32, 1),), ((32, 1), (32, 3)), ((32, 1), (48, 3), (64, 3)))
_BLOCK17: tuple[Branch, ...] = (((192, 1),), ((128, 1), (160, (1, 7)), (192, (7, 1))))
_BLOCK8: tuple[Branch, ...] = (((192, 1),), ((192, 1), (224, (1, 3)), (256, (3, 1))))


def _inception_resnet_v2(g: GraphBuilder, x: str) -> None:
    x = g.conv_relu("conv2d_1a", x, 32, 3, stride=2, padding=0, norm=True)
    x = g.conv_relu("conv2d_2a", x, 32, 3, padding=0, norm=True)
    x = g.pool("maxpool_3a", g.conv_relu("conv2d_2b", x, 64, 3, norm=True), 3, 2)
    x = g.conv_relu("conv2d_3b", x, 80, 1, norm=True)
    x = g.pool("maxpool_5a", g.conv_relu("conv2d_4a", x, 192, 3, padding=0, norm=True), 3, 2)
    first: tuple[Branch, ...] = (((96, 1),), ((48, 1), (64, 5)), ((64, 1), (96, 3), (96, 3)))
    x = _block(g, "mixed_5b", x, *first, pooled=64)
    for i in range(10):
        x = _residual(g, f"block35_{i}", x, _BLOCK35)
    x = _reduction(g, "mixed_6a", x, ((384, 3),), ((256, 1), (256, 3), (384, 3)))
    for i in range(20):
        x = _residual(g, f"block17_{i}", x, _BLOCK17)
    x = _reduction(
        g, "mixed_7a", x, ((256, 1), (384, 3)), ((256, 1), (288, 3)), ((256, 1), (288, 3), (320, 3))
    )
    for i in range(10):
        x = _residual(g, f"block8_{i}", x, _BLOCK8)
    average_and_classify(g, g.conv_relu("conv2d_7b", x, 1536, 1, norm=True), "logits")


def _residual(g: GraphBuilder, name: str, x: str, branches: tuple[Branch, ...]) -> str:
    """Branches joined, brought to the channels of the input, added to it."""
    ys = [_branch(g, f"{name}.branch{i}", x, branch) for i, branch in enumerate(branches)]
    y = g.conv(f"{name}.conv", g.concat(f"{name}.concat", *ys), g.shapes[x][1], 1)
    return g.relu(g.vector(f"{name}.add", "add", x, y))


_V4 = "Szegedy et al., Inception-v4, Inception-ResNet and the Impact of Residual Connections, AAAI 2017"

NETWORKS: dict[str, ImageEntry] = {
    "googlenet": ImageEntry(
        "GoogLeNet: 9 inception blocks, no auxiliary classifiers",
        "Szegedy et al., Going Deeper with Convolutions, CVPR 2015; 3x3 in the 5x5 branch (torchvision)",
        _googlenet,
    ),
    "inception_v3": ImageEntry(
        "Inception v3: 11 inception blocks, 299 x 299 pixels",
        "Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016",
        _inception_v3,
        size=299,
        smallest=75,
    ),
    "inception_v4": ImageEntry(
        "Inception v4: 14 inception blocks, 299 x 299 pixels", _V4, _inception_v4, size=299, smallest=75
    ),
    "inception_resnet_v2": ImageEntry(
        "Inception-ResNet v2: 40 residual inception blocks, 299 x 299 pixels",
        f"{_V4}; sizes of TF-Slim",
        _inception_resnet_v2,
        size=299,
        smallest=75,
    ),
}

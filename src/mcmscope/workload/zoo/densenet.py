"""DenseNet: every layer reads all earlier ones of its block."""

from __future__ import annotations

from mcmscope.workload.builder import GraphBuilder
from mcmscope.workload.zoo.entry import ImageEntry, average_and_classify

_GROWTH = 32


def _densenet121(g: GraphBuilder, x: str) -> None:
    """Norm and activation come before the convolutions, over all that was concatenated."""
    x = g.conv_relu("features.conv0", x, 64, 7, stride=2, norm=True)
    x = g.pool("features.pool0", x, 3, 2, padding=1)
    for block, count in enumerate((6, 12, 24, 16), 1):
        if block > 1:
            name = f"features.transition{block - 1}"
            x = g.conv(f"{name}.conv", g.relu(g.norm(x)), g.shapes[x][1] // 2, 1)
            x = g.pool(f"{name}.pool", x, 2, 2)
        for i in range(1, count + 1):
            name = f"features.denseblock{block}.denselayer{i}"
            y = g.conv_relu(f"{name}.conv1", g.relu(g.norm(x)), 4 * _GROWTH, 1, norm=True)
            x = g.concat(f"{name}.concat", x, g.conv(f"{name}.conv2", y, _GROWTH, 3))
    average_and_classify(g, g.relu(g.norm(x)), "classifier")


NETWORKS: dict[str, ImageEntry] = {
    "densenet121": ImageEntry(
        "DenseNet-121: dense blocks of 6, 12, 24 and 16 layers",
        "Huang et al., Densely Connected Convolutional Networks, CVPR 2017",
        _densenet121,
    ),
}

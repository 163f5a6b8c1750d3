"""Networks by name, a file per family; at 224 x 224 pixels unless said or asked otherwise.

They are those of torchvision, or of TensorFlow where torchvision has none.
"""

from __future__ import annotations

from mcmscope.workload.zoo import densenet, inception, mobile, resnet, vgg
from mcmscope.workload.zoo.entry import ZooEntry

__all__ = ["ZOO", "ZooEntry"]

ZOO: dict[str, ZooEntry] = {
    name: entry
    for family in (vgg, resnet, inception, mobile, densenet)
    for name, entry in family.NETWORKS.items()
}

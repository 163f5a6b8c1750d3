"""Networks by name, a file per family; at 224 x 224 pixels unless said or asked otherwise.

Those of images are torchvision's, or TensorFlow's where torchvision has none; those of tokens are written
from their published configurations.
"""

from __future__ import annotations

from mcmscope.workload.zoo import densenet, inception, language, mobile, resnet, vgg, vision
from mcmscope.workload.zoo.entry import ZooEntry

__all__ = ["ZOO", "ZooEntry"]

ZOO: dict[str, ZooEntry] = {
    name: entry
    for family in (vgg, resnet, inception, mobile, densenet, vision, language)
    for name, entry in family.NETWORKS.items()
}

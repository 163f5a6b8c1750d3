"""Networks: the zoo, ONNX files, and the layers that the cost model sees."""

from mcmscope.workload.load import load_network, zoo_description, zoo_names
from mcmscope.workload.network import Layer, Network, NetworkInput, Op, Operand, Role, bytes_of

__all__ = [
    "Layer",
    "Network",
    "NetworkInput",
    "Op",
    "Operand",
    "Role",
    "bytes_of",
    "load_network",
    "zoo_description",
    "zoo_names",
]

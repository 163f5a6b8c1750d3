"""Decide how neural networks run on multi-chip-module (chiplet) accelerators."""

__version__ = "0.1.0"

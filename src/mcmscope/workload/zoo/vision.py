"""Images by attention, and the convolutional network that learnt from it: ViT, Swin, ConvNeXt."""

from __future__ import annotations

from functools import partial

from mcmscope.workload.builder import GraphBuilder
from mcmscope.workload.zoo.attention import SOFTMAX_PASSES, Heads, attention, norm
from mcmscope.workload.zoo.entry import CLASSES, ImageEntry

_GELU_PASSES = 5
"""As exporters write it with erf."""


def _perceptron(g: GraphBuilder, name: str, x: str) -> str:
    """Four times as wide, GELU, as wide as before; over the last axis."""
    width = g.shapes[x][-1]
    y = g.vector(f"{name}.gelu", "gelu", g.linear(f"{name}.up", x, 4 * width), passes=_GELU_PASSES)
    return g.linear(f"{name}.down", y, width)


def _vit(g: GraphBuilder, x: str, *, patch: int, width: int, layers: int, heads: int) -> None:
    """Patches and a class token as a sequence; the class token is classified."""
    x = g.conv("conv_proj", x, width, patch, stride=patch, padding=0)
    tokens = g.shapes[x][2] * g.shapes[x][3]
    x = g.transpose("tokens", g.reshape("patches", x, width, tokens), 0, 2, 1)
    x = g.vector("positions", "add", g.join("class_token", x, axis=1, size=tokens + 1))
    shape = Heads(heads, heads, width // heads, joined=True)
    for i in range(layers):
        name = f"encoder.layer_{i}"
        y = attention(g, f"{name}.attention", norm(g, f"{name}.ln_1", x), shape, [])
        x = g.vector(f"{name}.attention.add", "add", g.linear(f"{name}.attention.out", y, width), x)
        y = _perceptron(g, f"{name}.mlp", norm(g, f"{name}.ln_2", x))
        x = g.vector(f"{name}.mlp.add", "add", y, x)
    x = g.part("class", norm(g, "encoder.ln", x), 1, 1)
    g.linear("heads.head", g.reshape("class.flat", x, width), CLASSES)


_WINDOW = 7


def _swin(g: GraphBuilder, x: str, *, width: int, depths: tuple[int, ...], heads: tuple[int, ...]) -> None:
    """Attention in windows of 7 x 7, shifted in every other block; stages of half the sides, twice as wide.

    A window of a head is a head of the products: what reads the windows' results reads all of them.
    """
    x = g.transpose("patches", g.conv("patch_embed", x, width, 4, stride=4, padding=0), 0, 2, 3, 1)
    x = norm(g, "patch_norm", x)
    for stage, depth in enumerate(depths):
        if stage:
            x = _merge_patches(g, f"merge{stage}", x)
        for i in range(depth):
            name = f"stage{stage}.{i}"
            shifted = i % 2 == 1 and g.shapes[x][1] > _WINDOW
            y = _window_attention(g, f"{name}.attn", norm(g, f"{name}.norm1", x), heads[stage], shifted)
            x = g.vector(f"{name}.attn.add", "add", y, x)
            y = _perceptron(g, f"{name}.mlp", norm(g, f"{name}.norm2", x))
            x = g.vector(f"{name}.mlp.add", "add", y, x)
    x = g.global_pool("avgpool", g.transpose("channels_first", norm(g, "norm", x), 0, 3, 1, 2))
    g.linear("head", g.flatten("flatten", x), CLASSES)


def _merge_patches(g: GraphBuilder, name: str, x: str) -> str:
    """Squares of 2 x 2 positions side by side, then half as many channels."""
    _, height, width, channels = g.shapes[x]
    x = g.reshape(f"{name}.squares", x, height // 2, 2, width // 2, 2, channels)
    x = g.transpose(f"{name}.turned", x, 0, 1, 3, 2, 4, 5)
    x = norm(g, f"{name}.norm", g.reshape(f"{name}.wide", x, height // 2, width // 2, 4 * channels))
    return g.linear(f"{name}.reduction", x, 2 * channels)


def _window_attention(g: GraphBuilder, name: str, x: str, heads: int, shifted: bool) -> str:
    """Attention within each window, with its output projection."""
    _, height, width, channels = g.shapes[x]
    size = channels // heads
    down, across = height // _WINDOW, width // _WINDOW
    x = g.move(f"{name}.shift", "roll", x) if shifted else x
    joined = g.linear(f"{name}.qkv", x, 3 * channels)
    query, key, value = (
        _windows(g, f"{name}.{part}", g.part(f"{name}.{part}", joined, 3, channels), heads) for part in "qkv"
    )
    # Scaling, the bias by relative position, the mask of a shifted window, softmax.
    passes = 2 + shifted + SOFTMAX_PASSES
    scores = g.matmul(f"{name}.scores", query, key, turned=True)
    mixed = g.matmul(f"{name}.mix", g.vector(f"{name}.softmax", "softmax", scores, passes=passes), value)
    y = g.reshape(f"{name}.grid", mixed, down, across, heads, _WINDOW, _WINDOW, size)
    y = g.transpose(f"{name}.back", y, 0, 1, 4, 2, 5, 3, 6)
    y = g.linear(f"{name}.proj", g.reshape(f"{name}.image", y, height, width, channels), channels)
    return g.move(f"{name}.shift_back", "roll", y) if shifted else y


def _windows(g: GraphBuilder, name: str, x: str, heads: int) -> str:
    """``[1, windows * heads, positions, size]`` of ``[1, height, width, channels]``."""
    _, height, width, channels = g.shapes[x]
    down, across, size = height // _WINDOW, width // _WINDOW, channels // heads
    x = g.reshape(f"{name}.cut", x, down, _WINDOW, across, _WINDOW, heads, size)
    x = g.transpose(f"{name}.grouped", x, 0, 1, 3, 5, 2, 4, 6)
    return g.reshape(f"{name}.windows", x, down * across * heads, _WINDOW * _WINDOW, size)


def _convnext(g: GraphBuilder, x: str, *, widths: tuple[int, ...], depths: tuple[int, ...]) -> None:
    """Depthwise 7 x 7 convolutions, then a perceptron over the channels, scaled and added."""
    x = _norm_of_image(g, "stem.norm", g.conv("stem", x, widths[0], 4, stride=4, padding=0))
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        if stage:
            x = _norm_of_image(g, f"downsample{stage}.norm", x)
            x = g.conv(f"downsample{stage}", x, width, 2, stride=2, padding=0)
        for i in range(depth):
            name = f"stage{stage}.{i}"
            y = g.conv(f"{name}.depthwise", x, width, 7, groups=width)
            y = norm(g, f"{name}.norm", g.transpose(f"{name}.channels_last", y, 0, 2, 3, 1))
            y = g.vector(f"{name}.scale", "mul", _perceptron(g, f"{name}.mlp", y))
            y = g.transpose(f"{name}.channels_first", y, 0, 3, 1, 2)
            x = g.vector(f"{name}.add", "add", y, x)
    x = norm(g, "norm", g.global_pool("avgpool", x))
    g.linear("classifier", g.flatten("flatten", x), CLASSES)


def _norm_of_image(g: GraphBuilder, name: str, x: str) -> str:
    """A norm over the channels of each position."""
    x = norm(g, name, g.transpose(f"{name}.channels_last", x, 0, 2, 3, 1))
    return g.transpose(f"{name}.channels_first", x, 0, 3, 1, 2)


NETWORKS: dict[str, ImageEntry] = {
    "convnext_tiny": ImageEntry(
        "ConvNeXt-Tiny: depthwise 7 x 7 convolutions and perceptrons, 18 blocks",
        "Liu et al., A ConvNet for the 2020s, CVPR 2022",
        partial(_convnext, widths=(96, 192, 384, 768), depths=(3, 3, 9, 3)),
    ),
    "swin_t": ImageEntry(
        "Swin-T: attention in shifted windows of 7 x 7, 12 blocks",
        "Liu et al., Swin Transformer: Hierarchical Vision Transformer using Shifted Windows, ICCV 2021",
        partial(_swin, width=96, depths=(2, 2, 6, 2), heads=(3, 6, 12, 24)),
        fixed_size=True,
    ),
    "vit_b_16": ImageEntry(
        "ViT-B/16: 12 encoder layers over patches of 16 x 16 pixels",
        "Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021",
        partial(_vit, patch=16, width=768, layers=12, heads=12),
        fixed_size=True,
    ),
}

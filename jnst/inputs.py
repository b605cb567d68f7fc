"""The pictures that a run is given: checked, resized, and the first image made of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checkpoint import fingerprint
from .config import Config
from .images import resize
from .sizes import style_size
from .vgg import Params, smallest_side

Pixels = NDArray[np.float32]


def as_list(styles: Any) -> list[ArrayLike]:
    """One style or several, as a list."""
    return list(styles) if isinstance(styles, list | tuple) else [styles]


def checked(name: str, image: ArrayLike) -> Pixels:
    """The image as float32; raises ValueError or TypeError, by name, if it cannot be one."""
    pixels = np.asarray(image)
    if pixels.ndim != 3 or pixels.shape[-1] != 3 or 0 in pixels.shape:
        raise ValueError(f"{name} has shape {pixels.shape}: an image is [height, width, 3]")
    if not np.issubdtype(pixels.dtype, np.floating):
        raise TypeError(
            f"{name} has dtype {pixels.dtype}: give floats in [0, 1], such as pixels / 255"
        )
    if not np.isfinite(pixels).all():
        raise ValueError(f"{name} contains NaN or infinity: repair the picture first")
    return pixels.astype(np.float32)


def check_sizes(
    params: Params,
    content: Pixels,
    styles: list[Pixels],
    sizes: list[tuple[int, int]],
    config: Config,
) -> None:
    """Raises ValueError if a picture is too small for the layers at one of the sizes."""
    layers = (*config.content_layers, *config.style_layers)
    need = smallest_side(params.network, layers) if layers else 1
    named = [("content", size) for size in sizes]
    for i, style in enumerate(styles, start=1):
        named += [(f"style {i}", style_size(style.shape, *size, config)) for size in sizes]
    for name, (height, width) in named:
        if min(height, width) < need:
            raise ValueError(
                f"{name} would be {width}x{height} pixels at its smallest scale, but these layers "
                f"need at least {need} on each side: use a larger size or shallower layers"
            )


def style_at(style: Pixels, height: int, width: int, config: Config) -> Pixels:
    """The style, resized to go with an image of that height and width."""
    size = style_size(style.shape, height, width, config)
    return resize(style, *size, resample=config.resample)


def first_image(params: Params, content: Pixels, styles: list[Pixels], config: Config) -> Pixels:
    """What the optimisation starts from, unless it is a file."""
    rng = np.random.default_rng(config.seed)
    if config.init == "content":
        return content
    if config.init == "noise":
        # What the network sees as zero, on which the published programs centre their noise.
        gray = np.asarray(params.preprocessing.mean_color, np.float32) / config.input_gain
        return gray + np.float32(config.noise) * rng.standard_normal(content.shape, np.float32)
    palette = np.concatenate([s.reshape(-1, 3) for s in styles])
    return palette[rng.integers(len(palette), size=content.shape[:2])]


def fingerprints(
    params: Params, content: Pixels, styles: Sequence[Pixels], start: Pixels | None
) -> Mapping[str, str]:
    """What tells whether a checkpoint belongs to these inputs, by their names."""
    found = {"content": fingerprint(content)}
    found |= {f"style {i}": fingerprint(style) for i, style in enumerate(styles, start=1)}
    if start is not None:
        found["init image"] = fingerprint(start)
    weights = params.sha256 or "/".join(
        fingerprint(values)
        for _, layer in sorted(params.layers.items())
        for _, values in sorted(layer.items())
    )
    found["network"] = f"{params.network} {params.preprocessing} {weights}"
    return found

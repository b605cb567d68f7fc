"""The pictures that a run is given: checked, resized, coloured, and their fingerprints."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Pixels
from ..config import Config
from ..images import resize_picture
from ..images.color_matching import EPSILON, match_colors
from ..images.luminance import keep_colors, luminance
from ..network import Params
from ..network.architecture import smallest_side
from .checkpoint import fingerprint
from .sizes import style_sizes


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


def checked_pictures(
    content: ArrayLike,
    styles: ArrayLike | Sequence[ArrayLike],
    init_image: ArrayLike | None,
    config: Config,
) -> tuple[Pixels, list[Pixels], Pixels | None]:
    """Content, styles and start as float32; ValueError or TypeError for one that cannot be used."""
    base = checked("content", content)
    sources = [checked(f"style {i}", s) for i, s in enumerate(as_list(styles), start=1)]
    if not sources:
        raise ValueError("no style image was given: give at least one")
    start = None if init_image is None else checked("init_image", init_image)
    if (config.init == "file") != (start is not None):
        raise ValueError(
            f"init is {config.init!r} and an init image was "
            f"{'not ' if start is None else ''}given: use init='file' together with init_image"
        )
    return base, sources, start


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
    shapes = [style.shape for style in styles]
    for size in sizes:
        found = enumerate(style_sizes(shapes, *size, config), start=1)
        named += [(f"style {i}", side) for i, side in found]
    for name, (height, width) in named:
        if min(height, width) < need:
            raise ValueError(
                f"{name} would be {width}x{height} pixels at its smallest scale, but these layers "
                f"need at least {need} on each side: use a larger size or shallower layers"
            )


def styles_at(styles: Sequence[Pixels], height: int, width: int, config: Config) -> list[Pixels]:
    """The styles, resized to go with an image of that height and width."""
    sizes = style_sizes([style.shape for style in styles], height, width, config)
    return [
        resize_picture(style, *size, resample=config.resample)
        for style, size in zip(styles, sizes, strict=True)
    ]


def fingerprints(
    params: Params,
    content: Pixels,
    styles: Sequence[Pixels],
    start: Pixels | None,
    masks: Mapping[str, Pixels],
) -> Mapping[str, str]:
    """What tells whether a checkpoint belongs to these inputs, by their names."""
    found = {"content": fingerprint(content)}
    found |= {f"style {i}": fingerprint(style) for i, style in enumerate(styles, start=1)}
    found |= {name: fingerprint(mask) for name, mask in masks.items()}
    if start is not None:
        found["init image"] = fingerprint(start)
    weights = params.sha256 or "/".join(
        fingerprint(values)
        for _, layer in sorted(params.layers.items())
        for _, values in sorted(layer.items())
    )
    found["network"] = f"{params.network} {params.preprocessing} {weights}"
    return found


class Coloring(NamedTuple):
    """What a choice of `COLORS` makes of the pictures of a run, and of each painting.

    Attributes:
        content: [H, W, 3], what is painted.
        styles: what is painted like.
        original: the content in its colours if they are kept by luminance, else None.
        space: the colour space in which they are.
    """

    content: Pixels
    styles: list[Pixels]
    original: Pixels | None = None
    space: str = ""

    def finish(self, painting: Pixels, resize: Callable[..., Pixels]) -> Pixels:
        """A painting, finished or not, in the colours that it is to have.

        Args:
            painting: [h, w, 3] as optimised.
            resize: brings the original to a height and width.
        """
        if self.original is None:
            return painting
        return keep_colors(painting, resize(self.original, *painting.shape[:2]), self.space)


def colored(color: str, content: Pixels, styles: Sequence[Pixels]) -> Coloring:
    """The pictures of a run as a choice of `COLORS` wants them.

    "style" changes nothing. "luminance-…" paints in gray, with the styles' luminance brought to
    the mean and deviation of the content's; the content's colours come back in
    `Coloring.finish`. "match-…" brings the colours of each style to the content's.

    Args:
        color: one of `COLORS`.
        content, styles: [H, W, 3] float32, sRGB in [0, 1].

    Example:
        >>> black, white = np.zeros((2, 2, 3), np.float32), np.ones((2, 2, 3), np.float32)
        >>> colored("match-histogram", black, [white]).styles[0].max()
        np.float32(0.0)
    """
    way, _, name = color.partition("-")
    if way == "luminance":
        gray = luminance(content, name)
        styles = [_like(luminance(style, name), gray) for style in styles]
        return Coloring(gray, styles, content, name)
    if way == "match":
        styles = [match_colors(style, content, name).astype(np.float32) for style in styles]
    return Coloring(content, list(styles))


def _like(gray: Pixels, goal: Pixels) -> Pixels:
    """The gray picture with the mean and the deviation of another."""
    mean, wanted_mean = (g.mean(dtype=np.float64) for g in (gray, goal))
    spread, wanted = (np.sqrt(g.var(dtype=np.float64) + EPSILON) for g in (gray, goal))
    return np.asarray((gray - mean) * (wanted / spread) + wanted_mean, np.float32)

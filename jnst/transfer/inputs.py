"""The input pictures of a run: checked, resized, coloured, and their fingerprints."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Pixels
from ..compute import Scene
from ..compute.canvas import Kept
from ..config import Config
from ..images import resize_picture
from ..images.color_matching import EPSILON, match_colors
from ..images.luminance import keep_colors, luminance
from ..images.resizing import with_bleed, without_rim
from ..network import Params
from ..network.architecture import check_layers, smallest_side
from .checkpoint import fingerprint
from .masks import Masks
from .sizes import Scale, drop_small_scales, plan_scales, style_sizes


def as_list(styles: Any) -> list[ArrayLike]:
    """One style or several, as a list."""
    return list(styles) if isinstance(styles, list | tuple) else [styles]


def checked(name: str, image: ArrayLike) -> Pixels:
    """The image as float32; raises ValueError or TypeError, naming it, if it is not valid."""
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


class Coloring(NamedTuple):
    """The pictures of a run after a choice of `COLORS`, and the recolouring of paintings.

    Attributes:
        content: [H, W, 3], recoloured.
        styles: recoloured.
        original: the content in its colours if they are kept by luminance, else None.
        space: the colour space of the luminance.
    """

    content: Pixels
    styles: list[Pixels]
    original: Pixels | None = None
    space: str = ""

    def finish(self, painting: Pixels, resize: Callable[..., Pixels]) -> Pixels:
        """A finished or intermediate painting in its final colours.

        Args:
            painting: [h, w, 3] as optimised.
            resize: resizes the original to a height and width.
        """
        if self.original is None:
            return painting
        return keep_colors(painting, resize(self.original, *painting.shape[:2]), self.space)


class Pictures(NamedTuple):
    """The pictures of a run as float32, sRGB in [0, 1].

    Attributes:
        content: [H, W, 3].
        styles: [h, w, 3] each.
        start: [H, W, 3] for init "file", else None.
    """

    content: Pixels
    styles: list[Pixels]
    start: Pixels | None

    @property
    def shapes(self) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
        """The shapes of the content and of the styles."""
        return self.content.shape, [style.shape for style in self.styles]


def checked_pictures(
    content: ArrayLike,
    styles: ArrayLike | Sequence[ArrayLike],
    init_image: ArrayLike | None,
    config: Config,
) -> Pictures:
    """The pictures as float32; raises ValueError or TypeError for one that is not valid."""
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
    return Pictures(base, sources, start)


class View(NamedTuple):
    """The pictures at one scale.

    Attributes:
        scale: its number, size and steps.
        content: [H, W, 3], without a margin.
        styles: [h, w, 3] each.
    """

    scale: Scale
    content: Pixels
    styles: list[Pixels]


@dataclass(frozen=True)
class Inputs:
    """All inputs of a run, checked and coloured.

    Attributes:
        params: the network.
        config: of the run, without scales at which a picture is too small.
        pictures: styles without their rim, colours according to `config.color`, at the sizes
            given.
        masks: those of the styles without their rim.
        coloring: recolours paintings.
        scales: coarse to fine.
    """

    params: Params
    config: Config
    pictures: Pictures
    masks: Masks
    coloring: Coloring
    scales: list[Scale]

    def at(self, scale: Scale) -> View:
        """The pictures, resized for a scale."""
        content, config = self.pictures.content, self.config
        resized = resize_picture(content, *scale.size, resample=config.resample)
        return View(scale, resized, styles_at(self.pictures.styles, *scale.size, config))

    def scene(self, view: View) -> Scene:
        """The input of an engine: the pictures of a scale with their margin and guidance."""
        shapes = [style.shape for style in view.styles]
        network, margin = self.params.network, view.scale.margin
        guidance = self.masks.guidance(network, view.content.shape, shapes, self.config, margin)
        return Scene(with_bleed(view.content, margin), view.styles, guidance)

    def kept(self, view: View) -> Kept | None:
        """The content pixels that stay unchanged at a scale, margin included."""
        return self.masks.kept(view.content, view.scale.margin)

    def finish(self, painting: Pixels) -> Pixels:
        """A finished or intermediate painting in its final colours."""
        return self.coloring.finish(
            painting, partial(resize_picture, resample=self.config.resample)
        )


def prepare_inputs(
    params: Params, pictures: Pictures, masks: Masks, config: Config
) -> tuple[Inputs, Callable[[], Mapping[str, str]]]:
    """The inputs of a run, and a function for the fingerprints of the uncoloured pictures.

    Raises:
        ValueError: for an unknown layer, or a picture that is too small for the layers.
    """
    content, styles, start = pictures
    styles = [without_rim(style, config.style_rim) for style in styles]
    masks = masks.without_rim(config.style_rim)
    check_layers(params.network, config.layers)
    config = drop_small_scales(config, content.shape, [style.shape for style in styles])
    scales = plan_scales(content.shape, config)
    check_sizes(params, content, styles, [scale.size for scale in scales], config)
    coloring = colored(config.color, content, styles)
    painted = Pictures(coloring.content, coloring.styles, start)
    named = partial(fingerprints, params, content, styles, start, masks.named())
    return Inputs(params, config, painted, masks, coloring, scales), named


def check_sizes(
    params: Params,
    content: Pixels,
    styles: list[Pixels],
    sizes: list[tuple[int, int]],
    config: Config,
) -> None:
    """Raises ValueError if a picture is too small for the layers at one of the sizes."""
    need = smallest_side(params.network, config.layers)
    named = [("content", size) for size in sizes]
    shapes = [style.shape for style in styles]
    for size in sizes:
        numbered = enumerate(style_sizes(shapes, *size, config), start=1)
        named += [(f"style {i}", style_size) for i, style_size in numbered]
    for name, (height, width) in named:
        if min(height, width) < need:
            raise ValueError(
                f"{name} would be {width}x{height} pixels at its smallest scale, but these layers "
                f"need at least {need} on each side: use a larger size or shallower layers"
            )


def styles_at(styles: Sequence[Pixels], height: int, width: int, config: Config) -> list[Pixels]:
    """The styles, resized for an image of this height and width."""
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
    """Fingerprints of the inputs by name, which tell whether a checkpoint belongs to them."""
    hashes = {"content": fingerprint(content)}
    hashes |= {f"style {i}": fingerprint(style) for i, style in enumerate(styles, start=1)}
    hashes |= {name: fingerprint(mask) for name, mask in masks.items()}
    if start is not None:
        hashes["init image"] = fingerprint(start)
    weights = params.sha256 or "/".join(
        fingerprint(values)
        for _, layer in sorted(params.layers.items())
        for _, values in sorted(layer.items())
    )
    hashes["network"] = f"{params.network} {params.preprocessing} {weights}"
    return hashes


def colored(color: str, content: Pixels, styles: Sequence[Pixels]) -> Coloring:
    """The pictures of a run, recoloured according to a choice of `COLORS`.

    "style" changes nothing. "luminance-…" paints in gray, with the styles' luminance matched to
    the mean and standard deviation of the content's; `Coloring.finish` restores the content's
    colours. "match-…" matches the colours of each style to the content's.

    Args:
        color: one of `COLORS`.
        content, styles: [H, W, 3] float32, sRGB in [0, 1].

    Example:
        >>> black, white = np.zeros((2, 2, 3), np.float32), np.ones((2, 2, 3), np.float32)
        >>> colored("match-histogram", black, [white]).styles[0].max()
        np.float32(0.0)
    """
    method, _, name = color.partition("-")
    if method == "luminance":
        gray = luminance(content, name)
        styles = [_like(luminance(style, name), gray) for style in styles]
        return Coloring(gray, styles, content, name)
    if method == "match":
        styles = [match_colors(style, content, name).astype(np.float32) for style in styles]
    return Coloring(content, list(styles))


def _like(gray: Pixels, goal: Pixels) -> Pixels:
    """The gray picture with the mean and the standard deviation of another."""
    mean, goal_mean = (g.mean(dtype=np.float64) for g in (gray, goal))
    deviation, goal_deviation = (np.sqrt(g.var(dtype=np.float64) + EPSILON) for g in (gray, goal))
    return np.asarray((gray - mean) * (goal_deviation / deviation) + goal_mean, np.float32)

"""The input pictures of a run: checked, resized, coloured, and their fingerprints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..arrays import ArrayLike, Pixels, check_image
from ..compute import Scene
from ..config import Config
from ..images import Picture, resize_picture
from ..images.color_matching import EPSILON, match_colors
from ..images.luminance import keep_colors, luminance
from ..images.resizing import with_bleed, without_rim
from ..network import Params
from ..network.architecture import check_layers, smallest_side
from ..wording import about
from .checkpoint import fingerprint
from .masks import Masks
from .sizes import Scale, drop_small_scales, plan_scales, style_sizes


class Pictures(NamedTuple):
    """The pictures of a run as float32, sRGB in [0, 1]."""

    content: Pixels  # [H, W, 3]
    styles: list[Pixels]  # [h, w, 3] each
    start: Pixels | None = None  # [H, W, 3] for init "file"
    # [h, w] of the content and of each style, None where nothing is hidden.
    alphas: tuple[Pixels | None, ...] = ()

    @property
    def shapes(self) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
        """The shapes of the content and of the styles."""
        return self.content.shape, [style.shape for style in self.styles]


def checked_pictures(
    content: ArrayLike | Picture,
    styles: ArrayLike | Picture | Sequence[ArrayLike | Picture],
    init_image: ArrayLike | Picture | None,
    config: Config,
) -> Pictures:
    """The pictures as float32; raises ValueError or TypeError for one that is not valid."""
    with about("content"):
        base = _checked("content", content)
    several = styles if isinstance(styles, list | tuple) else [styles]
    with about("styles"):
        sources = [_checked(f"style {i}", style) for i, style in enumerate(several, start=1)]
    if not sources:
        raise ValueError("no style image was given: give at least one")
    start = None if init_image is None else _checked("init_image", init_image)
    if (config.init == "file") != (start is not None):
        raise ValueError(
            f"init is {config.init!r} and an init image was "
            f"{'not ' if start is None else ''}given: use init='file' together with init_image"
        )
    return Pictures(base, sources, start, tuple(map(_alpha, [content, *several])))


def _alpha(image: ArrayLike | Picture) -> Pixels | None:
    """The alpha of a picture of which something is hidden."""
    alpha = image.alpha if isinstance(image, Picture) else None
    return alpha if alpha is not None and alpha.min() < 1 else None


def _checked(name: str, image: ArrayLike | Picture) -> Pixels:
    pixels = np.asarray(image.pixels if isinstance(image, Picture) else image)
    check_image(name, pixels)
    if not np.isfinite(pixels).all():
        raise ValueError(f"{name} contains NaN or infinity: repair the picture first")
    if isinstance(image, Picture) and image.alpha is not None and not image.alpha.any():
        raise ValueError(f"{name} is transparent everywhere: give a picture with visible pixels")
    return pixels.astype(np.float32)


@dataclass(frozen=True)
class Inputs:
    """All inputs of a run, checked and coloured."""

    params: Params
    config: Config  # without scales at which a picture is too small
    originals: Pictures  # at the sizes given, styles without their rim
    pictures: Pictures  # the same in colours according to `config.color`
    masks: Masks  # those of the styles without their rim
    scales: list[Scale]  # coarse to fine

    def scene(self, scale: Scale) -> Scene:
        """The pictures of a scale, the content with its margin, and the regions of the styles."""
        config = self.config
        content = resize_picture(self.pictures.content, *scale.size, resample=config.resample)
        styles = styles_at(self.pictures.styles, *scale.size, config)
        guidance = self.masks.guidance(self.params.network, content, styles, config, scale.margin)
        return Scene(with_bleed(content, scale.margin), styles, guidance)

    def finish(self, painting: Pixels) -> Pixels:
        """A painting [h, w, 3] in its final colours."""
        method, _, space = self.config.color.partition("-")
        if method != "luminance":
            return painting
        size, resample = painting.shape[:2], self.config.resample
        content = resize_picture(self.originals.content, *size, resample=resample)
        return keep_colors(painting, content, space)

    def fingerprints(self) -> Mapping[str, str]:
        """Hashes of the inputs by name, which tell whether a checkpoint belongs to them."""
        content, styles, start, _ = self.originals
        arrays = {"content": content}
        arrays |= {f"style {i}": style for i, style in enumerate(styles, start=1)}
        arrays |= self.masks.named() | ({} if start is None else {"init image": start})
        weights = self.params.sha256 or "/".join(
            fingerprint(values)
            for _, layer in sorted(self.params.layers.items())
            for _, values in sorted(layer.items())
        )
        network = f"{self.params.network} {self.params.preprocessing} {weights}"
        return {name: fingerprint(array) for name, array in arrays.items()} | {"network": network}


def prepare_inputs(params: Params, pictures: Pictures, masks: Masks, config: Config) -> Inputs:
    """The inputs of a run; ValueError for an unknown layer, or a picture that is too small."""
    styles = [without_rim(style, config.style_rim) for style in pictures.styles]
    originals = pictures._replace(styles=styles)
    check_layers(params.network, config.layers)
    config = drop_small_scales(config, *originals.shapes)
    scales = plan_scales(originals.content.shape, config)
    _check_sizes(params.network, originals, scales, config)
    painted = colored(config.color, originals.content, styles)._replace(start=originals.start)
    return Inputs(params, config, originals, painted, masks.without_rim(config.style_rim), scales)


@about("size")
def _check_sizes(network: str, pictures: Pictures, scales: list[Scale], config: Config) -> None:
    need = smallest_side(network, config.layers)
    named = [("content", scale.size) for scale in scales]
    for scale in scales:
        sizes = style_sizes(pictures.shapes[1], *scale.size, config)
        named += [(f"style {i}", size) for i, size in enumerate(sizes, start=1)]
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


def colored(color: str, content: Pixels, styles: Sequence[Pixels]) -> Pictures:
    """The pictures of a run, recoloured according to a choice of `COLORS`.

    "style" changes nothing. "luminance-…" paints in gray, with the styles' luminance matched to
    the mean and standard deviation of the content's; `Inputs.finish` restores the content's
    colours. "match-…" matches the colours of each style to the content's.
    """
    method, _, name = color.partition("-")
    if method == "luminance":
        gray = luminance(content, name)
        return Pictures(gray, [_like(luminance(style, name), gray) for style in styles])
    if method == "match":
        styles = [match_colors(style, content, name).astype(np.float32) for style in styles]
    return Pictures(content, list(styles))


def _like(gray: Pixels, target: Pixels) -> Pixels:
    """The gray picture with the mean and the standard deviation of another."""
    mean, target_mean = (g.mean(dtype=np.float64) for g in (gray, target))
    deviation, target_deviation = (
        np.sqrt(g.var(dtype=np.float64) + EPSILON) for g in (gray, target)
    )
    return np.asarray((gray - mean) * (target_deviation / deviation) + target_mean, np.float32)

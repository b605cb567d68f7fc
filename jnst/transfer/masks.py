"""The masks of a run: checked against its pictures, and resized to them at each scale."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..arrays import ArrayLike, Pixels
from ..compute.canvas import Kept
from ..config import Config
from ..images import Picture, resize
from ..images.resizing import with_bleed, without_bleed, without_rim
from ..losses.guidance import Guidance, check_numbers, guidance, guide_of, without_overlap
from ..wording import about


class MaskPictures(NamedTuple):
    """Masks as `jnst.stylize` takes them, by the names of its arguments."""

    content_masks: Sequence[ArrayLike | Picture] = ()
    style_masks: Sequence[ArrayLike | Picture | None] = ()
    keep_mask: ArrayLike | Picture | None = None


NO_MASKS = MaskPictures()


class Masks(NamedTuple):
    """Masks [h, w] in [0, 1], with the proportions of their pictures."""

    content: tuple[Pixels, ...] = ()  # for each style the region painted in it; or empty
    styles: tuple[Pixels | None, ...] = ()  # for each the part to use, None for all; or empty
    keep: Pixels | None = None  # the part of the content that stays unchanged
    visible: Pixels | None = None  # the alpha of the content, if something of it is hidden

    @about("style_masks")
    def seen(self, alphas: Sequence[Pixels | None]) -> "Masks":
        """The masks of what is visible, with the alphas of the content and of each style."""
        content, *others = alphas
        if not any(alpha is not None for alpha in others):
            return self._replace(visible=content)
        styles = list(self.styles or [None] * len(others))
        for i, alpha in enumerate(others):
            mask = styles[i]
            if alpha is not None:
                styles[i] = alpha if mask is None else alpha * mask_at(mask, alpha.shape)
                if not np.any(styles[i]):
                    raise ValueError(
                        f"style {i + 1} is transparent everywhere inside its mask: give another"
                    )
        return self._replace(visible=content, styles=tuple(styles))

    def named(self) -> dict[str, Pixels]:
        """The masks by the names used in messages."""
        masks = {f"content mask {i}": mask for i, mask in enumerate(self.content, start=1)}
        others = {f"style mask {i}": mask for i, mask in enumerate(self.styles, start=1)}
        others |= {"keep mask": self.keep, "content alpha": self.visible}
        return masks | {name: mask for name, mask in others.items() if mask is not None}

    def without_rim(self, share: float) -> "Masks":
        """The masks, with those of the styles cut by their rim (`jnst.images.without_rim`)."""
        cut = (None if mask is None else without_rim(mask, share) for mask in self.styles)
        return self._replace(styles=tuple(cut))

    def guidance(
        self, network: str, content: Pixels, styles: Sequence[Pixels], config: Config, margin: int
    ) -> Guidance:
        """The regions of the styles at a scale, for the content with a margin added."""
        content_masks = [with_bleed(mask_at(mask, content.shape), margin) for mask in self.content]
        style_masks = [
            None if mask is None else mask_at(mask, style.shape)
            for mask, style in zip(self.styles, styles, strict=False)
        ]
        blend = config.weights_per_style(len(styles))
        regions = guidance(network, config.style_layers, content_masks, style_masks, blend)
        if self.visible is None:
            return regions
        visible = with_bleed(mask_at(self.visible, content.shape), margin)
        layers = config.content_layers
        return regions._replace(visible=guide_of("content alpha", visible, network, layers))

    def shares(self, content: Sequence[int]) -> list[Pixels]:
        """The weight of each style at each pixel of the content at a scale, [H, W, 1]; a sum above
        1, where masks overlap, is scaled to 1. Empty without masks."""
        return without_overlap([mask_at(mask, content)[..., None] for mask in self.content])

    def palettes(self, styles: Sequence[Pixels]) -> list[Pixels]:
        """The pixels of each style at a scale with a weight above 0.5, all if there are none."""
        pixels = list(styles)
        for i, mask in enumerate(self.styles):
            inside = None if mask is None else mask_at(mask, styles[i].shape) > 0.5
            if inside is not None and inside.any():
                pixels[i] = styles[i][inside][None]
        return pixels

    def kept(self, content: Pixels, margin: int) -> Kept | None:
        """The pixels that stay unchanged at a scale, of the content with its margin."""
        if self.keep is None:
            return None
        mask = mask_at(self.keep, without_bleed(content, margin).shape)[..., None]
        return Kept(content, with_bleed(mask, margin))


def checked_masks(
    content: Sequence[int],
    styles: Sequence[Sequence[int]],
    content_masks: Sequence[ArrayLike | Picture],
    style_masks: Sequence[ArrayLike | Picture | None],
    keep_mask: ArrayLike | Picture | None,
) -> Masks:
    """The masks of `jnst.stylize` as float32, for pictures of these shapes; raises its errors."""
    check_numbers(content_masks, style_masks, len(styles))
    with about("content_masks"):
        regions = tuple(
            _checked(f"content mask {i}", mask, content, "the content")
            for i, mask in enumerate(content_masks, start=1)
        )
    with about("style_masks"):
        parts = tuple(
            None if mask is None else _checked(f"style mask {i}", mask, shape, f"style {i}")
            for i, (mask, shape) in enumerate(zip(style_masks, styles, strict=False), start=1)
        )
    with about("keep_mask"):
        keep = (
            None if keep_mask is None else _checked("keep mask", keep_mask, content, "the content")
        )
    return Masks(regions, parts, keep)


def mask_at(mask: Pixels, shape: Sequence[int]) -> Pixels:
    """The mask resized to a picture of that shape; bilinear, so values stay in [0, 1]."""
    if mask.shape == tuple(shape[:2]):
        return mask
    return np.clip(resize(mask, shape[0], shape[1], resample="bilinear"), 0, 1)


def _checked(name: str, mask: Any, shape: Sequence[int], picture: str) -> Pixels:
    values = np.asarray(mask.as_mask() if isinstance(mask, Picture) else mask)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"{name} has shape {values.shape}: a mask is [height, width]")
    if values.dtype != np.bool_ and not np.issubdtype(values.dtype, np.floating):
        raise TypeError(f"{name} has dtype {values.dtype}: give floats in [0, 1], or booleans")
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise ValueError(f"{name} has values outside of [0, 1]: 1 is inside, 0 outside")
    if not values.any() and name != "keep mask":
        raise ValueError(f"{name} is 0 everywhere: give a region, or leave it out with its style")
    (mask_height, mask_width), (height, width) = values.shape, shape[:2]
    # A side may be off by one, from rounding to whole pixels when the mask was resized.
    if abs(mask_height * width - mask_width * height) > max(*values.shape, height, width):
        raise ValueError(
            f"{name} is {mask_width}x{mask_height} pixels and {picture} {width}x{height}: give a "
            "mask of that size, or of the same proportions"
        )
    if name == "keep mask" and values.min() == 1:
        raise ValueError("keep mask is 1 everywhere, so nothing is left to paint: set a part to 0")
    return values.astype(np.float32)

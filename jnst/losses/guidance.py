"""Spatial guidance: masks, as position weights of each layer, that decide which style acts where.

The statistics of a region are weighted sums over positions, and the style loss is the sum over the
regions (Gatys et al., "Controlling perceptual factors in neural style transfer", CVPR 2017,
section 4, eq. 4 to 6). Choices and departures:

- The weight of a position is the mean of the mask over the pixels that are pooled into it: the
  mask is averaged over 2x2 squares as often as the network pools, and odd rows are cut as there.
- The paper weights features, so its products carry the square of its guidance; here the mask is
  that square. Its guidance has sum 1; here the weights have mean 1, so that every loss keeps its
  own normalisation and an all-white mask changes nothing.
- A region's loss is multiplied by the mean of its mask, so that a style acts on a pixel of a small
  region as it would on one of the whole picture.
- Where overlapping masks add up to more than 1, they are divided by their sum.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Pixels
from ..network.architecture import LAYERS, halvings
from ..wording import about

Guide = dict[str, Any]
"""Layer to the weights [h, w] of its positions, with mean 1."""


class Guidance(NamedTuple):
    """Where each style acts, and which part of each style counts.

    Attributes:
        content: the guide of each style's region of the image; empty if the blend of all styles
            acts everywhere.
        shares: the factor on each region's style loss, a scalar array.
        styles: the guide of each style; an empty guide, or an empty tuple, counts the whole style.
        visible: the guide of the content loss; empty if all of the content counts.
    """

    content: tuple[Guide, ...] = ()
    shares: tuple[Any, ...] = ()
    styles: tuple[Guide, ...] = ()
    visible: Guide = {}  # noqa: RUF012

    def of_style(self, number: int) -> Guide:
        """The guide of style `number`, counted from 0."""
        return self.styles[number] if self.styles else {}


EVERYWHERE = Guidance()


def guidance(
    network: str,
    layers: Iterable[str],
    content_masks: Sequence[Pixels],
    style_masks: Sequence[Pixels | None],
    blend: Sequence[float],
) -> Guidance:
    """Builds the guidance from masks.

    Args:
        network, layers: "vgg16" or "vgg19", and the style layers.
        content_masks: for each style, the region of the image that it paints, [H, W] of the image's
            size, in [0, 1]; or empty.
        style_masks: for each style, the part that counts, of its size, or None for all; or empty.
        blend: the share of each style, with sum 1; the strength of each region's style.

    Raises:
        ValueError: for another number of masks than styles, or a mask without weight at a layer.

    Example:
        >>> left = np.tile(np.float32([1, 1, 0, 0]), (4, 1))
        >>> guides = guidance("vgg16", ["relu2_1"], [left, 1 - left], [], [0.5, 0.5])
        >>> [guide["relu2_1"].tolist() for guide in guides.content]
        [[[2.0, 0.0], [2.0, 0.0]], [[0.0, 2.0], [0.0, 2.0]]]
        >>> [float(share) for share in guides.shares]
        [0.5, 0.5]
    """
    count, layers = len(blend), tuple(dict.fromkeys(layers))
    check_numbers(content_masks, style_masks, count)
    content_masks = without_overlap(content_masks)
    regions, styles = (
        _guides(kind, masks, network, layers)
        for kind, masks in (("content", content_masks), ("style", style_masks))
    )
    shares = tuple(
        np.asarray(count * weight * mask.mean(), np.float32)
        for weight, mask in zip(blend, content_masks, strict=False)
    )
    return Guidance(regions, shares, styles)


def _guides(
    kind: str, masks: Sequence[Pixels | None], network: str, layers: Iterable[str]
) -> tuple[Guide, ...]:
    with about(f"{kind}_masks"):
        return tuple(
            {} if mask is None else guide_of(f"{kind} mask {i}", mask, network, layers)
            for i, mask in enumerate(masks, start=1)
        )


def without_overlap(masks: Sequence[Pixels]) -> list[Pixels]:
    """The masks, all of one shape, divided by their sum where it exceeds 1."""
    total = np.maximum(np.sum(masks, axis=0), np.float32(1))
    return [mask / total for mask in masks]


def check_numbers(content_masks: Sequence[Any], style_masks: Sequence[Any], count: int) -> None:
    """Raises ValueError unless each kind has no masks, or one for each of `count` styles."""
    for kind, masks in (("content", content_masks), ("style", style_masks)):
        if len(masks) not in (0, count):
            raise ValueError(
                f"{len(masks)} {kind} masks for {count} styles: give one for each, in their order"
            )


def guide_of(name: str, mask: Pixels, network: str, layers: Iterable[str]) -> Guide:
    """The weights of each layer's positions from a mask [H, W]; ValueError if there are none."""
    guide: dict[str, Any] = {}
    for layer in layers:
        weights = mask
        for _ in range(halvings(LAYERS[network], layer)):
            weights = halved(weights)
        mean = weights.mean(dtype=np.float64)
        if not mean > 0:
            raise ValueError(
                f"{name} has no weight at {layer} of a picture of {mask.shape[1]}x{mask.shape[0]} "
                "pixels: give a larger region, or leave it out with its style"
            )
        guide[layer] = np.asarray(weights / mean, np.float32)
    return guide


def halved(mask: Any) -> Any:
    """Means of 2x2 squares, NumPy or JAX; an odd last row or column is cut, as in pooling."""
    height, width = (side // 2 for side in mask.shape)
    return mask[: 2 * height, : 2 * width].reshape(height, 2, width, 2).mean(axis=(1, 3))

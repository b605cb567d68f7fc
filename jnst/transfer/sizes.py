"""The sizes of pictures at each scale of a run, in pixels; and padding to common sizes.

A step is compiled once per image size. To share one, pictures whose shorter sides differ by a few
pixels are padded beyond their borders (`widened`), painted, and cropped to their own size.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..arrays import Pixels
from ..config import Config
from ..images import fit_size, resize_picture
from ..network.architecture import smallest_side


class Scale(NamedTuple):
    """One scale of a run."""

    number: int  # from 1, coarse to fine
    height: int
    width: int
    margin: int  # pixels painted beyond each border
    steps: int  # of the optimiser

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the picture."""
        return self.height, self.width

    @property
    def painted(self) -> tuple[int, int]:
        """(height, width) of the painted picture, margin included."""
        return self.height + 2 * self.margin, self.width + 2 * self.margin


def plan_scales(content: tuple[int, ...], config: Config) -> list[Scale]:
    """The scales of a run, coarse to fine, for a content of this shape."""
    sizes = target_sizes(content[0], content[1], config)
    rows = enumerate(zip(sizes, config.steps_per_scale, strict=True), start=1)
    return [Scale(n, *size, bleed_at(*size, config), steps) for n, (size, steps) in rows]


def drop_small_scales(
    config: Config, content: tuple[int, ...], styles: Sequence[tuple[int, ...]]
) -> Config:
    """The config without the coarse scales at which a picture of these shapes is too small for its
    layers. The last scale always stays.
    """
    need = smallest_side("vgg19", config.layers)
    scales, steps = [], []
    sizes = target_sizes(content[0], content[1], config)
    rows = zip(sizes, config.all_scales, config.steps_per_scale, strict=True)
    for size, scale, count in rows:
        smallest = min(*size, *map(min, style_sizes(styles, *size, config)))
        if smallest >= need or size is sizes[-1]:
            scales.append(scale)
            steps.append(count)
    # The explicit scales and steps already include the taper and the quality.
    return replace(
        config, scales=tuple(scales), steps=tuple(steps), taper=0.0, quality=Config.quality
    )


def target_sizes(height: int, width: int, config: Config) -> list[tuple[int, int]]:
    """(height, width) of each scale of a run, coarse to fine."""
    sides = [max(1, round(config.size * scale)) for scale in config.all_scales]
    return [_fit(height, width, side, config) for side in sides]


def painted_size(height: int, width: int, config: Config) -> tuple[int, int]:
    """(height, width) of the painted picture for a picture of this size, margin included."""
    margins = 2 * bleed_at(height, width, config)
    return height + margins, width + margins


def bleed_at(height: int, width: int, config: Config) -> int:
    """The margin in pixels at each border of a picture of this size."""
    return min(config.bleed, min(height, width) // 12)


def _fit(
    height: int, width: int, side: int, config: Config, *, enlarge: bool = True
) -> tuple[int, int]:
    if config.size_side == "shorter":
        # fit_size takes the longer side and truncates; rounding up avoids losing a pixel.
        side = math.ceil(side * max(height, width) / min(height, width))
    return fit_size(height, width, side, enlarge=enlarge)


def style_sizes(
    shapes: Sequence[tuple[int, ...]], height: int, width: int, config: Config
) -> list[tuple[int, int]]:
    """The sizes of styles of these shapes for an image of this height and width."""
    measured = max(height, width) if config.size_side == "longer" else min(height, width)
    scales, fixed = config.scales_per_style(len(shapes)), config.sizes_per_style(len(shapes))
    sides = fixed or [max(1, int(measured * scale)) for scale in scales]
    return [
        _fit(shape[0], shape[1], side, config, enlarge=config.enlarge_styles)
        for shape, side in zip(shapes, sides, strict=True)
    ]


def widened(pixels: Pixels, config: Config, bucket: int, like: tuple[int, ...] = ()) -> Pixels:
    """A picture [H, W, 3] at the last scale's size, one side rounded up to a multiple of `bucket`.

    That is the side which `config.size` does not set. Both ends get half of the missing pixels,
    mirrored at the border. A bucket of 1 returns the picture unchanged, not even resized. `like` is
    the shape of the content, for a picture that belongs to it.
    """
    if bucket == 1:
        return pixels
    shape = like or pixels.shape
    height, width = target_sizes(shape[0], shape[1], config)[-1]
    resized = resize_picture(pixels, height, width, resample=config.resample)
    shorter, longer = sorted((height, width))
    if config.size_side == "shorter":
        free, rounded = longer, -(-longer // bucket) * bucket
    else:
        # The free side must not become longer than the set one: that would change the scale.
        free, rounded = shorter, min(-(-shorter // bucket) * bucket, longer)
    missing = [
        rounded - side if side == free and height != width else 0 for side in (height, width)
    ]
    margins = [(count // 2, count - count // 2) for count in (*missing, 0)]
    return np.pad(resized, margins, mode="symmetric")


def cut_back(image: Pixels, height: int, width: int) -> Pixels:
    """The middle of an image, without the margins of `widened`."""
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]

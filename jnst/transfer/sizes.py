"""The sizes of pictures at each scale of a run, in pixels; and padding to common sizes.

A step is compiled once per image size. Pictures cropped by hand have different aspect ratios:
resized to the same longer side, their shorter sides differ by a few pixels. Stretching would
distort them and cropping would lose content, so they are padded beyond their borders (`widened`),
painted, and cropped to exactly the size that they would otherwise have.
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
    """One scale of a run.

    Attributes:
        number: from 1, coarse to fine.
        height, width: of the picture, in pixels.
        margin: pixels painted beyond each border.
        steps: of the optimiser.
    """

    number: int
    height: int
    width: int
    margin: int
    steps: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the picture."""
        return self.height, self.width

    @property
    def painted(self) -> tuple[int, int]:
        """(height, width) of the painted picture, margin included."""
        return self.height + 2 * self.margin, self.width + 2 * self.margin


def plan_scales(content: tuple[int, ...], config: Config) -> list[Scale]:
    """The scales of a run, coarse to fine.

    Args:
        content: shape of the content, (height, width, …).
        config: of the run.

    Example:
        >>> plan_scales((768, 1024, 3), Config(size=256, scales=(1.0,), steps=(50,)))
        [Scale(number=1, height=192, width=256, margin=8, steps=50)]
    """
    sizes = target_sizes(content[0], content[1], config)
    rows = enumerate(zip(sizes, config.steps_per_scale, strict=True), start=1)
    return [Scale(n, *size, bleed_at(*size, config), steps) for n, (size, steps) in rows]


def drop_small_scales(
    config: Config, content: tuple[int, ...], styles: Sequence[tuple[int, ...]]
) -> Config:
    """The config without the coarse scales at which a picture is too small for its layers.

    The last scale always stays.

    Args:
        config: of the run.
        content: shape of the content, (height, width, …).
        styles: shapes of the styles.

    Example:
        >>> config = Config(size=32, scales=(0.25, 0.5, 1.0))
        >>> drop_small_scales(config, (300, 400, 3), [(200, 200, 3)]).scales
        (0.5, 1.0)
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
    """(height, width) of each scale of a run, coarse to fine.

    Example:
        >>> target_sizes(768, 1024, Config(size=256, scales=(0.5, 1.0)))
        [(96, 128), (192, 256)]
    """
    sides = [max(1, round(config.size * scale)) for scale in config.all_scales]
    return [_fit(height, width, side, config) for side in sides]


def painted_sizes(height: int, width: int, config: Config) -> list[tuple[int, int]]:
    """(height, width) of the painted picture at each scale, margin included.

    Example:
        >>> painted_sizes(768, 1024, Config(size=256, scales=(0.25, 1.0)))
        [(56, 72), (208, 272)]
    """
    return [scale.painted for scale in plan_scales((height, width), config)]


def painted_size(height: int, width: int, config: Config) -> tuple[int, int]:
    """(height, width) of the painted picture for a picture of this size, margin included.

    Example:
        >>> painted_size(192, 256, Config())
        (208, 272)
    """
    margins = 2 * bleed_at(height, width, config)
    return height + margins, width + margins


def bleed_at(height: int, width: int, config: Config) -> int:
    """The margin in pixels at each border of a picture of this size.

    Example:
        >>> bleed_at(192, 256, Config()), bleed_at(48, 64, Config())
        (8, 4)
    """
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
    """The sizes of styles of these shapes for an image of this height and width.

    The longer (or shorter, by `config.size_side`) side of each style is that of the image times
    its `config.style_scale`, or its `config.style_size`. Without `config.enlarge_styles`, a smaller
    style keeps its size.

    Raises:
        ValueError: if the number of scales or sizes is neither one nor the number of styles.

    Example:
        >>> style_sizes([(768, 960, 3)] * 2, 100, 200, Config(style_scale=(0.5, 1.0)))
        [(80, 100), (160, 200)]
        >>> style_sizes([(768, 960, 3)], 100, 200, Config(style_size=480))
        [(384, 480)]
        >>> style_sizes([(60, 80, 3)], 100, 200, Config(enlarge_styles=False))
        [(60, 80)]
    """
    measured = max(height, width) if config.size_side == "longer" else min(height, width)
    scales = config.scales_per_style(len(shapes))
    sides = [max(1, int(measured * scale)) for scale in scales]
    sides = list(config.sizes_per_style(len(shapes))) or sides
    return [
        _fit(shape[0], shape[1], side, config, enlarge=config.enlarge_styles)
        for shape, side in zip(shapes, sides, strict=True)
    ]


def widened(pixels: Pixels, config: Config, bucket: int, like: tuple[int, ...] = ()) -> Pixels:
    """A picture at the size of the last scale, its free side rounded up to a multiple of `bucket`.

    The free side is the one that `config.size` does not set. Both ends get half of the missing
    pixels, mirrored at the border with the last row repeated ("symmetric" in `numpy.pad`).

    Args:
        pixels: [H, W, 3].
        config: of the run.
        bucket: at least 1; 1 returns the picture unchanged, not even resized.
        like: the shape of the content, for a picture that belongs to it; by default its own.

    Returns:
        [h, w, 3]. Results of equal shape have equal shapes at all coarser scales too.

    Example:
        >>> picture = np.zeros((200, 301, 3), np.float32)
        >>> widened(picture, Config(size=256), 16).shape
        (176, 256, 3)
    """
    if bucket == 1:
        return pixels
    shape = like or pixels.shape
    height, width = target_sizes(shape[0], shape[1], config)[-1]
    tall, wide = _rounded_up(height, width, config, bucket)
    resized = resize_picture(pixels, height, width, resample=config.resample)
    margins = [_halves(tall - height), _halves(wide - width), (0, 0)]
    return np.pad(resized, margins, mode="symmetric")


def cut_back(image: Pixels, height: int, width: int) -> Pixels:
    """The middle of an image, without the margins of `widened`.

    Example:
        >>> cut_back(np.zeros((176, 256, 3), np.float32), 170, 256).shape
        (170, 256, 3)
    """
    top, left = _halves(image.shape[0] - height)[0], _halves(image.shape[1] - width)[0]
    return image[top : top + height, left : left + width]


def _halves(count: int) -> tuple[int, int]:
    return count // 2, count - count // 2


def _rounded_up(height: int, width: int, config: Config, bucket: int) -> tuple[int, int]:
    longer = max(height, width)

    def up(side: int) -> int:
        rounded = -(-side // bucket) * bucket
        # The free side must not become longer than the set one: that would change the scale.
        return rounded if config.size_side == "shorter" else min(rounded, longer)

    tall_is_free = (height < width) == (config.size_side == "longer")
    if height == width:
        return height, width
    return (up(height), width) if tall_is_free else (height, up(width))

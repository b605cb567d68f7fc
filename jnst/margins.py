"""Pictures of nearly the same shape, brought to the same shape by mirroring their borders.

A step is compiled once for each size of an image. Pictures that were cropped by hand all have
their own aspect, and resized to the same longer side they differ by a few pixels in the other.
Stretching would distort them and cropping lose a part, so they are continued beyond their borders,
painted, and cut back to exactly the size that they would have had.
"""

import numpy as np

from .arrays import Pixels
from .config import Config
from .images import resize_picture
from .sizes import target_sizes


def widened(pixels: Pixels, config: Config, bucket: int, like: tuple[int, ...] = ()) -> Pixels:
    """A picture at the size of the last scale, its free side rounded up to a multiple of `bucket`.

    The free side is the one that `config.size` does not give. Half of what is missing is added on
    either side, mirrored at the border (its own last row comes twice).

    Args:
        pixels: [H, W, 3].
        config: of the run.
        bucket: at least 1; 1 changes nothing, not even the size.
        like: the shape of the content, for a picture that goes with it; by default its own.

    Returns:
        [h, w, 3]. Also the coarser scales of all results of one shape have one shape.

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
        # A side may become as long as the given one, not longer: that would change the scale.
        return rounded if config.size_side == "shorter" else min(rounded, longer)

    tall_is_free = (height < width) == (config.size_side == "longer")
    if height == width:
        return height, width
    return (up(height), width) if tall_is_free else (height, up(width))

"""The size of a picture: resampling, and pixels added or cut off at its borders."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from ..arrays import check_values

_FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
}


def resize(
    pixels: ArrayLike, height: int, width: int, *, resample: str = "bicubic"
) -> NDArray[np.float32]:
    """Resamples a picture, or a map of one number per pixel, to another size.

    Bicubic (Keys 1981, a = -1/2), bilinear or Lanczos (three lobes), widened by the scale when
    shrinking, so that nothing aliases; the borders use the part of the filter that lies inside.
    Beside a sharp edge bicubic overshoots by 7 % of its height and Lanczos by 12 %, which
    `resize_picture` clips. Computed on the sRGB numbers, as the networks were trained.

    Args:
        pixels: height x width, or height x width x channels, any floating-point type.
        height, width: of the result, at least 1.
        resample: "bicubic", "bilinear" or "lanczos".

    Returns:
        A new float32 array of as many dimensions.

    Raises:
        TypeError: for integers.
        ValueError: for a size below 1, an array of another shape, or an unknown filter.

    Example:
        >>> resize(np.ones((4, 6, 3)), 2, 3).shape
        (2, 3, 3)
    """
    check_values("pixels", np.asarray(pixels), bounded=False)
    array = np.asarray(pixels).astype(np.float32)
    if array.ndim not in (2, 3) or array.size == 0:
        raise ValueError(f"pixels have the shape {array.shape}: give height x width (x channels)")
    if height < 1 or width < 1:
        raise ValueError(f"the new size is {height}x{width}: give at least 1x1")
    if resample not in _FILTERS:
        raise ValueError(f"unknown filter {resample!r}: choose one of {', '.join(_FILTERS)}")
    resized = [
        Image.fromarray(np.ascontiguousarray(channel)).resize((width, height), _FILTERS[resample])
        for channel in np.moveaxis(np.atleast_3d(array), -1, 0)
    ]
    return np.stack([np.asarray(r) for r in resized], -1).reshape(height, width, *array.shape[2:])


def resize_picture(
    pixels: ArrayLike, height: int, width: int, *, resample: str = "bicubic"
) -> NDArray[np.float32]:
    """`resize`, with the overshoot beyond [0, 1] clipped.

    Clipped after the rows and again after the columns, as in programs that resize 8-bit pictures: a
    style loss would learn the ripples as brush strokes. A picture that leaves [0, 1] itself, such
    as one whose colours were matched to another's, keeps its own range. Otherwise as `resize`.

    Example:
        >>> edge = np.repeat([[0.0, 0.0, 1.0, 1.0]], 4, axis=0)
        >>> f"{resize(edge, 8, 8).max():.2f} {resize_picture(edge, 8, 8).max():.2f}"
        '1.07 1.00'
    """
    check_values("pixels", np.asarray(pixels), bounded=False)
    array = np.asarray(pixels, np.float32)
    low, high = array.min(initial=0), array.max(initial=1)
    across = np.clip(resize(array, len(array), width, resample=resample), low, high)
    return np.clip(resize(across, height, width, resample=resample), low, high)


def fit_size(height: int, width: int, longer_side: int, *, enlarge: bool = True) -> tuple[int, int]:
    """The size that a picture gets when its longer side becomes `longer_side`.

    As in neural-style-pt the other side is truncated, `int(longer_side / longer * other)`, not
    rounded. Departures: the longer side is exact (there the same formula now and then gives one
    pixel less), and no side falls below 1.

    Args:
        height, width, longer_side: in pixels; ValueError if one is below 1.
        enlarge: if False, a picture that is smaller already keeps its size.

    Returns:
        (height, width).

    Example:
        >>> fit_size(768, 1024, 512), fit_size(100, 333, 50), fit_size(30, 40, 512, enlarge=False)
        ((384, 512), (15, 50), (30, 40))
    """
    if min(height, width, longer_side) < 1:
        raise ValueError(
            f"a picture of {height}x{width} cannot be fitted to {longer_side}: give at least 1"
        )
    longer = max(height, width)
    if longer <= longer_side and not enlarge:
        return height, width
    other = max(1, int(longer_side / longer * min(height, width)))
    return (longer_side if height == longer else other, longer_side if width == longer else other)


def without_rim(picture: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """The picture, or its mask, without `share` of its shorter side along each border."""
    by = int(share * min(picture.shape[:2]))
    return picture[by : picture.shape[0] - by, by : picture.shape[1] - by]


def with_bleed(values: NDArray[Any], by: int) -> NDArray[Any]:
    """A picture or a mask, [H, W, …], with `by` mirrored pixels more at each border.

    The network pads with zeros, so a strip of about 8 pixels along a border gets a texture, and
    often a colour, of its own. It falls into the mirrored pixels, which are cut off in the end.
    """
    sides = [(by, by)] * 2 + [(0, 0)] * (values.ndim - 2)
    return np.pad(values, sides, mode="symmetric")


def without_bleed(values: Any, by: int) -> Any:
    """The middle of an array, NumPy or JAX, without what `with_bleed` added."""
    height, width = values.shape[:2]
    return values[by : height - by, by : width - by]

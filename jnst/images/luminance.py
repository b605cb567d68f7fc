"""Luminance and chrominance: the colour spaces that split them, and paintings that keep one.

Each space is a pair of functions, from sRGB and back; NumPy, float64.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import Pixels, Values, check_image


class Space(NamedTuple):
    """From sRGB in [0, 1] to (luminance, chrominance, chrominance), and back; arrays [..., 3]."""

    split: Callable[[Values], Values]
    join: Callable[[Values], Values]


def _linear(to: ArrayLike) -> Space:
    matrix = np.asarray(to, np.float64)
    back = np.linalg.inv(matrix)
    return Space(lambda rgb: rgb @ matrix.T, lambda planes: planes @ back.T)


def _luma_and_differences(red: float, blue: float, u: float, v: float) -> Space:
    """Y and (B - Y), (R - Y), scaled so that these reach ±u and ±v at the primaries."""
    luma = np.array([red, 1 - red - blue, blue])
    differences = (np.eye(3)[[2, 0]] - luma) * np.array([[u / (1 - blue)], [v / (1 - red)]])
    return _linear(np.vstack([luma, differences]))


# sRGB's primaries and white, D65: IEC 61966-2-1.
_XYZ = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])
_RGB = np.linalg.inv(_XYZ)
_KNEE = 6 / 29


def _to_lab(rgb: Values) -> Values:
    light = np.where(rgb > 0.04045, ((np.maximum(rgb, 0) + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = light @ _XYZ.T / _WHITE
    f = np.where(xyz > _KNEE**3, np.cbrt(xyz), xyz / (3 * _KNEE**2) + 4 / 29)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _from_lab(lab: Values) -> Values:
    y = (lab[..., 0] + 16) / 116
    f = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    xyz = np.where(f > _KNEE, f**3, 3 * _KNEE**2 * (f - 4 / 29))
    light = (xyz * _WHITE) @ _RGB.T
    return np.where(
        light > 0.0031308, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055, 12.92 * light
    )


SPACES = {
    "yuv": _luma_and_differences(0.299, 0.114, 0.436, 0.615),
    "ycbcr": _luma_and_differences(0.2126, 0.0722, 0.5, 0.5),
    "lab": Space(_to_lab, _from_lab),
}
"""By name: YUV with the luma of ITU-R BT.601, that of analogue television; YCbCr with that of
BT.709, whose primaries are sRGB's; CIE L*a*b* under D65, L* from 0 to 100."""

_BAND = 1 << 20  # pixels
_HALVINGS = 12


def keep_colors(painting: ArrayLike, content: ArrayLike, space: str = "yuv") -> Pixels:
    """The painting's luminance with the content's chrominance.

    The chrominance is kept exactly. Where that luminance and chrominance are outside the gamut, the
    luminance moves from the content's towards the painting's only up to the gamut's border: a pure
    red can be neither lighter nor darker and stay as red.

    Args:
        painting, content: [H, W, 3], sRGB, clipped to [0, 1] here.
        space: one of `SPACES`.

    Returns:
        [H, W, 3] in [0, 1].

    Raises:
        TypeError: for a picture of integers.
        ValueError: for an unknown space, pictures of two sizes, or a content far from [0, 1].

    Example:
        >>> red, white = np.full((1, 1, 3), [1.0, 0, 0]), np.ones((1, 1, 3))
        >>> keep_colors(white, 0.5 * red)[0, 0].round(3).tolist()
        [1.0, 0.5, 0.5]
    """
    _check_space(space)
    check_image("painting", painting, clipped=True)
    check_image("content", content)
    if np.shape(painting) != np.shape(content):
        raise ValueError(
            f"the painting has shape {np.shape(painting)} and the content {np.shape(content)}: "
            "resize one of them"
        )
    return _by_bands(partial(_joined, space=space), painting, content)


def luminance(pixels: ArrayLike, space: str = "yuv") -> Pixels:
    """The gray picture with the luminance of a picture."""
    _check_space(space)

    def gray(colors: Values) -> Values:
        planes = SPACES[space].split(colors)
        planes[..., 1:] = 0
        return SPACES[space].join(planes)

    return _by_bands(gray, pixels)


def _joined(painting: Values, content: Values, space: str) -> Values:
    split, join = SPACES[space]
    start = split(content)
    planes = start.copy()
    planes[..., 0] = split(painting)[..., 0]
    colors = join(planes)
    outside = ~_in_gamut(colors)
    if outside.any():
        limited, change = start[outside], planes[outside, 0] - start[outside, 0]
        share = np.zeros(len(limited))
        for halving in range(1, _HALVINGS + 1):
            trial = limited.copy()
            larger = share + 0.5**halving
            trial[:, 0] += larger * change
            share = np.where(_in_gamut(join(trial)), larger, share)
        limited[:, 0] += share * change
        colors[outside] = join(limited)
    return np.clip(colors, 0, 1)


def _in_gamut(colors: Values) -> NDArray[np.bool_]:
    return np.asarray(((colors >= -1e-6) & (colors <= 1 + 1e-6)).all(-1))


def _check_space(space: str) -> None:
    if space not in SPACES:
        raise ValueError(f"unknown colour space {space!r}: choose one of {', '.join(SPACES)}")


def _by_bands(function: Callable[..., Values], *pictures: ArrayLike) -> Pixels:
    """The function of pictures clipped to [0, 1], a million float64 pixels at a time."""
    arrays = [np.asarray(picture) for picture in pictures]
    result = np.empty(arrays[0].shape, np.float32)
    step = max(1, _BAND // arrays[0].shape[1])
    for top in range(0, len(result), step):
        rows = slice(top, top + step)
        result[rows] = function(*(np.clip(a[rows].astype(np.float64), 0, 1) for a in arrays))
    return result

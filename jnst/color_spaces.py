"""Colour spaces of a luminance and two chrominances, each with its way back to sRGB.

>>> split, join = SPACES["lab"]
>>> split(np.array([1.0, 1, 1])).round(3).tolist()
[100.0, -0.002, 0.005]
>>> join(split(np.array([0.2, 0.5, 0.8]))).round(6).tolist()
[0.2, 0.5, 0.8]
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Values


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

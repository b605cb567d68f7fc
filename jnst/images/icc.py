"""Colour profiles (ICC.1:2022): samples of any profile converted to sRGB by Little CMS.

The conversion runs on 16-bit numbers, whatever the file holds: 8-bit samples fit exactly (they are
multiplied by 257) and 16-bit ones keep their steps. Pillow's ImageCms supports only 8 bits.
"""

import struct
from functools import cache

import imagecodecs
import numpy as np
from numpy.typing import NDArray

_SPACES = {b"GRAY": "gray", b"RGB ": "rgb", b"CMYK": "cmyk"}
# Otherwise Little CMS merges the curves into small tables: up to 0.08 off in dark Adobe RGB.
_NO_OPTIMISATION = 0x0100
_CREATED = slice(24, 36)  # header bytes: year, month, day, hour, minute, second


class ProfileError(ValueError):
    """A profile that is damaged, or made for another kind of samples."""


@cache
def srgb_profile() -> bytes:
    """An sRGB profile whose bytes never change: its date of creation is fixed."""
    profile = bytearray(imagecodecs.cms_profile("srgb"))
    profile[_CREATED] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    return bytes(profile)


def to_srgb(samples: NDArray[np.float32], profile: bytes | None) -> NDArray[np.float32]:
    """Converts samples [height, width, 1 (gray), 3 (RGB) or 4 (CMYK, 1 is full ink)] in [0, 1] to
    sRGB; ProfileError if the profile is damaged or does not fit.

    Accurate to about 1e-5, at 0.4 s per million pixels. The profile's own default table is used
    (perceptual intent), and colours outside sRGB move to its border. Without a profile, gray and
    RGB are taken as sRGB already, and CMYK as ideal inks: (1 - ink)(1 - black).
    """
    if profile is None:
        if samples.shape[-1] == 4:
            return (1 - samples[..., :3]) * (1 - samples[..., 3:])
        return np.repeat(samples, 3, axis=-1) if samples.shape[-1] == 1 else samples
    space = _SPACES.get(profile[16:20], "")
    if space == "rgb" and samples.shape[-1] == 1:  # a gray picture with an RGB profile is common
        samples = np.repeat(samples, 3, axis=-1)
    if profile == srgb_profile():
        return samples
    kind = {1: "gray", 3: "rgb", 4: "cmyk"}[samples.shape[-1]]
    if space != kind:
        raise ProfileError(f"it is for {space or 'nothing known'}, the picture is {kind}")
    integers = np.rint(samples * 65535).astype(np.uint16)
    try:
        converted = imagecodecs.cms_transform(
            integers[..., 0] if space == "gray" else integers,
            profile,
            srgb_profile(),
            colorspace=space,
            outcolorspace="rgb",
            outdtype="uint16",
            flags=_NO_OPTIMISATION,
        )
    except (RuntimeError, ValueError) as error:
        raise ProfileError(str(error)) from error
    return np.asarray(converted, np.float32) / np.float32(65535)

"""Small ICC profiles made by hand (ICC.1:2001-04), whose effect is a closed form."""

import itertools
import struct

import numpy as np

_D50 = (0.9642, 1.0, 0.8249)
# The columns of the sRGB matrix, adapted to D50 (IEC 61966-2-1, Bradford).
_RED = (0.4360747, 0.2225045, 0.0139322)
_GREEN = (0.3850649, 0.7168786, 0.0971045)
_BLUE = (0.1430804, 0.0606169, 0.7141733)


def srgb_curve(light):
    """Light in [0, 1] to sRGB numbers (IEC 61966-2-1)."""
    light = np.asarray(light, np.float64)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def bgr_profile(gamma: float) -> bytes:
    """sRGB's lights in the order blue, green, red: reads as srgb_curve(x[..., ::-1] ** gamma)."""
    colours = {b"rXYZ": _BLUE, b"gXYZ": _GREEN, b"bXYZ": _RED}
    tags = {name: _xyz(value) for name, value in colours.items()}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _gamma(gamma))
    return _profile(b"RGB ", b"XYZ ", tags)


def gray_profile(gamma: float) -> bytes:
    """Reads as srgb_curve(x ** gamma)."""
    return _profile(b"GRAY", b"XYZ ", {b"kTRC": _gamma(gamma)})


def black_only_profile() -> bytes:
    """CMYK where only black ink shows, with lightness L* = 100 (1 - black)."""
    table = b"".join(
        struct.pack(">3H", int(0xFF00 * (1 - black)), 0x8000, 0x8000)
        for *_, black in itertools.product((0, 1), repeat=4)
    )
    ramp = struct.pack(">2H", 0, 0xFFFF)
    matrix = struct.pack(">9i", *(np.eye(3, dtype=int).ravel() * 65536))
    lut = b"mft2\0\0\0\0" + bytes((4, 3, 2, 0)) + matrix + struct.pack(">2H", 2, 2)
    return _profile(b"CMYK", b"Lab ", {b"A2B0": lut + ramp * 4 + table + ramp * 3})


def light_of_lightness(lightness):
    """CIE 1976 L* to relative luminance."""
    lightness = np.asarray(lightness, np.float64)
    return np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness / 903.3)


def _xyz(value) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(number * 65536) for number in value))


def _gamma(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def _profile(space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"wtpt": _xyz(_D50), **tags}
    offset = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        content += b"\0" * (-len(content) % 4)
        table += name + struct.pack(">2I", offset + len(data), len(content))
        data += content
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    header = struct.pack(
        ">I4sI4s4s4s", offset + len(data), b"none", 0x02100000, kind, space, connection
    )
    header += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp"
    header = header.ljust(68, b"\0") + _xyz(_D50)[8:]
    return header.ljust(128, b"\0") + table + data

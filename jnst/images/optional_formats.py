"""HEIC and JPEG XL, which Pillow reads by packages of the optional extra `formats`."""

import importlib
from typing import BinaryIO

HINT = "pip install 'jnst[formats]'"
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_JXL_CODESTREAM, _JXL_CONTAINER = b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"
# ISO/IEC 18181-1, SizeHeader: bits of a side by its selector, and width to height by ratio.
_SIDE_BITS = (9, 13, 18, 30)
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def format_of(start: bytes) -> tuple[str, str] | None:
    """Pillow's name of the format that a file begins as, and its kind in words; None for others."""
    if start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS:
        return "HEIF", "an HEIC picture"
    if start.startswith((_JXL_CODESTREAM, _JXL_CONTAINER)):
        return "JXL", "a JPEG XL picture"
    return None


def register(name: str) -> bool:
    """Makes Pillow read the format; False if its package is not installed."""
    try:
        if name == "HEIF":
            importlib.import_module("pillow_heif").register_heif_opener(thumbnails=False)
        else:
            importlib.import_module("pillow_jxl")
    except ImportError:
        return False
    return True


def jxl_size(file: BinaryIO) -> tuple[int, int]:
    """(width, height) that a JPEG XL file declares; its package decodes it all at once."""
    file.seek(0)
    start = file.read(12)
    if start == _JXL_CONTAINER:
        start = _codestream(file)
    if not start.startswith(_JXL_CODESTREAM):
        raise ValueError("a JPEG XL file without a picture")
    bits = int.from_bytes(start[2:12], "little")

    def read(count: int) -> int:
        nonlocal bits
        value, bits = bits & ((1 << count) - 1), bits >> count
        return value

    small = read(1)

    def side() -> int:
        return 8 * (1 + read(5)) if small else 1 + read(_SIDE_BITS[read(2)])

    height, ratio = side(), read(3)
    if not ratio:
        return side(), height
    across, down = _RATIOS[ratio - 1]
    return height * across // down, height


def _codestream(file: BinaryIO) -> bytes:
    """The first bytes of the picture in a container of boxes: size, kind, content."""
    while len(header := file.read(8)) == 8:
        size, kind, length = int.from_bytes(header[:4], "big"), header[4:], 8
        if size == 1:
            size, length = int.from_bytes(file.read(8), "big"), 16
        if kind == b"jxlc":
            return file.read(12)
        if kind == b"jxlp":  # a part of it, after its number
            return file.read(16)[4:]
        if size < length:
            break
        file.seek(size - length, 1)
    return b""

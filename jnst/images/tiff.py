"""TIFF of more than 8 bits a sample, of floating point, or packed as Pillow cannot, by tifffile.

A page, its strips and its tiles each declare their size, and a small file can declare a large one:
all are checked against the limit before the first is decoded.
"""

import logging
import math
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray

from .opening import UnsupportedError, check_pixels

# Otherwise tifffile writes its warnings about a file to standard error.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_ORIENTATION = 274
_PROFILE = 34675
# None, LZW, Deflate (two numbers), PackBits, LZMA, Zstandard (two numbers): strips unpack to the
# requested length. A strip that is itself a picture (JPEG, WebP, …) has a size of its own.
_COMPRESSIONS = (1, 5, 8, 32946, 32773, 34925, 34926, 50000)
# Four samples of double precision.
_BYTES_PER_PIXEL = 32

FIRST_PAGE = "holds more than one picture; the first is read"


class Samples(NamedTuple):
    """The samples of a file in [0, 1] (alpha last, if any), and how to interpret them."""

    values: NDArray[np.float32]
    has_alpha: bool
    profile: bytes | None
    orientation: int
    notes: tuple[str, ...] = ()


def decode_tiff(file: BinaryIO, max_pixels: int) -> Samples:
    """The first page of a TIFF; UnsupportedError if it is too large or of a kind not read."""
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages[0].aspage()
        _check_size(page, max_pixels)
        colours = {0: 1, 1: 1, 2: 3, 5: 4}.get(page.photometric, 0)
        usual = colours and page.axes in ("YX", "YXS", "SYX")
        if not usual or page.samplesperpixel < colours:
            raise UnsupportedError("a TIFF of an unusual kind; save it as RGB, 8 or 16 bits")
        if page.compression not in _COMPRESSIONS:
            packing = getattr(page.compression, "name", f"number {page.compression}")
            raise UnsupportedError(
                f"a TIFF packed as {packing}; save it with LZW, Deflate or no compression"
            )
        values = np.asarray(page.asarray(maxworkers=1))
        values = np.moveaxis(values, 0, -1) if page.axes == "SYX" else np.atleast_3d(values)
        extra = page.extrasamples[:1]
        bits, photometric = page.bitspersample, page.photometric
        profile = page.tags.valueof(_PROFILE)
        orientation = page.tags.valueof(_ORIENTATION, default=1)
        more = (FIRST_PAGE,) if _has_more(tiff) else ()
    has_alpha = bool(extra) and extra[0] in (1, 2) and values.shape[-1] > colours
    values, notes = fractions(values[..., : colours + has_alpha], bits)
    if photometric == 0:  # "white is zero"
        values[..., 0] = 1 - values[..., 0]
    if has_alpha and extra[0] == 1:  # colours were multiplied by alpha
        alpha = values[..., -1:]
        values[..., :-1] = np.clip(values[..., :-1] / np.where(alpha > 0, alpha, 1), 0, 1)
    return Samples(values, has_alpha, profile, orientation, (*notes, *more))


def _check_size(page: Any, max_pixels: int) -> None:
    check_pixels(page.imagewidth, page.imagelength, max_pixels)
    # Tiles may be larger than the picture, and a picture may have more samples than colours.
    tile = math.prod(page.tile or ()) * page.samplesperpixel * max(1, page.bitspersample // 8)
    if max(page.nbytes, tile) > _BYTES_PER_PIXEL * max_pixels:
        raise UnsupportedError(
            f"it would unpack to {max(page.nbytes, tile):,} bytes: make it smaller, or raise "
            "max_pixels (--max-pixels)"
        )


def _has_more(tiff: tifffile.TiffFile) -> bool:
    try:
        tiff.pages[1]
    except Exception as error:  # a damaged second page does not matter
        return not isinstance(error, IndexError)
    return True


def fractions(values: NDArray[Any], bits: int) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Samples of any kind as float32 in [0, 1], and notes about them for the user."""
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise UnsupportedError("it holds NaN or infinite samples; repair it first")
        low, high = float(values.min(initial=0)), float(values.max(initial=0))
        outside = low < 0 or high > 1
        note = f"holds samples from {values.min():.3g} to {high:.3g}, clipped to [0, 1]"
        return np.clip(values, 0, 1).astype(np.float32), (note,) if outside else ()
    if values.dtype.kind not in "ub":
        raise UnsupportedError("its samples are signed integers; save it with 8 or 16 bits")
    return values.astype(np.float32) / np.float32(2.0**bits - 1), ()

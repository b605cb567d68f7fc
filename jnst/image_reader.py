"""Pictures in: any common file becomes sRGB in [0, 1], upright, with its alpha kept aside.

Pillow reads what has 8 bits a sample. It cuts 16-bit colour down to 8, so 16-bit PNG goes through
imagecodecs (libpng), and TIFF of more than 8 bits or of floating point through tifffile. Only this
file and its neighbours `image_writer` and `images` know Pillow and tifffile.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from .icc import ProfileError, to_srgb

# Pillow knows more, but some of those run other programs (EPS) or match almost any bytes (TGA).
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "JPEG2000", "AVIF")
_READABLE = "PNG, JPEG, WebP, TIFF, GIF, BMP, PPM, JPEG 2000, AVIF"
# A small file can unfold to a memory-filling picture. This is where Pillow refuses, too.
_MAX_PIXELS = 178_956_970
_EXIF_ORIENTATION = 274
_TIFF_BITS = 258
_TIFF_PROFILE = 34675
_PLAIN_MODES = {"1": "L", "La": "LA", "RGBa": "RGBA", "PA": "RGBA", "P": "RGB", "RGBX": "RGB"}
_PLAIN_MODES |= {mode: mode for mode in ("L", "LA", "RGB", "RGBA", "CMYK")}
_PLAIN_MODES |= {"YCbCr": "RGB", "HSV": "RGB"}


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it was read.

    Attributes:
        pixels: height x width x 3, float32, sRGB in [0, 1].
        alpha: height x width, float32 in [0, 1] (1 is opaque), or None if the file has none.
        path: where it was read from.
    """

    pixels: NDArray[np.float32]
    alpha: NDArray[np.float32] | None
    path: Path


class _Samples(NamedTuple):
    """What a file holds: its samples in [0, 1] (alpha last, if any), and how to see them."""

    values: NDArray[np.float32]
    has_alpha: bool
    profile: bytes | None
    orientation: int


class _UnsupportedError(ValueError):
    """A sound file of a kind that this module does not read."""


def read_image(path: str | os.PathLike[str]) -> Picture:
    """Reads a picture: PNG, JPEG, WebP, TIFF, GIF, BMP, PPM, JPEG 2000 or AVIF.

    The EXIF orientation is applied; an embedded ICC profile is converted to sRGB. A profile that
    is damaged or does not fit is left out, with a `UserWarning`: the colours are then nearly
    right, and refusing the picture would help nobody. Gray, palette, CMYK, 1-bit and premultiplied
    pictures become plain RGB; 16-bit PNG and TIFF keep their 16 bits. Floating-point samples are
    clipped to [0, 1]. Of an animation or a file of several pages the first is read. PNG's gAMA
    and cHRM chunks are not applied.

    Args:
        path: the file.

    Returns:
        The picture, at the size it has upright.

    Raises:
        FileNotFoundError: if there is no such file.
        IsADirectoryError: if it is a folder.
        OSError: if it may not be read.
        ValueError: if it is not a picture, is damaged or cut short, has more than about 179
            million pixels, or is of a kind not read (CIE Lab; signed integers; NaN).

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Image.new("L", (3, 2), 51).save(f"{folder}/gray.png")
        ...     picture = read_image(f"{folder}/gray.png")
        >>> picture.pixels.shape, round(float(picture.pixels[0, 0, 2]), 3), picture.alpha
        ((2, 3, 3), 0.2, None)
    """
    path = Path(path)
    with open_picture(path) as file:
        values, has_alpha, profile, orientation = _decode(file)
    values = _upright(values, orientation)
    colours, alpha = (values[..., :-1], values[..., -1]) if has_alpha else (values, None)
    try:
        pixels = to_srgb(colours, profile)
    except ProfileError as error:
        warnings.warn(
            f"{str(path)!r} has a colour profile that cannot be used ({error}); "
            "its colours are read as if it had none",
            UserWarning,
            stacklevel=2,
        )
        pixels = to_srgb(colours, None)
    pixels = np.ascontiguousarray(pixels, np.float32)
    return Picture(pixels, None if alpha is None else np.ascontiguousarray(alpha), path)


@contextmanager
def open_picture(path: Path) -> Iterator[BinaryIO]:
    """The file opened for reading; what goes wrong inside becomes one line that names it.

    Raises:
        OSError, ValueError: as `read_image`.
    """
    name = repr(str(path))
    if path.is_dir():
        raise IsADirectoryError(f"{name} is a folder: give the name of a picture in it")
    if not path.exists():
        raise FileNotFoundError(
            f"there is no file {name}: check its spelling and the folder you are in"
        )
    with path.open("rb") as file, warnings.catch_warnings():
        # Pillow warns of damaged metadata, which is no reason to worry anyone, and of pictures
        # half as large as those it refuses.
        warnings.simplefilter("ignore")
        try:
            yield file
        except MemoryError:
            raise
        except _UnsupportedError as error:
            raise ValueError(f"{name} cannot be read: {error}") from error
        except Image.DecompressionBombError as error:
            raise ValueError(
                f"{name} is too large: more than {_MAX_PIXELS:,} pixels; make it smaller first"
            ) from error
        except UnidentifiedImageError as error:
            raise ValueError(
                f"{name} is not a picture that can be read ({_READABLE}): "
                "open it in another program and save it as PNG"
            ) from error
        except Exception as error:  # decoders raise of every kind on damaged files
            reason = " ".join(str(error).split())
            raise ValueError(
                f"{name} is damaged or cut short ({reason}): copy or export it again"
            ) from error


def identify(file: BinaryIO) -> Image.Image:
    """Pillow's view of an open file: its header and metadata, before any pixel is decoded."""
    return Image.open(file, formats=_FORMATS)


def _decode(file: BinaryIO) -> _Samples:
    signature = file.read(26)
    file.seek(0)
    try:
        image = identify(file)
    except UnidentifiedImageError:
        if signature[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return _decode_tiff(file)  # Pillow has no floating-point RGB
        raise
    if image.format == "PNG" and signature[24] == 16:
        file.seek(0)
        return _decode_png16(file, image)
    if image.format == "TIFF" and max(_bits(image)) > 8:
        return _decode_tiff(file)
    return _decode_pillow(image)


def _bits(image: Any) -> tuple[int, ...]:
    bits = image.tag_v2.get(_TIFF_BITS, 1)
    return bits if isinstance(bits, tuple) else (bits,)


def _decode_png16(file: BinaryIO, image: Image.Image) -> _Samples:
    values = np.asarray(imagecodecs.png_decode(file.read()))
    values = np.atleast_3d(values).astype(np.float32) / np.float32(65535)
    orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    return _Samples(values, values.shape[-1] in (2, 4), image.info.get("icc_profile"), orientation)


def _decode_tiff(file: BinaryIO) -> _Samples:
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages[0].aspage()
        if page.imagewidth * page.imagelength > _MAX_PIXELS:
            raise Image.DecompressionBombError
        colours = {0: 1, 1: 1, 2: 3, 5: 4}.get(page.photometric)
        if colours is None or page.axes not in ("YX", "YXS", "SYX"):
            raise _UnsupportedError("a TIFF of an unusual kind; save it as RGB, 8 or 16 bits")
        values = np.asarray(page.asarray())
        values = np.moveaxis(values, 0, -1) if page.axes == "SYX" else np.atleast_3d(values)
        extra = page.extrasamples[:1]
        bits, photometric = page.bitspersample, page.photometric
        profile = page.tags.valueof(_TIFF_PROFILE)
        orientation = page.tags.valueof(_EXIF_ORIENTATION, default=1)
    values = _fractions(values, bits)
    if photometric == 0:  # "white is zero"
        values[..., 0] = 1 - values[..., 0]
    has_alpha = bool(extra) and extra[0] in (1, 2)
    values = values[..., : colours + has_alpha]
    if has_alpha and extra[0] == 1:  # colours were multiplied by alpha
        alpha = values[..., -1:]
        values[..., :-1] = np.clip(values[..., :-1] / np.where(alpha > 0, alpha, 1), 0, 1)
    return _Samples(values, has_alpha, profile, orientation)


def _decode_pillow(image: Image.Image) -> _Samples:
    profile = image.info.get("icc_profile")
    image.load()
    # Read after load(): for TIFF Pillow has then turned the picture itself and says 1.
    orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    if image.mode == "I" or image.mode.startswith("I;16"):
        values, has_alpha = _fractions(np.asarray(image, np.uint16), 16), False
    elif image.mode == "F":
        values, has_alpha = _fractions(np.asarray(image), 32), False
    else:
        mode = _PLAIN_MODES.get(image.mode)
        if mode is None:
            raise _UnsupportedError(f"its colours are of the kind {image.mode}; save it as RGB")
        if mode in ("L", "RGB") and "transparency" in image.info:
            mode += "A"
        values, has_alpha = _fractions(np.asarray(image.convert(mode)), 8), mode.endswith("A")
    return _Samples(np.atleast_3d(values), has_alpha, profile, orientation)


def _fractions(values: NDArray[Any], bits: int) -> NDArray[np.float32]:
    """Samples of any kind as float32 in [0, 1]."""
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise _UnsupportedError("it holds NaN or infinite samples; repair it first")
        return np.clip(values, 0, 1).astype(np.float32)
    if values.dtype.kind not in "ub":
        raise _UnsupportedError("its samples are signed integers; save it with 8 or 16 bits")
    return values.astype(np.float32) / np.float32(2.0**bits - 1)


def _upright(values: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    """Applies an EXIF orientation (EXIF 2.32, tag 0x0112): 5 to 8 are transposed, then turned."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return values

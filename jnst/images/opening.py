"""The opening of a picture's file before it is decoded: checks of its kind, size and damage.

Files are not trusted. The size on disk, the kind and the number of pixels in the header are
checked first; any error of a decoder becomes one line that names the file.
"""

import contextlib
import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError, features

from ..files import AnyPath, refuse_address, special_kind
from ..storage import Bytes, open_stored
from ..system import ALONE
from .optional_formats import HINT, format_of, jxl_size, register

MAX_PIXELS = 178_956_970
"""A small file can unpack to a picture that fills the memory. Pillow has the same limit."""
MAX_FILE_SIZE = 2_000_000_000
"""In bytes: somewhat more than `MAX_PIXELS` of 16 bits need without compression."""

# Pillow reads more, but some formats run other programs (EPS) or match almost any bytes (TGA).
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "JPEG2000", "AVIF")
READABLE = "PNG, JPEG, WebP, TIFF, GIF, BMP, PPM, JPEG 2000, AVIF, HEIC, JPEG XL"
# (offset, signature, name, remedy)
_OTHERS = (
    (0, b"\x76\x2f\x31\x01", "an OpenEXR picture", "map its tones to [0, 1] and save it as TIFF"),
    (0, b"#?RADIANCE", "a Radiance picture", "map its tones to [0, 1] and save it as TIFF"),
    (0, b"#?RGBE", "a Radiance picture", "map its tones to [0, 1] and save it as TIFF"),
    (0, b"8BPS", "a Photoshop document", "export it as PNG or TIFF"),
    (0, b"%PDF", "a PDF document", "export the picture as PNG"),
)
# (offset, signature, name, what Pillow needs for it)
_KNOWN = (
    (0, b"\x89PNG", "PNG", "zlib"),
    (0, b"\xff\xd8\xff", "JPEG", "jpg"),
    (8, b"WEBP", "WebP", "webp"),
    (0, b"GIF8", "GIF", "pil"),
    (4, b"ftypavi", "AVIF", "avif"),
    (4, b"jP  ", "JPEG 2000", "jpg_2000"),
)
_LONGEST_SIGNATURE = 16


class UnsupportedError(ValueError):
    """An intact file of an unsupported kind or size; the message ends in the remedy."""


@contextmanager
def open_picture(
    source: Path | BinaryIO, *, max_pixels: int = MAX_PIXELS, max_file_size: int = MAX_FILE_SIZE
) -> Iterator[BinaryIO]:
    """Opens a file, or a stream to be read to its end; an error becomes one line that names it."""
    name = name_of(source)
    if isinstance(source, Path):
        _check_file(source, max_file_size)
        file: BinaryIO = source.open("rb")
    else:
        file = io.BytesIO(source.read(max_file_size + 1))
        _check_file_size(name, len(file.getbuffer()), max_file_size)
    with file, ALONE, warnings.catch_warnings(), _pillow_allows(max_pixels):
        # Pillow warns of damaged metadata, which is harmless, and of pictures half as large as
        # those it refuses.
        warnings.simplefilter("ignore")
        try:
            yield file
        except MemoryError:
            raise
        except UnsupportedError as error:
            raise ValueError(f"{name} cannot be read: {error}") from error
        except Image.DecompressionBombError as error:
            reason = _too_many(f"more than {max_pixels:,} pixels")
            raise ValueError(f"{name} cannot be read: {reason}") from error
        except UnidentifiedImageError as error:
            raise ValueError(_not_a_picture(name, file)) from error
        except Exception as error:  # decoders raise any error on damaged files
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(
                f"{name} is damaged or cut short ({reason}): copy or export it again"
            ) from error


def identify(file: BinaryIO, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Pillow's view of an open file: its header and metadata, before any pixel is decoded."""
    try:
        image: Image.Image = Image.open(file, formats=_FORMATS)
    except UnidentifiedImageError:
        file.seek(0)
        optional = format_of(file.read(_LONGEST_SIGNATURE))
        if optional is None:
            raise
        image = _open_optional(file, *optional, max_pixels)
    check_pixels(image.width, image.height, max_pixels)
    return image


def _open_optional(file: BinaryIO, name: str, kind: str, max_pixels: int) -> Image.Image:
    if not register(name):
        raise UnsupportedError(
            f"it is {kind}, which needs another package: {HINT}, or save it as JPEG or PNG"
        )
    if name == "JXL":
        check_pixels(*jxl_size(file), max_pixels)
    file.seek(0)
    return Image.open(file, formats=(name,))


def check_pixels(width: int, height: int, max_pixels: int) -> None:
    """Raises UnsupportedError if a picture of that size has more than `max_pixels`."""
    if width * height > max_pixels:
        raise UnsupportedError(_too_many(f"{width}x{height} pixels are over {max_pixels:,}"))


def located(path: AnyPath, max_file_size: int = MAX_FILE_SIZE) -> Path | BinaryIO:
    """The source that `open_picture` takes: a file of this machine, or what storage has at a path.

    Raises OSError for an address on the web.
    """
    stored = open_stored(path, max_file_size)
    if stored is None:
        refuse_address(os.fspath(path))
    return Path(path) if stored is None else stored


def name_of(source: Path | BinaryIO) -> str:
    """The name of a source in messages."""
    if isinstance(source, Bytes):
        return repr(source.name)
    return repr(str(source)) if isinstance(source, Path) else "standard input"


def _too_many(reason: str) -> str:
    return f"it is too large, {reason}: make it smaller, or raise max_pixels (--max-pixels)"


def _check_file(path: Path, max_file_size: int) -> None:
    name = name_of(path)
    if path.is_dir():
        raise IsADirectoryError(f"{name} is a folder: give the name of a picture in it")
    if not path.exists():
        raise FileNotFoundError(
            f"there is no file {name}: check its spelling and the folder you are in"
        )
    if kind := special_kind(path):  # opening a pipe would wait for its writer, perhaps for ever
        raise OSError(
            f"{name} is {kind}, not a file: save the picture in a file, or pipe it into standard "
            "input and give - for it"
        )
    _check_file_size(name, path.stat().st_size, max_file_size)


def _check_file_size(name: str, size: int, limit: int) -> None:
    if size > limit:
        raise ValueError(
            f"{name} cannot be read: the file is larger than {limit:,} bytes: make it smaller, or "
            "raise max_file_size (--max-file-size)"
        )


def _not_a_picture(name: str, file: BinaryIO) -> str:
    with contextlib.suppress(OSError, ValueError):
        file.seek(0)
        start = file.read(_LONGEST_SIGNATURE)
        for offset, signature, kind, remedy in _OTHERS:
            if start[offset:].startswith(signature):
                return f"{name} is {kind}, which is not read ({READABLE} are): {remedy}"
        kinds = [(kind, need) for at, sign, kind, need in _KNOWN if start[at:].startswith(sign)]
        kinds += [(kind, "pil") for kind in (format_of(start) or ())[1:]]
        for kind, need in kinds:
            if not features.check(need):
                return (
                    f"{name} is a picture in {kind}, which the installed Pillow was built without: "
                    "save it as PNG, or install Pillow by pip"
                )
            return f"{name} is damaged or cut short (it begins as {kind}): copy or export it again"
    return (
        f"{name} is not a picture that can be read ({READABLE}): "
        "open it in another program and save it as PNG"
    )


@contextmanager
def _pillow_allows(pixels: int) -> Iterator[None]:
    """Raises Pillow's own limit, which is process-wide, if more pixels are asked for."""
    before = Image.MAX_IMAGE_PIXELS
    if before is not None and pixels > MAX_PIXELS:
        Image.MAX_IMAGE_PIXELS = -(-pixels // 2)  # Pillow refuses above twice that
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before

"""The reader of pictures: any common file becomes upright sRGB in [0, 1], with separate alpha.

Pillow reads files of 8 bits a sample. It reduces 16-bit colour to 8 bits, so imagecodecs (libpng)
reads 16-bit PNG, and tifffile reads TIFF of more than 8 bits or of floating point.
"""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
from PIL import Image, UnidentifiedImageError

from ..arrays import Pixels
from ..files import AnyPath
from .icc import ProfileError, to_srgb
from .opening import (
    MAX_FILE_SIZE,
    MAX_PIXELS,
    UnsupportedError,
    identify,
    located,
    name_of,
    open_picture,
)
from .tiff import FIRST_PAGE, Samples, decode_tiff, fractions

_EXIF_ORIENTATION = 274
_TIFF_BITS = 258
# What the libtiff in Pillow may have been built without; other failures to decode are damage.
_RARELY_READ = ("lzma", "zstd", "webp", "tiff_sgilog", "tiff_sgilog24")
_ALIKE = 0.1  # largest difference between numbers that count as one colour, or as gray
_PLAIN_MODES = {mode: mode for mode in ("L", "LA", "RGB", "RGBA", "CMYK")}
_PLAIN_MODES |= {"1": "L", "La": "LA", "RGBa": "RGBA", "PA": "RGBA"}
_PLAIN_MODES |= dict.fromkeys(("P", "RGBX", "YCbCr", "HSV"), "RGB")


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture read from a file.

    Attributes:
        pixels: height x width x 3, float32, sRGB in [0, 1]. Where alpha is 0, a file's colours are
            arbitrary: these pixels have the colour of the nearest visible one.
        alpha: height x width, float32 in [0, 1] (1 is opaque), or None if the file has none.
        path: where it was read from.
    """

    pixels: Pixels
    alpha: Pixels | None
    path: Path

    def as_mask(self) -> Pixels:
        """The mask [height, width] that the picture shows, 1 inside and 0 outside.

        By its gray: white is inside; what is transparent is outside. A picture of one colour shows
        its shape in its alpha alone.

        Raises:
            ValueError: if it is in colour.
        """
        if self.alpha is not None and self.alpha.min() < 1:
            visible = self.pixels[self.alpha > 0]
            if not len(visible) or np.ptp(visible, axis=0).max() <= _ALIKE:
                return self.alpha
        if np.ptp(self.pixels, axis=-1).max() > _ALIKE:
            raise ValueError(
                f"{self.path} is in colour: a mask is gray, white inside and black outside"
            )
        gray = np.asarray(self.pixels.mean(axis=-1), np.float32)
        return gray if self.alpha is None else gray * self.alpha


def read_image(
    path: AnyPath | BinaryIO,
    *,
    max_pixels: int = MAX_PIXELS,
    max_file_size: int = MAX_FILE_SIZE,
) -> Picture:
    """Reads a picture: PNG, JPEG, WebP, TIFF, GIF, BMP, PPM, JPEG 2000, AVIF, HEIC or JPEG XL.

    HEIC and JPEG XL need packages of their own: `pip install 'jnst[formats]'`.

    The content of the file decides its format, not its name. The EXIF orientation is applied; an
    embedded ICC profile is converted to sRGB. Gray, palette, CMYK, 1-bit and premultiplied pictures
    become plain RGB; 16-bit PNG and TIFF keep their 16 bits. PNG's gAMA and cHRM chunks are not
    applied. With a `UserWarning`, a profile that is damaged or does not fit is ignored,
    floating-point samples are clipped to [0, 1], and only the first picture of several is read.

    Args:
        path: the file, or a stream such as `sys.stdin.buffer`, which is read to its end.
        max_pixels: a picture with more is refused before any is decoded.
        max_file_size: in bytes; a larger file is refused before it is read.

    Returns:
        The picture, at its upright size.

    Raises:
        FileNotFoundError: if there is no such file.
        IsADirectoryError: if it is a folder.
        OSError: if it may not be read, or is a pipe, a socket, a device or an address on the web.
        ValueError: if it is not a picture, is damaged or cut short, is over a limit, or is of a
            kind not read (CIE Lab; signed integers; NaN).

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Image.new("L", (3, 2), 51).save(f"{folder}/gray.png")
        ...     picture = read_image(f"{folder}/gray.png")
        >>> picture.pixels.shape, round(float(picture.pixels[0, 0, 2]), 3), picture.alpha
        ((2, 3, 3), 0.2, None)
    """
    source = located(path, max_file_size) if isinstance(path, str | os.PathLike) else path
    name = name_of(source)
    with open_picture(source, max_pixels=max_pixels, max_file_size=max_file_size) as file:
        values, has_alpha, profile, orientation, notes = _decode(file, max_pixels)
    for note in notes:
        warnings.warn(f"{name} {note}", UserWarning, stacklevel=2)
    values = _upright(values, orientation)
    colours, alpha = (values[..., :-1], values[..., -1]) if has_alpha else (values, None)
    try:
        pixels = to_srgb(colours, profile)
    except ProfileError as error:
        warnings.warn(
            f"{name} has a colour profile that cannot be used ({error}); "
            "its colours are read as if it had none",
            UserWarning,
            stacklevel=2,
        )
        pixels = to_srgb(colours, None)
    pixels = np.ascontiguousarray(pixels, np.float32)
    if alpha is not None:
        pixels, alpha = _fill_hidden(pixels, alpha), np.ascontiguousarray(alpha)
    return Picture(pixels, alpha, Path(path) if isinstance(path, str | os.PathLike) else Path("-"))


def read_size(path: AnyPath) -> tuple[int, int]:
    """The height and width of a picture, upright, from its header; the errors of `read_image`."""
    with open_picture(located(path)) as file:
        image = identify(file)
        width, height = image.size
        turned = image.getexif().get(_EXIF_ORIENTATION, 1) in (5, 6, 7, 8)
    return (width, height) if turned else (height, width)


def _fill_hidden(pixels: Pixels, alpha: Pixels) -> Pixels:
    """The pixels, those with alpha 0 in the colour of the nearest visible one, or black."""
    from scipy import ndimage

    hidden = alpha == 0
    if hidden.all():
        return np.zeros_like(pixels)
    if not hidden.any():
        return pixels
    options = {"return_distances": False, "return_indices": True}
    rows, columns = ndimage.distance_transform_edt(hidden, **options)
    return np.asarray(pixels[rows, columns])


def _decode(file: BinaryIO, max_pixels: int) -> Samples:
    signature = file.read(26)
    file.seek(0)
    try:
        image: Any = identify(file, max_pixels)
    except UnidentifiedImageError:
        if signature[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return decode_tiff(file, max_pixels)  # Pillow has no floating-point RGB
        raise
    if image.format == "PNG" and signature[24] == 16:
        file.seek(0)
        samples = _decode_png16(file, image)
    elif image.format == "TIFF" and np.max(image.tag_v2.get(_TIFF_BITS, 1)) > 8:
        return decode_tiff(file, max_pixels)
    else:
        try:
            samples = _decode_pillow(image)
        except OSError:
            if image.format != "TIFF" or image.info.get("compression") not in _RARELY_READ:
                raise
            return decode_tiff(file, max_pixels)
    try:
        more = getattr(image, "is_animated", False)
    except Exception:  # a damaged second frame does not matter
        more = True
    return samples._replace(notes=(*samples.notes, FIRST_PAGE)) if more else samples


def _decode_png16(file: BinaryIO, image: Image.Image) -> Samples:
    values = np.asarray(imagecodecs.png_decode(file.read()))
    values = np.atleast_3d(values).astype(np.float32) / np.float32(65535)
    orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    return Samples(values, values.shape[-1] in (2, 4), image.info.get("icc_profile"), orientation)


def _decode_pillow(image: Any) -> Samples:
    profile = image.info.get("icc_profile")
    image.load()
    # Read after load(): by then Pillow has rotated a TIFF itself and reports 1.
    orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    if image.format == "JXL" and not image.jpeg:
        orientation = 1  # the decoder has turned it; only a wrapped JPEG is as its EXIF says
    notes: tuple[str, ...] = ()
    if image.mode == "I" or image.mode.startswith("I;16"):
        values, has_alpha = fractions(np.asarray(image, np.uint16), 16)[0], False
    elif image.mode == "F":
        (values, notes), has_alpha = fractions(np.asarray(image), 32), False
    else:
        mode = _PLAIN_MODES.get(image.mode)
        if mode is None:
            raise UnsupportedError(f"its colours are of the kind {image.mode}; save it as RGB")
        if mode in ("L", "RGB") and "transparency" in image.info:
            mode += "A"
        values, has_alpha = fractions(np.asarray(image.convert(mode)), 8)[0], mode.endswith("A")
    return Samples(np.atleast_3d(values), has_alpha, profile, orientation, notes)


def _upright(values: Pixels, orientation: int) -> Pixels:
    """Applies an EXIF orientation (EXIF 2.32, tag 0x0112): 5 to 8 are transposed, then turned."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return values

"""The writer of pictures: PNG, JPEG, WebP or TIFF, in sRGB, with the parameters that made them.

The same pixels and parameters give the same bytes: no date and no program's name is written.
"""

import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from ..arrays import check_values
from ..files import AnyPath, prove_writable, replace_file
from ..storage import is_remote
from .icc import srgb_profile
from .opening import identify, located, open_picture

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WebP"}
_FORMATS |= {".tif": "TIFF", ".tiff": "TIFF"}
_LONGEST_SIDE = {"JPEG": 65_500, "WebP": 16_383}
_LONGEST_JPEG_EXIF = 65_533
_EXIF_DESCRIPTION = 270  # ImageDescription, in EXIF and in TIFF; PNG's keyword is "Description"
_PNG_HEADER_END = 33  # signature (8) and the chunk IHDR (25)


def write_image(
    path: AnyPath,
    pixels: ArrayLike,
    alpha: ArrayLike | None = None,
    *,
    bits: int = 8,
    parameters: dict[str, str] | None = None,
) -> None:
    """Writes a picture in the format of the name's ending; replaces an existing file atomically.

    PNG and TIFF are exact to `bits` bits, WebP is written lossless, JPEG with quality 95 and
    without chroma subsampling (4:4:4). The file says that it is sRGB: by a chunk in PNG, by an ICC
    profile elsewhere. JPEG has no alpha: the picture is blended with white. The parameters are
    stored as JSON, in a text chunk "Description" of PNG and in ImageDescription elsewhere.

    Args:
        path: ends in .png, .jpg, .jpeg, .webp, .tif or .tiff; its folder exists.
        pixels: height x width x 3, floating point, sRGB; clipped to [0, 1] and rounded to the
            nearest step.
        alpha: height x width, floating point in [0, 1] (1 is opaque), or None.
        bits: 8, or 16 for PNG and TIFF.
        parameters: names and values to store with the picture; any Unicode.

    Raises:
        ValueError: for an unknown ending, 16 bits in JPEG or WebP, wrong shapes, NaN, a side or
            parameters too long for the format.
        TypeError: for pixels that are integers, or parameters that are not strings.
        OSError: if the file cannot be written; see `check_writable`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_image(f"{folder}/a.png", np.zeros((2, 3, 3)), parameters={"seed": "0"})
        ...     read_parameters(f"{folder}/a.png")
        {'seed': '0'}
    """
    replace_file(path, picture_bytes(path, pixels, alpha, bits=bits, parameters=parameters))


def picture_bytes(
    name: AnyPath,
    pixels: ArrayLike,
    alpha: ArrayLike | None = None,
    *,
    bits: int = 8,
    parameters: dict[str, str] | None = None,
) -> bytes:
    """The bytes that `write_image` would write into a file of that name; the same errors."""
    file_format = _file_format(name, bits)
    samples = _floats(pixels, "pixels")
    if samples.ndim != 3 or samples.shape[-1] != 3 or samples.size == 0:
        raise ValueError(f"pixels have the shape {samples.shape}: give height x width x 3")
    if max(samples.shape) > _LONGEST_SIDE.get(file_format, max(samples.shape)):
        raise ValueError(
            f"a picture of {samples.shape[0]}x{samples.shape[1]} cannot be a {file_format}, which "
            f"ends at {_LONGEST_SIDE[file_format]:,}: write it as .png or .tif"
        )
    if alpha is not None:
        opacity = _floats(alpha, "alpha")[..., None]
        if opacity.shape[:-1] != samples.shape[:2]:
            raise ValueError(
                f"alpha has the shape {opacity.shape[:-1]}, the pixels {samples.shape}: "
                "give both the same height and width"
            )
        if file_format == "JPEG":
            samples = samples * opacity + (1 - opacity)
        else:
            samples = np.concatenate([samples, opacity], axis=-1)
    top = 2**bits - 1
    integers = np.rint(samples * top).astype(np.uint8 if bits == 8 else np.uint16, order="C")
    text = None if parameters is None else parameters_text(parameters)
    if file_format == "PNG":
        return _encode_png(integers, text)
    if file_format == "TIFF":
        return _encode_tiff(integers, text)
    return _encode_by_pillow(file_format, integers, text)


def check_writable(path: AnyPath, *, bits: int = 8) -> None:
    """Checks, before a long run, that `write_image` will be able to write `path`.

    Raises:
        ValueError: if the name has no known ending, or its format cannot hold `bits` bits.
        OSError: as `jnst.files.prove_writable`.
    """
    if is_remote(path) or not Path(path).is_dir():
        _file_format(path, bits)
    prove_writable(path)


def read_parameters(path: AnyPath) -> dict[str, str]:
    """The parameters that `write_image` stored in a file.

    Raises:
        ValueError: if it has none, or is not a picture.
        OSError: if there is no such file, or it may not be read.
    """
    with open_picture(located(path)) as file:
        image = identify(file)
        text = image.info.get("Description") or image.getexif().get(_EXIF_DESCRIPTION)
    return parameters_of(path, text)


def parameters_of(path: AnyPath, text: object) -> dict[str, str]:
    """The parameters in a text that was stored in a file; ValueError if it is another text."""
    try:
        parameters = json.loads(str(text))["jnst"]
        return {str(name): str(value) for name, value in parameters.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"{str(path)!r} carries no parameters: jnst writes them into what it paints, "
            "but other programs may drop them when they save"
        ) from error


def _file_format(path: AnyPath, bits: int) -> str:
    file_format = _FORMATS.get(Path(path).suffix.lower())
    if file_format is None:
        *others, last = _FORMATS
        raise ValueError(f"{str(path)!r} has no known ending: use {', '.join(others)} or {last}")
    if bits not in (8, 16):
        raise ValueError(f"bits is {bits}: give 8, or 16 (PNG and TIFF only)")
    if bits == 16 and file_format not in ("PNG", "TIFF"):
        raise ValueError(
            f"{str(path)!r}: {file_format} cannot hold 16 bits; use .png or .tif, or 8 bits"
        )
    return file_format


def _floats(values: ArrayLike, name: str) -> NDArray[np.float32]:
    array = np.asarray(values)
    check_values(name, array, clipped=True)
    array = array.astype(np.float32)
    if np.isnan(array).any():
        raise ValueError(f"{name} hold NaN, which has no colour: the run that made them failed")
    return np.clip(array, 0, 1)


def parameters_text(parameters: dict[str, str]) -> str:
    """Parameters as they are stored: one line of ASCII (other characters as \\u....), which
    every format carries unharmed."""
    for name, value in parameters.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"parameter {name!r} is {value!r}: names and values must be strings")
    return json.dumps({"jnst": parameters})


def _encode_by_pillow(file_format: str, integers: NDArray[Any], text: str | None) -> bytes:
    exif = Image.Exif()
    if text is not None:
        exif[_EXIF_DESCRIPTION] = text
    if file_format == "JPEG" and len(exif.tobytes()) > _LONGEST_JPEG_EXIF:
        raise ValueError(
            f"parameters of {len(text or ''):,} characters are too long for JPEG: write .png"
        )
    options: dict[str, Any] = {"quality": 95, "subsampling": "4:4:4"}
    if file_format == "WebP":
        options = {"lossless": True, "exact": True}  # exact: keep the colours under alpha 0
    options |= {"exif": exif.tobytes(), "icc_profile": srgb_profile()}
    file = io.BytesIO()
    Image.fromarray(integers).save(file, file_format, **options)
    return file.getvalue()


def _encode_png(integers: NDArray[Any], text: str | None) -> bytes:
    """libpng's bytes with two chunks inserted after the header (PNG specification, 11.3)."""
    encoded = bytes(imagecodecs.png_encode(integers))
    chunks = {b"sRGB": b"\0"}  # rendering intent: perceptual
    if text is not None:
        # Keyword, not compressed, no language, no translated keyword.
        chunks[b"iTXt"] = b"Description\0\0\0\0\0" + text.encode("ascii")
    inserted = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks.items()
    )
    return encoded[:_PNG_HEADER_END] + inserted + encoded[_PNG_HEADER_END:]


def _encode_tiff(integers: NDArray[Any], text: str | None) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        integers,
        photometric="rgb",
        extrasamples=["unassalpha"] if integers.shape[-1] == 4 else None,
        compression="zlib",
        predictor=True,
        iccprofile=srgb_profile(),
        description=text,
        metadata=None,
        software=False,
    )
    return file.getvalue()

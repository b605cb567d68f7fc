"""Files that promise too much, or that are no files: refused before anything is decoded."""

import io
import os
import socket
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import tifffile
from image_files import BYTES, WORDS, png16, save
from PIL import Image

from jnst.images import read_image

RGB = BYTES[..., :3]


def refused(path, error, text, **limits):
    """Refused, and no more than a few megabytes were ever taken."""
    tracemalloc.start()
    try:
        with pytest.raises(error, match=text) as caught:
            read_image(path, **limits)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)


def test_a_small_file_with_a_huge_picture(tmp_path):
    path = save(tmp_path / "a.png", RGB)
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">2I", 14000, 14000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(data)
    refused(path, ValueError, r"it is too large, more than 178,956,970 pixels: make it smaller, or")
    # Where the limit is raised, it is found out what the file really holds.
    text = r"is damaged or cut short"
    refused(path, ValueError, text, max_pixels=14000**2, max_file_size=10_000)
    assert Image.MAX_IMAGE_PIXELS == 89_478_485


@pytest.mark.parametrize(
    "ending", ["png", "jpg", "webp", "tif", "gif", "bmp", "ppm", "jp2", "avif"]
)
def test_the_limit_on_pixels_is_exact(tmp_path, ending):
    path = save(tmp_path / f"a.{ending}", RGB)
    assert read_image(path, max_pixels=35).pixels.shape == (5, 7, 3)
    refused(
        path,
        ValueError,
        r"7x5 pixels are over 34: make it .*max_pixels \(--max-pixels\)$",
        max_pixels=34,
    )


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_the_limit_on_pixels_of_deep_tiff(tmp_path, dtype, tile):
    pixels = np.zeros((16, 17, 3), dtype)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", tile=tile, compression="zlib")
    assert read_image(tmp_path / "a.tif", max_pixels=272).pixels.shape == (16, 17, 3)
    refused(tmp_path / "a.tif", ValueError, r"17x16 pixels are over 271", max_pixels=271)


def test_deep_pictures_under_the_limit(tmp_path):
    png16(tmp_path / "a.png", WORDS[..., :3])
    refused(tmp_path / "a.png", ValueError, "7x5 pixels are over 34", max_pixels=34)


def patched(path, tag, value):
    """The TIFF with another value of a tag that holds one short or long."""
    with tifffile.TiffFile(path) as tiff:
        place = tiff.pages[0].tags[tag].offset
    data = bytearray(path.read_bytes())
    (kind,) = struct.unpack_from("<H", data, place + 2)
    struct.pack_into("<H" if kind == 3 else "<I", data, place + 8, value)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("tag", "value", "text"),
    [
        (256, 60000, "60000x32 pixels are over 100,000"),  # width
        (257, 60000, "32x60000 pixels are over 100,000"),
        (322, 65520, r"it would unpack to [\d,]+ bytes: make it smaller, or raise max_pixels"),
        (323, 65520, r"it would unpack to [\d,]+ bytes"),
        (277, 65535, r"it would unpack to [\d,]+ bytes"),  # samples for each pixel
    ],
)
def test_tiff_that_promises_much(tmp_path, tag, value, text):
    path = tmp_path / "a.tif"
    pixels = np.zeros((32, 32, 3), np.uint16)
    tifffile.imwrite(path, pixels, photometric="rgb", tile=(16, 16), compression="zlib")
    refused(patched(path, tag, value), ValueError, text, max_pixels=100_000)


@pytest.mark.parametrize("compression", ["zlib", "lzma", "zstd", "packbits"])
def test_a_strip_that_unpacks_to_more_than_its_share(tmp_path, compression):
    """32 MB of zeros where 6 kB are expected."""
    big, small = tmp_path / "big.tif", tmp_path / "a.tif"
    zeros = np.zeros((4_000, 4_000, 1), np.uint16)
    options = {"photometric": "minisblack", "compression": compression, "rowsperstrip": 4_000}
    tifffile.imwrite(big, zeros, **options)
    size = big.stat().st_size
    assert size < 4e6
    patched(big, 256, 32)
    patched(big, 257, 32).rename(small)
    tracemalloc.start()
    try:
        assert not read_image(small, max_pixels=2000).pixels.any()
    except ValueError as error:
        assert "damaged or cut short" in str(error)  # noqa: PT017 - either is right
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 10e6 + size


def test_deep_tiff_with_pictures_inside(tmp_path):
    """Its strips are files that say for themselves how large they are."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, WORDS[..., :3], photometric="rgb", compression="jpeg2000")
    refused(path, ValueError, r"a TIFF packed as (APERIO_JP2000_RGB|JPEG2000); save it")


def test_the_limit_on_the_size_of_the_file(tmp_path):
    path = save(tmp_path / "a.png", RGB)
    size = path.stat().st_size
    assert read_image(path, max_file_size=size).pixels.shape == (5, 7, 3)
    text = rf"the file is larger than {size - 1:,} bytes: .* raise max_file_size \(--max-file-size"
    refused(path, ValueError, text, max_file_size=size - 1)
    sparse = tmp_path / "sparse.png"
    with sparse.open("wb") as file:
        file.truncate(3_000_000_000)
    refused(sparse, ValueError, "the file is larger than 2,000,000,000 bytes")


def test_a_stream(tmp_path):
    data = save(tmp_path / "a.png", RGB).read_bytes()
    picture = read_image(io.BytesIO(data))
    np.testing.assert_allclose(picture.pixels, RGB / 255, atol=1e-7)
    assert str(picture.path) == "-"
    refused(io.BytesIO(data), ValueError, "^standard input .* than 9 bytes", max_file_size=9)
    refused(io.BytesIO(b""), ValueError, "^standard input is not a picture that can be read")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="files of POSIX")
def test_what_is_no_file(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", OSError, r"pipe' is a pipe, not a file: .*give - for it")
    refused("/dev/null", OSError, r"'/dev/null' is a device, not a file")
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        refused("socket", OSError, r"'socket' is a socket, not a file")
    (tmp_path / "round").symlink_to("round")
    refused(tmp_path / "round", FileNotFoundError, "there is no file")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x76\x2f\x31\x01\2\0\0\0", "an OpenEXR picture, .*: map its tones to"),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 1\n1234", "a Radiance picture"),
        (b"8BPS\0\1", "a Photoshop document"),
        (b"%PDF-1.7", "a PDF document"),
    ],
)
def test_other_kinds_are_called_by_their_names(tmp_path, data, kind):
    (tmp_path / "a.png").write_bytes(data)
    refused(tmp_path / "a.png", ValueError, rf"a.png' is {kind}")

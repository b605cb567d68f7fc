"""What is not a picture, or not a whole one, is refused with one clear line."""

import re

import numpy as np
import pytest
import tifffile
from image_files import BYTES, WORDS, png16, save
from PIL import Image

from jnst.images import opening, read_image, reader


def refused(path, error, text):
    with pytest.raises(error, match=text) as caught:
        read_image(path)
    message = str(caught.value)
    assert "\n" not in message
    assert repr(str(path)) in message


def test_missing_folder_and_text(tmp_path):
    refused(tmp_path / "no.png", FileNotFoundError, r"there is no file .*check its spelling")
    refused(tmp_path, IsADirectoryError, r"is a folder: give the name of a picture")
    for name, content in (("a.jpg", b"Dear reader,\n"), ("empty.png", b""), ("a.eps", b"%!PS-Ad")):
        (tmp_path / name).write_bytes(content)
        refused(tmp_path / name, ValueError, r"is not a picture that can be read \(PNG, JPEG")


TRUNCATED = [f"a.{e}" for e in ("jpg", "png", "webp", "gif", "bmp", "tif", "jp2", "ppm", "avif")]


@pytest.mark.parametrize("name", TRUNCATED)
def test_truncated_files_are_refused(tmp_path, name):
    path = save(tmp_path / name, np.tile(BYTES[..., :3], (9, 9, 1)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(path, ValueError, r"is damaged or cut short \(.+\): copy or export it again")


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "gif", "jp2", "avif"])
def test_files_that_hardly_begin_are_called_by_their_kind(tmp_path, ending):
    path = save(tmp_path / f"a.{ending}", BYTES[..., :3])
    path.write_bytes(path.read_bytes()[:14])
    refused(path, ValueError, r"is damaged or cut short \(.+\): copy or export it again")


@pytest.mark.parametrize("name", ["a.png", "none.tif", "lzw.tif", "zlib.tif"])
def test_truncated_16_bit_files_are_refused(tmp_path, name):
    path = png16(tmp_path / name, WORDS)
    if path.suffix == ".tif":
        compression = None if path.stem == "none" else path.stem
        tifffile.imwrite(path, WORDS, photometric="rgb", compression=compression)
    path.write_bytes(path.read_bytes()[:-60])
    refused(path, ValueError, r"is damaged or cut short \(.+\): copy or export it again")


@pytest.fixture
def bare_libtiff(monkeypatch):
    """Pillow, with a libtiff that was built without the rarer ways of packing."""

    def fail(image):
        raise OSError("decoder error -2")

    monkeypatch.setattr(reader, "_decode_pillow", fail)


@pytest.mark.parametrize("packing", ["webp", "jpeg2000", "jpegxl", "png"])
def test_a_tiff_whose_packing_is_not_read_is_not_damaged(tmp_path, bare_libtiff, packing):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, BYTES[..., :3], photometric="rgb", compression=packing)
    refused(path, ValueError, "a TIFF packed as .*; save it with LZW, Deflate or no compression")


@pytest.mark.parametrize("packing", ["zstd", "lzma"])
def test_tifffile_reads_what_libtiff_does_not(tmp_path, bare_libtiff, packing):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, BYTES[..., :3], photometric="rgb", compression=packing)
    np.testing.assert_allclose(read_image(path).pixels, BYTES[..., :3] / 255, atol=1e-6)


def test_a_format_that_pillow_was_built_without(tmp_path, monkeypatch):
    path = save(tmp_path / "a.avif", BYTES[..., :3])
    kept = tuple(name for name in opening._FORMATS if name != "AVIF")
    monkeypatch.setattr(opening, "_FORMATS", kept)
    monkeypatch.setattr(opening.features, "check", lambda name: name != "avif")
    refused(path, ValueError, "is a picture in AVIF, which the installed Pillow was built without")


def test_unsupported_kinds(tmp_path):
    path = tmp_path / "a.tif"
    Image.new("LAB", (2, 2)).save(path)
    refused(path, ValueError, r"colours are of the kind LAB; save it as RGB")
    tifffile.imwrite(path, np.zeros((2, 2), np.int16), photometric="minisblack")
    refused(path, ValueError, r"samples are signed integers")
    tifffile.imwrite(path, np.full((2, 2, 3), np.nan, np.float32), photometric="rgb")
    refused(path, ValueError, r"holds NaN or infinite samples")
    tifffile.imwrite(path, WORDS[..., :3], photometric="cielab")
    refused(path, ValueError, r"a TIFF of an unusual kind; save it as RGB")


def test_path_with_a_newline_stays_on_one_line(tmp_path):
    refused(tmp_path / "a\nb.png", FileNotFoundError, re.escape("a\\nb.png"))

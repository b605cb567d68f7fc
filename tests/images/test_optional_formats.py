"""HEIC and JPEG XL: files made by their packages, and one line where these are missing."""

import importlib
import sys

import numpy as np
import pytest
from image_files import BYTES, save

from jnst.images import read_image
from jnst.images.optional_formats import jxl_size

PACKAGES = {"heic": "pillow_heif", "jxl": "pillow_jxl"}
SMOOTH = np.stack(np.broadcast_arrays(*np.ogrid[0:250:40j, 0:250:60j], 90), -1).astype(np.uint8)


@pytest.fixture
def package(ending):
    module = pytest.importorskip(PACKAGES[ending])
    if ending == "heic":
        module.register_heif_opener()
    return module


@pytest.mark.parametrize("ending", PACKAGES)
def test_colours_and_alpha(tmp_path, package, ending):
    picture = read_image(save(tmp_path / f"a.{ending}", SMOOTH, quality=95))
    assert picture.alpha is None
    assert np.abs(picture.pixels - SMOOTH / 255).mean() < 0.01
    alpha = np.zeros(SMOOTH.shape[:2], np.uint8)
    alpha[:, 30:] = 255
    options = {"quality": -1} if ending == "heic" else {"lossless": True}
    path = save(tmp_path / f"b.{ending}", np.dstack([SMOOTH, alpha]), **options)
    picture = read_image(path)
    np.testing.assert_allclose(picture.alpha, alpha / 255, atol=2 / 255)
    assert np.abs(picture.pixels - SMOOTH / 255)[:, 31:].mean() < 0.02


@pytest.mark.parametrize("ending", ["jxl"])
def test_lossless_is_exact(tmp_path, package, ending):
    picture = read_image(save(tmp_path / "a.jxl", BYTES[..., :3], lossless=True))
    # The file's own profile of sRGB is converted, which costs less than a step of 8 bits.
    np.testing.assert_array_equal(np.rint(255 * picture.pixels), BYTES[..., :3])
    np.testing.assert_allclose(picture.pixels, BYTES[..., :3] / 255, atol=1e-3)


@pytest.mark.parametrize("ending", PACKAGES)
def test_a_turned_picture_is_upright(tmp_path, package, ending):
    from PIL import Image

    exif = Image.Exif()
    exif[274] = 6
    path = tmp_path / f"a.{ending}"
    Image.fromarray(SMOOTH).save(path, exif=exif.tobytes(), quality=95)
    with Image.open(path) as image:  # what the package itself shows
        shown = np.asarray(image.convert("RGB"), float) / 255
    pixels = read_image(path).pixels
    assert pixels.shape == shown.shape
    assert np.abs(pixels - shown).max() < 0.02


@pytest.mark.parametrize("ending", PACKAGES)
def test_a_large_or_damaged_file_is_refused(tmp_path, package, ending):
    path = save(tmp_path / f"a.{ending}", SMOOTH)
    with pytest.raises(ValueError, match="it is too large, 60x40 pixels are over 2,399: make it"):
        read_image(path, max_pixels=2399)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=r"is damaged or cut short \(.+\): copy or export it"):
        read_image(path)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (3, 5), (40, 60), (256, 256), (9, 16), (700, 3)])
@pytest.mark.parametrize("ending", ["jxl"])
def test_the_size_in_a_jpeg_xl_header(tmp_path, package, ending, size):
    for name, options in (
        ("bare", {}),
        ("boxes", {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}),
    ):
        path = save(tmp_path / f"{name}.jxl", np.zeros((*size, 3), np.uint8), **options)
        with path.open("rb") as file:
            assert jxl_size(file) == size[::-1]


HEADS = {"heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "jxl": b"\xff\x0a\xfa\x1f\x01\x91\x08\x06"}


@pytest.mark.parametrize("ending", PACKAGES)
def test_a_missing_package_is_named(tmp_path, ending, monkeypatch):
    (tmp_path / f"a.{ending}").write_bytes(HEADS[ending])
    monkeypatch.setitem(sys.modules, PACKAGES[ending], None)
    kind = {"heic": "an HEIC picture", "jxl": "a JPEG XL picture"}[ending]
    text = rf"cannot be read: it is {kind}, which needs .*: pip install 'jnst\[formats\]', or save"
    with pytest.raises(ValueError, match=text) as caught:
        read_image(tmp_path / f"a.{ending}")
    assert "\n" not in str(caught.value)


def test_other_pictures_load_no_such_package(tmp_path, monkeypatch):
    def refuse(name):
        raise AssertionError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    read_image(save(tmp_path / "a.png", BYTES))

"""Pictures out: exactness, what the file says of itself, and files replaced whole or not at all."""

import os
import stat
import struct

import imagecodecs
import jax.numpy as jnp
import numpy as np
import pytest
import tifffile
from PIL import Image, JpegImagePlugin

from jnst import files
from jnst.images import check_writable, read_image, read_parameters, write_image
from jnst.images.icc import srgb_profile

ENDINGS = ["png", "jpg", "jpeg", "webp", "tif", "tiff"]
LOSSLESS = [("png", 8), ("png", 16), ("tif", 8), ("tif", 16), ("webp", 8)]
ALL = [*LOSSLESS, ("jpg", 8)]
PARAMETERS = {"prompt": "Sternennacht ★ 星月夜 \U0001f30c", "empty": "", "two\nlines": '"\\\0{}'}
_RNG = np.random.default_rng(0)
PIXELS = _RNG.normal(0.5, 0.4, (6, 9, 3)).astype(np.float32)
ALPHA = _RNG.random((6, 9), np.float32)
ALPHA[2:4] = 0  # where some encoders drop the colours


@pytest.mark.parametrize(("ending", "bits"), LOSSLESS)
def test_rounded_to_the_nearest_step(tmp_path, ending, bits):
    path = tmp_path / f"a.{ending}"
    write_image(path, PIXELS, ALPHA, bits=bits)
    picture = read_image(path)
    half = 0.5 / (2**bits - 1) * 1.01
    # The file holds all colours; the reader replaces those that are hidden.
    decode = {
        "png": imagecodecs.png_decode,
        "tif": imagecodecs.imread,
        "webp": imagecodecs.webp_decode,
    }
    written = decode[ending](path.read_bytes())[..., :3] / (2**bits - 1)
    np.testing.assert_allclose(written, np.clip(PIXELS, 0, 1), rtol=0, atol=half)
    visible = picture.alpha > 0
    np.testing.assert_allclose(picture.pixels[visible], written[visible], rtol=0, atol=1e-6)
    np.testing.assert_allclose(picture.alpha, ALPHA, rtol=0, atol=half)
    write_image(path, PIXELS, bits=bits)
    assert read_image(path).alpha is None


@pytest.mark.parametrize(("ending", "bits"), LOSSLESS)
def test_every_step_returns_exactly(tmp_path, ending, bits):
    top = 2**bits - 1
    steps = np.arange(top + 1).reshape(16, -1)
    pixels = (np.stack([steps, steps[::-1], top - steps], -1) / top).astype(np.float32)
    write_image(tmp_path / f"a.{ending}", pixels, bits=bits)
    picture = read_image(tmp_path / f"a.{ending}")
    np.testing.assert_array_equal(np.rint(picture.pixels * top), np.rint(pixels * top))


def test_other_programs_read_the_16_bits(tmp_path):
    write_image(tmp_path / "a.tif", PIXELS, bits=16)
    words = tifffile.imread(tmp_path / "a.tif")
    assert words.dtype == np.uint16
    np.testing.assert_array_equal(words, np.rint(np.clip(PIXELS, 0, 1) * 65535))
    write_image(tmp_path / "a.png", PIXELS, bits=16)
    header = (tmp_path / "a.png").read_bytes()[16:26]
    assert struct.unpack(">IIBB", header) == (9, 6, 16, 2)


def test_jpeg_is_fine_and_not_subsampled(tmp_path):
    stripes = np.zeros((16, 16, 3), np.float32)
    stripes[:, ::2, 0] = stripes[:, 1::2, 2] = 1
    write_image(tmp_path / "a.jpg", stripes)
    with Image.open(tmp_path / "a.jpg") as image:
        assert JpegImagePlugin.get_sampling(image) == 0
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3
        # The first step of the standard's table, 16, at quality 95: 16 * (200 - 2 * 95) / 100.
        assert image.quantization[0][0] == 2
    np.testing.assert_allclose(read_image(tmp_path / "a.jpg").pixels, stripes, atol=0.04)


def test_jpeg_lays_alpha_on_white(tmp_path):
    pixels = np.broadcast_to(np.array([1, 0, 0], np.float32), (16, 16, 3))
    write_image(tmp_path / "a.jpg", pixels, np.full((16, 16), 0.25))
    picture = read_image(tmp_path / "a.jpg")
    np.testing.assert_allclose(picture.pixels, pixels * 0.25 + 0.75, atol=0.02)
    assert picture.alpha is None


@pytest.mark.parametrize(("ending", "bits"), ALL)
def test_file_says_srgb_and_is_reproducible(tmp_path, ending, bits):
    path = tmp_path / f"a.{ending}"
    contents = []
    for _ in range(2):
        write_image(path, PIXELS, bits=bits, parameters=PARAMETERS)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    with Image.open(path) as image:
        if ending == "png":
            assert image.info["srgb"] == 0
        else:
            assert image.info["icc_profile"] == srgb_profile()


def test_profile_does_not_tell_the_date():
    assert srgb_profile()[24:36] == struct.pack(">6H", 2000, 1, 1, 0, 0, 0)


@pytest.mark.parametrize(("ending", "bits"), ALL)
def test_parameters_come_back(tmp_path, ending, bits):
    path = tmp_path / f"a.{ending}"
    for parameters in (PARAMETERS, {}, {"long": "ü" * 9000, "lone surrogate": "\udcff"}):
        write_image(path, PIXELS, ALPHA, bits=bits, parameters=parameters)
        assert read_parameters(path) == parameters
    read_image(path)
    write_image(path, PIXELS, bits=bits)
    with pytest.raises(ValueError, match=r"a\.\w+' carries no parameters: jnst writes them"):
        read_parameters(path)


def test_parameters_of_other_files(tmp_path):
    exif = Image.Exif()
    for text in ("OLYMPUS DIGITAL CAMERA", "{}", "[1]", '{"jnst": 3}'):
        exif[270] = text
        Image.new("RGB", (2, 2)).save(tmp_path / "a.jpg", exif=exif)
        with pytest.raises(ValueError, match=r"carries no parameters"):
            read_parameters(tmp_path / "a.jpg")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*no\.png'"):
        read_parameters(tmp_path / "no.png")
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(ValueError, match=r"is not a picture that can be read"):
        read_parameters(tmp_path / "text.png")


def test_a_picture_that_is_far_from_white_is_written_with_a_warning(tmp_path):
    """A painting that ran away is not lost; one in [0, 255] does not become white in silence."""
    with pytest.warns(
        UserWarning, match=r"from 0 to 25\d, which are clipped: give sRGB in \[0, 1\]"
    ):
        write_image(tmp_path / "a.png", 255 * np.tile(np.linspace(0, 1, 9), (3, 2, 1)).T)
    assert read_image(tmp_path / "a.png").pixels.max() == 1


@pytest.mark.parametrize("pixels", [jnp.full((1, 1, 3), 0.2), np.full((3, 1, 1), 0.2).T])
def test_arrays_of_other_kinds(tmp_path, pixels):
    for array in (pixels, jnp.asarray(pixels, jnp.bfloat16)):
        write_image(tmp_path / "a.png", array)
        np.testing.assert_allclose(read_image(tmp_path / "a.png").pixels, 0.2, atol=1e-3)


def test_values_beyond_the_range_are_clipped(tmp_path):
    write_image(tmp_path / "a.png", np.array([[[-np.inf, 7.0, np.inf]]]), np.array([[1.5]]))
    picture = read_image(tmp_path / "a.png")
    assert picture.pixels.tolist() == [[[0, 1, 1]]]
    assert picture.alpha.tolist() == [[1]]


@pytest.mark.parametrize(
    ("name", "pixels", "options", "error", "text"),
    [
        ("a.gif", PIXELS, {}, ValueError, r"a\.gif' has no known ending: use \.png, .* or \.tiff"),
        ("a", PIXELS, {}, ValueError, r"a' has no known ending"),
        ("a.jpg", PIXELS, {"bits": 16}, ValueError, r"JPEG cannot hold 16 bits; use \.png or"),
        ("a.webp", PIXELS, {"bits": 16}, ValueError, r"WebP cannot hold 16 bits"),
        ("a.png", PIXELS, {"bits": 12}, ValueError, r"bits is 12: give 8, or 16"),
        ("a.png", PIXELS[..., 0], {}, ValueError, r"shape \(6, 9\): give height x width x 3"),
        ("a.png", PIXELS[:0], {}, ValueError, r"shape \(0, 9, 3\)"),
        ("a.png", PIXELS, {"alpha": ALPHA.T}, ValueError, r"alpha has the shape \(9, 6\), the p"),
        ("a.png", PIXELS * np.nan, {}, ValueError, r"pixels hold NaN"),
        ("a.png", PIXELS, {"alpha": ALPHA * np.nan}, ValueError, r"alpha hold NaN"),
        ("a.png", PIXELS.astype(int), {}, TypeError, r"pixels has dtype int64: give floats in"),
        ("a.png", PIXELS, {"parameters": {"seed": 3}}, TypeError, r"'seed' is 3: .* be strings"),
        ("a.jpg", PIXELS, {"parameters": {"a": "x" * 65536}}, ValueError, r"too long for JPEG"),
        ("a.webp", np.zeros((1, 16384, 3)), {}, ValueError, r"1x16384 .* WebP, .* at 16,383: wri"),
        ("a.jpg", np.zeros((65501, 1, 3)), {}, ValueError, r"65501x1 cannot be a JPEG"),
    ],
)
def test_what_cannot_be_written(tmp_path, name, pixels, options, error, text):
    with pytest.raises(error, match=text):
        write_image(tmp_path / name, pixels, **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_alone(tmp_path, monkeypatch, step, error):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def fail(*_):
        raise error

    monkeypatch.setattr(files.os if step == "fsync" else files.Path, step, fail)
    text = r"a\.png' cannot be written: No space left" if isinstance(error, OSError) else None
    with pytest.raises(type(error), match=text):
        write_image(path, PIXELS)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_links_and_permissions(tmp_path):
    old_mask = os.umask(0o027)
    try:
        write_image(tmp_path / "new.png", PIXELS)
    finally:
        os.umask(old_mask)
    assert stat.S_IMODE((tmp_path / "new.png").stat().st_mode) == 0o640
    (tmp_path / "new.png").chmod(0o604)
    (tmp_path / "link.png").symlink_to("new.png")
    write_image(tmp_path / "link.png", PIXELS * 0)
    assert (tmp_path / "link.png").is_symlink()
    assert stat.S_IMODE((tmp_path / "new.png").stat().st_mode) == 0o604
    assert not read_image(tmp_path / "new.png").pixels.any()


@pytest.mark.parametrize("ending", ENDINGS)
def test_check_writable_accepts(tmp_path, ending):
    check_writable(tmp_path / f"A.{ending.upper()}")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / f"a.{ending}").write_bytes(b"old")
    check_writable(tmp_path / f"a.{ending}")
    assert (tmp_path / f"a.{ending}").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_check_writable_refuses(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "fixed.png").write_bytes(b"")
    (tmp_path / "fixed.png").chmod(0o444)
    os.mkfifo(tmp_path / "pipe.png")
    cases = [
        ("a.xyz", ValueError, r"a\.xyz' has no known ending: use \.png, \.jpg"),
        ("no/a.png", FileNotFoundError, r"the folder '.*no' does not exist; make it first"),
        ("file/a.png", NotADirectoryError, r"file' is a file, not a folder; choose another"),
        ("folder.png", IsADirectoryError, r"is a folder: give the name of a file in it"),
        ("", IsADirectoryError, r"is a folder"),
        ("fixed.png", PermissionError, r"is marked read-only: choose another name"),
        ("pipe.png", OSError, r"is a device or a pipe, not a file"),
    ]
    for name, error, text in cases:
        with pytest.raises(error, match=text):
            check_writable(tmp_path / name)
    with pytest.raises(ValueError, match=r"JPEG cannot hold 16 bits"):
        check_writable(tmp_path / "a.jpg", bits=16)

    def refuse(*_):
        raise OSError(30, "Read-only file system")

    # Not with chmod: the superuser, who may be running this, writes everywhere.
    monkeypatch.setattr(files.Path, "open", refuse)
    with pytest.raises(OSError, match=r"\(Read-only file system\); choose another folder"):
        check_writable(tmp_path / "a.png")

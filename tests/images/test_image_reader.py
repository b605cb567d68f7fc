"""Every kind of picture file, made by Pillow, tifffile or by hand, against what was put in it."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from image_files import BYTES, WORDS, png16, save
from oracle_icc import (
    bgr_profile,
    black_only_profile,
    gray_profile,
    light_of_lightness,
    srgb_curve,
)
from PIL import Image

from jnst.images import read_image

STEP16 = 1 / 65535
PRIMARIES = 2.5e-3  # two roundings of sRGB's primaries, times 12.92, the slope near black


def check(path, pixels, alpha=None, atol=1e-7):
    picture = read_image(path)
    assert picture.path == path
    assert picture.pixels.dtype == np.float32
    pixels = np.broadcast_to(pixels, (*picture.pixels.shape[:2], 3))
    visible = slice(None)
    if alpha is None:
        assert picture.alpha is None
    else:
        assert picture.alpha.dtype == np.float32
        np.testing.assert_allclose(picture.alpha, alpha, rtol=0, atol=1e-7)
        visible = picture.alpha > 0
        assert visible.any()
    np.testing.assert_allclose(picture.pixels[visible], pixels[visible], rtol=0, atol=atol)


@pytest.mark.parametrize("ending", ["png", "webp", "tif", "bmp", "ppm", "jp2"])
def test_rgb(tmp_path, ending):
    options = {"lossless": True} if ending == "webp" else {}
    path = save(tmp_path / f"a.{ending}", BYTES[..., :3], **options)
    check(path, BYTES[..., :3] / 255)


def test_jpeg_of_one_colour(tmp_path):
    path = save(tmp_path / "a.jpg", np.full((1, 1, 3), 128, np.uint8))
    check(path, 128 / 255, atol=1.1 / 255)


def test_gray_and_one_bit(tmp_path):
    check(save(tmp_path / "l.png", BYTES[..., 0]), BYTES[..., :1] / 255)
    bits = BYTES[..., 0] > 127
    check(save(tmp_path / "1.png", bits), bits[..., None])
    check(save(tmp_path / "1.tif", bits), bits[..., None])


@pytest.mark.parametrize("ending", ["png", "tif", "webp"])
def test_alpha_is_kept_aside(tmp_path, ending):
    options = {"lossless": True, "exact": True} if ending == "webp" else {}
    path = save(tmp_path / f"a.{ending}", BYTES, **options)
    check(path, BYTES[..., :3] / 255, BYTES[..., 3] / 255)


def test_gray_with_alpha(tmp_path):
    path = tmp_path / "a.png"
    Image.merge("LA", [Image.fromarray(BYTES[..., c]) for c in (0, 3)]).save(path)
    check(path, BYTES[..., :1] / 255, BYTES[..., 3] / 255)


def test_palettes(tmp_path):
    indices = BYTES[..., 0] % 3
    palette = np.array([[255, 0, 0], [0, 128, 0], [10, 20, 30]], np.uint8)
    image = Image.fromarray(indices).convert("P")
    image.putdata(indices.ravel().tolist())
    image.putpalette(palette.ravel().tolist())
    image.save(tmp_path / "p.png")
    check(tmp_path / "p.png", palette[indices] / 255)
    image.save(tmp_path / "t.png", transparency=bytes((255, 51, 0)))
    alphas = np.array([1, 0.2, 0])[indices]
    check(tmp_path / "t.png", palette[indices] / 255, alphas)
    image.save(tmp_path / "t.gif", transparency=1)
    check(tmp_path / "t.gif", palette[indices] / 255, indices != 1)
    with_alpha = image.convert("PA")
    with_alpha.putalpha(Image.fromarray(BYTES[..., 3]))
    with_alpha.save(tmp_path / "pa.tif")
    with Image.open(tmp_path / "pa.tif") as reopened:
        assert reopened.mode == "PA"
    check(tmp_path / "pa.tif", palette[indices] / 255, BYTES[..., 3] / 255)


def test_one_transparent_colour(tmp_path):
    key = BYTES[1, 2]
    save(tmp_path / "rgb.png", BYTES[..., :3], transparency=tuple(map(int, key[:3])))
    check(tmp_path / "rgb.png", BYTES[..., :3] / 255, (BYTES[..., :3] != key[:3]).any(-1))
    save(tmp_path / "l.png", BYTES[..., 0], transparency=int(key[0]))
    check(tmp_path / "l.png", BYTES[..., :1] / 255, BYTES[..., 0] != key[0])
    key16 = struct.pack(">3H", *map(int, WORDS[1, 2, :3]))
    path = png16(tmp_path / "rgb16.png", WORDS[..., :3], (b"tRNS", key16))
    check(path, WORDS[..., :3] / 65535, (WORDS[..., :3] != WORDS[1, 2, :3]).any(-1))


def test_cmyk_without_a_profile_is_ideal_inks(tmp_path):
    ink = BYTES / 255
    Image.fromarray(BYTES, "CMYK").save(tmp_path / "a.tif")
    check(tmp_path / "a.tif", (1 - ink[..., :3]) * (1 - ink[..., 3:]), atol=1e-6)
    cyan = np.broadcast_to(np.array([255, 0, 0, 0], np.uint8), (16, 16, 4))
    Image.fromarray(np.ascontiguousarray(cyan), "CMYK").save(tmp_path / "a.jpg", quality=100)
    check(tmp_path / "a.jpg", [0, 1, 1], atol=2 / 255)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_keeps_16_bits(tmp_path, channels):
    words = WORDS[..., :channels]
    path = png16(tmp_path / "a.png", words[..., 0] if channels == 1 else words)
    colours = channels - (channels in (2, 4))
    alpha = words[..., -1] / 65535 if channels in (2, 4) else None
    check(path, words[..., :colours] / 65535, alpha)


@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_tiff_keeps_16_bits(tmp_path, compression, planar, byteorder):
    words = WORDS if planar == "contig" else np.moveaxis(WORDS, -1, 0).copy()
    tifffile.imwrite(
        tmp_path / "a.tif",
        words,
        photometric="rgb",
        planarconfig=planar,
        extrasamples=["unassalpha"],
        compression=compression,
        predictor=compression is not None,
        byteorder=byteorder,
    )
    check(tmp_path / "a.tif", WORDS[..., :3] / 65535, WORDS[..., 3] / 65535)


def test_tiff_of_other_numbers(tmp_path):
    gray = WORDS[..., 0]
    cases = {
        "minisblack": (gray, gray / 65535),
        "miniswhite": (gray, 1 - gray / 65535),
    }
    for photometric, (array, expected) in cases.items():
        tifffile.imwrite(tmp_path / "a.tif", array, photometric=photometric)
        check(tmp_path / "a.tif", expected[..., None])
    tifffile.imwrite(tmp_path / "a.tif", gray.astype(np.uint32) * 65537, photometric="minisblack")
    check(tmp_path / "a.tif", gray[..., None] / 65535)
    floats = np.random.default_rng(2).normal(0.5, 0.5, (5, 7, 3)).astype(np.float32)
    for dtype, atol in ((np.float32, 0), (np.float16, 1e-3)):
        tifffile.imwrite(tmp_path / "f.tif", floats.astype(dtype), photometric="rgb")
        told = rf"f\.tif' holds samples from {floats.min():.2f}.* to {floats.max():.2f}, clipped"
        with pytest.warns(UserWarning, match=told):
            check(tmp_path / "f.tif", np.clip(floats, 0, 1), atol=atol)
    tifffile.imwrite(tmp_path / "c.tif", WORDS, photometric="separated")
    ink = WORDS / 65535
    check(tmp_path / "c.tif", (1 - ink[..., :3]) * (1 - ink[..., 3:]), atol=1e-6)


def test_premultiplied_tiff_is_divided(tmp_path):
    colour, alpha = np.array([0.5, 0.25, 1.0]), np.array([[1.0, 0.5, 0.0]])
    values = np.concatenate([colour * alpha[..., None], alpha[..., None]], -1)
    for dtype, top in ((np.uint8, 255), (np.uint16, 65535)):
        words = np.rint(values * top).astype(dtype)
        tifffile.imwrite(tmp_path / "a.tif", words, photometric="rgb", extrasamples=["assocalpha"])
        picture = read_image(tmp_path / "a.tif")
        np.testing.assert_allclose(picture.pixels[0, :2], [colour, colour], atol=2 / top)
        np.testing.assert_array_equal(picture.alpha, np.rint(alpha * top).astype("f4") / top)


def test_gray_portable_map_of_16_bits(tmp_path):
    (tmp_path / "a.pgm").write_bytes(b"P5 2 1 65535\n" + struct.pack(">2H", 1, 40000))
    check(tmp_path / "a.pgm", [[[1 / 65535], [40000 / 65535]]])


def stored(upright, orientation):
    """EXIF 2.32, tag 0x0112: which sides of the scene the file's first row and column are."""
    row, column = {
        1: ("top", "left"),
        2: ("top", "right"),
        3: ("bottom", "right"),
        4: ("bottom", "left"),
        5: ("left", "top"),
        6: ("right", "top"),
        7: ("right", "bottom"),
        8: ("left", "bottom"),
    }[orientation]
    if row in ("left", "right"):
        upright = np.moveaxis(upright, 0, 1)
    upright = upright[::-1] if row in ("bottom", "right") else upright
    upright = upright[:, ::-1] if column in ("bottom", "right") else upright
    return np.ascontiguousarray(upright)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    expected, alpha = BYTES[..., :3] / 255, BYTES[..., 3] / 255
    turned = stored(BYTES, orientation)
    for name in ("a.png", "a.tif", "a.webp"):
        options = {"lossless": True, "exact": True} if name == "a.webp" else {}
        check(save(tmp_path / name, turned, exif=exif, **options), expected, alpha)
    blocks = np.kron(np.array([[0, 60, 120], [180, 240, 30]]), np.ones((16, 16)))
    jpeg = save(tmp_path / "a.jpg", stored(blocks.astype("u1"), orientation), exif=exif)
    check(jpeg, blocks[..., None] / 255, atol=2 / 255)
    words, expected = stored(WORDS, orientation), WORDS[..., :3] / 65535
    path = png16(tmp_path / "16.png", words, (b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")))
    check(path, expected, WORDS[..., 3] / 65535)
    tags = [(274, "H", 1, orientation, True)]
    tifffile.imwrite(
        tmp_path / "16.tif", words, photometric="rgb", extratags=tags, extrasamples=["unassalpha"]
    )
    check(tmp_path / "16.tif", expected, WORDS[..., 3] / 65535)


def test_profile_of_rgb_is_converted(tmp_path):
    profile = bgr_profile(1.0)
    expected = srgb_curve(BYTES[..., 2::-1] / 255)
    for name in ("a.png", "a.tif", "a.webp"):
        options = {"lossless": True} if name == "a.webp" else {}
        path = save(tmp_path / name, BYTES[..., :3], icc_profile=profile, **options)
        check(path, expected, atol=PRIMARIES)
    blue = np.broadcast_to(np.array([200, 0, 0], np.uint8), (8, 8, 3))
    path = save(tmp_path / "a.jpg", np.ascontiguousarray(blue), icc_profile=profile, quality=100)
    check(path, [0, 0, srgb_curve(200 / 255)], atol=0.02)
    expected = srgb_curve(WORDS[..., 2::-1] / 65535)
    chunk = (b"iCCP", b"p\0\0" + zlib.compress(profile))
    check(png16(tmp_path / "16.png", WORDS[..., :3], chunk), expected, atol=PRIMARIES)
    tifffile.imwrite(tmp_path / "16.tif", WORDS[..., :3], photometric="rgb", iccprofile=profile)
    check(tmp_path / "16.tif", expected, atol=PRIMARIES)


def test_profile_conversion_keeps_16_bits(tmp_path):
    ramp = np.arange(30000, 30256, dtype=np.uint16)[None]
    chunk = (b"iCCP", b"p\0\0" + zlib.compress(gray_profile(1.0)))
    picture = read_image(png16(tmp_path / "a.png", ramp, chunk))
    np.testing.assert_allclose(picture.pixels[..., 0], srgb_curve(ramp / 65535), atol=2 * STEP16)
    assert len(np.unique(picture.pixels)) > 150


def test_profiles_of_gray_and_cmyk(tmp_path):
    path = save(tmp_path / "g.png", BYTES[..., 0], icc_profile=gray_profile(2.0))
    check(path, srgb_curve((BYTES[..., :1] / 255) ** 2), atol=2 * STEP16)
    path = save(tmp_path / "g3.png", BYTES[..., 0], icc_profile=bgr_profile(2.0))
    check(path, srgb_curve((BYTES[..., :1] / 255) ** 2), atol=PRIMARIES)
    black = 1 - BYTES[..., 3:] / 255
    profile = black_only_profile()
    Image.fromarray(BYTES, "CMYK").save(tmp_path / "c.tif", icc_profile=profile)
    check(tmp_path / "c.tif", srgb_curve(light_of_lightness(100 * black)), atol=3 * STEP16)


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        (bgr_profile(1.0)[:150], "NULL"),
        (b"nonsense" * 40, "nothing known"),
        (gray_profile(1.0), "it is for gray, the picture is rgb"),
    ],
)
def test_useless_profile_is_left_out_with_a_warning(tmp_path, profile, reason):
    path = save(tmp_path / "a.png", BYTES[..., :3], icc_profile=profile)
    with pytest.warns(UserWarning, match=rf"a\.png' has a colour profile .*{reason}.* had none"):
        check(path, BYTES[..., :3] / 255)


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (3, 2), colour) for colour in ("red", "blue")]
    for name in ("a.gif", "a.png", "a.webp", "a.tif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        with pytest.warns(UserWarning, match=rf"{name}' holds more than one picture; the first is"):
            check(tmp_path / name, [1, 0, 0], atol=0.02)
    pages = WORDS[..., :3], WORDS[::-1, :, :3]
    with tifffile.TiffWriter(tmp_path / "16.tif") as tiff:
        for page in pages:
            tiff.write(page, photometric="rgb")
    with pytest.warns(UserWarning, match=r"16.tif' holds more than one picture; the first is read"):
        check(tmp_path / "16.tif", pages[0] / 65535)


def test_the_content_decides_and_not_the_name(tmp_path):
    for ending, other in (("png", "jpg"), ("bmp", "png"), ("tif", "gif"), ("ppm", "txt")):
        path = save(tmp_path / f"a.{ending}", BYTES[..., :3])
        check(path.rename(tmp_path / f"b.{other}"), BYTES[..., :3] / 255)
    png16(tmp_path / "16.jpeg", WORDS[..., :3])
    check(tmp_path / "16.jpeg", WORDS[..., :3] / 65535)


@pytest.mark.parametrize("compression", ["packbits", "lzma", "zstd", "deflate"])
def test_more_compressions_of_tiff(tmp_path, compression):
    words = WORDS[..., :3]
    tifffile.imwrite(tmp_path / "a.tif", words, photometric="rgb", compression=compression)
    check(tmp_path / "a.tif", words / 65535)
    floats = np.random.default_rng(2).random((20, 30, 3), np.float32)
    tifffile.imwrite(
        tmp_path / "f.tif", floats, photometric="rgb", compression=compression, tile=(16, 16)
    )
    check(tmp_path / "f.tif", floats)

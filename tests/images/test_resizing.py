"""Sizes of pictures: resampling against a float64 twin, and the size to fit."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jnst.images import fit_size, resize, resize_picture


def cubic(x):
    """Keys 1981, equation 4, a = -1/2."""
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def linear(x):
    return np.maximum(1 - np.abs(x), 0)


def lanczos(x):
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


def matrix(old, new, kernel=cubic):
    """Row i holds the weights of the old samples in new sample i; pixels are unit squares."""
    scale = old / new
    centre = (np.arange(new)[:, None] + 0.5) * scale - 0.5
    weights = kernel((np.arange(old) - centre) / max(scale, 1))
    return weights / weights.sum(1, keepdims=True)


@pytest.mark.parametrize("size", [(7, 11), (20, 30), (5, 4), (1, 1), (13, 22), (26, 5)])
def test_resize_is_antialiased_bicubic(size):
    pixels = np.random.default_rng(0).random((13, 22, 3))
    expected = np.einsum("ih,jw,hwc->ijc", matrix(13, size[0]), matrix(22, size[1]), pixels)
    resized = resize(pixels, *size)
    assert resized.dtype == np.float32
    np.testing.assert_allclose(resized, expected, rtol=0, atol=2e-6)
    gray = resize(jnp.asarray(pixels[..., 1]), *size)
    np.testing.assert_array_equal(gray, resized[..., 1])


@pytest.mark.parametrize(("name", "kernel"), [("bilinear", linear), ("lanczos", lanczos)])
@pytest.mark.parametrize("size", [(7, 11), (20, 30), (26, 5)])
def test_resize_bilinear_and_lanczos(size, name, kernel):
    pixels = np.random.default_rng(0).random((13, 22))
    expected = matrix(13, size[0], kernel) @ pixels @ matrix(22, size[1], kernel).T
    resized = resize(pixels, *size, resample=name)
    np.testing.assert_allclose(resized, expected, rtol=0, atol=2e-6)


def test_resize_refuses_unknown_filters():
    with pytest.raises(
        ValueError, match=r"unknown filter 'box': choose one of bicubic, bilinear, lanczos"
    ):
        resize(np.zeros((4, 4)), 2, 2, resample="box")


@pytest.mark.parametrize("function", [resize, resize_picture])
def test_resize_refuses_integers(function):
    with pytest.raises(TypeError, match="pixels has dtype uint8: give floats in"):
        function(np.ones((4, 4, 3), np.uint8), 2, 2)


def test_resize_does_not_alias():
    checkerboard = np.indices((64, 64)).sum(0) % 2 * 1.0
    small = resize(checkerboard, 16, 16)
    np.testing.assert_allclose(small[2:-2, 2:-2], 0.5, atol=0.01)


def test_resize_does_not_clip_and_returns_a_new_array():
    pixels = np.array([[[-1.0, 0.5, 3.0]]], np.float32)
    same = resize(pixels, 1, 1)
    np.testing.assert_array_equal(same, pixels)
    same[...] = 0
    assert pixels[0, 0, 2] == 3
    edge = np.repeat([0.0, 1.0], 8)[None]
    assert 1.06 < resize(edge, 1, 160).max() < 1.08
    assert resize(edge, 1, 160, resample="bilinear").max() == 1


@pytest.mark.parametrize("name", ["bicubic", "lanczos"])
@pytest.mark.parametrize("size", [(24, 40), (96, 64)])
def test_resize_picture_is_pillows_of_8_bits(size, name):
    mosaic = (255 * np.random.default_rng(0).integers(0, 2, (48, 52, 3))).astype(np.uint8)
    kernel = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}[name]
    expected = np.asarray(Image.fromarray(mosaic).resize(size[::-1], kernel)) / 255
    resized = resize_picture(mosaic / 255, *size, resample=name)
    # Pillow also rounds, after either pass.
    np.testing.assert_allclose(resized, expected, rtol=0, atol=1.5 / 255)
    assert resized.min() == 0
    assert resized.max() == 1
    once = resize(mosaic / 255, *size, resample=name).clip(0, 1)
    assert abs(once - expected).max() > 4 / 255


def test_resize_picture_keeps_the_range_of_a_picture_that_leaves_0_to_1():
    edge = np.repeat([-0.5, 1.25], 8)[None]
    resized = resize_picture(edge, 1, 160)
    assert resized.min() == -0.5
    assert resized.max() == 1.25


def test_resize_of_one_pixel_fills():
    np.testing.assert_array_equal(resize(np.full((1, 1, 3), 0.25), 3, 4), np.float32(0.25))


@pytest.mark.parametrize("size", [(0, 3), (3, 0), (-1, 3)])
def test_resize_refuses_sizes_below_one(size):
    with pytest.raises(ValueError, match=rf"the new size is {size[0]}x{size[1]}: give at least"):
        resize(np.zeros((4, 4, 3)), *size)


@pytest.mark.parametrize("shape", [(4,), (1, 4, 4, 3), (0, 4, 3)])
def test_resize_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match=r"pixels have the shape .*: give height x width"):
        resize(np.zeros(shape), 2, 2)


def test_fit_size_follows_neural_style_pt():
    for height, width, side in [
        (768, 1024, 256),
        (1024, 768, 512),
        (333, 100, 50),
        (427, 640, 384),
    ]:
        formula = tuple(int(side / max(height, width) * x) for x in (height, width))
        assert fit_size(height, width, side) == formula
    assert int(1 / 49 * 49) == 0
    assert fit_size(49, 10, 1) == (1, 1)


def test_fit_size_longer_side_is_exact():
    for longer in range(1, 400):
        for side in (1, 49, 97, 256, 512):
            assert fit_size(longer, 1, side)[0] == fit_size(1, longer, side)[1] == side
            assert fit_size(longer, longer, side) == (side, side)


def test_fit_size_without_enlarging():
    assert fit_size(30, 40, 41, enlarge=False) == (30, 40)
    assert fit_size(30, 40, 40, enlarge=False) == (30, 40)
    assert fit_size(30, 40, 20, enlarge=False) == (15, 20)
    assert fit_size(30, 40, 80) == (60, 80)


@pytest.mark.parametrize("numbers", [(0, 4, 4), (4, 0, 4), (4, 4, 0)])
def test_fit_size_refuses_numbers_below_one(numbers):
    with pytest.raises(ValueError, match=r"cannot be fitted to \d: give at least 1"):
        fit_size(*numbers)

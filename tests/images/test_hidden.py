"""Transparent pixels in files: hidden colours decide nothing, and masks may be drawn in alpha."""

import numpy as np
import pytest
from image_files import save

from jnst.images import read_image

RNG = np.random.default_rng(0)
COLORS = RNG.integers(0, 256, (9, 12, 3), np.uint8)
ALPHA = np.zeros((9, 12), np.uint8)
ALPHA[2:7, 3:9] = 255
ALPHA[4, 5] = 40


def picture(path, hidden):
    pixels = np.dstack([np.where(ALPHA[..., None] > 0, COLORS, hidden), ALPHA]).astype(np.uint8)
    return read_image(save(path, pixels))


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_hidden_pixels_have_the_colour_of_the_nearest_visible_one(tmp_path, ending):
    black, white = (picture(tmp_path / f"{hidden}.{ending}", hidden) for hidden in (0, 255))
    np.testing.assert_array_equal(black.pixels, white.pixels)
    rows, columns = np.nonzero(ALPHA)
    for row, column in np.ndindex(ALPHA.shape):
        distances = (rows - row) ** 2 + (columns - column) ** 2
        nearest = distances == distances.min()
        colors = COLORS[rows[nearest], columns[nearest]] / np.float32(255)
        assert (np.abs(colors - black.pixels[row, column]).max(-1) < 1e-6).any()


def test_a_picture_without_a_visible_pixel_is_black(tmp_path):
    hidden = np.full((3, 4, 4), 200, np.uint8)
    hidden[..., 3] = 0
    assert not read_image(save(tmp_path / "a.png", hidden)).pixels.any()


@pytest.mark.parametrize("color", [[255, 255, 255], [0, 0, 0], [250, 10, 10]])
def test_a_shape_of_one_colour_is_read_by_its_alpha(tmp_path, color):
    pixels = np.dstack([np.broadcast_to(np.uint8(color), (9, 12, 3)), ALPHA])
    mask = read_image(save(tmp_path / "a.png", pixels)).as_mask()
    np.testing.assert_allclose(mask, ALPHA / 255, atol=1e-7)
    # What the hidden pixels hold does not matter.
    pixels = np.where(ALPHA[..., None] > 0, pixels, 99).astype(np.uint8)
    pixels[..., 3] = ALPHA
    np.testing.assert_array_equal(read_image(save(tmp_path / "b.png", pixels)).as_mask(), mask)


def test_a_gray_mask_counts_where_it_is_visible(tmp_path):
    gray = np.repeat(COLORS[..., :1], 3, -1)
    opaque = read_image(save(tmp_path / "a.png", gray)).as_mask()
    np.testing.assert_allclose(opaque, gray[..., 0] / 255, atol=1e-6)
    cut = read_image(save(tmp_path / "b.png", np.dstack([gray, ALPHA]))).as_mask()
    np.testing.assert_allclose(cut, opaque * (ALPHA / 255), atol=1e-6)


def test_a_mask_in_colour_is_refused(tmp_path):
    for pixels in (COLORS, np.dstack([COLORS, ALPHA])):
        with pytest.raises(ValueError, match=r"a\.png is in colour: a mask is gray, white inside"):
            read_image(save(tmp_path / "a.png", pixels)).as_mask()

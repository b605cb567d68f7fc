"""The starts of a run and the sizes of its styles, without a network."""

import dataclasses

import numpy as np
import pytest

import jnst
from jnst.images import resize_picture
from jnst.images.color_matching import moments
from jnst.network import Params
from jnst.network.preprocessing import CAFFE
from jnst.transfer.inputs import styles_at
from jnst.transfer.masks import Masks
from jnst.transfer.sizes import style_sizes
from jnst.transfer.start import first_image, matched

RNG = np.random.default_rng(0)
CONTENT = RNG.random((24, 32, 3), np.float32)
STYLES = [RNG.random((48, 64, 3), np.float32), RNG.random((90, 60, 3), np.float32)]
NO_NETWORK = Params({}, "vgg16", CAFFE)


def start(**fields):
    return first_image(NO_NETWORK, CONTENT, STYLES, jnst.Config(**fields))


def test_gray_is_the_middle_with_a_255th_of_uniform_noise():
    gray = start(init="gray")
    assert gray.shape == CONTENT.shape
    assert gray.dtype == np.float32
    assert 0.5 <= gray.min() < gray.max() <= 0.5 + 1 / 255
    # Uniform: mean and standard deviation of the unit interval are 1/2 and 1/√12.
    assert 255 * (gray - 0.5).mean() == pytest.approx(0.5, abs=0.02)
    assert 255 * gray.std() == pytest.approx(12**-0.5, abs=0.02)


def test_blend_lies_between_the_content_and_colours_of_the_styles():
    colors = start(init="style-colors", seed=2)
    palette = np.concatenate([style.reshape(-1, 3) for style in STYLES])
    assert {tuple(c) for c in colors.reshape(-1, 3)} <= {tuple(c) for c in palette}
    np.testing.assert_array_equal(start(init="blend", init_blend=0.0), CONTENT)
    for share in (0.25, 1.0):
        blended = start(init="blend", init_blend=share, seed=2)
        np.testing.assert_allclose(blended, (1 - share) * CONTENT + share * colors, atol=1e-6)
        assert blended.dtype == np.float32


def test_matched_has_the_mean_and_the_covariance_of_the_style():
    content, style = 0.4 + 0.2 * CONTENT, 0.3 + 0.3 * STYLES[0] ** 2
    found = matched(content, [style], [1.0])
    assert found.dtype == np.float32
    mean, spread = moments(found)
    wanted_mean, wanted = moments(style)
    np.testing.assert_allclose(mean, wanted_mean, atol=1e-6)
    # A (Σ_content + ε) Aᵀ = Σ_style + ε.
    np.testing.assert_allclose(spread, wanted, atol=2e-3)
    # A symmetric map of positive eigenvalues turns no colour round.
    moved = (found - mean).reshape(-1, 3), (content - content.mean((0, 1))).reshape(-1, 3)
    assert (np.sum(moved[0] * moved[1], axis=-1) > -1e-6).all()


def test_matched_keeps_half_of_the_contrast_and_leaves_hardly_anything_outside():
    """A sky of stars, black but for a few pixels, and one that is white but for them."""
    stars = np.zeros((40, 40, 3), np.float32)
    stars[::10, ::10] = 0.6
    for style in (stars, 1 - stars):
        found = matched(CONTENT, [style], [1.0])
        # Cut off is a twentieth at most of the spread at one end.
        ratios = found.std((0, 1)) / CONTENT.std((0, 1))
        np.testing.assert_allclose(ratios, 0.5, atol=0.02)
        assert np.mean((found == 0) | (found == 1)) < 0.055
        assert 0 <= found.min() <= found.max() <= 1
    assert matched(CONTENT, [stars], [1.0]).mean() < 0.3 < 0.7 < found.mean()


def test_matched_by_the_styles_weights_and_regions():
    one, other = (matched(CONTENT, [style], [1.0]) for style in STYLES)
    np.testing.assert_array_equal(start(init="matched", style_weights=(1.0, 0.0)), one)
    both = start(init="matched", style_weights=(3.0, 1.0))
    np.testing.assert_allclose(both, 0.75 * one + 0.25 * other, atol=1e-6)
    left = np.zeros((24, 32), np.float32)
    left[:, :10] = 1
    right = np.zeros((24, 32), np.float32)
    right[:, 5:20] = 1
    shares = Masks(content=(left, right)).shares((24, 32, 3))
    found = first_image(NO_NETWORK, CONTENT, STYLES, jnst.Config(init="matched"), shares)
    np.testing.assert_allclose(found[:, :5], one[:, :5], atol=1e-6)
    np.testing.assert_allclose(found[:, 5:10], (one + other)[:, 5:10] / 2, atol=1e-6)
    np.testing.assert_allclose(found[:, 10:20], other[:, 10:20], atol=1e-6)
    np.testing.assert_array_equal(found[:, 20:], CONTENT[:, 20:])


def test_a_flat_content_takes_the_mean_color_and_keeps_its_noise_small():
    noise = 0.002 * RNG.standard_normal(CONTENT.shape).astype(np.float32)
    found = matched(0.5 + noise, [STYLES[0]], [1.0])
    np.testing.assert_allclose(found.mean((0, 1)), STYLES[0].mean((0, 1)), atol=1e-3)
    assert found.std((0, 1)).max() < 0.03 < STYLES[0].std((0, 1)).min() / 5


def test_colors_of_a_masked_style_are_those_inside():
    mask = np.zeros((48, 64), np.float32)
    mask[:9] = 1
    masks = Masks(styles=(mask, None))
    inside, all_of_it = masks.palettes(STYLES)
    np.testing.assert_array_equal(inside, STYLES[0][:9].reshape(1, -1, 3))
    np.testing.assert_array_equal(all_of_it, STYLES[1])
    # A mask that is faint everywhere.
    (found,) = Masks(styles=(0.1 * mask,)).palettes(STYLES[:1])
    np.testing.assert_array_equal(found, STYLES[0])


@pytest.mark.parametrize("init", ["gray", "noise", "style-colors", "blend"])
def test_random_starts_follow_the_seed(init):
    np.testing.assert_array_equal(start(init=init, seed=1), start(init=init, seed=1))
    assert (start(init=init, seed=1) != start(init=init, seed=2)).any()


def test_each_style_has_its_own_scale_or_size():
    shapes = [style.shape for style in STYLES]
    assert style_sizes(shapes, 24, 32, jnst.Config(style_scale=2)) == [(48, 64), (64, 42)]
    each = jnst.Config(style_scale=(0.5, 1.5))
    assert style_sizes(shapes, 24, 32, each) == [(12, 16), (48, 32)]
    shorter = dataclasses.replace(each, size_side="shorter")
    assert style_sizes(shapes, 24, 32, shorter) == [(12, 16), (54, 36)]
    # A fixed size does not follow the content's, which differs from scale to scale.
    for size in ((24, 32), (240, 320)):
        assert style_sizes(shapes, *size, jnst.Config(style_size=30)) == [(22, 30), (30, 20)]
        assert style_sizes(shapes, *size, jnst.Config(style_size=(30, 60))) == [(22, 30), (60, 40)]
    for found, style in zip(styles_at(STYLES, 24, 32, each), STYLES, strict=True):
        np.testing.assert_array_equal(found, resize_picture(style, *found.shape[:2]))


def test_a_number_for_each_style_or_one():
    for field in ("style_scale", "style_size"):
        with pytest.raises(ValueError, match=f"{field} has 3 numbers for 2 styles: give 2, or one"):
            style_sizes([(9, 9, 3)] * 2, 24, 32, jnst.Config(**{field: (1, 2, 3)}))

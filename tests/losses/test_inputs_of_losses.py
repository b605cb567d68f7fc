"""What public functions on pictures refuse, and that half precision does not overflow in sums."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jnst
from jnst.images import Picture
from jnst.losses import STYLE_LOSSES, content_half_sum, gram, tv_l1, tv_l2, tv_nine_point

RNG = np.random.default_rng(0)
PICTURE = RNG.random((24, 32, 3), np.float32)
CONFIG = jnst.Config(
    size=32, scales=(1.0,), steps=(1,), style_layers=("relu1_1",), content_layers=("relu1_2",)
)
WEIGHTS = jnst.loss_weights(CONFIG)


@pytest.fixture(scope="module")
def targets(params):
    return jnst.make_targets(params, PICTURE, [PICTURE], CONFIG)


CALLS = {
    "stylize": lambda params, targets, x: jnst.stylize(params, x, PICTURE, CONFIG),
    "the style of stylize": lambda params, targets, x: jnst.stylize(params, PICTURE, x, CONFIG),
    "objective": lambda params, targets, x: jnst.objective(x, params, targets, WEIGHTS),
    "features": lambda params, targets, x: jnst.features(params, x, ["relu1_1"]),
    "make_targets": lambda params, targets, x: jnst.make_targets(params, x, [PICTURE], CONFIG),
    "a style": lambda params, targets, x: jnst.make_targets(params, PICTURE, [x], CONFIG),
    "match_colors": lambda params, targets, x: jnst.match_colors(x, PICTURE),
    "keep_colors": lambda params, targets, x: jnst.keep_colors(PICTURE, x),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_numbers_of_0_to_255_are_refused(params, targets, call):
    remedy = r"give (sRGB|floats) in \[0, 1\], such as pixels / 255"
    with pytest.raises(ValueError, match=rf"has values from 0 to 25\d: {remedy}"):
        call(params, targets, 255 * PICTURE)
    with pytest.raises(TypeError, match=f"has dtype uint8: {remedy}"):
        call(params, targets, (255 * PICTURE).astype(np.uint8))
    call(params, targets, 1.5 * PICTURE - 0.25)  # what an optimiser makes of a picture


def test_values_are_not_looked_at_under_jit(params, targets):
    total = jax.jit(lambda x: jnst.objective(x, params, targets, WEIGHTS)[0])
    assert float(total(255 * PICTURE)) > float(total(PICTURE))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_summed_in_float32(params, targets, dtype):
    half = jnp.asarray(PICTURE, dtype)
    exact = half.astype(jnp.float32)
    found, expected = (jnst.objective(x, params, targets, WEIGHTS)[0] for x in (half, exact))
    assert float(found) == float(expected)
    large = jnp.full((64, 64, 8), 100.0, dtype)
    wide = large.astype(jnp.float32)
    for of_map in (gram, tv_or_content, *(loss.of_map for loss in STYLE_LOSSES.values())):
        for leaf, other in zip(*map(jax.tree.leaves, (of_map(large), of_map(wide))), strict=True):
            assert leaf.dtype == jnp.float32
            np.testing.assert_array_equal(leaf, other)


def tv_or_content(features):
    return content_half_sum(features, jnp.zeros_like(features)), tv_l2(features / 100)


def test_integers_are_refused_and_total_variation_takes_any_range():
    with pytest.raises(TypeError, match="features has dtype int32: give floats"):
        gram(jnp.ones((2, 3, 4), int))
    for variation in (tv_l1, tv_l2, tv_nine_point):
        with pytest.raises(TypeError, match="image has dtype uint8: give floats"):
            variation(np.zeros((4, 5, 3), np.uint8))
        assert float(variation(255 * PICTURE)) > float(variation(PICTURE))


def test_one_style_and_one_layer_need_no_list(params, targets):
    one = jnst.make_targets(params, PICTURE, PICTURE, CONFIG)
    for leaf, other in zip(*map(jax.tree.leaves, (one.style, targets.style)), strict=True):
        np.testing.assert_array_equal(leaf, other)
    maps, word = (jnst.features(params, PICTURE, layers) for layers in (["relu1_1"], "relu1_1"))
    assert set(word) == {"relu1_1"}
    np.testing.assert_array_equal(word["relu1_1"], maps["relu1_1"])


@pytest.mark.parametrize("name", ["objective", "features", "make_targets", "match_colors"])
def test_a_picture_is_told_to_give_its_pixels(params, targets, name, tmp_path):
    picture = Picture(PICTURE, None, tmp_path)
    with pytest.raises(TypeError, match=r"is a Picture: give its pixels, \w+\.pixels"):
        CALLS[name](params, targets, picture)
    # The painting takes it as it is.
    assert jnst.stylize(params, picture, picture, CONFIG).image.shape == (24, 32, 3)

"""Total variation by bands against the whole, which has its own oracles in the tests of losses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jnst
from jnst.compute.tiles.variation import add_variation, variation_by_bands
from jnst.losses import TV_LOSSES
from jnst.losses.objective import variation
from jnst.losses.targets import check_inputs

PARAMS = jnst.load_weights("vgg16")


# One band, two of which one is a single pair of rows, many, as many as there are pairs; one row.
@pytest.mark.parametrize(("height", "rows"), [(7, 9), (8, 6), (23, 4), (5, 1), (1, 3)])
@pytest.mark.parametrize("tv_loss", list(TV_LOSSES))
def test_bands_add_up_to_the_whole(tv_loss, height, rows):
    config = jnst.Config(tv_loss=tv_loss, tv_weight=3.0)
    terms, _ = check_inputs(PARAMS, [None], config)
    weights = jnst.loss_weights(config)
    image = np.random.default_rng(height).random((height, 6, 3), np.float32)
    expected, derivative = jax.value_and_grad(variation)(jnp.asarray(image), weights, terms)
    assert variation_by_bands(image, weights, terms, rows=rows) == pytest.approx(
        float(expected), rel=1e-5, abs=1e-12
    )
    begun = np.random.default_rng(0).random(image.shape, np.float32)
    gradient = begun.copy()
    add_variation(gradient, image, weights, terms, rows=rows)
    scale = max(float(jnp.abs(derivative).max()), 1.0)
    np.testing.assert_allclose(gradient - begun, derivative, rtol=0, atol=1e-6 * scale)


def test_little_memory_is_needed_for_a_picture_of_many_bands():
    from jnst.compute.tiles.variation import _derivative

    config = jnst.Config()
    terms, _ = check_inputs(PARAMS, [None], config)
    band = jax.ShapeDtypeStruct((33, 64, 3), jnp.float32)
    lowered = _derivative.lower(band, np.float32(1), jnst.loss_weights(config), terms, (1024, 64))
    needed = lowered.compile().memory_analysis().temp_size_in_bytes
    assert needed < 1024 * 64 * 3 * 4

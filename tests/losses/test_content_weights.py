"""The content loss weighted by fine structure: against NumPy and SciPy; by windows; on devices."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from methods import GRAM
from scipy.ndimage import uniform_filter

import jnst
from jnst import tiles
from jnst.compute import Scene, Sharded
from jnst.losses.content import detail, position_weights

RNG = np.random.default_rng(0)
SMALL = {"style_layers": ("relu1_1",), "content_layers": ("relu1_2", "relu2_1")}


def detail_by_scipy(image):
    gray = image.astype(np.float64).mean(-1)
    padded = np.pad(gray, 1, mode="edge")
    energy = (padded[2:, 1:-1] - padded[:-2, 1:-1]) ** 2
    energy += (padded[1:-1, 2:] - padded[1:-1, :-2]) ** 2
    width = 2 * max(1, round(0.01 * max(gray.shape))) + 1
    for _ in range(3):
        energy = uniform_filter(energy, width, mode="nearest")
    slope = np.sqrt(energy)
    slope = np.minimum(slope, 3 * slope.mean())
    return slope / slope.mean()


@pytest.mark.parametrize("shape", [(150, 220, 3), (31, 20, 3), (1, 1, 3)])
def test_detail_is_the_local_root_mean_square_of_the_slopes(shape):
    image = RNG.random(shape, np.float32) * np.linspace(0, 1, shape[1])[:, None] ** 3
    image = image.astype(np.float32)
    if shape == (1, 1, 3):
        assert float(detail(jnp.asarray(image))[0, 0]) == 1.0
        return
    expected = detail_by_scipy(image)
    np.testing.assert_allclose(detail(jnp.asarray(image)), expected, rtol=2e-3, atol=5e-3)
    assert expected.max() > 1.5


def test_weights_have_the_mean_one_at_every_depth():
    image = jnp.asarray(RNG.random((33, 47, 3), np.float32)).at[:, :20].set(0.5)
    for depth in (0, 1, 3):
        weights = position_weights(image, 0.6, depth)
        assert weights.shape == (33 >> depth, 47 >> depth)
        assert float(jnp.mean(weights)) == pytest.approx(1, abs=1e-5)
        assert float(weights.min()) >= 0.4 - 1e-6
    # A flat picture has no detail, and all of it counts alike.
    np.testing.assert_array_equal(position_weights(jnp.full((8, 8, 3), 0.3), 1.0, 1), 1.0)


def test_the_objective_weighs_each_position(params):
    content, style, image = RNG.random((3, 24, 31, 3), np.float32)
    content[:, :16] = 0.5
    config = jnst.Config(
        **GRAM | SMALL | {"content_loss": "mean", "style_weight": 0.0, "tv_weight": 0.0}
    )
    kept = replace(config, preserve=0.8)
    targets = jnst.make_targets(params, jnp.asarray(content), [style], kept)
    derive = jax.jit(jax.value_and_grad(jnst.objective, has_aux=True))
    (total, _), gradient = derive(image, params, targets, jnst.loss_weights(kept))
    layers = SMALL["content_layers"]
    maps, aims = (jnst.features(params, jnp.asarray(x), layers) for x in (image, content))
    expected = 0.0
    for layer, depth in zip(layers, (0, 1), strict=True):
        found = detail_by_scipy(content)
        height, width = (side >> depth for side in found.shape)
        squares = found[: height << depth, : width << depth]
        squares = squares.reshape(height, 1 << depth, width, 1 << depth).mean((1, 3))
        weights = 0.2 + 0.8 * squares / squares.mean()
        difference = np.float64(maps[layer]) - np.float64(aims[layer])
        expected += np.mean(weights[..., None] * difference**2)
    assert float(total) == pytest.approx(expected, rel=1e-3)
    # Where the photograph is flat its pixels are hardly held.
    slopes = np.abs(gradient).mean((0, 2))
    plain = jnst.make_targets(params, jnp.asarray(content), [style], config)
    _, before = derive(image, params, plain, jnst.loss_weights(config))
    ratio = slopes / np.abs(before).mean((0, 2))
    assert ratio[:10].max() < 0.5 < 1 < ratio[-10:].min()


@pytest.mark.slow
def test_by_windows_and_over_devices_it_is_the_same(params):
    content, style = RNG.random((150, 20, 3), np.float32), RNG.random((20, 20, 3), np.float32)
    content[:60] *= 0.1
    image = RNG.random((150, 20, 3), np.float32)
    config = jnst.Config(**SMALL | {"content_layers": ("relu1_2",)}, preserve=0.7)
    weights = jnst.loss_weights(config)
    targets = jnst.make_targets(params, jnp.asarray(content), [style], config)
    derive = jax.jit(jax.value_and_grad(jnst.objective, has_aux=True))
    (total, _), gradient = derive(image, params, targets, weights)
    cut = tiles.make_targets(params, content, [style], config, tile=128)
    (there, _), by_windows = tiles.value_and_gradient(image, params, cut, weights, tile=128)
    assert float(there) == pytest.approx(float(total), rel=1e-5)
    np.testing.assert_allclose(by_windows, gradient, atol=1e-5 * np.abs(gradient).max())
    spread = Sharded(tuple(jax.devices()))
    bands = spread.make_targets(params, Scene(content, [style]), config)
    assert float(spread(image, params, bands, weights)[0]) == pytest.approx(float(total), rel=1e-5)

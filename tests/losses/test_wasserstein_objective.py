"""The default's losses through the network in float64: whole, by windows, in a band, by region.

The oracle is NumPy's: `oracle_vgg` for the network, `oracle_wasserstein` for the distance. The band
is that of one device; test_devices compares several devices with one.
"""

import jax
import jax.numpy as jnp
import numpy as np
import oracle_vgg
import pytest
from oracle_wasserstein import smoothed_wasserstein

import jnst
from jnst import tiles
from jnst.compute import Scene, Sharded
from jnst.losses.guidance import guidance

STYLE_LAYERS = ("relu1_1", "relu2_1")
CONFIG = jnst.Config(
    style_layers=STYLE_LAYERS, content_layers=("relu2_2",), tv_weight=0.0, padding="zero"
)
RNG = np.random.default_rng(0)
IMAGE, CONTENT = RNG.random((2, 40, 150, 3), np.float32)
STYLES = [RNG.random((36, 50, 3), np.float32), RNG.random((30, 44, 3), np.float32) ** 2]
LEFT = np.tile(np.clip(np.linspace(2, -1, 150), 0, 1).astype(np.float32), (40, 1))


def maps_of(params, image):
    pixels = 255.0 * np.asarray(image, np.float64)[..., ::-1]
    mean = [103.939, 116.779, 123.68]
    return oracle_vgg.forward("vgg16", params.layers, pixels - mean, "relu2_2")


def expected(params, styles, guides, shares):
    """Value and gradient; for each style its guide, layer to weights, and its share."""
    tape = maps_of(params, IMAGE)
    weights, content = jnst.loss_weights(CONFIG), maps_of(params, CONTENT)["relu2_2"]
    lost, energy = tape["relu2_2"] - content, np.square(content).sum()
    value = float(weights.content) * np.square(lost).sum() / energy
    cotangents = {"relu2_2": float(weights.content) * 2 * lost / energy}
    for style, guide, share in zip(styles, guides, shares, strict=True):
        wanted = maps_of(params, style)
        for weight, layer in zip(np.asarray(weights.style), STYLE_LAYERS, strict=True):
            distance, slope = smoothed_wasserstein(
                tape[layer], wanted[layer], relative=True, weights=guide.get(layer)
            )
            value += share * weight * distance
            cotangents[layer] = cotangents.get(layer, 0) + share * weight * slope
    flow = oracle_vgg.backward("vgg16", params.layers, tape, cotangents)
    return value, 255.0 * flow[..., ::-1]


def assert_close(found, oracle):
    ((value, _), gradient), (expected_value, slope) = found, oracle
    assert float(value) == pytest.approx(expected_value, rel=1e-4)
    assert np.abs(gradient - slope).max() < 1e-4 * np.abs(slope).max()


def test_whole_by_windows_and_in_a_band(params):
    oracle = expected(params, STYLES[:1], [{}], [1.0])
    image, weights = jnp.asarray(IMAGE), jnst.loss_weights(CONFIG)
    derive = jax.jit(jax.value_and_grad(jnst.objective, has_aux=True))
    targets = jnst.make_targets(params, CONTENT, STYLES[:1], CONFIG)
    assert_close(derive(image, params, targets, weights), oracle)
    cut = tiles.make_targets(params, CONTENT, STYLES[:1], CONFIG, tile=128)
    assert_close(tiles.value_and_gradient(image, params, cut, weights, tile=128), oracle)
    spread = Sharded(tuple(jax.devices()))
    args = spread.place(
        (image, params, spread.make_targets(params, Scene(CONTENT, STYLES[:1]), CONFIG))
    )
    over = jax.jit(jax.value_and_grad(spread, has_aux=True))
    assert_close(over(*args, spread.place(weights)), oracle)


def test_regions(params):
    where = guidance("vgg16", STYLE_LAYERS, [LEFT, 1 - LEFT], [], (0.5, 0.5))
    oracle = expected(params, STYLES, where.content, [float(share) for share in where.shares])
    targets = jnst.make_targets(params, CONTENT, STYLES, CONFIG, guidance=where)
    derive = jax.jit(jax.value_and_grad(jnst.objective, has_aux=True))
    found = derive(jnp.asarray(IMAGE), params, targets, jnst.loss_weights(CONFIG))
    assert_close(found, oracle)

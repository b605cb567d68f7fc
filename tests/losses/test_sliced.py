"""Losses on sorted projections, against NumPy in float64, closed forms and scikit-image."""

import jax
import jax.numpy as jnp
import numpy as np
import oracle_vgg
import pytest
from methods import GRAM
from skimage.exposure import match_histograms

import jnst
from jnst import tiles
from jnst.compute import Scene, Sharded
from jnst.losses import STYLE_LOSSES
from jnst.losses.guidance import guidance
from jnst.losses.sliced import Samples, directions, quantiles, resampled
from jnst.transfer.budget import choose

RNG = np.random.default_rng(0)
NEW = ("sliced-wasserstein", "histogram", "gram+histogram")


def feature_map(height, width, channels, seed):
    """Correlated, rectified in part, as a network's are."""
    rng = np.random.default_rng(seed)
    mixed = rng.standard_normal((height, width, channels)) @ rng.standard_normal((channels,) * 2)
    return np.asarray(mixed + rng.standard_normal(channels), np.float32)


def loss_of(name, f, s, weights=None):
    loss, positions = STYLE_LOSSES[name], f.shape[0] * f.shape[1]
    target = loss.fit(loss.of_map(jnp.asarray(s)), positions)
    return loss.distance(loss.of_map(f, weights), loss.aim(target), positions)


def in_float64(f, s, turn):
    """The loss along the rows of `turn` and its gradient, from the ranks of the projections."""
    flat, target = (np.asarray(m, np.float64).reshape(-1, m.shape[-1]) for m in (f, s))
    count, loss, gradient, energy = len(flat), 0.0, np.zeros_like(flat), 0.0
    for u in turn:
        line, wanted = flat @ u, np.sort(target @ u)
        own = (np.arange(len(wanted)) + 0.5) / len(wanted)
        wanted = np.interp((np.arange(count) + 0.5) / count, own, wanted)
        difference = line - wanted[line.argsort().argsort()]
        loss += (difference**2).mean() / len(turn)
        energy += (wanted**2).mean() / len(turn)
        gradient += 2 * np.outer(difference, u) / (count * len(turn))
    return loss / energy, gradient.reshape(f.shape) / energy


@pytest.mark.parametrize("shape", [(9, 7), (5, 6), (11, 8)])
@pytest.mark.parametrize("name", ["sliced-wasserstein", "histogram"])
def test_value_and_gradient_against_float64(name, shape):
    f, s = feature_map(9, 7, 6, 1), feature_map(*shape, 6, 2)
    value, gradient = jax.value_and_grad(lambda x: loss_of(name, x, s))(jnp.asarray(f))
    expected, slope = in_float64(f, s, directions(6) if name.startswith("sliced") else np.eye(6))
    assert float(value) == pytest.approx(expected, rel=1e-4)
    np.testing.assert_allclose(gradient, slope, atol=1e-4 * np.abs(slope).max())


def test_the_histogram_loss_is_the_distance_to_a_matched_copy():
    f, s = feature_map(9, 7, 3, 1), feature_map(9, 7, 3, 2)
    matched = match_histograms(f.astype(np.float64), s.astype(np.float64), channel_axis=-1)
    expected = ((f - matched) ** 2).sum() / (s.astype(np.float64) ** 2).sum()
    assert float(loss_of("histogram", jnp.asarray(f), s)) == pytest.approx(expected, rel=1e-5)


def test_two_gaussians_have_their_closed_form():
    """(u·Δμ)² + (√(uᵀΣ₁u) − √(uᵀΣ₂u))², the mean over the directions; here of 40,000 samples."""
    rng, channels = np.random.default_rng(3), 4
    means, factors = (
        rng.standard_normal((2, channels)),
        rng.standard_normal((2, channels, channels)),
    )
    f, s = (
        np.asarray(rng.standard_normal((200, 200, channels)) @ factor.T + mean, np.float32)
        for mean, factor in zip(means, factors, strict=True)
    )
    turn = directions(channels)
    first, second = (np.linalg.norm(turn @ factor, axis=1) for factor in factors)
    expected = np.mean((turn @ (means[0] - means[1])) ** 2 + (first - second) ** 2)
    energy = np.square(s, dtype=np.float64).mean()
    found = float(loss_of("sliced-wasserstein", jnp.asarray(f), s)) * energy
    assert found == pytest.approx(expected, rel=0.02)
    # Along an orthonormal set the means are apart by the whole of their distance.
    moved = float(loss_of("sliced-wasserstein", jnp.asarray(s + 3), s)) * energy
    assert moved == pytest.approx(9.0, rel=1e-4)


@pytest.mark.parametrize("name", NEW)
def test_a_distribution_is_at_no_distance_from_itself(name):
    f = feature_map(8, 6, 5, 1)
    turned = f[::-1, ::-1].transpose(1, 0, 2)
    for other in (f, turned):
        assert float(loss_of(name, jnp.asarray(other), f)) == pytest.approx(0, abs=1e-12)
    assert float(loss_of(name, jnp.zeros((8, 6, 5)), f)) == pytest.approx(1, rel=1e-5)


def test_the_derivative_is_that_of_jax_for_a_sort():
    values, flow = RNG.standard_normal((2, 3, 50)).astype(np.float32)
    values[0, 10:30] = values[1, :4] = 0.0  # rectified
    found, pull = jax.vjp(lambda v: quantiles(Samples(v)), jnp.asarray(values))
    expected, pull_by_jax = jax.vjp(lambda v: jnp.sort(v, axis=1), jnp.asarray(values))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(pull(jnp.asarray(flow))[0], pull_by_jax(jnp.asarray(flow))[0])


def test_infinities_and_both_zeros_keep_their_places():
    values = jnp.asarray([[0.0, -1.0, jnp.inf, -0.0, -jnp.inf, -1e-30, 3.0, -7.0]])
    np.testing.assert_array_equal(quantiles(Samples(values)), jnp.sort(values, axis=1))


def test_whole_weights_are_repetitions():
    values = RNG.standard_normal((2, 6)).astype(np.float32)
    weights = np.float32([0, 3, 1, 0, 1, 1])
    expected = np.sort(np.repeat(values, weights.astype(int), axis=1), axis=1)
    found, pull = jax.vjp(lambda v: quantiles(Samples(v, jnp.asarray(weights))), values)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(pull(jnp.ones((2, 6)))[0], np.tile(weights, (2, 1)))
    white, _ = jax.vjp(lambda v: quantiles(Samples(v, jnp.ones(6))), values)
    np.testing.assert_array_equal(white, np.sort(values, axis=1))


@pytest.mark.parametrize("name", NEW)
def test_what_a_mask_leaves_out_has_no_part(name):
    f, s = feature_map(6, 8, 4, 1), feature_map(6, 4, 4, 2)
    left = np.zeros((6, 8), np.float32)
    left[:, :4] = 2.0
    derive = jax.jit(jax.value_and_grad(loss_of, argnums=1), static_argnums=0)
    whole, gradient = derive(name, f, s, left)
    alone, slope = derive(name, f[:, :4], s)
    # Twice as many levels, two on each position, between those of the style: a little apart.
    assert float(whole) == pytest.approx(float(alone), rel=0.15)
    assert not gradient[:, 4:].any()
    assert np.vdot(gradient[:, :4], slope) > 0.95 * np.linalg.norm(gradient) * np.linalg.norm(slope)


def test_directions_are_a_rotation_and_always_the_same():
    for channels in (1, 3, 64):
        found = directions(channels)
        np.testing.assert_allclose(found @ found.T, np.eye(channels), atol=1e-12)
    directions.cache_clear()
    np.testing.assert_array_equal(directions(64), found)


def test_resampling_between_and_beyond_the_levels():
    line = np.sort(RNG.standard_normal((2, 9)), axis=1)
    for count in (1, 4, 9, 30):
        levels = (np.arange(count) + 0.5) / count
        expected = [np.interp(levels, (np.arange(9) + 0.5) / 9, row) for row in line]
        np.testing.assert_allclose(resampled(jnp.asarray(line), count), expected, rtol=1e-5)
    np.testing.assert_array_equal(resampled(jnp.ones((3, 1)), 4), np.ones((3, 4)))


LAYERS = {"style_layers": ("relu1_1", "relu2_1"), "content_layers": (), "tv_weight": 0.0}
IMAGE, STYLE, OTHER = (RNG.random((*size, 3), np.float32) for size in ((13, 18), (16, 11), (9, 14)))


def maps_of(layers, image):
    pixels = 255.0 * np.asarray(image, np.float64)[..., ::-1]
    return oracle_vgg.forward("vgg16", layers, pixels - [103.939, 116.779, 123.68], "relu2_1")


def test_gram_and_histogram_through_the_network_in_float64(params):
    config = jnst.Config(**GRAM | LAYERS | {"style_loss": "gram+histogram", "style_weight": 1.0})
    targets = jnst.make_targets(params, IMAGE, [STYLE], config)
    args = (jnp.asarray(IMAGE), params, targets, jnst.loss_weights(config))
    (value, _), gradient = jax.jit(jax.value_and_grad(jnst.objective, has_aux=True))(*args)
    tape, wanted = maps_of(params.layers, IMAGE), maps_of(params.layers, STYLE)
    expected, cotangents = 0.0, {}
    for layer in LAYERS["style_layers"]:
        f, s = tape[layer], wanted[layer]
        loss, slope = in_float64(f, s, np.eye(f.shape[2]))
        flat, other = f.reshape(-1, f.shape[2]), s.reshape(-1, f.shape[2])
        target = other.T @ other / len(other)
        difference = flat.T @ flat / len(flat) - target
        expected += 0.5 * (loss + (difference**2).sum() / (target**2).sum())
        by_gram = 4 * flat @ difference / (len(flat) * (target**2).sum())
        cotangents[layer] = 0.5 * (slope + by_gram.reshape(f.shape))
    flow = 255.0 * oracle_vgg.backward("vgg16", params.layers, tape, cotangents)[..., ::-1]
    assert float(value) == pytest.approx(expected, rel=1e-4)
    # Where features are equal, or nearly, a rank is decided by rounding.
    assert np.linalg.norm(gradient - flow) < 1e-3 * np.linalg.norm(flow)


def test_several_styles_are_averaged_quantile_by_quantile(params):
    alone = jnst.Config(**LAYERS, style_loss="histogram")
    config = jnst.Config(**LAYERS, style_loss="histogram", style_weights=(3.0, 1.0))
    found = jnst.make_targets(params, IMAGE, [STYLE, OTHER], config).style
    parts = [jnst.make_targets(params, IMAGE, [s], alone).style for s in (STYLE, OTHER)]
    for layer, (blend, _) in found.items():
        first, second = (part[layer][0] for part in parts)
        assert blend.shape[1] == {"relu1_1": 13 * 18, "relu2_1": 6 * 9}[layer]
        np.testing.assert_allclose(blend, 0.75 * first + 0.25 * second, rtol=1e-4, atol=1e-3)


def test_known_styles_regions_and_a_batch(params):
    config = jnst.Config(**LAYERS | {"style_layers": ("relu1_1",)}, style_loss="sliced-wasserstein")
    masks = [np.tile(np.linspace(a, 1 - a, 18, dtype=np.float32), (13, 1)) for a in (0, 1)]
    where = guidance("vgg16", config.style_layers, masks, [], (0.5, 0.5))
    known = {}
    make = [params, IMAGE, [STYLE, OTHER], config]
    targets = [jnst.make_targets(*make, style_cache=known, guidance=where) for _ in range(2)]
    assert len(known) == 2
    weights = jnst.loss_weights(config)
    both = jax.jit(jax.vmap(jnst.objective, in_axes=(0, None, None, None)))
    values, _ = both(jnp.stack([IMAGE, IMAGE[::-1]]), params, targets[1], weights)
    for value, image in zip(values, (IMAGE, IMAGE[::-1]), strict=True):
        alone, _ = jax.jit(jnst.objective)(jnp.asarray(image), params, targets[0], weights)
        assert float(value) == pytest.approx(float(alone), rel=1e-4)


def test_parts_of_a_picture_are_refused(params):
    config = jnst.Config(**LAYERS, style_loss="histogram", size=150, scales=(1.0,), steps=(1,))
    told = "style_loss is 'histogram', which compares all positions of a layer at once, not "
    wide = np.zeros((20, 150, 3), np.float32)
    with pytest.raises(ValueError, match=f"^{told}windows of 128 pixels: leave out the tile, or "):
        jnst.stylize(params, wide, STYLE, config, tile=128)
    with pytest.raises(ValueError, match=f"^{told}windows of 128 pixels"):
        tiles.make_targets(params, wide, [STYLE], config, tile=128)
    with pytest.raises(ValueError, match=f"^{told}bands on 2 devices: use one device, or style_l"):
        jnst.stylize(params, wide, STYLE, config, devices=jax.devices() * 2)
    with pytest.raises(ValueError, match=f"^{told}bands on 1 devices"):
        Sharded(tuple(jax.devices())).make_targets(params, Scene(IMAGE, [STYLE]), config)


def test_memory_for_the_whole_at_once():
    config, usual = jnst.Config(**GRAM | {"style_loss": "histogram"}), jnst.Config(**GRAM)
    assert choose(usual, 2000, 1000, memory=10**11).tile == 768
    assert choose(config, 2000, 1000, memory=10**11).tile is None
    more = jnst.estimate_memory(config, 510, 768) - jnst.estimate_memory(usual, 510, 768)
    # Peaks of two processes, measured with a quarter of the pixels: 1746 and 1293 MB.
    assert more == pytest.approx(4 * 453e6, rel=0.1)
    with pytest.raises(ValueError, match=r"--size \d+") as error:
        choose(config, 1500, 2000, memory=3 * 10**9)
    side = int(str(error.value).split("--size ")[1].split()[0])
    assert choose(config, side * 3 // 4, side, memory=3 * 10**9).tile is None

"""Losses on means and covariances, against eigenvalues and closed forms in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle_wasserstein import gaussian, smoothed_wasserstein

from jnst.losses import STYLE_LOSSES
from jnst.losses.moments import mean_and_covariance
from jnst.losses.root_trace import root_trace


def feature_map(height, width, channels, seed):
    """Correlated, not centred, in float32."""
    rng = np.random.default_rng(seed)
    mixed = rng.standard_normal((height, width, channels)) @ rng.standard_normal((channels,) * 2)
    return np.asarray(mixed + rng.standard_normal(channels), np.float32)


def definite(channels, seed):
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal((channels, 2 * channels))
    return factor @ factor.T / channels


def loss_of(name, f, s):
    loss = STYLE_LOSSES[name]
    positions = f.shape[0] * f.shape[1]
    return loss.distance(loss.of_map(f), loss.aim(loss.of_map(s)), positions)


@pytest.mark.parametrize("side", [1, 7])
def test_features_that_do_not_vary_have_a_distance_and_a_derivative(side):
    """One position, as relu5_1 has of a picture of 28 pixels, or many that are the same."""
    value = np.random.default_rng(0).uniform(50, 900, 64).astype(np.float32)
    flat, style = np.tile(value, (side, side, 1)), 30 * feature_map(9, 8, 64, 1)
    distance, gradient = jax.jit(jax.value_and_grad(lambda f: loss_of("wasserstein", f, style)))(
        flat
    )
    assert distance == pytest.approx(smoothed_wasserstein(flat, style)[0], rel=1e-3)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("channels", [1, 5, 40])
def test_trace_of_the_root_and_its_derivative_against_eigenvalues(channels):
    k = definite(channels, 3)
    values, vectors = np.linalg.eigh(k)
    value, gradient = jax.value_and_grad(root_trace)(jnp.asarray(k, jnp.float32))
    assert float(value) == pytest.approx(np.sqrt(values).sum(), rel=1e-5)
    expected = (vectors / (2 * np.sqrt(values))) @ vectors.T
    np.testing.assert_allclose(gradient, expected, atol=2e-5 * np.abs(expected).max())


def test_small_eigenvalues_are_resolved():
    spectrum = np.geomspace(8e-6, 1, 24)
    basis = np.linalg.qr(definite(24, 5))[0]
    with jax.enable_x64(True):
        k = jnp.asarray((basis * spectrum) @ basis.T)
        value, gradient = jax.value_and_grad(root_trace)(k)
        assert float(value) == pytest.approx(np.sqrt(spectrum).sum(), rel=1e-6)
        found = np.linalg.eigvalsh(np.asarray(gradient))
    np.testing.assert_allclose(found, np.sort(0.5 / np.sqrt(spectrum)), rtol=1e-3)


def test_hessian_products_of_the_trace_against_finite_differences():
    """The forward rule calls the plain function, so forward over reverse works."""
    with jax.enable_x64(True):
        k, direction = jnp.asarray(definite(6, 1)), jnp.asarray(definite(6, 2))
        slope = jax.grad(root_trace)
        _, product = jax.jvp(slope, (k,), (direction,))
        difference = (slope(k + 1e-5 * direction) - slope(k - 1e-5 * direction)) / 2e-5
    np.testing.assert_allclose(product, difference, rtol=1e-6, atol=1e-8)


SHAPES = {"more positions than channels": (9, 7, 6), "fewer": (3, 4, 20), "one": (1, 1, 8)}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("relative", [False, True])
def test_wasserstein_and_its_gradient_against_float64(relative, shape):
    name = "wasserstein-relative" if relative else "wasserstein"
    f, s = feature_map(*shape, 1), feature_map(8, 10, shape[-1], 2)

    def value_of(x):
        return distance(STYLE_LOSSES[name].sums_of_whole, name, x, s)

    value, gradient = jax.value_and_grad(value_of)(jnp.asarray(f))
    expected_value, expected = smoothed_wasserstein(f, s, relative)
    assert float(value) == pytest.approx(expected_value, rel=1e-4)
    np.testing.assert_allclose(gradient, expected, atol=1e-4 * np.abs(expected).max())


def distance(sums, name, f, s, weights=None):
    """The distance of a map, by `sums` of it."""
    loss = STYLE_LOSSES[name]
    positions = f.shape[0] * f.shape[1]
    given = (f,) if weights is None else (f, weights)
    return loss.distance(
        loss.statistic(sums(*given), positions), loss.aim(loss.of_map(s)), positions
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_positions_and_sums_have_the_same_distance_and_gradient(weighted):
    loss = STYLE_LOSSES["wasserstein-relative"]
    f, s = (np.maximum(feature_map(5, 6, 48, seed), 0) for seed in (1, 2))
    weights = None
    if weighted:
        weights = np.random.default_rng(3).uniform(0, 2, (5, 6)).astype(np.float32)
        weights[0] = 0
        weights /= weights.mean()
    found = [
        jax.value_and_grad(
            lambda x, sums=sums: distance(sums, "wasserstein-relative", x, s, weights)
        )(jnp.asarray(f))
        for sums in (loss.sums, loss.sums_of_whole)
    ]
    assert float(found[0][0]) == pytest.approx(float(found[1][0]), rel=1e-4)
    scale = np.abs(found[0][1]).max()
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-4 * scale)


@pytest.mark.parametrize("rank", [2, 20])
@pytest.mark.parametrize("shape", [(9, 8, 20), (3, 4, 20)], ids=["sums", "positions"])
@pytest.mark.parametrize("name", ["wasserstein", "wasserstein-relative"])
def test_the_gradient_is_that_of_the_value_along_random_directions(name, shape, rank):
    """Also where the covariances have directions without any variance, or next to none."""
    rng = np.random.default_rng(0)
    spectrum = np.geomspace(1, 1e-6, 20) * (np.arange(20) < rank)
    with jax.enable_x64(True):
        f, s = (
            jnp.asarray(rng.standard_normal((h, w, 20)) * np.sqrt(spectrum) @ definite(20, 7))
            for h, w in (shape[:2], (12, 11))
        )

        def value_of(x):
            return distance(STYLE_LOSSES[name].sums_of_whole, name, x, s)

        gradient = jax.grad(value_of)(f)
        for seed in range(4):
            direction = jnp.asarray(np.random.default_rng(seed).standard_normal(f.shape))
            slope = (value_of(f + 1e-5 * direction) - value_of(f - 1e-5 * direction)) / 2e-5
            size = float(jnp.linalg.norm(gradient) * jnp.linalg.norm(direction))
            assert abs(float(jnp.vdot(gradient, direction) - slope)) < 1e-4 * max(
                abs(float(slope)), 1e-3 * size
            )


def test_the_relative_distance_has_no_unit_and_is_none_at_its_target():
    f, s = feature_map(9, 7, 6, 1), feature_map(8, 10, 6, 2)
    name = "wasserstein-relative"
    small, large = loss_of(name, f, s), loss_of(name, 1000 * f, 1000 * s)
    assert float(small) == pytest.approx(float(large), rel=1e-4)
    assert abs(float(loss_of(name, s, s))) < 1e-5
    assert float(loss_of(name, 0 * s, s)) == pytest.approx(1.0, abs=0.02)


def test_covariance_against_float64():
    f, s = feature_map(9, 7, 6, 1), feature_map(8, 10, 6, 2)
    (mean, spread), (target_mean, target) = gaussian(f), gaussian(s)
    expected = ((mean - target_mean) ** 2).mean() + ((spread - target) ** 2).mean()
    assert float(loss_of("covariance", jnp.asarray(f), s)) == pytest.approx(expected, rel=1e-4)


def test_gaussians_that_commute_differ_by_their_deviations():
    first, second = np.array([4.0, 9.0, 1.0]), np.array([1.0, 1.0, 0.25])
    means = np.array([0.5, 0.0, -1.0]), np.zeros(3)
    loss = STYLE_LOSSES["wasserstein"]
    moments, target = (
        jnp.asarray(np.vstack([mean, np.diag(variance - 1e-4) + np.outer(mean, mean)]), jnp.float32)
        for mean, variance in zip(means, (first, second), strict=True)
    )
    expected = (np.square(means[0]) + (np.sqrt(first) - np.sqrt(second)) ** 2).mean()
    assert float(loss.distance(moments, loss.aim(target), 1)) == pytest.approx(expected, rel=1e-3)


def test_moments_of_several_styles_average_to_those_of_all_positions():
    a, b = feature_map(6, 5, 4, 1), feature_map(6, 5, 4, 2)
    of_map = STYLE_LOSSES["wasserstein"].of_map
    mean, covariance = mean_and_covariance(
        0.5 * of_map(jnp.asarray(a)) + 0.5 * of_map(jnp.asarray(b))
    )
    expected = gaussian(np.concatenate([a, b]))
    np.testing.assert_allclose(mean, expected[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(covariance, expected[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["covariance", "wasserstein", "wasserstein-relative"])
def test_a_black_map_has_a_finite_gradient(name):
    black, s = jnp.zeros((4, 4, 8)), jnp.asarray(feature_map(4, 4, 8, 5))
    for f, target in ((black, s), (s, black), (black, black)):
        value, gradient = jax.value_and_grad(lambda x, t=target: loss_of(name, x, t))(f)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()

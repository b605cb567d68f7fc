"""Losses on means and covariances, against SciPy's matrix root and closed forms in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import sqrtm

from jnst.losses import STYLE_LOSSES
from jnst.matrix_root import matrix_root
from jnst.moments import mean_and_covariance


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


def gaussian(values):
    flat = np.asarray(values, np.float64).reshape(-1, values.shape[-1])
    return flat.mean(0), np.cov(flat.T, bias=True) + 1e-4 * np.eye(values.shape[-1])


def wasserstein_by_scipy(f, s):
    (mean, spread), (target_mean, target) = gaussian(f), gaussian(s)
    root = sqrtm(target)
    between = sqrtm(root @ spread @ root).real
    return ((mean - target_mean) ** 2).mean() + np.diag(target + spread - 2 * between).mean()


def wasserstein_gradient(f, s):
    """The optimal map T of the Gaussians gives it: 2 ((μ − μₜ) + (I − T) (F − μ)) / (C·M)."""
    (mean, spread), (target_mean, target) = gaussian(f), gaussian(s)
    root = sqrtm(target)
    transport = root @ np.linalg.inv(sqrtm(root @ spread @ root).real) @ root
    centred = np.asarray(f, np.float64) - mean
    moved = centred @ (np.eye(mean.size) - transport)
    return 2 * (mean - target_mean + moved) / f.size


@pytest.mark.parametrize("side", [1, 7])
def test_features_that_do_not_vary_have_a_distance_and_a_derivative(side):
    """One position, as relu5_1 has of a picture of 28 pixels, or many that are the same."""
    value = np.random.default_rng(0).uniform(50, 900, 64).astype(np.float32)
    flat, style = np.tile(value, (side, side, 1)), 30 * feature_map(9, 8, 64, 1)
    distance, gradient = jax.jit(jax.value_and_grad(lambda f: loss_of("wasserstein", f, style)))(
        flat
    )
    assert distance == pytest.approx(wasserstein_by_scipy(flat, style), rel=1e-3)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("channels", [1, 5, 40])
def test_root_is_that_of_scipy(channels):
    a = definite(channels, 3)
    expected = sqrtm(a)
    found = matrix_root(jnp.asarray(a, jnp.float32))
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_derivative_of_the_root_against_finite_differences():
    with jax.enable_x64(True):
        a, weights = jnp.asarray(definite(6, 1)), jnp.asarray(definite(6, 2))
        direction = jnp.asarray(definite(6, 4)) - jnp.eye(6)

        def value(t):
            return jnp.sum(weights * matrix_root(a + t * direction))

        slope = (value(1e-6) - value(-1e-6)) / 2e-6
        assert float(jax.grad(value)(0.0)) == pytest.approx(float(slope), rel=1e-7)


def test_wasserstein_and_its_gradient_against_float64():
    f, s = feature_map(9, 7, 6, 1), feature_map(8, 10, 6, 2)
    value, gradient = jax.value_and_grad(lambda x: loss_of("wasserstein", x, s))(jnp.asarray(f))
    assert float(value) == pytest.approx(wasserstein_by_scipy(f, s), rel=1e-4)
    expected = wasserstein_gradient(f, s)
    np.testing.assert_allclose(gradient, expected, atol=1e-4 * np.abs(expected).max())


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
    assert float(loss.distance(moments, loss.aim(target), 1)) == pytest.approx(expected, rel=1e-5)


def test_moments_of_several_styles_average_to_those_of_all_positions():
    a, b = feature_map(6, 5, 4, 1), feature_map(6, 5, 4, 2)
    of_map = STYLE_LOSSES["wasserstein"].of_map
    mean, covariance = mean_and_covariance(
        0.5 * of_map(jnp.asarray(a)) + 0.5 * of_map(jnp.asarray(b))
    )
    expected = gaussian(np.concatenate([a, b]))
    np.testing.assert_allclose(mean, expected[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(covariance, expected[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["covariance", "wasserstein"])
def test_a_black_map_has_a_finite_gradient(name):
    black, s = jnp.zeros((4, 4, 8)), jnp.asarray(feature_map(4, 4, 8, 5))
    for f, target in ((black, s), (s, black), (black, black)):
        value, gradient = jax.value_and_grad(lambda x, t=target: loss_of(name, x, t))(f)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()

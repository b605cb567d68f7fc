"""The preconditioner against dense matrices of waves, and what it must be: symmetric, positive."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jnst.optimize.preconditioner import scale_frequencies, spectrum

SIZES = pytest.mark.parametrize("size", [(1, 1), (1, 6), (4, 4), (5, 4), (4, 7), (6, 3)], ids=str)


def dense(height, width, exponent):
    """The map as a matrix [H·W, H·W]: complex waves, one for each frequency, written out."""
    y, x = np.divmod(np.arange(height * width), width)
    v, u = np.divmod(np.arange(height * width), width)
    waves = np.exp(2j * np.pi * (np.outer(y, v) / height + np.outer(x, u) / width))
    # A frequency above one half is the negative one that aliases to it.
    v, u = np.minimum(v, height - v) / height, np.minimum(u, width - u) / width
    frequency = np.maximum(np.sqrt(v**2 + u**2), 1 / max(height, width))
    factors = frequency**-exponent
    matrix = waves @ np.diag(factors / factors.mean()) @ waves.conj().T / (height * width)
    assert np.abs(matrix.imag).max() < 1e-12
    return matrix.real


def by_columns(height, width, exponent):
    units = jnp.eye(height * width).reshape(-1, height, width)
    columns = [np.asarray(scale_frequencies(unit, exponent)).ravel() for unit in units]
    return np.stack(columns, axis=1)


@SIZES
@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_it_is_the_matrix_of_scaled_waves(size, exponent):
    with jax.enable_x64(True):
        found = by_columns(*size, exponent)
    np.testing.assert_allclose(found, dense(*size, exponent), atol=1e-12)


@SIZES
def test_it_is_symmetric_and_positive_definite_of_mean_one(size):
    with jax.enable_x64(True):
        matrix = by_columns(*size, 1.0)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12)
    values = np.linalg.eigvalsh(matrix)
    assert values.min() > 0
    assert values.mean() == pytest.approx(1)


def test_the_half_exponent_is_the_square_root():
    image = jnp.asarray(np.random.default_rng(0).standard_normal((5, 6, 3)))
    with jax.enable_x64(True):
        twice = scale_frequencies(scale_frequencies(image, 0.5), 0.5)
        once = scale_frequencies(image, 1.0)
    np.testing.assert_allclose(twice / once, float(twice[0, 0, 0] / once[0, 0, 0]), rtol=1e-4)


def test_zero_is_the_identity_and_channels_do_not_mix():
    image = jnp.asarray(np.random.default_rng(0).standard_normal((5, 6, 3)), jnp.float32)
    found = scale_frequencies(image, 0.0)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, image, atol=1e-6)
    np.testing.assert_array_equal(spectrum(5, 6, 0.0), 1.0)
    for channel in range(3):
        np.testing.assert_allclose(
            scale_frequencies(image, 0.7)[..., channel],
            scale_frequencies(image[..., channel], 0.7),
            atol=1e-6,
        )

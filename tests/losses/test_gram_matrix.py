"""Sums of products against NumPy, and their derivative against JAX's own and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jnst.losses import gram

RNG = np.random.default_rng(0)
FEATURES, WEIGHTS = RNG.standard_normal((5, 7, 4)), RNG.random((5, 7))
BY_SUMS = RNG.standard_normal((4, 4))


def plain(features, weights):
    return jnp.einsum("hwi,hw,hwj->ij", features, weights, features, precision="highest")


def test_sums_are_those_of_numpy():
    flat, weights = FEATURES.reshape(-1, 4), WEIGHTS.ravel()
    alone = gram(jnp.asarray(FEATURES, jnp.float32))
    np.testing.assert_allclose(alone, flat.T @ flat, rtol=1e-5, atol=1e-5)
    weighted = gram(*(jnp.asarray(a, jnp.float32) for a in (FEATURES, WEIGHTS)))
    np.testing.assert_allclose(weighted, flat.T @ np.diag(weights) @ flat, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("argument", [0, 1])
def test_derivative_is_jaxs_own_and_that_of_finite_differences(argument):
    with jax.enable_x64(True):
        given = [jnp.asarray(FEATURES), jnp.asarray(WEIGHTS)]
        direction = RNG.standard_normal(given[argument].shape)

        def along(function, step):
            moved = [a + step * direction if i == argument else a for i, a in enumerate(given)]
            return jnp.vdot(function(*moved), BY_SUMS)

        slope, expected = (jax.grad(along, argnums=1)(f, 0.0) for f in (gram, plain))
        assert float(slope) == pytest.approx(float(expected), rel=1e-12)
        difference = (along(gram, 1e-6) - along(gram, -1e-6)) / 2e-6
        assert float(slope) == pytest.approx(float(difference), rel=1e-8)
        # The way back is differentiable itself.
        bend, expected = (
            jax.grad(jax.grad(along, argnums=1), argnums=1)(f, 0.0) for f in (gram, plain)
        )
        assert float(bend) == pytest.approx(float(expected), rel=1e-12, abs=1e-12)


def test_unweighted_is_weighted_with_ones():
    ones = jnp.ones(WEIGHTS.shape)
    features = jnp.asarray(FEATURES, jnp.float32)
    alone, weighted = (
        jax.grad(lambda f, more=more: jnp.vdot(gram(f, *more), BY_SUMS))(features)
        for more in ((), (ones,))
    )
    np.testing.assert_array_equal(alone, weighted)


def test_the_way_back_is_one_product():
    features = jnp.asarray(FEATURES, jnp.float32)
    step = jax.jit(jax.grad(lambda f: jnp.sum(gram(f) ** 2)))
    assert step.lower(features).as_text().count("stablehlo.dot_general") == 2

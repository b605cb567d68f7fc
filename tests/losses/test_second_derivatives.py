"""Products with the Hessian, forward over reverse, against differences of the gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jnst
from jnst.losses import STYLE_LOSSES, content_relative, tv_l2, tv_nine_point

RNG = np.random.default_rng(0)
FEATURES = RNG.random((5, 6, 4))
STYLE = RNG.random((5, 6, 4)) ** 2
WAY = RNG.standard_normal((5, 6, 4))
LOSSES = {name: name for name in STYLE_LOSSES} | {
    "content": lambda f: content_relative(f, jnp.asarray(STYLE)),
    "tv l2": tv_l2,
    "tv nine-point": tv_nine_point,
}


def style_loss(name, weights):
    loss = STYLE_LOSSES[name]
    aim = loss.aim(loss.of_map(jnp.asarray(STYLE)))
    return lambda f: loss.distance(loss.of_map(f, weights), aim, 30)


def check(function, point, way, tolerance):
    gradient = jax.jit(jax.grad(function))
    _, found = jax.jit(lambda x, d: jax.jvp(jax.grad(function), (x,), (d,)))(point, way)
    step = 1e-5
    expected = (gradient(point + step * way) - gradient(point - step * way)) / (2 * step)
    scale = float(jnp.abs(expected).max())
    assert scale > 0
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)
    # Reverse over reverse gives the same product.
    back = jax.grad(lambda x: jnp.vdot(jax.grad(function)(x), way))(point)
    np.testing.assert_allclose(found, back, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_of_a_loss_on_features(name, weighted):
    with jax.enable_x64(True):
        weights = jnp.linspace(0.5, 1.5, 30).reshape(5, 6) if weighted else None
        function = style_loss(name, weights) if name in STYLE_LOSSES else LOSSES[name]
        check(function, jnp.asarray(FEATURES), jnp.asarray(WAY), 1e-4)


@pytest.mark.parametrize("name", ["gram-relative", "covariance", "wasserstein-relative"])
def test_of_the_objective_of_an_image(params, name):
    fields = {"style_layers": ("relu1_1", "relu2_1"), "content_layers": ("relu2_1",)}
    config = jnst.Config(style_loss=name, **fields)
    with jax.enable_x64(True):
        exact = jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), params)
        content, style = (jnp.asarray(RNG.random((12, 10, 3))) for _ in range(2))
        targets = jnst.make_targets(exact, content, [style], config)
        weights = jnst.loss_weights(config)
        way = jnp.asarray(RNG.standard_normal((12, 10, 3)))
        function = lambda x: jnst.objective(x, exact, targets, weights)[0]  # noqa: E731
        check(function, content + 0.1, 1e-3 * way, 1e-3)

"""Products with the Hessian through each layer, forward over reverse; forward alone is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jnst import ops

RNG = np.random.default_rng(0)
X, WAY = RNG.standard_normal((2, 2, 6, 7, 3))
KERNEL, BIAS = RNG.standard_normal((3, 3, 3, 4)), RNG.standard_normal(4)
FLOW = 2 * RNG.standard_normal((2, 6, 7, 2))
LABELS = np.array([1, 2])
MATRIX = RNG.standard_normal((126, 5))
LAYERS = {
    "conv2d": lambda x: ops.conv2d(x, jnp.asarray(KERNEL, x.dtype), jnp.asarray(BIAS, x.dtype), 2),
    "conv3x3": lambda x: ops.conv3x3(
        x, ops.transform_kernel(jnp.asarray(KERNEL, x.dtype)), rectify=True
    ),
    "conv3x3_apart": lambda x: ops.conv3x3_apart(
        x,
        jnp.asarray(KERNEL, x.dtype),
        ops.transform_kernel(jnp.asarray(KERNEL, x.dtype)),
        rectify=True,
    ),
    "pad": lambda x: ops.pad(x, 2, "reflect"),
    "max_pool": lambda x: ops.max_pool(x, 3, 2, "SAME"),
    "avg_pool": lambda x: ops.avg_pool(x, 3, 2, "SAME"),
    "l2_pool": lambda x: ops.l2_pool(x, 3, 2, "SAME"),
    "warp": lambda x: ops.warp(x, jnp.asarray(FLOW, x.dtype)),
    "relu": ops.relu,
    "dense": lambda x: ops.dense(ops.flatten(x), jnp.asarray(MATRIX, x.dtype)),
    "softmax_cross_entropy": lambda x: ops.softmax_cross_entropy(x[:, 0, 0], jnp.asarray(LABELS)),
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_products_with_the_hessian_are_differences_of_the_gradient(layer):
    with jax.enable_x64(True):
        x, way = jnp.asarray(X), jnp.asarray(WAY)
        gradient = jax.grad(lambda x: jnp.sum(jnp.sin(layer(x))))
        _, found = jax.jvp(gradient, (x,), (way,))
        step = 1e-6
        expected = (gradient(x + step * way) - gradient(x - step * way)) / (2 * step)
        assert float(jnp.abs(expected).max()) > 0
        np.testing.assert_allclose(found, expected, atol=1e-6 * float(jnp.abs(expected).max()))


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_forward_mode_of_a_layer_is_refused(layer):
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(layer, (jnp.asarray(X, jnp.float32),), (jnp.asarray(WAY, jnp.float32),))

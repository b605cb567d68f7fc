"""Padding in three modes against NumPy's, and its derivative against JAX's own and differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jnst.ops import check_gradients, pad

MODES = {"zero": "constant", "replicate": "edge", "reflect": "reflect"}
PADS = [0, 2, ((0, 3), (1, 0)), ((3, 2), (2, 1)), ((1, 3), (4, 4))]


def numpy_pad(x, padding, mode, library):
    pads = ((padding, padding), (padding, padding)) if isinstance(padding, int) else padding
    return library.pad(x, ((0, 0), *pads, (0, 0)), mode=MODES[mode])


@pytest.mark.parametrize("padding", PADS, ids=str)
@pytest.mark.parametrize("mode", MODES)
def test_value_is_numpys_and_derivative_jaxs_and_numerical(mode, padding):
    x = np.random.default_rng(0).standard_normal((2, 4, 5, 2))
    with jax.enable_x64(True):
        y, derive = jax.vjp(lambda x: pad(x, padding, mode), x)
        np.testing.assert_array_equal(y, numpy_pad(x, padding, mode, np))
        cotangent = np.random.default_rng(1).standard_normal(y.shape)
        (gradient,) = derive(cotangent)
        (expected,) = jax.vjp(lambda x: numpy_pad(x, padding, mode, jnp), x)[1](cotangent)
        np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-13)
        padded = jax.jit(lambda x: pad(x, padding, mode))
        report = check_gradients(padded, [x], [gradient], cotangent, step=1.0, tolerance=1e-12)
        assert report.agrees, str(report)


def test_a_reflection_as_wide_as_one_row_less_reaches_the_far_border():
    x = jnp.arange(3.0).reshape(1, 3, 1, 1)
    padded = pad(x, ((2, 2), (0, 0)), "reflect")
    assert padded.ravel().tolist() == [2, 1, 0, 1, 2, 1, 0]
    assert jax.grad(lambda x: pad(x, ((2, 2), (0, 0)), "reflect").sum())(x).ravel().tolist() == [
        2,
        3,
        2,
    ]


@pytest.mark.parametrize("mode", MODES)
def test_the_second_derivative_of_a_square_is_twice_the_number_of_copies(mode):
    x = jnp.ones((1, 4, 5, 1))
    slope = jax.grad(lambda x: jnp.sum(pad(x, ((1, 2), (3, 0)), mode) ** 2))
    copies = jax.grad(lambda x: jnp.sum(pad(x, ((1, 2), (3, 0)), mode)))(x)
    np.testing.assert_array_equal(jax.grad(lambda x: slope(x).sum())(x), 2 * copies)
    np.testing.assert_array_equal(jax.jvp(slope, (x,), (x,))[1], 2 * copies)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
def test_the_dtype_stays_under_jit_vmap_and_grad(mode, dtype):
    with jax.enable_x64(dtype == "float64"):
        x = jnp.arange(40).reshape(2, 4, 5, 1).astype(dtype)
        slope = jax.grad(lambda x: jnp.sum(pad(x, 2, mode) ** 2))
        together = jax.jit(jax.vmap(lambda one: slope(one[None])[0]))(x)
        assert pad(x, 1, mode).dtype == together.dtype == jnp.dtype(dtype)
        np.testing.assert_allclose(
            np.asarray(together, "float64"), np.asarray(slope(x), "float64"), rtol=0.02
        )


IMAGE = np.zeros((1, 6, 5, 3), "float32")


@pytest.mark.parametrize(
    ("x", "padding", "mode", "error", "text"),
    [
        (IMAGE, 1, "mirror", ValueError, "unknown padding mode 'mirror'; use one of zero, repl"),
        (IMAGE, 5, "reflect", ValueError, r"\(1, 6, 5, 3\) has: at most 5 rows and 4 columns; pad"),
        (IMAGE[:, :0], 1, "replicate", ValueError, r"nothing to copy.*\(1, 0, 5, 3\)"),
        (IMAGE, -1, "zero", ValueError, "padding must not be negative, got -1"),
        (IMAGE, "SAME", "zero", TypeError, "padding 'SAME' is not an integer or"),
        (IMAGE, (1, 1), "zero", TypeError, r"padding \(1, 1\) is not an integer or"),
        (IMAGE[0], 1, "zero", ValueError, r"x must have the axes \(batch, height"),
        (IMAGE.astype(int), 1, "zero", TypeError, "x must be floating, got int"),
    ],
)
def test_wrong_input_says_what_is_wrong(x, padding, mode, error, text):
    with pytest.raises(error, match=text):
        pad(x, padding, mode)

"""The pools against JAX's reductions over windows, the NumPy twins and differences."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jnst.ops import avg_pool, check_gradients, l2_pool, max_pool
from jnst.reference import AvgPool2D, MaxPool2D

POOLS = [max_pool, avg_pool, l2_pool]
CASES = [  # size, window, stride, padding
    ((8, 6), 2, None, "VALID"),
    ((7, 9), 2, None, "VALID"),
    ((7, 9), 2, None, "SAME"),
    ((7, 8), 3, 2, "SAME"),
    ((6, 7), (3, 2), (1, 3), "VALID"),
    ((5, 6), 3, 1, 1),
    ((6, 5), (2, 4), 2, ((1, 0), (3, 2))),
    ((4, 9), (1, 3), (3, 1), 0),
    ((11, 12), 9, (2, 3), "SAME"),
]


def windows(x, window, stride, padding, start, combine):
    """JAX's own reduction over windows, which JAX differentiates."""
    window = np.broadcast_to(window, 2)
    stride = window if stride is None else np.broadcast_to(stride, 2)
    if isinstance(padding, int):
        padding = ((padding, padding), (padding, padding))
    pads = padding if isinstance(padding, str) else ((0, 0), *padding, (0, 0))
    return lax.reduce_window(x, start, combine, (1, *window, 1), (1, *stride, 1), pads)


def jax_max_pool(x, *options):
    return windows(x, *options, -jnp.inf, lax.max)


def jax_avg_pool(x, *options):
    return windows(x, *options, 0.0, lax.add) / windows(jnp.ones_like(x), *options, 0.0, lax.add)


def jax_l2_pool(x, *options):
    return jnp.sqrt(windows(x * x, *options, 0.0, lax.add))


OWN = {max_pool: jax_max_pool, avg_pool: jax_avg_pool, l2_pool: jax_l2_pool}
TWINS = {max_pool: MaxPool2D, avg_pool: AvgPool2D}


def both_ways(pool, options):
    """(value, derivative) by the project's pool and by JAX's own, compiled together."""

    def run(function, x, cotangent):
        value, derive = jax.vjp(lambda x: function(x, *options), x)
        return value, derive(cotangent)[0]

    return jax.jit(lambda *arrays: (run(pool, *arrays), run(OWN[pool], *arrays)))


def draw(size, dtype="float32", channels=3):
    return np.random.default_rng(5).standard_normal((2, *size, channels)).astype(dtype)


@pytest.mark.parametrize(("size", "window", "stride", "padding"), CASES, ids=str)
@pytest.mark.parametrize("pool", POOLS)
def test_value_and_derivative_are_jaxs_the_twins_and_numerical(pool, size, window, stride, padding):
    options = (window, stride, padding)
    twin = TWINS.get(pool, AvgPool2D)(*options)
    with jax.enable_x64(True):
        x = draw(size, "float64")
        cotangent = np.random.default_rng(6).standard_normal(twin.forward(x).shape)
        both = both_ways(pool, options)
        (y, derivative), expected = both(x, cotangent)
        for found, own in zip((y, derivative), expected, strict=True):
            np.testing.assert_allclose(found, own, rtol=1e-12, atol=1e-12)
        report = check_gradients(
            lambda x: both(x, cotangent)[0][0], [x], [derivative], cotangent, samples=20
        )
        assert report.agrees, str(report)
    if pool in TWINS:
        np.testing.assert_allclose(twin.forward(x), y, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(twin.backward(cotangent), derivative, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("size", "window", "stride", "padding"), CASES, ids=str)
def test_ties_go_to_the_first_as_in_xla(size, window, stride, padding):
    x = np.round(draw(size)).clip(-1, 1)  # of three values, so that nearly every window has a tie
    options = (window, stride, padding)
    twin = MaxPool2D(*options)
    cotangent = np.random.default_rng(6).standard_normal(twin.forward(x).shape).astype("float32")
    (_, derivative), (_, expected) = both_ways(max_pool, options)(x, cotangent)
    np.testing.assert_allclose(derivative, expected, atol=1e-5)
    np.testing.assert_allclose(twin.backward(cotangent), expected, atol=1e-5)


def test_nan_goes_through_max_pool():
    x = draw((4, 4)).copy()
    x[0, 1, 2, 0] = np.nan
    value, vjp = jax.vjp(max_pool, x)
    assert np.argwhere(np.isnan(max_pool(x))).tolist() == [[0, 0, 1, 0]]
    assert np.argwhere(np.isnan(value)).tolist() == [[0, 0, 1, 0]]
    assert vjp(jnp.ones_like(value))[0][0, 1, 2, 0] == 1


def test_l2_pool_of_zeros_has_no_slope_at_any_order():
    x = jnp.zeros((1, 2, 2, 1))
    slope = jax.grad(lambda x: jnp.sum(l2_pool(x)))
    assert slope(x).tolist() == x.tolist()
    assert jax.grad(lambda x: jnp.sum(slope(x)))(x).tolist() == x.tolist()


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("order", [jax.grad, lambda f: lambda x: jax.jvp(f, (x,), (x,))[1]])
def test_second_derivatives_are_jaxs_own(pool, order):
    x = draw((6, 5))

    def second(function):
        def energy(x):
            return jnp.sum(jnp.sin(function(x, 3, 2, 1)))

        def slopes(x):
            return jnp.sum(jax.grad(energy)(x) ** 2)

        return jax.jit(order(slopes))(x)

    np.testing.assert_allclose(second(pool), second(OWN[pool]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_the_dtype_stays_under_jit_vmap_and_grad(pool, dtype):
    with jax.enable_x64(dtype == "float64"):
        x = jnp.asarray(draw((7, 6)), dtype)
        slope = jax.jit(jax.grad(lambda x: jnp.sum(pool(x, 3, 2, "SAME") ** 2)))
        assert pool(x).dtype == slope(x).dtype == jnp.dtype(dtype)
        together = jax.vmap(lambda one: slope(one[None])[0])(x)
        expected = np.asarray(slope(x), "float64")
        np.testing.assert_allclose(np.asarray(together, "float64"), expected, rtol=0.05, atol=0.05)


def test_max_pool_keeps_a_byte_for_every_output():
    x = draw((64, 64), channels=16)

    def spare(function):
        pooled = jax.jit(jax.grad(lambda x: jnp.sum(jnp.sin(function(jnp.sin(x), 2, 2, "VALID")))))
        return pooled.lower(x).compile().memory_analysis().temp_size_in_bytes

    assert spare(max_pool) < 0.5 * spare(jax_max_pool)


IMAGE = np.zeros((1, 6, 5, 3), "float32")


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(
    ("x", "options", "error", "text"),
    [
        (IMAGE, {"window": 7}, ValueError, r"7x7 taps.*\(1, 6, 5, 3\), padded to 6x5; use"),
        (IMAGE, {"window": 0}, ValueError, "window must be at least 1, got 0"),
        (IMAGE, {"window": "2"}, TypeError, "window must be an integer or a pair.*'2'"),
        (IMAGE, {"stride": (1, 0)}, ValueError, r"stride must be at least 1, got \(1, 0\)"),
        (IMAGE, {"padding": "FULL"}, ValueError, "unknown padding 'FULL'; use 'SAME'"),
        (IMAGE, {"padding": 2}, ValueError, r"window of 2x2 with nothing.*\(1, 6, 5, 3\).*pad by"),
        (IMAGE[0], {}, ValueError, r"x must have the axes \(batch, height.*\(6, 5, 3\)"),
        (IMAGE.astype("uint8"), {}, TypeError, r"x must be floating, got uint8 of shape \(1, 6"),
    ],
)
def test_wrong_input_says_what_is_wrong(pool, x, options, error, text):
    with pytest.raises(error, match=text):
        functools.partial(pool, **options)(x)

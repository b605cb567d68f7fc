"""The Winograd convolution against the direct one, NumPy's loops and finite differences."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jnst.ops import check_gradients, conv2d, conv3x3, relu, transform_kernel
from jnst.ops.winograd import TILES, _matrices
from jnst.reference import Conv2D, Conv2DLoops

CASES = [
    ((1, 12, 24, 3), 4, True),  # whole tiles
    ((2, 13, 9, 5), 7, False),  # a batch, and sizes that no tile divides
    ((1, 1, 1, 2), 3, True),  # smaller than the kernel
]


def draw(shape, out, dtype=np.float64):
    rng = np.random.default_rng(sum(shape) + out)
    x, cotangent = rng.standard_normal(shape), rng.standard_normal((*shape[:3], out))
    kernel, bias = rng.standard_normal((3, 3, shape[3], out)), rng.standard_normal(out)
    return [a.astype(dtype) for a in (x, kernel, bias, cotangent)]


def winograd(x, kernel, bias, rectify, tile=4):
    return conv3x3(x, transform_kernel(kernel, tile), bias, rectify)


def direct(x, kernel, bias, rectify):
    y = conv2d(x, kernel, bias)
    return relu(y) if rectify else y


@pytest.mark.parametrize(("shape", "out", "rectify"), CASES)
@pytest.mark.parametrize("tile", TILES)
def test_values_and_derivatives_are_those_of_the_direct_convolution(shape, out, rectify, tile):
    x, kernel, bias, cotangent = draw(shape, out)
    with jax.enable_x64(True):
        results = []
        for function in (partial(winograd, tile=tile), direct):

            def pull(x, kernel, bias, function=function):
                y, back = jax.vjp(lambda *a: function(*a, rectify), x, kernel, bias)
                return y, *back(jnp.asarray(cotangent))

            results.append(jax.jit(pull)(*map(jnp.asarray, (x, kernel, bias))))
        for ours, expected in zip(*results, strict=True):
            assert ours.dtype == expected.dtype == jnp.float64
            scale = 1 + np.abs(expected).max()
            np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-11 * scale)


def test_values_are_those_of_loops_in_numpy():
    x, kernel, bias, cotangent = draw((1, 6, 5, 2), 3)
    layer = Conv2DLoops(kernel, bias)
    expected, derivative = layer.forward(x), layer.backward(cotangent)
    with jax.enable_x64(True):
        convolve = jax.jit(lambda x: winograd(x, jnp.asarray(kernel), jnp.asarray(bias), False))
        y, back = jax.vjp(convolve, x)
        np.testing.assert_allclose(y, expected, atol=1e-12)
        np.testing.assert_allclose(back(jnp.asarray(cotangent))[0], derivative, atol=1e-12)


def test_derivatives_are_those_of_finite_differences():
    with jax.enable_x64(True):
        *arrays, cotangent = map(jnp.asarray, draw((1, 5, 6, 2), 2))
        _, back = jax.vjp(lambda *a: winograd(*a, False), *arrays)
        function = jax.jit(partial(winograd, rectify=False))
        report = check_gradients(function, arrays, back(cotangent), cotangent)
        assert report.agrees, report


def test_a_second_derivative_is_that_of_the_direct_convolution():
    with jax.enable_x64(True):
        x, kernel, _, _ = map(jnp.asarray, draw((1, 5, 5, 2), 2))

        def curvature(function):
            energy = lambda x: jnp.sum(function(x, kernel, None, False) ** 3)  # noqa: E731
            return jax.jit(jax.grad(lambda x: jnp.sum(jax.grad(energy)(x) ** 2)))(x)

        ours, expected = curvature(winograd), curvature(direct)
        np.testing.assert_allclose(ours, expected, rtol=1e-10)


def test_many_pictures_by_vmap():
    with jax.enable_x64(True):
        x, kernel, bias, _ = map(jnp.asarray, draw((3, 6, 7, 2), 2))
        each = jax.jit(jax.vmap(lambda one: winograd(one[None], kernel, bias, True)[0]))(x)
        np.testing.assert_allclose(each, winograd(x, kernel, bias, True), atol=1e-12)


@pytest.mark.parametrize(("tile", "bound"), [(2, 3e-6), (4, 3e-5), (6, 1e-4)])
def test_float32_loses_little(tile, bound):
    x, kernel, _, _ = draw((1, 16, 16, 512), 64, np.float32)
    exact = Conv2D(kernel.astype(np.float64)).forward(x.astype(np.float64))
    ours = conv3x3(jnp.asarray(x), transform_kernel(jnp.asarray(kernel), tile))
    assert ours.dtype == jnp.float32
    assert np.abs(ours - exact).max() < bound * np.abs(exact).max()


def test_bfloat16_products_are_summed_in_float32():
    x, kernel, bias, _ = map(jnp.asarray, draw((1, 16, 16, 64), 32, np.float32))
    half = tuple(part.astype(jnp.bfloat16) for part in transform_kernel(kernel))
    y, back = jax.vjp(lambda x: conv3x3(x, half, bias), x)
    exact = conv2d(x, kernel, bias)
    assert y.dtype == back(y)[0].dtype == jnp.float32
    error = float(jnp.linalg.norm(y - exact) / jnp.linalg.norm(exact))
    assert 1e-4 < error < 4e-2


def test_nan_goes_through():
    y = conv3x3(
        jnp.full((1, 4, 4, 1), jnp.nan), transform_kernel(jnp.ones((3, 3, 1, 1))), None, True
    )
    assert jnp.isnan(y).all()


@pytest.mark.parametrize("tile", TILES)
def test_the_points_give_the_published_matrices(tile):
    """Lavin and Gray 2016, sections 4.1 and 4.3, up to the signs of rows of Bᵀ and G."""
    matrices = _matrices(tile)
    if tile == 2:
        np.testing.assert_array_equal(matrices.bt[1], [0, 1, 1, 0])
        np.testing.assert_array_equal(matrices.g[1], [0.5, 0.5, 0.5])
        np.testing.assert_array_equal(matrices.at, [[1, 1, 1, 0], [0, 1, -1, 1]])
    if tile == 4:
        np.testing.assert_array_equal(matrices.bt[0], [4, 0, -5, 0, 1, 0])
        np.testing.assert_array_equal(matrices.bt[3], [0, -2, -1, 2, 1, 0])
        np.testing.assert_allclose(matrices.g[4], [1 / 24, -1 / 12, 1 / 6])
        np.testing.assert_array_equal(matrices.at[3], [0, 1, -1, 8, -8, 1])
    rng = np.random.default_rng(0)
    inputs, taps = rng.standard_normal(tile + 2), rng.standard_normal(3)
    outputs = matrices.at @ ((matrices.g @ taps) * (matrices.bt @ inputs))
    np.testing.assert_allclose(outputs, np.correlate(inputs, taps, "valid"), atol=1e-13)


@pytest.mark.parametrize("tile", TILES)
def test_frozen_kernels_cost_nothing_in_the_derivative(tile):
    x, kernel, bias, _ = map(jnp.asarray, draw((1, 16, 16, 8), 8, np.float32))
    transformed = transform_kernel(kernel, tile)

    def value(x, transformed):
        return jnp.sum(conv3x3(x, transformed, bias) ** 2)

    def products(argnums):
        program = jax.jit(jax.grad(value, argnums)).lower(x, transformed)
        return program.compile().as_text().count("dot(")

    assert products((0,)) == 2 * (tile + 2)
    assert products((0, 1)) == 3 * (tile + 2)


@pytest.mark.parametrize(
    ("transformed", "bias", "message"),
    [
        (tuple(jnp.ones((6, 3, 4)) for _ in range(6)), None, r"n arrays \[n, 2, out_channels\]"),
        (tuple(jnp.ones((6, 2, 4)) for _ in range(5)), None, "use transform_kernel"),
        (tuple(jnp.ones((6, 2, 4)) for _ in range(6)), jnp.ones(3), "for 4 output channels"),
    ],
)
def test_what_does_not_fit_is_refused(transformed, bias, message):
    with pytest.raises(ValueError, match=message):
        conv3x3(jnp.ones((1, 4, 4, 2)), transformed, bias)


def test_a_tile_without_points_is_refused():
    with pytest.raises(ValueError, match=r"tiles of side 3: choose one of \(2, 4, 6\)"):
        transform_kernel(jnp.ones((3, 3, 1, 1)), 3)

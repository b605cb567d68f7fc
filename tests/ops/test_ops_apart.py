"""A convolution by one algorithm with the derivative of another, against the direct convolution."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jnst.ops import check_gradients, conv2d, conv3x3_apart, relu, transform_kernel

PAIRS = [pair for pair in product((0, 2, 4, 6), repeat=2) if pair[0] != pair[1]]


def draw(shape, out, dtype=np.float64):
    rng = np.random.default_rng(sum(shape) + out)
    x, cotangent = rng.standard_normal(shape), rng.standard_normal((*shape[:3], out))
    kernel, bias = rng.standard_normal((3, 3, shape[3], out)), rng.standard_normal(out)
    return [jnp.asarray(a, dtype) for a in (x, kernel, bias, cotangent)]


def form(kernel, tile):
    return transform_kernel(kernel, tile) if tile else kernel


def apart(x, kernel, bias, rectify, tiles):
    forward, back = (form(kernel, tile) for tile in tiles)
    return conv3x3_apart(x, forward, jax.lax.stop_gradient(back), bias, rectify)


def direct(x, kernel, bias, rectify):
    y = conv2d(x, kernel, bias)
    return relu(y) if rectify else y


@pytest.mark.parametrize("tiles", PAIRS)
@pytest.mark.parametrize("rectify", [True, False])
def test_values_and_derivatives_are_those_of_the_direct_convolution(tiles, rectify):
    with jax.enable_x64(True):
        x, kernel, bias, cotangent = draw((2, 13, 8, 3), 5)
        results = []
        for function in (lambda *a: apart(*a, tiles), direct):

            def pull(x, kernel, bias, function=function):
                y, back = jax.vjp(lambda *a: function(*a, rectify), x, kernel, bias)
                return y, *back(cotangent)

            results.append(jax.jit(pull)(x, kernel, bias))
        for ours, expected in zip(*results, strict=True):
            assert ours.dtype == expected.dtype == jnp.float64
            np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("tiles", [(0, 4), (6, 0), (4, 2)])
def test_each_pass_is_by_its_own_algorithm(tiles):
    """In float32 an algorithm shows by its rounding."""
    x, kernel, bias, cotangent = draw((1, 12, 12, 16), 16, np.float32)

    def passes(tiles):
        y, back = jax.vjp(lambda x: apart(x, kernel, bias, True, tiles), x)
        return y, back(cotangent)[0]

    y, by_x = passes(tiles)
    np.testing.assert_array_equal(y, passes((tiles[0], tiles[0]))[0])
    assert np.any(y != passes((tiles[1], tiles[1]))[0])
    # The same ReLU for both.
    flow = jnp.where(y > 0, cotangent, 0.0)
    same = jax.vjp(lambda x: apart(x, kernel, bias, False, (tiles[1],) * 2), x)[1](flow)[0]
    np.testing.assert_array_equal(by_x, same)


def test_derivatives_are_those_of_finite_differences():
    with jax.enable_x64(True):
        *arrays, cotangent = draw((1, 5, 6, 2), 2)
        function = jax.jit(lambda *a: apart(*a, False, (4, 0)))
        _, back = jax.vjp(function, *arrays)
        report = check_gradients(function, arrays, back(cotangent), cotangent)
        assert report.agrees, report


def test_a_second_derivative_is_that_of_the_direct_convolution():
    with jax.enable_x64(True):
        x, kernel, _, _ = draw((1, 5, 5, 2), 2)

        def curvature(function):
            energy = lambda x: jnp.sum(function(x, kernel, None, False) ** 3)  # noqa: E731
            return jax.jit(jax.grad(lambda x: jnp.sum(jax.grad(energy)(x) ** 2)))(x)

        expected = curvature(direct)
        for tiles in ((0, 2), (2, 0)):
            ours = curvature(lambda *a, tiles=tiles: apart(*a, tiles))
            np.testing.assert_allclose(ours, expected, rtol=1e-10)


def test_many_pictures_by_vmap():
    with jax.enable_x64(True):
        x, kernel, bias, _ = draw((3, 6, 7, 2), 2)
        each = jax.vmap(lambda one: apart(one[None], kernel, bias, True, (0, 4))[0])(x)
        np.testing.assert_allclose(each, direct(x, kernel, bias, True), atol=1e-12)


def test_products_of_bfloat16_leave_maps_of_float32():
    x, kernel, bias, _ = draw((1, 16, 16, 32), 16, np.float32)
    exact, pull = jax.vjp(lambda x: conv2d(x, kernel, bias), x)
    for tiles in ((0, 4), (4, 0)):
        forward, back = (
            jax.tree.map(lambda a: a.astype(jnp.bfloat16), form(kernel, tile)) for tile in tiles
        )
        y, ours = jax.vjp(lambda x, f=forward, b=back: conv3x3_apart(x, f, b, bias), x)
        for found, expected in ((y, exact), (ours(exact)[0], pull(exact)[0])):
            assert found.dtype == jnp.float32
            error = float(jnp.linalg.norm(found - expected) / jnp.linalg.norm(expected))
            assert 1e-4 < error < 4e-2


def test_frozen_kernels_and_the_unused_way_cost_nothing():
    x, kernel, bias, _ = draw((1, 16, 16, 8), 8, np.float32)

    def program(tiles):
        forward, back = (form(kernel, tile) for tile in tiles)

        def energy(x, forward, back):
            return jnp.sum(conv3x3_apart(x, forward, back, bias) ** 2)

        text = jax.jit(jax.grad(energy)).lower(x, forward, back).compile().as_text()
        return text.count("dot("), text.count("convolution(")

    assert program((4, 0)) == (6, 1)
    assert program((0, 4)) == (6, 1)
    assert program((4, 6)) == (6 + 8, 0)


@pytest.mark.parametrize(
    ("forward", "back", "bias", "message"),
    [
        (jnp.ones((3, 3, 2, 4)), (jnp.ones((6, 2, 5)),) * 6, None, r"\(2, 4\) .* and \(2, 5\)"),
        ((jnp.ones((6, 3, 4)),) * 6, jnp.ones((3, 3, 3, 4)), None, "two forms of one kernel"),
        (jnp.ones((3, 3, 2, 4)), jnp.ones((3, 3, 2, 4)), jnp.ones(1), "for 4 output channels"),
    ],
)
def test_what_does_not_fit_is_refused(forward, back, bias, message):
    with pytest.raises(ValueError, match=message):
        conv3x3_apart(jnp.ones((1, 4, 4, 2)), forward, back, bias)

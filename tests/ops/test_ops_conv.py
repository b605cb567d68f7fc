"""The convolution and its derivatives against JAX's own, both NumPy twins and differences."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from scipy.signal import correlate2d

from jnst.ops import check_gradients, conv2d
from jnst.ops.window import make_window
from jnst.reference import Conv2D, Conv2DLoops

PADDINGS = ["SAME", "VALID", 0, 1, 3, ((0, 1), (2, 0)), ((1, 0), (0, 2)), ((4, 2), (1, 5))]
TOLERANCES = {"float32": 1e-5, "float64": 1e-10}


class Case(NamedTuple):
    batch: int
    size: tuple[int, int]
    channels: tuple[int, int]
    kernel: tuple[int, int]
    stride: int | tuple[int, int]
    padding: str | int | tuple[tuple[int, int], tuple[int, int]]
    dilation: int | tuple[int, int]
    biased: bool

    @property
    def window(self):
        shape = (self.batch, *self.size, self.channels[0])
        return make_window(shape, self.kernel, self.stride, self.padding, self.dilation)

    @property
    def options(self):
        return {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}

    def arrays(self, dtype):
        random = np.random.default_rng(sum(self.size) + 7 * sum(self.kernel))
        x = random.standard_normal((self.batch, *self.size, self.channels[0]))
        kernel = random.standard_normal((*self.kernel, *self.channels))
        bias = random.standard_normal(self.channels[1])
        cotangent = random.standard_normal((self.batch, *self.window.output, self.channels[1]))
        return [array.astype(dtype) for array in (x, kernel, bias, cotangent)]


def draw_cases(count):
    """Cases drawn by a fixed seed that fit, and are small enough for Python loops."""
    random = np.random.default_rng(2016)
    cases: dict[Case, None] = {}

    def pick(values):
        return values[random.integers(len(values))]

    while len(cases) < count:
        side = pick(range(1, 8))
        case = Case(
            batch=pick([1, 2, 3]),
            size=(pick(range(1, 12)), pick(range(1, 12))),
            channels=(pick([1, 2, 3, 5, 16]), pick([1, 2, 4, 7, 16])),
            kernel=pick([(side, side), (side, pick(range(1, 8)))]),
            stride=pick([1, 2, 3, (1, 2), (3, 1), (2, 3)]),
            padding=pick(PADDINGS),
            dilation=pick([1, 1, 1, 2, 3, (1, 2), (3, 1)]),
            biased=bool(pick([True, False])),
        )
        try:
            positions = np.prod([case.batch, *case.window.output, *case.kernel])
        except ValueError:
            continue
        if positions <= 1500:
            cases[case] = None
    return list(cases)


CASES = draw_cases(160)


def lax_conv2d(x, kernel, bias, stride, padding, dilation):
    window = make_window(x.shape, kernel.shape[:2], stride, padding, dilation)
    pads = padding if isinstance(padding, str) else window.pads
    y = lax.conv_general_dilated(
        x,
        kernel,
        window.stride,
        pads,
        rhs_dilation=window.dilation,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    return y if bias is None else y + bias[None, None, None, :]


def assert_close(found, expected, tolerance):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= tolerance * max(np.abs(expected).max(), 1e-3)


CONVOLUTIONS = conv2d, lax_conv2d


def all_by_jax(case):
    """One compiled program for both dtypes and both convolutions: compiling is what takes time."""

    def run(function, inputs, cotangent):
        y, derive = jax.vjp(functools.partial(function, **case.options), *inputs)
        return [y, *derive(cotangent)]

    def both(inputs, cotangent):
        inputs = inputs if case.biased else [*inputs[:2], None]
        return [run(function, inputs, cotangent)[: 3 + case.biased] for function in CONVOLUTIONS]

    return jax.jit(lambda *arrays: [both(each[:-1], each[-1]) for each in arrays])


def run_reference(layer_type, case, arrays):
    x, kernel, bias, cotangent = arrays
    layer = layer_type(kernel, bias if case.biased else None, **case.options)
    y, x_gradient = layer.forward(x), layer.backward(cotangent)
    return [y, x_gradient, layer.kernel_gradient, layer.bias_gradient][: 3 + case.biased]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)).replace(" ", ""))
def test_five_ways_to_the_same_derivatives(case):
    arrays = {dtype: case.arrays(dtype) for dtype in TOLERANCES}
    *point, cotangent = arrays["float64"]
    point = point[: 2 + case.biased]
    with jax.enable_x64(True):
        program = all_by_jax(case)
        results = program(*arrays.values())
        # The convolution is linear in each array, so a step of 1 has no truncation error.
        numerical = check_gradients(
            lambda *moved: program(arrays["float32"], [*moved, *arrays["float64"][len(moved) :]])[
                1
            ][0][0],
            point,
            results[1][0][1:],
            cotangent,
            names=["x", "kernel", "bias"][: len(point)],
            step=1.0,
            tolerance=1e-10,
            samples=4,
        )
    assert numerical.agrees, str(numerical)
    for (ours, jaxs), (dtype, tolerance) in zip(results, TOLERANCES.items(), strict=True):
        assert {str(array.dtype) for array in ours} == {dtype}
        loops, matrix = (
            run_reference(layer, case, arrays[dtype]) for layer in (Conv2DLoops, Conv2D)
        )
        for found, *others in zip(ours, jaxs, loops, matrix, results[1][0], strict=True):
            for expected in others:
                assert_close(found, expected, tolerance)


def test_the_cases_cover_what_they_should():
    assert len(CASES) >= 150
    for axis in (0, 1):
        assert {case.kernel[axis] for case in CASES} == set(range(1, 8))
        assert {case.size[axis] % 2 for case in CASES} == {0, 1}
        assert {case.window.stride[axis] for case in CASES} == {1, 2, 3}
        assert {case.window.dilation[axis] for case in CASES} >= {1, 2}
        assert {case.channels[axis] for case in CASES} >= {1, 16}
    assert {case.padding for case in CASES} == set(PADDINGS)
    assert {case.batch for case in CASES} == {1, 2, 3}
    assert any(case.kernel[0] != case.kernel[1] for case in CASES)
    # Both derivatives crop where the padding reaches past the kernel or a stride leaves a rest.
    assert any(max(case.window.pads[0]) >= case.kernel[0] for case in CASES)


def test_one_channel_is_scipys_correlation():
    random = np.random.default_rng(0)
    x = random.standard_normal((9, 7)).astype("float32")
    kernel = random.standard_normal((3, 4)).astype("float32")
    y = conv2d(x[None, :, :, None], kernel[:, :, None, None], padding="VALID")
    np.testing.assert_allclose(y[0, :, :, 0], correlate2d(x, kernel, "valid"), atol=1e-5)


@pytest.fixture
def vgg_like():
    keys = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(keys[0], (2, 8, 9, 3))
    kernel = jax.random.normal(keys[1], (3, 3, 3, 4))
    return x, kernel, jax.random.normal(keys[2], (4,))


def energy(function, *arrays):
    return jnp.sum(jnp.tanh(function(*arrays, stride=2, padding="SAME", dilation=1)))


def test_second_derivatives_are_jaxs_own(vgg_like):
    def second(function):
        def first(x, kernel, bias):
            gradients = jax.grad(functools.partial(energy, function), (0, 1, 2))(x, kernel, bias)
            return sum(jnp.sum(gradient**2) for gradient in gradients)

        return jax.jit(jax.grad(first, (0, 1, 2)))(*vgg_like)

    for found, expected in zip(second(conv2d), second(lax_conv2d), strict=True):
        assert_close(found, expected, 1e-5)


def test_hessian_vector_product_forward_over_reverse(vgg_like):
    x, kernel, bias = vgg_like

    def product(function):
        gradient = jax.grad(lambda x: energy(function, x, kernel, bias))
        return jax.jvp(gradient, (x,), (jnp.cos(x),))[1]

    assert_close(product(conv2d), product(lax_conv2d), 1e-5)


@pytest.mark.parametrize("axes", [(0, None, None), (None, 0, None), (0, 0, 0)])
def test_vmap_is_a_loop(vgg_like, axes):
    gradient = jax.grad(functools.partial(energy, conv2d), (0, 1, 2))
    scales = jnp.array([1.0, -0.5, 2.0])
    stacked = [
        array if axis is None else jnp.stack([array * scale for scale in scales])
        for array, axis in zip(vgg_like, axes, strict=True)
    ]
    found = jax.jit(jax.vmap(gradient, in_axes=axes))(*stacked)
    for number in range(3):
        one = [a if axis is None else a[number] for a, axis in zip(stacked, axes, strict=True)]
        for batched, expected in zip(found, gradient(*one), strict=True):
            assert_close(batched[number], expected, 1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_every_derivative_has_the_dtype_of_its_input(vgg_like, dtype):
    with jax.enable_x64(dtype == "float64"):
        arrays = [array.astype(dtype) for array in vgg_like]
        value, gradients = jax.value_and_grad(functools.partial(energy, conv2d), (0, 1, 2))(*arrays)
        assert {value.dtype, *(g.dtype for g in gradients)} == {jnp.dtype(dtype)}
        rough = 0.1 if dtype == "bfloat16" else 1e-2
        expected = jax.grad(functools.partial(energy, lax_conv2d), (0, 1, 2))(*vgg_like)
        for found, exact in zip(gradients, expected, strict=True):
            assert_close(found.astype("float32"), exact, rough)


def lower(function, wanted, arrays):
    return jax.jit(jax.value_and_grad(functools.partial(energy, function), wanted)).lower(*arrays)


@pytest.mark.parametrize(("wanted", "count"), [(0, 2), (1, 2), ((0, 1), 3), ((0, 1, 2), 3)])
def test_a_frozen_array_costs_no_convolution(vgg_like, wanted, count):
    ours, theirs = lower(conv2d, wanted, vgg_like), lower(lax_conv2d, wanted, vgg_like)
    assert ours.as_text().count("stablehlo.convolution(") == count
    compiled, expected = ours.compile(), theirs.compile()
    assert compiled.as_text().count(" convolution(") == expected.as_text().count(" convolution(")
    for measure in ("flops", "bytes accessed"):
        assert compiled.cost_analysis()[measure] <= 1.01 * expected.cost_analysis()[measure]


X, KERNEL = np.zeros((1, 6, 5, 3), "float32"), np.zeros((3, 3, 3, 4), "float32")


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        ((X, np.zeros((3, 3, 2, 4), "float32")), {}, ValueError, r"6, 5, 3\).*\(3, 3, 2, 4\)"),
        ((X, KERNEL), {"stride": 0}, ValueError, "stride must be at least 1, got 0"),
        ((X, KERNEL), {"stride": 1.5}, TypeError, "stride must be an integer or a pair.*1.5"),
        ((X, KERNEL), {"stride": (1, 2, 3)}, TypeError, r"stride must be .* \(1, 2, 3\)"),
        ((X, KERNEL), {"dilation": (1, 0)}, ValueError, "dilation must be at least 1"),
        ((X, KERNEL), {"padding": "FULL"}, ValueError, "unknown padding 'FULL'; use 'SAME'"),
        ((X, KERNEL), {"padding": -1}, ValueError, "not be negative, got -1; crop"),
        (
            (X, KERNEL),
            {"padding": (1, 2)},
            TypeError,
            r"padding \(1, 2\) is not an integer.*'SAME'",
        ),
        ((X, KERNEL), {"padding": 0.5}, TypeError, "padding 0.5 is not an integer"),
        (
            (X, KERNEL),
            {"padding": "VALID", "dilation": 3},
            ValueError,
            r"3x3 taps with dilation \(3, 3\) covers 7x7.*\(1, 6, 5, 3\), padded to 6x5; use a",
        ),
        ((X[0], KERNEL), {}, ValueError, r"x must have the axes \(batch, height.*\(6, 5, 3\)"),
        ((X, KERNEL[0]), {}, ValueError, r"kernel must have the axes.*\(3, 3, 4\)"),
        ((X.astype(int), KERNEL), {}, TypeError, r"x must be floating, got int.*\(1, 6, 5, 3\)"),
        ((X, KERNEL.astype(int)), {}, TypeError, "kernel must be floating.*astype"),
        ((X.astype("float16"), KERNEL), {}, TypeError, r"x float16\[1, 6, 5, 3\], kernel float32"),
        ((X, KERNEL, X[0, 0, 0]), {}, ValueError, r"bias of shape \(3,\).*\(3, 3, 3, 4\)"),
        ((X, KERNEL, KERNEL[0, 0]), {}, ValueError, "bias must have the axes"),
        ((X, KERNEL[:, :0]), {}, ValueError, "kernel size must be at least 1"),
    ],
)
def test_wrong_input_says_what_is_wrong(arguments, options, error, text):
    with pytest.raises(error, match=text):
        conv2d(*arguments, **options)

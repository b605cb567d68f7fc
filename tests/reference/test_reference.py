"""The NumPy twins: closed forms, numerical derivatives, and that they need no JAX."""

import ast
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import correlate2d
from scipy.special import log_softmax

from jnst import reference
from jnst.ops.gradcheck import check_gradients, numerical_gradients
from jnst.reference import (
    AvgPool2D,
    Conv2D,
    Conv2DLoops,
    Dense,
    MaxPool2D,
    ReLU,
    SoftmaxCrossEntropy,
)

LABELS = np.array([2, 0, 1, 2])


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def test_the_modules_import_numpy_alone():
    allowed = {"numpy", "abc", "typing", "geometry", "conv", "dense", "pooling", "warp"}
    for path in Path(reference.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert {name.name.split(".")[0] for name in node.names} <= allowed
            elif isinstance(node, ast.ImportFrom):
                assert str(node.module).split(".")[0] in allowed


@pytest.mark.parametrize("layer_type", [Conv2D, Conv2DLoops])
def test_one_channel_is_scipys_correlation(layer_type):
    x, kernel = draw(9, 8), draw(3, 4, seed=1)
    layer = layer_type(kernel[:, :, None, None], np.array([0.5]), padding="VALID")
    y = layer.forward(x[None, :, :, None])
    np.testing.assert_allclose(y[0, :, :, 0], correlate2d(x, kernel, "valid") + 0.5)


@pytest.mark.parametrize("layer_type", [Conv2D, Conv2DLoops])
@pytest.mark.parametrize(
    "options",
    [{}, {"stride": 2, "padding": ((2, 0), (1, 4))}, {"padding": 2, "dilation": (2, 1)}],
)
def test_convolution_derivatives_are_numerical(layer_type, options):
    point = [draw(2, 5, 6, 3), draw(3, 2, 3, 4, seed=1), draw(4, seed=2)]

    def forward(x, kernel, bias):
        return layer_type(kernel, bias, **options).forward(x)

    layer = layer_type(*point[1:], **options)
    cotangent = draw(*layer.forward(point[0]).shape, seed=3)
    gradients = [layer.backward(cotangent), layer.kernel_gradient, layer.bias_gradient]
    report = check_gradients(forward, point, gradients, cotangent, step=1.0, samples=40)
    assert report.largest < 1e-10, str(report)


@pytest.mark.parametrize("layer_type", [MaxPool2D, AvgPool2D])
@pytest.mark.parametrize("options", [(2,), (3, 2, "SAME"), ((2, 3), 1, ((1, 0), (2, 1)))], ids=str)
def test_pool_derivatives_are_numerical(layer_type, options):
    x, layer = draw(2, 5, 6, 3), layer_type(*options)
    cotangent = draw(*layer.forward(x).shape, seed=3)
    gradient = layer.backward(cotangent)
    report = check_gradients(layer_type(*options).forward, [x], [gradient], cotangent)
    assert report.agrees, str(report)


def test_the_average_leaves_padding_out():
    ones = np.ones((1, 3, 3, 1))
    np.testing.assert_array_equal(AvgPool2D(2, 1, 1).forward(ones), np.ones((1, 4, 4, 1)))


def test_a_network_of_the_twins_has_the_numerical_derivatives():
    """conv - relu - max pool - dense - softmax, all derivatives through the whole chain."""
    point = [draw(4, 6, 6, 2), draw(3, 3, 2, 3, seed=1), draw(27, 3, seed=2), draw(3, seed=3)]

    def run(x, kernel, weights, bias, backward=False):
        conv, rectify, pool = Conv2D(kernel), ReLU(), MaxPool2D()
        dense, loss = Dense(weights, bias), SoftmaxCrossEntropy()
        features = pool.forward(rectify.forward(conv.forward(x)))
        value = loss.forward(dense.forward(features.reshape(4, -1)), LABELS)
        if not backward:
            return value
        gradient = dense.backward(loss.backward()).reshape(features.shape)
        gradient = conv.backward(rectify.backward(pool.backward(gradient)))
        return [gradient, conv.kernel_gradient, dense.kernel_gradient, dense.bias_gradient]

    report = check_gradients(run, point, run(*point, backward=True), samples=50)
    assert report.agrees, str(report)


def test_cross_entropy_is_scipys_and_scales_its_derivative():
    logits, loss = 50 * draw(4, 3), SoftmaxCrossEntropy()
    expected = -log_softmax(logits, axis=1)[np.arange(4), LABELS].mean()
    assert loss.forward(logits, LABELS) == pytest.approx(expected, rel=1e-14)
    assert loss.forward(1e4 * logits, LABELS) < np.inf
    logits /= 50
    loss.forward(logits, LABELS)
    (numerical,) = numerical_gradients(lambda z: 3.0 * loss.forward(z, LABELS), [logits])
    loss.forward(logits, LABELS)
    np.testing.assert_allclose(loss.backward(3.0), numerical, atol=1e-9)


@pytest.mark.parametrize("layer", [Conv2D, Conv2DLoops])
def test_the_dtype_stays(layer):
    convolution = layer(draw(3, 3, 2, 4).astype("float32"), draw(4).astype("float32"))
    y = convolution.forward(draw(1, 5, 5, 2).astype("float32"))
    gradients = convolution.backward(y), convolution.kernel_gradient, convolution.bias_gradient
    assert {y.dtype, *(gradient.dtype for gradient in gradients)} == {np.dtype("float32")}


X, KERNEL = draw(1, 6, 5, 3), draw(3, 3, 3, 4)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: Conv2D(KERNEL).forward(X[..., :2]), ValueError, r"\(1, 6, 5, 2\).*\(3, 3, 3, 4\)"),
        (lambda: Conv2D(KERNEL, draw(3)), ValueError, r"bias of shape \(3,\).*\(3, 3, 3, 4\)"),
        (lambda: Conv2D(KERNEL[0]), ValueError, "kernel must have the axes"),
        (lambda: Conv2D(KERNEL.astype(int)), TypeError, "kernel must be floating, got int"),
        (lambda: Conv2D(KERNEL, stride=0), ValueError, "stride must be at least 1, got 0"),
        (lambda: Conv2D(KERNEL, stride=0.5), TypeError, "stride must be an integer or"),
        (
            lambda: Conv2D(KERNEL, padding="VALID", dilation=3).forward(X),
            ValueError,
            r"covers 7x7 does not fit x of shape \(1, 6, 5, 3\), padded to 6x5",
        ),
        (lambda: Conv2D(KERNEL, padding="FULL").forward(X), ValueError, "unknown padding 'FULL'"),
        (lambda: Conv2D(KERNEL, padding=-1).forward(X), ValueError, "not be negative, got -1"),
        (lambda: Conv2D(KERNEL, padding=(1, 2)).forward(X), TypeError, r"padding must .* \(1, 2\)"),
        (lambda: Conv2DLoops(KERNEL).backward(X), ValueError, r"of shape \(\), got shape \(1, 6"),
        (lambda: MaxPool2D(2, padding=2).forward(X), ValueError, "with nothing of x .*pad by less"),
        (lambda: AvgPool2D(7).forward(X), ValueError, r"covers 7x7 does not fit"),
        (lambda: AvgPool2D().forward(X.astype(int)), TypeError, "x must be floating"),
        (lambda: Dense(draw(3, 4)).forward(draw(2, 5)), ValueError, r"\(2, 5\) .* \(3, 4\)"),
        (lambda: Dense(draw(3, 4), draw(3)), ValueError, r"bias of shape \(3,\).*\(3, 4\)"),
        (lambda: ReLU().backward(X), ValueError, "derivative by forward's result"),
        (lambda: SoftmaxCrossEntropy().backward(), ValueError, r"call forward\(logits, labels\)"),
        (
            lambda: SoftmaxCrossEntropy().forward(draw(4, 2), LABELS),
            ValueError,
            "reach from 0 to 2, logits .* classes 0 to 1",
        ),
        (
            lambda: SoftmaxCrossEntropy().forward(draw(3, 3), LABELS),
            ValueError,
            r"labels of shape \(4,\) do not fit logits of shape \(3, 3\)",
        ),
        (
            lambda: SoftmaxCrossEntropy().forward(draw(4, 3), 1.0 * LABELS),
            TypeError,
            "labels must be integers",
        ),
    ],
)
def test_wrong_input_says_what_is_wrong(call, error, text):
    with pytest.raises(error, match=text):
        call()

"""Layers without geometry: ReLU, flatten, fully connected, and softmax with cross-entropy."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..arrays import Bias, Scalar
from .derivative import with_backward
from .window import as_floats, as_weighted

Rows = Float[Array, "batch features"]
Weights = Float[Array, "in_features out_features"]
Labels = Int[Array, " batch"]


def relu(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Rectify: y = max(x, 0), for an array of any shape.

    The derivative is x̄ = ȳ where y > 0 and 0 elsewhere, so 0 at x = 0, as in `jax.nn.relu`. Its
    residual is y and not x: the next layer stores y too, so the two share memory.

    Raises TypeError if x is not floating.

    >>> relu(jnp.array([-1.0, 0.0, 2.0])).tolist()
    [0.0, 0.0, 2.0]
    """
    x = jnp.asarray(x)
    return _relu(as_floats(x, "x", "any " * x.ndim))


def _relu_forward(x: Array) -> tuple[Array, Array]:
    y = jnp.where(x <= 0, jnp.zeros((), x.dtype), x)
    return y, y


def _relu_backward(y: Array, cotangent: Array) -> tuple[Array]:
    return (jnp.where(y > 0, cotangent, jnp.zeros((), cotangent.dtype)),)


_relu = with_backward(_relu_forward, _relu_backward)


def flatten(x: Float[Array, "batch ..."]) -> Rows:
    """Flatten every axis but the first: [batch, …] → [batch, features], rows first.

    The derivative is the reverse reshape, x̄ = reshape(ȳ), by JAX's automatic differentiation.

    Raises TypeError if x is not floating, ValueError if it has no axis.

    >>> flatten(jnp.zeros((2, 3, 4, 5))).shape
    (2, 60)
    """
    x = jnp.asarray(x)
    x = as_floats(x, "x", "batch " + "any " * (x.ndim - 1))
    return jnp.reshape(x, (x.shape[0], math.prod(x.shape[1:])))


def dense(x: Rows, kernel: Weights, bias: Bias | None = None) -> Rows:
    """Connect every input to every output: y = x W + b.

    With the cotangent ȳ, from dy = dx W + x dW + db and ⟨ȳ, dy⟩ = tr(ȳᵀ dy):

        x̄ = ȳ Wᵀ        W̄ = xᵀ ȳ        b̄ = Σ_n ȳ[n]

    Args:
        x: [batch, in_features], floating.
        kernel: [in_features, out_features], the dtype of x.
        bias: [out_features], the dtype of x, or None.

    Returns:
        [batch, out_features] in the dtype of x.

    Raises:
        TypeError: an array is not floating, or the dtypes differ.
        ValueError: the features disagree, or an array has the wrong number of axes.

    >>> dense(jnp.array([[1.0, 2.0]]), jnp.array([[3.0], [4.0]]), jnp.array([0.5])).tolist()
    [[11.5]]
    """
    return _dense(*as_weighted(x, kernel, bias, "batch in_features", "in_features out_features"))


def _dense_forward(x: Rows, kernel: Weights, bias: Bias | None) -> tuple[Rows, Any]:
    y = x @ kernel
    return y if bias is None else y + bias[None, :], (x, kernel, bias)


def _dense_backward(residuals: Any, cotangent: Rows) -> tuple[Rows, Weights, Bias | None]:
    x, kernel, bias = residuals
    bias_derivative = None if bias is None else jnp.sum(cotangent, axis=0)
    return cotangent @ kernel.T, x.T @ cotangent, bias_derivative


_dense = with_backward(_dense_forward, _dense_backward)


def softmax_cross_entropy(logits: Rows, labels: Labels) -> Scalar:
    """Mean cross-entropy of softmax(logits) against integer labels.

    With p = softmax(z), and the largest logit subtracted before the exponentials to avoid
    overflow,

        L = −(1/N) Σ_n log p[n, label_n] = (1/N) Σ_n (log Σ_k exp z[n, k] − z[n, label_n])

    ∂ log Σ exp z / ∂z[k] = p[k], hence with the cotangent L̄

        z̄[n, k] = L̄ (p[n, k] − [k = label_n]) / N

    Args:
        logits: [batch, classes], floating.
        labels: [batch], integers in 0 … classes − 1. Traced values cannot be checked under
            `jax.jit`: a label outside the range makes the loss NaN.

    Returns:
        A scalar in the dtype of the logits, in nats.

    Raises:
        TypeError: the logits are not floating, or the labels not integers.
        ValueError: there is not one label for every row, or no row at all.

    >>> softmax_cross_entropy(jnp.zeros((2, 4)), jnp.array([1, 3])).round(4)  # log 4
    Array(1.3863, dtype=float32)
    """
    logits, labels = as_floats(logits, "logits", "batch classes"), jnp.asarray(labels)
    if not jnp.issubdtype(labels.dtype, jnp.integer):
        raise TypeError(
            f"labels must be integers (class numbers), got {labels.dtype} of shape {labels.shape}; "
            "use labels.argmax(axis=-1) for one-hot labels"
        )
    if labels.shape != logits.shape[:1] or 0 in logits.shape:
        raise ValueError(
            f"labels of shape {labels.shape} do not fit logits of shape {logits.shape}: "
            "one label for each row, at least one row and one class"
        )
    return _softmax_cross_entropy(logits, labels)


def _softmax_forward(logits: Rows, labels: Labels) -> tuple[Scalar, tuple[Rows, Labels]]:
    shifted = logits - jnp.max(logits, axis=1, keepdims=True)
    chosen = jnp.take_along_axis(shifted, labels[:, None], axis=1, mode="fill")[:, 0]
    valid = (labels >= 0) & (labels < logits.shape[1])
    losses = jnp.log(jnp.sum(jnp.exp(shifted), axis=1)) - chosen
    return jnp.mean(jnp.where(valid, losses, jnp.nan)), (logits, labels)


def _softmax_backward(residuals: tuple[Rows, Labels], cotangent: Scalar) -> tuple[Rows, np.ndarray]:
    logits, labels = residuals
    classes = jnp.arange(logits.shape[1])
    one_hot = (labels[:, None] == classes[None, :]).astype(logits.dtype)
    derivative = (jax.nn.softmax(logits, axis=1) - one_hot) * (cotangent / logits.shape[0])
    no_derivative = np.zeros(labels.shape, jax.dtypes.float0)
    return derivative, no_derivative


_softmax_cross_entropy = with_backward(_softmax_forward, _softmax_backward)

"""A 3x3 convolution with different algorithms for its value and its input derivative.

A convolution is linear in its input, y = W x + b, and the derivative by the input is the transposed
map, x̄ = Wᵀ ȳ. It needs only W and no intermediate result of the forward pass, so any algorithm for
Wᵀ ȳ can follow any algorithm for W x. The fastest one may differ between the two, since they read
and write memory in a different order. With a ReLU, y = max(W x + b, 0), ȳ is first set to 0
wherever y is not positive.

The derivatives by the kernel and the bias are computed by the algorithm of the value, whose
arguments they are. The other algorithm's kernel is unused in the value: its derivative is 0. For a
frozen network, as in style transfer, `jax.jit` drops all of these.
"""

from typing import Any

import jax
import jax.numpy as jnp

from ..arrays import Array, Batch, Kernel
from . import conv, winograd
from .derivative import with_backward
from .window import Window, make_window
from .winograd import TransformedKernel

Weights = Kernel | TransformedKernel
"""The kernel itself for the direct convolution, or the result of `transform_kernel`."""


def conv3x3_apart(
    x: Batch,
    forward: Weights,
    back: Weights,
    bias: Array | None = None,
    rectify: bool = False,
    precision: str | None = None,
) -> Batch:
    """A 3x3 convolution with stride 1, padding "SAME" and optional ReLU, by two algorithms.

    Args:
        x: [batch, height, width, in_channels], floating.
        forward: weights for the value: a kernel [3, 3, in_channels, out_channels] (direct), or the
            result of `transform_kernel` (Winograd's tiles). The products are taken in its dtype.
        back: weights for the derivative by x: either form of the same kernel.
        bias: [out_channels], the dtype of x, or None.
        rectify: whether max(·, 0) is applied to the result.
        precision: of direct products on GPUs and TPUs, as for `conv2d`.

    Returns:
        [batch, height, width, out_channels] in the dtype of x. Differentiable in x, forward and
        bias; the derivative by `back` is 0.

    Raises:
        ValueError: `forward`, `back`, the bias and the channels of x disagree.

    >>> kernel = jnp.ones((3, 3, 1, 1))
    >>> x = jnp.ones((1, 3, 3, 1))
    >>> total = lambda x: conv3x3_apart(x, kernel, winograd.transform_kernel(kernel)).sum()
    >>> total(x), [round(float(d)) for d in jax.grad(total)(x)[0, 0, :, 0]]
    (Array(49., dtype=float32), [4, 6, 4])
    """
    ends = {_channels(forward), _channels(back)}
    if len(ends) > 1 or _channels(forward)[0] != x.shape[-1]:
        raise ValueError(
            f"x of shape {x.shape} with kernels for {_channels(forward)} channels in and out "
            f"forward and {_channels(back)} back: give two forms of one kernel for it"
        )
    if bias is not None and bias.shape != _channels(forward)[1:]:
        raise ValueError(f"bias has shape {bias.shape} for {_channels(forward)[1]} output channels")
    return _apart(x, forward, back, bias, rectify, precision)


def _channels(weights: Weights) -> tuple[int, int]:
    shape = (weights[0] if isinstance(weights, tuple) else weights).shape
    return shape[-2], shape[-1]


def _forward(
    x: Batch,
    forward: Weights,
    back: Weights,
    bias: Array | None,
    rectify: bool,
    precision: str | None,
) -> tuple[Batch, Any]:
    if isinstance(forward, tuple):
        y = winograd._convolve(x, forward, bias, rectify)
    else:
        narrow_bias = None if bias is None else bias.astype(forward.dtype)
        y = conv._correlate(
            x.astype(forward.dtype), forward, narrow_bias, _window(x), precision
        ).astype(x.dtype)
        y = jnp.maximum(y, 0) if rectify else y
    return y, (x, forward, back, bias, y if rectify else None)


def _backward(rectify: bool, precision: str | None, residuals: Any, cotangent: Batch) -> Any:
    x, forward, back, bias, y = residuals
    by_x, _, _ = _derivatives(x, back, bias, y, precision, cotangent)
    _, by_kernel, by_bias = _derivatives(x, forward, bias, y, precision, cotangent)
    return by_x, by_kernel, jax.tree.map(jnp.zeros_like, back), by_bias


def _derivatives(
    x: Batch,
    weights: Weights,
    bias: Array | None,
    y: Batch | None,
    precision: str | None,
    cotangent: Batch,
) -> Any:
    """The derivatives by x, the weights and the bias, by the algorithm of the weights."""
    if isinstance(weights, tuple):
        return winograd._backward(y is not None, (x, weights, bias, y), cotangent)
    if y is not None:
        cotangent = jnp.where(y > 0, cotangent, jnp.zeros((), cotangent.dtype))
    narrow = x.astype(weights.dtype), weights, None
    by_x, by_kernel, _ = conv._backward(
        _window(x), precision, narrow, cotangent.astype(weights.dtype)
    )
    by_bias = None if bias is None else jnp.sum(cotangent, axis=(0, 1, 2))
    return by_x.astype(x.dtype), by_kernel, by_bias


def _window(x: Batch) -> Window:
    return make_window(x.shape, (3, 3), 1, "SAME", 1)


_apart = with_backward(_forward, _backward, constants=(4, 5))

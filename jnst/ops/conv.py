"""The convolution and its three derivatives, by hand.

Along one axis (the other is analogous), with input x of length I, kernel w of K taps, stride s,
dilation d, padding p before and q after, and output y of length O:

    y[i] = b + Σ_k x[s i + d k − p] w[k]                          x reads 0 outside 0 … I − 1

(a network's convolution is a correlation: the kernel is not flipped). Channels add a sum:
x[·] is a row of C_in numbers, w[k] a C_in x C_out matrix. Let ȳ be the cotangent of y, that is
the derivative of the loss by y. Summing over every use of a number gives

    x̄[j] = Σ_{i,k : s i + d k − p = j} ȳ[i] w[k]ᵀ
    w̄[k] = Σ_i x[s i + d k − p]ᵀ ȳ[i]                             summed over the batch too
    b̄    = Σ_i ȳ[i]

The first two are convolutions again. **For the input**, let D be ȳ dilated by the stride:
D[s i] = ȳ[i] and 0 elsewhere, of length s (O − 1) + 1. With k = K − 1 − k', taps in reverse order,

    x̄[j] = Σ_k' D[j + d k' − (d (K − 1) − p)] w[K − 1 − k']ᵀ

is a convolution of D, with stride 1 and dilation d, by the kernel flipped in space and transposed
in channels. The padding is d (K − 1) − p before, and I + p − s (O − 1) − 1 after, for the length I.

**For the kernel**, the sum over i is the sum over the taps of a window: ȳ is the kernel, its taps
are s apart (dilation s), and the window moves by d from k to k + 1 (stride d). The sum runs over
the batch, so batch and input channels swap places. The padding is p before, and
d (K − 1) + s (O − 1) + 1 − I − p after, for the length K.

Either padding is negative if the forward pass padded by more than the kernel reaches, or if the
last stride left elements unread; `lax.conv_general_dilated` then crops.

Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), section 4;
the derivative by a dilated kernel is derived here.
"""

from typing import Any

import jax.numpy as jnp
from jax import lax

from ..arrays import Batch, Bias, Kernel
from .derivative import with_backward
from .window import Padding, Pair, Window, as_pair, as_weighted, make_window


def conv2d(
    x: Batch,
    kernel: Kernel,
    bias: Bias | None = None,
    stride: Pair = 1,
    padding: Padding = "SAME",
    dilation: Pair = 1,
    precision: str | None = None,
) -> Batch:
    """Convolve a batch of feature maps with a kernel, and add a bias to each channel.

    Args:
        x: [batch, height, width, in_channels], floating.
        kernel: [kernel_height, kernel_width, in_channels, out_channels], the dtype of x.
        bias: [out_channels], the dtype of x, or None for no bias.
        stride: rows and columns that the window moves by; one integer for both.
        padding: zeros around x: "SAME" (output ⌈size / stride⌉), "VALID" (none), one integer for
            all sides, or ((top, bottom), (left, right)). `pad` gives other modes.
        dilation: distance between neighbouring taps, rows and columns; one integer for both.
        precision: of the products on GPUs and TPUs, in both directions: "highest", "tensorfloat32"
            or another name that `lax.conv_general_dilated` accepts; None for JAX's default.

    Returns:
        [batch, out_height, out_width, out_channels] in the dtype of x. Its derivatives (reverse
        mode, to any order) have the dtypes of the inputs; `jax.jit` drops unused ones.

    Raises:
        TypeError: x or the kernel is not floating, or the dtypes differ.
        ValueError: the channels disagree, the kernel is larger than the padded x, a stride or
            dilation is below 1, the padding is unknown or an array has the wrong number of axes.

    >>> x = jnp.arange(9.0).reshape(1, 3, 3, 1)
    >>> laplacian = jnp.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]).reshape(3, 3, 1, 1)
    >>> conv2d(x, laplacian, padding="VALID").squeeze()
    Array(0., dtype=float32)
    >>> conv2d(x, laplacian, stride=2).squeeze().tolist()
    [[4.0, -2.0], [-14.0, -20.0]]
    """
    kernel_axes = "kernel_height kernel_width in_channels out_channels"
    x, kernel, bias = as_weighted(x, kernel, bias, "batch height width in_channels", kernel_axes)
    taps = as_pair(kernel.shape[:2], "kernel size")
    window = make_window(x.shape, taps, stride, padding, dilation)
    return _conv2d(x, kernel, bias, window, precision)


def _correlate(
    x: Batch, kernel: Kernel, bias: Bias | None, window: Window, precision: str | None
) -> Batch:
    y = lax.conv_general_dilated(
        x,
        kernel,
        window_strides=window.stride,
        padding=window.pads,
        rhs_dilation=window.dilation,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        precision=precision,
    )
    return y if bias is None else y + jnp.reshape(bias, (1, 1, 1, -1))


def _forward(
    x: Batch, kernel: Kernel, bias: Bias | None, window: Window, precision: str | None
) -> tuple[Batch, Any]:
    return _correlate(x, kernel, bias, window, precision), (x, kernel, bias)


def _backward(
    window: Window, precision: str | None, residuals: Any, cotangent: Batch
) -> tuple[Any, Any, Any]:
    x, kernel, bias = residuals
    by_x = lax.conv_general_dilated(
        cotangent,
        jnp.flip(kernel, (0, 1)),
        window_strides=(1, 1),
        padding=window.transposed_pads,
        lhs_dilation=window.stride,
        rhs_dilation=window.dilation,
        dimension_numbers=("NHWC", "HWOI", "NHWC"),
        precision=precision,
    )
    # d (K − 1) + s (O − 1) + 1 − I − p is d (K − 1) less the padding after the input's derivative.
    pads = [
        (before, d * (taps - 1) - after)
        for (before, _), (_, after), d, taps in zip(
            window.pads, window.transposed_pads, window.dilation, window.taps, strict=True
        )
    ]
    by_kernel = lax.conv_general_dilated(
        x,
        cotangent,
        window_strides=window.dilation,
        padding=pads,
        rhs_dilation=window.stride,
        dimension_numbers=("CHWN", "IHWO", "HWNC"),
        precision=precision,
    )
    return by_x, by_kernel, None if bias is None else jnp.sum(cotangent, axis=(0, 1, 2))


_conv2d = with_backward(_forward, _backward, constants=(3, 4))

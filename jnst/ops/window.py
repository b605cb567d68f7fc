"""The window geometry of convolution and pooling: stride, padding and dilation, validated.

Along one axis of length I, a window of K taps that stand d apart, moved by a stride s over the
axis padded by p before and q after, covers E = d (K − 1) + 1 elements and fits

    O = ⌊(I + p + q − E) / s⌋ + 1

times (Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", relation 15).
Tap k of output i reads element s i + d k − p of the axis.

`"SAME"` padding gives O = ⌈I / s⌉; an odd total puts the extra element after, as in `jax.lax` and
TensorFlow. `"VALID"` pads nothing.
"""

import operator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

Pads = tuple[tuple[int, int], tuple[int, int]]
Pair = int | tuple[int, int]
Padding = str | int | Pads


class Window(NamedTuple):
    """A validated window: parameters, input size and output size, each (rows, columns)."""

    size: tuple[int, int]
    taps: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: Pads
    output: tuple[int, int]

    @property
    def transposed_pads(self) -> Pads:
        """The padding of the cotangent in a sum over all uses of an element of x.

        The cotangent is spread by the stride; d (K − 1) − p before, I + p − s (O − 1) − 1 after.
        """
        (rows, columns) = (
            (d * (taps - 1) - p, size + p - s * (out - 1) - 1)
            for size, taps, s, d, (p, _), out in zip(*self, strict=True)
        )
        return rows, columns


def as_pair(value: Any, name: str) -> tuple[int, int]:
    """Return a positive integer, or two of them, as a pair (rows, columns)."""
    try:
        numbers = (value, value) if np.ndim(value) == 0 else tuple(value)
        rows, columns = (operator.index(number) for number in numbers)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} must be an integer or a pair of integers (rows, columns), got {value!r}"
        ) from None
    if rows < 1 or columns < 1:
        raise ValueError(f"{name} must be at least 1, got {value!r}; use {name}=1 for no effect")
    return rows, columns


def as_pads(padding: Any) -> Pads:
    """Return an integer or ((top, bottom), (left, right)) as four counts, none negative."""
    try:
        sides = ((padding, padding),) * 2 if np.ndim(padding) == 0 else padding
        rows, columns = ((operator.index(a), operator.index(b)) for a, b in sides)
    except (TypeError, ValueError):
        raise TypeError(
            f"padding {padding!r} is not an integer or ((top, bottom), (left, right)); layers with "
            "a window also take 'SAME' and 'VALID'"
        ) from None
    if min(*rows, *columns) < 0:
        raise ValueError(f"padding must not be negative, got {padding!r}; crop x by slicing it")
    return rows, columns


def make_window(
    shape: tuple[int, ...], taps: tuple[int, int], stride: Pair, padding: Padding, dilation: Pair
) -> Window:
    """Check stride, padding and dilation against an NHWC shape and return the `Window`."""
    strides, dilations = as_pair(stride, "stride"), as_pair(dilation, "dilation")
    extents = tuple(d * (k - 1) + 1 for d, k in zip(dilations, taps, strict=True))
    height, width = sizes = shape[1], shape[2]
    pads: Pads
    if not isinstance(padding, str):
        pads = as_pads(padding)
    elif padding == "VALID":
        pads = ((0, 0), (0, 0))
    elif padding == "SAME":
        rows, columns = (
            max(-(-size // s) * s - s + extent - size, 0)
            for size, s, extent in zip(sizes, strides, extents, strict=True)
        )
        pads = ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2))
    else:
        raise ValueError(
            f"unknown padding {padding!r}; use 'SAME', 'VALID', an integer, or "
            "((top, bottom), (left, right))"
        )
    height, width = height + sum(pads[0]), width + sum(pads[1])
    if height < extents[0] or width < extents[1]:
        raise ValueError(
            f"a window of {taps[0]}x{taps[1]} taps with dilation {dilations} covers "
            f"{extents[0]}x{extents[1]} and does not fit x of shape {shape}, padded to "
            f"{height}x{width}; use a larger input, padding='SAME' or a smaller window"
        )
    output = (height - extents[0]) // strides[0] + 1, (width - extents[1]) // strides[1] + 1
    return Window(sizes, taps, strides, dilations, pads, output)


def as_floats(value: Any, name: str, axes: str) -> jax.Array:
    """Return `value` as an array after checking that it is floating and has the named axes."""
    array = jnp.asarray(value)
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise TypeError(
            f"{name} must be floating, got {array.dtype} of shape {array.shape}; "
            f"use {name}.astype('float32')"
        )
    if array.ndim != len(axes.split()):
        raise ValueError(
            f"{name} must have the axes ({', '.join(axes.split())}), got shape {array.shape}"
        )
    return array


def as_weighted(
    x: Any, kernel: Any, bias: Any, x_axes: str, kernel_axes: str
) -> tuple[jax.Array, jax.Array, jax.Array | None]:
    """Return the arrays of a layer after checking that they are floating and fit each other."""
    x, kernel = as_floats(x, "x", x_axes), as_floats(kernel, "kernel", kernel_axes)
    axes = kernel_axes.split()
    if x.shape[-1] != kernel.shape[-2]:
        raise ValueError(
            f"x of shape {x.shape} has {x.shape[-1]} {axes[-2]}, kernel of shape {kernel.shape} "
            f"takes {kernel.shape[-2]}; its axes are ({', '.join(axes)})"
        )
    _check_same_dtype(x=x, kernel=kernel)
    if bias is None:
        return x, kernel, None
    bias = as_floats(bias, "bias", axes[-1])
    if bias.shape[0] != kernel.shape[-1]:
        raise ValueError(
            f"bias of shape {bias.shape} does not fit kernel of shape {kernel.shape}; "
            f"it needs one number for each of the {kernel.shape[-1]} {axes[-1]}"
        )
    _check_same_dtype(x=x, bias=bias)
    return x, kernel, bias


def _check_same_dtype(**arrays: jax.Array) -> None:
    """Raise TypeError if the named arrays differ in dtype: layers never promote dtypes."""
    if len({array.dtype for array in arrays.values()}) > 1:
        dtypes = ", ".join(f"{name} {a.dtype}{list(a.shape)}" for name, a in arrays.items())
        raise TypeError(f"the dtypes differ: {dtypes}; cast them to one with .astype")

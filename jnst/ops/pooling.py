"""Pooling layers: the maximum, the average, or the Euclidean norm of every window.

With windows of K taps moved by a stride s over an axis of length I padded by p, tap k of output i
reads x[s i + k − p]; rows and columns are analogous, channels are independent. Padding is not part
of the picture: it never wins a maximum, adds nothing to a norm and **does not count in an average**
(TensorFlow's convention: the average of a constant picture is that constant up to the border).

    max      y[i] = max_k x[s i + k − p]      x̄[j] = Σ ȳ[i] over the i whose first largest tap is j
    average  y[i] = Σ_k x[s i + k − p] / n[i] x̄[j] = Σ_{i,k : s i + k − p = j} ȳ[i] / n[i]
    L2       y[i] = √ Σ_k x[s i + k − p]²     x̄[j] = x[j] Σ_{i,k : s i + k − p = j} ȳ[i] / y[i]

n[i] counts the taps inside the picture. If several taps share the maximum, the first in row-major
order gets the derivative, as in XLA. An L2 norm of 0 has no derivative; 0 is used.

The sum over (i, k) puts s − 1 zeros between the elements of ȳ, pads K − 1 − p of them before and
I + p − s (O − 1) − 1 after, and sums over windows of K taps with stride 1.

Sources: max and average pooling, Gatys, Ecker and Bethge, "Image style transfer using convolutional
neural networks" (2016), section 2; L2 pooling, Hyvärinen and Köster, "Complex cell pooling and the
statistics of natural images" (2007). Unlike in some programs, no result is rescaled.
"""

import functools
from collections.abc import Sequence
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, UInt8

from ..arrays import Batch
from .derivative import with_backward
from .window import Padding, Pair, Window, as_floats, as_pair, make_window

Winners = UInt8[Array, "batch height width channels"]

# The compiled maximum has one term per tap; larger windows are pooled by columns, then by rows.
_MOST_TAPS = 64


def max_pool(
    x: Batch, window: Pair = 2, stride: Pair | None = None, padding: Padding = "VALID"
) -> Batch:
    """Take the maximum of every window.

    For up to 64 taps the residual is one byte per output, the winning tap, and neither x nor y. A
    window of only −inf gives −inf, its derivative goes to the first tap, and NaN propagates.

    Args:
        x: [batch, height, width, channels], floating.
        window: rows and columns of the window; one integer for both.
        stride: rows and columns that it moves by; None for the size of the window.
        padding: "VALID", "SAME", one integer, or ((top, bottom), (left, right)), each less than the
            window.

    Returns:
        [batch, out_height, out_width, channels] in the dtype of x.

    Raises:
        TypeError: x is not floating, or a size is not an integer.
        ValueError: the window is larger than the padded x, the padding is unknown or as wide as the
            window, a size is below 1 or x does not have four axes.

    >>> max_pool(jnp.arange(16.0).reshape(1, 4, 4, 1)).squeeze().tolist()
    [[5.0, 7.0], [13.0, 15.0]]
    """
    x, geometry = _check(x, window, stride, padding)
    if geometry.taps[0] * geometry.taps[1] <= _MOST_TAPS:
        return _max_pool(x, geometry)
    (rows, columns), (down, right), (ends, sides) = geometry.taps, geometry.stride, geometry.pads
    x = _max_pool(x, make_window(x.shape, (1, columns), (1, right), ((0, 0), sides), 1))
    return _max_pool(x, make_window(x.shape, (rows, 1), (down, 1), (ends, (0, 0)), 1))


# Jitted, so that a call outside `jax.jit` is one pass and not several for every tap.
@functools.partial(jax.jit, static_argnums=1, inline=True)
def _max_forward(x: Batch, window: Window) -> tuple[Batch, Winners]:
    padded = jnp.pad(x, ((0, 0), *window.pads, (0, 0)), constant_values=-np.inf)
    down, right = window.stride
    rows, columns = (s * (o - 1) + 1 for s, o in zip(window.stride, window.output, strict=True))
    index = np.min_scalar_type(window.taps[0] * window.taps[1] - 1)
    y, winners = jnp.full((), -np.inf, x.dtype), jnp.zeros((), index)
    for tap, (row, column) in enumerate(product(*map(range, window.taps))):
        values = padded[:, row : row + rows : down, column : column + columns : right]
        wins = (values > y) | jnp.isnan(values)
        winners = jnp.where(wins, jnp.asarray(tap, index), winners)
        y = jnp.where(wins, values, y)
    return y, winners


@functools.partial(jax.jit, static_argnums=0, inline=True)
def _max_backward(window: Window, winners: Winners, cotangent: Batch) -> tuple[Batch]:
    """Sum over the taps of the cotangents that each tap won, at the positions that it read."""
    zero = jnp.zeros((), cotangent.dtype)
    derivative, sides = zero, list(zip(window.pads, window.transposed_pads, strict=True))
    for tap, place in enumerate(product(*map(range, window.taps))):
        won = jnp.where(winners == tap, cotangent, zero)
        pads = [(k - p, after - k) for k, ((p, _), (_, after)) in zip(place, sides, strict=True)]
        derivative = derivative + _spread(won, pads, window.stride)
    return (derivative,)


_max_pool = with_backward(_max_forward, _max_backward, constants=(1,))


def avg_pool(
    x: Batch, window: Pair = 2, stride: Pair | None = None, padding: Padding = "VALID"
) -> Batch:
    """Take the average of every window, over the elements of x in it; padding does not count.

    Arguments, result and errors are those of `max_pool`.

    >>> avg_pool(jnp.arange(16.0).reshape(1, 4, 4, 1)).squeeze().tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    >>> avg_pool(jnp.ones((1, 3, 3, 1)), padding="SAME").squeeze().tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    return _avg_pool(*_check(x, window, stride, padding))


def _avg_forward(x: Batch, window: Window) -> tuple[Batch, None]:
    return _window_sums(x, window) * _inverse_counts(window, x.dtype), None


def _avg_backward(window: Window, _: None, cotangent: Batch) -> tuple[Batch]:
    return (_overlap_sums(cotangent * _inverse_counts(window, cotangent.dtype), window),)


_avg_pool = with_backward(_avg_forward, _avg_backward, constants=(1,))


def l2_pool(
    x: Batch, window: Pair = 2, stride: Pair | None = None, padding: Padding = "VALID"
) -> Batch:
    """Take the Euclidean norm of every window, the square root of its sum of squares.

    Its derivative is 0 where the norm is 0. Arguments, result and errors are those of `max_pool`.

    >>> l2_pool(jnp.array([3.0, 4.0, 0.0, 0.0]).reshape(1, 2, 2, 1)).squeeze()
    Array(5., dtype=float32)
    """
    return _l2_pool(*_check(x, window, stride, padding))


def _l2_forward(x: Batch, window: Window) -> tuple[Batch, tuple[Batch, Batch]]:
    squares = _window_sums(x * x, window)
    # The inner `where` keeps the infinite slope of √0 out of the second derivative.
    root = jnp.sqrt(jnp.where(squares > 0, squares, jnp.ones_like(squares)))
    y = jnp.where(squares > 0, root, squares)
    return y, (x, y)


def _l2_backward(window: Window, residuals: tuple[Batch, Batch], cotangent: Batch) -> tuple[Batch]:
    x, y = residuals
    safe = jnp.where(y > 0, y, jnp.ones_like(y))
    ratio = jnp.where(y > 0, cotangent / safe, jnp.zeros_like(y))
    return (x * _overlap_sums(ratio, window),)


_l2_pool = with_backward(_l2_forward, _l2_backward, constants=(1,))


def _check(x: Any, window: Pair, stride: Pair | None, padding: Padding) -> tuple[Batch, Window]:
    x = as_floats(x, "x", "batch height width channels")
    taps = as_pair(window, "window")
    geometry = make_window(x.shape, taps, taps if stride is None else stride, padding, 1)
    if any(max(pads) >= size for pads, size in zip(geometry.pads, taps, strict=True)):
        raise ValueError(
            f"padding {geometry.pads} leaves a window of {taps[0]}x{taps[1]} with nothing of x of "
            f"shape {x.shape} in it; pad by less than the window"
        )
    return x, geometry


def _spread(y: Batch, pads: Sequence[tuple[int, int]], stride: tuple[int, int]) -> Batch:
    """Put the elements of y a stride apart, with zeros between, before and after them."""
    rows, columns = ((*sides, s - 1) for sides, s in zip(pads, stride, strict=True))
    return lax.pad(y, jnp.zeros((), y.dtype), ((0, 0, 0), rows, columns, (0, 0, 0)))


def _window_sums(x: Batch, window: Window) -> Batch:
    pads = ((0, 0), *window.pads, (0, 0))
    return lax.reduce_window(x, 0.0, lax.add, (1, *window.taps, 1), (1, *window.stride, 1), pads)


def _overlap_sums(cotangent: Batch, window: Window) -> Batch:
    """Give every element of x the sum over the windows that read it."""
    spread = _spread(cotangent, window.transposed_pads, window.stride)
    return lax.reduce_window(spread, 0.0, lax.add, (1, *window.taps, 1), (1, 1, 1, 1), "VALID")


def _inverse_counts(window: Window, dtype: Any) -> Array:
    """1 / n[i, j], the number of elements of x in each window, as [1, out_height, out_width, 1]."""
    inside = []
    for size, taps, s, (before, _), out in zip(
        window.size, window.taps, window.stride, window.pads, window.output, strict=True
    ):
        first = s * np.arange(out) - before
        counts = np.minimum(first + taps, size) - np.maximum(first, 0)
        # Without padding, one count serves all windows, which saves reading an array.
        inside.append(counts if counts.min() < taps else counts[:1])
    return jnp.asarray(1.0 / (inside[0][:, None] * inside[1][None, :])[None, :, :, None], dtype)

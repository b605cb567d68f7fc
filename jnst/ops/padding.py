"""Padding of rows and columns: with zeros, by replicating the border, or by reflecting at it.

Along one axis of length I, padded by p before and q after, y[i] = x[r(i − p)] where

    zero       y is 0 outside x
    replicate  r(j) = min(max(j, 0), I − 1)           a b c  →  a a | a b c | c c
    reflect    r(j) = |j| before, 2 (I − 1) − j after  a b c  →  c b | a b c | b a

The derivative sums, for every element of x, the cotangents of its copies,

    x̄[j] = Σ_{i : r(i − p) = j} ȳ[i]

so the padded strips are folded back: summed into the border row that they replicate, or mirrored
onto the rows that they reflect. Rows and columns are independent; columns are folded first.
"""

from typing import Any, Literal

import jax.numpy as jnp

from ..arrays import Batch
from .derivative import with_backward
from .window import Pads, as_floats, as_pads

Mode = Literal["zero", "replicate", "reflect"]
_NUMPY_MODES = {"zero": "constant", "replicate": "edge", "reflect": "reflect"}


def pad(x: Batch, padding: int | Pads, mode: Mode = "zero") -> Batch:
    """Pad the rows and columns of a batch.

    Args:
        x: [batch, height, width, channels], floating.
        padding: one count for all sides, or ((top, bottom), (left, right)).
        mode: "zero", "replicate" (the border's value) or "reflect" (without repeating the border).

    Returns:
        [batch, top + height + bottom, left + width + right, channels] in the dtype of x.

    Raises:
        TypeError: x is not floating, or the padding is neither an integer nor two pairs.
        ValueError: unknown mode, negative padding, no row or column to replicate, or a reflection
            at least as wide as x.

    >>> x = jnp.array([1.0, 2, 3]).reshape(1, 1, 3, 1)
    >>> pad(x, ((0, 0), (2, 2)), "reflect").ravel().tolist()
    [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]
    """
    x = as_floats(x, "x", "batch height width channels")
    pads = as_pads(padding)
    if mode not in _NUMPY_MODES:
        raise ValueError(f"unknown padding mode {mode!r}; use one of {', '.join(_NUMPY_MODES)}")
    limits = tuple(size - 1 for size in x.shape[1:3])
    if mode == "replicate" and min(limits) < 0:
        raise ValueError(f"nothing to copy: x of shape {x.shape} has no row or no column")
    if mode == "reflect" and any(max(p) > limit for p, limit in zip(pads, limits, strict=True)):
        raise ValueError(
            f"padding {pads} reflects more than x of shape {x.shape} has: at most {limits[0]} rows "
            f"and {limits[1]} columns; pad less, or use mode='replicate'"
        )
    return _pad(x, pads, mode)


def _forward(x: Batch, pads: Pads, mode: str) -> tuple[Batch, None]:
    return jnp.pad(x, ((0, 0), *pads, (0, 0)), mode=_NUMPY_MODES[mode]), None


def _backward(pads: Pads, mode: str, _: None, cotangent: Batch) -> tuple[Batch]:
    return (_fold(_fold(cotangent, 2, pads[1], mode), 1, pads[0], mode),)


def _fold(cotangent: Batch, axis: int, sides: tuple[int, int], mode: str) -> Any:
    """Remove one axis's padding and add its cotangents to the elements that it copies."""
    before, after = sides
    head, body, tail = jnp.split(cotangent, (before, cotangent.shape[axis] - after), axis)
    size = body.shape[axis]
    if mode == "replicate":
        head, tail = jnp.sum(head, axis, keepdims=True), jnp.sum(tail, axis, keepdims=True)
        return body + _place(head, axis, 0, size) + _place(tail, axis, size - 1, size)
    if mode == "reflect":
        head, tail = jnp.flip(head, axis), jnp.flip(tail, axis)
        return body + _place(head, axis, 1, size) + _place(tail, axis, size - 1 - after, size)
    return body


def _place(strip: Batch, axis: int, start: int, size: int) -> Batch:
    """Return the strip at a position of an axis that is zero elsewhere."""
    widths = [(0, 0)] * strip.ndim
    widths[axis] = (start, size - start - strip.shape[axis])
    return jnp.pad(strip, widths)


_pad = with_backward(_forward, _backward, constants=(1, 2))

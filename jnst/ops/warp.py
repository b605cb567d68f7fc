"""Warping: a picture read at displaced positions, with bilinear interpolation.

With a flow (u, v) in pixels, right and down, output (i, j) reads x at the row r = i + v and the
column c = j + u, both limited to the picture, so that the border pixels continue beyond it. With
the cell's first row R = ⌊r⌋ and column C = ⌊c⌋, a = r − R, b = c − C, and x₀₁ = x[R, C + 1] etc.,

    y[i, j] = (1 − a) (1 − b) x₀₀ + (1 − a) b x₀₁ + a (1 − b) x₁₀ + a b x₁₁

y is linear in x, with the four products as coefficients. So a cotangent ȳ goes back to the pixels
that were read, times the same coefficients:

    x̄[R + p, C + q] += A_p B_q ȳ[i, j],   A = (1 − a, a),  B = (1 − b, b)

In the flow y is piecewise bilinear. Inside a cell, with the sum over the channels k,

    v̄[i, j] = Σ_k ȳ_k ((1 − b) (x₁₀ − x₀₀) + b (x₁₁ − x₀₁))_k     0 if r was limited
    ū[i, j] = Σ_k ȳ_k ((1 − a) (x₀₁ − x₀₀) + a (x₁₁ − x₁₀))_k     0 if c was limited

At whole positions, where the slope jumps, the one of the cell to the right and below is taken.

Source: Jaderberg et al., "Spatial transformer networks", 2015, eqs. 5 to 7.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from ..arrays import Batch
from .derivative import with_backward
from .window import as_floats

Flow = Float[Array, "batch height width 2"]
_Axis = tuple[Int[Array, "batch height width"], Float[Array, "batch height width 1"]]


def warp(x: Batch, flow: Flow) -> Batch:
    """Read x at positions displaced by a flow.

    Args:
        x: [batch, height, width, channels], floating.
        flow: [batch, height, width, 2] in the dtype of x: (right, down) in pixels.

    Returns:
        [batch, height, width, channels], y[i, j] = x[i + down, j + right].

    Raises:
        TypeError: x or the flow is not floating.
        ValueError: the shapes do not fit each other.

    >>> warp(jnp.arange(4.0).reshape(1, 1, 4, 1), jnp.full((1, 1, 4, 2), 0.5)).ravel().tolist()
    [0.5, 1.5, 2.5, 3.0]
    """
    x = as_floats(x, "x", "batch height width channels")
    flow = as_floats(flow, "flow", "batch height width 2")
    if flow.shape != (*x.shape[:3], 2):
        raise ValueError(
            f"flow has shape {flow.shape} for x of shape {x.shape}: give {(*x.shape[:3], 2)}, "
            "one displacement (right, down) for each pixel"
        )
    return _warp(x, flow.astype(x.dtype))


def _positions(flow: Flow) -> tuple[Array, Array]:
    """The rows and columns that are read, before they are limited to the picture."""
    grid = flow.shape[:3]
    rows, columns = (lax.broadcasted_iota(flow.dtype, grid, axis) for axis in (1, 2))
    return rows + flow[..., 1], columns + flow[..., 0]


def _cell(position: Array, size: int) -> _Axis:
    """The first row or column of the cell around each position, and the position inside it."""
    limited = jnp.clip(position, 0, size - 1)
    first = jnp.clip(jnp.floor(limited), 0, max(size - 2, 0))
    return first.astype(jnp.int32), (limited - first)[..., None]


def _corners(rows: Array, columns: Array) -> list[list[Any]]:
    """The indices of the four pixels [R + p, C + q] of each cell."""
    batch = lax.broadcasted_iota(jnp.int32, rows.shape, 0)
    return [[(batch, rows + p, columns + q) for q in (0, 1)] for p in (0, 1)]


def _read(x: Batch, flow: Flow) -> tuple[_Axis, _Axis, list[list[Batch]]]:
    """The cells that a flow reads, and their pixels."""
    places = zip(_positions(flow), x.shape[1:3], strict=True)
    (rows, a), (columns, b) = (_cell(position, size) for position, size in places)
    # The second pixel of an axis with only one counts 0, so any index does.
    pixels = [[x.at[place].get(mode="clip") for place in row] for row in _corners(rows, columns)]
    return (rows, a), (columns, b), pixels


@partial(jax.jit, inline=True)
def _forward(x: Batch, flow: Flow) -> tuple[Batch, tuple[Batch, Flow]]:
    (_, a), (_, b), ((x00, x01), (x10, x11)) = _read(x, flow)
    y = (1 - a) * ((1 - b) * x00 + b * x01) + a * ((1 - b) * x10 + b * x11)
    return y, (x, flow)


@partial(jax.jit, inline=True)
def _backward(residuals: tuple[Batch, Flow], cotangent: Batch) -> tuple[Batch, Flow]:
    x, flow = residuals
    (rows, a), (columns, b), ((x00, x01), (x10, x11)) = _read(x, flow)
    by_x = jnp.zeros_like(x)
    for by_row, row in zip((1 - a, a), _corners(rows, columns), strict=True):
        for by_column, place in zip((1 - b, b), row, strict=True):
            by_x = by_x.at[place].add(by_row * by_column * cotangent, mode="drop")
    down = jnp.sum(cotangent * ((1 - b) * (x10 - x00) + b * (x11 - x01)), axis=-1)
    right = jnp.sum(cotangent * ((1 - a) * (x01 - x00) + a * (x11 - x10)), axis=-1)
    inside = [
        (place >= 0) & (place <= size - 1)
        for place, size in zip(_positions(flow), x.shape[1:3], strict=True)
    ]
    zero = jnp.zeros_like(down)
    by_flow = (jnp.where(inside[1], right, zero), jnp.where(inside[0], down, zero))
    return by_x, jnp.stack(by_flow, axis=-1)


_warp = with_backward(_forward, _backward)

"""The geometry of windows on a picture: sizes, strides, padding. Plain NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Pair = int | tuple[int, int]
Pads = tuple[tuple[int, int], tuple[int, int]]
Padding = str | int | Pads


def as_pair(value: Pair, name: str) -> tuple[int, int]:
    """A positive integer, or two of them, as a pair (rows, columns)."""
    rows, columns = value if isinstance(value, tuple) else (value, value)
    if not all(isinstance(number, int | np.integer) for number in (rows, columns)):
        raise TypeError(f"{name} must be an integer or a pair of integers, got {value!r}")
    if rows < 1 or columns < 1:
        raise ValueError(f"{name} must be at least 1, got {value!r}; use {name}=1 for no effect")
    return int(rows), int(columns)


def as_pads(padding: Padding, sizes: tuple[int, int], extents: Pair, stride: Pair) -> Pads:
    """Convert a padding to ((top, bottom), (left, right)) for a window of these extents.

    "SAME" gives ⌈size / stride⌉ outputs, with the odd element of padding after; "VALID" pads
    nothing. Raises ValueError for other names and negative counts, TypeError for other types.

    >>> as_pads("SAME", (5, 6), (3, 3), (2, 2))
    ((1, 1), (0, 1))
    """
    if padding == "VALID":
        return (0, 0), (0, 0)
    if padding == "SAME":
        pads = []
        for size, extent, step in zip(
            sizes, as_pair(extents, "window"), as_pair(stride, "stride"), strict=True
        ):
            outputs = (size + step - 1) // step
            missing = max((outputs - 1) * step + extent - size, 0)
            pads.append((missing // 2, missing - missing // 2))
        return pads[0], pads[1]
    if isinstance(padding, str):
        raise ValueError(
            f"unknown padding {padding!r}; use 'SAME', 'VALID', an integer, or "
            "((top, bottom), (left, right))"
        )
    sides = ((padding, padding), (padding, padding)) if isinstance(padding, int) else padding
    if np.shape(sides) != (2, 2):
        raise TypeError(
            f"padding must be an integer or ((top, bottom), (left, right)): {padding!r}"
        )
    if min(*sides[0], *sides[1]) < 0:
        raise ValueError(f"padding must not be negative, got {padding!r}; crop x by slicing it")
    return sides


def output_size(
    shape: tuple[int, ...], extents: tuple[int, int], stride: tuple[int, int], pads: Pads
) -> tuple[int, int]:
    """The number of windows of these extents that fit the padded rows and columns of an NHWC shape.

    Raises ValueError, naming both shapes, if none fits.

    >>> output_size((1, 5, 6, 3), (3, 3), (2, 2), ((0, 0), (0, 0)))
    (2, 2)
    """
    rows, columns = shape[1] + sum(pads[0]), shape[2] + sum(pads[1])
    if rows < extents[0] or columns < extents[1]:
        raise ValueError(
            f"a window that covers {extents[0]}x{extents[1]} does not fit x of shape {shape}, "
            f"padded to {rows}x{columns}; use a larger input or more padding"
        )
    return (rows - extents[0]) // stride[0] + 1, (columns - extents[1]) // stride[1] + 1


def pad(x: Floats, pads: Pads, value: float = 0.0) -> Floats:
    """Surround the rows and columns of an NHWC array with a value."""
    return np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=value)


def crop(padded: Floats, pads: Pads) -> Floats:
    """Undo `pad`; also its derivative, since the added values are constants."""
    (top, bottom), (left, right) = pads
    return padded[:, top : padded.shape[1] - bottom, left : padded.shape[2] - right]


def check_floats(array: Floats, name: str, axes: str) -> Floats:
    """Return a floating array that has the named axes, or raise TypeError or ValueError."""
    array = np.asarray(array)
    if not np.issubdtype(array.dtype, np.floating):
        raise TypeError(f"{name} must be floating, got {array.dtype} of shape {array.shape}")
    if array.ndim != len(axes.split()):
        raise ValueError(f"{name} must have the axes ({axes}), got shape {array.shape}")
    return array


def check_gradient(gradient: Floats, shape: tuple[int, ...]) -> Floats:
    """Return the derivative by an output, which has the output's shape, or raise ValueError."""
    if np.shape(gradient) != shape:
        raise ValueError(
            f"backward takes the derivative by forward's result, of shape {shape}, "
            f"got shape {np.shape(gradient)}"
        )
    return np.asarray(gradient)

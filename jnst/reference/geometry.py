"""The windows of a layer on a picture: sizes, strides, padding. Plain NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Pair = int | tuple[int, ...]
Pads = tuple[tuple[int, int], tuple[int, int]]
Padding = str | int | Pads


class Windows:
    """The windows that a layer reads from the rows and columns of an NHWC array.

    `place` surrounds the array with its padding, `taps` reads the windows from `padded`, and `fold`
    is the derivative of both: each element gets the sum over the windows that contain it.

    >>> windows = Windows((2, 2), 1, "VALID")
    >>> windows.place(np.arange(6.0).reshape(1, 2, 3, 1))
    >>> windows.taps().squeeze()
    array([[0., 1., 3., 4.],
           [1., 2., 4., 5.]])
    """

    def __init__(self, size: Pair, stride: Pair, padding: Padding, dilation: Pair = 1) -> None:
        self.size, self.stride = as_pair(size, "window"), as_pair(stride, "stride")
        self.dilation, self.padding = as_pair(dilation, "dilation"), padding
        self.pads: Pads = ((0, 0), (0, 0))
        self.padded: Floats = np.zeros((0, 0, 0, 0))
        self.count = (0, 0)

    def place(self, x: Floats, fill: float = 0.0) -> None:
        """Pads x with `fill`; sets `padded`, and in `count` the rows and columns of windows;
        ValueError if no window fits."""
        rows, columns = (d * (n - 1) + 1 for d, n in zip(self.dilation, self.size, strict=True))
        self.pads = as_pads(self.padding, x.shape[1:3], (rows, columns), self.stride)
        self.padded = np.pad(x, ((0, 0), *self.pads, (0, 0)), constant_values=fill)
        height, width = self.padded.shape[1:3]
        if height < rows or width < columns:
            raise ValueError(
                f"a window that covers {rows}x{columns} does not fit x of shape {x.shape}, "
                f"padded to {height}x{width}; use a larger input or more padding"
            )
        self.count = (height - rows) // self.stride[0] + 1, (width - columns) // self.stride[1] + 1

    def taps(self) -> Floats:
        """The elements of every window, [batch, rows, columns, window elements, channels]."""
        return np.stack([self.padded[view] for view in self._views()], axis=3)

    def fold(self, taps: Floats) -> Floats:
        """The derivative by x, from that by `taps`."""
        padded = np.zeros_like(self.padded)
        for tap, view in enumerate(self._views()):
            padded[view] += taps[..., tap, :]
        return self.crop(padded)

    def crop(self, padded: Floats) -> Floats:
        """Undoes the padding; also its derivative, since the added values are constants."""
        (top, bottom), (left, right) = self.pads
        return padded[:, top : padded.shape[1] - bottom, left : padded.shape[2] - right]

    def _views(self) -> list[tuple[slice, slice, slice]]:
        """For each element of a window, the rows and columns of `padded` where it lies."""
        views = []
        for taps in np.ndindex(self.size):
            axes = zip(taps, self.dilation, self.stride, self.count, strict=True)
            rows, columns = (slice(d * i, d * i + s * (n - 1) + 1, s) for i, d, s, n in axes)
            views.append((slice(None), rows, columns))
        return views


def as_pair(value: Pair, name: str) -> tuple[int, int]:
    """A positive integer, or two of them, as a pair (rows, columns)."""
    rows, columns = value if isinstance(value, tuple) else (value, value)
    if not all(isinstance(number, int | np.integer) for number in (rows, columns)):
        raise TypeError(f"{name} must be an integer or a pair of integers, got {value!r}")
    if rows < 1 or columns < 1:
        raise ValueError(f"{name} must be at least 1, got {value!r}; use {name}=1 for no effect")
    return int(rows), int(columns)


def as_pads(
    padding: Padding, sizes: tuple[int, ...], extents: tuple[int, int], stride: tuple[int, int]
) -> Pads:
    """Converts a padding to ((top, bottom), (left, right)) for a window of these extents.

    "SAME" gives ⌈size / stride⌉ outputs, with the odd element of padding after; "VALID" pads
    nothing.
    """
    if padding == "VALID":
        return (0, 0), (0, 0)
    if padding == "SAME":
        missing = [
            max((-(-size // step) - 1) * step + extent - size, 0)
            for size, extent, step in zip(sizes, extents, stride, strict=True)
        ]
        top, left = (number // 2 for number in missing)
        return (top, missing[0] - top), (left, missing[1] - left)
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


def check_floats(array: Floats, name: str, axes: str) -> Floats:
    """Returns a floating array that has the named axes, or raises TypeError or ValueError."""
    array = np.asarray(array)
    if not np.issubdtype(array.dtype, np.floating):
        raise TypeError(f"{name} must be floating, got {array.dtype} of shape {array.shape}")
    if array.ndim != len(axes.split()):
        raise ValueError(f"{name} must have the axes ({axes}), got shape {array.shape}")
    return array


def check_gradient(gradient: Floats, shape: tuple[int, ...]) -> Floats:
    """Returns the derivative by an output, which has the output's shape, or raises ValueError."""
    if np.shape(gradient) != shape:
        raise ValueError(
            f"backward takes the derivative by forward's result, of shape {shape}, "
            f"got shape {np.shape(gradient)}"
        )
    return np.asarray(gradient)

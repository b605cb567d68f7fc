"""Max and average pooling by loops over the output's rows and columns.

A window never lies entirely in the padding, and padded elements are ignored: they never win a
maximum and do not count in an average.
"""

from abc import ABC, abstractmethod

import numpy as np

from .geometry import (
    Floats,
    Padding,
    Pads,
    Pair,
    as_pads,
    as_pair,
    check_floats,
    check_gradient,
    crop,
    output_size,
    pad,
)


class _Pooling(ABC):
    """The common part of the pools: the window, and the loop over its positions."""

    def __init__(
        self, window: Pair = 2, stride: Pair | None = None, padding: Padding = "VALID"
    ) -> None:
        self.window = as_pair(window, "window")
        self.stride = self.window if stride is None else as_pair(stride, "stride")
        self.padding = padding
        self._x: Floats = np.zeros((0, 0, 0, 0))
        self._pads: Pads = ((0, 0), (0, 0))
        self._output: tuple[int, ...] = ()

    def forward(self, x: Floats) -> Floats:
        """[batch, height, width, channels] → [batch, out_height, out_width, channels].

        Raises TypeError if x is not floating, ValueError if the window does not fit or could lie
        entirely in the padding.
        """
        self._x = check_floats(x, "x", "batch height width channels")
        self._pads = as_pads(self.padding, self._x.shape[1:3], self.window, self.stride)
        if any(max(p) >= size for p, size in zip(self._pads, self.window, strict=True)):
            raise ValueError(
                f"padding {self._pads} leaves a window of {self.window} with nothing of x of shape "
                f"{self._x.shape} in it; pad by less than the window"
            )
        rows, columns = output_size(self._x.shape, self.window, self.stride, self._pads)
        self._output = (self._x.shape[0], rows, columns, self._x.shape[3])
        # NaN marks the padding: the reductions below skip it.
        padded = pad(self._x, self._pads, np.nan)
        y = np.zeros(self._output, self._x.dtype)
        for i, j in np.ndindex(rows, columns):
            y[:, i, j] = self._reduce(padded[self._view(i, j)])
        return y

    def backward(self, y_gradient: Floats) -> Floats:
        """Derivative of a loss by y → that by x.

        Raises ValueError if the shape is not that of the last forward's result.
        """
        y_gradient = check_gradient(y_gradient, self._output)
        padded = pad(self._x, self._pads, np.nan)
        x_gradient = np.zeros_like(padded)
        for i, j in np.ndindex(self._output[1:3]):
            view = self._view(i, j)
            x_gradient[view] += self._share(padded[view]) * y_gradient[:, i, j][:, None, None, :]
        return crop(x_gradient, self._pads)

    def _view(self, i: int, j: int) -> tuple[slice, slice, slice]:
        row, column = self.stride[0] * i, self.stride[1] * j
        return (
            slice(None),
            slice(row, row + self.window[0]),
            slice(column, column + self.window[1]),
        )

    @abstractmethod
    def _reduce(self, patch: Floats) -> Floats:
        """One output from [batch, window_height, window_width, channels], NaN where padded."""

    @abstractmethod
    def _share(self, patch: Floats) -> Floats:
        """The part of the output's derivative that each element of the patch gets."""


class MaxPool2D(_Pooling):
    """The maximum of every window; the first of several equal maxima gets the derivative.

    >>> layer = MaxPool2D()
    >>> layer.forward(np.array([[1.0, 4.0], [4.0, 2.0]]).reshape(1, 2, 2, 1)).squeeze()
    array(4.)
    >>> layer.backward(np.ones((1, 1, 1, 1))).squeeze()
    array([[0., 1.],
           [0., 0.]])
    """

    def _reduce(self, patch: Floats) -> Floats:
        largest: Floats = np.nanmax(patch, axis=(1, 2))
        return largest

    def _share(self, patch: Floats) -> Floats:
        flat = patch.reshape(patch.shape[0], -1, patch.shape[3])
        winners = np.nanargmax(flat, axis=1)[:, None, :]
        share = np.arange(flat.shape[1])[None, :, None] == winners
        return share.reshape(patch.shape).astype(patch.dtype)


class AvgPool2D(_Pooling):
    """The average of the elements of x in every window.

    >>> layer = AvgPool2D()
    >>> layer.forward(np.array([[1.0, 4.0], [4.0, 3.0]]).reshape(1, 2, 2, 1)).squeeze()
    array(3.)
    >>> layer.backward(np.ones((1, 1, 1, 1))).squeeze()
    array([[0.25, 0.25],
           [0.25, 0.25]])
    """

    def _reduce(self, patch: Floats) -> Floats:
        average: Floats = np.nanmean(patch, axis=(1, 2))
        return average

    def _share(self, patch: Floats) -> Floats:
        inside = (~np.isnan(patch)).astype(patch.dtype)
        return inside / inside.sum(axis=(1, 2), keepdims=True)

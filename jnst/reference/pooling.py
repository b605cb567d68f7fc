"""Max and average pooling, with stride and padding.

A window never lies entirely in the padding, and padded elements are ignored: they never win a
maximum and do not count in an average.
"""

from abc import ABC, abstractmethod

import numpy as np

from .geometry import Floats, Padding, Pair, Windows, check_floats, check_gradient


class _Pooling(ABC):
    """The common part of the pools: the windows, and the derivative's way back through them."""

    def __init__(
        self, window: Pair = 2, stride: Pair | None = None, padding: Padding = "VALID"
    ) -> None:
        self._windows = Windows(window, window if stride is None else stride, padding)
        self._output: tuple[int, ...] = ()

    def forward(self, x: Floats) -> Floats:
        """[batch, height, width, channels] → [batch, out_height, out_width, channels]; TypeError if
        x is not floating, ValueError if a window does not fit or could lie in the padding."""
        x, windows = check_floats(x, "x", "batch height width channels"), self._windows
        windows.place(x, np.nan)  # NaN marks the padding: the reductions below skip it.
        if any(max(p) >= size for p, size in zip(windows.pads, windows.size, strict=True)):
            raise ValueError(
                f"padding {windows.pads} leaves a window of {windows.size} with nothing of x of "
                f"shape {x.shape} in it; pad by less than the window"
            )
        y = self._reduce(windows.taps())
        self._output = y.shape
        return y

    def backward(self, y_gradient: Floats) -> Floats:
        """Derivative of a loss by y, of the last forward's shape → that by x."""
        y_gradient = check_gradient(y_gradient, self._output)[..., None, :]
        return self._windows.fold(self._share(self._windows.taps()) * y_gradient)

    @abstractmethod
    def _reduce(self, taps: Floats) -> Floats:
        """The outputs from [batch, rows, columns, window elements, channels], NaN where padded."""

    @abstractmethod
    def _share(self, taps: Floats) -> Floats:
        """The part of its output's derivative that each element of a window gets."""


class MaxPool2D(_Pooling):
    """The maximum of every window; the first of several equal maxima gets the derivative.

    >>> layer = MaxPool2D()
    >>> layer.forward(np.array([[1.0, 4.0], [4.0, 2.0]]).reshape(1, 2, 2, 1)).squeeze()
    array(4.)
    >>> layer.backward(np.ones((1, 1, 1, 1))).squeeze()
    array([[0., 1.],
           [0., 0.]])
    """

    def _reduce(self, taps: Floats) -> Floats:
        return np.nanmax(taps, axis=3)

    def _share(self, taps: Floats) -> Floats:
        winners = np.nanargmax(taps, axis=3, keepdims=True)
        elements = np.arange(taps.shape[3])[:, None]
        return (elements == winners).astype(taps.dtype)


class AvgPool2D(_Pooling):
    """The average of the elements of x in every window.

    >>> layer = AvgPool2D()
    >>> layer.forward(np.array([[1.0, 4.0], [4.0, 3.0]]).reshape(1, 2, 2, 1)).squeeze()
    array(3.)
    >>> layer.backward(np.ones((1, 1, 1, 1))).squeeze()
    array([[0.25, 0.25],
           [0.25, 0.25]])
    """

    def _reduce(self, taps: Floats) -> Floats:
        return np.nanmean(taps, axis=3)

    def _share(self, taps: Floats) -> Floats:
        inside = (~np.isnan(taps)).astype(taps.dtype)
        return inside / inside.sum(axis=3, keepdims=True)

"""Layers without geometry: fully connected, ReLU, and softmax with cross-entropy."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .geometry import Floats, check_floats, check_gradient


class Affine(ABC):
    """A layer that multiplies by a kernel and may add a bias; TypeError for an array that is not
    floating, ValueError for shapes that disagree."""

    _axes: str

    def __init__(self, kernel: Floats, bias: Floats | None, axes: str) -> None:
        self.kernel = check_floats(kernel, "kernel", axes)
        self.bias = None if bias is None else check_floats(bias, "bias", axes.split()[-1])
        if self.bias is not None and self.bias.shape != self.kernel.shape[-1:]:
            raise ValueError(
                f"bias of shape {self.bias.shape} does not fit kernel of shape {self.kernel.shape}"
            )
        self.kernel_gradient = np.zeros_like(self.kernel)
        self.bias_gradient = None if self.bias is None else np.zeros_like(self.bias)
        self._output: tuple[int, ...] = ()

    def forward(self, x: Floats) -> Floats:
        """The output y for x, with the channels or features on the last axis; the same errors."""
        x = check_floats(x, "x", self._axes)
        if x.shape[-1] != self.kernel.shape[-2]:
            raise ValueError(
                f"x of shape {x.shape} does not fit kernel of shape {self.kernel.shape}, which "
                f"takes {self.kernel.shape[-2]} numbers on the last axis"
            )
        y = self._product(x)
        self._output = y.shape
        return y if self.bias is None else y + self.bias

    def backward(self, y_gradient: Floats) -> Floats:
        """Derivative of a loss by y, of the last forward's shape → that by x; sets
        `kernel_gradient` and `bias_gradient`."""
        y_gradient = check_gradient(y_gradient, self._output)
        if self.bias is not None:
            self.bias_gradient = y_gradient.sum(axis=tuple(range(y_gradient.ndim - 1)))
        return self._derive(y_gradient)

    @abstractmethod
    def _product(self, x: Floats) -> Floats:
        """The output without the bias."""

    @abstractmethod
    def _derive(self, y_gradient: Floats) -> Floats:
        """Sets `kernel_gradient` and returns the derivative by x."""


class Dense(Affine):
    """Every input connected to every output: y = x W + b, [batch, in_features] → [batch, out].

    Its derivatives are x̄ = ȳ Wᵀ, W̄ = xᵀ ȳ and b̄ = Σ_n ȳ[n].

    >>> Dense(np.array([[3.0], [4.0]])).forward(np.array([[1.0, 2.0]]))
    array([[11.]])
    """

    _axes = "batch in_features"

    def __init__(self, kernel: Floats, bias: Floats | None = None) -> None:
        super().__init__(kernel, bias, "in_features out_features")

    def _product(self, x: Floats) -> Floats:
        self._x = x
        return x @ self.kernel

    def _derive(self, y_gradient: Floats) -> Floats:
        self.kernel_gradient = self._x.T @ y_gradient
        return y_gradient @ self.kernel.T


class ReLU:
    """y = max(x, 0), for an array of any shape; its derivative at 0 is 0.

    >>> ReLU().forward(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """

    def __init__(self) -> None:
        self._positive: NDArray[np.bool_] = np.zeros((0,), bool)

    def forward(self, x: Floats) -> Floats:
        """max(x, 0), in the shape and dtype of x."""
        self._positive = x > 0
        return np.maximum(x, x.dtype.type(0))

    def backward(self, y_gradient: Floats) -> Floats:
        """x̄ = ȳ where x > 0, else 0."""
        return check_gradient(y_gradient, self._positive.shape) * self._positive


class SoftmaxCrossEntropy:
    """Mean of −log softmax(logits)[label] over the rows, in nats.

    >>> loss = SoftmaxCrossEntropy()
    >>> round(loss.forward(np.zeros((1, 4)), np.array([2])), 4)  # log 4
    1.3863
    >>> loss.backward()
    array([[ 0.25,  0.25, -0.75,  0.25]])
    """

    def __init__(self) -> None:
        self._probabilities = np.zeros((0, 0))
        self._labels: NDArray[np.integer[Any]] = np.zeros((0,), int)

    def forward(self, logits: Floats, labels: NDArray[np.integer[Any]]) -> float:
        """[batch, classes] and [batch] class numbers → the mean cross-entropy; TypeError or
        ValueError for labels that are not class numbers, one for every row."""
        logits, labels = check_floats(logits, "logits", "batch classes"), np.asarray(labels)
        if not np.issubdtype(labels.dtype, np.integer):
            raise TypeError(f"labels must be integers (class numbers), got {labels.dtype}")
        if labels.shape != logits.shape[:1] or 0 in logits.shape:
            raise ValueError(
                f"labels of shape {labels.shape} do not fit logits of shape {logits.shape}"
            )
        if labels.min() < 0 or labels.max() >= logits.shape[1]:
            raise ValueError(
                f"labels reach from {labels.min()} to {labels.max()}, logits of shape "
                f"{logits.shape} have the classes 0 to {logits.shape[1] - 1}"
            )
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        self._probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        self._labels = labels
        chosen = logits[np.arange(len(labels)), labels] - logits.max(axis=1)
        return float(np.mean(np.log(exponentials.sum(axis=1)) - chosen))

    def backward(self, loss_gradient: float = 1.0) -> Floats:
        """z̄[n, k] = L̄ (softmax(z)[n, k] − [k = label_n]) / batch; ValueError before a forward."""
        if not len(self._labels):
            raise ValueError("nothing to derive: call forward(logits, labels) first")
        derivative = self._probabilities.copy()
        derivative[np.arange(len(self._labels)), self._labels] -= 1.0
        return derivative * (loss_gradient / len(self._labels))

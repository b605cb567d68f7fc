"""Layers without geometry: fully connected, ReLU, and softmax with cross-entropy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .geometry import Floats, check_floats, check_gradient


class Dense:
    """Every input connected to every output: y = x W + b.

    Raises TypeError if an array is not floating, ValueError if the shapes disagree.

    >>> Dense(np.array([[3.0], [4.0]])).forward(np.array([[1.0, 2.0]]))
    array([[11.]])
    """

    def __init__(self, kernel: Floats, bias: Floats | None = None) -> None:
        self.kernel = check_floats(kernel, "kernel", "in_features out_features")
        self.bias = None if bias is None else check_floats(bias, "bias", "out_features")
        if self.bias is not None and self.bias.shape != self.kernel.shape[1:]:
            raise ValueError(
                f"bias of shape {self.bias.shape} does not fit kernel of shape {self.kernel.shape}"
            )
        self.kernel_gradient = np.zeros_like(self.kernel)
        self.bias_gradient = None if self.bias is None else np.zeros_like(self.bias)
        self._x: Floats = np.zeros((0, 0))

    def forward(self, x: Floats) -> Floats:
        """[batch, in_features] → [batch, out_features]."""
        self._x = check_floats(x, "x", "batch in_features")
        if self._x.shape[1] != self.kernel.shape[0]:
            raise ValueError(
                f"x of shape {self._x.shape} does not fit kernel of shape {self.kernel.shape}"
            )
        y = self._x @ self.kernel
        return y if self.bias is None else y + self.bias

    def backward(self, y_gradient: Floats) -> Floats:
        """x̄ = ȳ Wᵀ, and W̄ = xᵀ ȳ in `kernel_gradient`, b̄ = Σ_n ȳ[n] in `bias_gradient`."""
        y_gradient = check_gradient(y_gradient, (self._x.shape[0], self.kernel.shape[1]))
        self.kernel_gradient = self._x.T @ y_gradient
        if self.bias is not None:
            self.bias_gradient = y_gradient.sum(axis=0)
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
        """[batch, classes] and [batch] class numbers → the mean cross-entropy.

        Raises TypeError if the labels are not integers, ValueError if there is not one for every
        row or one is not a class.
        """
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
        """z̄[n, k] = L̄ (softmax(z)[n, k] − [k = label_n]) / batch.

        Raises ValueError before the first forward.
        """
        if not len(self._labels):
            raise ValueError("nothing to derive: call forward(logits, labels) first")
        derivative = self._probabilities.copy()
        derivative[np.arange(len(self._labels)), self._labels] -= 1.0
        scaled: Floats = derivative * (loss_gradient / len(self._labels))
        return scaled

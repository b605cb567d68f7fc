"""Teach a small network to read digits, with nothing but this project's layers.

    python examples/train_digits.py [--steps 600] [--plot curves.png]

The network is convolution, ReLU, pool, twice, then dense and softmax. It is trained on the 8x8
digits of scikit-learn by Optax's Adam, once with `jnst.ops` (JAX, jitted) and once with
`jnst.reference` (NumPy, each derivative called by hand), from the same start and with the same
batches. Printed are both loss curves, the share of unseen digits that is read correctly, and what
either took. Needs scikit-learn.

All of it is in float64, where both curves stay together to the last digits. In float32 one run in
eight or so parts by about 1e-3 within 50 steps: among millions of numbers, one lies so close to the
kink of a ReLU or to its rival in a max pool that rounding decides where the derivative goes.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure

from jnst import ops, reference

Params = dict[str, dict[str, np.ndarray]]
Step = Callable[[Params, optax.OptState, np.ndarray, np.ndarray], tuple]
BATCH = 64


class Digits(NamedTuple):
    """Images [count, 8, 8, 1] in [-1, 1] with labels [count], for training and for the test."""

    images: np.ndarray
    test_images: np.ndarray
    labels: np.ndarray
    test_labels: np.ndarray


class Run(NamedTuple):
    """What a training leaves: the loss of every step, the parameters, and the seconds it took."""

    losses: list[float]
    params: Params
    seconds: float


def load_split() -> Digits:
    """The 1797 digits, a fixed fifth of them (each digit in its share) kept for the test."""
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ImportError:
        sys.exit("train_digits: the digits come with scikit-learn: pip install scikit-learn")
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8, 1) / 8 - 1
    return Digits(*train_test_split(images, labels, test_size=0.2, random_state=0, stratify=labels))


def start_params(seed: int) -> Params:
    """Kernels with variance 2 / fan-in, biases 0: He et al., "Delving deep" (2015), equation 10."""
    generator = np.random.default_rng(seed)
    shapes = {"conv1": (3, 3, 1, 32), "conv2": (3, 3, 32, 64), "dense": (2 * 2 * 64, 10)}
    return {
        name: {
            "kernel": generator.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape),
            "bias": np.zeros(shape[-1]),
        }
        for name, shape in shapes.items()
    }


def batches(digits: Digits, steps: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What each step learns from: every image once, in any order, moved by up to a pixel; again."""
    generator = np.random.default_rng(seed)
    framed = np.pad(digits.images, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-1)
    order = np.zeros(0, int)
    for _ in range(steps):
        if len(order) < BATCH:
            order = generator.permutation(len(framed))
        rows, order = order[:BATCH], order[BATCH:]
        corners = generator.integers(0, 3, (BATCH, 2))
        moved = [framed[n, i : i + 8, j : j + 8] for n, (i, j) in zip(rows, corners, strict=True)]
        yield np.stack(moved), digits.labels[rows]


def logits(params: Params, images: jax.Array) -> jax.Array:
    """The network in JAX: [batch, 8, 8, 1] → [batch, 10]."""
    x = images
    for name in ("conv1", "conv2"):
        x = ops.relu(ops.conv2d(x, params[name]["kernel"], params[name]["bias"]))
        x = ops.max_pool(x)
    return ops.dense(ops.flatten(x), params["dense"]["kernel"], params["dense"]["bias"])


def objective(params: Params, images: jax.Array, labels: jax.Array) -> jax.Array:
    return ops.softmax_cross_entropy(logits(params, images), labels)


class NumpyNetwork:
    """The same network in NumPy: forward through the layers, backward in the opposite order."""

    def __init__(self, params: Params) -> None:
        self.layers = {
            "conv1": reference.Conv2D(**params["conv1"]),
            "relu1": reference.ReLU(),
            "pool1": reference.MaxPool2D(),
            "conv2": reference.Conv2D(**params["conv2"]),
            "relu2": reference.ReLU(),
            "pool2": reference.MaxPool2D(),
        }
        self.dense = reference.Dense(**params["dense"])
        self.loss = reference.SoftmaxCrossEntropy()

    def logits(self, images: np.ndarray) -> np.ndarray:
        x = images
        for layer in self.layers.values():
            x = layer.forward(x)
        self.shape = x.shape
        return self.dense.forward(x.reshape(len(x), -1))

    def loss_and_gradient(self, images: np.ndarray, labels: np.ndarray) -> tuple[float, Params]:
        loss = self.loss.forward(self.logits(images), labels)
        x_bar = self.dense.backward(self.loss.backward()).reshape(self.shape)
        for layer in reversed(self.layers.values()):
            x_bar = layer.backward(x_bar)
        trained = {name: self.layers[name] for name in ("conv1", "conv2")} | {"dense": self.dense}
        return loss, {
            name: {"kernel": layer.kernel_gradient, "bias": layer.bias_gradient}
            for name, layer in trained.items()
        }


def make_jax_step(adam: optax.GradientTransformation) -> Step:
    """A step in JAX, jitted whole: the loss, and the parameters and Adam's state after it."""

    @jax.jit
    def step(params: Params, state: optax.OptState, images: jax.Array, labels: jax.Array) -> tuple:
        loss, gradient = jax.value_and_grad(objective)(params, images, labels)
        updates, state = adam.update(gradient, state)
        return loss, optax.apply_updates(params, updates), state

    return step


def make_numpy_step(adam: optax.GradientTransformation) -> Step:
    """The same step with the loss and its gradient from NumPy; JAX does no more than Adam."""

    @jax.jit
    def descend(params: Params, state: optax.OptState, gradient: Params) -> tuple:
        updates, state = adam.update(gradient, state)
        return optax.apply_updates(params, updates), state

    def step(
        params: Params, state: optax.OptState, images: np.ndarray, labels: np.ndarray
    ) -> tuple:
        loss, gradient = NumpyNetwork(params).loss_and_gradient(images, labels)
        params, state = descend(params, state, gradient)
        return loss, jax.tree.map(np.asarray, params), state

    return step


def train(
    make_step: Callable[[optax.GradientTransformation], Step],
    digits: Digits,
    steps: int,
    seed: int,
    stop: int | None = None,
) -> Run:
    """Take `steps` steps of Adam, or the first `stop` of them. The seconds include compiling."""
    start = time.perf_counter()
    adam = optax.adam(optax.cosine_decay_schedule(5e-3, steps))
    step, params = make_step(adam), start_params(seed)
    state = adam.init(params)
    losses = []
    for images, labels in batches(digits, stop or steps, seed):
        loss, params, state = step(params, state, images, labels)
        losses.append(loss)
    return Run([float(loss) for loss in losses], params, time.perf_counter() - start)


def accuracy(guess: Callable[[np.ndarray], np.ndarray], digits: Digits) -> float:
    """Share of the test digits whose largest logit is the label's."""
    return float(np.mean(np.argmax(guess(digits.test_images), axis=1) == digits.test_labels))


def report(ours: Run, twin: Run, digits: Digits) -> str:
    """Both curves, their distance, the accuracies and the times."""
    lines = [" step     ops, JAX    reference, NumPy    difference"]
    for step in np.unique(np.geomspace(1, len(twin.losses), 12).astype(int)):
        a, b = ours.losses[step - 1], twin.losses[step - 1]
        lines.append(f"{step:5d}   {a:10.6f}    {b:16.6f}    {abs(a - b):10.1e}")
    first = np.abs(np.subtract(ours.losses[:50], twin.losses[:50])).max()
    shares = (
        accuracy(lambda images: logits(ours.params, jnp.asarray(images)), digits),
        accuracy(NumpyNetwork(twin.params).logits, digits),
    )
    lines += [
        f"largest difference in the first {min(50, len(twin.losses))} steps: {first:.1e}",
        f"read correctly, of {len(digits.test_labels)} unseen digits: "
        f"{shares[0]:.2%} by ops, {shares[1]:.2%} by reference",
        f"seconds: {ours.seconds:.1f} by ops, {twin.seconds:.1f} by reference, "
        f"{twin.seconds / ours.seconds:.1f} times as long",
    ]
    return "\n".join(lines)


def plot(ours: Run, twin: Run) -> Figure:
    """Both loss curves on a logarithmic scale, the second dashed so that the first shows."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    numbers = np.arange(1, len(ours.losses) + 1)
    axes.plot(numbers, ours.losses, color="#56B4E9", linewidth=3, label="jnst.ops (JAX)")
    axes.plot(numbers, twin.losses, "--", color="#000000", linewidth=1, label="jnst.reference")
    axes.set(xlabel="step", ylabel="cross-entropy of the batch, nats", yscale="log")
    axes.legend(frameon=False)
    return figure


def picture_file(name: str) -> Path:
    """The path of a plot, refused before the training if it cannot be written after it."""
    path = Path(name)
    if path.suffix.lower() not in (".png", ".svg"):
        raise argparse.ArgumentTypeError(f"{name!r} must end in .png or .svg")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {str(path.parent)!r}; create it")
    return path


def whole_number(least: int) -> Callable[[str], int]:
    """Reads an integer that is at least `least`."""

    def read(text: str) -> int:
        if not text.removeprefix("-").isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} must be a whole number, at least {least}")
        return int(text)

    return read


def main() -> None:
    """Reads the command line, trains both and prints."""
    parser = argparse.ArgumentParser(description="train a digit reader on jnst.ops and in NumPy")
    parser.add_argument("--steps", type=whole_number(1), default=600, help="default %(default)s")
    parser.add_argument("--seed", type=whole_number(0), default=0, help="of start and batches")
    parser.add_argument("--plot", type=picture_file, metavar="FILE", help="draw both: .png or .svg")
    arguments = parser.parse_args()
    with jax.enable_x64(True):
        digits = load_split()
        ours, twin = (
            train(make_step, digits, arguments.steps, arguments.seed)
            for make_step in (make_jax_step, make_numpy_step)
        )
        print(report(ours, twin, digits))
    if arguments.plot:
        try:
            plot(ours, twin).savefig(arguments.plot, dpi=150)
        except OSError as error:
            sys.exit(f"train_digits: cannot write {arguments.plot}: {error.strerror}")


if __name__ == "__main__":
    main()

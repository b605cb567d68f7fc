"""Estimates of a run's time: its operations are counted, the machine's speed is measured.

The estimates are rough, meant for a user who decides whether to wait; expect a factor of two.
"""

import math
import time
from collections.abc import Iterable, Sequence

import jax
import numpy as np

from ..config import Config
from ..losses.registry import style_loss_of
from ..network.algorithms import share_of_direct
from ..network.architecture import CONVOLUTIONS, map_shapes
from ..ops import conv2d

# Fitted to runs from 48x64 to 384x512 on two CPU cores: the factor on a step's counted operations
# at the measured speed; the fixed cost of a step in operations, for reading the kernels; and the
# seconds for computing the targets and compiling the step of one size.
_OVERHEAD = 1.6
_LEAST_OPERATIONS = 7e9
_SECONDS_PER_SCALE = 5.0
# Cost of sorting one number, forward and backward, in operations of a convolution.
_ORDERING = 8e3
# Cost of the trace of an n x n matrix root and its derivative, in units of n³: half of the
# operations of its 34 products, which run at twice the speed of a step's convolutions.
_ROOT = 34.0
# By windows: each is computed forward once more for its derivative, and windows overlap
# (measured: benchmarks/results/memory.md).
_BY_WINDOWS = 1.43


def step_operations(network: str, layers: Iterable[str], height: int, width: int) -> float:
    """Floating-point operations of the convolutions up to the deepest of the layers, forward and
    for the gradient in the image; the frozen kernels need no gradient."""
    shapes = map_shapes(network, layers, height, width)
    return 2 * sum(
        2.0 * 9 * wide * math.prod(shapes[name])
        for name, wide, _ in CONVOLUTIONS[network]
        if name in shapes
    )


def step_work(
    network: str, config: Config, height: int, width: int, tile: int | None = None
) -> float:
    """Cost of one step of a run in operations of a direct convolution, at a painted size, whole or
    by windows of `tile` pixels."""
    layers, size = config.layers, (height, width)
    work = step_operations(network, layers, *size)
    work *= share_of_direct(network, *size, config.precision, layers)
    if tile and tile < max(size):
        work *= _BY_WINDOWS
    loss, shapes = style_loss_of(config.style_loss), map_shapes(network, config.style_layers, *size)
    style_shapes = [shapes[layer] for layer in config.style_layers]
    if not loss.by_sums:
        # Sorting has no floating-point operations: those that take the same time.
        work += _ORDERING * sum(map(math.prod, style_shapes))
    if loss.takes_roots:
        # With fewer positions than channels, the root is of a positions x positions matrix.
        sides = (min(rows * columns, channels) for rows, columns, channels in style_shapes)
        work += _ROOT * sum(side**3 for side in sides)
    return work


def measure_speed(side: int = 96, channels: int = 128) -> float:
    """Operations per second that this device reaches in a medium-sized 3x3 convolution."""
    # Created in NumPy: XLA would compile one program for each shape of `jnp.ones`.
    shapes = ((1, side, side, channels), (3, 3, channels, channels))
    image, kernel = jax.device_put([np.ones(shape, np.float32) for shape in shapes])
    convolve = jax.jit(conv2d)
    convolve(image, kernel).block_until_ready()
    seconds = []
    for _ in range(10):
        start = time.perf_counter()
        convolve(image, kernel).block_until_ready()
        seconds.append(time.perf_counter() - start)
    # What else the machine does only adds to the time.
    return 2.0 * 9 * channels**2 * side**2 / min(seconds)


def expected_seconds(operations: Sequence[float], steps: Sequence[int], speed: float) -> float:
    """Seconds for a run, compilation included, from the operations of a step and the steps of each
    scale, which may be 0, and the speed of `measure_speed`.
    """
    stepping = sum(
        count * (_OVERHEAD * step + _LEAST_OPERATIONS) / speed
        for step, count in zip(operations, steps, strict=True)
    )
    return stepping + _SECONDS_PER_SCALE * sum(map(bool, steps))

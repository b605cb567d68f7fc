"""Networks with random weights, for what does not depend on what a network has learnt."""

from collections.abc import Iterable

import numpy as np


def random_layers(
    convolutions: Iterable[tuple[str, int, int]], seed: int = 0
) -> dict[str, dict[str, np.ndarray]]:
    """He's initialisation: kernels [3, 3, in, out] and biases of zero.

    Args:
        convolutions: name, channels in and channels out of each.
        seed: of the random numbers.

    >>> layers = random_layers([("conv1_1", 3, 64)])
    >>> layers["conv1_1"]["kernel"].shape, layers["conv1_1"]["bias"].shape
    ((3, 3, 3, 64), (64,))
    """
    draw = np.random.default_rng(seed).standard_normal
    return {
        name: {
            "kernel": draw((3, 3, wide, deep), np.float32) * np.float32((2 / (9 * wide)) ** 0.5),
            "bias": np.zeros(deep, np.float32),
        }
        for name, wide, deep in convolutions
    }

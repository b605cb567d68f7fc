"""The canvas: parts of a picture that stay as they are, and what is optimised under them.

The picture is y = k·P + (1 − k)·x, with the kept pixels P, the mask k and the optimised x. The
objective is that of y, and its derivative by x is that by y times 1 − k: where k is 1 nothing can
change, where it is between, painting and photograph are faded into each other, and what the network
sees is always the picture that comes out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
from jaxtyping import Array

from ..arrays import Image
from ..optimize.steps import Evaluator, Objective


class Kept(NamedTuple):
    """What stays.

    Attributes:
        pixels: [H, W, 3].
        mask: [H, W, 1] in [0, 1]: 1 stays, 0 is free.
    """

    pixels: Any
    mask: Any


@jax.jit
def with_kept(image: Image, kept: Kept) -> Image:
    """The picture y that an optimised x stands for.

    Example:
        >>> import jax.numpy as jnp
        >>> black, mask = jnp.zeros((1, 3, 3)), jnp.array([[[1.0], [0.5], [0.0]]])
        >>> with_kept(jnp.ones((1, 3, 3)), Kept(black, mask))[0, :, 0].tolist()
        [0.0, 0.5, 1.0]
    """
    return kept.mask * kept.pixels + (1.0 - kept.mask) * image


@dataclass(frozen=True)
class Keeping:
    """An objective whose last argument is a `Kept`, and the others those of `of`.

    Attributes:
        of: (image, *args) -> (value, terms), of the picture that comes out.

    Example:
        >>> import jax.numpy as jnp
        >>> red = Keeping(lambda image: (image[..., 0].sum(), ()))
        >>> kept = Kept(jnp.ones((1, 2, 3)), jnp.array([[[1.0], [0.0]]]))
        >>> float(red(jnp.zeros((1, 2, 3)), kept)[0])
        1.0
    """

    of: Callable[..., tuple[Array, Any]]

    def __call__(self, image: Image, *args: Any) -> tuple[Array, Any]:
        *others, kept = args
        return self.of(with_kept(image, kept), *others)


def keeping(objective: Objective | Evaluator) -> Objective | Evaluator:
    """The objective, or evaluator, with a `Kept` as its last argument."""
    if not isinstance(objective, Evaluator):
        return Keeping(objective)

    def value_and_gradient(image: Image, *args: Any) -> tuple[tuple[Array, Any], Array]:
        *others, kept = args
        value, gradient = objective.value_and_gradient(with_kept(image, kept), *others)
        return value, gradient * (1.0 - kept.mask)

    return Evaluator(value_and_gradient, Keeping(objective.objective))

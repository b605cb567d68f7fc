"""The canvas: a margin beyond the picture's borders, and content pixels that stay unchanged.

With the kept pixels P and their mask k, the picture of an optimised x is y = k·P + (1 − k)·x. The
objective is evaluated at y, which is what the network sees; its gradient in x is that in y times
1 − k. Pixels with k = 1 cannot change; values between 0 and 1 blend painting and photograph.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array

from ..arrays import Image, Pixels
from ..images.resizing import without_bleed
from ..optimize.optimizer import Moments
from ..optimize.steps import Evaluator, Objective


class Kept(NamedTuple):
    """Content pixels that stay unchanged.

    Attributes:
        pixels: [H, W, 3].
        mask: [H, W, 1] in [0, 1]: 1 keeps the pixel, 0 leaves it free.
    """

    pixels: Any
    mask: Any


@dataclass(frozen=True)
class Canvas:
    """The map from the optimised array to the visible picture.

    Attributes:
        margin: pixels beyond each border, cut off from the result.
        kept: content pixels that stay unchanged, or None.
    """

    margin: int = 0
    kept: Kept | None = None

    def objective(self, of: Objective | Evaluator) -> Objective | Evaluator:
        """Turns an objective of pictures into one of optimised arrays."""
        if self.kept is None:
            return of
        if not isinstance(of, Evaluator):
            return Keeping(of)
        return Evaluator(partial(_gradient, of), Keeping(of.value))

    def arguments(self, args: tuple[Any, ...], *, settled: bool = False) -> tuple[Any, ...]:
        """The arguments of `objective` after the array, from those of the picture's objective.

        With `settled` the array already contains the kept pixels: their mask is zeroed.
        """
        if self.kept is None:
            return args
        return (*args, self.kept._replace(mask=0.0 * self.kept.mask) if settled else self.kept)

    def picture(self, optimised: Array | Pixels) -> Pixels:
        """The picture of an optimised array, including its margin."""
        return np.asarray(optimised if self.kept is None else with_kept(optimised, self.kept))

    def visible(self, optimised: Array | Pixels) -> Pixels:
        """The picture of an optimised array, without the margin."""
        return np.asarray(self.cut(self.picture(optimised)))

    def cut(self, values: Any) -> Any:
        """[H, W, …] without the margin."""
        return without_bleed(values, self.margin)

    def moments(self, moments: Moments) -> Moments:
        """Adam's running averages without the margin."""
        return Moments(self.cut(moments.mean), self.cut(moments.square), moments.steps)


@jax.jit
def with_kept(image: Image, kept: Kept) -> Image:
    """The picture y of an optimised array x."""
    return kept.mask * kept.pixels + (1.0 - kept.mask) * image


@dataclass(frozen=True)
class Keeping:
    """The objective `of` at the picture of an array; its last argument is a `Kept`."""

    of: Callable[..., tuple[Array, Any]]

    def __call__(self, image: Image, *args: Any) -> tuple[Array, Any]:
        *others, kept = args
        return self.of(with_kept(image, kept), *others)


def _gradient(of: Evaluator, image: Image, *args: Any) -> tuple[tuple[Array, Any], Array]:
    *others, kept = args
    value, gradient = of.value_and_gradient(with_kept(image, kept), *others)
    return value, gradient * (1.0 - kept.mask)

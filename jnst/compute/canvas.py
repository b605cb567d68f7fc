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
import jax.numpy as jnp
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


class Parametrization(NamedTuple):
    """The image as a function of other numbers, which are optimised in its place.

    Keep the functions at module level, because compiled programs are found by them.

    Attributes:
        decode: an array of any shape -> the image [H, W, 3], sRGB, its margin included; JAX
            differentiates it.
        encode: an image [H, W, 3] -> an array that `decode` turns into it, as near as it can.

    Example, an image that cannot leave [0, 1]:
        >>> def logit(image):
        ...     inside = jnp.clip(image, 0.01, 0.99)
        ...     return jnp.log(inside) - jnp.log1p(-inside)
        >>> bounded = Parametrization(jax.nn.sigmoid, logit)
        >>> bounded.decode(bounded.encode(jnp.full((1, 1, 3), 0.25))).round(3).tolist()
        [[[0.25, 0.25, 0.25]]]

    References:
        Mordvintsev et al., "Differentiable image parameterizations", Distill, 2018.
    """

    decode: Callable[[Array], Array]
    encode: Callable[[Array], Array]


@dataclass(frozen=True)
class Canvas:
    """The map from the optimised array to the visible picture.

    Attributes:
        margin: pixels beyond each border, cut off from the result.
        kept: content pixels that stay unchanged, or None.
        parametrization: of the picture; None where its pixels are optimised.
    """

    margin: int = 0
    kept: Kept | None = None
    parametrization: Parametrization | None = None

    def objective(self, of: Objective | Evaluator) -> Objective | Evaluator:
        """Turns an objective of pictures into one of optimised arrays."""
        if self.kept is not None:
            if isinstance(of, Evaluator):
                of = Evaluator(partial(_gradient, of), Keeping(of.value))
            else:
                of = Keeping(of)
        if self.parametrization is None:
            return of
        decode = self.parametrization.decode
        if isinstance(of, Evaluator):
            return Evaluator(partial(_pulled_back, of, decode), Decoding(of.value, decode))
        return Decoding(of, decode)

    def encoded(self, picture: Any) -> Any:
        """The array to optimise, from a picture."""
        return self.parametrization.encode(picture) if self.parametrization else picture

    def arguments(self, args: tuple[Any, ...], *, settled: bool = False) -> tuple[Any, ...]:
        """The arguments of `objective` after the array, from those of the picture's objective.

        With `settled` the array already contains the kept pixels: their mask is zeroed.
        """
        if self.kept is None:
            return args
        return (*args, self.kept._replace(mask=0.0 * self.kept.mask) if settled else self.kept)

    def picture(self, optimised: Array | Pixels) -> Pixels:
        """The picture of an optimised array, including its margin."""
        image = optimised
        if self.parametrization is not None:
            image = self.parametrization.decode(jnp.asarray(optimised))
        return np.asarray(image if self.kept is None else with_kept(image, self.kept))

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


@dataclass(frozen=True)
class Decoding:
    """The objective `of` at the picture that `decode` makes of an array."""

    of: Callable[..., tuple[Array, Any]]
    decode: Callable[[Array], Array]

    def __call__(self, x: Array, *args: Any) -> tuple[Array, Any]:
        return self.of(self.decode(x), *args)


def _pulled_back(
    of: Evaluator, decode: Callable[[Array], Array], x: Array, *args: Any
) -> tuple[tuple[Array, Any], Array]:
    image, pull_back = jax.vjp(decode, x)
    value, gradient = of.value_and_gradient(image, *args)
    return value, pull_back(gradient)[0]

"""The canvas: a margin beyond the picture's borders, and content pixels that stay unchanged.

With the kept pixels P and their mask k, the picture of an optimised x is y = k·P + (1 − k)·x. The
objective is evaluated at y, which is what the network sees; its gradient in x is that in y times
1 − k. Pixels with k = 1 cannot change; values between 0 and 1 blend painting and photograph.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..arrays import Array, Image, Pixels
from ..images.resizing import without_bleed
from ..optimize.optimizer import Moments
from ..optimize.steps import Evaluator, Objective


class Kept(NamedTuple):
    """Content pixels that stay unchanged."""

    pixels: Any  # [H, W, 3]
    mask: Any  # [H, W, 1] in [0, 1]: 1 keeps the pixel, 0 leaves it free


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

    @property
    def _decode(self) -> Callable[[Array], Array] | None:
        return self.parametrization.decode if self.parametrization else None

    def objective(self, of: Objective | Evaluator) -> Objective | Evaluator:
        """Turns an objective of pictures into one of optimised arrays."""
        if self.kept is None and self.parametrization is None:
            return of
        viewed = _Viewed(of, self._decode, self.kept is not None)
        return Evaluator(viewed.value_and_gradient, viewed) if isinstance(of, Evaluator) else viewed

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
        return np.asarray(_picture(optimised, self._decode, self.kept))

    def visible(self, optimised: Array | Pixels) -> Pixels:
        """The picture of an optimised array, without the margin."""
        return np.asarray(self.cut(self.picture(optimised)))

    def cut(self, values: Any) -> Any:
        """[H, W, …] without the margin."""
        return without_bleed(values, self.margin)

    def moments(self, moments: Moments) -> Moments:
        """Adam's running averages without the margin."""
        return Moments(self.cut(moments.mean), self.cut(moments.square), moments.steps)


def _picture(x: Any, decode: Callable[[Array], Array] | None, kept: Kept | None) -> Any:
    """The picture y of an optimised array x."""
    image = decode(jnp.asarray(x)) if decode else x
    return image if kept is None else _with_kept(image, kept)


@jax.jit
def _with_kept(image: Image, kept: Kept) -> Image:
    return kept.mask * kept.pixels + (1.0 - kept.mask) * image


@dataclass(frozen=True)
class _Viewed:
    """The objective `of` at the picture of an array; with `keeps` its last argument is a `Kept`."""

    of: Objective | Evaluator
    decode: Callable[[Array], Array] | None
    keeps: bool

    def __call__(self, x: Array, *args: Any) -> tuple[Array, Any]:
        value = self.of.value if isinstance(self.of, Evaluator) else self.of
        picture, others = self._split(args)
        return value(picture(x), *others)

    def value_and_gradient(self, x: Array, *args: Any) -> tuple[tuple[Array, Any], Array]:
        assert isinstance(self.of, Evaluator)
        picture, others = self._split(args)
        image, pull_back = jax.vjp(picture, x)
        value, gradient = self.of.value_and_gradient(image, *others)
        return value, pull_back(gradient)[0]

    def _split(self, args: tuple[Any, ...]) -> tuple[Callable[[Array], Image], Sequence[Any]]:
        """The function from arrays to pictures, and the arguments of `of` after the picture."""
        *others, kept = args if self.keeps else (*args, None)
        return partial(_picture, decode=self.decode, kept=kept), others

"""What a style loss is: a statistic of a feature map, and a distance to that of the style.

Statistics are taken once from each style and may be averaged over several; what the distance needs
of their average is computed once, too. They depend on a map only through sums over its positions:
so they can be put together from the sums of parts of a map, and taken from a region of it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from .arrays import FeatureMap, Scalar


def unchanged(statistic: Array) -> Array:
    """The statistic itself."""
    return statistic


class StyleLoss(NamedTuple):
    """A statistic of a feature map, taken from sums over its positions, and a distance of two.

    Attributes:
        sums: [h, w, C] -> an array or a tree of arrays, each the sum over the positions of
            something that is 0 where the features are 0: positions are left out by setting them
            to 0, and the sums of parts of a map add up to those of the map. A second argument,
            [h, w], weights the positions.
        statistic: (sums, number of positions h·w) -> array.
        distance: (statistic, aim, number of positions h·w) -> scalar.
        aim: target statistic -> an array or a tree of arrays that `distance` compares with.
    """

    sums: Callable[..., Any]
    statistic: Callable[[Any, int], Array]
    distance: Callable[[Array, Any, int], Scalar]
    aim: Callable[[Array], Any] = unchanged

    def of_map(self, features: FeatureMap, weights: Array | None = None) -> Array:
        """The statistic of a whole map [h, w, C], its positions weighted with a mean of 1."""
        height, width, _ = features.shape
        sums = self.sums(features) if weights is None else self.sums(features, weights)
        return self.statistic(sums, height * width)


def mean_square_distance(statistic: Array, target: Array, positions: int) -> Scalar:
    """Mean of the squared differences of two statistics; the number of positions has no part."""
    del positions
    return jnp.mean(jnp.square(statistic - target))

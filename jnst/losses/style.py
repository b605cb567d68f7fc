"""Style losses: a statistic of a feature map, and a distance to that of the style.

Statistics are taken once from each style and may be averaged over several; what the distance needs
of their average is computed once, too. Most depend on a map only through sums over its positions:
those can be put together from the sums of parts of a map, and taken from a region of it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from ..arrays import FeatureMap, Scalar


def unchanged(statistic: Array) -> Array:
    """The statistic itself."""
    return statistic


class StyleLoss(NamedTuple):
    """A statistic of a feature map, and a distance of two.

    Attributes:
        sums: [h, w, C] -> an array or a tree of arrays, each the sum over the positions of
            something that is 0 where the features are 0: positions are left out by setting them
            to 0, and the sums of parts of a map add up to those of the map. A second argument,
            [h, w], weights the positions. Where there is a `fit` they are no sums, but whatever
            `statistic` needs of the whole map.
        statistic: (sums, number of positions h·w) -> an array or a tree of arrays.
        distance: (statistic, aim, number of positions h·w) -> scalar.
        aim: target statistic -> an array or a tree of arrays that `distance` compares with.
        fit: of a statistic with an entry for each position: (target statistic, number of positions
            of the picture being made) -> target statistic that goes with it. None for statistics
            whose size does not depend on the map's.
        sums_of_whole: as `sums`, where the whole map is at hand; its result may be of another kind,
            that `statistic` takes as well, and is never added up.
        takes_roots: whether the distance takes the root of a matrix of the map's channels, which
            costs time and memory of its own.
    """

    sums: Callable[..., Any]
    statistic: Callable[[Any, int], Any]
    distance: Callable[[Any, Any, int], Scalar]
    aim: Callable[[Any], Any] = unchanged
    fit: Callable[[Any, int], Any] | None = None
    sums_of_whole: Callable[..., Any] | None = None
    takes_roots: bool = False

    @property
    def by_sums(self) -> bool:
        """Whether the statistic depends on the map only through sums over its positions."""
        return self.fit is None

    def of_map(self, features: FeatureMap, weights: Array | None = None) -> Any:
        """The statistic of a whole map [h, w, C], its positions weighted with a mean of 1."""
        height, width, _ = features.shape
        sums = self.sums(features) if weights is None else self.sums(features, weights)
        return self.statistic(sums, height * width)


def mean_of(first: StyleLoss, second: StyleLoss) -> StyleLoss:
    """The mean of two style losses, as one whose statistic is the pair of theirs.

    Example, Gram matrices and histograms of a map against those of one twice as strong:
        >>> from jnst.losses import STYLE_LOSSES
        >>> pair = mean_of(STYLE_LOSSES["gram-relative"], STYLE_LOSSES["histogram"])
        >>> ones = jnp.ones((2, 2, 1))
        >>> float(pair.distance(pair.of_map(ones), pair.aim(pair.of_map(2 * ones)), 4))
        0.40625
    """
    losses = (first, second)

    def sums(features: FeatureMap, weights: Array | None = None) -> Any:
        given = (features,) if weights is None else (features, weights)
        return tuple(loss.sums(*given) for loss in losses)

    def statistic(sums: Any, positions: int) -> Any:
        pairs = zip(losses, sums, strict=True)
        return tuple(loss.statistic(each, positions) for loss, each in pairs)

    def distance(statistics: Any, aims: Any, positions: int) -> Scalar:
        one, other = (
            loss.distance(statistic, aim, positions)
            for loss, statistic, aim in zip(losses, statistics, aims, strict=True)
        )
        return 0.5 * (one + other)

    def aim(targets: Any) -> Any:
        return tuple(loss.aim(target) for loss, target in zip(losses, targets, strict=True))

    def fit(targets: Any, positions: int) -> Any:
        pairs = zip(losses, targets, strict=True)
        return tuple(loss.fit(t, positions) if loss.fit else t for loss, t in pairs)

    fitted = None if first.by_sums and second.by_sums else fit
    return StyleLoss(sums, statistic, distance, aim, fitted)


def mean_square_distance(statistic: Array, target: Array, positions: int) -> Scalar:
    """Mean of the squared differences of two statistics; the number of positions has no part."""
    del positions
    return jnp.mean(jnp.square(statistic - target))

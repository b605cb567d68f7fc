"""Style losses: a statistic of a feature map, and a distance to that of the style.

Statistics are computed once per style and may be averaged over several; what the distance needs of
their average is computed once, too. Most depend on a map only through sums over its positions.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp

from ..arrays import Array, FeatureMap, Scalar

LEAST_ENERGY = 1e-12
"""The smallest divisor of the relative losses: a black picture has no energy."""


def unchanged(statistic: Array) -> Array:
    """Returns the statistic."""
    return statistic


def mean_square_distance(statistic: Array, target: Array, positions: int) -> Scalar:
    """Mean of the squared differences of two statistics."""
    return jnp.mean(jnp.square(statistic - target))


class StyleLoss(NamedTuple):
    """A statistic of a feature map, and a distance between two statistics.

    Your own goes where a name would: `Config(style_loss=StyleLoss(…))`. Keep its functions at
    module level, because compiled programs are found by them; no checkpoint or settings file can
    hold it.

    Attributes:
        sums: ([h, w, C], position weights [h, w] or None) -> an array or a tree of arrays, each a
            sum over positions whose terms are 0 where the features are 0: setting positions to 0
            leaves them out, and the sums of parts of a map add up to those of the map.
            With a `fit`, not sums but whatever `statistic` needs of the whole map.
        statistic: (sums, number of positions h·w) -> an array or a tree of arrays.
        distance: (statistic, aim, number of positions h·w) -> scalar.
        aim: target statistic -> an array or a tree of arrays that `distance` compares with.
        fit: for a statistic with an entry per position: (target statistic, number of positions of
            the generated image) -> target statistic of that size. None for statistics whose size
            does not depend on the map's.
        sums_of_whole: as `sums`, but for a whole map; the result is never added up and may be of
            another type that `statistic` accepts.
        takes_roots: whether the distance takes a matrix root over the channels, which costs extra
            time and memory.

    Example, which compares the mean of each channel, by Huang and Belongie, "Arbitrary style
    transfer in real-time with adaptive instance normalization", ICCV 2017, eq. 13, its first term:
        >>> def sums(features, weights=None):
        ...     weighted = features if weights is None else features * weights[..., None]
        ...     return jnp.sum(weighted, (0, 1))
        >>> def mean(sums, positions):
        ...     return sums / positions
        >>> def distance(mean, target, positions):
        ...     return jnp.sqrt(jnp.sum(jnp.square(mean - target)))
        >>> import jnst
        >>> config = jnst.Config(style_loss=jnst.StyleLoss(sums, mean, distance))
        >>> config.style_loss.of_map(jnp.ones((2, 3, 4))).tolist()
        [1.0, 1.0, 1.0, 1.0]
    """

    sums: Callable[..., Any]
    statistic: Callable[[Any, int], Any]
    distance: Callable[[Any, Any, int], Scalar] = mean_square_distance
    aim: Callable[[Any], Any] = unchanged
    fit: Callable[[Any, int], Any] | None = None
    sums_of_whole: Callable[..., Any] | None = None
    takes_roots: bool = False

    @property
    def by_sums(self) -> bool:
        """Whether the statistic depends on the map only through sums over its positions."""
        return self.fit is None

    def of_map(self, features: FeatureMap, weights: Array | None = None) -> Any:
        """The statistic of a whole map [h, w, C], with optional position weights of mean 1."""
        height, width, _ = features.shape
        return self.statistic(self.sums(features, weights), height * width)


def mean_of(first: StyleLoss, second: StyleLoss) -> StyleLoss:
    """The mean of two style losses, with the pair of their statistics as its statistic."""
    losses = (first, second)

    def sums(features: FeatureMap, weights: Array | None = None) -> Any:
        return tuple(loss.sums(features, weights) for loss in losses)

    def statistic(sums: Any, positions: int) -> Any:
        pairs = zip(losses, sums, strict=True)
        return tuple(loss.statistic(part, positions) for loss, part in pairs)

    def distance(statistics: Any, aims: Any, positions: int) -> Scalar:
        parts = zip(losses, statistics, aims, strict=True)
        left, right = (loss.distance(part, aim, positions) for loss, part, aim in parts)
        return 0.5 * (left + right)

    def aim(targets: Any) -> Any:
        return tuple(loss.aim(target) for loss, target in zip(losses, targets, strict=True))

    def fit(targets: Any, positions: int) -> Any:
        pairs = zip(losses, targets, strict=True)
        return tuple(loss.fit(target, positions) if loss.fit else target for loss, target in pairs)

    return StyleLoss(
        sums, statistic, distance, aim, None if all(x.by_sums for x in losses) else fit
    )

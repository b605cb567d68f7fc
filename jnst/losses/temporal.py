"""The temporal loss: a painting compared with earlier paintings, carried to its frame by flow.

With earlier paintings w_k, warped to this frame, and their reliabilities c_k in [0, 1],

    L(x) = weight · 1/(3HW) Σ_k Σ_pixels c_k (x − w_k)²

Σ_k c_k (x − w_k)² is C (x − m)² + constant, with C = Σ_k c_k and m = Σ_k c_k w_k / C. So any number
of earlier paintings is one target m with one reliability C (`merged`), and the value here leaves
the constant out. A frame that is farther away only counts where none of the nearer ones is
reliable (`long_term`):

    c_long(j) = max(c(j) − Σ_{k nearer than j} c(k), 0)

Source: Ruder, Dosovitskiy and Brox, "Artistic style transfer for videos", GCPR 2016, eqs. 7 to 10.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from ..arrays import Array, Image, Pixels, Scalar


class TemporalTarget(NamedTuple):
    """What a painting should look like where an earlier one says so; arrays.

    Attributes:
        warped: [H, W, 3], sRGB, the earlier painting at the place of this one.
        reliability: [H, W, 1], 0 where nothing is known, for each pixel apart.
        weight: scalar.
    """

    warped: Array | Pixels
    reliability: Array | Pixels
    weight: Array | float


def temporal_loss(image: Image, target: TemporalTarget) -> Scalar:
    """The weighted temporal loss of an image [H, W, 3].

    >>> target = TemporalTarget(jnp.zeros((1, 2, 3)), jnp.array([[[1.0], [0.0]]]), 8.0)
    >>> float(temporal_loss(jnp.full((1, 2, 3), 0.5), target))
    1.0
    """
    return target.weight * jnp.mean(target.reliability * (image - jnp.asarray(target.warped)) ** 2)


def long_term(reliabilities: Sequence[Pixels]) -> list[Pixels]:
    """The reliabilities c_long, from those of each earlier frame [H, W], the nearest first.

    >>> near, far = np.float32([[1, 0, 0.5]]), np.float32([[1, 1, 1]])
    >>> [c.tolist() for c in long_term([near, far])]
    [[[1.0, 0.0, 0.5]], [[0.0, 1.0, 0.5]]]
    """
    kept: list[Pixels] = []
    nearer: Any = np.float32(0)
    for reliability in reliabilities:
        kept.append(np.maximum(reliability - nearer, np.float32(0)))
        nearer = nearer + reliability
    return kept


def merged(warped: Sequence[Pixels], reliabilities: Sequence[Pixels]) -> tuple[Pixels, Pixels]:
    """(m, C) of several paintings [H, W, 3] and reliabilities [H, W]; C has the shape [H, W, 1].

    Where C is 0, m is the first painting.
    """
    total = np.add.reduce(list(reliabilities))[..., None]
    weighted = np.add.reduce([c[..., None] * w for w, c in zip(warped, reliabilities, strict=True)])
    mean = weighted / np.where(total > 0, total, 1)
    return np.where(total > 0, mean, warped[0]).astype(np.float32), total.astype(np.float32)

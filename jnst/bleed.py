"""The bleed: pixels painted beyond the borders of a picture and cut off, as a printer does.

The network pads with zeros: the maps along a border are unlike those inside, and a style's
statistics pull at them in another way, so that a strip of some 8 pixels comes out with a texture,
and often a colour, of its own. A picture that goes on beyond its borders, as in a mirror, has that
strip where it is cut off.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def with_bleed(values: NDArray[Any], by: int) -> NDArray[Any]:
    """A picture or a mask, [H, W, …], with `by` mirrored pixels more at each border.

    The border's own pixels come twice, as in `jnst.margins`.

    Example:
        >>> with_bleed(np.arange(6).reshape(2, 3), 1)
        array([[0, 0, 1, 2, 2],
               [0, 0, 1, 2, 2],
               [3, 3, 4, 5, 5],
               [3, 3, 4, 5, 5]])
    """
    sides = [(by, by)] * 2 + [(0, 0)] * (values.ndim - 2)
    return np.pad(values, sides, mode="symmetric")


def without_bleed(values: Any, by: int) -> Any:
    """The middle of an array, NumPy or JAX, without what `with_bleed` added.

    Example:
        >>> without_bleed(with_bleed(np.ones((2, 3)), 1), 1).shape
        (2, 3)
    """
    height, width = values.shape[:2]
    return values[by : height - by, by : width - by]

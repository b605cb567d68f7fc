"""The objective of a frame of a film: that of a still picture, and the temporal loss."""

from dataclasses import dataclass
from typing import Any

import jax

from ..arrays import Array
from ..losses.temporal import temporal_loss
from ..optimize.steps import Evaluator, Objective


def steadied(of: Objective | Evaluator) -> Objective | Evaluator:
    """An objective of pictures with the temporal loss added to its total.

    Its last argument is a `TemporalTarget`. It wraps the objective of any engine, whose own program
    stays as it is.
    """
    added = _Steadied(of)
    return Evaluator(added.value_and_gradient, added) if isinstance(of, Evaluator) else added


@dataclass(frozen=True)
class _Steadied:
    of: Objective | Evaluator

    def __call__(self, image: Array, *args: Any) -> tuple[Array, Any]:
        *others, target = args
        value = self.of.value if isinstance(self.of, Evaluator) else self.of
        total, terms = value(image, *others)
        total = total + temporal_loss(image, target)
        return total, terms._replace(total=total)

    def value_and_gradient(self, image: Array, *args: Any) -> tuple[tuple[Array, Any], Array]:
        assert isinstance(self.of, Evaluator)
        *others, target = args
        (total, terms), gradient = self.of.value_and_gradient(image, *others)
        added, by_image = _added(image, target)
        total = total + added
        return (total, terms._replace(total=total)), gradient + by_image


_added = jax.jit(jax.value_and_grad(temporal_loss))

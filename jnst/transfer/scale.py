"""One scale of a transfer: its optimisation, from a start or from a checkpoint."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from ..arrays import Pixels
from ..compute import Way
from ..config import Config
from ..optimize import NotFiniteError
from ..optimize.hyperparameters import method_of, rates_of
from ..optimize.loop import improve
from ..optimize.optimizer import Moments, State, at_other_rates, from_arrays
from .checkpoint import Checkpoint
from .progress import Reporter


def resumed_state(
    checkpoint: Checkpoint, shape: tuple[int, ...], config: Config, steps: int
) -> State:
    """The state of a checkpoint, for a scale that makes so many steps now."""
    before = checkpoint.config.steps_per_scale[checkpoint.scale - 1]
    rates = rates_of(checkpoint.config, before)
    state = from_arrays(checkpoint.state, shape, method_of(config), rates)
    return at_other_rates(state, rates, rates_of(config, steps))


def paint_scale(
    way: Way,
    begin: Array | State,
    args: tuple[Any, ...],
    steps: int,
    config: Config,
    report: Reporter,
    chunk: int,
) -> tuple[Pixels, Moments | None]:
    """Optimises one scale: the painting with its bleed, and what Adam learnt if it is carried on.

    Raises:
        NotFiniteError: with where it left the finite numbers, and the last good painting.
    """
    try:
        found, _ = improve(
            way.objective,
            begin,
            way.arguments(*args),
            steps=steps,
            method=method_of(config),
            rates=rates_of(config, steps),
            chunk=chunk,
            callback=report,
        )
    except NotFiniteError as error:
        where = way.trouble(jnp.asarray(way.painted(error.point)), *args)
        good = None if error.good is None else jnp.asarray(report.finish(way.shown(error.good)))
        raise NotFiniteError(f"{error}{where}", error.point, good) from None
    carry = config.carry and config.optimizer == "adam"
    return way.painted(found()), way.learnt(found.moments()) if carry else None

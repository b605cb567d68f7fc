"""The optimisation of one scale, from an initial image or a checkpoint."""

import jax.numpy as jnp
from jaxtyping import Array

from ..arrays import Pixels
from ..compute import Problem
from ..optimize import NotFiniteError
from ..optimize.hyperparameters import method_of, rates_of
from ..optimize.loop import improve
from ..optimize.optimizer import Moments, State
from .progress import Reporter


def solve(
    problem: Problem, begin: Array | State, steps: int, report: Reporter
) -> tuple[Pixels, Moments | None]:
    """Optimises one scale.

    Args:
        problem: of the scale.
        begin: the first point, or a state; donated.
        steps: in total, including the steps that a state has already made.
        report: called after each chunk.

    Returns:
        The painting with its margin; and Adam's moments without it, if `config.carry`, else None.

    Raises:
        NotFiniteError: with the place of the first NaN or infinity, and the last good painting.
    """
    config, canvas = problem.config, problem.canvas
    try:
        standing, _ = improve(
            problem.objective,
            problem.engine.place_state(begin, config),
            problem.arguments,
            steps=steps,
            method=method_of(config),
            rates=rates_of(config, steps),
            chunk=problem.chunk,
            callback=report,
        )
    except NotFiniteError as error:
        where = problem.diagnose(error.point)
        message = f"{error}; {where}" if where else str(error)
        good = None
        if error.good is not None:
            good = jnp.asarray(report.finish(canvas.visible(error.good)))
        raise NotFiniteError(message, error.point, good) from None
    carried = config.carry and config.optimizer == "adam"
    moments = canvas.moments(standing.moments()) if carried else None
    return canvas.picture(standing()), moments

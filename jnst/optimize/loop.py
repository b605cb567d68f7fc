"""The loop over chunks of steps, with callbacks and recovery from steps that overshoot."""

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from .hyperparameters import Method, Rates
from .optimizer import Moments, State, best, leaf_name, moments, start, to_arrays
from .steps import Evaluator, Objective, run_chunk

_BRAKE = 0.1
_RECOVERIES = 3


class NotFiniteError(FloatingPointError):
    """The objective or its gradient was not finite, even after smaller steps.

    Attributes:
        point: x at the evaluation that was not finite.
        good: x at the last finite evaluation, None if there was none.
    """

    def __init__(self, message: str, point: Array, good: Array | None) -> None:
        super().__init__(message)
        self.point, self.good = point, good


class StateView:
    """Read access to a state for a callback, valid until it returns: calling it computes the
    current result, `arrays()` copies the state for `from_arrays`."""

    def __init__(self, state: State, rates: Rates) -> None:
        self._state, self._rates = state, rates

    def __call__(self) -> Array:
        return best(self._state, self._rates)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return to_arrays(self._state)


class Minimum(NamedTuple):
    """The result of `minimize`."""

    x: Array  # the optimised array
    terms: Any  # of every evaluation of this call, one row per step
    moments: Moments | None  # Adam's; None for L-BFGS


def minimize(
    objective: Objective | Evaluator,
    x: Array | State,
    args: tuple[Any, ...] = (),
    *,
    steps: int,
    method: Method | None = None,
    rates: Rates | None = None,
    chunk: int = 10,
    callback: Callable[[int, Any, StateView], bool | None] | None = None,
) -> Minimum:
    """Minimises `objective(x, *args)` over one array.

    Args:
        objective: (x, *args) -> (scalar value, tree of scalar terms). Keep it at module level: the
            compiled step is cached by its identity. Or an `Evaluator`, which computes its own
            gradient.
        x: any shape, floating point; not modified. Or a state from `from_arrays`, to continue as if
            the run had never stopped; it is donated.
        args: arrays or trees of arrays for the objective.
        steps: total number of evaluations, including those that a state has already made.
        method: optimiser, Adam by default.
        rates: the optimiser's numbers.
        chunk: steps between two calls of `callback`; the first call comes after one step.
        callback: called after each chunk with the number of steps done, the chunk's terms (one row
            per step) and a `StateView`; a true result stops the run.

    A non-finite evaluation is not counted: the point moves back to a tenth of the way from the last
    finite one, the learning rate falls to a tenth, and a RuntimeWarning is issued; at most three
    times. (A line search recovers from overshooting by itself.)

    Raises:
        NotFiniteError: a FloatingPointError, if that did not help or no evaluation was finite; the
            message names the step and the terms. The callback has received all finite steps.
        TypeError: if x is not floating point.
        ValueError: for steps or a chunk below 1, or an average without `Method.averaging`.

    Example:
        >>> def bowl(x, center):
        ...     value = jnp.sum((x - center) ** 2)
        ...     return value, {"value": value}
        >>> center, method = jnp.array([1.0, -2.0]), Method("lbfgs")
        >>> minimum = minimize(bowl, jnp.zeros(2), (center,), steps=9, method=method)
        >>> [round(v, 3) for v in minimum.x.tolist()], minimum.terms["value"].shape
        ([1.0, -2.0], (9,))
    """
    if steps < 1 or chunk < 1:
        raise ValueError(f"steps is {steps} and chunk {chunk}: both must be at least 1")
    method, rates = method or Method(), rates or Rates()
    if rates.average and not method.averaging:
        raise ValueError(f"average is {rates.average}: it takes a method with averaging=True")
    dtype = (x.point if isinstance(x, State) else x).dtype
    if not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(f"x has dtype {dtype}: give floating point numbers")
    rates = rates.arrays(dtype)
    state = x if isinstance(x, State) else start(x, method, rates)
    logs: list[Any] = []
    done = int(state.step)
    while done < steps:
        # The first step alone: it includes the compilation, and the callback is called sooner.
        count = min(chunk - (done - 1) % chunk, steps - done) if done else 1
        state, terms = run_chunk(objective, method, state, rates, args, count, size=chunk)
        failed = not bool(state.finite)
        count = int(state.step) - done if failed else count
        if count:
            logs.append(jax.tree.map(lambda rows, n=count: rows[:n], terms))
            done += count
            if callback and callback(done, logs[-1], StateView(state, rates)):
                break
        if failed:
            bad_terms = jax.tree.map(lambda rows, n=count: rows[n], terms)
            state = _taken_back(state, rates, bad_terms)
    terms = _joined(logs, objective, state.point, args)
    return Minimum(best(state, rates), terms, moments(state) if method.name == "adam" else None)


def _joined(
    logs: list[Any], objective: Objective | Evaluator, x: Array, args: tuple[Any, ...]
) -> Any:
    if logs:
        return jax.tree.map(lambda *rows: np.concatenate(rows), *logs)
    if isinstance(objective, Evaluator):
        _, terms = objective.value(x, *args)
    else:
        _, terms = jax.eval_shape(objective, x, *args)
    return jax.tree.map(lambda t: np.zeros((0, *t.shape), t.dtype), terms)


def _taken_back(state: State, rates: Rates, terms: Any) -> State:
    """The state with its last and all later moves a tenth as long; raises if that is no remedy."""
    step, brake = int(state.step) + 1, float(state.brake)
    leaves = jax.tree.leaves_with_path(terms)
    names = [leaf_name(path) for path, leaf in leaves if not np.isfinite(leaf).all()]
    message = f"the objective or its gradient was not finite at step {step}"
    message += f" ({', '.join(names) or 'gradient'})"
    if step == 1 or brake < 2 * _BRAKE**_RECOVERIES:
        good = None if step == 1 else state.good / rates.unit
        message += "" if step == 1 else ", nor after smaller steps"
        message += "; lower the learning rate or the weights"
        raise NotFiniteError(message, state.point / rates.unit, good)
    attempt = 1 + round(math.log(brake, _BRAKE))
    message += f"; going back, and on with steps of a tenth ({attempt} of {_RECOVERIES} times)"
    warnings.warn(message, RuntimeWarning, stacklevel=3)
    shorter = state.good + _BRAKE * (state.point - state.good)
    return state._replace(
        point=jnp.where(jnp.isfinite(state.point), shorter, state.good),
        # The average already contains the rejected point, so it restarts.
        average=None if state.average is None else state.good * (1.0 - rates.average**step),
        brake=state.brake * _BRAKE,
        finite=jnp.bool_(True),
    )

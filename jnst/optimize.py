"""The loop that improves an array: jitted steps, donated state, one dispatch per step or chunk.

It minimises `objective(x, *args) -> (value, terms)` and knows nothing of pictures. The only file
that knows Optax: Adam comes from there, and `jnst.lbfgs` is dressed as an Optax transformation.

XLA's CPU backend runs the body of a compiled loop on far fewer threads than the same operations
at top level (a VGG step inside `fori_loop` took four times as long), so on CPUs each step is its
own dispatch; elsewhere a whole chunk of steps is one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jaxtyping import Array

from . import lbfgs

Objective = Callable[..., tuple[Array, Any]]


@dataclass(frozen=True)
class Method:
    """The shape of an optimiser, static under `jit`; its numbers are `Rates`.

    Attributes:
        name: "adam" or "lbfgs".
        line_search: for L-BFGS, "zoom" or "none" (see `jnst.lbfgs.update`).
        history: pairs that L-BFGS remembers.
        clamp: after each Adam step, clip x into [0, 1].

    Raises:
        ValueError: for an unknown name or line search, a history below 1, or L-BFGS with clamp:
            a clipped point is not the one whose value and gradient the search was told.
    """

    name: str = "adam"
    line_search: str = "zoom"
    history: int = 20
    clamp: bool = False

    def __post_init__(self) -> None:
        if self.name not in ("adam", "lbfgs"):
            raise ValueError(f"unknown optimiser {self.name!r}: choose adam or lbfgs")
        if self.line_search not in ("zoom", "none"):
            raise ValueError(f"unknown line search {self.line_search!r}: choose zoom or none")
        if self.history < 1:
            raise ValueError(f"history is {self.history}: L-BFGS must remember at least 1 pair")
        if self.name == "lbfgs" and self.clamp:
            raise ValueError("clamp does not go with lbfgs: use adam or clamp=False")


class Rates(NamedTuple):
    """The numbers of an optimiser; arrays or floats, changed without compiling again.

    Attributes:
        learning_rate: Adam's step or L-BFGS's first trial, in units of x · unit.
        beta1, beta2: Adam's decays.
        average: decay of the running average of x, 0 for none.
        unit: the optimiser works on x · unit.
    """

    learning_rate: Array | float = 1.0
    beta1: Array | float = 0.9
    beta2: Array | float = 0.999
    average: Array | float = 0.0
    unit: Array | float = 1.0


class State(NamedTuple):
    """Where an optimisation stands: the point to evaluate next, in units, and what goes with it.

    Attributes:
        point: x · unit, to be evaluated next.
        inner: the Optax state.
        average: the running average of the points, biased towards 0 until corrected.
        step: how many evaluations have been made.
        finite: False once a value or gradient was not finite; the state then stays as it was.
    """

    point: Array
    inner: Any
    average: Array
    step: Array
    finite: Array


def _transformation(method: Method, rates: Rates) -> optax.GradientTransformationExtraArgs:
    if method.name == "adam":
        return optax.with_extra_args_support(
            optax.adam(rates.learning_rate, rates.beta1, rates.beta2)
        )

    def init(x: Array) -> lbfgs.State:
        return lbfgs.init(x, method.history)

    def update(
        gradient: Array, state: lbfgs.State, x: Array | None = None, *, value: Array, **_: Any
    ) -> tuple[Array, lbfgs.State]:
        assert x is not None
        rate = jnp.asarray(rates.learning_rate, x.dtype)
        target, state = lbfgs.update(
            x, value, gradient, state, rate=rate, line_search=method.line_search
        )
        return target - x, state

    return optax.GradientTransformationExtraArgs(init, update)


@partial(jax.jit, static_argnames="method")
def start(x: Array, method: Method, rates: Rates) -> State:
    """The state before the first step; x is copied, so it survives the donation of the state."""
    point = x * rates.unit
    inner = _transformation(method, rates).init(point)
    return State(point, inner, jnp.zeros_like(point), jnp.int32(0), jnp.bool_(True))


def _step(
    objective: Objective, method: Method, state: State, rates: Rates, args: tuple[Any, ...]
) -> tuple[State, Any]:
    x = state.point / rates.unit
    (value, terms), gradient = jax.value_and_grad(objective, has_aux=True)(x, *args)
    gradient = gradient / rates.unit
    finite = jnp.isfinite(value) & jnp.all(jnp.isfinite(gradient))
    # A line search recovers from a trial that overshot; only its first point must be finite.
    searching = method.name == "lbfgs" and method.line_search == "zoom"
    usable = (finite | (state.step > 0)) if searching else finite
    transformation = _transformation(method, rates)
    updates, inner = transformation.update(gradient, state.inner, state.point, value=value)
    point = optax.apply_updates(state.point, updates)
    if method.clamp:
        point = jnp.clip(point, 0.0, rates.unit)
    average = rates.average * state.average + (1.0 - rates.average) * point
    finite = state.finite & usable
    keep = partial(jax.tree.map, partial(jnp.where, finite))
    # L-BFGS itself refuses what is not finite; choosing between its buffers would copy them.
    inner = inner if isinstance(inner, lbfgs.State) else keep(inner, state.inner)
    point, average = keep((point, average), (state.point, state.average))
    return State(point, inner, average, state.step + finite, finite), terms


_single = jax.jit(_step, static_argnames=("objective", "method"), donate_argnames="state")


@partial(jax.jit, static_argnames=("objective", "method", "size"), donate_argnames="state")
def _fused(
    objective: Objective,
    method: Method,
    state: State,
    rates: Rates,
    args: tuple[Any, ...],
    count: Array,
    size: int,
) -> tuple[State, Any]:
    shapes = jax.eval_shape(lambda s: _step(objective, method, s, rates, args)[1], state)
    log = jax.tree.map(lambda t: jnp.zeros((size, *t.shape), t.dtype), shapes)

    def body(i: Array, carry: tuple[State, Any]) -> tuple[State, Any]:
        state, log = carry
        state, terms = _step(objective, method, state, rates, args)
        return state, jax.tree.map(lambda rows, t: rows.at[i].set(t), log, terms)

    return lax.fori_loop(0, count, body, (state, log))


def run_chunk(
    objective: Objective,
    method: Method,
    state: State,
    rates: Rates,
    args: tuple[Any, ...],
    count: int,
    *,
    size: int | None = None,
    fused: bool | None = None,
) -> tuple[State, Any]:
    """Makes `count` steps; `state` is donated.

    Args:
        objective: (x, *args) -> (scalar value, tree of scalar terms).
        method: static shape of the optimiser.
        state: from `start` or the previous chunk.
        rates: its numbers.
        args: passed on to the objective, as arrays, never closed over.
        count: how many steps.
        size: the largest count that will be asked for (a fused chunk compiles once per size).
        fused: one dispatch for the whole chunk; by default everywhere but on CPUs.

    Returns:
        The new state and the terms, NumPy arrays with one row per step.
    """
    fused = jax.default_backend() != "cpu" if fused is None else fused
    if fused:
        size = max(count, size or count)
        state, log = _fused(objective, method, state, rates, args, jnp.int32(count), size)
        return state, jax.tree.map(lambda rows: np.asarray(rows)[:count], log)
    rows = []
    for _ in range(count):
        state, terms = _single(objective, method, state, rates, args)
        rows.append(terms)
    return state, jax.tree.map(lambda *values: np.stack([np.asarray(v) for v in values]), *rows)


def best(state: State, rates: Rates) -> Array:
    """The answer so far: L-BFGS's accepted point, the running average, or Adam's latest point."""
    if isinstance(state.inner, lbfgs.State):
        return state.inner.position / rates.unit
    if float(rates.average) > 0 and int(state.step) > 0:
        correction = 1.0 - float(rates.average) ** int(state.step)
        return state.average / (correction * rates.unit)
    return state.point / rates.unit


def minimize(
    objective: Objective,
    x: Array,
    args: tuple[Any, ...] = (),
    *,
    steps: int,
    method: Method | None = None,
    rates: Rates | None = None,
    chunk: int = 10,
    callback: Callable[[int, Any, Callable[[], Array]], bool | None] | None = None,
) -> tuple[Array, Any]:
    """Minimises `objective(x, *args)` over one array.

    Args:
        objective: (x, *args) -> (scalar value, tree of scalar terms). Keep it at module level: the
            compiled step is cached by its identity.
        x: any shape, floating point; not modified.
        args: arrays or trees of arrays for the objective.
        steps: how many evaluations to make.
        method: optimiser, Adam by default.
        rates: its numbers.
        chunk: steps between two calls of `callback`; it is called first after one step.
        callback: called after each chunk with the number of steps done, the chunk's terms (one row
            per step) and a function that returns the answer so far; a true result stops the run.

    Returns:
        The answer and the terms of every evaluation, one row per step.

    Raises:
        FloatingPointError: if the objective or its gradient is not finite; the message names the
            step. The callback has by then been given the last finite answer.
        TypeError: if x is not floating point.
        ValueError: for a number of steps or a chunk below 1.

    Example:
        >>> def bowl(x, center):
        ...     value = jnp.sum((x - center) ** 2)
        ...     return value, {"value": value}
        >>> method = Method("lbfgs")
        >>> x, log = minimize(bowl, jnp.zeros(2), (jnp.array([1.0, -2.0]),), steps=9, method=method)
        >>> [round(v, 3) for v in x.tolist()], log["value"].shape
        ([1.0, -2.0], (9,))
    """
    if steps < 1 or chunk < 1:
        raise ValueError(f"steps is {steps} and chunk {chunk}: both must be at least 1")
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise TypeError(f"x has dtype {x.dtype}: give floating point numbers")
    method, rates = method or Method(), rates or Rates()
    rates = Rates(*(jnp.asarray(r, x.dtype) for r in rates))
    state = start(x, method, rates)
    logs: list[Any] = []
    done = 0
    while done < steps:
        # The first step alone: it carries the compilation, and whoever watches sees it sooner.
        count = min(chunk, steps - done) if done else 1
        state, terms = run_chunk(objective, method, state, rates, args, count, size=chunk)
        logs.append(terms)
        done += count
        current = state
        stop = callback and callback(done, terms, partial(best, current, rates))
        if not bool(state.finite):
            good = int(state.step)
            raise FloatingPointError(
                f"the objective or its gradient was not finite at step {good + 1}; "
                "lower the learning rate or the weights"
            )
        if stop:
            break
    return best(state, rates), jax.tree.map(lambda *rows: np.concatenate(rows), *logs)

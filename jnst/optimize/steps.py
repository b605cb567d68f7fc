"""The jitted step, alone or in chunks, with donated state; and its compilation in the background.

XLA's CPU backend runs the body of a compiled loop on far fewer threads than the same operations
at top level (a VGG step inside `fori_loop` took four times as long), so on CPUs each step is its
own dispatch; elsewhere a whole chunk of steps is one.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array

from .hyperparameters import Method, Rates
from .optimizer import State, advance, start

Objective = Callable[..., tuple[Array, Any]]


@dataclass(frozen=True)
class Evaluator:
    """An objective that computes its gradient in programs of its own, outside the compiled step."""

    # (x, *args) -> ((value, terms), gradient), as `jax.value_and_grad(objective, has_aux=True)`.
    value_and_gradient: Callable[..., tuple[tuple[Array, Any], Array]]
    value: Objective


def _step(
    objective: Objective, method: Method, state: State, rates: Rates, args: tuple[Any, ...]
) -> tuple[State, Any]:
    x = state.point / rates.unit
    (value, terms), gradient = jax.value_and_grad(objective, has_aux=True)(x, *args)
    return advance(method, state, rates, value, gradient), terms


_advance_alone = jax.jit(advance, static_argnames="method", donate_argnames="state")
_image_of = jax.jit(lambda state, rates: state.point / rates.unit)
# By default XLA's CPU backend schedules operations to run concurrently, although each one alone
# keeps all cores busy. This schedule needs two thirds of the memory; other backends ignore the
# option.
_FRUGAL = {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"}
_single = jax.jit(
    _step,
    static_argnames=("objective", "method"),
    donate_argnames="state",
    compiler_options=_FRUGAL,
)


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
    objective: Objective | Evaluator,
    method: Method,
    state: State,
    rates: Rates,
    args: tuple[Any, ...],
    count: int,
    *,
    size: int | None = None,
    fused: bool | None = None,
) -> tuple[State, Any]:
    """Runs `count` steps; `state`, from `start` or the previous chunk, is donated.

    A fused chunk, by default everywhere but on CPUs, is one dispatch, compiled once for counts up
    to `size`; an evaluator is always called step by step. Returns the new state and the terms,
    NumPy arrays with one row per step.
    """
    fused = jax.default_backend() != "cpu" if fused is None else fused
    if fused and not isinstance(objective, Evaluator):
        size = max(count, size or count)
        state, log = _fused(objective, method, state, rates, args, jnp.int32(count), size)
        return state, jax.tree.map(lambda rows: np.asarray(rows)[:count], log)
    rows = []
    for _ in range(count):
        if isinstance(objective, Evaluator):
            (value, terms), gradient = objective.value_and_gradient(_image_of(state, rates), *args)
            state = _advance_alone(method, state, rates, value, gradient)
        else:
            state, terms = _single(objective, method, state, rates, args)
        rows.append(terms)
    return state, jax.tree.map(lambda *values: np.stack([np.asarray(v) for v in values]), *rows)


def lower_chunk(
    objective: Objective, method: Method, x: Any, rates: Rates, args: tuple[Any, ...], *, size: int
) -> Any:
    """The program of `run_chunk` for chunks of up to `size` steps, traced but not compiled.

    Arrays may be `jax.ShapeDtypeStruct`s of their shapes. Once `compile()` of the result has
    returned, `run_chunk` need not compile.
    """
    state = jax.eval_shape(partial(start, method=method), x, rates=rates)
    if jax.default_backend() != "cpu":
        return _fused.lower(objective, method, state, rates, args, jnp.int32(0), size)
    return _single.lower(objective, method, state, rates, args)


@contextmanager
def compiled_meanwhile(lower: Callable[[], Any]) -> Iterator[None]:
    """Compiles the `jax.stages.Lowered` that `lower` returns in a thread during the block; calls of
    the jitted function after it find the program in JAX's cache.

    XLA releases Python's global lock while it compiles. Errors are suppressed here: the call that
    needs the program compiles it again and raises the same error.
    """

    def work() -> None:
        with suppress(Exception):
            lower().compile()

    thread = threading.Thread(target=work, name="compile", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()

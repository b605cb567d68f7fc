"""L-BFGS as a state machine: each call takes one value and gradient and returns the next point.

The line search is part of the state: `update` takes the value and gradient at the point it asked
for, accepts that point or narrows the interval, and returns the point to evaluate next. A step
costs exactly one evaluation, and the objective stays outside any loop, where XLA's CPU backend runs
it several times faster.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from ..arrays import Array, Scalar
from .line_search import CURVATURE, MAX_TRIALS, Search, begin, highest_value, lowers, narrow

Inverse = Callable[[Array], Array]


class State(NamedTuple):
    """The accepted point, the line search from there, and the stored pairs."""

    position: Array  # the last accepted point, any shape
    value: Scalar  # there, times `scale`
    gradient: Array  # likewise
    direction: Array  # of the line search
    slope: Scalar  # gradient · direction
    search: Search
    steps: Array  # [history, …], a ring buffer of s = Δx
    changes: Array  # [history, …], likewise y = Δgradient
    # [history, history], s of the row's pair times y of the column's; valid where the column's pair
    # is as new or newer.
    products: Array
    scale: Scalar  # factor on values and gradients, from the first gradient (`_scale_of`)
    accepted: Array  # number of points accepted
    stored: Array  # number of pairs stored since the last restart


_dot = partial(jnp.vdot, precision="highest")
_product = partial(jnp.matmul, precision="highest")


def init(x: Array, history: int) -> State:
    """The state before the first evaluation, with room for `history` pairs of x's size."""
    zeros, zero, none = jnp.zeros_like(x), jnp.zeros((), x.dtype), jnp.int32(0)
    return State(
        position=x,
        value=zero,
        gradient=zeros,
        direction=zeros,
        slope=zero,
        search=begin(zero, zero, zero),
        steps=jnp.zeros((history, *x.shape), x.dtype),
        changes=jnp.zeros((history, *x.shape), x.dtype),
        products=jnp.zeros((history, history), x.dtype),
        scale=jnp.ones((), x.dtype),
        accepted=none,
        stored=none,
    )


def _identity(x: Array) -> Array:
    return x


def quasi_newton(gradient: Array, state: State, inverse: Inverse = _identity) -> Array:
    """−H·gradient, with H the inverse Hessian that the pairs define.

    The initial H is γP, with P the map `inverse` and γ = (s·y)/(y·P y) of the newest pair.

    Equal to the two-loop recursion, but with stored products between the pairs it takes four
    products with a large matrix instead of hundreds of small steps. With the pairs as the columns
    of S and Y, from old to new, R the upper triangle of SᵀY and D its diagonal,

        R α = Sᵀ g,   r = γP (g − Y α),   Rᵀ δ = D α − Yᵀ r,   H g = r + S δ.

    References:
        Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 7.4 and eq. 7.20; section
        7.2, "Compact representation of BFGS updating".
    """
    history = state.products.shape[0]
    age = jnp.arange(history)
    # Slots from the oldest pair to the newest; empty slots come first.
    order = (state.stored + age) % history
    filled = age >= history - state.stored
    both_filled = filled[:, None] & filled[None, :]
    identity = jnp.eye(history, dtype=gradient.dtype)
    triangle = jnp.where(both_filled, jnp.triu(state.products[order][:, order]), identity)

    def onto(pairs: Array, vector: Array) -> Array:
        products = _product(pairs.reshape(history, -1), vector.ravel())
        return jnp.where(filled, products[order], 0.0)

    def along(pairs: Array, factors: Array) -> Array:
        factors = jnp.zeros_like(factors).at[order].set(factors)
        return _product(factors, pairs.reshape(history, -1)).reshape(gradient.shape)

    alphas = _solved(triangle, onto(state.steps, gradient), age[::-1])
    newest = order[-1]
    curvature = _dot(state.changes[newest], inverse(state.changes[newest]))
    gamma = jnp.where(filled[-1], triangle[-1, -1] / jnp.where(curvature > 0, curvature, 1.0), 1.0)
    result = gamma * inverse(gradient - along(state.changes, alphas))
    right_side = jnp.diag(triangle) * alphas - onto(state.changes, result)
    return -(result + along(state.steps, _solved(triangle.T, right_side, age)))


def _solved(triangle: Array, right: Array, order: Array) -> Array:
    """Solves triangle · x = right row by row. (On a CPU `lax.linalg` would import SciPy.)"""

    def row(i: Array, x: Array) -> Array:
        k = order[i]
        return x.at[k].set((right[k] - _dot(triangle[k], x)) / triangle[k, k])

    return lax.fori_loop(0, len(order), row, jnp.zeros_like(right))


def _remember(state: State, step: Array, change: Array, wanted: Array, line_search: str) -> State:
    """Stores a wanted pair if its curvature s·y is large enough to keep H positive definite."""
    product = _dot(step, change)
    if line_search == "none":
        enough = product > 1e-10
    else:
        enough = product > 1e-7 * jnp.sqrt(_dot(step, step) * _dot(change, change))
    storable = wanted & enough
    slot = state.stored % state.products.shape[0]
    # One slot of each buffer is written in either case: selecting between whole buffers, as
    # `lax.cond` does, would make XLA copy them at every step.
    return state._replace(
        steps=state.steps.at[slot].set(jnp.where(storable, step, state.steps[slot])),
        changes=state.changes.at[slot].set(jnp.where(storable, change, state.changes[slot])),
        stored=state.stored + storable.astype(jnp.int32),
    )


def _multiplied(state: State) -> State:
    """Adds the products with the newest pair's change."""
    # Not part of `_remember`: XLA copies a buffer that is written and multiplied in one place.
    history = len(state.steps)
    slot = (state.stored - 1) % history
    column = _product(state.steps.reshape(history, -1), state.changes[slot].ravel())
    return state._replace(products=state.products.at[:, slot].set(column))


def _scale_of(gradient: Array) -> Scalar:
    """A power of two that lifts a first gradient below 1 in the L1 norm to between 1 and 2.

    torch.optim.LBFGS would take a tiny first step, and its threshold would store no pair.
    """
    norm = jnp.sum(jnp.abs(gradient))
    lifted = jnp.ldexp(jnp.ones((), gradient.dtype), 1 - jnp.frexp(norm)[1])
    return jnp.where((norm > 0) & (norm < 1), lifted, 1.0)


def _cautious(gradient: Array) -> Scalar:
    """As torch.optim.LBFGS: the first step has an L1 norm of at most 1."""
    return jnp.minimum(1.0, 1.0 / jnp.maximum(jnp.sum(jnp.abs(gradient)), 1e-30))


def _accept(
    x: Array,
    value: Array,
    gradient: Array,
    state: State,
    rate: Array,
    line_search: str,
    inverse: Inverse,
) -> State:
    """Makes x the accepted point and starts a line search from it."""
    state = _multiplied(state)
    direction = quasi_newton(gradient, state, inverse)
    slope = _dot(gradient, direction)
    cautious = _cautious(gradient)
    if line_search == "none":
        step = rate * jnp.where(state.accepted == 0, cautious, 1.0)
    else:
        # Rounding can produce a direction that does not descend: take −gradient.
        descends = slope < 0
        direction = jnp.where(descends, direction, -gradient)
        slope = jnp.where(descends, slope, -_dot(gradient, gradient))
        # Steps grow until the first pair is stored.
        growing = jnp.maximum(cautious, 4.0 * state.search.step)
        natural = jnp.where(state.stored == 0, growing, 1.0)
        step = rate * jnp.where(descends, natural, cautious)
    return state._replace(
        position=x,
        value=value,
        gradient=gradient,
        direction=direction,
        slope=slope,
        search=begin(step, value, slope),
        accepted=state.accepted + 1,
    )


def update(
    x: Array,
    value: Scalar,
    gradient: Array,
    state: State,
    *,
    rate: Scalar,
    line_search: str,
    inverse: Inverse = _identity,
) -> tuple[Array, State]:
    """Takes one evaluation, at the requested point x; returns the next point and the new state.

    Args:
        rate: factor on the first trial step of each search (1 is the natural step).
        line_search: "zoom" accepts a trial under the strong Wolfe conditions (1e-4 and 0.9) and
            otherwise brackets and interpolates, at most 20 trials; "none" accepts every point, as
            torch.optim.LBFGS does, and stores only pairs with s·y > 1e-10, as it does. Neither
            accepts a point where the value or the gradient is not finite.
        inverse: the initial inverse Hessian up to a factor, a symmetric positive definite linear
            map; by default the identity. Equivalent to optimising z with x = T z and T Tᵀ this map.

    Departures: a first gradient below 1 in the L1 norm is lifted to 1, and all later values and
    gradients by the same factor, so that a factor on the objective changes nothing. After 20
    rejected trials the stored pairs are dropped and the search restarts from the last accepted
    point along the negative gradient. Values may rise by a few units of rounding.

    References:
        Nocedal and Wright, Numerical Optimization, 2nd ed., algorithms 3.5, 3.6, 7.5;
        Liu and Nocedal, "On the limited memory BFGS method", 1989.
    """
    finite = jnp.isfinite(value) & jnp.all(jnp.isfinite(gradient))
    first = state.accepted == 0
    scale = jnp.where(first & finite, _scale_of(gradient), state.scale)
    value, gradient, state = value * scale, gradient * scale, state._replace(scale=scale)
    slope = _dot(gradient, state.direction)
    bound = highest_value(state.search, state.value, state.slope)
    accepted = finite
    if line_search == "zoom":
        # The strong curvature condition (eq. 3.7b). Until a pair is stored, decrease alone
        # suffices: the step only finds the scale.
        flat = (jnp.abs(slope) <= -CURVATURE * state.slope) | (state.stored == 0)
        accepted = finite & (first | (lowers(state.search, value, bound) & flat))

    step, change = x - state.position, gradient - state.gradient
    state = _remember(state, step, change, accepted & ~first, line_search)

    accept = partial(_accept, x, value, gradient, state, rate, line_search, inverse)

    def reject() -> State:
        if line_search == "none":
            return state
        search = narrow(state.search, value, slope, bound)
        gave_up = search.trials >= MAX_TRIALS
        restarted = _restart(state, rate)
        return jax.tree.map(partial(jnp.where, gave_up), restarted, state._replace(search=search))

    chosen = lax.cond(accepted, lambda: _light(accept()), lambda: _light(reject()))
    state = chosen._replace(steps=state.steps, changes=state.changes)
    return state.position + state.search.step * state.direction, state


def _light(state: State) -> State:
    """The state with empty buffers, so that `lax.cond` does not copy them."""
    empty = jnp.zeros(0, state.steps.dtype)
    return state._replace(steps=empty, changes=empty)


def _restart(state: State, rate: Array) -> State:
    """Restarts with steepest descent from the accepted point, without the stored pairs."""
    slope = -_dot(state.gradient, state.gradient)
    step = rate * _cautious(state.gradient)
    return state._replace(
        direction=-state.gradient,
        slope=slope,
        search=begin(step, state.value, slope),
        stored=jnp.int32(0),
    )

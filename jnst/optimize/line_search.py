"""A line search one trial at a time, for the strong Wolfe conditions.

φ(t) is the objective along a direction. A trial step t that does not end the search narrows it:
until a bracket is found steps grow fourfold, then the minimiser of a cubic is tried.

References: Nocedal and Wright, Numerical Optimization, 2nd ed., algorithms 3.5, 3.6, eq. 3.7, 3.59.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

SUFFICIENT_DECREASE = 1e-4
CURVATURE = 0.9
MAX_TRIALS = 20


class Search(NamedTuple):
    """One line search from the accepted point along the direction; scalars.

    `low` is the best trial so far and `high` the other end of the bracket, valid once `bracketed`.
    """

    step: Array
    low: Array
    low_value: Array
    low_slope: Array
    high: Array
    high_value: Array
    high_slope: Array
    bracketed: Array
    trials: Array


def begin(step: Array, value: Array, slope: Array) -> Search:
    """A search whose first trial is `step`, from φ(0) = value and φ′(0) = slope."""
    zero = jnp.zeros_like(step)
    unbracketed, no_trials = jnp.bool_(False), jnp.int32(0)
    return Search(step, zero, value, slope, zero, value, slope, unbracketed, no_trials)


def highest_value(search: Search, start_value: Array, start_slope: Array) -> Array:
    """The largest φ(step) that is a sufficient decrease (eq. 3.7a), plus a few units of rounding,
    without which a search in float32 would never end near a minimum."""
    rounding = 4 * jnp.finfo(start_value.dtype).eps * jnp.abs(start_value)
    return start_value + SUFFICIENT_DECREASE * search.step * start_slope + rounding


def lowers(search: Search, value: Array, bound: Array) -> Array:
    """Whether φ(step) = value is a sufficient decrease and the lowest trial so far."""
    return (value <= bound) & ((search.low == 0) | (value < search.low_value))


def _cubic_step(search: Search) -> Array:
    """Eq. 3.59, the minimiser of the cubic, at least a tenth of the interval from both ends."""
    a, b = search.low, search.high
    width = jnp.where(b == a, 1.0, b - a)
    d1 = search.low_slope + search.high_slope - 3 * (search.high_value - search.low_value) / width
    root = jnp.sqrt(jnp.maximum(d1**2 - search.low_slope * search.high_slope, 0.0))
    d2 = jnp.sign(width) * root
    divisor = search.high_slope - search.low_slope + 2 * d2
    t = b - width * (search.high_slope + d2 - d1) / jnp.where(divisor == 0, jnp.nan, divisor)
    margin = 0.1 * jnp.abs(width)
    clipped = jnp.clip(t, jnp.minimum(a, b) + margin, jnp.maximum(a, b) - margin)
    return jnp.where(jnp.isfinite(clipped), clipped, (a + b) / 2)


def narrow(search: Search, value: Array, slope: Array, bound: Array) -> Search:
    """The search after a trial that did not end it: φ(step) = value, φ′(step) = slope."""
    finite = jnp.isfinite(value) & jnp.isfinite(slope)
    value = jnp.where(finite, value, jnp.inf)
    too_high = ~lowers(search, value, bound)
    # As in algorithm 3.6, a lower trial becomes `low`; the old `low` becomes `high` if the minimum
    # lies between the two.
    toward_high = jnp.where(search.bracketed, search.high - search.low, 1.0)
    turned = slope * toward_high >= 0
    moves_high = too_high | turned

    def pick(new_high: Array, old_low: Array, old_high: Array) -> Array:
        return jnp.where(too_high, new_high, jnp.where(turned, old_low, old_high))

    narrowed = Search(
        step=search.step,
        low=jnp.where(too_high, search.low, search.step),
        low_value=jnp.where(too_high, search.low_value, value),
        low_slope=jnp.where(too_high, search.low_slope, slope),
        high=pick(search.step, search.low, search.high),
        high_value=pick(value, search.low_value, search.high_value),
        high_slope=pick(slope, search.low_slope, search.high_slope),
        bracketed=search.bracketed | moves_high,
        trials=search.trials + 1,
    )
    step = jnp.where(narrowed.bracketed, _cubic_step(narrowed), 4.0 * search.step)
    return narrowed._replace(step=step)

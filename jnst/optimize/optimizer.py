"""The state of an optimisation, and its next state after a value and a gradient.

Independent of pictures. The only file that imports Optax, which provides Adam;
`jnst.optimize.lbfgs` is wrapped as an Optax transformation.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array
from numpy.typing import NDArray
from optax.tree_utils import tree_get, tree_set

from . import lbfgs
from .hyperparameters import Method, Rates
from .preconditioner import scale_frequencies

# Losses are means over positions: large pictures or small weights bring a pixel's gradient near
# Adam's usual 1e-8, which would shrink the steps. Only ratios of weights should matter.
_EPSILON = 1e-16


class State(NamedTuple):
    """The state of an optimisation; its points are x · unit."""

    point: Array  # to evaluate next
    inner: Any  # the Optax state
    # The running average of the points, including the first, not corrected for its bias towards 0.
    average: Array | None
    good: Array  # the point of the last finite evaluation
    step: Array  # number of evaluations made
    brake: Array  # factor on the learning rate, 1 until a step is taken back
    finite: Array  # False once a value or gradient was not finite: the state stays unchanged


def _transformation(method: Method, rates: Rates) -> optax.GradientTransformationExtraArgs:
    if method.name == "adam":
        adam = optax.adam(rates.learning_rate, rates.beta1, rates.beta2, eps=_EPSILON)
        if method.precondition:
            # Adam on z with x = T z: T is symmetric, so it maps both gradients and steps.
            scale = optax.stateless(lambda v, _: scale_frequencies(v, method.precondition))
            adam = optax.chain(scale, adam, scale)
        return optax.with_extra_args_support(adam)

    def init(x: Array) -> lbfgs.State:
        return lbfgs.init(x, method.history)

    def update(
        gradient: Array, state: lbfgs.State, x: Array | None = None, *, value: Array, **_: Any
    ) -> tuple[Array, lbfgs.State]:
        assert x is not None
        rate = jnp.asarray(rates.learning_rate, x.dtype)
        inverse = {}
        if method.precondition:
            inverse["inverse"] = lambda v: scale_frequencies(v, 2 * method.precondition)
        target, state = lbfgs.update(
            x, value, gradient, state, rate=rate, line_search=method.line_search, **inverse
        )
        return target - x, state

    return optax.GradientTransformationExtraArgs(init, update)


@partial(jax.jit, static_argnames="method")
def start(x: Array, method: Method, rates: Rates) -> State:
    """The state before the first step; x is copied, so it survives the donation of the state."""
    point = x * rates.unit
    inner = _transformation(method, rates).init(point)
    return State(
        point=point,
        inner=inner,
        average=(1.0 - rates.average) * point if method.averaging else None,
        good=jnp.zeros_like(point),
        step=jnp.int32(0),
        brake=jnp.ones((), point.dtype),
        finite=jnp.bool_(True),
    )


class Moments(NamedTuple):
    """Adam's moments: the running averages of the gradient and of its square, not corrected for
    their bias, in units of x · unit, and the number of steps in them."""

    mean: Array
    square: Array
    steps: Array


def moments(state: State) -> Moments:
    """Adam's moments, from the state of an Adam run."""
    return Moments(*(tree_get(state.inner, name) for name in ("mu", "nu", "count")))


def with_moments(state: State, other: Moments) -> State:
    """The state of an Adam run with other moments."""
    # Copied: the state is donated to the first step.
    mean, square, count = (jnp.array(values, copy=True) for values in other)
    return state._replace(inner=tree_set(state.inner, mu=mean, nu=square, count=count))


def to_arrays(state: State) -> dict[str, NDArray[Any]]:
    """Copies of the leaves of a state, by name."""
    return {leaf_name(path): np.array(leaf) for path, leaf in jax.tree.leaves_with_path(state)}


def from_arrays(
    arrays: Mapping[str, NDArray[Any]], shape: tuple[int, ...], method: Method, rates: Rates
) -> State:
    """The state of a run over an x of this shape, float32, whose leaves `to_arrays` copied;
    ValueError if they do not match such a run."""
    x = jax.ShapeDtypeStruct(shape, jnp.float32)
    state = jax.eval_shape(lambda x: start(x, method, rates), x)
    leaves, tree = jax.tree.flatten_with_path(state)
    expected = {leaf_name(path): (leaf.shape, leaf.dtype) for path, leaf in leaves}
    if expected != {name: (array.shape, array.dtype) for name, array in arrays.items()}:
        raise ValueError(
            "the saved state of the optimiser does not fit this run: start anew, or use the "
            "version of jnst that saved it"
        )
    # Copied: a donated state may not share its memory with the caller's arrays.
    return jax.tree.unflatten(tree, [jnp.array(arrays[name], copy=True) for name in expected])


def at_other_rates(state: State, before: Rates, now: Rates) -> State:
    """The state of a run that continues with another decay of its average, which is rescaled to the
    bias towards 0 that it would have had with that decay."""
    if state.average is None or before.average == now.average:
        return state
    count = int(state.step) + 1
    factor = (1.0 - float(now.average) ** count) / (1.0 - float(before.average) ** count)
    return state._replace(average=state.average * jnp.float32(factor))


def leaf_name(path: Any) -> str:
    """The name of a leaf by its path from `jax.tree_util`, such as inner.0.mu."""
    return jax.tree_util.keystr(path, simple=True, separator=".")


def advance(method: Method, state: State, rates: Rates, value: Array, gradient: Array) -> State:
    """The state after an evaluation at its point."""
    rate = rates.learning_rate * state.brake
    if method.name == "adam":
        rate = rate * _remaining_rate(rates, state.step)
    rates = rates._replace(learning_rate=rate)
    gradient = gradient / rates.unit
    finite = jnp.isfinite(value) & jnp.all(jnp.isfinite(gradient))
    # A line search recovers from a trial that overshoots; only its first point must be finite.
    searching = method.name == "lbfgs" and method.line_search == "zoom"
    usable = (finite | (state.step > 0)) if searching else finite
    transformation = _transformation(method, rates)
    with jax.numpy_dtype_promotion("standard"):  # Optax multiplies floats by its integer count
        updates, inner = transformation.update(gradient, state.inner, state.point, value=value)
    point = optax.apply_updates(state.point, updates)
    if method.clamp:
        point = jnp.clip(point, 0.0, rates.unit)
    average = None
    if state.average is not None:
        average = rates.average * state.average + (1.0 - rates.average) * point
    finite = state.finite & usable
    keep = partial(jax.tree.map, partial(jnp.where, finite))
    # L-BFGS itself rejects non-finite trials; selecting between its buffers would copy them.
    inner = inner if isinstance(inner, lbfgs.State) else keep(inner, state.inner)
    point, average, good = keep(
        (point, average, state.point), (state.point, state.average, state.good)
    )
    step = state.step + finite.astype(jnp.int32)
    return State(point, inner, average, good, step, state.brake, finite)


def _remaining_rate(rates: Rates, step: Array) -> Array:
    """The remaining share of the learning rate, after Loshchilov and Hutter, "SGDR: stochastic
    gradient descent with warm restarts", ICLR 2017, eq. 5, within one cycle."""
    progress = jnp.minimum(step.astype(jnp.asarray(rates.steps).dtype) / rates.steps, 1.0)
    return rates.decay + (1.0 - rates.decay) * 0.5 * (1.0 + jnp.cos(jnp.pi * progress))


def best(state: State, rates: Rates) -> Array:
    """The current result: L-BFGS's accepted point, the running average, or Adam's latest point."""
    if isinstance(state.inner, lbfgs.State):
        return state.inner.position / rates.unit
    if state.average is not None and int(state.step) > 0:
        correction = 1.0 - float(rates.average) ** (int(state.step) + 1)
        return state.average / (correction * rates.unit)
    # If the last Adam step overshot, it has not been taken back yet.
    return (state.point if bool(state.finite) else state.good) / rates.unit

"""Hyperparameters of a run: the optimiser, as a static value, and its numbers, as arrays."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array

from ..config import Config


@dataclass(frozen=True)
class Method:
    """The structure of an optimiser, static under `jit`; its numbers are `Rates`.

    Attributes:
        name: "adam" or "lbfgs".
        line_search: for L-BFGS, "zoom" or "none" (see `jnst.optimize.lbfgs.update`).
        history: number of pairs that L-BFGS stores.
        clamp: after each Adam step, clip x into [0, 1].
        precondition: for an image x [H, W, …], optimise z, where x is z with its frequencies f
            scaled by f^-precondition (see `jnst.optimize.preconditioner`); 0 for none.
        averaging: whether Adam keeps a running average of x as its result; takes one more array of
            x's size.

    Raises:
        ValueError: for an unknown name, a number out of range, or L-BFGS with clamp (a clipped
            point is not the one that the line search asked for) or averaging.
    """

    name: str = "adam"
    line_search: str = "zoom"
    history: int = 20
    clamp: bool = False
    precondition: float = 0.0
    averaging: bool = False

    def __post_init__(self) -> None:
        if self.name not in ("adam", "lbfgs"):
            raise ValueError(f"unknown optimiser {self.name!r}: choose adam or lbfgs")
        if self.line_search not in ("zoom", "none"):
            raise ValueError(f"unknown line search {self.line_search!r}: choose zoom or none")
        if self.history < 1:
            raise ValueError(f"history is {self.history}: L-BFGS must remember at least 1 pair")
        if not 0 <= self.precondition < math.inf:
            raise ValueError(
                f"precondition is {self.precondition}: it must be a finite number of at least 0"
            )
        if self.name == "lbfgs" and self.clamp:
            raise ValueError("clamp does not go with lbfgs: use adam or clamp=False")
        if self.name == "lbfgs" and self.averaging:
            raise ValueError("averaging does not go with lbfgs: use adam or averaging=False")


class Rates(NamedTuple):
    """The numbers of an optimiser; arrays or floats, changed without recompilation.

    Attributes:
        learning_rate: Adam's step or L-BFGS's first trial, in units of x · unit.
        beta1, beta2: Adam's decay rates.
        average: decay rate of the running average of x; needs `Method.averaging`.
        unit: the optimiser works on x · unit.
        decay: share of Adam's learning rate that remains after `steps` steps, reached along half a
            cosine; 1 for a constant rate.
        steps: number of steps of the run.
    """

    learning_rate: Array | float = 1.0
    beta1: Array | float = 0.9
    beta2: Array | float = 0.999
    average: Array | float = 0.0
    unit: Array | float = 1.0
    decay: Array | float = 1.0
    steps: Array | float = 1.0

    def arrays(self, dtype: DTypeLike = jnp.float32) -> "Rates":
        """The same numbers as arrays, which a compiled step takes."""
        return Rates(*(jnp.asarray(number, dtype) for number in self))


def method_of(config: Config) -> Method:
    """The optimiser that a config names."""
    if config.optimizer == "adam":
        return Method(
            "adam", clamp=config.clamp, precondition=config.precondition, averaging=config.averaging
        )
    return Method("lbfgs", config.line_search, config.history, precondition=config.precondition)


def rates_of(config: Config, steps: int = 1) -> Rates:
    """The optimiser's numbers, for a scale of `steps` steps."""
    adam = config.optimizer == "adam"
    # An average over the last n steps has a decay of 1 − 1/n.
    window = max(1.0, config.average_share * steps)
    return Rates(
        learning_rate=config.learning_rate if adam else 1.0,
        beta1=config.beta1,
        beta2=config.beta2,
        average=(config.average or 1 - 1 / window) if adam else 0.0,
        unit=config.pixel_range,
        decay=config.rate_decay,
        steps=steps,
    )

"""Optimisers: Adam and L-BFGS as Optax transformations, the jitted step, and the loop over steps.

`minimize` takes an objective, a point and a number of steps, and returns the point that they lead
to. `Method` says which optimiser, and is static under `jit`; `Rates` are its numbers.
"""

from .hyperparameters import Method as Method
from .hyperparameters import Rates as Rates
from .loop import NotFiniteError as NotFiniteError
from .loop import minimize as minimize

__all__ = [
    "Method",
    "NotFiniteError",
    "Rates",
    "minimize",
]

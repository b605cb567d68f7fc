"""Optimisers: Adam and L-BFGS as Optax transformations, the jitted step, and the loop over steps.

`minimize` takes an objective, a starting point and a number of steps, and returns the optimised
point. `Method` selects the optimiser and is static under `jit`; `Rates` holds its numbers.
"""

from .hyperparameters import Method as Method
from .hyperparameters import Rates as Rates
from .loop import NotFiniteError as NotFiniteError
from .loop import minimize as minimize

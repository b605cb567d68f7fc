"""The objective and its gradient by windows of the picture: exactly, in bounded memory.

`value_and_gradient` gives what `jax.value_and_grad(jnst.objective, has_aux=True)` gives, up to
rounding, of an image [height, width, 3] and with windows of `tile` pixels; `make_targets` and
`objective` likewise. What lies between the stages of the network is in the host's memory.
"""

from .evaluation import make_targets as make_targets
from .evaluation import objective as objective
from .evaluation import value_and_gradient as value_and_gradient

__all__ = [
    "make_targets",
    "objective",
    "value_and_gradient",
]

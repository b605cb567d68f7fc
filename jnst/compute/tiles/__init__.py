"""The objective and its gradient by windows of the picture: exactly, in bounded memory.

`value_and_gradient` equals `jax.value_and_grad(jnst.objective, has_aux=True)` up to rounding, for
an image [height, width, 3] and windows of `tile` pixels; likewise `make_targets` and `objective`.
"""

from .evaluation import make_targets as make_targets
from .evaluation import objective as objective
from .evaluation import value_and_gradient as value_and_gradient

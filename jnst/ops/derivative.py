"""Functions with a derivative by hand."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax


def with_backward(
    forward: Callable[..., tuple[Any, Any]],
    backward: Callable[..., tuple[Any, ...]],
    constants: tuple[int, ...] = (),
) -> Callable[..., Any]:
    """The function with the value of `forward` and the derivative of `backward`.

    Args:
        forward: arguments -> (value, residuals).
        backward: (constants, residuals, cotangent) -> the cotangent of each other argument.
        constants: the positions of arguments that are not arrays, as for `jax.custom_vjp`.
    """

    @partial(jax.custom_vjp, nondiff_argnums=constants)
    def value(*arguments: Any) -> Any:
        return forward(*arguments)[0]

    value.defvjp(forward, backward)
    return value

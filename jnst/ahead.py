"""Compiling in the background, while the thread that will need the program does something else."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any


@contextmanager
def compiled_meanwhile(lower: Callable[[], Any]) -> Iterator[None]:
    """Compiles during the block, at whose end the program is there for whoever calls the function.

    XLA does not hold Python's lock while it compiles. What goes wrong is not told here: the call
    that needs the program then compiles it, and meets the same error. So does a call under other
    settings, such as `jax.default_matmul_precision`, if they hold in the caller's thread alone.

    Args:
        lower: gives the `jax.stages.Lowered` of a jitted function; JAX remembers what it is
            compiled to.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> double = jax.jit(lambda x: 2 * x)
        >>> with compiled_meanwhile(lambda: double.lower(jnp.ones(3))):
        ...     x = jnp.arange(3.0)
        >>> double(x).tolist()
        [0.0, 2.0, 4.0]
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

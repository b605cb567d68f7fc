"""Where the optimiser's arrays live while a picture is computed by windows.

By windows, an accelerator holds one window and what is kept of the others. The picture, its
gradient and what the optimiser remembers are as large as ever, L-BFGS's pairs above all. They are
touched once a step, in order: so, where they would take too much of the accelerator's memory, they
live in the host's, and the optimiser's own arithmetic is done there.
"""

from contextlib import suppress

import jax

from .config import Config
from .memory import state_bytes
from .system import free_memory

# Windows and what is kept of them need the rest.
_MOST = 0.5


def home(config: Config, height: int, width: int) -> jax.Device | None:
    """The device to put the optimiser's state on, None for that which computes.

    Example:
        >>> home(Config(), 64, 64) is None
        True
    """
    if jax.default_backend() == "cpu" or state_bytes(config, height, width) <= (
        _MOST * free_memory()
    ):
        return None
    with suppress(RuntimeError):  # JAX was told to do without it
        return jax.local_devices(backend="cpu")[0]
    return None

"""The command `jnst`: words in, a painting out.

`main` takes the words and returns the exit code. On the way they become a request (`options`), its
pictures, a forecast, a painting and a file; of many paintings each in turn (`batch`). `commands`
are those that paint nothing: `jnst filters`, `jnst curves`, `jnst weights`.
"""

from .command import main as main

__all__ = ["main"]

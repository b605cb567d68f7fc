"""The command `jnst`: command-line words in, a painting out.

`main` takes the words and returns the exit code. `options` parses them into a request, which is
painted and written to a file; `batch` makes several paintings in turn. `commands` holds the
subcommands that paint nothing: `jnst filters`, `jnst curves` and `jnst weights`.
"""

from .command import main as main

__all__ = ["main"]

"""The command `jnst`: command-line words in, a painting out.

`main` takes the words and returns the exit code. `options` parses them into a request, which is
painted and written to a file; `batch` makes several paintings in turn, `film` those of a clip.
`commands` holds the subcommands: `jnst video`, and those that paint nothing, `jnst filters`,
`curves`, `weights` and `status`.
"""

from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code.

    Args:
        argv: the words after the program's name; default: those of this process.
    """
    from . import command  # which imports JAX, and `cli.help` does without

    return command.main(argv)

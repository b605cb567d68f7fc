"""The words of a command line: the spelling of options, and the error for wrong words."""

from collections.abc import Iterable

STREAM = "-"
"""Standard input or output, in place of a picture's file."""


class UsageError(ValueError):
    """The command is wrong as written; the message is one line for the user."""


def without(words: Iterable[str], *options: str) -> list[str]:
    """The words without those options and their values.

    >>> without(["--style", "a.png", "b.png", "--size", "9", "--resume=x"], "--style", "--resume")
    ['--size', '9']
    >>> without(["--content", "-", "--size", "9"], "--content")
    ['--size', '9']
    """
    remaining, skipping = [], False
    for word in words:
        if word.startswith("-") and word != STREAM:
            skipping = word.split("=")[0] in options
        if not skipping:
            remaining.append(word)
    return remaining


def option(field: str) -> str:
    """The option of a field of `Config`.

    >>> option("tv_weight")
    '--tv-weight'
    """
    return "--" + field.replace("_", "-")

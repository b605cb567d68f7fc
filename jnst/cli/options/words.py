"""The words of a command line: how options are spelt, and the error of a wrong word."""

from collections.abc import Iterable

STREAM = "-"
"""Standard input or output in the place of a picture's file."""


class UsageError(ValueError):
    """The command cannot be meant as it is written; the message is one line for a person."""


def without(words: Iterable[str], *options: str) -> list[str]:
    """The words but those options and their values.

    >>> without(["--style", "a.png", "b.png", "--size", "9", "--resume=x"], "--style", "--resume")
    ['--size', '9']
    >>> without(["--content", "-", "--size", "9"], "--content")
    ['--size', '9']
    """
    kept, skipping = [], False
    for word in words:
        if word.startswith("-") and word != STREAM:
            skipping = word.split("=")[0] in options
        if not skipping:
            kept.append(word)
    return kept


def option(field: str) -> str:
    """The option of a field of `Config`.

    >>> option("tv_weight")
    '--tv-weight'
    """
    return "--" + field.replace("_", "-")

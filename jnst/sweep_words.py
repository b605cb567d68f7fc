"""The words of `--sweep`."""

from dataclasses import fields
from typing import NamedTuple

from .config import Config
from .parser import UsageError
from .wording import nearest

_NAMES = (*(spec.name for spec in fields(Config)), "preset")


class Sweep(NamedTuple):
    """An option of the run, by the name of its field, and the values to try, as typed."""

    name: str
    values: tuple[str, ...]


def read_sweep(text: str) -> Sweep:
    """What `--sweep name=value,value` says; a list's members are separated by spaces.

    Raises:
        UsageError: for an unknown option, no value, or one that comes twice.

    Example:
        >>> read_sweep("content-weight=1,5"), read_sweep("scales=1,0.5 1").values
        (Sweep(name='content_weight', values=('1', '5')), ('1', '0.5 1'))
        >>> read_sweep("contnt_weight=1,5")
        Traceback (most recent call last):
        ...
        jnst.parser.UsageError: --sweep contnt_weight: no such option; did you mean content_weight?
    """
    name, equals, after = text.partition("=")
    name = name.strip().removeprefix("--").replace("-", "_")
    values = tuple(" ".join(value.split()) for value in after.split(","))
    if not equals or not all(values):
        raise UsageError(f"--sweep {text}: give a name and values, such as content_weight=1,5,20")
    if name not in _NAMES:
        raise UsageError(f"--sweep {name}: no such option; {nearest(name, _NAMES)}")
    if len(set(values)) < len(values):
        raise UsageError(f"--sweep {text}: a value comes twice")
    return Sweep(name, values)


def interpolation(count: int) -> Sweep:
    """From the first of two styles to the second, in so many even steps, both ends among them.

    >>> interpolation(3).values
    ('1 0', '0.5 0.5', '0 1')
    """
    shares = [place / (count - 1) for place in range(count)]
    return Sweep("style_weights", tuple(f"{1 - share:.4g} {share:.4g}" for share in shares))


def read_sweeps(texts: list[str], typed: set[str]) -> tuple[Sweep, ...]:
    """All of them; UsageError if an option is swept twice, or is also in `typed`."""
    sweeps = tuple(map(read_sweep, texts))
    names = [sweep.name for sweep in sweeps]
    for name in names:
        if names.count(name) > 1 or name in typed:
            raise UsageError(f"--sweep {name}: give that option once, swept or fixed")
    return sweeps

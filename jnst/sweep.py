"""Values of options to be tried, each with each: what `--sweep` says, and the words of a cell."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import NamedTuple, get_type_hints

from .config import Config
from .config.effects import idle_fields
from .parser import UsageError, option, without
from .run_options import config_of
from .sweep_words import Sweep as Sweep

Cell = Mapping[str, str]
"""A swept option's name to the value that it has in one place of the grid, as typed."""

_KINDS = get_type_hints(Config)


class Axes(NamedTuple):
    """The grid as a sheet shows it: labels of its rows and of its columns."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]


def cells(sweeps: Sequence[Sweep]) -> list[dict[str, str]]:
    """All places of the grid, the last option changing fastest; one empty place of no sweep.

    >>> cells([Sweep("size", ("9", "8")), Sweep("seed", ("1",))])
    [{'size': '9', 'seed': '1'}, {'size': '8', 'seed': '1'}]
    """
    names = [sweep.name for sweep in sweeps]
    values = itertools.product(*(sweep.values for sweep in sweeps))
    return [dict(zip(names, chosen, strict=True)) for chosen in values]


def axes(sweeps: Sequence[Sweep]) -> Axes:
    """The last option runs along the columns, all before it along the rows.

    >>> axes([Sweep("size", ("9", "8")), Sweep("seed", ("1", "2"))])
    Axes(rows=('size 9', 'size 8'), columns=('seed 1', 'seed 2'))
    """
    *down, across = sweeps
    rows = tuple("\n".join(f"{n} {v}" for n, v in cell.items()) for cell in cells(down))
    return Axes(rows, tuple(f"{across.name} {value}" for value in across.values))


def words_of(cell: Cell) -> list[str]:
    """The options that a place of the grid stands for.

    >>> words_of({"scales": "0.5 1", "clamp": "false"})
    ['--scales', '0.5', '1', '--no-clamp']
    """
    words: list[str] = []
    for name, value in cell.items():
        if _KINDS.get(name) is not bool:
            words += [option(name), *(value.split() or [""])]
        elif value in _TRUTH:
            words += [option(name if _TRUTH[value] else f"no_{name}")]
        else:
            raise UsageError(f"--sweep {name}: {value!r} is neither true nor false")
    return words


_TRUTH = {"true": True, "yes": True, "false": False, "no": False}


def for_names(cell: Cell) -> dict[str, str]:
    """What the fields of a template stand for: each option's value, and {sweep} for all.

    >>> for_names({"scales": "0.5 1", "seed": "3"})["sweep"]
    'scales-0.5-1_seed-3'
    """
    values = {name: "-".join(value.split()).replace("/", "-") for name, value in cell.items()}
    return values | {"sweep": "_".join(f"{name}-{value}" for name, value in values.items())}


def effective(every: Iterable[list[str]], styles: int) -> list[list[str]]:
    """The words of each place without the options that have no effect there.

    Args:
        every: the words of each place.
        styles: how many pictures give the style.

    Raises:
        UsageError: for an option that has no effect in any place, or a wrong value.

    Example:
        >>> effective([["--init", "gray", "--seed", "3"], ["--init", "content", "--seed", "3"]], 1)
        [['--init', 'gray', '--seed', '3'], ['--init', 'content']]
    """
    found, useful = [], set()
    reasons: dict[str, str] = {}
    for words in every:
        idle = idle_fields(config_of(words)[1], styles)
        heads = {word.split("=")[0] for word in words}
        for spec in fields(Config):
            spellings = [option(spec.name), option(f"no_{spec.name}")]
            if not heads.intersection(spellings):
                continue
            if spec.name in idle:
                words = without(words, *spellings)
                reasons.setdefault(spec.name, idle[spec.name])
            else:
                useful.add(spec.name)
        found.append(words)
    for name, why in reasons.items():
        if name not in useful:
            raise UsageError(why)
    return found

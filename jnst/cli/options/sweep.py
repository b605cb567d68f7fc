"""Sweeps: values of options to be tried in all combinations, and the words of each cell."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import NamedTuple, get_type_hints

from ...config import Config
from ...config.effects import idle_fields
from ...wording import nearest
from .config import config_of
from .words import UsageError, option, without

Cell = Mapping[str, str]
"""A swept option's name to its value in one cell of the grid, as typed."""

_KINDS = get_type_hints(Config)


class Sweep(NamedTuple):
    """An option of the run, by its field's name, and the values to try, as typed."""

    name: str
    values: tuple[str, ...]


class Axes(NamedTuple):
    """The grid as a sheet shows it: labels of its rows and of its columns."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]


def cells(sweeps: Sequence[Sweep]) -> list[dict[str, str]]:
    """All cells of the grid, the last option changing fastest; without a sweep, one empty cell.

    >>> cells([Sweep("size", ("9", "8")), Sweep("seed", ("1",))])
    [{'size': '9', 'seed': '1'}, {'size': '8', 'seed': '1'}]
    """
    names = [sweep.name for sweep in sweeps]
    values = itertools.product(*(sweep.values for sweep in sweeps))
    return [dict(zip(names, chosen, strict=True)) for chosen in values]


def axes(sweeps: Sequence[Sweep]) -> Axes:
    """The axes of the grid: the last option in the columns, all others in the rows.

    >>> axes([Sweep("size", ("9", "8")), Sweep("seed", ("1", "2"))])
    Axes(rows=('size 9', 'size 8'), columns=('seed 1', 'seed 2'))
    """
    *down, across = sweeps
    rows = tuple("\n".join(f"{n} {v}" for n, v in cell.items()) for cell in cells(down))
    return Axes(rows, tuple(f"{across.name} {value}" for value in across.values))


def words_of(cell: Cell) -> list[str]:
    """The options that a cell of the grid stands for.

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
    """The values of a template's fields: each option's value, and {sweep} for all.

    >>> for_names({"scales": "0.5 1", "seed": "3"})["sweep"]
    'scales-0.5-1_seed-3'
    """
    values = {name: "-".join(value.split()).replace("/", "-") for name, value in cell.items()}
    return values | {"sweep": "_".join(f"{name}-{value}" for name, value in values.items())}


def effective(every: Iterable[list[str]], styles: int) -> list[list[str]]:
    """The words of each cell without the options that have no effect there.

    Args:
        every: the words of each cell.
        styles: number of style pictures.

    Raises:
        UsageError: for an option that has no effect in any cell, or a wrong value.

    Example:
        >>> effective([["--init", "gray", "--seed", "3"], ["--init", "content", "--seed", "3"]], 1)
        [['--init', 'gray', '--seed', '3'], ['--init', 'content']]
    """
    effective_words, useful = [], set()
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
        effective_words.append(words)
    for name, why in reasons.items():
        if name not in useful:
            raise UsageError(why)
    return effective_words


_NAMES = (*(spec.name for spec in fields(Config)), "preset")


def read_sweep(text: str) -> Sweep:
    """Parses `--sweep name=value,value`; the members of a list are separated by spaces.

    Raises:
        UsageError: for an unknown option, no value, or a repeated value.

    Example:
        >>> read_sweep("content-weight=1,5"), read_sweep("scales=1,0.5 1").values
        (Sweep(name='content_weight', values=('1', '5')), ('1', '0.5 1'))
        >>> read_sweep("contnt_weight=1,5")
        Traceback (most recent call last):
        ...
        jnst.cli.options.words.UsageError: --sweep contnt_weight: no such option; did you mean \
content_weight?
    """
    name, equals, after = text.partition("=")
    name = name.strip().removeprefix("--").replace("-", "_")
    values = tuple(" ".join(value.split()) for value in after.split(","))
    if not equals or not all(values):
        raise UsageError(f"--sweep {text}: give a name and values, such as content_weight=1,5,20")
    if name not in _NAMES:
        raise UsageError(f"--sweep {name}: no such option; {nearest(name, _NAMES)}")
    if len({_meaning(name, value) for value in values}) < len(values):
        raise UsageError(f"--sweep {text}: a value comes twice")
    return Sweep(name, values)


def _meaning(name: str, value: str) -> object:
    """A value by which equal settings compare equal: 1 and 1.0, true and yes."""
    if _KINDS.get(name) is bool:
        return _TRUTH.get(value, value)
    try:
        return tuple(map(float, value.split()))
    except ValueError:
        return value


def interpolation(count: int) -> Sweep:
    """A sweep from the first of two styles to the second, `count` even shares, both ends included.

    >>> interpolation(3).values
    ('1 0', '0.5 0.5', '0 1')
    """
    shares = [index / (count - 1) for index in range(count)]
    return Sweep("style_weights", tuple(f"{1 - share:.4g} {share:.4g}" for share in shares))


def read_sweeps(texts: list[str], typed: set[str]) -> tuple[Sweep, ...]:
    """Parses all sweeps; UsageError if an option is swept twice, or is also in `typed`."""
    sweeps = tuple(map(read_sweep, texts))
    names = [sweep.name for sweep in sweeps]
    for name in names:
        if names.count(name) > 1 or name in typed:
            raise UsageError(f"--sweep {name}: give that option once, swept or fixed")
    return sweeps

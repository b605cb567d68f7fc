"""Sweeps: values of options to be tried in all combinations."""

import argparse
import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from ...config import Config
from ...config.checks import field_kind
from ...wording import nearest
from .values import READERS
from .words import UsageError

_KINDS = {spec.name: field_kind(spec) for spec in fields(Config)}
_NAMES = (*_KINDS, "preset")
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}


class Sweep(NamedTuple):
    """An option of the run, by its field's name, and the values to try, by how they were typed."""

    name: str
    values: Mapping[str, Any]


class Cell(NamedTuple):
    """One cell of the grid: each swept option's value, as typed and as a value of its field."""

    labels: dict[str, str]
    values: dict[str, Any]


class Axes(NamedTuple):
    """The grid as a sheet shows it: labels of its rows and of its columns."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]


def cells(sweeps: Sequence[Sweep]) -> list[Cell]:
    """All cells of the grid, the last option changing fastest; without a sweep, one empty cell.

    >>> cells([Sweep("size", {"9": 9, "8": 8})])
    [Cell(labels={'size': '9'}, values={'size': 9}), Cell(labels={'size': '8'}, values={'size': 8})]
    """
    names = [sweep.name for sweep in sweeps]
    chosen = [
        zip(*cell, strict=True) if cell else ((), ())
        for cell in itertools.product(*(sweep.values.items() for sweep in sweeps))
    ]
    return [
        Cell(dict(zip(names, labels, strict=True)), dict(zip(names, values, strict=True)))
        for labels, values in chosen
    ]


def axes(sweeps: Sequence[Sweep]) -> Axes:
    """The axes of the grid: the last option in the columns, all others in the rows.

    >>> axes([Sweep("size", {"9": 9, "8": 8}), Sweep("seed", {"1": 1, "2": 2})])
    Axes(rows=('size 9', 'size 8'), columns=('seed 1', 'seed 2'))
    """
    *down, across = sweeps
    rows = tuple("\n".join(f"{n} {v}" for n, v in cell.labels.items()) for cell in cells(down))
    return Axes(rows, tuple(f"{across.name} {value}" for value in across.values))


def for_names(labels: Mapping[str, str]) -> dict[str, str]:
    """The values of a template's fields: each option's value, and {sweep} for all.

    >>> for_names({"scales": "0.5 1", "seed": "3"})["sweep"]
    'scales-0.5-1_seed-3'
    """
    values = {name: "-".join(value.split()).replace("/", "-") for name, value in labels.items()}
    return values | {"sweep": "_".join(f"{name}-{value}" for name, value in values.items())}


def read_sweep(text: str) -> Sweep:
    """Parses `--sweep name=value,value`; the members of a list are separated by spaces.

    Raises:
        UsageError: for an unknown option, no value, a wrong or a repeated value.

    Example:
        >>> read_sweep("content-weight=1,5")
        Sweep(name='content_weight', values={'1': 1.0, '5': 5.0})
        >>> read_sweep("scales=1,0.5 1").values
        {'1': (1.0,), '0.5 1': (0.5, 1.0)}
        >>> read_sweep("contnt_weight=1,5")
        Traceback (most recent call last):
        ...
        jnst.cli.options.words.UsageError: --sweep contnt_weight: no such option; did you mean \
content_weight?
    """
    name, equals, after = text.partition("=")
    name = name.strip().removeprefix("--").replace("-", "_")
    labels = [" ".join(value.split()) for value in after.split(",")]
    if not equals or not all(labels):
        raise _wrong(text, "give a name and values, such as content_weight=1,5,20")
    if name not in _NAMES:
        raise _wrong(name, f"no such option; {nearest(name, _NAMES)}")
    values = [_read(name, label) for label in labels]
    if any(value in values[:index] for index, value in enumerate(values)):
        raise _wrong(text, "a value comes twice")
    return Sweep(name, dict(zip(labels, values, strict=True)))


def _read(name: str, label: str) -> Any:
    kind, is_list = _KINDS.get(name, (str, False))
    if kind is bool:
        if label not in _TRUTH:
            raise _wrong(name, f"{label!r} is neither true nor false")
        return _TRUTH[label]
    read, _ = READERS[kind]
    try:
        return tuple(map(read, label.split())) if is_list else read(label)
    except argparse.ArgumentTypeError as error:
        raise _wrong(name, str(error)) from None


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(f"--sweep {text}: {why}", "sweep")


def interpolation(count: int) -> Sweep:
    """A sweep from the first of two styles to the second, `count` even shares, both ends included.

    >>> interpolation(3).values
    {'1 0': (1.0, 0.0), '0.5 0.5': (0.5, 0.5), '0 1': (0.0, 1.0)}
    """
    shares = [index / (count - 1) for index in range(count)]
    labels = [f"{1 - share:.4g} {share:.4g}" for share in shares]
    return Sweep("style_weights", {label: _read("style_weights", label) for label in labels})


def read_sweeps(texts: Sequence[str], typed: Collection[str]) -> tuple[Sweep, ...]:
    """Parses all sweeps; UsageError if an option is swept twice, or is also in `typed`."""
    sweeps = tuple(map(read_sweep, texts))
    names = [sweep.name for sweep in sweeps]
    for name in names:
        if names.count(name) > 1 or name in typed:
            raise _wrong(name, "give that option once, swept or fixed")
    return sweeps

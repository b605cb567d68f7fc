"""Figures of each convolution algorithm on this kind of processor: from a table, or measured.

The table, algorithms.json, is made by benchmarks/plan.py on the kinds of processor that it names.
On another kind `jnst.network.trial` measures once, when somebody first asks, for some seconds; what
it finds is kept in the folder `algorithms` of the cache folder and read from then on, so that every
run there chooses alike. The environment variable JNST_PROCESSOR names a kind of the table to go by
instead, or "direct" for none: then nothing is measured.
"""

import json
import os
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import jax

from ..atomic import replace_file
from ..system import processor_kind
from . import trial
from .trial import Row
from .weights import cache_folder

TABLE = Path(__file__).with_name("algorithms.json")
"""What benchmarks/plan.py measured: {kind of processor: {precision: [row]}}, see `Row`."""

_SWITCH = "JNST_PROCESSOR"
_ONE_AT_A_TIME = threading.Lock()


def rows(precision: str) -> list[Row]:
    """The figures for this processor, a row for each shape of convolution that there are any for.

    Args:
        precision: "float32" or "bfloat16".

    Raises:
        ValueError: JNST_PROCESSOR names a kind that the table does not know.
    """
    table, kind = _table(), os.environ.get(_SWITCH)
    if kind == "direct":
        return []
    if kind and kind not in table:
        known = ", ".join(map(repr, table))
        raise ValueError(f"{_SWITCH} is {kind!r}: the table knows {known}; 'direct' goes without")
    kind = kind or processor_kind()
    if kind in table:
        found: list[Row] = table[kind][precision]
        return found
    with _ONE_AT_A_TIME:
        return _own(precision, cache_folder())


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(TABLE.read_text("utf-8"))
    return table


@cache
def _own(precision: str, folder: Path) -> list[Row]:
    """What was measured here before, or is now. A process asks once, kept or not."""
    head = _circumstances(precision)
    name = "-".join(str(part).replace(" ", "-").replace("/", "-") for part in head.values())
    path = folder / "algorithms" / f"{name}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(path.read_text("utf-8"))
        if {part: kept[part] for part in head} == head:
            return [trial.checked(row) for row in kept["rows"]]
    found = trial.measured(precision)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, (json.dumps({**head, "rows": found}, indent=1) + "\n").encode())
    return found


def _circumstances(precision: str) -> dict[str, Any]:
    """What the figures depend on, beside the code."""
    large = "hugetlb=1" in os.environ.get("GLIBC_TUNABLES", "")
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": processor_kind(),
        "cores": count,
        "pages": "large" if large else "small",
        "jax": jax.__version__,
        "precision": precision,
    }

"""Timings of the convolution algorithms on this kind of processor: from a table, or measured.

benchmarks/plan.py makes the table, algorithms.json, on the kinds of processor that it names. On
another kind the first request measures for a few seconds (`jnst.network.trial`). The timings are
stored in the folder `algorithms` of the cache folder and read from then on, so that every run there
chooses alike. The environment variable JNST_PROCESSOR names a kind of the table to use instead, or
"direct" for none: then nothing is measured.
"""

import json
import os
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import jax

from ..files import replace_file
from ..system import processor_kind
from . import trial
from .trial import Row
from .weights import cache_folder

TABLE = Path(__file__).with_name("algorithms.json")
"""The measurements of benchmarks/plan.py: {kind of processor: {precision: [row]}}, see `Row`."""

_SWITCH = "JNST_PROCESSOR"
_ONE_AT_A_TIME = threading.Lock()


def rows(precision: str) -> list[Row]:
    """The timings for this processor, one row per measured shape of convolution, for "float32" or
    "bfloat16"; ValueError if JNST_PROCESSOR names a kind that is not in the table."""
    table, kind = _table(), os.environ.get(_SWITCH)
    if kind == "direct":
        return []
    if kind and kind not in table:
        kinds = ", ".join(map(repr, table))
        raise ValueError(f"{_SWITCH} is {kind!r}: the table knows {kinds}; 'direct' uses none")
    kind = kind or processor_kind()
    if kind in table:
        timings: list[Row] = table[kind][precision]
        return timings
    with _ONE_AT_A_TIME:
        return _measured(precision, cache_folder())


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(TABLE.read_text("utf-8"))
    return table


@cache
def _measured(precision: str, folder: Path) -> list[Row]:
    """The stored timings of this machine, or new ones; computed once per process."""
    setup = _circumstances(precision)
    name = "-".join(str(part).replace(" ", "-").replace("/", "-") for part in setup.values())
    path = folder / "algorithms" / f"{name}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        stored = json.loads(path.read_text("utf-8"))
        if {part: stored[part] for part in setup} == setup:
            return [trial.checked(row) for row in stored["rows"]]
    timings = trial.measure(precision)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, (json.dumps({**setup, "rows": timings}, indent=1) + "\n").encode())
    return timings


def _circumstances(precision: str) -> dict[str, Any]:
    """Everything that the timings depend on, except the code."""
    large_pages = "hugetlb=1" in os.environ.get("GLIBC_TUNABLES", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": processor_kind(),
        "cores": cores,
        "pages": "large" if large_pages else "small",
        "jax": jax.__version__,
        "precision": precision,
    }

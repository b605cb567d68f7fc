"""The log of a run, read, and its losses as curves.

A log has one JSON object per line: first the run's configuration, then for each step
{"step", "scale", "seconds", "content", "style", "tv", "total"}, the losses weighted as they are
minimised, the steps counted over all scales, the seconds since the start.
"""

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

TERMS = ("total", "content", "style", "tv")
_NAMES = {"total": "total", "content": "content", "style": "style", "tv": "total variation"}
# Okabe and Ito's palette, which every kind of colour vision tells apart; in gray, dashes do.
_COLORS = {"total": "#000000", "content": "#0072B2", "style": "#D55E00", "tv": "#009E73"}
_DASHES = {"total": "-", "content": "--", "style": "-", "tv": "-."}
# A content loss that starts near 0 would else leave no room for the others.
_SPAN = 1e7
_NUMBERS = ("step", "scale", "seconds", *TERMS)


def read_log(path: str | os.PathLike[str]) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """Reads the log of a run: its configuration, and one record per step.

    A last line that was cut short, because the run was stopped while it wrote, is left out.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if a line is not what a log holds, with its number, or no step was logged.
    """
    text = Path(path).read_text("utf-8", errors="replace")
    lines = text.split("\n")
    complete, torn = lines[:-1], lines[-1]
    found = [_parsed(path, number, line) for number, line in enumerate(complete, start=1)]
    if torn:
        try:
            found.append(_parsed(path, len(lines), torn))
        except ValueError:
            if not found:
                raise
    config, records = (found[0], found[1:]) if found else ({}, [])
    for number, record in enumerate(records, start=2):
        for key in _NUMBERS:
            if not isinstance(record.get(key), int | float):
                raise ValueError(
                    f"{path}: line {number} has no number {key!r}; a log written by --log has "
                    f"{', '.join(_NUMBERS)} on every line but the first"
                )
    if not records:
        raise ValueError(f"{path}: no step was logged; give the file of a run with --log")
    return config, records


def _parsed(path: str | os.PathLike[str], number: int, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise ValueError(
            f"{path}: line {number} is not a JSON object; give a file written by --log"
        )
    return value


def loss_curves(log: str | os.PathLike[str]) -> Figure:
    """The weighted losses of a run, term by term, over its steps, on a logarithmic scale.

    Dotted lines mark where the next scale begins. A term that is 0 throughout, such as a total
    variation of weight 0, has no place on a logarithmic scale and is named in the legend alone.

    Args:
        log: a file written by `--log`; see `read_log`, whose errors this raises.

    Returns:
        The figure, with one line per term.
    """
    _, records = read_log(log)
    columns = {key: np.array([float(r[key]) for r in records]) for key in _NUMBERS}
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    for term in TERMS:
        _draw_term(axes, columns["step"], columns[term], term)
    axes.set_yscale("log")
    axes.set_ylim(bottom=max(axes.get_ylim()[0], axes.get_ylim()[1] / _SPAN))
    axes.set_xlabel("step")
    axes.set_ylabel("weighted loss (log scale, no unit)")
    total = columns["total"]
    axes.set_title(
        f"Losses of {Path(log).name}: total {total[0]:.4g} → {total[-1]:.4g} "
        f"in {len(records):,} steps, {columns['seconds'][-1]:,.0f} s",
        pad=18,
    )
    _mark_scales(axes, columns["step"], columns["scale"])
    axes.grid(True, which="major", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def _draw_term(axes: Axes, steps: Any, values: Any, term: str) -> None:
    drawable = np.where(np.isfinite(values) & (values > 0), values, math.nan)
    missing = bool(np.isnan(drawable).all())
    axes.plot(
        steps,
        drawable,
        label=_NAMES[term] + (" (0 throughout)" if missing else ""),
        color=_COLORS[term],
        linestyle=_DASHES[term],
        linewidth=2.2 if term == "total" else 1.5,
        alpha=0.75 if term == "total" else 1.0,
        marker="o" if len(values) == 1 else None,
    )


def _mark_scales(axes: Axes, steps: Any, scales: Any) -> None:
    starts = np.flatnonzero(np.diff(scales, prepend=scales[0] - 1))
    if len(starts) < 2:
        return
    for start in starts:
        if start:
            axes.axvline(steps[start], color="#888888", linestyle=":", linewidth=1)
        number = f"{scales[start]:g}"
        axes.annotate(
            number if len(starts) > 6 else f"scale {number}",
            (steps[start], 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 2),
            textcoords="offset points",
            va="bottom",
            fontsize=8,
            color="#555555",
        )

"""A reader for the log of a run, and its loss curves.

A log has one JSON object per line: first the run's configuration, then for each step
{"step", "scale", "seconds", "content", "style", "tv", "total"}. Losses are weighted as in the
objective, steps are counted over all scales, and seconds since the start. The losses of a step are
those before it moves; the last line of a finished run, with "result", has those of its painting.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..files import AnyPath, readable_path

# Name, colour and dashes: Okabe and Ito's palette, distinguishable with every kind of colour
# vision; dashes help in gray.
_TERMS = {
    "total": ("total", "#000000", "-"),
    "content": ("content", "#0072B2", "--"),
    "style": ("style", "#D55E00", "-"),
    "tv": ("total variation", "#009E73", "-."),
}
# Largest ratio on the y axis: a content loss near 0 would otherwise squeeze the other curves.
_SPAN = 1e7
_LARGEST = 10**9
_NUMBERS = ("step", "scale", "seconds", *_TERMS)


def read_log(path: AnyPath) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """Reads the log of a run: its configuration, one record per step, and one of the painting.

    A truncated last line, from a run stopped while writing, is ignored.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if a line is not valid in a log, with its number, or if no step was logged.
    """
    lines = readable_path(path, _LARGEST).read_text("utf-8", errors="replace").split("\n")
    entries: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
        except (json.JSONDecodeError, RecursionError):
            entry = None
        if isinstance(entry, dict):
            entries.append(entry)
        elif number < len(lines) or (line and not entries):
            raise ValueError(
                f"{path}: line {number} is not a JSON object; give a file written by --log"
            )
    config, records = (entries[0], entries[1:]) if entries else ({}, [])
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


def loss_curves(log: AnyPath) -> Figure:
    """The weighted losses of a run, term by term, over its steps, on a logarithmic scale.

    Dotted lines mark the start of the next scale. A term that is 0 throughout, such as a total
    variation of weight 0, appears only in the legend. The errors are those of `read_log`.
    """
    _, records = read_log(log)
    columns = {key: np.array([float(r[key]) for r in records]) for key in _NUMBERS}
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    for term, (name, color, dashes) in _TERMS.items():
        values = columns[term]
        drawable = np.where(np.isfinite(values) & (values > 0), values, math.nan)
        axes.plot(
            columns["step"],
            drawable,
            label=name + (" (0 throughout)" if np.isnan(drawable).all() else ""),
            color=color,
            linestyle=dashes,
            linewidth=2.2 if term == "total" else 1.5,
            alpha=0.75 if term == "total" else 1.0,
            marker="o" if len(values) == 1 else None,
        )
    axes.set_yscale("log")
    axes.set_ylim(bottom=max(axes.get_ylim()[0], axes.get_ylim()[1] / _SPAN))
    axes.set_xlabel("step")
    axes.set_ylabel("weighted loss (log scale, no unit)")
    total = columns["total"]
    axes.set_title(
        f"Losses of {Path(log).name}: total {total[0]:.4g} → {total[-1]:.4g} "
        f"in {columns['step'][-1]:,.0f} steps, {columns['seconds'][-1]:,.0f} s",
        pad=18,
    )
    _mark_scales(axes, columns["step"], columns["scale"])
    axes.grid(True, which="major", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


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

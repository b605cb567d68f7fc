"""The table and the plot of layers.py."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

Row = dict[str, Any]
# Variant, its name for the reader, its colour (Okabe and Ito's, told apart by colour-blind eyes).
VARIANTS = (
    ("loops", "NumPy loops", "#E69F00", "s"),
    ("im2col", "NumPy im2col", "#D55E00", "D"),
    ("ops eager", "ops, eager", "#56B4E9", "o"),
    ("ops", "ops, jitted", "#0072B2", "o"),
    ("jax", "JAX, jitted", "#000000", "|"),
)


def table(payload: Row) -> str:
    """All rows in Markdown, and under them what the project promises of them."""
    names = [title for _, title, _, _ in VARIANTS]
    heads = ["layer", "pass", *names, "ops / JAX", "JAX / itself", "im2col / ops"]
    heads += ["ops' share", "im2col's share", "compile ops", "compile JAX"]
    lines = [
        "Times in milliseconds, medians. Shares are of the rate of a large matrix product. "
        "–: not run, because it would take minutes or there is no such version."
    ]
    lines += ["", f"| {' | '.join(heads)} |", "|---|---|" + "---:|" * (len(heads) - 2)]
    lines += [f"| {' | '.join(_cells(row))} |" for row in payload["rows"]]
    return "\n".join([*lines, "", *_summary(payload)])


def _cells(row: Row) -> list[str]:
    times = [
        f"{1e3 * row['seconds'][name]:.3g}" if name in row["seconds"] else "–"
        for name, _, _, _ in VARIANTS
    ]
    cells = [row["layer"], row["pass"], *times]
    cells += [f"{row['ops_over_jax']:.3f}", f"{row['jax_over_itself']:.3f}"]
    cells += [f"{row['im2col_over_ops']:.1f}" if "im2col_over_ops" in row else "–"]
    shares = ("ops_share", "im2col_share")
    cells += [f"{row[share]:.0%}" if share in row else "–" for share in shares]
    return cells + [f"{1e3 * row['compile_seconds'][name]:.0f}" for name in ("ops", "jax")]


def _summary(payload: Row) -> list[str]:
    rows, peaks = payload["rows"], payload["product_flop_per_second"]
    worst = max(rows, key=lambda row: row["ops_over_jax"])
    noise = max(rows, key=lambda row: abs(row["jax_over_itself"] - 1))
    lines = [
        f"- A float32 matrix product reaches {peaks['jax'] / 1e9:.0f} GFLOP/s in JAX and "
        f"{peaks['numpy'] / 1e9:.0f} in NumPy.",
        f"- Jitted ops over JAX's own, at most: {worst['ops_over_jax']:.3f} "
        f"({worst['layer']}, {worst['pass']}). JAX's own over itself, at the farthest from 1: "
        f"{noise['jax_over_itself']:.3f}.",
    ]
    compared = [row for row in rows if "im2col_over_ops" in row]
    for name in dict.fromkeys(row["pass"] for row in compared):
        row = max(
            (row for row in compared if row["pass"] == name),
            key=lambda row: (row["flop"], row["seconds"]["ops"]),
        )
        lines.append(
            f"- The largest, {row['layer']}, {name}: NumPy im2col takes "
            f"{row['im2col_over_ops']:.1f} times as long as jitted ops. They reach "
            f"{row['im2col_share']:.0%} and {row['ops_share']:.0%} of their matrix product's rate."
        )
    return [*lines, f"- {payload['repeats']} rounds, NumPy {max(1, payload['repeats'] // 5)}."]


def plot(rows: list[Row]) -> Figure:
    """Times on a logarithmic scale, a panel for each pass, a line for each layer."""
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    passes = list(dict.fromkeys(row["pass"] for row in rows))
    figure = Figure(figsize=(13, 1.8 + 0.36 * len(layers)), layout="constrained")
    axes = figure.subplots(1, len(passes), sharex=True, sharey=True)
    for panel, name in zip(axes, passes, strict=True):
        for variant, title, colour, marker in VARIANTS:
            found = [row for row in rows if row["pass"] == name and variant in row["seconds"]]
            times = [1e3 * row["seconds"][variant] for row in found]
            places = [layers.index(row["layer"]) for row in found]
            wide = {"s": 150, "linewidths": 1.8} if marker == "|" else {"s": 42}
            panel.scatter(times, places, c=colour, marker=marker, label=title, zorder=3, **wide)
        title = name if name == "forward" else f"derivative {name}"
        panel.set(title=title, xscale="log", xlabel="milliseconds (less is better)")
        panel.grid(axis="x", which="major", color="#cccccc")
        panel.grid(axis="y", which="major", color="#eeeeee")
    axes[0].set_yticks(np.arange(len(layers)), layers)
    axes[0].invert_yaxis()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(VARIANTS), frameon=False)
    return figure

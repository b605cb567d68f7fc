"""The tables of step.py."""

from typing import Any

Run = dict[str, Any]


def step_table(run: Run) -> str:
    """One network at one size."""
    weights = "trained weights" if run["network"] == "vgg16" else "random weights"
    rates = run["product_flop_per_second"]
    speeds = ", ".join(f"{rate / 1e9:.0f} with {name}" for name, rate in rates.items())
    best = run["torch_best"]
    lines = [
        f"**{run['network']}, {run['size']}²** ({weights}): {run['operations'] / 1e9:.0f} GFLOP in "
        f"direct convolutions; the machine multiplies matrices at {speeds} GFLOP/s, so direct "
        f"float32 would take {run['direct_seconds']:.2f} s.",
        "",
        "| variant | seconds | PyTorch's best float32 over this | over direct "
        "| compile, s | peak, MB | objective off by | gradient cosine |",
        "|---|" + "---:|" * 7,
    ]
    for name, row in run["variants"].items():
        faster = row.get("torch_best_over_this")
        once = " (once)" if len(row["seconds"]) == 1 else ""
        cells = [
            f"{name}{' *' if name == best else ''}",
            f"{row['median']:.3f}{once}",
            f"{faster:.2f}" if faster else "–",
            f"{row['to_direct']:.2f}",
            f"{row['compile_seconds']:.1f}" if row["compile_seconds"] else "–",
            f"{row['peak_mb']:.0f}",
            f"{row['objective_error']:.1e}",
            f"{row['cosine']:.6f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, *_not_run(run)])


def layers_table(run: Run) -> str:
    """Each convolution of one network alone, and under them the sums over the network."""
    rate = run["product_flop_per_second"]["float32"]
    names = list(run["rows"][0]["seconds"])
    heads = [*names, *(f"share {name}" for name in names)]
    lines = [
        f"**{run['network']} at {run['size']}²**, one convolution with bias at a time: "
        f"milliseconds, and the share of the rate of a float32 matrix product ({rate / 1e9:.0f} "
        "GFLOP/s) that its direct operations come to.",
        "",
        f"| layer | pass | times | {' | '.join(heads)} |",
        "|---|---|" + "---:|" * (len(heads) + 1),
    ]
    sums = dict.fromkeys(names, 0.0)
    flop = 0.0
    for row in run["rows"]:
        flop += row["count"] * row["flop"]
        for name in names:
            sums[name] += row["count"] * row["seconds"][name]
        lines.append(_layer_line(row["layer"], row["pass"], row["count"], row, rate))
    total = {"seconds": sums, "flop": flop}
    lines.append(_layer_line("all", "both", sum(r["count"] for r in run["rows"]), total, rate))
    return "\n".join([*lines, *_not_run(run)])


def _layer_line(layer: str, direction: str, count: int, row: Run, rate: float) -> str:
    cells = [layer, direction, str(count)]
    cells += [f"{1e3 * seconds:.1f}" for seconds in row["seconds"].values()]
    cells += [f"{row['flop'] / seconds / rate:.0%}" for seconds in row["seconds"].values()]
    return f"| {' | '.join(cells)} |"


def _not_run(run: Run) -> list[str]:
    return ["", *(f"- {name} did not run: {why}" for name, why in run["not_run"].items())]

"""The planner's table: every convolution of VGG by every algorithm, and how exact each is.

    python benchmarks/plan.py [--sizes 128 256 512] [--repeats 5] [--keep]

For each convolution of VGG-19 from 64 channels up, at pictures of each size: the direct one and
Winograd's tiles of 2, 4 and 6, with bias and ReLU, forward and the derivative by the input apart,
in each precision; seconds by the protocol of measure.py, but the least of them: what else the
machine does only adds to a time. How far the derivative of each is from that of the direct one in
the same precision is told by the norm of the difference over its own.

`--keep` writes the figures to jnst/network/algorithms.json, as those of this kind of processor;
without it they only go to plan.json and plan.md. Memory comes in pages of 2 MB, as `python cli.py`
has it.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common.processes import restart_with_large_pages

if __name__ == "__main__":
    restart_with_large_pages()

import jax
import jax.numpy as jnp
import numpy as np
from common.measure import alternating, compiled, environment, write_results
from common.places import RESULTS

from jnst.network.architecture import CONVOLUTIONS
from jnst.network.timings import TABLE, back, forward
from jnst.ops import transform_kernel
from jnst.ops.winograd import TILES
from jnst.system import processor_kind

WAYS = {"forward": forward, "back": back}
ALGORITHMS = ("direct", *map(str, TILES))
DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}


def shapes(sizes: list[int]) -> list[tuple[int, int, int]]:
    """Channels in, channels out and side of every convolution, without the first."""
    table = {
        (wide, deep, size >> (int(name[4]) - 1))
        for name, wide, deep in CONVOLUTIONS["vgg19"]
        for size in sizes
        if wide >= 64
    }
    return sorted(table)


def measure(wide: int, deep: int, side: int, precision: str, repeats: int) -> dict[str, Any]:
    """One convolution by every algorithm: seconds of each pass, and the derivative's error."""
    draw = np.random.default_rng(0).standard_normal
    scale = np.float32(np.sqrt(2 / (9 * wide)))
    kernel = jnp.asarray(scale * draw((3, 3, wide, deep), np.float32))
    x = jnp.asarray(np.maximum(draw((1, side, side, wide), np.float32), 0))
    y, cotangent = (jnp.asarray(draw((1, side, side, deep), np.float32)) for _ in range(2))
    bias = jnp.zeros(deep)
    works: dict[str, dict[str, Callable[[], Any]]] = {way: {} for way in WAYS}
    compile_seconds: dict[str, dict[str, float]] = {way: {} for way in WAYS}
    results = {}
    for algorithm in ALGORITHMS:
        direct = algorithm == "direct"
        weights = kernel if direct else transform_kernel(kernel, int(algorithm))
        weights = jax.tree.map(lambda array: array.astype(DTYPES[precision]), weights)
        given = (x, y, cotangent, weights, bias)
        for way, function in WAYS.items():
            program, compile_seconds[way][algorithm] = compiled(function, *given)
            works[way][algorithm] = lambda run=program, given=given: run(*given)
        results[algorithm] = np.asarray(works["back"][algorithm](), np.float64)
    size = np.linalg.norm(results["direct"])
    row: dict[str, Any] = {"wide": wide, "deep": deep, "side": side}
    for way in works:
        times = alternating(works[way], repeats)
        row[way] = {
            name: [float(f"{min(times[name]):.3g}"), float(f"{compile_seconds[way][name]:.2g}")]
            for name in ALGORITHMS
        }
    row["from_direct"] = {
        name: float(np.linalg.norm(result - results["direct"]) / size)
        for name, result in results.items()
    }
    return row


def table(rows: dict[str, list[dict[str, Any]]]) -> str:
    """The figures as Markdown: milliseconds, the fastest in bold."""
    lines = [f"Kind of processor: {processor_kind()}. Milliseconds, the least of the rounds."]
    for precision, measured in rows.items():
        names = [name if name == "direct" else f"tiles {name}" for name in ALGORITHMS]
        heads = ["layer", "pass", *names, "direct over best"]
        lines += ["", f"**{precision}**", "", f"| {' | '.join(heads)} |"]
        lines.append("|---|---|" + "---:|" * (len(heads) - 2))
        lines += [_line(row, way) for row in measured for way in WAYS]
        for tile in ALGORITHMS[1:]:
            worst = max(row["from_direct"][tile] for row in measured)
            lines.append(f"\nTiles of {tile}: at most {worst:.1e} from direct.")
    return "\n".join(lines)


def _line(row: dict[str, Any], way: str) -> str:
    seconds = [row[way][name][0] for name in ALGORITHMS]
    best = min(seconds)
    cells = [f"{row['wide']}→{row['deep']}, {row['side']}²", way]
    cells += [f"{1e3 * s:.1f}" if s > best else f"**{1e3 * s:.1f}**" for s in seconds]
    return f"| {' | '.join(cells)} | {seconds[0] / best:.2f} |"


def keep(rows: dict[str, list[dict[str, Any]]]) -> None:
    """Puts the seconds into the planner's table, in the place of this kind of processor."""
    tables = json.loads(TABLE.read_text("utf-8")) if TABLE.exists() else {}
    parts = ("wide", "deep", "side", *WAYS)
    tables[processor_kind()] = {
        precision: [{part: row[part] for part in parts} for row in measured]
        for precision, measured in rows.items()
    }
    kinds = []
    for kind, precisions in sorted(tables.items()):
        blocks = [
            f'  "{precision}": [\n'
            + ",\n".join(f"   {json.dumps(row)}" for row in measured)
            + "\n  ]"
            for precision, measured in precisions.items()
        ]
        kinds.append(f' "{kind}": {{\n' + ",\n".join(blocks) + "\n }")
    TABLE.write_text("{\n" + ",\n".join(kinds) + "\n}\n", "utf-8")


def main() -> None:
    """Reads the command line, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256, 512], metavar="N")
    parser.add_argument("--repeats", type=int, default=5, help="rounds; the least counts")
    parser.add_argument("--keep", action="store_true", help="write jnst/network/algorithms.json")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result files")
    options = parser.parse_args()
    machine = environment()
    rows: dict[str, list[dict[str, Any]]] = {}
    for precision in DTYPES:
        for shape in shapes(options.sizes):
            row = measure(*shape, precision, options.repeats)
            rows.setdefault(precision, []).append(row)
            print(precision, shape, *(row[way] for way in WAYS), flush=True)
    payload = {"environment": machine, "kind": processor_kind(), "rows": rows}
    write_results("plan", payload, table(rows), options.results)
    if options.keep:
        keep(rows)


if __name__ == "__main__":
    main()

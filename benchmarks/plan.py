"""The planner's table: every convolution of VGG by every algorithm, and how exact each is.

    python benchmarks/plan.py [--sizes 128 256 512] [--repeats 5] [--keep]

For each convolution of VGG-19 from 64 channels up, at pictures of each size: the direct one and
Winograd's tiles of 2, 4 and 6, with bias and ReLU, forward and then the derivative by the input, in
each precision; seconds by the protocol of measure.py. How far the derivative of each is from that
of the direct one in the same precision is told by the norm of the difference over its own.

`--keep` writes the figures to jnst/algorithms.json, as those of this kind of processor; without it
they only go to plan.json and plan.md. Memory comes in pages of 2 MB, as `python cli.py` has it.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PAGES = "glibc.malloc.hugetlb=1"
if __name__ == "__main__" and sys.platform == "linux" and "GLIBC_TUNABLES" not in os.environ:
    os.environ["GLIBC_TUNABLES"] = PAGES
    os.execv(sys.executable, [sys.executable, *sys.argv])

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from measure import RESULTS, alternating, compiled, environment, median, write_results  # noqa: E402

from jnst.architecture import CONVOLUTIONS  # noqa: E402
from jnst.ops import conv2d, conv3x3, relu, transform_kernel  # noqa: E402
from jnst.ops.winograd import TILES  # noqa: E402
from jnst.plan import TABLE, processor_kind  # noqa: E402

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


def step(
    kernel: jax.Array, bias: jax.Array, algorithm: str, dtype: Any
) -> tuple[Callable[..., Any], Any]:
    """Value and derivative by the input of one layer, as `jnst.vgg.convolve` computes them."""
    if algorithm == "direct":
        weights = kernel.astype(dtype)

        def layer(x: jax.Array, weights: Any) -> jax.Array:
            narrow = (x.astype(weights.dtype), weights, bias.astype(weights.dtype))
            return relu(conv2d(*narrow, precision="highest").astype(x.dtype))
    else:
        weights = jax.tree.map(
            lambda array: array.astype(dtype), transform_kernel(kernel, int(algorithm))
        )

        def layer(x: jax.Array, weights: Any) -> jax.Array:
            return conv3x3(x, weights, bias, True)

    def run(x: jax.Array, cotangent: jax.Array, weights: Any) -> Any:
        y, back = jax.vjp(lambda x: layer(x, weights), x)
        return y, back(cotangent)[0]

    return run, weights


def measure(wide: int, deep: int, side: int, precision: str, repeats: int) -> dict[str, Any]:
    """One convolution by every algorithm: seconds, and the error of the derivative."""
    draw = np.random.default_rng(0).standard_normal
    scale = np.float32(np.sqrt(2 / (9 * wide)))
    kernel = jnp.asarray(scale * draw((3, 3, wide, deep), np.float32))
    x = jnp.asarray(np.maximum(draw((1, side, side, wide), np.float32), 0))
    cotangent, bias = jnp.asarray(draw((1, side, side, deep), np.float32)), jnp.zeros(deep)
    works, compile_seconds, results = {}, {}, {}
    for algorithm in ALGORITHMS:
        function, weights = step(kernel, bias, algorithm, DTYPES[precision])
        program, compile_seconds[algorithm] = compiled(function, x, cotangent, weights)
        works[algorithm] = lambda run=program, weights=weights: run(x, cotangent, weights)
        results[algorithm] = np.asarray(works[algorithm]()[1], np.float64)
    times = alternating(works, repeats, warm_up=False)
    size = np.linalg.norm(results["direct"])
    return {
        "wide": wide,
        "deep": deep,
        "side": side,
        "seconds": {name: float(f"{median(values):.3g}") for name, values in times.items()},
        "compile": {name: float(f"{value:.2g}") for name, value in compile_seconds.items()},
        "from_direct": {
            name: float(np.linalg.norm(result - results["direct"]) / size)
            for name, result in results.items()
        },
    }


def table(rows: dict[str, list[dict[str, Any]]]) -> str:
    """The figures as Markdown: milliseconds, the fastest in bold."""
    lines = [f"Kind of processor: {processor_kind()}. Milliseconds, forward and derivative."]
    for precision, measured in rows.items():
        names = [name if name == "direct" else f"tiles {name}" for name in ALGORITHMS]
        lines += ["", f"**{precision}**", "", f"| layer | {' | '.join(names)} | direct over best |"]
        lines.append("|---|" + "---:|" * (len(names) + 1))
        for row in measured:
            seconds = row["seconds"]
            best = min(seconds.values())
            cells = [
                f"{1e3 * s:.1f}" if s > best else f"**{1e3 * s:.1f}**" for s in seconds.values()
            ]
            layer = f"{row['wide']}→{row['deep']}, {row['side']}²"
            lines.append(f"| {layer} | {' | '.join(cells)} | {seconds['direct'] / best:.2f} |")
        for tile in ALGORITHMS[1:]:
            worst = max(row["from_direct"][tile] for row in measured)
            lines.append(f"\nTiles of {tile}: at most {worst:.1e} from direct.")
    return "\n".join(lines)


def keep(rows: dict[str, list[dict[str, Any]]]) -> None:
    """Puts the seconds into the planner's table, in the place of this kind of processor."""
    tables = json.loads(TABLE.read_text("utf-8")) if TABLE.exists() else {}
    parts = ("wide", "deep", "side", "seconds", "compile")
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
    parser.add_argument("--repeats", type=int, default=5, help="rounds; the median counts")
    parser.add_argument("--keep", action="store_true", help="write jnst/algorithms.json")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result files")
    options = parser.parse_args()
    machine = environment()
    rows: dict[str, list[dict[str, Any]]] = {}
    for precision in DTYPES:
        for shape in shapes(options.sizes):
            row = measure(*shape, precision, options.repeats)
            rows.setdefault(precision, []).append(row)
            print(precision, shape, row["seconds"], row["from_direct"], flush=True)
    payload = {"environment": machine, "kind": processor_kind(), "rows": rows}
    write_results("plan", payload, table(rows), options.results)
    if options.keep:
        keep(rows)


if __name__ == "__main__":
    main()

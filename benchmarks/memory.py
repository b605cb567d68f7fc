"""Peak memory and seconds per step against pixels: at once, by windows, and PyTorch beside them.

Every row is a process of its own, whose peak is its largest resident set: libraries,
weights, targets, Adam's state and some steps of it. The network is VGG-19 to relu5_1 with random
weights, with the default's five Gram losses and content loss; nothing depends on what it has
learnt. Convolutions are those that a run would choose (`jnst.prepare`), and memory comes in pages
of 2 MB where that can be asked for, as `python cli.py` has it. PyTorch runs the same objective
eagerly, with its memory as it comes. `estimate` is what `jnst.estimate_memory` says. A step's
seconds are the median of those made in `--seconds`, the first, which compiles, left out.

    python benchmarks/memory.py [--sides 256 512 1024 2048 4096] [--whole-up-to 1024]
                                [--torch-up-to 1024] [--tile 384] [--seconds 20]
                                [--style-loss gram-relative]

Another style loss than the default's has no row of PyTorch, and its own files of results.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from common.networks import random_layers
from common.places import RESULTS
from common.processes import LARGE_PAGES, peak_memory, run_worker, worker_environment

CONVOLUTIONS = [
    (f"conv{block}_{index}", width)
    for block, (depth, width) in enumerate(((2, 64), (2, 128), (4, 256), (4, 512), (1, 512)), 1)
    for index in range(1, depth + 1)
]
DEFAULT_LOSS = "gram-relative"


def network_layers() -> dict[str, dict[str, np.ndarray]]:
    widths = [3, *(width for _, width in CONVOLUTIONS)]
    return random_layers((name, widths[i], width) for i, (name, width) in enumerate(CONVOLUTIONS))


def pictures(side: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.random((side, side, 3), np.float32), rng.random((256, 256, 3), np.float32)


def timed(step: Callable[[], Any], seconds: float) -> list[float]:
    """Of each step but the first, of as many as are begun in so many seconds; one at least."""
    step()
    found: list[float] = []
    while sum(found) < seconds:
        begin = time.perf_counter()
        step()
        found.append(time.perf_counter() - begin)
    return found


def run_jnst(side: int, tile: int, seconds: float, style_loss: str) -> dict[str, Any]:
    import jax
    import jax.numpy as jnp

    import jnst
    from jnst import tiles
    from jnst.network import Params
    from jnst.network.preprocessing import CAFFE
    from jnst.optimize import Method, Rates
    from jnst.optimize.optimizer import start
    from jnst.optimize.steps import Evaluator, run_chunk

    params = Params(jax.tree.map(jnp.asarray, network_layers()), "vgg19", CAFFE)
    config = jnst.Config(optimizer="adam", style_loss=style_loss, scales=(1.0,))
    layers_read = config.layers
    params = jnst.prepare(params, tile or side, tile or side, layers=layers_read)
    content, style = pictures(side)
    if tile:
        targets = tiles.make_targets(params, content, [style], config, tile=tile)
        objective = Evaluator(partial(tiles.value_and_gradient, tile=tile), jnst.objective)
    else:
        targets = jnst.make_targets(params, jnp.asarray(content), [jnp.asarray(style)], config)
        objective = jnst.objective
    method, rates = Method("adam"), Rates(unit=255.0).arrays()
    state = start(jnp.asarray(content), method, rates)
    del content, style
    args = (params, targets, jnst.loss_weights(config))

    def step() -> None:
        nonlocal state
        state, _ = run_chunk(objective, method, state, rates, args, 1)
        jax.block_until_ready(state)

    estimate = jnst.estimate_memory(config, side, side, network=params.network, tile=tile or None)
    return {"seconds": timed(step, seconds), "estimate": estimate}


def run_torch(side: int, seconds: float) -> dict[str, Any]:
    from baselines.gram_relative import adam_step

    return {"seconds": timed(adam_step(network_layers(), *pictures(side)), seconds)}


def work(way: str, side: int, tile: int, seconds: float, style_loss: str) -> None:
    """The process of one row: prints its figures as JSON."""
    if way == "torch":
        figures = run_torch(side, seconds)
    else:
        figures = run_jnst(side, tile if way == "windows" else 0, seconds, style_loss)
    print(json.dumps(figures | {"peak": peak_memory()}))


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    rows = []
    for side in options.sides:
        ways = ["windows"]
        ways += ["whole"] if side <= options.whole_up_to else []
        beside = side <= options.torch_up_to and options.style_loss == DEFAULT_LOSS
        ways += ["torch"] if beside else []
        for way in ways:
            words = [__file__, "--worker", way, "--sides", str(side)]
            words += ["--tile", str(options.tile), "--seconds", str(options.seconds)]
            words += ["--style-loss", options.style_loss]
            pages = {} if way == "torch" else LARGE_PAGES
            try:
                figures = run_worker(words, environment=worker_environment(pages))
            except RuntimeError as error:
                print(f"{side}² {way}: {error}", file=sys.stderr)
                continue
            row = {"side": side, "way": way, **figures}
            row["step"] = statistics.median(row["seconds"])
            rows.append(row)
            print(table([row]).splitlines()[-1], flush=True)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| pixels | way | peak, GB | estimate, GB | seconds per step | µs per pixel |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        estimate = f"{row['estimate'] / 1e9:.2f}" if "estimate" in row else "–"
        per_pixel = 1e6 * row["step"] / row["side"] ** 2
        lines.append(
            f"| {row['side']}² | {row['way']} | {row['peak'] / 1e9:.2f} | {estimate} | "
            f"{row['step']:.2f} | {per_pixel:.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[256, 512, 1024, 2048, 4096])
    parser.add_argument("--whole-up-to", type=int, default=1024, help="side of the largest")
    parser.add_argument("--torch-up-to", type=int, default=1024, help="side of the largest")
    parser.add_argument("--tile", type=int, default=384, help="side of a window")
    parser.add_argument("--seconds", type=float, default=20.0, help="of steps in each process")
    parser.add_argument("--style-loss", default=DEFAULT_LOSS, help="of jnst.Config")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result files")
    parser.add_argument("--worker", choices=("whole", "windows", "torch"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.sides[0], options.tile, options.seconds, options.style_loss)
        return
    from common.measure import environment, write_results

    machine = environment()
    rows = measure(options)
    payload = {"environment": machine, "tile": options.tile, "rows": rows}
    payload["style_loss"] = options.style_loss
    name = "memory" if options.style_loss == DEFAULT_LOSS else f"memory_{options.style_loss}"
    told = f"Windows of {options.tile} pixels; style loss {options.style_loss}."
    write_results(name, payload, f"{told}\n\n{table(rows)}", options.results)


if __name__ == "__main__":
    main()

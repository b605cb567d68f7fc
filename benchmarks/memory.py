"""Peak memory and seconds per step against pixels: at once, by windows, and PyTorch beside them.

Every row is a process of its own, whose peak is its largest resident set (`ru_maxrss`): libraries,
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
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

CONVOLUTIONS = [
    (f"conv{block}_{index}", width)
    for block, (depth, width) in enumerate(((2, 64), (2, 128), (4, 256), (4, 512), (1, 512)), 1)
    for index in range(1, depth + 1)
]
CONTENT = "conv4_2"
DEFAULT_LOSS = "gram-relative"


def random_layers() -> dict[str, np.ndarray]:
    """He's initialisation, [3, 3, in, out]."""
    rng, channels, layers = np.random.default_rng(0), 3, {}
    for name, width in CONVOLUTIONS:
        kernel = rng.standard_normal((3, 3, channels, width), np.float32)
        layers[name] = kernel * np.float32((2 / (9 * channels)) ** 0.5)
        channels = width
    return layers


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

    layers = {
        name: {"kernel": jnp.asarray(kernel), "bias": jnp.zeros(kernel.shape[-1])}
        for name, kernel in random_layers().items()
    }
    params = Params(layers, "vgg19", CAFFE)
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
    import torch
    import torch.nn.functional as F

    kernels = {n: torch.tensor(k.transpose(3, 2, 0, 1)) for n, k in random_layers().items()}

    def maps(image: Any) -> dict[str, Any]:
        x, found, block = image, {}, "1"
        for name, kernel in kernels.items():
            if name[4] != block:
                x, block = F.max_pool2d(x, 2), name[4]
            x = F.relu(F.conv2d(x, kernel, padding=1))
            if name.endswith("_1") or name == CONTENT:
                found[name] = x
        return found

    def gram(values: Any) -> Any:
        flat = values.flatten(2)[0]
        return flat @ flat.T / flat.shape[1]

    content, style = (torch.tensor(p.transpose(2, 0, 1)[None]) for p in pictures(side))
    with torch.no_grad():
        kept = maps(content)[CONTENT]
        grams = {n: gram(v) for n, v in maps(style).items() if n != CONTENT}
    image = content.clone().requires_grad_()
    optimizer = torch.optim.Adam([image], lr=1 / 255)

    def step() -> None:
        optimizer.zero_grad()
        found = maps(image)
        loss = ((found[CONTENT] - kept) ** 2).sum() / (kept**2).sum()
        for name, target in grams.items():
            loss = loss + ((gram(found[name]) - target) ** 2).sum() / (target**2).sum()
        loss = loss + 1e-4 * (image.diff(dim=2).square().mean() + image.diff(dim=3).square().mean())
        loss.backward()
        optimizer.step()

    return {"seconds": timed(step, seconds)}


def work(way: str, side: int, tile: int, seconds: float, style_loss: str) -> None:
    """The process of one row: prints its figures as JSON."""
    if way == "torch":
        figures = run_torch(side, seconds)
    else:
        figures = run_jnst(side, tile if way == "windows" else 0, seconds, style_loss)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    figures["peak"] = peak * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps(figures))


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    from measure import LARGE_PAGES

    rows = []
    for side in options.sides:
        ways = ["windows"]
        ways += ["whole"] if side <= options.whole_up_to else []
        beside = side <= options.torch_up_to and options.style_loss == DEFAULT_LOSS
        ways += ["torch"] if beside else []
        for way in ways:
            words = [sys.executable, __file__, "--worker", way, "--sides", str(side)]
            words += ["--tile", str(options.tile), "--seconds", str(options.seconds)]
            words += ["--style-loss", options.style_loss]
            pages = {} if way == "torch" else LARGE_PAGES
            done = subprocess.run(
                words, capture_output=True, text=True, check=False, env=os.environ | pages
            )
            if done.returncode:
                reason = done.stderr.strip().splitlines()[-1:] or ["killed"]
                print(f"{side}² {way}: {reason[0]}", file=sys.stderr)
                continue
            row = {"side": side, "way": way, **json.loads(done.stdout)}
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
    parser.add_argument("--results", type=Path, help="folder of the result files")
    parser.add_argument("--worker", choices=("whole", "windows", "torch"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.sides[0], options.tile, options.seconds, options.style_loss)
        return
    from measure import environment, write_results

    machine = environment()
    rows = measure(options)
    payload = {"environment": machine, "tile": options.tile, "rows": rows}
    payload["style_loss"] = options.style_loss
    folder = {"folder": options.results} if options.results else {}
    name = "memory" if options.style_loss == DEFAULT_LOSS else f"memory_{options.style_loss}"
    told = f"Windows of {options.tile} pixels; style loss {options.style_loss}."
    write_results(name, payload, f"{told}\n\n{table(rows)}", **folder)


if __name__ == "__main__":
    main()

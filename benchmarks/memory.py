"""Peak memory and seconds per step against pixels: at once, by windows, and PyTorch beside them.

Every row is a process of its own, whose peak is its largest resident set (`ru_maxrss`): libraries,
weights, targets, Adam's state and some steps of it. The network is VGG-19 to relu5_1 with random
weights, with the default's five Gram losses and content loss; nothing depends on what it has
learnt. Convolutions are those that a run would choose (`jnst.prepare`). PyTorch runs the same
objective eagerly. `estimate` is what `jnst.estimate_memory` says.

    python benchmarks/memory.py [--sides 256 512 1024 2048 4096] [--whole-up-to 1024]
                                [--torch-up-to 1024] [--tile 384] [--steps 2]
                                [--style-loss gram-relative]

Another style loss than the default's has no row of PyTorch, and its own files of results.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
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


def run_jnst(side: int, tile: int, steps: int, style_loss: str) -> dict[str, Any]:
    import jax
    import jax.numpy as jnp

    import jnst
    from jnst import tiles
    from jnst.method import Method, Rates
    from jnst.optimize import Evaluator, run_chunk, start
    from jnst.vgg import CAFFE, Params

    layers = {
        name: {"kernel": jnp.asarray(kernel), "bias": jnp.zeros(kernel.shape[-1])}
        for name, kernel in random_layers().items()
    }
    params = Params(layers, "vgg19", CAFFE)
    config = jnst.Config(optimizer="adam", style_loss=style_loss)
    layers_read = (*config.style_layers, *config.content_layers)
    params = jnst.prepare(params, tile or side, tile or side, layers=layers_read)
    content, style = pictures(side)
    if tile:
        targets = tiles.make_targets(params, content, [style], config, tile=tile)
        objective = Evaluator(partial(tiles.value_and_gradient, tile=tile), jnst.objective)
    else:
        targets = jnst.make_targets(params, jnp.asarray(content), [jnp.asarray(style)], config)
        objective = jnst.objective
    method, rates = Method("adam"), Rates(*(jnp.float32(rate) for rate in Rates(unit=255.0)))
    state = start(jnp.asarray(content), method, rates)
    del content, style
    args, seconds = (params, targets, jnst.loss_weights(config)), []
    for _ in range(steps):
        begin = time.perf_counter()
        state, _ = run_chunk(objective, method, state, rates, args, 1)
        jax.block_until_ready(state)
        seconds.append(time.perf_counter() - begin)
    estimate = jnst.estimate_memory(config, side, side, tile=tile or None)
    return {"seconds": seconds, "estimate": estimate}


def run_torch(side: int, steps: int) -> dict[str, Any]:
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
    image, seconds = content.clone().requires_grad_(), []
    optimizer = torch.optim.Adam([image], lr=1 / 255)
    for _ in range(steps):
        begin = time.perf_counter()
        optimizer.zero_grad()
        found = maps(image)
        loss = ((found[CONTENT] - kept) ** 2).sum() / (kept**2).sum()
        for name, target in grams.items():
            loss = loss + ((gram(found[name]) - target) ** 2).sum() / (target**2).sum()
        loss = loss + 1e-4 * (image.diff(dim=2).square().mean() + image.diff(dim=3).square().mean())
        loss.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - begin)
    return {"seconds": seconds}


def work(way: str, side: int, tile: int, steps: int, style_loss: str) -> None:
    """The process of one row: prints its figures as JSON."""
    if way == "torch":
        figures = run_torch(side, steps)
    else:
        figures = run_jnst(side, tile if way == "windows" else 0, steps, style_loss)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    figures["peak"] = peak * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps(figures))


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    rows = []
    for side in options.sides:
        ways = ["windows"]
        ways += ["whole"] if side <= options.whole_up_to else []
        beside = side <= options.torch_up_to and options.style_loss == DEFAULT_LOSS
        ways += ["torch"] if beside else []
        for way in ways:
            words = [sys.executable, __file__, "--worker", way, "--sides", str(side)]
            words += ["--tile", str(options.tile), "--steps", str(options.steps)]
            words += ["--style-loss", options.style_loss]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode:
                reason = done.stderr.strip().splitlines()[-1:] or ["killed"]
                print(f"{side}² {way}: {reason[0]}", file=sys.stderr)
                continue
            row = {"side": side, "way": way, **json.loads(done.stdout)}
            # The first step compiles.
            row["step"] = min(row["seconds"][1:] or row["seconds"])
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
    parser.add_argument("--steps", type=int, default=2, help="in each process; the first compiles")
    parser.add_argument("--style-loss", default=DEFAULT_LOSS, help="of jnst.Config")
    parser.add_argument("--results", type=Path, help="folder of the result files")
    parser.add_argument("--worker", choices=("whole", "windows", "torch"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.sides[0], options.tile, options.steps, options.style_loss)
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

"""How soon each optimiser comes to the objective that PyTorch's L-BFGS has after N evaluations.

The objective is neural-style-pt's on the embedded VGG-16, written once more in PyTorch
(`baselines/neural_style_pt.py`) and checked against jnst's, value and gradient, before anything is
timed. Both start from the content and see the same pictures. PyTorch runs in the memory format that
is faster here, channels first or last, as that program calls it: `torch.optim.LBFGS`, rate 1,
history 100; in a process of its own with its memory as it comes. jnst has memory in pages of 2 MB
where Linux gives them, as `python cli.py` has it.
Then `jnst.stylize` runs with each of the optimisers below until it has that objective at full size;
evaluations at the coarser scales are counted apart, their seconds are in.

Compilation is not in the seconds: it is done in a first run of one step per scale, whose seconds
stand in the last column. An evaluation counts when its value is there.

    python benchmarks/time_to_objective.py [--pair CONTENT STYLE]… [--size 256] [--evaluations 400]
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from baselines.neural_style_pt import Objective, improve
from common.measure import environment, median, write_results
from common.places import PICTURES, RESULTS
from common.processes import LARGE_PAGES, restart_with_large_pages

import jnst
from jnst.images import read_image, resize
from jnst.transfer.inputs import styles_at
from jnst.transfer.sizes import drop_small_scales, target_sizes

DEFAULT_PAIR = (str(PICTURES / "chelsea.jpg"), str(PICTURES / "harvest.jpg"))
_SEARCH = {"line_search": "zoom", "history": 20}
_COARSE = {"scales": (0.25, 0.5, 1.0), "upscale": "detail", "steps": (100, 100, 400)}
_ADAM = {"optimizer": "adam", "learning_rate": 10.0}
OPTIMISERS: dict[str, dict[str, Any]] = {
    "as published": {},
    "preconditioned": {"precondition": 0.25},
    "preconditioned, 50 pairs": {"precondition": 0.25, "history": 50},
    "line search, 20 pairs": _SEARCH,
    "line search, preconditioned": {**_SEARCH, "precondition": 0.25},
    "coarse to fine, preconditioned": {**_SEARCH, **_COARSE, "precondition": 0.25},
    "adam": _ADAM,
    "adam, falling rate": {**_ADAM, "rate_decay": 0.05},
}
"""What each row changes in the preset."""


class Problem:
    """One content and style at one size, for both programs."""

    def __init__(self, content: str, style: str, size: int) -> None:
        self.names = (Path(content).stem, Path(style).stem)
        self.config = jnst.preset("neural-style-pt", size=size, init="content")
        self.params = jnst.load_weights("vgg16")
        picture, painting = read_image(content).pixels, read_image(style).pixels
        height, width = target_sizes(picture.shape[0], picture.shape[1], self.config)[-1]
        self.content = np.asarray(resize(picture, height, width, resample=self.config.resample))
        self.style = np.asarray(styles_at([painting], height, width, self.config)[0])
        targets = jnst.make_targets(
            self.params, jnp.asarray(self.content), [jnp.asarray(self.style)], self.config
        )
        self.picture, self.painting = picture, painting
        self.args = (self.params, targets, jnst.loss_weights(self.config))

    def in_torch(self, *, channels_last: bool) -> Objective:
        return Objective(self.params.layers, self.content, self.style, channels_last=channels_last)


def check_agreement(problem: Problem, theirs: Objective) -> dict[str, float]:
    """Raises ArithmeticError unless both programs have one objective.

    Compared between content and style, where neither part vanishes: the value within 1e-4, and the
    gradient's direction within 1e-4 of a cosine of 1.
    """
    noise = np.random.default_rng(0).normal(scale=0.05, size=problem.content.shape)
    pixels = (0.9 * problem.content + noise).astype(np.float32)
    (value, _), gradient = jax.value_and_grad(jnst.objective, has_aux=True)(
        jnp.asarray(pixels), *problem.args
    )
    image = theirs.image(pixels).requires_grad_()
    other = theirs(image)
    other.backward()
    assert image.grad is not None
    turned = 255.0 * image.grad[0].permute(1, 2, 0).numpy()[..., ::-1]
    mine, their = np.asarray(gradient, np.float64).ravel(), turned.astype(np.float64).ravel()
    found = {
        "value": abs(float(value) / other.item() - 1),
        "cosine": float(mine @ their / np.linalg.norm(mine) / np.linalg.norm(their)),
        "length": abs(float(np.linalg.norm(mine) / np.linalg.norm(their)) - 1),
    }
    if max(found["value"], found["length"], 1 - found["cosine"]) > 1e-4:
        raise ArithmeticError(f"jnst's objective and PyTorch's differ: {found}")
    return found


def run_torch(pair: tuple[str, str], size: int, evaluations: int, trial: int) -> dict[str, Any]:
    """PyTorch's run, in the format whose evaluations took less time in a trial of each."""
    problem = Problem(*pair, size)
    formats = {"channels first": False, "channels last": True}
    seconds = {}
    for name, last in formats.items():
        objective = problem.in_torch(channels_last=last)
        _, times = improve(objective, objective.image(problem.content), 1 + trial)
        seconds[name] = median(np.diff(times).tolist())
    faster = min(seconds, key=lambda name: seconds[name])
    objective = problem.in_torch(channels_last=formats[faster])
    agreement = check_agreement(problem, objective)
    values, times = improve(objective, objective.image(problem.content), evaluations)
    return {
        "agreement": agreement,
        "seconds_per_evaluation": seconds,
        "format": faster,
        "values": values,
        "times": times,
        "evaluations": len(values),
        "seconds": times[-1],
    }


def run_jnst(
    problem: Problem, changes: dict[str, Any], target: float, evaluations: int
) -> dict[str, Any]:
    """`jnst.stylize` until it has the target, or for so many evaluations at the last scale,
    fewer where the changes say so.

    Everything between the pictures and the painting is in its time, targets of every scale too; a
    run of one step per scale has compiled it all beforehand.
    """
    config = replace(problem.config, **changes)
    pictures = problem.picture, problem.painting
    config = drop_small_scales(config, pictures[0].shape, [pictures[1].shape])
    last = len(config.scales)
    *coarse, most = config.steps_per_scale
    config = replace(config, steps=(*coarse, min(most, evaluations)))
    rows: list[tuple[int, float, float]] = []
    accepted = dict.fromkeys(range(1, last + 1), 0)

    def watch(progress: jnst.Progress) -> bool:
        value = float(progress.losses.total[0])
        rows.append((progress.scale, value, time.perf_counter() - began))
        done = progress.scale == last and value <= target
        if config.optimizer == "lbfgs" and (done or progress.step in ends):
            state = progress.checkpoint().state
            accepted[progress.scale] = int(state["inner.accepted"])
        return done

    paint = partial(jnst.stylize, problem.params, *pictures)
    began = time.perf_counter()
    paint(replace(config, steps=(1,)))
    first = time.perf_counter() - began
    ends = set(np.cumsum(config.steps_per_scale).tolist())
    began = time.perf_counter()
    paint(config, callback=watch)
    scales, values, times = (list(column) for column in zip(*rows, strict=True))
    per_scale = [scales.count(scale) for scale in range(1, last + 1)]
    return {
        "changes": changes,
        "reached": values[-1] <= target,
        "values": values,
        "times": times,
        "evaluations": per_scale,
        "evaluations_per_step": len(values) / (sum(accepted.values()) or len(values)),
        "seconds": times[-1],
        "first_run_seconds": first,
    }


def _alone(work: Callable[..., Any], *args: Any) -> Any:
    """Its result, from a new process without the large pages."""
    pages = {name: os.environ.pop(name) for name in LARGE_PAGES if name in os.environ}
    try:
        anew = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=anew) as pool:
            return pool.submit(work, *args).result()
    finally:
        os.environ |= pages


def measure(pair: tuple[str, str], size: int, evaluations: int, names: list[str]) -> Any:
    problem = Problem(*pair, size)
    theirs = _alone(run_torch, pair, size, evaluations, min(4, evaluations - 1))
    # The lowest value so far: without a line search the last one may be a step too far.
    target = min(theirs["values"])
    print(f"PyTorch: {theirs['seconds']:.1f} s to {target:,.0f}", file=sys.stderr)
    ours = {}
    for name in names:
        run = ours[name] = run_jnst(problem, OPTIMISERS[name], target, evaluations)
        print(f"{name}: {run['seconds']:.1f} s, {run['evaluations']}", file=sys.stderr)
        run["share_of_torch"] = run["seconds"] / theirs["seconds"]
    height, width = problem.content.shape[:2]
    return {
        "pair": problem.names,
        "pixels": [width, height],
        "target": target,
        "torch": theirs,
        "jnst": ours,
    }


def table(rows: list[Any]) -> str:
    lines = [
        "| optimiser | evaluations at each scale | per step | seconds | share | first run of all |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        width, height = row["pixels"]
        theirs = row["torch"]
        lines += [
            f"| **{' by '.join(row['pair'])}, {width}x{height}, to {row['target']:,.0f}** "
            "| | | | | |",
            f"| PyTorch's L-BFGS, {theirs['format']} | {theirs['evaluations']} | 1.00 "
            f"| {theirs['seconds']:.1f} | 1 | |",
        ]
        for name, run in row["jnst"].items():
            counts = ", ".join(map(str, run["evaluations"]))
            more = "" if run["reached"] else f" (has {min(run['values']):,.0f})"
            lines.append(
                f"| {name} | {counts}{more} | {run['evaluations_per_step']:.2f} "
                f"| {run['seconds']:.1f} | {run['share_of_torch']:.2f} "
                f"| {run['first_run_seconds']:.1f} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--pair",
        nargs=2,
        action="append",
        metavar=("CONTENT", "STYLE"),
        help="two pictures; may be given again (default: the example cat and painting)",
    )
    parser.add_argument("--size", type=int, default=256, help="longer side in pixels")
    parser.add_argument("--evaluations", type=int, default=400, help="that PyTorch makes")
    parser.add_argument(
        "--optimisers", nargs="+", default=list(OPTIMISERS), choices=OPTIMISERS, metavar="NAME"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result files")
    options = parser.parse_args()
    machine = environment() | {"torch": torch.__version__, "threads": torch.get_num_threads()}
    rows = [
        measure(tuple(pair), options.size, options.evaluations, options.optimisers)
        for pair in options.pair or [DEFAULT_PAIR]
    ]
    text = table(rows)
    print(text)
    write_results(
        "time_to_objective", {"environment": machine, "rows": rows}, text, options.results
    )


if __name__ == "__main__":
    restart_with_large_pages()
    main()

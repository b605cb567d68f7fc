"""Seconds per value-and-gradient: jnst against PyTorch and a bare `lax` network, side by side.

    python benchmarks/step.py [--sizes 256 512 1024] [--networks vgg16 vgg19] [--layers 512]

The objective is that of overhead.py: five Gram losses from relu1_1 to relu5_1, content at relu4_2
and total variation. Each variant lives in a process of its own (step_worker.py), so that its peak
memory is its own and its threads sleep while others run. The processes take turns of two steps, of
which the second is timed; medians count, and compilation is apart. Two large matrix products take
part in every round: what the machine can do at that moment. "Direct" is the time that the network's
convolutions, forward and derivative by the image, would take at the rate of the float32 product.

VGG-16 has its trained weights. Those of VGG-19 are drawn at random (He's initialisation, seed 0):
the time does not depend on them. A variant whose call takes longer than 20 s is timed once, and not
at all at a size where by its time at another it would take longer than 5 minutes.

jnst has its memory in pages of 2 MB, as `python cli.py` sets it for itself; PyTorch and lax as they
come, or with `--large-pages all` as jnst.

`--layers SIZE` times each convolution of the networks alone instead, at that size of the image.
Writes step.json and step.md, or step_layers.json and step_layers.md.
"""

import argparse
import os
import random
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from common.measure import alternating, environment, median, ratio, write_results
from common.networks import random_layers
from common.places import PICTURES, RESULTS
from overhead import CONFIG
from step_processes import Process, start_all
from step_report import layers_table, step_table

import jnst
from jnst.compute.cost import step_operations
from jnst.images import read_image, resize
from jnst.network.architecture import CONVOLUTIONS

PRECISIONS = next(
    (field.metadata["choices"] for field in fields(jnst.Config) if field.name == "precision"),
    ("float32",),
)
PRODUCTS = ("product-float32", "product-bfloat16")
VARIANTS = (
    *(f"torch-{way}-float32" for way in ("nchw", "nhwc", "compile")),
    *(f"torch-{way}-bfloat16" for way in ("nchw", "nhwc", "compile")),
    "lax",
    *(f"jnst-{precision}" for precision in PRECISIONS),
)
DEEPEST = "conv5_1"
LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
SLOW = 20.0
PATIENCE = 300.0
PRODUCT_SIDE = 2048


def network_layers(network: str) -> dict[str, Any]:
    """The convolutions up to conv5_1, as NumPy arrays: trained, or drawn by He's rule."""
    table = [row for row in CONVOLUTIONS[network] if row[0] <= DEEPEST]
    if network == "vgg16":
        params = jnst.load_weights("vgg16")
        return {
            name: {part: np.asarray(array) for part, array in params.layers[name].items()}
            for name, _, _ in table
        }
    return random_layers(table)


def write_problem(network: str, size: int, folder: Path) -> None:
    """Puts into the folder what every variant of a step reads: problem.npz."""
    layers = network_layers(network)
    content = resize(read_image(PICTURES / "astronaut.jpg").pixels, size, size)
    style = resize(read_image(PICTURES / "nocturne.jpg").pixels, 256, 256)
    noise = np.random.default_rng(1).standard_normal(content.shape, np.float32)
    params = jnst.Params(layers, network, jnst.load_weights("vgg16").preprocessing)
    targets = jnst.make_targets(params, content, [style], CONFIG)
    arrays = {f"{name}/{part}": a for name, layer in layers.items() for part, a in layer.items()}
    arrays |= {f"gram/conv{name[4:]}": np.asarray(gram) for name, gram in targets.style.items()}
    np.savez(
        folder / "problem.npz",
        picture=content + np.float32(0.1) * noise,
        content=content,
        style=style,
        content_target=np.asarray(targets.content["relu4_2"].features),
        **arrays,
    )


def measure_step(network: str, size: int, variants: list[str], repeats: int) -> dict[str, Any]:
    """One network at one size: what each variant took, and how it agrees with lax."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_problem(network, size, folder)
        job = {"kind": "step", "folder": temporary, "network": network}
        job["product_side"] = PRODUCT_SIDE
        with start_all([*PRODUCTS, *variants], job, folder) as (processes, not_run):
            firsts: dict[str, float] = {}
            for name, process in list(processes.items()):
                kept = None if name in PRODUCTS else folder / f"{name}.npz"
                firsts[name] = _first(process, kept, not_run)
            quick = {name: p for name, p in processes.items() if firsts[name] <= SLOW}
            times = {name: [firsts[name]] for name in processes if firsts[name] < np.inf}
            times |= in_turns(quick, repeats)
            rows = {
                name: {
                    "compile_seconds": _compile_seconds(process, firsts[name], times[name]),
                    "seconds": times[name],
                    "median": median(times[name]),
                    "peak_mb": process.peak_mb,
                }
                for name, process in processes.items()
                if name in times
            }
            for name, facts in agreement(folder, [name for name in rows if name not in PRODUCTS]):
                rows[name] |= facts
    return _ratios(network, size, rows) | {"not_run": not_run}


def too_slow(runs: list[dict[str, Any]], network: str, size: int) -> dict[str, str]:
    """The variants that would take longer than `PATIENCE` at this size, by their earlier runs."""
    found = {}
    for run in runs:
        for name, row in run["variants"].items() if run["network"] == network else ():
            expected = row["median"] * (size / run["size"]) ** 2
            if expected > PATIENCE:
                found[name] = f"by its time at {run['size']}² a call takes {expected:.0f} s"
    return found


def in_turns(processes: dict[str, Process], repeats: int) -> dict[str, list[float]]:
    """Rounds in which every process has a turn of two steps, in another order each; seconds of
    the second. The first finds the caches and the freed memory as another process left them."""
    names, times = list(processes), {name: [] for name in processes}
    shuffle = random.Random(0).shuffle
    for _ in range(repeats):
        shuffle(names)
        for name in names:
            processes[name].run("step")
            times[name].append(processes[name].run("step"))
    return times


def _first(process: Process, kept: Path | None, not_run: dict[str, str]) -> float:
    """Seconds of the first call, infinite if it failed; a second one if that was slow."""
    try:
        first = process.run("step", kept)
        # The first call of torch.compile is a compilation.
        if first > SLOW and "compile" in process.name:
            process.first_call = first
            first = process.run("step")
    except RuntimeError as error:
        not_run[process.name] = str(error)
        return np.inf
    return first


def _compile_seconds(process: Process, first: float, seconds: list[float]) -> float:
    if "compile" not in process.name:
        return process.compile_seconds
    return max(process.first_call or first, first) - median(seconds)


def agreement(folder: Path, names: list[str]) -> list[tuple[str, dict[str, float]]]:
    """Each variant's value and gradient against those of lax, or of the first that there is."""
    if not names:
        return []
    results = {}
    for name in names:
        with np.load(folder / f"{name}.npz") as file:
            results[name] = (float(file["value"]), file["gradient"].astype(np.float64).ravel())
    value, gradient = results.get("lax", results[names[0]])
    facts = []
    for name, (other, theirs) in results.items():
        cosine = gradient @ theirs / (np.linalg.norm(gradient) * np.linalg.norm(theirs))
        error = abs(other / value - 1)
        if name.endswith("float32") and not (error < 1e-3 and cosine > 0.9999):
            raise ArithmeticError(f"{name}: value off by {error:.1e}, gradient cosine {cosine:.6f}")
        facts.append((name, {"objective": other, "objective_error": error, "cosine": cosine}))
    return facts


def _ratios(network: str, size: int, rows: dict[str, Any]) -> dict[str, Any]:
    operations = step_operations(network, LAYERS, size, size)
    products = {
        name.removeprefix("product-"): 2 * PRODUCT_SIDE**3 / rows.pop(name)["median"]
        for name in PRODUCTS
    }
    direct = operations / products["float32"]
    torch = [n for n in rows if n.startswith("torch") and n.endswith("float32")]
    best = min(torch, key=lambda name: rows[name]["median"]) if torch else None
    times = {name: row["seconds"] for name, row in rows.items()}
    for name, row in rows.items():
        row["to_direct"] = row["median"] / direct
        if best and len(times[name]) == len(times[best]):
            row["torch_best_over_this"] = ratio(times, best, name)
        elif best:
            row["torch_best_over_this"] = rows[best]["median"] / row["median"]
    return {
        "network": network,
        "size": size,
        "operations": operations,
        "product_flop_per_second": products,
        "direct_seconds": direct,
        "torch_best": best,
        "variants": rows,
    }


def measure_layers(network: str, size: int, variants: list[str], repeats: int) -> dict[str, Any]:
    """Each shape of convolution alone, forward and derivative by its input."""
    shapes: dict[tuple[int, int, int], list[str]] = {}
    for name, wide, deep in CONVOLUTIONS[network]:
        if name <= DEEPEST:
            side = size >> (int(name[4]) - 1)
            shapes.setdefault((side, wide, deep), []).append(name)
    job: dict[str, Any] = {"kind": "layers", "product_side": PRODUCT_SIDE}
    job["layers"] = [(names[0], *shape) for shape, names in shapes.items()]
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        names = [PRODUCTS[0], *variants]
        with start_all(names, job, Path(temporary)) as (processes, not_run):
            product = processes.pop(PRODUCTS[0])
            speeds = alternating({"product": lambda: product.run("step")}, repeats)
            for (side, wide, deep), layers in shapes.items():
                flop = 2 * 9 * wide * deep * side**2
                for direction in ("forward", "by x"):
                    work = f"{layers[0]} {wide}→{deep}, {side}² {direction}"
                    calls = {n: lambda p=p, work=work: p.run(work) for n, p in processes.items()}
                    times = alternating(calls, repeats)
                    rows.append(
                        {
                            "layer": f"{wide}→{deep}, {side}²",
                            "count": len(layers),
                            "pass": direction,
                            "flop": flop,
                            "seconds": {name: median(values) for name, values in times.items()},
                            "rounds": times,
                        }
                    )
    rate = 2 * PRODUCT_SIDE**3 / median(speeds["product"])
    return {
        "network": network,
        "size": size,
        "product_flop_per_second": {"float32": rate},
        "rows": rows,
        "not_run": not_run,
    }


def main() -> None:
    """Reads the command line, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024], metavar="N")
    parser.add_argument("--networks", nargs="+", default=["vgg16", "vgg19"], choices=CONVOLUTIONS)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, metavar="NAME")
    parser.add_argument("--repeats", type=int, default=5, help="rounds; the median counts")
    parser.add_argument("--layers", type=int, metavar="SIZE", help="each convolution alone")
    parser.add_argument(
        "--large-pages",
        default="jnst",
        choices=["jnst", "all"],
        help="whose memory comes in pages of 2 MB: jnst's, as its command has it, or everybody's",
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result files")
    options = parser.parse_args()
    os.environ["STEP_LARGE_PAGES"] = options.large_pages
    payload: dict[str, Any] = {
        "large_pages": options.large_pages,
        "environment": environment(),
        "runs": [],
    }
    tables = []
    for network in options.networks:
        for size in options.sizes if options.layers is None else [options.layers]:
            if options.layers is None:
                skipped = too_slow(payload["runs"], network, size)
                variants = [v for v in options.variants or VARIANTS if v not in skipped]
                run = measure_step(network, size, variants, options.repeats)
                run["not_run"] |= skipped
                tables.append(step_table(run))
            else:
                variants = options.variants or ["torch-nhwc-float32", "lax", "jnst-float32"]
                run = measure_layers(network, size, variants, options.repeats)
                tables.append(layers_table(run))
            payload["runs"].append(run)
            print(f"\n{tables[-1]}", flush=True)
            for name, why in run["not_run"].items():
                print(f"{name} did not run: {why}", flush=True)
    name = "step" if options.layers is None else "step_layers"
    write_results(name, payload, "\n\n".join(tables), options.results)


if __name__ == "__main__":
    main()

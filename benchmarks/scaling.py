"""One picture over 1, 2 and 4 devices: seconds per step, peak memory, and the work of each device.

    python benchmarks/scaling.py [--sides 256 512] [--devices 1 2 4] [--steps 4]

Every row is a process with so many devices: GPUs where there are enough, otherwise virtual ones of
the CPU, which share its cores and its memory. There no row can be faster than the machine; what
they show is what spreading costs: halos of one row a layer, and sums over all devices. The work of
a device is what the compiler counts in its program, beside that of one device alone.

The step is the value and gradient of the default's objective with VGG-16, as `jnst.compute.devices`
spreads it, direct convolutions in float32 in all rows. Writes scaling.json and scaling.md.
"""

import argparse
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from common.measure import environment, write_results
from common.places import BENCHMARKS, RESULTS
from common.processes import peak_memory, run_worker

SECONDS = 600


def work(side: int, count: int, steps: int) -> dict[str, Any]:
    """The figures of a row, in a process of its own."""
    import jax

    if len(jax.devices()) < count:
        raise RuntimeError(f"{len(jax.devices())} devices for {count}")
    import jnst
    from jnst.compute import Scene, Sharded

    draw = np.random.default_rng(0).random
    content, style = draw((side, side, 3), np.float32), draw((256, 256, 3), np.float32)
    params, config = jnst.load_weights("vgg16"), jnst.Config()
    weights = jnst.loss_weights(config)
    objective: Any = jnst.objective
    if count > 1:
        objective = Sharded(tuple(jax.devices()[:count]))
        targets = objective.make_targets(params, Scene(content, [style]), config)
        args = objective.place((params, targets, weights))
        image = objective.place(jax.numpy.asarray(content + 0.1))
    else:
        args = (params, jnst.make_targets(params, content, [style], config), weights)
        image = jax.numpy.asarray(content + 0.1)
    begin = time.perf_counter()
    step = jax.jit(jax.value_and_grad(objective, has_aux=True)).lower(image, *args).compile()
    compiled, seconds = time.perf_counter() - begin, []
    for _ in range(steps + 1):
        begin = time.perf_counter()
        (value, _), _ = jax.block_until_ready(step(image, *args))
        seconds.append(time.perf_counter() - begin)
    cost = step.cost_analysis() or {}
    return {
        "compile_seconds": compiled,
        "seconds": seconds[1:],
        "operations": float(cost.get("flops", np.nan)),
        "value": float(value),
        "peak": peak_memory(),
    }


def row(side: int, count: int, steps: int) -> dict[str, Any]:
    """Starts the process of a row; virtual devices are made before JAX has any."""
    code = (
        "import json, jax, scaling\n"
        "if jax.config.jax_platforms in (None, '', 'cpu'):\n"
        f"    jax.config.update('jax_num_cpu_devices', {count})\n"
        f"print(json.dumps(scaling.work({side}, {count}, {steps})))"
    )
    try:
        figures = run_worker(["-c", code], folder=BENCHMARKS, timeout=SECONDS)
    except RuntimeError as error:
        raise RuntimeError(f"{count} devices at {side}²: {error}") from None
    return {"side": side, "devices": count, **figures}


def table(rows: list[dict[str, Any]]) -> str:
    """A line for each row; ratios are to the first row of the same size.

    >>> one = {"side": 64, "devices": 1, "seconds": [2.0], "operations": 8.0, "peak": 1e9}
    >>> two = {"side": 64, "devices": 2, "seconds": [1.0], "operations": 4.0, "peak": 2e9}
    >>> print(table([one, two]).splitlines()[-1])
    | 64² | 2 | 1.00 | 0.50 | 0.50 | 2.00 |
    """
    lines = [
        "| pixels | devices | seconds a step | over one device | work of each, over one device "
        "| peak of all, GB |",
        "|---|---|---|---|---|---|",
    ]
    for one in rows:
        first = next(other for other in rows if other["side"] == one["side"])
        seconds = median(one["seconds"])
        lines.append(
            f"| {one['side']}² | {one['devices']} | {seconds:.2f} | "
            f"{seconds / median(first['seconds']):.2f} | "
            f"{one['operations'] / first['operations']:.2f} | {one['peak'] / 1e9:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Reads the command line, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--devices", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--steps", type=int, default=4, help="timed, after one that is not")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result files")
    options = parser.parse_args()
    machine, rows = environment(), list[dict[str, Any]]()
    for side in options.sides:
        for count in options.devices:
            rows.append(row(side, count, options.steps))
            print(table(rows).splitlines()[-1], flush=True)
    write_results("scaling", {"environment": machine, "rows": rows}, table(rows), options.results)


if __name__ == "__main__":
    main()

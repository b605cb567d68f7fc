"""One variant of step.py in a process of its own: builds it, then runs it whenever it is told to.

    python benchmarks/step_worker.py JOB.json VARIANT

The protocol is lines: first one JSON object on standard output, {"ready": {...}} with what building
took, or {"error": "why it does not run here"}. Then, for each line on standard input, which names
one of the variant's works, that work is done to its end and answered by {"seconds": …,
"peak_mb": …}, the highest resident size of the process so far. What libraries print goes to
standard error.

The job says what is to be timed: {"kind": "step", "folder": …, "network": …}, where the folder
holds the network, the pictures and the targets as step.py wrote them, or {"kind": "layers",
"layers": [[name, side, channels in, channels out], …]}; and "product_side", of the matrix product.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from common.processes import peak_memory

Works = dict[str, Callable[[], Any]]


class Built(NamedTuple):
    """A variant's works by name, each of which returns when it is done, and what building took.

    The work of a step returns (value, gradient) as NumPy has them.
    """

    works: Works
    compile_seconds: float = 0.0


class Problem(NamedTuple):
    """What step.py wrote for a step, as NumPy arrays."""

    layers: dict[str, dict[str, np.ndarray]]
    picture: np.ndarray
    content: np.ndarray
    style: np.ndarray
    content_target: np.ndarray
    grams: dict[str, np.ndarray]

    @classmethod
    def read(cls, folder: Path) -> "Problem":
        with np.load(folder / "problem.npz") as file:
            arrays = dict(file)
        layers: dict[str, dict[str, np.ndarray]] = {}
        grams = {}
        for name, array in arrays.items():
            head, _, rest = name.partition("/")
            if head == "gram":
                grams[rest] = array
            elif rest:
                layers.setdefault(head, {})[rest] = array
        names = ("picture", "content", "style", "content_target")
        return cls(layers, *(arrays[name] for name in names), grams)


def lax_step(job: dict[str, Any], _: str) -> Built:
    """The objective with nothing of jnst's in it (overhead.py)."""
    import jax
    from common.measure import compiled
    from overhead import bare_objective

    problem = Problem.read(Path(job["folder"]))
    arguments = jax.device_put(
        (problem.picture, problem.layers, problem.content_target, problem.grams)
    )
    program, seconds = compiled(jax.value_and_grad(bare_objective), *arguments)
    return Built({"step": lambda: jax.device_get(program(*arguments))}, seconds)


def jnst_step(job: dict[str, Any], precision: str) -> Built:
    """`jnst.objective` with the targets that jnst makes, in one of its precisions."""
    import jax
    from common.measure import compiled
    from overhead import CONFIG

    import jnst

    config = CONFIG if precision == "float32" else replace(CONFIG, precision=precision)
    problem = Problem.read(Path(job["folder"]))
    params = jnst.Params(
        jax.device_put(problem.layers), job["network"], jnst.load_weights("vgg16").preprocessing
    )
    layers = config.layers
    params = jnst.prepare(params, *problem.picture.shape[:2], precision, layers)
    picture, content, style = jax.device_put((problem.picture, problem.content, problem.style))
    targets = jnst.make_targets(params, content, [style], config)
    arguments = (picture, params, targets, jnst.loss_weights(config))
    work, seconds = compiled(jax.value_and_grad(jnst.objective, has_aux=True), *arguments)

    def step() -> Any:
        (value, _), gradient = jax.device_get(work(*arguments))
        return value, gradient

    return Built({"step": step}, seconds)


def product_step(job: dict[str, Any], dtype: str) -> Built:
    """A large matrix product with operands of this dtype, accumulated in float32."""
    import jax
    import jax.numpy as jnp
    from common.measure import compiled

    side = job["product_side"]
    draw = np.random.default_rng(0).standard_normal((side, side), np.float32)
    a = jnp.asarray(draw, dtype)

    def multiply(a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.matmul(a, b, precision="highest", preferred_element_type=jnp.float32)

    work, seconds = compiled(multiply, a, a)
    return Built({"step": lambda: work(a, a).block_until_ready()}, seconds)


def torch_step(job: dict[str, Any], way: str) -> Built:
    """The same objective in PyTorch."""
    from baselines.step import step

    return Built({"step": step(Problem.read(Path(job["folder"])), *way.split("-"))})


def jax_layers(job: dict[str, Any], way: str) -> Built:
    """Forward, and the derivative by the input, of each convolution: as planned, or lax's."""
    import jax
    from common.measure import compiled
    from layers import Layer, derive, jax_functions, make_inputs

    from jnst.network.algorithms import fastest
    from jnst.ops import conv3x3, transform_kernel

    works: Works = {}
    total = 0.0
    for row in job["layers"]:
        layer = Layer(*row)
        host, cotangent = make_inputs(layer)
        inputs, y_bar = jax.device_put((host, cotangent))
        shape = (layer.in_channels, layer.out_channels, layer.side, layer.side)
        tiles = fastest(*shape) if way == "jnst" and layer.in_channels > 3 else (0, 0)
        for name, tile in zip(("forward", "by x"), tiles, strict=True):
            function, given = jax_functions(layer)[0 if way == "jnst" else 1], list(inputs)
            if tile:
                function, given[1] = conv3x3, transform_kernel(given[1], tile)
            if name == "by x":
                function, given = derive(function, 1), [y_bar, *given]
            program, seconds = compiled(function, *given)
            total += seconds
            works[f"{layer.title} {name}"] = lambda run=program, given=given: jax.block_until_ready(
                run(*given)
            )
    return Built(works, total)


def torch_layers(job: dict[str, Any], way: str) -> Built:
    """The same in PyTorch."""
    from baselines.step import layer as torch_layer
    from layers import Layer, make_inputs

    works: Works = {}
    for row in job["layers"]:
        layer = Layer(*row)
        for name, work in torch_layer(*make_inputs(layer), *way.split("-")).items():
            works[f"{layer.title} {name}"] = work
    return Built(works)


BUILDERS: dict[tuple[str, str], Callable[[dict[str, Any], str], Built]] = {
    ("step", "product"): product_step,
    ("step", "lax"): lax_step,
    ("step", "jnst"): jnst_step,
    ("step", "torch"): torch_step,
    ("layers", "product"): product_step,
    ("layers", "lax"): lambda job, _: jax_layers(job, "lax"),
    ("layers", "jnst"): lambda job, _: jax_layers(job, "jnst"),
    ("layers", "torch"): torch_layers,
}
"""How a variant is built, by the job's kind and the variant's first word."""


def main() -> None:
    """Builds, tells, and then does as it is told."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    job, variant = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2]
    first, _, rest = variant.partition("-")
    try:
        built = BUILDERS[job["kind"], first](job, rest)
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        print(json.dumps({"error": text[:300]}), file=answers)
        return
    print(json.dumps({"ready": {"compile_seconds": built.compile_seconds}}), file=answers)
    for line in sys.stdin:
        name, _, keep = line.strip().partition("\t")
        try:
            start = time.perf_counter()
            result = built.works[name]()
            seconds = time.perf_counter() - start
        except Exception as error:  # a compiler that fails does so in the first call
            text = " ".join(f"{type(error).__name__}: {error}".split())
            print(json.dumps({"error": text[:300]}), file=answers)
            return
        if keep:
            np.savez(keep, value=np.float64(result[0]), gradient=np.asarray(result[1], np.float32))
        print(json.dumps({"seconds": seconds, "peak_mb": peak_memory() / 1e6}), file=answers)


if __name__ == "__main__":
    main()

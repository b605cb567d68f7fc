"""What a step of jnst costs beside a bare value-and-gradient of the same network in plain JAX.

The bare function is VGG-16 to relu5_1 written on `jax.lax.conv_general_dilated` and
`jax.lax.reduce_window`, with the same five Gram losses, content loss and total variation, under
`jax.jit(jax.value_and_grad(...))`. The steps are those that `jnst.stylize` runs: objective,
gradient, optimiser update, non-finite guard.

    python benchmarks/overhead.py [--size 512] [--repeats 9]
"""

import argparse
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from common.measure import alternating, environment, median, ratio, write_results
from common.places import PICTURES, RESULTS
from jax import lax

import jnst
from jnst.images import read_image, resize
from jnst.optimize import Method, Rates
from jnst.optimize.optimizer import start
from jnst.optimize.steps import run_chunk

CONFIG = jnst.preset("neural-style-pt", optimizer="adam")


def bare_objective(image: Any, layers: Any, content: Any, grams: Any) -> Any:
    """The neural-style-pt objective with nothing of jnst's in it; BGR, 0 to 255."""
    mean = jnp.array([103.939, 116.779, 123.68])[None, None]
    x, total, block = (255.0 * image[..., ::-1] - mean)[None], 0.0, "1"
    for name, weights in layers.items():
        if name[4] != block:
            window, block = (1, 2, 2, 1), name[4]
            x = lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")
        axes = ("NHWC", "HWIO", "NHWC")
        x = lax.conv_general_dilated(x, weights["kernel"], (1, 1), "SAME", dimension_numbers=axes)
        x = jnp.maximum(x + weights["bias"][None, None, None], 0.0)
        if name in grams:
            flat = x.reshape(-1, x.shape[-1])
            gram = jnp.matmul(flat.T, flat, precision="highest") / x.size
            total += 100.0 * jnp.mean((gram - grams[name]) ** 2)
        if name == "conv4_2":
            total += 5.0 * jnp.mean((x[0] - content) ** 2)
    across, down = jnp.diff(image, axis=1), jnp.diff(image, axis=0)
    return total + 1e-3 * 255.0 * (jnp.sum(jnp.abs(across)) + jnp.sum(jnp.abs(down)))


def measure(size: int, repeats: int) -> dict[str, Any]:
    machine = environment()
    params = jnst.load_weights("vgg16")
    picture = jnp.asarray(resize(read_image(PICTURES / "astronaut.jpg").pixels, size, size))
    style = jnp.asarray(read_image(PICTURES / "nocturne.jpg").pixels)
    targets = jnst.make_targets(params, picture, [style], CONFIG)
    args = (params, targets, jnst.loss_weights(CONFIG))
    # The bare network ends where ours does: behind conv5_1.
    layers = {k: v for k, v in params.layers.items() if k <= "conv5_1"}
    grams = {f"conv{layer[4:]}": gram for layer, gram in targets.style.items()}
    bare = jax.jit(jax.value_and_grad(bare_objective))
    bare_args = (layers, targets.content["relu4_2"].features, grams)
    ours, theirs = jnst.objective(picture, *args)[0], bare(picture, *bare_args)[0]
    variants = {"bare": lambda: bare(picture, *bare_args)}
    for name, method in (("adam", Method("adam")), ("lbfgs", Method("lbfgs", history=20))):
        variants[name] = stepper(picture, args, method, Rates(unit=255.0))
    times = alternating(variants, repeats)
    return {
        "environment": machine,
        "size": size,
        "network": "vgg16 to relu5_1",
        "objective": {"jnst": float(ours), "bare": float(theirs)},
        "seconds": times,
        "median": {name: median(values) for name, values in times.items()},
        "ratio_to_bare": {name: ratio(times, name, "bare") for name in times},
    }


def stepper(picture: Any, args: Any, method: Method, rates: Rates) -> Any:
    """A function that makes one step from the last, the first from the picture.

    Args:
        picture: [H, W, 3].
        args: the network, targets and weights.
        method, rates: of the optimiser.
    """
    rates = rates.arrays()
    state = start(picture, method, rates)

    def step() -> Any:
        nonlocal state
        state, _ = run_chunk(jnst.objective, method, state, rates, args, 1)
        return state

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512, help="side of the square image")
    parser.add_argument("--repeats", type=int, default=9, help="rounds; the median counts")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result files")
    options = parser.parse_args()
    payload = measure(options.size, options.repeats)
    rows = [f"| {options.size}², VGG-16 | seconds per step | to bare |", "|---|---|---|"]
    for name, seconds in payload["median"].items():
        rows.append(f"| {name} | {seconds:.3f} | {payload['ratio_to_bare'][name]:.3f} |")
    table = "\n".join(rows)
    print(table)
    write_results("overhead", payload, table, options.results)


if __name__ == "__main__":
    main()

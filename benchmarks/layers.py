"""How fast the layers are: `jnst.ops` against JAX's own and against NumPy, on VGG's sizes.

    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE python benchmarks/layers.py [--quick]

(Those two settings, where a machine has them, hold NumPy's matrix product back.) Every convolution
and max pool is timed in these passes: forward; derivative by x, the one that a style transfer
takes; derivatives by x, kernel and bias, those that a training takes. For each of them:

    NumPy loops    `reference.Conv2DLoops`, where it ends within seconds; the pools' only version
    NumPy im2col   `reference.Conv2D`
    ops, eager     `jnst.ops` outside `jax.jit`; of the derivative, the pullback of `jax.vjp`
    ops, jitted    `jnst.ops`, compiled: forward, or `jax.vjp` with the pullback called in it
    JAX, jitted    `lax.conv_general_dilated` or `lax.reduce_window` and JAX's derivative of them
    JAX, again     a second compilation of the same: what it differs by is noise

The protocol is that of common/measure.py. Results must agree to 1e-3 before anything is timed. A
large matrix product is timed beside every layer; what a layer reaches is given as a share of the
fastest of them. Writes layers.json, layers.md and layers.png (times) to benchmarks/results.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from common.measure import (
    alternating,
    compiled,
    environment,
    median,
    product_rates,
    ratio,
    write_results,
)
from common.places import RESULTS
from jax import lax
from layers_report import plot, table

from jnst import ops, reference

Variants = dict[str, Callable[[], Any]]
# Steps of Python that the loops may take: beyond, they need minutes.
MOST_STEPS = 10_000


class Layer(NamedTuple):
    """A layer with the side of its square input; a pool has as many channels out as in."""

    name: str
    side: int
    in_channels: int
    out_channels: int
    stride: int = 1
    window: int = 3

    @property
    def is_pool(self) -> bool:
        return "pool" in self.name

    @property
    def output(self) -> tuple[int, int, int, int]:
        side = self.side // self.stride if self.is_pool else -(-self.side // self.stride)
        return (1, side, side, self.out_channels)

    @property
    def flop(self) -> int:
        """Of the forward pass, of the derivative by x, or of that by the kernel: all the same."""
        return 2 * int(np.prod(self.output)) * self.window**2 * self.in_channels

    @property
    def passes(self) -> dict[str, int]:
        """By how many of the inputs (x, kernel, bias) each pass derives."""
        return {"forward": 0, "by x": 1} | ({} if self.is_pool else {"by x, kernel, bias": 3})

    @property
    def title(self) -> str:
        stride = f", stride {self.stride}" if self.stride > 1 and not self.is_pool else ""
        return f"{self.name} {self.in_channels}→{self.out_channels}, {self.side}²{stride}"


# VGG at 256², its two costliest sizes at 512², and strides that VGG has not.
LAYERS = (
    Layer("conv1_1", 256, 3, 64),
    Layer("conv1_2", 256, 64, 64),
    Layer("conv2_2", 128, 128, 128),
    Layer("conv3_2", 64, 256, 256),
    Layer("conv4_2", 32, 512, 512),
    Layer("conv5_1", 16, 512, 512),
    Layer("conv2_2", 256, 128, 128),
    Layer("conv1_2", 512, 64, 64),
    Layer("conv2_2", 128, 128, 128, stride=2),
    Layer("conv3_2", 64, 256, 256, stride=3),
    Layer("pool1", 256, 64, 64, stride=2, window=2),
    Layer("pool3", 64, 256, 256, stride=2, window=2),
)
QUICK_LAYERS = (
    Layer("conv1_1", 16, 3, 64),
    Layer("conv2_2", 16, 128, 128, stride=2),
    Layer("pool1", 16, 64, 64, stride=2, window=2),
)


def make_inputs(layer: Layer) -> tuple[list[np.ndarray], np.ndarray]:
    """The layer's arguments, x or x, kernel and bias, and a derivative by its output."""
    draw = np.random.default_rng(0).standard_normal
    shapes: list[tuple[int, ...]] = [(1, layer.side, layer.side, layer.in_channels)]
    if not layer.is_pool:
        shapes += [(layer.window, layer.window, *layer[2:4]), (layer.out_channels,)]
    return [draw(shape, np.float32) for shape in shapes], draw(layer.output, np.float32)


def jax_functions(layer: Layer) -> tuple[Callable[..., jax.Array], Callable[..., jax.Array]]:
    """This project's layer and JAX's own."""
    steps, window = (layer.stride, layer.stride), (layer.window, layer.window)
    if layer.is_pool:
        return (
            lambda x: ops.max_pool(x, window, steps),
            lambda x: lax.reduce_window(
                x, -jnp.inf, lax.max, (1, *window, 1), (1, *steps, 1), "VALID"
            ),
        )

    def theirs(x: jax.Array, kernel: jax.Array, bias: jax.Array) -> jax.Array:
        layout = ("NHWC", "HWIO", "NHWC")
        y = lax.conv_general_dilated(x, kernel, steps, "SAME", dimension_numbers=layout)
        return y + bias.reshape(1, 1, 1, -1)

    return lambda *arguments: ops.conv2d(*arguments, stride=steps), theirs


def jax_variants(layer: Layer) -> tuple[dict[str, Variants], dict[str, dict[str, float]]]:
    """The variants of each pass, and the seconds that compiling them took."""
    host, cotangent = make_inputs(layer)
    inputs, y_bar = [jnp.asarray(array) for array in host], jnp.asarray(cotangent)
    ours, theirs = jax_functions(layer)
    variants: dict[str, Variants] = {}
    compile_seconds: dict[str, dict[str, float]] = {}
    for name, wanted in layer.passes.items():
        variants[name], compile_seconds[name] = {}, {}
        for variant, layer_function in {"ops": ours, "jax": theirs, "jax again": theirs}.items():
            work = derive(layer_function, wanted) if wanted else layer_function
            arguments = [y_bar, *inputs] if wanted else inputs
            program, compile_seconds[name][variant] = compiled(work, *arguments)
            variants[name][variant] = lambda run=program, given=arguments: run(*given)
    # Outside `jax.jit` nothing is dropped: the derivative by x brings that by the kernel along.
    pull = jax.vjp(ours, *inputs)[1]
    first, *_, last = layer.passes
    variants[first]["ops eager"] = lambda: ours(*inputs)
    variants[last]["ops eager"] = lambda: pull(y_bar)
    return variants, compile_seconds


def derive(function: Callable[..., jax.Array], wanted: int) -> Callable[..., Any]:
    """A function of ȳ and the inputs that gives the derivatives by the first `wanted` of these."""

    def derivatives(y_bar: jax.Array, *inputs: jax.Array) -> Any:
        _, pull = jax.vjp(lambda *x: function(*x, *inputs[wanted:]), *inputs[:wanted])
        return pull(y_bar)

    return derivatives


def numpy_variants(layer: Layer) -> dict[str, Variants]:
    """The NumPy versions that end in good time. They know no derivative by x alone."""
    (x, *parameters), cotangent = make_inputs(layer)
    twins: dict[str, Any] = {}
    if layer.is_pool:
        twins["loops"] = reference.MaxPool2D(layer.window, layer.stride)
    else:
        twins["im2col"] = reference.Conv2D(*parameters, stride=layer.stride)
        if layer.output[1] * layer.output[2] * layer.window**2 <= MOST_STEPS:
            twins["loops"] = reference.Conv2DLoops(*parameters, stride=layer.stride)
    first, *_, last = layer.passes
    variants: dict[str, Variants] = {name: {} for name in layer.passes}
    for name, twin in twins.items():
        twin.forward(x)
        variants[first][name] = lambda twin=twin: twin.forward(x)
        variants[last][name] = lambda twin=twin: twin.backward(cotangent)
    return variants


def check_agreement(layer: Layer, variants: Variants) -> None:
    """Raise ArithmeticError unless all variants give the same output or derivative by x."""
    results = {}
    for name, variant in variants.items():
        value = variant()
        results[name] = np.asarray(value[0] if isinstance(value, tuple | list) else value)
    expected = results["jax"]
    for name, value in results.items():
        error = np.linalg.norm(value - expected) / np.linalg.norm(expected)
        if not error < 1e-3:
            raise ArithmeticError(f"{layer.title}: {name} differs from JAX's own by {error:.1e}")


def measure_layer(layer: Layer, repeats: int) -> list[dict[str, Any]]:
    """One row for each pass: seconds, ratios and what it computes."""
    jitted, compile_seconds = jax_variants(layer)
    by_numpy = numpy_variants(layer)
    rows = []
    for name, wanted in layer.passes.items():
        check_agreement(layer, jitted[name] | by_numpy[name])
        # Apart from NumPy, whose threads spin on for a moment after a product.
        times = alternating(jitted[name], repeats)
        times |= alternating(by_numpy[name], max(1, repeats // 5))
        row: dict[str, Any] = {
            "layer": layer.title,
            "pass": name,
            "seconds": {variant: median(values) for variant, values in times.items()},
            "ops_over_jax": ratio(times, "ops", "jax"),
            "jax_over_itself": ratio(times, "jax again", "jax"),
            "compile_seconds": compile_seconds[name],
            "rounds": times,
        }
        if not layer.is_pool:
            row["flop"] = layer.flop * (2 if wanted > 1 else 1)
        if "im2col" in times:
            row["im2col_over_ops"] = row["seconds"]["im2col"] / row["seconds"]["ops"]
        rows.append(row)
    return rows


def add_shares(rows: list[dict[str, Any]], peaks: dict[str, float]) -> None:
    """Give each convolution the share of the matrix product's rate that it reaches."""
    for row in rows:
        for variant, peak in (("ops", peaks["jax"]), ("im2col", peaks["numpy"])):
            if "flop" in row and variant in row["seconds"]:
                row[f"{variant}_share"] = row["flop"] / row["seconds"][variant] / peak


def main() -> None:
    """Reads the command line, measures, prints and writes."""
    parser = argparse.ArgumentParser(description="how fast the layers are")
    parser.add_argument("--quick", action="store_true", help="small layers, few repeats: a trial")
    parser.add_argument("--repeats", type=int, help="rounds, NumPy a fifth (default 15, quick 3)")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder for the results")
    arguments = parser.parse_args()
    repeats = arguments.repeats or (3 if arguments.quick else 15)
    payload: dict[str, Any] = {"environment": environment(), "repeats": repeats}
    rows: list[dict[str, Any]] = []
    rates = []
    for layer in QUICK_LAYERS if arguments.quick else LAYERS:
        rates.append(product_rates(256 if arguments.quick else 2048, 5))
        rows += measure_layer(layer, repeats)
        print(f"measured {layer.title}", flush=True)
    peaks = {name: max(rate[name] for rate in rates) for name in rates[0]}
    add_shares(rows, peaks)
    payload |= {"product_flop_per_second": peaks, "products": rates, "rows": rows}
    markdown = table(payload)
    print(f"\n{markdown}")
    write_results("layers", payload, markdown, arguments.output)
    plot(rows).savefig(arguments.output / "layers.png", dpi=150)


if __name__ == "__main__":
    main()

"""What a step with each style loss costs beside one with Gram matrices, in one run.

A step is the default's: objective, gradient, Adam with its average, the clamp to [0, 1], on the
embedded VGG-16 with the convolutions that `jnst.prepare` chooses; only the style loss changes. The
pictures are squares with the default's margin.

    python benchmarks/style_losses.py [--sizes 128 256 512] [--losses wasserstein-relative] \\
                                      [--repeats 9]

Memory comes in pages of 2 MB, as `python cli.py` has it.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.processes import restart_with_large_pages

if __name__ == "__main__":
    restart_with_large_pages()

import jax
import jax.numpy as jnp
import overhead
from common.measure import alternating, environment, median, ratio, write_results
from common.places import PICTURES, RESULTS

import jnst
from jnst.images import read_image, resize_picture
from jnst.optimize.hyperparameters import method_of, rates_of

GRAM = "gram-relative"


def prepared_step(params: Any, side: int, config: jnst.Config) -> Any:
    """A function that makes one step of the config, at a square of this side."""
    content, style = (
        jnp.asarray(resize_picture(read_image(PICTURES / name).pixels, side, side))
        for name in ("astronaut.jpg", "nocturne.jpg")
    )
    ready = jnst.prepare(params, side, side, layers=config.layers)
    args = (ready, jnst.make_targets(ready, content, [style], config), jnst.loss_weights(config))
    return overhead.stepper(content, args, method_of(config), rates_of(config, steps=100))


def main() -> None:
    """Reads the command line, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256, 512], metavar="N")
    parser.add_argument("--losses", nargs="+", default=["wasserstein-relative"], metavar="NAME")
    parser.add_argument("--repeats", type=int, default=9, help="rounds; the median counts")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result files")
    options = parser.parse_args()
    machine, params = environment(), jnst.load_weights("vgg16")
    names, rows = dict.fromkeys((GRAM, *options.losses)), []
    lines = ["| picture | style loss | seconds a step | to Gram |", "|---|---|---:|---:|"]
    for size in options.sizes:
        config = jnst.Config(size=size)
        side = size + 2 * config.bleed
        steps = {n: prepared_step(params, side, replace(config, style_loss=n)) for n in names}
        times = alternating(steps, options.repeats)
        jax.clear_caches()
        for name in names:
            share = ratio(times, name, GRAM)
            rows.append({"side": side, "loss": name, "seconds": times[name], "to_gram": share})
            lines.append(f"| {side}² | {name} | {median(times[name]):.4f} | {share:.2f} |")
            print(lines[-1], flush=True)
    payload = {"environment": machine, "rows": rows}
    write_results("style_losses", payload, "\n".join(lines), options.results)


if __name__ == "__main__":
    main()

"""What a step with each style loss costs beside one with Gram matrices, in one run.

A step is the default's: objective, gradient, Adam with its average, the clamp to [0, 1], on the
embedded VGG-16 with the convolutions that `jnst.prepare` chooses; only the style loss changes. The
pictures are squares with the default's margin.

    python benchmarks/style_losses.py [--sizes 128 256 512] [--losses wasserstein-relative] \\
                                      [--repeats 9]

Memory comes in pages of 2 MB, as `python cli.py` has it.
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

PAGES = "glibc.malloc.hugetlb=1"
if __name__ == "__main__" and sys.platform == "linux" and "GLIBC_TUNABLES" not in os.environ:
    os.environ["GLIBC_TUNABLES"] = PAGES
    os.execv(sys.executable, [sys.executable, *sys.argv])

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import overhead  # noqa: E402
from measure import RESULTS, alternating, environment, median, ratio, write_results  # noqa: E402

import jnst  # noqa: E402
from jnst.images import read_image, resize_picture  # noqa: E402
from jnst.optimize.hyperparameters import method_of, rates_of  # noqa: E402

PICTURES = Path(__file__).resolve().parent.parent / "examples" / "images"
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

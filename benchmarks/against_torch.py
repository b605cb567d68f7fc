"""Where the preset crowsonkb ends, beside a plain PyTorch transcription of its program.

Both read the same two pictures, resize them by themselves, start from the content and make the
same number of steps at the same scales on the embedded VGG-16; `torch_crowsonkb.py` is the
transcription. What each ends with is its own objective of its own painting.

    python benchmarks/against_torch.py [--pair CONTENT STYLE] [--size 512] [--steps 1000 500]
"""

import argparse
import time
from pathlib import Path
from typing import Any

import torch
import torch_crowsonkb
from measure import environment, write_results

import jnst
from jnst.images import read_image

PICTURES = Path(__file__).resolve().parent.parent / "examples" / "images"
DEFAULT_PAIR = (str(PICTURES / "chelsea.jpg"), str(PICTURES / "harvest.jpg"))


def run(pair: tuple[str, str], size: int, steps: tuple[int, int], coarsest: int) -> dict[str, Any]:
    """One row: the last objectives of both programs, their ratio, and the seconds of each."""
    params = jnst.load_weights("vgg16")
    content, style = (read_image(path).pixels for path in pair)
    row: dict[str, Any] = {
        "content": Path(pair[0]).stem,
        "style": Path(pair[1]).stem,
        "size": size,
        "steps": list(steps),
    }
    begin = time.perf_counter()
    config = jnst.preset("crowsonkb", size=size, steps=steps, coarsest=coarsest)
    ours = jnst.stylize(params, content, style, config)
    row |= {
        "pixels": [ours.image.shape[1], ours.image.shape[0]],
        "scales": [round(size * scale) for scale in config.all_scales],
        "jnst": ours.losses.total,
        "jnst_begins": float(ours.history.total[0]),
        "jnst_seconds": time.perf_counter() - begin,
    }
    print(f"jnst {ours.losses.total:.6g} in {row['jnst_seconds']:.0f} s", flush=True)
    begin = time.perf_counter()
    layers = torch_crowsonkb.layers_of(params, "conv5_1")
    sizes = {"size": size, "coarsest": coarsest}
    seen: list[float] = []
    _, theirs = torch_crowsonkb.stylize(
        layers, content, [style], steps=steps, **sizes, watch=lambda _, value: seen.append(value)
    )
    row |= {"torch": theirs, "torch_begins": seen[0], "torch_seconds": time.perf_counter() - begin}
    return row | {"ratio": ours.losses.total / theirs}


def table(row: dict[str, Any]) -> str:
    pixels = "x".join(map(str, row["pixels"]))
    scales, steps = (", ".join(map(str, row[name])) for name in ("scales", "steps"))
    return (
        f"{row['content']} by {row['style']}, {pixels}, scales {scales}; steps at the first and at "
        f"each other {steps}.\n\n"
        "| program | objective at the start | at the end | seconds, with compilation |\n"
        "|---|---:|---:|---:|\n"
        f"| jnst, preset crowsonkb | {row['jnst_begins']:.6g} | {row['jnst']:.6g} | "
        f"{row['jnst_seconds']:.0f} |\n"
        f"| PyTorch, transcribed | {row['torch_begins']:.6g} | {row['torch']:.6g} | "
        f"{row['torch_seconds']:.0f} |\n\n"
        f"jnst over PyTorch: {row['ratio']:.4f}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--pair", nargs=2, default=DEFAULT_PAIR, metavar=("CONTENT", "STYLE"))
    parser.add_argument("--size", type=int, default=512, help="longer side in pixels")
    parser.add_argument("--steps", type=int, nargs=2, default=(1000, 500), metavar="N")
    parser.add_argument("--coarsest", type=int, default=128, help="longer side of the first scale")
    parser.add_argument("--results", type=Path, help="folder of the result files")
    options = parser.parse_args()
    # As XLA does: products of what is next to nothing cost many times what others do.
    torch.set_flush_denormal(True)
    machine = environment() | {"torch": torch.__version__, "threads": torch.get_num_threads()}
    row = run(tuple(options.pair), options.size, tuple(options.steps), options.coarsest)
    print(table(row))
    folder = {"folder": options.results} if options.results else {}
    write_results("against_torch", {"environment": machine, "row": row}, table(row), **folder)


if __name__ == "__main__":
    main()

"""Where the preset crowsonkb ends, beside a plain PyTorch transcription of its program.

Both read the same two pictures, resize them by themselves, start from the content and make the
same number of steps at the same scales on the embedded VGG-16; `baselines/crowsonkb.py` is
the transcription. What each ends with is its own objective of its own painting.

    python benchmarks/against_torch.py [--pair CONTENT STYLE] [--size 512] [--steps 1000 500]

`--paintings FOLDER` also writes what each painted, to be looked at side by side.

The two programs take hours at the full size. Each may run by itself, by `--programs jnst` and then
`--programs torch`: where the other ended is read from the results of the same pair, size and steps.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from baselines import crowsonkb
from baselines.vgg import layers_of
from common.measure import environment, write_results
from common.places import PICTURES, RESULTS

import jnst
from jnst.images import read_image, write_image

EVERY = 100
DEFAULT_PAIR = (str(PICTURES / "chelsea.jpg"), str(PICTURES / "harvest.jpg"))


class Watch:
    """Keeps the first objective, and prints some of those on the way."""

    def __init__(self, program: str) -> None:
        self._program, self._begin, self._steps = program, time.perf_counter(), 0
        self.first = float("nan")

    def __call__(self, side: int, value: float) -> None:
        self.first = value if self._steps == 0 else self.first
        if self._steps % EVERY == 0:
            seconds = time.perf_counter() - self._begin
            print(f"{self._program}, {side}: {self._steps} {value:.6g} {seconds:.0f} s", flush=True)
        self._steps += 1

    def progress(self, progress: jnst.Progress) -> None:
        """As a callback of `stylize`."""
        for value in progress.losses.total:
            self(max(progress.height, progress.width), float(value))


def ours(
    content: Any, style: Any, size: int, steps: tuple[int, int], coarsest: int
) -> tuple[dict[str, Any], Any]:
    """jnst's part of the row (first and last objective, seconds, scales, pixels), and its image."""
    begin = time.perf_counter()
    config = jnst.preset("crowsonkb", size=size, steps=steps, coarsest=coarsest)
    watch = Watch("jnst")
    params = jnst.load_weights("vgg16")
    found = jnst.stylize(params, content, style, config, callback=watch.progress)
    row = {
        "pixels": [found.image.shape[1], found.image.shape[0]],
        "scales": [round(size * scale) for scale in config.all_scales],
        "jnst": by_the_program(content, style, size, found.image),
        "jnst_begins": watch.first,
        "jnst_seconds": time.perf_counter() - begin,
    }
    return row, found.image


def by_the_program(content: Any, style: Any, size: int, painting: Any) -> float:
    """The transcription's objective of a painting [H, W, 3]: its roots are not those of jnst."""
    pictures = [crowsonkb.picture(pixels) for pixels in (content, style)]
    layers = layers_of(jnst.load_weights("vgg16").layers)
    objective, _ = crowsonkb.at_scale(layers, pictures[0], pictures[1:], size)
    with torch.no_grad():
        return float(objective(torch.tensor(painting).permute(2, 0, 1)[None]))


def theirs(
    content: Any, style: Any, size: int, steps: tuple[int, int], coarsest: int
) -> tuple[dict[str, Any], Any]:
    """PyTorch's part, and its image."""
    begin = time.perf_counter()
    layers = layers_of(jnst.load_weights("vgg16").layers)
    watch = Watch("torch")
    image, end = crowsonkb.stylize(
        layers,
        content,
        [style],
        size=size,
        steps=steps,
        coarsest=coarsest,
        watch=watch,
    )
    row = {
        "torch": end,
        "torch_begins": watch.first,
        "torch_seconds": time.perf_counter() - begin,
    }
    return row, image[0].permute(1, 2, 0).numpy()


PROGRAMS = {"jnst": ours, "torch": theirs}


def known(folder: Path, run: dict[str, Any]) -> dict[str, Any]:
    """What the results say of a run of the same pair, size and steps; else nothing but those."""
    file = folder / "against_torch.json"
    row: dict[str, Any] = json.loads(file.read_text("utf-8"))["row"] if file.exists() else {}
    return row if run.items() <= row.items() else run


def table(row: dict[str, Any]) -> str:
    pixels = "x".join(map(str, row["pixels"]))
    scales, steps = (", ".join(map(str, row[name])) for name in ("scales", "steps"))
    return (
        f"{row['content']} by {row['style']}, {pixels}, scales {scales}; steps at the first and at "
        f"each other {steps}.\n\n"
        "| program | its own objective at the start | the transcription's at the end "
        "| seconds, with compilation |\n"
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
    parser.add_argument("--programs", nargs="+", choices=PROGRAMS, default=list(PROGRAMS))
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result files")
    parser.add_argument("--paintings", type=Path, help="folder for the paintings")
    options = parser.parse_args()
    # As XLA does: products of what is next to nothing cost many times what others do.
    torch.set_flush_denormal(True)
    machine = environment() | {"torch": torch.__version__, "threads": torch.get_num_threads()}
    steps = tuple(options.steps)
    pictures = [read_image(path).pixels for path in options.pair]
    content, style = (Path(path).stem for path in options.pair)
    run = {"content": content, "style": style, "size": options.size, "steps": list(steps)}
    row = known(options.results, run | {"coarsest": options.coarsest})
    for program in options.programs:
        part, image = PROGRAMS[program](*pictures, options.size, steps, options.coarsest)
        row |= part
        if options.paintings is not None:
            options.paintings.mkdir(parents=True, exist_ok=True)
            write_image(options.paintings / f"{content}_{style}_{program}.png", image)
        print(f"{program} {row[program]:.6g} in {row[f'{program}_seconds']:.0f} s", flush=True)
    whole = "jnst" in row and "torch" in row
    row |= {"ratio": row["jnst"] / row["torch"]} if whole else {}
    text = table(row) if whole else "The other program has not run yet."
    print(text)
    write_results("against_torch", {"environment": machine, "row": row}, text, options.results)


if __name__ == "__main__":
    main()

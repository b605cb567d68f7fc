"""Paint the example style pictures.

    python examples/paint.py nocturne -o nocturne.jpg
    python examples/paint.py harvest -o harvest.jpg --size 1024 --seed 7

The same name, size and seed give the same pixels, with the same versions of NumPy and Pillow;
another size or seed gives a variation on the same composition.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from harvest import harvest
from nocturne import nocturne
from palette import Rng
from PIL import Image

PAINTINGS: dict[str, Callable[[int, Rng], np.ndarray]] = {"harvest": harvest, "nocturne": nocturne}
SUPERSAMPLING = 2
SMALLEST, LARGEST = 16, 4096


def paint(name: str, size: int = 832, seed: int = 1) -> Image.Image:
    """Paint the picture called `name`, `size` pixels wide, as an sRGB image.

    Raises ValueError for a name that is not in `PAINTINGS`, a size outside
    `SMALLEST`..`LARGEST`, or a negative seed.
    """
    if name not in PAINTINGS:
        raise ValueError(f"no painting is called {name!r}; choose from: {', '.join(PAINTINGS)}")
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"size {size} is outside {SMALLEST} to {LARGEST} pixels; try 832")
    if seed < 0:
        raise ValueError(f"seed {seed} is negative; give 0 or more")
    height = round(size * 4 / 5)
    pixels = PAINTINGS[name](SUPERSAMPLING * height, np.random.default_rng(seed))
    large = Image.fromarray((pixels * 255 + 0.5).astype(np.uint8))
    return large.resize((size, height), Image.Resampling.LANCZOS)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="paint.py",
        description="Paint an example style picture.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("name", choices=PAINTINGS, help="which picture")
    parser.add_argument("-o", "--output", type=Path, required=True, help=".jpg or .png to write")
    parser.add_argument(
        "--size", type=int, default=832, help="width in pixels; height is 4/5 of it"
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed, another picture")
    return parser


def main(arguments: list[str] | None = None) -> int:
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.output.suffix.lower() not in (".jpg", ".jpeg", ".png"):
        parser.error(f"cannot write {str(options.output)!r}; the name must end in .jpg or .png")
    if not options.output.parent.is_dir():
        parser.error(f"there is no folder {str(options.output.parent)!r}; make it first")
    try:
        picture = paint(options.name, options.size, options.seed)
    except ValueError as error:
        parser.error(str(error))
    try:
        picture.save(options.output, quality=88, optimize=True)
    except OSError as error:
        print(f"paint.py: cannot write {options.output}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

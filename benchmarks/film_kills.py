"""Kills the painting of films at random moments, resumes it, and compares all frames, bit for bit.

A clip is first painted without a break. Then the command is started again, and each run is killed
after a random time by a random signal and gone on with by `--resume`, until one ends by itself; and
so on with the next clip, until there were so many kills. The painted frames and the film must be
the same, byte for byte, and after each kill every frame that is there must be whole.

    python benchmarks/film_kills.py [--kills 30] [--seed 0] [--seconds 1.5]

The moments are random: up to `--seconds` after a run has painted one or two more frames, or up to
three times as long after its start.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np
from common import measure
from common.places import ROOT
from common.processes import ended_by
from PIL import Image

from jnst.images import read_image

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
CASES = {
    "one pass": [],
    "two passes": ["--passes", "2"],
    "long term, cuts by hand": ["--long-term", "1,3", "--shots", "1,5"],
    "frame by frame": ["--temporal", "0"],
}
COMMON = [
    "--content",
    "clip.mp4",
    "--style",
    "night.png",
    "--size",
    "64",
    "--steps",
    "6",
    "--output",
    "out.mp4",
]
FRAMES = 8
_PATIENCE = 300.0


def command(*words: str) -> list[str]:
    return [sys.executable, str(ROOT / "cli.py"), "video", *words, "--quiet"]


def prepare(folder: Path) -> None:
    """A clip of smooth noise that moves, with sound of nothing, and a style."""
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(folder / "night.png")
    small = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
    wide = np.asarray(small.resize((96, 48), Image.Resampling.BICUBIC))
    with av.open(str(folder / "clip.mp4"), "w") as film:
        stream = film.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(FRAMES):
            pixels = np.ascontiguousarray(wide[:, 2 * number : 2 * number + 64])
            film.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        film.mux(stream.encode(None))


def contents(folder: Path) -> dict[str, bytes]:
    """The painted frames of a run by name, and its film."""
    files = sorted((folder / "out_frames").glob("pass*.png"))
    return {path.name: path.read_bytes() for path in (*files, folder / "out.mp4")}


def painted(folder: Path) -> list[Path]:
    """The painted frames that there are."""
    return list((folder / "out_frames").glob("pass*.png"))


def run_once(
    folder: Path, words: list[str], number: signal.Signals, frames: int | None, seconds: float
) -> int:
    """Starts or resumes a run, and kills it so many seconds after it has painted so many frames
    more, or with None not at all; returns its exit code."""
    again = (folder / "out_frames" / "run.json").exists()
    before = len(painted(folder))
    with subprocess.Popen(
        command(*(["--resume", "out_frames"] if again else words)),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while frames and process.poll() is None and len(painted(folder)) < before + frames:
            time.sleep(0.02)
        return ended_by(process, number, _PATIENCE if frames is None else seconds, _PATIENCE)


def torture(
    folder: Path, words: list[str], draw: random.Random, kills: int, span: float
) -> tuple[int, list[int], bool]:
    """Kills one film at most `kills` times; (kills made, frames there after each, same bytes)."""
    whole, part = folder / "whole", folder / "part"
    for place in (whole, part):
        place.mkdir()
        prepare(place)
    subprocess.run(command(*words), cwd=whole, check=True, capture_output=True)
    seen: list[int] = []
    while True:
        # One kill in four while the run still starts.
        frames = draw.choice((0, 1, 1, 2)) if len(seen) < kills else None
        seconds = draw.uniform(0, span * (1 if frames else 3))
        if run_once(part, words, draw.choice(SIGNALS), frames, seconds) == 0:
            break
        for path in painted(part):
            read_image(path)
        seen.append(len(painted(part)))
    return len(seen), seen, contents(part) == contents(whole)


def table(rows: list[dict[str, object]]) -> str:
    lines = [
        f"| {r['case']} | {r['kills']} | {' '.join(map(str, r['frames']))} | "  # type: ignore[call-overload]
        f"{'yes' if r['same'] else 'NO'} |"
        for r in rows
    ]
    head = [
        f"Films of {FRAMES} frames of 64x48, killed by SIGKILL, SIGTERM or SIGINT, at random.",
        "",
        "| film | kills | frames there after each | frames and film the same bytes in the end |",
        "|---|---|---|---|",
    ]
    total = sum(int(str(row["kills"])) for row in rows)
    return "\n".join([*head, *lines, f"| all | {total} | | |"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--results", type=Path, default=measure.RESULTS)
    options = parser.parse_args()
    machine, rows = measure.environment(), list[dict[str, object]]()
    os.environ["JNST_OFFLINE"] = "1"
    # In the background a shell lets its programs ignore Ctrl-C, and they would pass that on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    draw, total = random.Random(options.seed), 0
    while total < options.kills:
        for name, words in CASES.items():
            if total >= options.kills:
                break
            with tempfile.TemporaryDirectory() as name_of_folder:
                folder = Path(name_of_folder)
                left = min(-(-options.kills // len(CASES)), options.kills - total)
                made, seen, same = torture(folder, [*COMMON, *words], draw, left, options.seconds)
            total += made
            rows.append({"case": name, "kills": made, "frames": seen, "same": same})
            print(name, f"{made} kills, frames {seen}, {'same' if same else 'OTHER'}", flush=True)
            payload = {"environment": machine, "seed": options.seed, "rows": rows}
            measure.write_results("film_kills", payload, table(rows), options.results)
    wrong = sum(not row["same"] for row in rows)
    print(f"{total} kills, {wrong} films with other bytes")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

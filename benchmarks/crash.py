"""Kills runs at random moments, resumes them, and compares the painting with an unbroken run's.

Each case (an optimiser, one scale or two, whole or by windows) is first painted without a break.
Then the command is started again and again with the same checkpoint, and each time killed after a
random time by a random signal, until it ends by itself. The file must be the same, byte for byte,
and at each moment the checkpoint and the painting, if there are any, must be whole.

    python benchmarks/crash.py [--kills 40] [--seed 0] [--seconds 2 7]

The moments are random, between the first and the second of `--seconds` after the start: on a slow
machine make them later, or every kill meets a run that is still compiling.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from common import measure
from common.places import ROOT
from common.processes import ended_by
from PIL import Image

from jnst.images import read_image
from jnst.transfer import load_checkpoint
from jnst.transfer.checkpoint import is_whole

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
ONE, TWO = ["--scales", "1", "--steps", "150"], ["--scales", "0.5", "1", "--steps", "100", "100"]
# The first scale is computed at once, the second by windows.
WINDOWS = ["--size", "160", "--tile", "128", "--scales", "1", "--steps", "40"]
CASES = {
    "adam, one scale": ["--optimizer", "adam", *ONE],
    "adam, two scales, averaged": ["--optimizer", "adam", "--average", "0.9", *TWO],
    "lbfgs zoom, one scale": ONE,
    "lbfgs zoom, two scales": TWO,
    "lbfgs none, one scale": ["--line-search", "none", *ONE],
    "lbfgs none, two scales": ["--line-search", "none", *TWO],
    "adam, by windows": ["--optimizer", "adam", *WINDOWS],
    "lbfgs zoom, two scales, by windows": [*WINDOWS, "--scales", "0.5", "1"],
}
_PATIENCE = 600.0  # seconds that a run may take to end, on a machine that has much else to do
COMMON = ["--size", "64", "--content-layers", "relu2_2"]
COMMON += ["--style-layers", "relu1_1", "relu2_1", "--quiet"]


def command(*words: str) -> list[str]:
    return [sys.executable, str(ROOT / "cli.py"), *words]


def prepare(folder: Path) -> None:
    """Two small pictures."""
    rng = np.random.default_rng(1)
    for name, shape in (("cat.png", (48, 64, 3)), ("night.png", (64, 64, 3))):
        Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(folder / name)


def painted_at_once(folder: Path, words: list[str]) -> bytes:
    """The bytes of the unbroken painting."""
    subprocess.run(command(*words), cwd=folder, check=True, capture_output=True)
    data = (folder / "out.png").read_bytes()
    (folder / "out.png").unlink()
    return data


def check_files(folder: Path) -> int:
    """Raises if the painting or every checkpoint is broken; returns the step of the checkpoint."""
    if (folder / "out.png").exists():
        read_image(folder / "out.png")
    if not any((folder / name).exists() for name in ("run.ckpt", "run.ckpt.previous")):
        return 0
    assert is_whole(folder / "run.ckpt") or not (folder / "run.ckpt").exists()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_checkpoint(folder / "run.ckpt").step


def kill_once(
    folder: Path, words: list[str], number: signal.Signals, seconds: float | None
) -> tuple[bool, int]:
    """Starts or resumes the run and kills it after some seconds, or lets it end.

    Returns whether it ended by itself, and its exit code.
    """
    more = ["--checkpoint", "run.ckpt", "--checkpoint-every", "1"]
    again = check_files(folder) > 0
    started = command("--resume", "run.ckpt") if again else command(*words, *more)
    with subprocess.Popen(
        started, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        code = ended_by(process, number, seconds, _PATIENCE)
    return code == 0, code


def torture(
    folder: Path, words: list[str], draw: random.Random, kills: int, span: tuple[float, float]
) -> tuple[int, bool]:
    """Kills one case at most `kills` times and then lets it end; (kills made, same bytes)."""
    words = [*words, "--content", "cat.png", "--style", "night.png", "--output", "out.png"]
    expected = painted_at_once(folder, words)
    made, steps = 0, list[int]()
    while made < kills:
        steps.append(check_files(folder))
        ended, _ = kill_once(folder, words, draw.choice(SIGNALS), draw.uniform(*span))
        if ended:
            break
        made += 1
    else:
        ended, code = kill_once(folder, words, signal.SIGKILL, None)
        assert ended, f"the last run did not end: exit code {code}"
    same = (folder / "out.png").read_bytes() == expected
    litter = [path.name for path in folder.iterdir() if path.suffix == ".part"]
    told = (
        f"{'same bytes' if same else 'OTHER BYTES'}, {len(litter)} .part files, from steps {steps}"
    )
    print(f"  {made} kills, {told}", flush=True)
    return made, same


def table(rows: list[dict[str, object]]) -> str:
    lines = [f"| {r['case']} | {r['kills']} | {'yes' if r['same bytes'] else 'NO'} |" for r in rows]
    head = [
        "Runs of 64 px (by windows 160), killed by SIGKILL, SIGTERM or SIGINT, drawn at random.",
        "",
    ]
    head += ["| case | kills | the same bytes in the end |", "|---|---|---|"]
    total = sum(int(str(row["kills"])) for row in rows)
    return "\n".join([*head, *lines, f"| all | {total} | |"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, nargs=2, default=(2.0, 7.0))
    parser.add_argument("--only", default="", help="part of the names of the cases to run")
    parser.add_argument("--results", type=Path, default=measure.RESULTS)
    options = parser.parse_args()
    machine, rows = measure.environment(), list[dict[str, object]]()
    os.environ["JNST_OFFLINE"] = "1"
    # In the background a shell lets its programs ignore Ctrl-C, and they would pass that on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    draw, total, wrong = random.Random(options.seed), 0, 0
    while total < options.kills:
        for name, words in CASES.items():
            if options.only not in name:
                continue
            if total >= options.kills:
                break
            print(name, flush=True)
            with tempfile.TemporaryDirectory() as name_of_folder:
                folder = Path(name_of_folder)
                prepare(folder)
                left = min(-(-options.kills // len(CASES)), options.kills - total)
                made, same = torture(folder, [*COMMON, *words], draw, left, options.seconds)
            total, wrong = total + made, wrong + (not same)
            rows.append({"case": name, "kills": made, "same bytes": same})
            payload = {"environment": machine, "seed": options.seed, "rows": rows}
            measure.write_results("crash", payload, table(rows), options.results)
    print(f"{total} kills, {wrong} paintings with other bytes")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""`jnst status`: how far the batches of a folder are, from the files that they keep beside it."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

from ...images import read_parameters
from ...wording import duration_words
from ..batch.ledger import Standing, standing
from ..console import show
from ..options.parser import Parser
from ..options.patterns import ENDINGS
from ..options.words import UsageError


def main(argv: Sequence[str]) -> int:
    """Prints how many paintings are done, failed, running and left, and returns 0.

    Args:
        argv: the words after `status`.

    Raises:
        UsageError: for wrong words; the message suggests the nearest valid ones.
        OSError: if the folder is not there.
    """
    parser = Parser(
        prog="jnst status",
        description="Tells how far the batches are that paint into a folder.",
        allow_abbrev=False,
    )
    parser.add_argument("folder", metavar="FOLDER", help="of the paintings")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    typed = parser.parse_args(list(argv))
    folder = Path(typed.folder)
    if not folder.is_dir():
        raise UsageError(f"{typed.folder} is no folder: give the folder of the paintings")
    found = standing(folder)
    seconds = seconds_left(found, time.time())
    show(_as_json(found, seconds) if typed.json else _as_table(folder, found, seconds))
    return 0


def seconds_left(found: Standing, now: float) -> float | None:
    """The time until nothing is left, at the pace since the last process began; None if unknown.

    >>> found = Standing({"a": 5.0, "b": 14.0, "c": 20.0}, [], ["d"], ["e"], since=10.0)
    >>> seconds_left(found, now=30.0)
    20.0
    """
    if not found.running or found.since is None:
        return None
    made = sum(written >= found.since for written in found.done.values())
    due = len(found.running) + len(found.left)
    return (now - found.since) / made * due if made else None


def _as_json(found: Standing, seconds: float | None) -> str:
    report = {
        "done": len(found.done),
        "failed": [failure._asdict() for failure in found.failed],
        "running": found.running,
        "left": len(found.left),
        "seconds_left": None if seconds is None else round(seconds, 1),
    }
    return json.dumps(report, indent=2)


def _as_table(folder: Path, found: Standing, seconds: float | None) -> str:
    if not any(found[:4]):
        count = sum(map(_is_painting, folder.iterdir()))
        return f"no batch is under way; {count} painting{'s' * (count != 1)} of jnst in {folder}"
    rows = [("done", found.done), ("failed", found.failed)]
    rows += [("running", found.running), ("left", found.left)]
    lines = [f"{name:9}{len(paintings):8}" for name, paintings in rows]
    if seconds is not None:
        lines.append(f"{'time':9}{duration_words(seconds):>8} to go, at the pace of this run")
    elif found.left and not found.running:
        lines.append("nothing is running: the command of the batch, given again, goes on")
    lines += [f"running: {output}" for output in found.running]
    lines += [f"failed: {output}: {reason}" for output, reason in found.failed]
    return "\n".join(lines)


def _is_painting(path: Path) -> bool:
    if path.suffix.lower() not in ENDINGS:
        return False
    try:
        return "recipe" in read_parameters(path)
    except (OSError, ValueError):
        return False

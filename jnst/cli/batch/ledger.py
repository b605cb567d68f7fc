"""The ledger of a batch, beside its paintings: which are planned, in the making, and failed.

In a folder `.jnst` next to the paintings lie, while a batch is not finished, its plan, a lock for
each painting in the making, and the reason of each failure. All are small files with a name of
their own, so that processes on many machines, with one folder in common, need no server for them.
A batch that has made all of its paintings removes them.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import filelock

from ...files import replace_file
from ...storage import is_remote

FOLDER = ".jnst"
LEASE_SECONDS = 60.0
"""Time after which a lock that its process has not touched is taken over, on another machine.

On the machine of a process that has died its locks are taken over at once."""


class Failure(NamedTuple):
    """A painting that failed: its file and the line that says why."""

    output: str
    reason: str


class Standing(NamedTuple):
    """Where the batches of a folder stand; the paintings are paths.

    Attributes:
        done: with the time at which each was written, in seconds since 1970.
        failed: in the last attempt.
        running: in the making.
        left: neither of these.
        since: the time at which the last of their processes began, or None.
    """

    done: dict[str, float]
    failed: list[Failure]
    running: list[str]
    left: list[str]
    since: float | None = None


def lock_of(output: str) -> filelock.SoftFileLease:
    """The lock of a painting, to be taken before it is made; OSError if its folder is gone.

    It names machine, process and the time at which that began, and is touched while it is held: it
    needs no locks of the file system, which shared folders often lack.
    """
    folder = Path(output).parent
    if not folder.is_dir():  # which the lock would make anew
        raise FileNotFoundError(f"the folder {str(folder)!r} is gone")
    return filelock.SoftFileLease(
        _beside(output, "lock"), lease_duration=LEASE_SECONDS, timeout=0, thread_local=False
    )


def write_plan(outputs: Sequence[str], again: Sequence[str], shard: int = 0) -> None:
    """Writes down which paintings a batch makes; OSError if that fails.

    Args:
        outputs: all paintings, of all shards.
        again: those of this shard that are there and are made anew.
        shard: its index.
    """
    stale = dict(_by_folder(again))
    for folder, names in _by_folder(outputs):
        (folder / FOLDER).mkdir(exist_ok=True)
        plan = _plan(folder, names)
        replace_file(plan, json.dumps(names).encode())
        replace_file(
            plan.with_suffix(f".{shard}.again"), json.dumps(stale.get(folder, [])).encode()
        )


def note_failure(output: str, reason: str) -> None:
    """Writes down why a painting failed; what cannot be written was told."""
    with contextlib.suppress(OSError):
        if is_remote(output):
            return
        replace_file(_beside(output, "failed"), reason.encode(errors="surrogateescape"))


def forget_failure(output: str) -> None:
    """Removes the note of an earlier failure."""
    if is_remote(output):
        return
    with contextlib.suppress(OSError):
        _beside(output, "failed").unlink()


def clear(outputs: Sequence[str]) -> None:
    """Removes the plan of a batch from each folder in which all of its paintings are done."""
    for folder, names in _by_folder(outputs):
        with contextlib.suppress(OSError):
            if len(_sorted_out(folder, names).done) < len(names):
                continue
            plan = _plan(folder, names)
            for file in (plan, *plan.parent.glob(f"{plan.stem}.*.again")):
                file.unlink(missing_ok=True)
            plan.parent.rmdir()  # which fails where another batch has its files


def standing(folder: Path) -> Standing:
    """Where the batches stand whose paintings lie in a folder, or in folders in it.

    Paintings of batches that are finished, which have no plan, are not listed.
    """
    total, begun = Standing({}, [], [], []), []
    for place in sorted(folder.rglob(FOLDER)):
        names: dict[str, None] = {}
        for plan in place.glob("*.plan"):
            names |= dict.fromkeys(json.loads(plan.read_text()))
            begun.append(plan.stat().st_mtime)
        found = _sorted_out(place.parent, names)
        total.done.update(found.done)
        total.failed.extend(found.failed)
        total.running.extend(found.running)
        total.left.extend(found.left)
    return total._replace(since=max(begun, default=None))


def _sorted_out(folder: Path, names: Iterable[str]) -> Standing:
    """The paintings of one folder by where they stand."""
    place, found = folder / FOLDER, Standing({}, [], [], [])
    files = {entry.name for entry in os.scandir(place)} if place.is_dir() else set()
    there = {entry.name for entry in os.scandir(folder)}
    stale: dict[str, float] = {}
    for file in place.glob("*.again"):
        stale |= dict.fromkeys(json.loads(file.read_text()), file.stat().st_mtime)
    for name in names:
        output, key = str(folder / name), _hash(name)
        if f"{key}.lock" in files and _age(place / f"{key}.lock") < LEASE_SECONDS:
            found.running.append(output)
        elif f"{key}.failed" in files:
            reason = (place / f"{key}.failed").read_text(errors="surrogateescape")
            found.failed.append(Failure(output, reason))
        elif name in there and (written := Path(output).stat().st_mtime) >= stale.get(name, 0):
            found.done[output] = written
        else:
            found.left.append(output)
    return found


def _by_folder(outputs: Iterable[str]) -> Iterator[tuple[Path, list[str]]]:
    """The folders of paintings, and the names in each."""
    folders: dict[Path, list[str]] = {}
    for output in outputs:
        if is_remote(output):  # which has no locks, and so no ledger
            continue
        folders.setdefault(Path(output).parent, []).append(Path(output).name)
    yield from folders.items()


def _plan(folder: Path, names: list[str]) -> Path:
    """The file of a plan: processes that share a batch write the same."""
    return folder / FOLDER / f"{_hash(json.dumps(names))}.plan"


def _beside(output: str, ending: str) -> Path:
    path = Path(output)
    return path.parent / FOLDER / f"{_hash(path.name)}.{ending}"


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=12).hexdigest()


def _age(path: Path) -> float:
    """Seconds since a file was touched."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return float("inf")

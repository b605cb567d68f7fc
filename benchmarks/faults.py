"""What becomes of a run whose disk is full, closed or gone: the table, made by trying.

    python benchmarks/faults.py

Each case paints a small picture with a checkpoint, a log and snapshots in a folder that is spoiled
before the run or after its first step. Some need the right to mount a file system; where it is
missing they are left out, and said to be.
"""

import argparse
import contextlib
import dataclasses
import io
import os
import shlex
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from common import measure
from PIL import Image

from jnst import cli
from jnst.cli.recorder import Recorder
from jnst.images import read_image
from jnst.transfer import load_checkpoint

RUN = ["--size", "32", "--scales", "1", "--steps", "4", "--quiet"]
RUN += ["--content-layers", "relu1_2", "--style-layers", "relu1_1"]
FILES = ["--checkpoint", "{}/run.ckpt", "--checkpoint-every", "1", "--log", "{}/log"]
FILES += ["--save-every", "1", "--output", "{}/out.png"]
# A disk with a file open for writing does not turn read-only.
NO_LOG = [word for word in FILES if word not in ("--log", "{}/log")]


@dataclasses.dataclass(frozen=True)
class Case:
    """A fault.

    Attributes:
        words: of the command, beside the usual; {} is the folder that is spoiled.
        before: spoils it before the run; what it yields undoes that.
        after: spoils it after the first step.
        root: whether that takes the right to mount.
    """

    words: list[str] = dataclasses.field(default_factory=lambda: FILES)
    before: Callable[[Path], Any] = contextlib.nullcontext
    after: Callable[[Path], None] | None = None
    root: bool = False


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What happened: exit code, lines of both outputs, the painting's path, and what is whole."""

    code: int
    out: list[str]
    err: list[str]
    painting: Path | None
    checkpoint: int | None
    litter: list[str]


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of a megabyte."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@contextlib.contextmanager
def read_only_disk(folder: Path) -> Iterator[None]:
    with small_disk(folder):
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        yield


def fill(folder: Path) -> None:
    """Leaves no byte on the disk."""
    with (folder / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def turn_read_only(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)


def vanish(folder: Path) -> None:
    folder.rename(folder.with_name("moved away"))


@contextlib.contextmanager
def a_file_marked_read_only(folder: Path) -> Iterator[None]:
    (folder / "out.png").write_bytes(b"precious")
    (folder / "out.png").chmod(0o444)
    yield
    assert (folder / "out.png").read_bytes() == b"precious"


@contextlib.contextmanager
def a_link_to_the_content(folder: Path) -> Iterator[None]:
    (folder / "link.png").symlink_to(folder.parent / "cat.png")
    (folder / "second name.png").hardlink_to(folder.parent / "cat.png")
    yield


@contextlib.contextmanager
def a_link_to_elsewhere(folder: Path) -> Iterator[None]:
    (folder / "real").mkdir()
    (folder / "out.png").symlink_to(folder / "real" / "it.png")
    yield
    assert (folder / "out.png").is_symlink()
    assert read_image(folder / "real" / "it.png").pixels.shape == (21, 32, 3)


@contextlib.contextmanager
def files_may_not_grow(folder: Path) -> Iterator[None]:
    """A limit on the size of files, of which Python's signal is ignored: EFBIG for ENOSPC."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


CASES = {
    "disk full after the first step": Case(before=small_disk, after=fill, root=True),
    "disk turns read-only after the first step": Case(
        NO_LOG, before=small_disk, after=turn_read_only, root=True
    ),
    "files may not grow beyond 1 kB": Case(before=files_may_not_grow),
    "folder vanishes after the first step": Case(after=vanish),
    "disk read-only from the start": Case(before=read_only_disk, root=True),
    "file of that name marked read-only": Case(before=a_file_marked_read_only),
    "folder does not exist": Case([*FILES[:-1], "{}/no/out.png"]),
    "output is the content": Case(["--output", "cat.png"]),
    "output is a link to the content": Case(
        ["--output", "{}/link.png"], before=a_link_to_the_content
    ),
    "output is a second name of the content": Case(
        ["--output", "{}/second name.png"], before=a_link_to_the_content
    ),
    "output is a link to elsewhere": Case(before=a_link_to_elsewhere),
    "output is a device": Case(["--output", "/dev/full"]),
    "spaces and other letters in the path": Case(
        [word.replace("{}/", "{}/größer & ☃ ") for word in FILES]
    ),
}


def can_mount() -> bool:
    """Whether this process may mount file systems."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or sys.platform != "linux":
        return False
    with tempfile.TemporaryDirectory() as folder:
        try:
            with small_disk(Path(folder)):
                return True
        except (OSError, subprocess.CalledProcessError):
            return False


def observe(case: Case, top: Path) -> Outcome:
    """Runs a case in a new folder."""
    folder, temporary = top / "disk", top / "tmp"
    folder.mkdir()
    temporary.mkdir()
    rng = np.random.default_rng(1)
    for name, shape in (("cat.png", (32, 48, 3)), ("night.png", (40, 40, 3))):
        Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(top / name)
    cat = (top / "cat.png").read_bytes()
    words = [word.replace("{}", str(folder)) for word in case.words]
    words = ["--content", "cat.png", "--style", "night.png", *RUN, *words]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(top), case.before(folder):
        with (
            _after_the_first_step(case.after, folder),
            _temporary_files_in(temporary),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = cli.main(words)
        lines = out.getvalue().splitlines()
        painting = Path(lines[0]) if lines else None
        if painting is not None:
            assert read_image(painting).pixels.shape == (21, 32, 3)
        places = [folder, folder.with_name("moved away")]
        found = [_step(path) for place in places for path in place.glob("*run.ckpt")]
        litter = [path.name for path in top.rglob(".jnst-*")]
    assert (top / "cat.png").read_bytes() == cat, "the content was harmed"
    return Outcome(
        code, lines, err.getvalue().splitlines(), painting, max(found, default=None), litter
    )


def _step(path: Path) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_checkpoint(path).step


@contextlib.contextmanager
def _after_the_first_step(action: Callable[[Path], None] | None, folder: Path) -> Iterator[None]:
    """The first checkpoint is written, and the recorder comes before it in the second step."""
    update = Recorder.update

    def spoiled(self: Recorder, progress: Any) -> None:
        if progress.step == 2 and action:
            action(folder)
        update(self, progress)

    Recorder.update = spoiled  # type: ignore[method-assign]
    try:
        yield
    finally:
        Recorder.update = update  # type: ignore[method-assign]


@contextlib.contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


def row(name: str, outcome: Outcome, top: Path) -> str:
    """A line of the table, in which the folder is called F and the temporary one T."""

    def shown(text: str) -> str:
        text = text.removeprefix("jnst: ").replace(f"{top}/disk", "F").replace(f"{top}/tmp", "T")
        return text.replace("|", "\\|")

    told = "<br>".join(shown(line) for line in outcome.err) or "nothing"
    painting = shown(str(outcome.painting)) if outcome.painting else "none"
    step = "none" if outcome.checkpoint is None else f"step {outcome.checkpoint}"
    return f"| {name} | {outcome.code} | {painting} | {step} | {told} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=measure.RESULTS)
    options = parser.parse_args()
    machine, mounts, rows, payload = measure.environment(), can_mount(), [], {}
    for name, case in CASES.items():
        if case.root and not mounts:
            rows.append(f"| {name} | not tried: it takes the right to mount | | | |")
            continue
        with tempfile.TemporaryDirectory() as found:
            top = Path(found)
            outcome = observe(case, top)
            assert outcome.litter == [], outcome.litter
            rows.append(row(name, outcome, top))
            payload[name] = {"command": shlex.join(case.words), "code": outcome.code}
        print(rows[-1], flush=True)
    head = [
        "What a run of 4 steps does, that writes painting, checkpoint, log and snapshots into the "
        "folder F. T is",
        "the folder of temporary files. Every painting and checkpoint named here was read back; "
        "the content was",
        "compared with what it was before; no temporary file was left.",
        "",
        "| fault | exit code | painting | last checkpoint | what is told |",
        "|---|---|---|---|---|",
    ]
    payload = {"environment": machine, "cases": payload}
    measure.write_results("faults", payload, "\n".join([*head, *rows]), options.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())

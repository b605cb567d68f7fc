"""The recorder of a run: its log, its snapshots, and a contact sheet of them."""

import contextlib
import json
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TextIO

from ..arrays import Pixels
from ..files import replace_file
from ..images import read_image, write_image
from ..losses import Losses
from ..storage import is_remote, joined
from ..transfer import Progress
from .console import tell
from .options.request import Request

_SHEET_SNAPSHOTS = 12


class Recorder:
    """Writes the log and the snapshots while a run goes on.

    Args:
        request: gives the names of the files.
        embedded: from `parameters`; stored in the log's first line and in each snapshot.
        step: step of the checkpoint that the run resumes from, or 0; records up to it are kept.
    """

    def __init__(self, request: Request, embedded: Mapping[str, str], step: int = 0) -> None:
        self._request, self._embedded = request, dict(embedded)
        self._stack = contextlib.ExitStack()
        self._log: TextIO | None = None
        self._scale = 1
        self._begun = self._seen = step
        self._start = time.monotonic()
        every = request.save_every
        self._due = 1 + -(-step // every) * every if every else 1
        found = every and step  # of a run that goes on, which is none of storage
        self.snapshots = _found_snapshots(Path(request.snapshot_folder), step) if found else []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # What could not be written was told when it was; a file repeats that when it is closed.
        with contextlib.suppress(OSError):
            self._stack.close()

    def update(self, progress: Progress) -> None:
        """Records a chunk of steps. A write error is only a warning, and the run goes on.

        Steps that are repeated after running out of memory are not recorded again.
        """
        if progress.step <= self._seen:
            return
        self._seen = progress.step
        if self._request.log:
            try:
                self._write_log(progress)
            except OSError as error:
                tell(f"warning: no more lines in {self._request.log}: {error.strerror or error}")
                self._request = replace(self._request, log=None)
        if self._request.save_every and progress.step >= self._due:
            while self._due <= progress.step:
                self._due += self._request.save_every
            try:
                self._write_snapshot(progress)
            except OSError as error:
                tell(f"warning: no snapshot at step {progress.step}: {error}")

    def _write_snapshot(self, progress: Progress) -> None:
        path = joined(self._request.snapshot_folder, f"it{progress.step:04d}.png")
        if not is_remote(path):
            Path(path).parent.mkdir(exist_ok=True)
        more = {"step": str(progress.step)}
        write_image(path, progress.image(), parameters=self._embedded | more)
        self.snapshots.append((progress.step, path))

    def _write_log(self, progress: Progress) -> None:
        if self._log is None:
            path = self._log_file()
            lines, seconds = _kept_lines(path, self._begun) if self._begun else ([], 0.0)
            self._start -= seconds
            head = self._embedded | {
                "config": self._request.config.to_dict(),
                "styles": list(self._request.styles),
            }
            replace_file(path, "".join([json.dumps(head) + "\n", *lines]).encode())
            self._log = self._stack.enter_context(path.open("a", encoding="utf-8", buffering=1))
        self._scale = progress.scale
        first = progress.step - len(progress.losses.total) + 1
        for step, terms in enumerate(zip(*progress.losses, strict=True), start=first):
            self._write_line(self._log, step, Losses(*terms))

    def _log_file(self) -> Path:
        """The log, or a file of this machine that becomes the log in storage when the run ends."""
        name = str(self._request.log)
        if not is_remote(name):
            return Path(name)
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        file = Path(folder) / "log"
        self._stack.callback(lambda: replace_file(name, file.read_bytes()))
        return file

    def _write_line(self, log: TextIO, step: int, losses: Losses, **more: bool) -> None:
        seconds = round(time.monotonic() - self._start, 3)
        entry: dict[str, Any] = {"step": step, "scale": self._scale, "seconds": seconds} | more
        entry |= {name: float(value) for name, value in losses._asdict().items()}
        log.write(json.dumps(entry) + "\n")

    def finish(
        self, content: Pixels, styles: Sequence[Pixels], image: Pixels, losses: Losses
    ) -> None:
        """Ends the log with the losses of the painting, and makes the contact sheet if snapshots
        were asked for; a failure is only a warning."""
        if self._log is not None and self._request.log:
            try:
                self._write_line(self._log, self._seen, losses, result=True)
            except OSError as error:
                tell(f"warning: no last line in {self._request.log}: {error.strerror or error}")
        if self._request.save_every:
            try:
                self.write_sheet(content, styles, image)
            except (OSError, ValueError) as error:
                tell(f"warning: no contact sheet: {error}")

    def write_sheet(self, content: Pixels, styles: Sequence[Pixels], result: Pixels) -> None:
        """Puts content, styles, snapshots (a dozen at most) and result on one contact sheet."""
        from ..figures.sheets import contact_sheet

        last = len(self.snapshots) - 1
        count = min(len(self.snapshots), _SHEET_SNAPSHOTS)
        chosen = sorted({round(i * last / max(1, count - 1)) for i in range(count)})
        names = ["style"] if len(styles) == 1 else [f"style {i}" for i in range(1, len(styles) + 1)]
        pictures = [("content", content), *zip(names, styles, strict=True)]
        for step, path in (self.snapshots[i] for i in chosen):
            pictures.append((f"step {step}", read_image(path).pixels))
        contact_sheet([*pictures, ("result", result)], self._request.sheet)


def _found_snapshots(folder: Path, step: int) -> list[tuple[int, str]]:
    """The snapshots of an interrupted run, up to a step."""
    pairs = [(re.fullmatch(r"it(\d{4,})\.png", path.name), path) for path in folder.glob("it*.png")]
    numbered = [(int(match[1]), path) for match, path in pairs if match]
    return sorted((number, str(path)) for number, path in numbered if number <= step)


def _kept_lines(path: Path, step: int) -> tuple[list[str], float]:
    """The lines of a log up to a step, and the seconds that they cover."""
    lines, seconds = [], 0.0
    if path.exists():
        for line in path.read_text("utf-8", errors="replace").split("\n")[1:]:
            try:
                row = json.loads(line)
                if row["step"] > step or row.get("result"):
                    break
                seconds = float(row["seconds"])
            except (ValueError, KeyError, TypeError, RecursionError):
                break  # a killed process cut it short
            lines.append(line + "\n")
    return lines, seconds

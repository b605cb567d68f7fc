"""The files of a run besides the painting: snapshots, log, contact sheet, and what is embedded."""

import contextlib
import json
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TextIO

import numpy as np
from numpy.typing import NDArray

from .arguments import Request
from .atomic import prove_writable
from .images import check_writable, read_image, write_image
from .parser import UsageError
from .transfer import Progress
from .vgg import Params

Pixels = NDArray[np.float32]

_SHEET_SNAPSHOTS = 12


def check_paths(request: Request) -> None:
    """Makes sure that all files of a run can be written and none of its inputs is lost.

    Raises:
        UsageError: if a file to write is one of the inputs, two files to write are one, or the
            painting's name has no known ending or one that cannot hold the bits.
        OSError: if a file cannot be written.
    """
    inputs = {"--content": request.content}
    inputs |= {f"--style ({path})": path for path in request.styles}
    inputs |= {"--init-image": request.init_image or "", "--weights": request.weights or ""}
    outputs = {"--output": request.output, "--log": request.log or ""}
    if request.save_every:
        outputs["the contact sheet"] = request.sheet
    written: dict[str, str] = {}
    for name, path in outputs.items():
        for other, taken in (inputs | written).items():
            if path and taken and _same(path, taken):
                raise UsageError(f"{name} would overwrite {other}, {taken}: choose another name")
        if path:
            written[name] = path
    for other, taken in inputs.items():
        if request.save_every and taken and _same(Path(taken).parent, request.snapshots):
            raise UsageError(
                f"{other} lies in the folder of the snapshots, {request.snapshots}, and might be "
                "overwritten: choose another with --snapshots"
            )
    try:
        check_writable(request.output, bits=request.bits)
    except ValueError as error:
        raise UsageError(f"--output: {error}") from None
    if request.log:
        prove_writable(request.log)
    if request.save_every:
        check_writable(request.sheet)
        _check_folder(Path(request.snapshots))


def _same(one: str | Path, other: str | Path) -> bool:
    first, second = Path(one), Path(other)
    if first.exists() and second.exists():
        return first.samefile(second)
    return first.resolve() == second.resolve()


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file, not a folder: choose another --snapshots")
    # Where a file could be made, a folder can.
    prove_writable(folder / "it0001.png" if folder.exists() else folder)


def command_words(program: str, argv: Sequence[str], request: Request, params: Params) -> str:
    """The command as a shell takes it, with the network that the run ended up with.

    Args:
        program: `sys.argv[0]`.
        argv: the words after it.
        request: those words, parsed.
        params: the network of the run.
    """
    start = ["python", program] if program.endswith("cli.py") else ["jnst"]
    # The default network depends on what the machine has; the picture depends on the network.
    settled = request.network or request.weights
    return shlex.join([*start, *argv, *([] if settled else ["--network", params.network])])


def parameters(request: Request, params: Params, command: str, version: str) -> dict[str, str]:
    """What is embedded into the painting: the command, and all that it stood for."""
    return {
        "software": f"jnst {version}",
        "command": command,
        "preset": request.preset,
        "config": json.dumps(request.config.to_dict()),
        "content": request.content,
        "styles": json.dumps(request.styles),
        "network": params.network,
        "weights": params.name,
        "weights_sha256": params.sha256,
    }


class Recorder:
    """Writes the log and the snapshots while a run goes on.

    Args:
        request: names the files.
        embedded: from `parameters`; the log's first line and each snapshot carry it.
    """

    def __init__(self, request: Request, embedded: Mapping[str, str]) -> None:
        self._request, self._embedded = request, dict(embedded)
        self._stack = contextlib.ExitStack()
        self._log: TextIO | None = None
        self._due = 1
        self._start = time.monotonic()
        self.snapshots: list[tuple[int, Path]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def update(self, progress: Progress) -> None:
        """Takes note of a chunk of steps."""
        if self._request.log:
            self._write_log(progress)
        if self._request.save_every and progress.step >= self._due:
            while self._due <= progress.step:
                self._due += self._request.save_every
            path = Path(self._request.snapshots) / f"it{progress.step:04d}.png"
            path.parent.mkdir(exist_ok=True)
            write_image(
                path, progress.image(), parameters=self._embedded | {"step": str(progress.step)}
            )
            self.snapshots.append((progress.step, path))

    def _write_log(self, progress: Progress) -> None:
        if self._log is None:
            path = Path(str(self._request.log))
            self._log = self._stack.enter_context(path.open("w", encoding="utf-8", buffering=1))
            head = self._embedded | {
                "config": self._request.config.to_dict(),
                "styles": list(self._request.styles),
            }
            self._log.write(json.dumps(head) + "\n")
        seconds = round(time.monotonic() - self._start, 3)
        first = progress.step - len(progress.losses.total) + 1
        for step, terms in enumerate(zip(*progress.losses, strict=True), start=first):
            entry: dict[str, Any] = {"step": step, "scale": progress.scale, "seconds": seconds}
            values = map(float, terms)
            entry |= dict(zip(progress.losses._fields, values, strict=True))
            self._log.write(json.dumps(entry) + "\n")

    def write_sheet(self, content: Pixels, styles: Sequence[Pixels], result: Pixels) -> None:
        """Puts content, styles, snapshots (a dozen at most) and result on one contact sheet."""
        from .visualize import contact_sheet

        last = len(self.snapshots) - 1
        count = min(len(self.snapshots), _SHEET_SNAPSHOTS)
        chosen = sorted({round(i * last / max(1, count - 1)) for i in range(count)})
        names = ["style"] if len(styles) == 1 else [f"style {i}" for i in range(1, len(styles) + 1)]
        pictures = [("content", content), *zip(names, styles, strict=True)]
        for step, path in (self.snapshots[i] for i in chosen):
            pictures.append((f"step {step}", read_image(path).pixels))
        contact_sheet([*pictures, ("result", result)], self._request.sheet)

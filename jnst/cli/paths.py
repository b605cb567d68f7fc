"""Checks of the paths of a run, made before it begins."""

from pathlib import Path

from ..files import make_folder, prove_writable, remove_stale
from ..images import check_writable
from ..storage import folder_of, is_remote, joined, prove_stored
from ..transfer.checkpoint import previous_path
from .options.request import Request
from .options.words import STREAM, UsageError
from .output import check_output_stream


def check_paths(request: Request) -> None:
    """Checks that every file of a run can be written and that none overwrites an input.

    Raises:
        UsageError: if a file to write is one of the inputs, two files to write are one, or the
            painting's name has no known ending or one that cannot hold the bits.
        OSError: if a file cannot be written.
    """
    inputs = {"--content": request.content}
    inputs |= {f"--style ({path})": path for path in request.styles}
    inputs |= {"--init-image": request.init_image or "", "--weights": request.weights or ""}
    inputs |= request.masks.named()
    outputs = {"--output": request.output, "--log": request.log or ""}
    if request.checkpoint:
        outputs["--checkpoint"] = request.checkpoint
        outputs["the previous checkpoint"] = str(previous_path(request.checkpoint))
    if request.save_every:
        outputs["the contact sheet"] = request.sheet
    written: dict[str, str] = {}
    for name, path in outputs.items():
        for other, taken in (inputs | written).items():
            if path and taken and STREAM not in (path, taken) and _same(path, taken):
                raise UsageError(f"{name} would overwrite {other}, {taken}: choose another name")
        if path:
            written[name] = path
    for other, taken in inputs.items():
        if not request.save_every or taken in ("", STREAM):
            continue
        if _same(folder_of(taken), request.snapshot_folder):
            raise UsageError(
                f"{other} lies in the folder of the snapshots, {request.snapshot_folder}, and "
                "might be overwritten: choose another with --snapshots"
            )
    if request.output == STREAM:
        check_output_stream()
    else:
        if request.new_folder and not is_remote(request.output):
            make_folder(Path(request.output).parent)
        try:
            check_writable(request.output, bits=request.bits)
        except ValueError as error:
            raise UsageError(f"--output: {error}") from None
    for file in (request.log, request.checkpoint):
        if file:
            prove_writable(file)
    check_unused(request)
    if request.save_every:
        check_writable(request.sheet)
        first = joined(request.snapshot_folder, "it0001.png")
        if not prove_stored(first):
            _check_folder(Path(request.snapshot_folder))
            remove_stale(first)
    for path in written.values():
        if path != STREAM and not is_remote(path):
            remove_stale(path)


def _same(one: str | Path, other: str | Path) -> bool:
    if is_remote(one) or is_remote(other):
        return one == other
    first, second = Path(one), Path(other)
    if first.exists() and second.exists():
        return first.samefile(second)
    return first.resolve() == second.resolve()


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file, not a folder: choose another --snapshots")
    # If a file can be made there, so can a folder.
    prove_writable(folder / "it0001.png" if folder.exists() else folder)


def check_unused(request: Request) -> None:
    """Raises UsageError if the checkpoint of another run would be overwritten."""
    path, resume = request.checkpoint, request.resume
    if path is None or (resume and Path(path).resolve() == Path(resume).resolve()):
        return
    for taken in (Path(path), previous_path(path)):
        if taken.exists():
            raise UsageError(
                f"there is a checkpoint at {taken} already: go on from it with --resume {path}, "
                "remove it, or choose another name"
            )

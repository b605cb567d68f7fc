"""The files of a run, checked before it begins, and what is embedded into its pictures."""

import functools
import hashlib
import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from .atomic import prove_writable, remove_stale
from .images import check_writable
from .keeper import check_unused
from .network import Params
from .option_groups import WHOLE
from .parser import STREAM, UsageError
from .request import Request
from .streams import check_output_stream
from .transfer.checkpoint import previous_path


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
        if _same(Path(taken).parent, request.snapshots):
            raise UsageError(
                f"{other} lies in the folder of the snapshots, {request.snapshots}, and might be "
                "overwritten: choose another with --snapshots"
            )
    if request.output == STREAM:
        check_output_stream()
    else:
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
        _check_folder(Path(request.snapshots))
        remove_stale(Path(request.snapshots) / "it0001.png")
    for path in written.values():
        if path != STREAM:
            remove_stale(path)


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


def command_words(program: str, argv: Sequence[str]) -> str:
    """The command as a shell takes it.

    Args:
        program: `sys.argv[0]`.
        argv: the words after it.

    Example:
        >>> command_words("jnst", ["--content", "my cat.jpg"])
        "jnst --content 'my cat.jpg'"
    """
    start = ["python", program] if program.endswith("cli.py") else ["jnst"]
    return shlex.join([*start, *argv])


def recipe(request: Request, params: Params) -> str:
    """A hash of all that decides what a painting looks like: the settings and the pictures.

    Two commands of one recipe make the same painting on the same machine; where the pictures lie
    and what they are called has no part in it.

    Raises:
        OSError: if a picture cannot be read.
    """
    pictures = (request.content, *request.styles, request.init_image)
    settings = {
        "config": request.config.to_dict(),
        "bits": request.bits,
        "bucket": request.bucket,
        "preprocess": request.preprocess,
        "network": params.network,
        "weights": params.sha256,
        "pictures": [_hash_of_file(path) for path in pictures if path],
    }
    if any(request.masks):
        masks = (*request.masks.content, *request.masks.styles, request.masks.keep)
        # What a mask does is told by its place.
        counts = len(request.masks.content), len(request.masks.styles)
        settings["masks"] = [
            *counts,
            *(path if path in (None, WHOLE) else _hash_of_file(path) for path in masks),
        ]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _hash_of_file(path: str) -> str:
    if path == STREAM:
        return path
    status = Path(path).stat()
    return _hash(path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=1024)
def _hash(path: str, size: int, changed: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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

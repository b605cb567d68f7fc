"""Checkpoints: files with the state of a run, which resumes as if it had never stopped.

The file is HDF5. Its first 512 bytes, the user block, name the kind of file and the SHA-256 of the
rest, so a damaged file is detected before the HDF5 library reads it.
"""

import contextlib
import hashlib
import io
import json
import os
import secrets
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import h5py
import jax
import numpy as np
from numpy.typing import NDArray

from ..config import Config
from ..files import AnyPath, readable_path, replacing
from ..losses import Losses
from ..system import program_version

_BLOCK = 512
_ABOUT = ("config", "inputs", "scale", "step", "made_by", "notes")
_KIND = b"jnst checkpoint 2\nsha256 "
# Errors that reading may raise for a file with a valid checksum but unexpected content.
_STRANGE = (KeyError, TypeError, ValueError, AttributeError, OSError, RuntimeError)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The state of a run after some step.

    Attributes:
        config: of the run, without the scales that were dropped.
        inputs: fingerprints of the pictures and the weights, by name.
        scale: number of the current scale, from 1.
        step: optimiser steps done in the whole run.
        state: the optimiser's arrays by name, from `jnst.optimize.optimizer.to_arrays`.
        losses: the weighted terms at each step of the whole run so far, arrays [step].
        made_by: versions and device, which may affect the last bits of a picture.
        notes: free for the program that runs `stylize`.
    """

    config: Config
    inputs: Mapping[str, str]
    scale: int
    step: int
    state: Mapping[str, NDArray[Any]]
    losses: Losses
    made_by: Mapping[str, str]
    notes: Mapping[str, str] = field(default_factory=dict)


def previous_path(path: AnyPath) -> Path:
    """The path of the checkpoint before the last one, such as run.ckpt.previous."""
    path = Path(os.path.realpath(path))
    return path.with_name(path.name + ".previous")


def save_checkpoint(path: AnyPath, checkpoint: Checkpoint, *, keep_previous: bool = True) -> None:
    """Writes a checkpoint atomically; an existing file becomes the previous one.

    Args:
        path: the file; its folder must exist.
        checkpoint: from `Progress.checkpoint`.
        keep_previous: False leaves the previous file alone, for when the last one is damaged.

    Raises:
        OSError: if it cannot be written; the last checkpoint is then under one of the two names.
    """
    with replacing(path) as temporary:
        _write(temporary, checkpoint)
        if keep_previous and Path(path).exists():
            _keep(Path(os.path.realpath(path)), previous_path(path))


def load_checkpoint(path: AnyPath) -> Checkpoint:
    """Reads a checkpoint, or with a UserWarning the previous one, if it is damaged or missing.

    Raises:
        FileNotFoundError: if neither file exists.
        ValueError: if no file is an undamaged checkpoint.
        OSError: if a file cannot be read.
    """
    readable_path(path)
    try:
        return _read(Path(path))
    except (ValueError, FileNotFoundError) as error:
        older = previous_path(path)
        if not older.exists():
            raise
        try:
            checkpoint = _read(older)
        except ValueError as second:
            raise ValueError(f"{error}; and {second}") from None
        warnings.warn(f"{error}; going on from {older}, step {checkpoint.step}", stacklevel=2)
        return checkpoint


def is_whole(path: AnyPath) -> bool:
    """Whether `path` is a checkpoint with a valid checksum."""
    with contextlib.suppress(OSError, ValueError):
        _verify(Path(path))
        return True
    return False


def software() -> dict[str, str]:
    """The versions and the device, which may affect the last bits of a picture."""
    device = jax.devices()[0].device_kind
    return {"jnst": program_version(), "jax": jax.__version__, "device": device}


def fingerprint(values: Any) -> str:
    """A hash of an array's shape, type and content."""
    array = np.ascontiguousarray(values)
    digest = hashlib.sha256(f"{array.shape} {array.dtype}".encode())
    digest.update(array.data)
    return digest.hexdigest()


def check_same_run(checkpoint: Checkpoint, config: Config, inputs: Mapping[str, str]) -> None:
    """Raises ValueError, listing all differences, unless a checkpoint belongs to this run; warns if
    other versions or another device made it.

    The steps of the last scale may differ, but not be fewer than the steps already done.
    """
    saved = checkpoint.inputs
    different = [f"{n} is another" for n in saved if inputs.get(n, saved[n]) != saved[n]]
    different += [f"{name} is missing" for name in saved if name not in inputs]
    different += [f"{name} is new" for name in inputs if name not in saved]
    for spec in fields(Config):
        old, new = getattr(checkpoint.config, spec.name), getattr(config, spec.name)
        if spec.name == "steps":
            old, new = (c.steps_per_scale for c in (checkpoint.config, config))
            if checkpoint.step > sum(new):
                different.append(f"{checkpoint.step} steps are done and {sum(new)} are wanted")
            old, new = old[:-1], new[:-1]
        if old != new:
            different.append(f"{spec.name} was {old} and is {new}")
    if different:
        raise ValueError(
            f"the checkpoint is of another run: {'; '.join(different)}; "
            "give what it was begun with, or begin anew"
        )
    before = checkpoint.made_by
    changes = [
        f"{name} was {before.get(name)} and is {now}"
        for name, now in software().items()
        if before.get(name) != now
    ]
    if changes:
        warnings.warn(
            f"the picture may differ a little from that of an unbroken run: {'; '.join(changes)}",
            stacklevel=3,
        )


def _keep(last: Path, previous: Path) -> None:
    """Links the last file to the previous one's name, or renames it where links are refused."""
    link = last.with_name(f".jnst-{secrets.token_hex(8)}.part")
    try:
        link.hardlink_to(last)
    except (OSError, NotImplementedError):
        last.replace(previous)
        return
    try:
        link.replace(previous)
    finally:
        # POSIX keeps both names if they are already links to the same file.
        with contextlib.suppress(OSError):
            link.unlink()


class _Patient(io.FileIO):
    """A file that stores its first write error, since HDF5 crashes if a write raises."""

    failed: OSError | None = None

    def write(self, data: Any) -> int:
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while left and self.failed is None:
                left = left[super().write(left) or 0 :]
        except OSError as error:
            self.failed = error
        return size

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size) if self.failed is None else size or 0
        except OSError as error:
            self.failed = error
            return size or 0


def _write(path: Path, checkpoint: Checkpoint) -> None:
    about = {name: getattr(checkpoint, name) for name in _ABOUT}
    about["config"] = checkpoint.config.to_dict()
    with _Patient(path, "w+") as raw:
        with h5py.File(raw, "w", userblock_size=_BLOCK) as file:
            # Bytes, not a string: HDF5 stores strings in a heap, and can loop forever on a bad one.
            file["about"] = np.frombuffer(json.dumps(about, default=dict).encode(), np.uint8)
            for name, array in checkpoint.state.items():
                file[f"state/{name}"] = array
            for name, array in checkpoint.losses._asdict().items():
                file[f"losses/{name}"] = array
        if raw.failed:
            raise raw.failed
    head = _head(path)
    with path.open("r+b") as raw:
        raw.write(head)


def _head(path: Path) -> bytes:
    """The user block for a file with this content."""
    with path.open("rb") as file:
        file.seek(_BLOCK)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return (_KIND + digest.encode() + b"\n").ljust(_BLOCK, b"\0")


def _verify(path: Path) -> None:
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    if not path.is_file():
        raise ValueError(f"{path} is not a file")
    with path.open("rb") as file:
        head = file.read(_BLOCK)
    if not head.startswith(_KIND):
        raise ValueError(f"{path} is not a checkpoint of this version of jnst, or is damaged")
    if head != _head(path):
        raise ValueError(f"{path} is damaged: its checksum is wrong")


def _array(dataset: Any, file_size: int) -> NDArray[Any]:
    if dataset.dtype.kind not in "biuf" or dataset.nbytes > file_size:
        raise ValueError(f"{dataset.name} is no array that jnst has written")
    return np.asarray(dataset[()])


def _read(path: Path) -> Checkpoint:
    _verify(path)
    try:
        with h5py.File(path, "r") as file:
            size = path.stat().st_size
            about = json.loads(_array(file["about"], size).tobytes())
            losses = Losses(**{name: _array(rows, size) for name, rows in file["losses"].items()})
            state = {name: _array(values, size) for name, values in file["state"].items()}
        about["config"] = Config(**about["config"])
        return Checkpoint(**about, state=state, losses=losses)
    except _STRANGE as error:
        raise ValueError(f"{path} is a checkpoint that cannot be used: {error}") from error

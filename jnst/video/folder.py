"""The folder of painted frames, from which an interrupted film goes on.

Each frame is a 16-bit PNG, written whole as soon as it is painted, and `run.json` says of what run
they are. The painting continues from what the folder holds, so that one that was interrupted ends
in the same frames, bit for bit.
"""

import json
import re
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from ..arrays import Pixels
from ..files import AnyPath, make_folder, prove_folder, remove_stale, replace_file
from ..images import read_image, write_image

Key = tuple[int, int]
"""(pass, frame), both from 0."""

_RUN = "run.json"
_NAME = re.compile(r"pass(\d+)_(\d{6,})\.png")


class FrameFolder(MutableMapping[Key, Pixels]):
    """Painted frames on disk, by pass and number.

    While entered, no other process can enter it.

    Args:
        path: the folder; it is made when it is entered.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> with tempfile.TemporaryDirectory() as parent, FrameFolder(f"{parent}/f") as folder:
        ...     folder[0, 7] = np.full((2, 3, 3), 0.5, np.float32)
        ...     (0, 7) in folder, list(folder), float(folder[0, 7].max() * 65535)
        (True, [(0, 7)], 32768.0)
    """

    def __init__(self, path: AnyPath) -> None:
        self.path = Path(path)
        self._lock = FileLock(self.path / ".lock", timeout=0)

    def __enter__(self) -> Self:
        make_folder(self.path)
        prove_folder(self.path)
        try:
            self._lock.acquire()
        except Timeout:
            raise OSError(
                f"another jnst paints into {str(self.path)!r}: wait for it, or name another folder"
            ) from None
        remove_stale(self.path / _RUN)
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def file(self, key: Key) -> Path:
        """The file of a frame; frames are counted from 1 in it."""
        return self.path / f"pass{key[0] + 1}_{key[1] + 1:06d}.png"

    def __setitem__(self, key: Key, pixels: Pixels) -> None:
        write_image(self.file(key), pixels, bits=16)

    def __getitem__(self, key: Key) -> Pixels:
        if key not in self:
            raise KeyError(key)
        return read_image(self.file(key)).pixels

    def __contains__(self, key: object) -> bool:
        return isinstance(key, tuple) and self.file(key).is_file()

    def __delitem__(self, key: Key) -> None:
        if key not in self:
            raise KeyError(key)
        self.file(key).unlink()

    def __iter__(self) -> Iterator[Key]:
        names = (_NAME.fullmatch(file.name) for file in self.path.glob("pass*.png"))
        return iter(sorted((int(name[1]) - 1, int(name[2]) - 1) for name in names if name))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def has_run(self) -> bool:
        """Whether the folder belongs to a run."""
        return (self.path / _RUN).exists()

    def write_run(self, run: Mapping[str, Any]) -> None:
        """Notes what run the frames are of."""
        replace_file(self.path / _RUN, (json.dumps(run, indent=1) + "\n").encode())

    def read_run(self) -> dict[str, Any]:
        """The note of the run.

        Raises:
            FileNotFoundError: if there is none.
            ValueError: if it is damaged.
        """
        file = self.path / _RUN
        if not file.is_file():
            raise FileNotFoundError(
                f"{str(self.path)!r} is no folder of painted frames: it has no {_RUN}"
            )
        try:
            run = json.loads(file.read_text("utf-8"))
            if not isinstance(run, dict):
                raise ValueError("no object")
        except ValueError as error:
            raise ValueError(f"{str(file)!r} is damaged ({error}): begin anew") from None
        return run

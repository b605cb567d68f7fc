"""Feature maps in the host's memory that release rows which are no longer needed."""

import contextlib
import math
import mmap
import os
import tempfile
import weakref
from typing import Any

import numpy as np

from ...arrays import Pixels

LARGE = 256 << 20
"""Size in bytes from which a `seldom_read` map lies in a file."""

_in_files: "weakref.WeakSet[mmap.mmap]" = weakref.WeakSet()


class HostMap:
    """A float32 array of zeros that takes memory only where it is written, until `forget`.

    A map that is seldom read may lie in a file, if it is large and the disk has room; it then takes
    memory until `release`, and is no slower while the system has free memory.
    """

    def __init__(self, shape: tuple[int, ...], *, seldom_read: bool = False) -> None:
        size = max(math.prod(shape) * 4, 1)
        in_file = _in_file(size) if seldom_read and size >= LARGE else None
        self._memory = in_file or _in_memory(size)
        self.values: Pixels = np.frombuffer(self._memory, np.float32, math.prod(shape)).reshape(
            shape
        )
        self._row, self._forgotten = size // max(shape[0], 1), 0

    def forget(self, rows: int) -> None:
        """Releases the memory of the first rows, whose values are lost, if the system can do
        that."""
        end = rows * self._row // mmap.PAGESIZE * mmap.PAGESIZE
        if end > self._forgotten:
            _give_back(self._memory, self._forgotten, end - self._forgotten)
            self._forgotten = end


def release(values: Any) -> None:
    """Releases the memory of a map in a file, which keeps its values; ignores other arrays."""
    while isinstance(values, np.ndarray | memoryview):
        values = values.base if isinstance(values, np.ndarray) else values.obj
    if isinstance(values, mmap.mmap) and values in _in_files:
        _give_back(values, 0, len(values))


def _in_memory(size: int) -> mmap.mmap:
    # Private: a shared mapping keeps its pages until it is closed, even after `madvise`.
    private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if os.name == "posix" else {}
    memory = mmap.mmap(-1, size, **private)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        # Pages of 2 MB: a large map needs a fraction of the page faults.
        with contextlib.suppress(OSError):  # a kernel built without huge pages
            memory.madvise(mmap.MADV_HUGEPAGE)
    return memory


def _in_file(size: int) -> mmap.mmap | None:
    """Memory mapped to an unnamed temporary file, or None if the system or disk refuses it."""
    with contextlib.suppress(OSError, AttributeError), tempfile.TemporaryFile() as file:
        # Reserve the blocks on disk now: on a full disk, a later write to the memory would crash.
        os.posix_fallocate(file.fileno(), 0, size)
        memory = mmap.mmap(file.fileno(), size)
        _in_files.add(memory)
        return memory
    return None


def _give_back(memory: mmap.mmap, start: int, length: int) -> None:
    if hasattr(mmap, "MADV_DONTNEED"):
        with contextlib.suppress(OSError):
            memory.madvise(mmap.MADV_DONTNEED, start, length)

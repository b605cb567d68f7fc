"""A map in the host's memory that gives back, row by row, what is not needed any more."""

import math
import mmap
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray


class HostMap:
    """A float32 array of zeros that takes memory only where it is written, until `forget`.

    Attributes:
        values: the array, [height, …].

    Example:
        >>> kept = HostMap((4, 2, 1))
        >>> kept.values[:] = 1
        >>> kept.forget(2)
        >>> kept.values[2:].sum()
        np.float32(4.0)
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        size = math.prod(shape) * 4
        self._memory = mmap.mmap(-1, max(size, 1))
        self.values: NDArray[np.float32]
        self.values = np.frombuffer(self._memory, np.float32, math.prod(shape)).reshape(shape)
        self._row, self._forgotten = size // max(shape[0], 1), 0

    def forget(self, rows: int) -> None:
        """Gives back the memory of the first `rows` rows: what they hold is lost.

        Where the system does not offer that, nothing happens.
        """
        end = rows * self._row // mmap.PAGESIZE * mmap.PAGESIZE
        if end > self._forgotten and hasattr(mmap, "MADV_DONTNEED"):
            with suppress(OSError):
                length = end - self._forgotten
                self._memory.madvise(mmap.MADV_DONTNEED, self._forgotten, length)
            self._forgotten = end

"""Maps in the host's memory: zeros, written, and given back row by row."""

import ctypes
import mmap
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jnst.compute.tiles import host_map
from jnst.compute.tiles.host_map import HostMap, release
from jnst.system import trim


def resident_of(values):
    """Bytes of an array's own pages that are in memory, whatever other threads take meanwhile."""
    first = values.ctypes.data // mmap.PAGESIZE
    count = -(-values.nbytes // mmap.PAGESIZE)
    with Path("/proc/self/pagemap").open("rb", buffering=0) as pages:
        pages.seek(8 * first)
        entries = np.frombuffer(pages.read(8 * count), np.uint64)
    return int((entries >> np.uint64(63)).sum()) * mmap.PAGESIZE


def test_a_new_map_is_zero_and_keeps_what_is_written():
    kept = HostMap((5, 3, 2))
    assert kept.values.shape == (5, 3, 2)
    assert kept.values.dtype == np.float32
    assert not kept.values.any()
    kept.values[:] = np.arange(30).reshape(5, 3, 2)
    assert kept.values.sum() == 29 * 30 / 2
    assert HostMap((0, 3)).values.shape == (0, 3)


def test_the_rows_behind_are_not_touched():
    kept = HostMap((100, 1000))
    kept.values[:] = np.arange(100)[:, None]
    for rows in (1, 10, 50, 20, 99):
        kept.forget(rows)
        np.testing.assert_array_equal(
            kept.values[max(rows, 50) :], np.arange(max(rows, 50), 100)[:, None] * np.ones(1000)
        )


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the memory that is taken")
def test_memory_is_taken_when_written_and_given_back_when_forgotten():
    kept = HostMap((256, 100_000))
    assert resident_of(kept.values) == 0
    kept.values[:] = 1
    assert resident_of(kept.values) > 102e6
    kept.forget(128)
    assert 51e6 < resident_of(kept.values) < 54e6
    kept.forget(256)
    assert resident_of(kept.values) < 3e6


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the memory that is taken")
def test_what_is_given_back_is_free_for_others_too():
    """Memory that is shared would leave the process, and stay with the system."""
    kept = HostMap((100, 102_400))
    kept.values[:] = 1
    kept.forget(100)
    assert not kept.values.any()


TRIM = """
import ctypes
from pathlib import Path
from jnst.system import trim

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
pieces = [libc.malloc(ctypes.c_size_t(100_000)) for _ in range(1000)]
for piece in pieces:
    ctypes.memset(ctypes.c_void_p(piece), 1, 100_000)
before = resident()
for piece in pieces[:-1]:
    libc.free(piece)
freed = before - resident()
trim()
print(freed, before - resident())
"""


def test_trim_gives_back_what_lies_between_pieces_in_use():
    if sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"):
        trim()  # nothing happens
        return
    # A process of its own: no other thread takes or frees memory meanwhile.
    child = subprocess.run([sys.executable, "-c", TRIM], capture_output=True, check=True)
    freed, trimmed = map(int, child.stdout.split())
    assert freed < 20e6
    assert trimmed > 80e6


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the memory that is taken")
def test_a_large_map_that_is_seldom_read_is_in_a_file_and_loses_nothing(monkeypatch):
    monkeypatch.setattr(host_map, "LARGE", 100 << 20)
    kept = HostMap((300, 100_000), seldom_read=True)
    for row in range(300):
        kept.values[row] = row
        release(kept.values)
    assert resident_of(kept.values) < 20e6
    np.testing.assert_array_equal(kept.values[:, -1], np.arange(300))
    np.testing.assert_array_equal(kept.values[299], np.full(100_000, 299, np.float32))
    # Parts of it and what only looks like it are understood.
    release(kept.values[3:5, :7])
    release(np.ones(3))
    release(HostMap((3, 4)).values)


def test_without_room_on_the_disk_it_is_in_memory(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(host_map, "LARGE", 1)
    monkeypatch.setattr(host_map.os, "posix_fallocate", full)
    kept = HostMap((3, 4), seldom_read=True)
    kept.values[:] = 7
    release(kept.values)
    assert kept.values.sum() == 84

"""Maps in the host's memory: zeros, written, and given back row by row."""

import sys
from pathlib import Path

import numpy as np
import pytest

from jnst.host_map import HostMap


def resident():
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


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
    before = resident()
    kept = HostMap((256, 100_000))
    assert resident() - before < 20e6
    kept.values[:] = 1
    assert resident() - before > 90e6
    kept.forget(128)
    assert 40e6 < resident() - before < 65e6
    kept.forget(256)
    assert resident() - before < 20e6

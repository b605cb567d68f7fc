"""A guarded program in processes of its own: what it tells, and when it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jnst.cli import child_process

pytestmark = pytest.mark.skipif(not child_process.POSSIBLE, reason="processes are not divided here")

# By its path: importing the package takes seconds, and the file needs nothing of it.
BEGIN = f"""
import os, signal, sys, time
sys.path.insert(0, {str(Path(child_process.__file__).parent)!r})
from child_process import guarded
guarded(lambda number, noise: (3, f"by {{number}} after {{noise.strip()}}"))
"""


def started(program):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", BEGIN + program], text=True, **pipes)


@pytest.mark.parametrize(
    ("program", "code", "out", "told"),
    [
        ("print('é'); print('b', file=sys.stderr); sys.exit(5)", 5, "é\n", "b\n"),
        ("print(sys.stdin.readline())", 0, "read\n\n", ""),
        # What C++ writes, to either, is not seen unless it says how the process ended.
        ("os.write(1, b'rank 0'); os.write(2, b'E1125')", 0, "", ""),
        ("os.write(2, b'a wall'); os.abort()", 3, "", "jnst: by 6 after a wall\n"),
        ("os.kill(os.getpid(), signal.SIGKILL)", 3, "", "jnst: by 9 after \n"),
        # Once: the second would end it.
        (
            "signal.signal(signal.SIGINT, lambda *_: sys.exit(7)); os.kill(os.getppid(), "
            "signal.SIGINT); time.sleep(60)",
            7,
            "",
            "",
        ),
    ],
)
def test_its_end_is_that_of_the_child(program, code, out, told):
    process = started(program)
    assert process.communicate("read\n", timeout=60) == (out, told)
    assert process.returncode == code


def test_a_killed_guardian_takes_its_child_along():
    with started("print(os.getpid(), flush=True); time.sleep(600)") as process:
        child = int(process.stdout.readline())
        assert child != process.pid
        process.kill()
    limit = time.monotonic() + 30
    while time.monotonic() < limit and running(child):
        time.sleep(0.05)
    assert not running(child)


def running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # Where nobody takes note of the ends of orphans they stay as names.
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_signals_are_named():
    from jnst.cli.distributed import PEER_LOST, ended

    wall = "E1125 Polled an error from coordination service (this can be an error from this"
    assert ended(signal.SIGABRT, wall) == (1, PEER_LOST)
    assert ended(signal.SIGABRT, "first\nwhat():  std::bad_alloc\n\n") == (
        1,
        "error: JAX gave up: what():  std::bad_alloc",
    )
    assert ended(signal.SIGABRT, "")[1] == "error: JAX gave up: it does not say why"
    assert ended(signal.SIGSEGV, "") == (
        139,
        "error: the process that computes was ended by SIGSEGV",
    )

"""Runs killed at random moments go on to the same file; a few here, more in benchmarks/crash.py."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

import jnst
from jnst.images import read_image

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
LONG = ["--size", "64", "--scales", "1", "--steps", "100000"]
LONG += ["--content", "cat.png", "--style", "night.png", "--output", "out.png"]


@pytest.fixture
def crash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The benchmark, and two pictures in the folder."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setenv("JNST_OFFLINE", "1")
    monkeypatch.delitem(sys.modules, "crash", raising=False)
    module = __import__("crash")
    module.prepare(tmp_path)
    return module


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "number", "seed"),
    [
        ("adam, two scales, averaged", signal.SIGINT, 1),
        ("lbfgs zoom, two scales, by windows", signal.SIGKILL, 4),
    ],
)
def test_a_killed_run_ends_in_the_same_bytes(
    crash: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
    number: signal.Signals,
    seed: int,
) -> None:
    monkeypatch.setattr(crash, "SIGNALS", [number])
    # A step by windows takes long enough to be met by a kill.
    fewer = ["--steps", "20"] if "windows" in case else []
    words = [*crash.COMMON, *crash.CASES[case], *fewer]
    made, same = crash.torture(tmp_path, words, random.Random(seed), 1, (2.0, 4.0))
    assert same
    assert made > 0


def start_and_wait(crash: ModuleType, folder: Path, *words: str) -> subprocess.Popen[str]:
    """A run that will not end by itself, once it has written its first checkpoint."""
    more = ["--checkpoint", "run.ckpt", "--checkpoint-every", "1", *words]
    process = subprocess.Popen(
        crash.command(*LONG, *more),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not (folder / "run.ckpt").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return process


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="a signal of POSIX")
def test_a_closed_terminal_leaves_painting_and_checkpoint(
    crash: ModuleType, tmp_path: Path
) -> None:
    process = start_and_wait(crash, tmp_path)
    try:
        for stream in (process.stdout, process.stderr):
            assert stream
            stream.close()
        process.send_signal(signal.SIGHUP)
        assert process.wait(timeout=60) == 129
    finally:
        process.kill()
        process.wait()
    assert read_image(tmp_path / "out.png").pixels.shape == (48, 64, 3)
    assert jnst.load_checkpoint(tmp_path / "run.ckpt").step > 0

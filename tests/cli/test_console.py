"""What a run says while it works, by a clock of the test's own, and how long it thinks it takes."""

import contextlib
import os
import sys

import numpy as np
import pytest

from jnst.cli import console
from jnst.compute import cost
from jnst.config import Config
from jnst.losses import Losses
from jnst.transfer import Progress


def progress(step: int, scale: int = 1, loss: float = 2.5) -> Progress:
    losses = Losses(*(np.full(1, loss, np.float32) for _ in range(4)))
    return Progress(step, 30, scale, 2, 10 * scale, 20 * scale, losses, None, None)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    return now


def test_lines_where_there_is_no_terminal(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    """Steps of 20 s, then of 80 s: 9 + 4·20 small steps are left at first."""
    with console.Display((10, 20), (1e9, 4e9), quiet=False) as display:
        for step in range(1, 31):
            display.update(progress(step, 1 if step <= 10 else 2))
            clock[0] += 20 if step <= 10 else 80
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "jnst: step 1/30, 20x10, loss 2.5"
    # The second line comes after 30 s, that is with the third step; 7 + 80 steps of 20 s are left.
    assert lines[1] == "jnst: step 3/30, 20x10, loss 2.5, 20 s/step, 29 min left"
    assert "jnst: step 11/30, 40x20, loss 2.5" in lines
    assert "jnst: step 12/30, 40x20, loss 2.5, 80 s/step, 24 min left" in lines
    assert lines[-1] == "jnst: step 30/30, 40x20, loss 2.5, 80 s/step"


def test_what_is_left_counts_what_is_compiled(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    """Two minutes to the first step of each of three scales; then 40 s a step."""
    with console.Display((10, 10, 10), (1e9, 1e9, 1e9), quiet=False) as display:
        for step in range(1, 31):
            clock[0] += 120 if step in (1, 11, 21) else 40
            display.update(progress(step, (step + 9) // 10)._replace(scales=3))
    lines = capsys.readouterr().err.splitlines()
    # 28 steps and two scales, then 18 and one.
    assert "jnst: step 2/30, 20x10, loss 2.5, 40 s/step, 23 min left" in lines
    assert "jnst: step 12/30, 40x20, loss 2.5, 40 s/step, 14 min left" in lines


def test_a_bar_on_a_terminal(
    clock: list[float], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.sys.stderr, "isatty", lambda: True, raising=False)
    with console.Display((10, 20), (1e9, 4e9), quiet=False) as display:
        display.update(progress(1))
        clock[0] += 0.5
        display.update(progress(2))
    bar = capsys.readouterr().err.split("\r")[-1]
    assert bar.startswith("2/30 |")
    assert bar.rstrip().endswith("| 20x10, loss 2.5, 0.5 s/step, 44 s left")


@pytest.mark.parametrize("size", [(0, 0), (24, 0), (0, 100), (24, 100)])
def test_a_bar_on_a_terminal_of_that_size(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    """0 columns and rows is what a terminal says that does not know its size."""
    pty = pytest.importorskip("pty", reason="terminals of POSIX")
    termios = pytest.importorskip("termios")
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, size)
    with open(slave, "w") as stream:  # noqa: PTH123 - a descriptor has no path
        monkeypatch.setattr(sys, "stderr", stream)
        with console.Display((30,), (1e9,), quiet=False) as display:
            display.update(progress(29)._replace(scales=1))
            console.tell("a message")
            display.update(progress(30)._replace(scales=1))
    written = b""
    # A terminal gives what was written in parts, and an error at its end.
    with contextlib.suppress(OSError):
        while part := os.read(master, 9999):
            written += part
    os.close(master)
    shown = written.decode()
    assert "30/30 |" in shown
    assert "loss 2.5" in shown
    # A message has its own line, above the bar.
    assert "\rjnst: a message\r\n" in shown


def test_quiet_is_quiet(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with console.Display((30,), (0.0,), quiet=True) as display:
        display.update(progress(1)._replace(scales=1))
        clock[0] += 100
        display.update(progress(30)._replace(scales=1))
    assert capsys.readouterr().err == ""


def test_a_closed_terminal_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", buffering=1) as stream:  # noqa: PTH123 - a descriptor has no path
        monkeypatch.setattr(console.sys, "stdout", stream)
        monkeypatch.setattr(console.sys, "stderr", stream)
        for _ in range(2):
            console.show("out.png")
            console.tell("done")


@pytest.mark.parametrize(
    ("network", "layers", "expected"),
    [
        # 2 passes x 2 flops x 9 taps x pixels x input channels x output channels.
        ("vgg16", ["relu1_1"], 36 * 20 * 30 * 3 * 64),
        ("vgg16", ["relu1_1", "pool1"], 36 * 20 * 30 * (3 + 64) * 64),
        ("vgg19", ["conv2_1"], 36 * 20 * 30 * (3 + 64) * 64 + 36 * 10 * 15 * 64 * 128),
        ("vgg19", [], 0),
    ],
)
def test_operations_by_hand(network: str, layers: list[str], expected: int) -> None:
    assert cost.step_operations(network, layers, 20, 30) == expected


def test_windows_take_longer_than_the_whole() -> None:
    config = Config(style_loss="gram-relative")  # no roots, which are taken once
    whole = cost.step_work("vgg16", config, 200, 300)
    assert cost.step_work("vgg16", config, 200, 300, 300) == whole
    assert cost.step_work("vgg16", config, 200, 300, 0) == whole
    assert cost.step_work("vgg16", config, 200, 300, 256) == pytest.approx(1.43 * whole)


def test_the_speed_of_this_machine_is_plausible() -> None:
    assert 1e8 < cost.measure_speed(side=16, channels=32) < 1e16


def test_expected_seconds_add_up() -> None:
    one = cost.expected_seconds([1e10], [10], 1e10)
    two = cost.expected_seconds([1e10], [20], 1e10)
    both = cost.expected_seconds([1e10, 1e10], [10, 20], 1e10)
    assert both == pytest.approx(one + two)
    assert 10 < two - one < 40
    # A scale that is done is not compiled again.
    assert cost.expected_seconds([1e10, 1e10], [0, 10], 1e10) == pytest.approx(one)

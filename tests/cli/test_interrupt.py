"""The first signal asks a run to stop, and a second Ctrl-C or SIGTERM ends it at once."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from command import PICTURES, TINY, Command

from jnst.cli import interrupt as interrupt_module
from jnst.cli.interrupt import Interrupt

POSIX = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals of POSIX")

# Minutes in C without Python's lock, as a compiled step takes them, while a file is half written.
PROGRAM = """
import hashlib, sys
from jnst.cli import paint
from jnst.cli.command import main
from jnst.files import replacing

def long_step(*_, **__):
    with replacing("cat_night.png") as part:
        part.write_bytes(b"half")
        print("begun", flush=True)
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)

paint.stylize = long_step
sys.exit(main(sys.argv[1:]))
"""


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize(
    ("signals", "code"),
    [
        ((signal.SIGINT, signal.SIGINT), 130),
        ((signal.SIGTERM, signal.SIGTERM), 143),
        ((signal.SIGTERM, signal.SIGINT), 130),
    ],
)
def test_the_second_ends_a_step_of_minutes(
    run: Command, signals: tuple[signal.Signals, ...], code: int
) -> None:
    """Nothing is left of the file that is half written, and all of the one before it."""
    Path("cat_night.png").write_bytes(b"whole")
    words = [*PICTURES, "--style", "cat.png", "--every-pair", "--overwrite", *TINY]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            assert process.stderr
            assert process.stdout.readline() == "begun\n"
            process.send_signal(signals[0])
            while "stopping after this step" not in (line := process.stderr.readline()):
                assert line
            time.sleep(1.5 * interrupt_module._SAME_SECONDS)
            process.send_signal(signals[1])
            told = process.communicate(timeout=20)[1].splitlines()
        finally:
            process.kill()
    assert process.returncode == code
    assert told == [
        "jnst: 2 paintings: 0 painted, 2 left (cat_night.png, cat_cat.png); the same command goes "
        "on",
        "jnst: stopped at once",
    ]
    # The plan of an unfinished batch stays, with the lock that names a process that is gone.
    assert {name for name in run.files() if not name.startswith(".jnst")} == {"cat_night.png"}
    assert Path("cat_night.png").read_bytes() == b"whole"


def test_the_first_asks(capfd: pytest.CaptureFixture[str]) -> None:
    """Also if it comes twice, from the terminal and from the program that started this one."""
    before = signal.getsignal(signal.SIGINT)
    wakeup = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(wakeup)
    with Interrupt() as interrupt:
        assert interrupt.signal == 0
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert interrupt.signal == signal.SIGINT
    assert capfd.readouterr().err == ("jnst: stopping after this step; Ctrl-C to stop at once\n")
    assert signal.getsignal(signal.SIGINT) is before
    assert signal.set_wakeup_fd(wakeup) == wakeup


@POSIX
@pytest.mark.parametrize("signals", [("SIGHUP", "SIGHUP", "SIGTERM"), ("SIGINT", "SIGTERM")])
def test_other_signals_are_patient(
    monkeypatch: pytest.MonkeyPatch, signals: tuple[str, ...]
) -> None:
    """A terminal that is closed, or a machine that is shut down, does not insist."""
    monkeypatch.setattr(interrupt_module, "_SAME_SECONDS", 0.0)
    monkeypatch.setattr(interrupt_module.os, "_exit", pytest.fail)
    numbers = [getattr(signal, name) for name in signals]
    before = [signal.getsignal(number) for number in numbers]
    with Interrupt() as interrupt:
        for number in numbers:
            signal.raise_signal(number)
        assert interrupt.signal == numbers[0]
    assert [signal.getsignal(number) for number in numbers] == before


@POSIX
def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupt() as interrupt:
            signal.raise_signal(signal.SIGHUP)
            assert interrupt.signal == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_in_another_thread_signals_keep_their_meaning() -> None:
    before = signal.getsignal(signal.SIGINT)
    found: list[object] = []

    def enter() -> None:
        with Interrupt():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [before]

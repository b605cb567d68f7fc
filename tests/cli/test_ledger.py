"""Two batches in one folder: locks, those of dead processes, failures, and `jnst status`."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from command import TINY, Command

from jnst.cli import paint
from jnst.cli.batch import ledger, tally
from jnst.cli.commands.status import seconds_left

HOLDER = """
import sys, time
from jnst.cli.batch.ledger import lock_of
with lock_of(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""
FOREIGN = "filelock/2\npid={pid}\nhost=another\nmode=lease\ntoken=aa\nduration={seconds}\n"


@pytest.fixture
def many(run: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command with a folder of three photographs; it looks for free paintings often."""
    (run.folder / "in").mkdir()
    for name in "abc":
        (run.folder / "in" / f"{name}.png").write_bytes((run.folder / "cat.png").read_bytes())
    (run.folder / "out").mkdir()
    monkeypatch.setattr(tally, "_WAIT_SECONDS", 0.05)
    return run


WORDS = ["--content", "in", "--style", "night.png", "--output", "out/", *TINY]


def painted(err: list[str]) -> list[str]:
    """The paintings that a run has begun."""
    return [line.split(": ")[2] for line in err if ": painting " in line]


def test_what_another_process_paints_is_waited_for(many: Command) -> None:
    """It is finished by the other, and painted here if the other ends without it."""
    first = many(*WORDS)
    assert first[0] == 0
    finished = (many.folder / "out/a_night.png").read_bytes()
    for name in "ac":
        (many.folder / f"out/{name}_night.png").unlink()
    held = ledger.lock_of("out/a_night.png")
    held.acquire()

    def end() -> None:
        while not (many.folder / "out/c_night.png").exists():
            time.sleep(0.02)
        time.sleep(0.2)
        (many.folder / "out/a_night.png").write_bytes(finished)
        held.release()

    other = threading.Thread(target=end)
    other.start()
    code, out, err = many(*WORDS)
    other.join()
    assert (code, painted(err)) == (0, ["out/c_night.png"])
    assert out == [f"out/{name}_night.png" for name in "bca"]
    assert "jnst: waiting for another run, which makes out/a_night.png" in err
    assert err[-1] == "jnst: 3 paintings: 1 painted, 2 finished before"
    (many.folder / "out/a_night.png").unlink()
    held.acquire()
    released = threading.Timer(0.3, held.release)
    released.start()
    code, out, err = many(*WORDS)
    assert (code, painted(err)) == (0, ["out/a_night.png"])
    assert not (many.folder / "out" / ledger.FOLDER).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process")
def test_the_lock_of_a_killed_process_is_taken_over(many: Command) -> None:
    command = [sys.executable, "-c", HOLDER, "out/b_night.png"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        held = list((many.folder / "out" / ledger.FOLDER).glob("*.lock"))
        holder.send_signal(signal.SIGKILL)
    assert held == list((many.folder / "out" / ledger.FOLDER).glob("*.lock"))
    code, _, err = many(*WORDS)
    assert code == 0
    assert painted(err) == [f"out/{name}_night.png" for name in "abc"]
    assert not any("waiting" in line for line in err)


def test_a_lock_of_another_machine_is_taken_over_when_it_is_not_touched(
    many: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "LEASE_SECONDS", 0.5)
    lock = Path(ledger.lock_of("out/a_night.png").lock_file)
    lock.parent.mkdir()
    lock.write_text(FOREIGN.format(pid=os.getpid(), seconds=0.5))
    code, _, err = many(*WORDS)
    assert code == 0
    assert painted(err)[-1] == "out/a_night.png"
    assert len(painted(err)) == 3


def test_a_folder_that_vanishes_is_told_and_not_made_anew(
    many: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = paint.stylize

    def vanishing(*args: Any, **more: Any) -> Any:
        if Path("out").exists():
            Path("out").rename("gone")
        return plain(*args, **more)

    monkeypatch.setattr(paint, "stylize", vanishing)
    code, _, err = many(*WORDS)
    assert code == 1
    assert not (many.folder / "out").exists()
    errors = [line for line in err if line.startswith("jnst: error: ")]
    assert "cannot be written: the folder" in errors[0]
    assert errors[1:] == [
        f"jnst: error: out/{name}_night.png: the folder 'out' is gone" for name in "bc"
    ]
    assert err[-1].endswith(
        "0 painted, 3 failed (out/a_night.png, out/b_night.png, out/c_night.png)"
    )
    saved = Path(errors[0].rpartition("the painting is ")[2])
    saved.unlink()
    saved.parent.rmdir()


def status(run: Command) -> Any:
    code, out, err = run("status", "out", "--json")
    assert (code, err) == (0, [])
    return json.loads("\n".join(out))


def test_status_of_a_batch(many: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a painting is made, after failures, and when all is done."""
    (many.folder / "in/aa.png").write_text("no picture")
    plain, seen = paint.stylize, []

    def watched(*args: Any, **more: Any) -> Any:
        seen.append(ledger.standing(Path("out")))
        return plain(*args, **more)

    monkeypatch.setattr(paint, "stylize", watched)
    assert many(*WORDS, "--shard", "0/1")[0] == 1
    # In the order a, aa, b, c.
    assert [len(found.done) for found in seen] == [0, 1, 2]
    assert [len(found.failed) for found in seen] == [0, 1, 1]
    assert [found.running for found in seen] == [[f"out/{n}_night.png"] for n in "abc"]
    assert [len(found.left) for found in seen] == [3, 1, 0]
    assert [seconds_left(found, time.time()) is None for found in seen] == [True, False, False]
    assert many("status", "out")[1][:5] == [
        *("done            3", "failed          1", "running         0", "left            0"),
        "failed: out/aa_night.png: 'in/aa.png' is not a picture that can be read (PNG, JPEG, WebP, "
        "TIFF, GIF, BMP, PPM, JPEG 2000, AVIF, HEIC, JPEG XL): open it in another program and save "
        "it as PNG",
    ]
    # Other settings: what is there is made anew, and counts when it is.
    seen.clear()
    assert many(*WORDS, "--steps", "2")[0] == 1
    counts = [(len(found.done), len(found.running), len(found.left)) for found in seen]
    assert counts == [(0, 1, 2), (1, 1, 1), (2, 1, 0)]
    (many.folder / "in/aa.png").write_bytes((many.folder / "cat.png").read_bytes())
    seen.clear()
    assert many(*WORDS, "--steps", "2")[0] == 0
    assert (len(seen), seen[0].failed) == (1, [])
    assert not (many.folder / "out" / ledger.FOLDER).exists()
    code, out, _ = many("status", "out")
    assert (code, out) == (0, ["no batch is under way; 4 paintings of jnst in out"])


def test_status_says_that_nothing_is_running(many: Command) -> None:
    ledger.write_plan(["out/a.png", "out/sub/b.png"][:1], [])
    lock = Path(ledger.lock_of("out/a.png").lock_file)
    lock.write_text(FOREIGN.format(pid=3, seconds=60.0))
    assert status(many)["running"] == ["out/a.png"]
    long_ago = time.time() - 2 * ledger.LEASE_SECONDS
    os.utime(lock, (long_ago, long_ago))
    assert status(many) == {
        "done": 0,
        "failed": [],
        "running": [],
        "left": 1,
        "seconds_left": None,
    }
    assert many("status", "out")[1][-1].startswith("nothing is running: the command of the batch")
    code, _, err = many("status", "nowhere")
    assert (code, err) == (
        2,
        ["jnst: error: nowhere is no folder: give the folder of the paintings"],
    )

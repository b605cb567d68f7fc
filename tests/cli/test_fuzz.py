"""Damaged files by the hundred: each is read or refused in one line, soon, and in little memory."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import hostile_files
import numpy as np
import pytest
from hostile_files import SECONDS, mutated_checkpoints, mutated_pictures, pictures

import jnst
from jnst.losses import Losses

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does"),
]


class Reader:
    """`hostile_files` as a program; a file that kills it or keeps it too long fails the test."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(hostile_files.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(os.environ) | {"PYTHONPATH": str(ROOT)},
            cwd=ROOT,
        )

    def ask(self, line: str, seconds: float = SECONDS) -> str:
        """What became of the file of that path."""
        process = self._process
        assert process.stdin
        assert process.stdout
        process.stdin.write(line.encode() + b"\n")
        process.stdin.flush()
        used = self._cpu_seconds()
        # By the processor's time as well: somebody else may have the machine.
        while not select.select([process.stdout], [], [], seconds)[0]:
            assert self._cpu_seconds() - used < seconds, f"{line}: longer than {seconds} s"
        answer = process.stdout.readline()
        assert answer, f"{line}: the reader died, exit code {process.wait()}"
        found = json.loads(answer)
        assert isinstance(found, str)
        return found

    def _cpu_seconds(self) -> float:
        stat = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """The program, once it has read a sound file of each kind."""
    program = Reader()
    try:
        for name, data in pictures().items():
            path = tmp_path / name
            path.write_bytes(data)
            assert program.ask(str(path), 60.0) == "read", name
            path.unlink()
        yield program
    finally:
        program.close()


def check(answer: str, name: str, path: Path) -> bool:
    """Whether the file was read; anything but a refusal in one line that names it is wrong."""
    if answer == "read":
        return True
    assert answer.startswith("refused: "), f"{name}: {answer}"
    assert path.name in answer
    assert "\n" not in answer
    assert "Traceback" not in answer
    return False


def test_600_damaged_pictures(reader: Reader, tmp_path: Path) -> None:
    reader.ask("limit memory")
    read = 0
    for name, data in mutated_pictures(600):
        path = tmp_path / name
        path.write_bytes(data)
        read += check(reader.ask(str(path)), name, path)
        path.unlink()
        assert list(tmp_path.iterdir()) == [], name
    # Damage in the pixels of a BMP cannot be seen; most other damage is.
    assert 60 < read < 300


def test_400_damaged_checkpoints(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    rng = np.random.default_rng(3)
    saved = jnst.Checkpoint(
        config=jnst.Config(size=16),
        inputs={"content": "ab", "style 1": "cd"},
        scale=1,
        step=7,
        state={"point": rng.random((6, 5, 3), np.float32), "inner.stored": np.asarray(3)},
        losses=Losses(*rng.random((4, 7), np.float32)),
        made_by={"jnst": "0.1"},
    )
    jnst.save_checkpoint(path, saved)
    assert reader.ask(str(path), 60.0) == "read"
    reader.ask("limit memory")
    read = {"plain": 0, "sealed": 0}
    for name, data in mutated_checkpoints(path.read_bytes(), 400):
        path.write_bytes(data)
        read[name.split()[1].split(".")[0]] += check(reader.ask(str(path)), name, path)
        assert list(tmp_path.iterdir()) == [path], name
    assert read["plain"] == 0
    assert 20 < read["sealed"] < 180

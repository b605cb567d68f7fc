"""Temporary files: which of those that a kill has left are taken away, and which stay."""

import os
import time
from pathlib import Path

import pytest
from command import PICTURES, TINY, Command

from jnst import files
from jnst.files import remove_stale, replacing

OURS = ".jnst-0123456789abcdef.part"
OTHERS = [
    ".jnst-0123456789abcdef.part.bak",
    ".jnst-0123456789abcde.part",
    "jnst-0123456789abcdef.part",
    ".jnst-0123456789ABCDEF.part",
    "run.ckpt",
]


@pytest.fixture
def two_hours_later(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time
    monkeypatch.setattr(files.time, "time", lambda: now() + 7200)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.usefixtures("two_hours_later")
def test_only_what_is_ours_and_old(tmp_path: Path) -> None:
    for name in [OURS, *OTHERS]:
        (tmp_path / name).touch()
    (tmp_path / ".jnst-aaaaaaaaaaaaaaaa.part").mkdir()
    (tmp_path / ".jnst-bbbbbbbbbbbbbbbb.part").symlink_to(tmp_path / "run.ckpt")
    before = names(tmp_path)
    remove_stale(tmp_path / "out.png")
    assert before - names(tmp_path) == {OURS}
    remove_stale(tmp_path / "no" / "out.png")


def test_what_somebody_may_be_writing_stays(tmp_path: Path) -> None:
    with replacing(tmp_path / "out.png") as temporary:
        remove_stale(tmp_path / "out.png")
        assert temporary.exists()
    # A new name of an old file is new: the file of a checkpoint gets its second name that way.
    (tmp_path / "run.ckpt").touch()
    os.utime(tmp_path / "run.ckpt", (0, 0))
    (tmp_path / OURS).hardlink_to(tmp_path / "run.ckpt")
    remove_stale(tmp_path / "out.png")
    assert names(tmp_path) == {"out.png", "run.ckpt", OURS}


@pytest.mark.usefixtures("two_hours_later")
def test_a_run_begins_with_a_clean_folder(run: Command) -> None:
    (run.folder / "art").mkdir()
    for folder in ("art", "."):
        Path(folder, OURS).touch()
    words = ["--output", "art/out.png", "--checkpoint", "run.ckpt", "--steps", "1"]
    assert run(*PICTURES, *TINY, *words)[0] == 0
    assert run.files() == {"art", "art/out.png", "run.ckpt"}

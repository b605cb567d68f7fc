"""The folder of painted frames: what is put there is what comes out, and what it notes."""

from pathlib import Path

import numpy as np
import pytest

from jnst.video import folder as folder_module
from jnst.video.folder import FrameFolder


def test_frames_come_back_as_they_were_to_16_bits(tmp_path: Path) -> None:
    frame = np.random.default_rng(0).uniform(-0.2, 1.2, (20, 30, 3)).astype(np.float32)
    with FrameFolder(tmp_path / "f") as folder:
        folder[1, 4] = frame
        kept = folder[1, 4]
        folder[1, 4] = kept
        assert np.array_equal(folder[1, 4], kept)
    assert np.array_equal(
        kept, np.rint(np.clip(frame, 0, 1) * 65535).astype("f4") / np.float32(65535)
    )
    assert (tmp_path / "f" / "pass2_000005.png").is_file()


def test_it_is_a_mapping(tmp_path: Path) -> None:
    frame = np.zeros((8, 8, 3), np.float32)
    with FrameFolder(tmp_path) as folder:
        for key in ((1, 0), (0, 1), (0, 0), (0, 3)):
            folder[key] = frame
        (tmp_path / "pass1_note.png").write_text("no frame")
        assert list(folder) == [(0, 0), (0, 1), (0, 3), (1, 0)]
        assert len(folder) == 4
        del folder[0, 1]
        assert (0, 1) not in folder
        assert folder.get((0, 1)) is None
        for use in (folder.__getitem__, folder.__delitem__):
            with pytest.raises(KeyError):
                use((0, 1))


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = np.full((8, 8, 3), 0.5, np.float32)

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    with FrameFolder(tmp_path) as folder:
        folder[0, 0] = frame
        monkeypatch.setattr(folder_module.Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space left on device"):
            folder[0, 1] = frame
        assert list(folder) == [(0, 0)]
        assert not list(tmp_path.glob(".jnst-*"))


def test_its_note(tmp_path: Path) -> None:
    with FrameFolder(tmp_path) as folder:
        assert not folder.has_run
        with pytest.raises(FileNotFoundError, match=r"it has no run\.json"):
            folder.read_run()
        folder.write_run({"frames": 3})
        assert folder.has_run
        assert folder.read_run() == {"frames": 3}
        for text in ("{", "[]"):
            (tmp_path / "run.json").write_text(text)
            with pytest.raises(ValueError, match=r"run\.json' is damaged"):
                folder.read_run()

"""The progress of a film, read from the folder in which the command keeps its painted frames."""

from pathlib import Path
from typing import Any

from ..video.folder import FrameFolder

_RECENT = 12


class FilmProgress:
    """Which frames are there so far; `update` looks again.

    Attributes:
        frames: the file of each painted frame by its number, from 1; of several passes the last.
        row: the number of finished frames as a step, or {}.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._changed = FrameFolder(folder), 0
        self._begin()

    def _begin(self) -> None:
        self.frames: dict[int, Path] = {}
        self.row: dict[str, Any] = {}
        self._total, self._times = 0, list[float]()

    def update(self) -> bool:
        """Looks into the folder; returns whether there is a new frame."""
        try:
            changed = self._folder.path.stat().st_mtime_ns
            if changed == self._changed:
                return False
            run, keys = self._folder.read_run(), list(self._folder)
            passes = run["request"]["passes"]
            times = [self._folder.file(key).stat().st_mtime for key in keys]
        except (OSError, ValueError, LookupError):
            return False
        self._begin()
        self._changed, self._total = changed, run["frames"] * passes
        self.frames = {number + 1: self._folder.file((p, number)) for p, number in keys}
        self.row = {"step": len(keys)} if keys else {}
        self._times = sorted(times)[-_RECENT:]
        return True

    def seconds_left(self) -> float | None:
        """An estimate from the last frames."""
        if len(self._times) < 2:
            return None
        each = (self._times[-1] - self._times[0]) / (len(self._times) - 1)
        return each * (self._total - self.row["step"])

    def to_json(self) -> dict[str, Any]:
        """The part of a job's JSON that changes while it is painted; its steps are frames."""
        return {
            "step": self.row.get("step", 0),
            "steps": self._total,
            "scale": 0,
            "scales": 0,
            "last_steps": None,
            "seconds": 0.0,
            "left": self.seconds_left(),
            "losses": None,
        }

    def curve(self) -> list[dict[str, Any]]:
        """No curve: each frame has losses of its own."""
        return []

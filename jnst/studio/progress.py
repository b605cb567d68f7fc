"""The progress of a painting, read from the log that the command writes while it paints."""

import json
from pathlib import Path
from typing import Any

from ..config import Config

_READ_BYTES = 100_000
_LOSSES = ("total", "content", "style", "tv")
_RECENT = 12
CURVE_ROWS = 600


class Progress:
    """What a log says so far; `update` reads what was added to it.

    Attributes:
        row: its last line with losses, or {}.
        steps: of each scale, from the settings in the head.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._file = (0, 0)
        self._begin()

    def _begin(self) -> None:
        self._offset, self._rest = 0, b""
        self.row: dict[str, Any] = {}
        self._recent: list[tuple[int, float]] = []
        self.steps: tuple[int, ...] = ()
        self._areas: tuple[float, ...] = ()

    def update(self) -> bool:
        """Reads the lines that were added; returns whether there were any."""
        try:
            status = self._log.stat()
            # A resumed run replaces its log.
            if status.st_ino != self._file[0] or status.st_size < self._offset:
                self._file = (status.st_ino, 0)
                self._begin()
            if status.st_size <= self._offset:
                return False
            with self._log.open("rb") as file:
                if not self._offset and status.st_size > _READ_BYTES:
                    # Of a long log that is read for the first time, its head and its end will do.
                    self._take(file.readline())
                    self._offset = status.st_size - _READ_BYTES
                file.seek(self._offset)
                data = file.read(_READ_BYTES)
        except OSError:
            return False
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line)
        return bool(lines)

    def _take(self, line: bytes) -> None:
        row = _read(line)
        if "config" in row:
            try:
                config = Config(**row["config"])
            except (ValueError, TypeError):
                return  # of another version
            self.steps = config.steps_per_scale
            self._areas = tuple(scale**2 for scale in config.all_scales)
        elif "step" in row:
            if row["scale"] != self.row.get("scale"):
                self._recent = []
            if not row.get("result"):
                self._recent = [*self._recent[1 - _RECENT :], (row["step"], row["seconds"])]
            self.row = row

    def seconds_left(self) -> float | None:
        """An estimate from the last steps; a step takes time as its scale has pixels."""
        if len(self._recent) < 2 or not self.steps:
            return None
        (first, begun), (last, now) = self._recent[0], self._recent[-1]
        scale = self.row["scale"] - 1
        each = (now - begun) / (last - first)
        left = each * (sum(self.steps[: scale + 1]) - last)
        for steps, area in zip(self.steps[scale + 1 :], self._areas[scale + 1 :], strict=True):
            left += steps * each * area / self._areas[scale]
        return max(0.0, left)

    def to_json(self) -> dict[str, Any]:
        """The part of a job's JSON that changes while it is painted."""
        row = self.row
        return {
            "step": row.get("step", 0),
            "steps": sum(self.steps),
            "scale": row.get("scale", 0),
            "scales": len(self.steps),
            "last_steps": self.steps[-1] if self.steps else None,
            "seconds": row.get("seconds", 0.0),
            "left": self.seconds_left(),
            "losses": {name: row[name] for name in _LOSSES} if row else None,
        }

    def curve(self) -> list[dict[str, Any]]:
        """The rows of the log, evenly thinned."""
        try:
            rows = [_read(line) for line in self._log.read_bytes().split(b"\n")[1:]]
        except OSError:
            return []
        rows = [row for row in rows if "step" in row and not row.get("result")]
        every = -(-len(rows) // CURVE_ROWS) or 1
        return rows[::-every][::-1]


def _read(line: bytes) -> dict[str, Any]:
    """A line of the log; {} where a killed process cut it short."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}

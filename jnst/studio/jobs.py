"""A job: one folder, what it holds, and the state that follows from it.

    job.json        the recipe, the name, the number of the attempt; written by the server
    run.json        the last attempt that began, and its exit code; written by `worker`
    messages.txt    what the command printed
    cells/001.png   the painting, 16 bits; 002 and more in a sweep; beside each its log (.jsonl),
                    checkpoint (.ckpt) and snapshots (001_steps/it0001.png)
    cells/001.mp4   the film, where the content is a clip; its frames are in 001_frames/

An attempt that has not begun is waiting. One that has begun and not ended is painting while its
process holds the lock, and was killed when nobody does.
"""

import os
import re
import shlex
import time
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from .answers import Problem
from .command_words import checked_words, config_for, file_words, plain
from .film_progress import FilmProgress
from .progress import Progress
from .recipes import Recipe, read_recipe
from .store import Store, read_record, write_record
from .worker import LOCK, MESSAGES, RUN, locked

QUEUED, RUNNING, STOPPED, DONE, FAILED = "queued", "running", "stopped", "done", "failed"
EXPORTS = {"png": (".png", 8), "jpeg": (".jpg", 8), "png16": (".png", 16), "tiff16": (".tif", 16)}
"""The names of downloads: a file's ending, and its bits."""
FILM_EXPORTS = {"mp4": (".mp4", 8)}

_KILLED = "its process was ended from outside, for want of memory perhaps: go on, or a smaller size"
_MESSAGE_BYTES, _NOTES = 40_000, 5
_SNAPSHOT = re.compile(r"it(\d{4,9})\.png")


class Job:
    """A job, and what is remembered of its folder between two looks.

    Attributes:
        state: see `look`.
        stopping: whether it was asked to end.
        started: the attempt that this server began, or 0.
        recipe: what it is made from.
        is_film: whether that is a clip.
    """

    def __init__(self, store: Store, identifier: str) -> None:
        self.id, self._store = identifier, store
        self.folder = store.folder / "jobs" / identifier
        self.data = read_record(self.folder / "job.json")
        self.recipe: Recipe = read_recipe(self.data["recipe"])
        self.stopping, self.started, self.cell = False, 0, 1
        self.is_film = self.recipe.film is not None
        self.progress: Progress | FilmProgress = (
            FilmProgress(self.path(1, "_frames"))
            if self.is_film
            else Progress(self.path(1, ".jsonl"))
        )
        self.look()

    @classmethod
    def create(cls, store: Store, identifier: str, recipe: Recipe) -> "Job":
        """Writes the folder of a new job, which appears whole."""
        folder = store.folder / "incoming" / identifier
        (folder / "cells").mkdir(parents=True)
        names = [Path(store.picture(i)["file"]).stem for i in (recipe.content, *recipe.styles) if i]
        data = {"recipe": recipe.to_json(), "name": "_".join(names)[:80], "attempt": 1}
        write_record(folder / "job.json", data | {"created": time.time(), "queued": time.time()})
        folder.rename(store.folder / "jobs" / identifier)
        return cls(store, identifier)

    @property
    def names(self) -> str:
        """The names of its pictures' files, in small letters, for the search."""
        shown = (self.recipe.content, *self.recipe.styles)
        known = self._store.pictures
        return " ".join(known[i]["name"] for i in shown if i in known).lower()

    def path(self, cell: int, ending: str) -> Path:
        """A file of a painting."""
        return self.folder / "cells" / f"{cell:03}{ending}"

    @property
    def ending(self) -> str:
        """Of the file of a painting, or of the film."""
        return ".mp4" if self.is_film else ".png"

    @cached_property
    def cells(self) -> list[dict[str, str]]:
        """The swept values of each painting."""
        return self.recipe.cells()

    def look(self) -> str:
        """Finds out the state from the folder, and returns it."""
        self.run = read_record(self.folder / RUN)
        ended, alive = "code" in self.run, self.alive()
        if self.run.get("attempt", 0) < self.data["attempt"]:
            self.state = RUNNING if alive else QUEUED
        elif not ended:
            self.state = RUNNING if alive else STOPPED
        elif self.run["code"] == 0:
            self.state = DONE
        else:
            self.state = STOPPED if self.run["code"] > 128 else FAILED
        if self.state != RUNNING:
            self.stopping = False
        return self.state

    def alive(self) -> bool:
        """Whether a process holds the job's lock."""
        try:
            with (self.folder / LOCK).open("r+") as lock:
                return not locked(lock.fileno())
        except FileNotFoundError:
            return False

    def save(self, **changes: Any) -> None:
        """Changes job.json."""
        data = self.data | changes
        write_record(self.folder / "job.json", data)
        self.data = data

    def end_attempt(self, code: int, **error: str | None) -> None:
        """Writes down the end of an attempt whose process could not do it itself.

        Args:
            code: its exit code.
            error: what it could not do: an `error`, and the `field` that this is about.
        """
        run = {"attempt": self.data["attempt"], "ended": time.time(), "code": code} | error
        write_record(self.folder / RUN, run)
        self.look()

    def words(self) -> list[str]:
        """The words of the command for the next attempt: from the start, or from its checkpoint."""
        folder, checkpoint = f"jobs/{self.id}", self.path(1, ".ckpt")
        if self.is_film and self.resumable:
            frames = self.path(1, "_frames").relative_to(self._store.folder)
            return ["video", "--resume", str(frames)]
        if len(self.cells) == 1 and self.resumable:
            words = ["--resume", str(checkpoint.relative_to(self._store.folder))]
            if not self.data.get("extended"):
                return words
            return [*words, "--steps", str(config_for(self.recipe).steps_per_scale[-1])]
        paths = {i: self._store.picture_path(i) for i in self.recipe.pictures}
        return checked_words(self.recipe, paths, file_words(folder, self.recipe))

    def extended(self, more: int) -> Recipe:
        """The recipe with so many more steps at its last scale."""
        *steps, last = config_for(self.recipe).steps_per_scale
        settings = {**self.recipe.settings, "steps": [*steps, last + more]}
        # The command refuses it beside steps for each scale.
        settings.pop("taper", None)
        return replace(self.recipe, settings=settings)

    @property
    def resumable(self) -> bool:
        """Whether there is a checkpoint, or the frames of a film, to go on from."""
        if self.is_film:
            return self.path(1, "_frames").joinpath("run.json").exists()
        return any(self.path(1, f".ckpt{ending}").exists() for ending in ("", ".previous"))

    def update(self) -> bool:
        """Reads what a running job has logged since; returns whether there is news."""
        news = False
        while (later := self.path(self.cell + 1, ".jsonl")).exists():
            self.cell, self.progress, news = self.cell + 1, Progress(later), True
        return self.progress.update() or news

    def snapshots(self, cell: int) -> list[int]:
        """The steps of the snapshots of a painting, in order, none beyond what is logged.

        Of a film these are the numbers of its frames.
        """
        if isinstance(self.progress, FilmProgress):
            return sorted(self.progress.frames)
        try:
            names = os.listdir(self.path(cell, "_steps"))  # noqa: PTH208
        except OSError:
            return []
        steps = sorted(int(m[1]) for m in map(_SNAPSHOT.fullmatch, names) if m)
        last = self.progress.row.get("step", 0) if cell == self.cell else None
        return [step for step in steps if last is None or step <= last]

    def snapshot(self, cell: int, step: int) -> Path:
        """The file of a snapshot; Problem 404 if there is no such frame."""
        if not isinstance(self.progress, FilmProgress):
            return self.path(cell, "_steps") / f"it{step:04d}.png"
        self.progress.update()
        if step not in self.progress.frames:
            raise Problem(404, f"frame {step} is not painted yet")
        return self.progress.frames[step]

    def picture(self, cell: int) -> Path:
        """The file that shows a painting; of a film its first frame."""
        if not self.is_film:
            return self.path(cell, ".png")
        first = self.snapshots(cell)[:1]
        return self.snapshot(cell, first[0]) if first else self.path(cell, ".mp4")

    def error(self) -> str | None:
        """Why the job has ended, unless it was asked to."""
        if self.state == STOPPED and "code" not in self.run:
            return _KILLED
        if self.state != FAILED:
            return None
        return self.run.get("error") or f"its process ended with the exit code {self.run['code']}"

    def notes(self) -> list[str]:
        """The command's notes and warnings, the last of each kind."""
        if self.state == QUEUED:
            return [full] if (full := self._store.full()) else []
        try:
            with (self.folder / MESSAGES).open("rb") as file:
                lines = file.read(_MESSAGE_BYTES).decode(errors="replace").splitlines()
        except OSError:
            return []
        texts = (plain(line.removeprefix("jnst: ")) for line in lines)
        notes = {text[:20]: text for text in texts if text.startswith(("note: ", "warning: "))}
        return list(notes.values())[-_NOTES:]

    def result(self, cell: int) -> int:
        """A number that changes with a finished painting; 0 if there is none."""
        try:
            return self.path(cell, self.ending).stat().st_mtime_ns // 1_000_000
        except OSError:
            return 0

    def sheet(self) -> Path | None:
        """The sheet of a sweep, once it is made."""
        return next(self.folder.glob("cells/*_sweep.png"), None)

    def command(self) -> str | None:
        """The command that makes the painting, to copy."""
        folder = self._store.folder
        ending = self.ending if len(self.cells) == 1 else "/"
        output = f"{self.data['name']}{ending}"
        try:
            paths = {i: folder / self._store.picture_path(i) for i in self.recipe.pictures}
            words = checked_words(self.recipe, paths)
        except Problem:
            return None  # a picture is no longer there
        return shlex.join(["jnst", *words, "--output", output])

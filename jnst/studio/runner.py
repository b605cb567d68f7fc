"""The runner: starts waiting jobs in their order, watches those that paint, and ends them."""

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from typing import Any

from .answers import Problem
from .events import Hub
from .jobs import QUEUED, RUNNING, Job
from .reader import environment
from .recipes import Recipe
from .store import Store, read_record, write_record
from .worker import MESSAGES

_LOOK_SECONDS = 0.25
_KILL_SECONDS = 10.0
_TERMINATED = 128 + signal.SIGTERM


class Runner:
    """All jobs, and the processes of those that paint.

    Attributes:
        jobs: by id.

    Args:
        store: the folder.
        hub: told of each change.
        at_once: how many may paint at the same time.
        most_waiting: how many may wait.
    """

    def __init__(self, store: Store, hub: Hub, at_once: int, most_waiting: int) -> None:
        self._store, self._hub, self._at_once, self._most = store, hub, at_once, most_waiting
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._order_path = store.folder / "queue.json"
        self._order: list[str] = list(read_record(self._order_path).get("jobs", []))
        self.jobs: dict[str, Job] = {}
        for path in (store.folder / "jobs").iterdir():
            with contextlib.suppress(KeyError, Problem):  # a folder of somebody else
                self.jobs[path.name] = Job(store, path.name)
        self.running = {i for i, job in self.jobs.items() if job.state == RUNNING}

    def job(self, identifier: str) -> Job:
        """The job of that id; Problem 404 if there is none."""
        if identifier not in self.jobs:
            raise Problem(404, "there is no such painting in the studio")
        return self.jobs[identifier]

    def queue(self) -> list[str]:
        """The ids of the waiting jobs in their order."""
        waiting = [job for job in self.jobs.values() if job.state == QUEUED]
        places = {identifier: place for place, identifier in enumerate(self._order)}
        last = len(places)
        waiting.sort(key=lambda job: (places.get(job.id, last), job.data["queued"]))
        return [job.id for job in waiting]

    def arrange(self, first: list[str]) -> None:
        """Puts these waiting jobs first, in that order."""
        queue = self.queue()
        chosen = [i for i in dict.fromkeys(first) if i in queue]
        order = [*chosen, *(i for i in queue if i not in chosen)]
        write_record(self._order_path, {"jobs": order})
        self._order = order
        self._hub.touch()

    def add(self, recipe: Recipe) -> Job:
        """A new job at the end of the queue; Problem 429 if too many wait."""
        self._check_waiting()
        job = Job.create(self._store, secrets.token_hex(16), recipe)
        self.jobs[job.id] = job
        self._hub.touch(job.id)
        return job

    def _check_waiting(self) -> None:
        if len(self.queue()) >= self._most:
            raise Problem(429, f"{self._most} paintings wait already: cancel one, or wait")

    async def run(self) -> None:
        """Looks after the jobs until it is cancelled."""
        while True:
            try:
                self.look()
            except Exception as error:  # the other jobs go on
                print(f"jnst: error: {error!r}", file=sys.stderr)
            await asyncio.sleep(_LOOK_SECONDS)

    def look(self) -> None:
        """One look at everything that paints, and a start where there is room."""
        for identifier in list(self.running):
            job = self.jobs[identifier]
            if job.update():
                self._hub.touch(identifier)
            child = self._children.get(identifier)
            if child.poll() is None if child else job.alive():
                continue
            self._ended(job)
        places = 0 if self._store.full() else max(0, self._at_once - len(self.running))
        for identifier in self.queue()[:places]:
            self._start(self.jobs[identifier])

    def _ended(self, job: Job) -> None:
        child = self._children.pop(job.id, None)
        self.running.discard(job.id)
        stopping = job.stopping
        unable = child is not None and job.data["attempt"] == job.started
        if job.look() == QUEUED and (stopping or unable):
            # It ended before it could write down anything.
            line = None if stopping else "the painting's process could not be started"
            job.end_attempt(_TERMINATED if stopping else 1, error=line)
        self._hub.touch(job.id)

    def _start(self, job: Job) -> None:
        job.started = job.data["attempt"]
        try:
            words = job.words()
            with (job.folder / MESSAGES).open("ab") as messages:
                self._children[job.id] = subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "jnst.studio.worker",
                        f"jobs/{job.id}",
                        str(job.started),
                        *words,
                    ],
                    cwd=self._store.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=messages,
                    env=environment(),
                    # Ctrl-C in the studio's terminal must not reach it.
                    start_new_session=True,
                )
        except (Problem, OSError) as error:
            with contextlib.suppress(Problem):  # a full disk: it is tried again
                job.end_attempt(1, error=str(error), field=getattr(error, "field", None))
        else:
            job.state = RUNNING
            self.running.add(job.id)
        self._hub.touch(job.id)

    def stop(self, job: Job) -> None:
        """Asks a painting to end after its step; what it has then is kept."""
        if job.state != RUNNING:
            raise Problem(409, "this painting is not under way")
        if not job.stopping:  # a second signal would end it at once, without a picture
            self._signal(job, signal.SIGTERM)
        job.stopping = True
        self._hub.touch(job.id)

    def go_on(self, job: Job, more: int) -> Job:
        """Queues a painting that has ended once more, with so many more steps at its last scale."""
        if job.state in (QUEUED, RUNNING):
            raise Problem(409, "this painting has not ended")
        self._check_waiting()
        done = job.state == "done"
        if more and job.is_film:
            raise Problem(409, "a film has steps for each frame: paint it again with more", "steps")
        if more and (len(job.cells) > 1 or not job.resumable):
            raise Problem(409, "without its checkpoint this can't have more steps: paint it again")
        if done and not more:
            line = "film is finished" if job.is_film else "painting is finished: give it more steps"
            raise Problem(400, f"this {line}", "steps")
        changes: dict[str, Any] = {}
        if more:
            longer = job.extended(more)
            changes = {"recipe": longer.to_json(), "extended": True}
        job.save(attempt=job.data["attempt"] + 1, queued=time.time(), **changes)
        self.jobs[job.id] = job = Job(self._store, job.id)
        self._hub.touch(job.id)
        return job

    async def cancel(self, job: Job) -> None:
        """Ends a job at once and moves it into the trash."""
        if job.state == RUNNING:
            self._signal(job, signal.SIGKILL)
            # Nobody is told that it has ended, as it will be gone.
            self.running.discard(job.id)
            child = self._children.get(job.id)
            until = time.monotonic() + _KILL_SECONDS
            while (child.poll() is None if child else False) or job.alive():
                if time.monotonic() > until:
                    self.running.add(job.id)
                    raise Problem(409, "the painting's process does not end: try again")
                await asyncio.sleep(0.02)
            self._children.pop(job.id, None)
        elif job.state == QUEUED:
            # If it comes back from the trash, it must not begin by itself.
            job.end_attempt(_TERMINATED)
        self.discard(job)

    def discard(self, job: Job) -> None:
        """Moves a job that does not paint into the trash."""
        if job.state == RUNNING and job.id in self.running:
            raise Problem(409, "this painting is under way: stop or cancel it first")
        self._store.discard(job.id)
        del self.jobs[job.id]
        self._hub.touch(job.id)

    def restore(self, identifier: str) -> Job:
        """Brings a job back from the trash."""
        self._store.recover(identifier)
        job = self.jobs[identifier] = Job(self._store, identifier)
        self._hub.touch(identifier)
        return job

    def _signal(self, job: Job, number: int) -> None:
        child = self._children.get(job.id)
        # The lock is held, so the number is that of its holder.
        pid = child.pid if child else read_record(job.folder / "run.json").get("pid")
        with contextlib.suppress(ProcessLookupError):
            if pid and number == signal.SIGKILL:
                os.killpg(pid, number)
            elif pid:
                os.kill(pid, number)

    def leave(self) -> None:
        """When the studio is closed: stops what paints, and has it go on at the next start."""
        first = sorted(self.running, key=lambda i: self.jobs[i].data["queued"])
        for identifier in first:
            job = self.jobs[identifier]
            with contextlib.suppress(Problem):
                if not job.stopping:
                    job.save(attempt=job.data["attempt"] + 1)
                    self._signal(job, signal.SIGTERM)
        with contextlib.suppress(Problem):
            write_record(self._order_path, {"jobs": [*first, *self.queue()]})

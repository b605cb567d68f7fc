"""Batches on a cluster: the same bytes, failures alone, lost and cancelled work; on Dask itself.

The workers are threads of this process. `benchmarks/cluster.py` kills real ones.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import TINY, Command
from PIL import Image

from jnst.cli import paint
from jnst.cli.batch import cluster, failures, worker
from jnst.cli.batch.plan import plan
from jnst.cli.batch.tally import Tally, Task
from jnst.cli.options.parsing import parse
from jnst.cli.options.request import Batch
from jnst.cli.options.words import UsageError


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The scheduler of two workers, one thread each."""
    from distributed import LocalCluster

    workers = {"n_workers": 2, "threads_per_worker": 1, "processes": False}
    at = {"protocol": "tcp://", "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(**workers, **at, memory_limit=0) as here:
        yield here.scheduler_address


@pytest.fixture
def many(run: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command with four photographs of two shapes; two folders to paint from."""
    rng = np.random.default_rng(3)
    (run.folder / "in").mkdir()
    for name, shape in zip("abcd", [(32, 48), (48, 32)] * 2, strict=True):
        pixels = rng.integers(0, 256, (*shape, 3), np.uint8)
        Image.fromarray(pixels).save(run.folder / "in" / f"{name}.png")
    for name in ("one", "more"):
        (run.folder / name).mkdir()
    return run


WORDS = ["--content", "../in", "--style", "../night.png", *TINY, "--output"]
FILES = {f"{name}_night.png" for name in "abcd"}


def painted(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_same_bytes_and_failures_alone(
    many: Command, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (many.folder / "in/aa.png").write_text("no picture")
    monkeypatch.chdir(many.folder / "one")
    code, out, alone = many(*WORDS, "out/")
    assert code == 1
    monkeypatch.chdir(many.folder / "more")
    code, shown, err = many(*WORDS, "out/", "--cluster", address)
    assert (code, sorted(shown)) == (1, sorted(out))
    assert painted(Path("out")) == painted(many.folder / "one/out")
    assert painted(Path("out")).keys() == FILES
    assert err[-1] == alone[-1] == "jnst: 5 paintings: 4 painted, 1 failed (out/aa_night.png)"
    errors = [line for line in alone if line.startswith("jnst: error: ")]
    assert [line for line in err if line.startswith("jnst: error: ")] == errors
    begun = [line for line in err if ": painting " in line]
    assert len(begun) == 5
    # Again: nothing is sent to a worker.
    (many.folder / "in/aa.png").unlink()
    monkeypatch.setattr(cluster._Driver, "_submit", None)
    code, _, err = many(*WORDS, "out/", "--cluster", address)
    assert (code, err[-1]) == (0, "jnst: 4 paintings: 0 painted, 4 finished before")


def test_pictures_and_paintings_are_sent(
    many: Command, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workers see neither the folder of the pictures nor that of the paintings."""
    for name in "bcd":
        (many.folder / f"in/{name}.png").unlink()
    monkeypatch.chdir(many.folder / "one")
    assert many(*WORDS, "out/")[0] == 0
    monkeypatch.chdir(many.folder / "more")
    plain = worker._make
    seen: list[Any] = []

    def blind(order: worker.Order) -> worker.Made:
        (many.folder / "in").rename(many.folder / "hidden")
        try:
            seen.append(plain(order))
        finally:
            (many.folder / "hidden").rename(many.folder / "in")
        seen.append(list(Path("out").glob("*.png")))
        return seen[0]

    monkeypatch.setattr(worker, "_make", blind)
    assert many(*WORDS, "out/", "--cluster", address, "--send-back")[0] == 0
    assert painted(Path("out")) == painted(many.folder / "one/out")
    assert seen[0].data == (many.folder / "more/out/a_night.png").read_bytes()
    assert seen[1] == []


def test_a_signal_cancels_what_is_painted(
    many: Command, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver ends; the workers stop after the step, as a run does."""
    monkeypatch.chdir(many.folder / "one")
    plain, stopped = paint.stylize, threading.Semaphore(0)
    # Of both workers only one sends the signal: after the driver's end it would end the tests.
    first = threading.Semaphore(1)

    def slow(*args: Any, callback: Any, **more: Any) -> Any:
        if first.acquire(blocking=False):
            os.kill(os.getpid(), signal.SIGTERM)
        answers: list[bool] = []

        def watch(progress: Any) -> bool:
            while not callback(progress):
                pass  # a step that is never over
            answers.append(True)
            return True

        result = plain(*args, callback=watch, **more)
        assert answers == [True]
        stopped.release()
        return result

    monkeypatch.setattr(paint, "stylize", slow)
    code, out, err = many(*WORDS, "out/", "--cluster", address)
    assert (code, out) == (128 + signal.SIGTERM, [])
    assert err[-1].startswith("jnst: 4 paintings: 0 painted, 4 left (")
    assert stopped.acquire(timeout=60)
    assert not list(Path("out/.jnst").glob("*.lock"))


class Client:
    """A scheduler of two workers that answers as a script says, in the place of Dask's client."""

    status = "running"
    workers = ("tcp://a:1", "tcp://b:1")

    def __init__(self, script: Any) -> None:
        self._script, self.orders = script, list[Any]()

    def nthreads(self) -> dict[str, int]:
        return dict.fromkeys(self.workers, 1)

    def submit(self, _: Any, order: worker.Order, workers: list[str], **more: Any) -> Any:
        self.orders.append((workers[0], order))
        answer = self._script(workers[0], order)
        if answer is GONE:
            self.workers = tuple(name for name in self.workers if name != workers[0])
            return Unanswered(None)
        return Answer(answer)


class Answer:
    """A future of Dask that has ended."""

    def __init__(self, answer: Any) -> None:
        self.status = "finished" if isinstance(answer, worker.Made) else "error"
        if answer is None:
            self.status = "cancelled"
        self._answer = answer

    def result(self) -> Any:
        return self._answer

    exception = result

    def add_done_callback(self, call: Any) -> None:
        call(self)


GONE = object()


class Unanswered(Answer):
    """A future of a worker that is gone, which waits until it is cancelled."""

    def add_done_callback(self, call: Any) -> None:
        self._call = call

    def cancel(self) -> None:
        self._call(self)


class KilledWorker(Exception):
    """As of Dask."""


def driven(many: Command, script: Any, params: Any, written: bool = True) -> tuple[Client, Tally]:
    """What becomes of four paintings where the workers answer as the script says."""
    batch = parse(
        ["--content", "in", "--style", "night.png", *TINY, "--bucket", "1", "--output", "one/"]
    )
    assert isinstance(batch, Batch)
    jobs = plan(batch)
    if written:
        plain = script

        def script(at: str, order: worker.Order) -> Any:
            answer = plain(at, order)
            if answer == worker.Made(0):
                Path(order.request.output).touch()
            return answer

    tally = Tally(jobs, params, False, lambda _: None, str)
    tasks = [Task(number, job) for number, job in enumerate(jobs, start=1)]
    client: Any = Client(script)
    driver = cluster._Driver(batch, "", tally, tasks, lambda: False)
    driver.drive(client)
    assert not driver.has_work()
    return client, tally


@pytest.fixture
def short_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that fails, and a painting, wait for a moment only."""
    monkeypatch.setattr(failures, "REST_SECONDS", 0.1)


def test_paintings_of_one_shape_go_to_one_worker(many: Command, params: Any) -> None:
    client, tally = driven(many, lambda *_: worker.Made(0), params)
    shapes = {
        name: {order.request.content for at, order in client.orders if at == name}
        for name in ("tcp://a:1", "tcp://b:1")
    }
    assert sorted(map(sorted, shapes.values())) == [
        ["in/a.png", "in/c.png"],
        ["in/b.png", "in/d.png"],
    ]
    assert len(tally.painted) == 4


@pytest.mark.usefixtures("short_rests")
def test_what_is_lost_or_has_no_room_is_painted_again(many: Command, params: Any) -> None:
    lost: list[str] = []

    def script(at: str, order: worker.Order) -> Any:
        name = Path(order.request.content).stem
        if name == "a" and name not in lost:
            lost.append(name)
            return None  # the scheduler has begun anew
        if name == "b":
            return worker.Made(1, reason="no room", elsewhere=True)
        return KilledWorker() if name == "c" else worker.Made(0)

    client, tally = driven(many, script, params)
    counts = [
        sum(order.request.content == f"in/{n}.png" for _, order in client.orders) for n in "abcd"
    ]
    assert counts == [2, 3, 1, 1]
    assert sorted(tally.painted) == ["one/a_night.png", "one/d_night.png"]
    assert sorted(tally.failed) == ["one/b_night.png", "one/c_night.png"]


def test_a_worker_that_fails_does_not_spoil_the_batch(many: Command, params: Any) -> None:
    """It fails at once, so that it is always free; what it fails at is not given to it again."""
    for name in "efghij":
        Image.new("RGB", (48, 32)).save(many.folder / "in" / f"{name}.png")
    given: list[str] = []

    def script(at: str, order: worker.Order) -> Any:
        if at == "tcp://b:1":
            return worker.Made(0)
        given.append(order.request.output)
        return worker.Made(1, reason="no room", elsewhere=True, worker=at)

    _, tally = driven(many, script, params)
    assert len(tally.painted) == 10
    assert tally.failed == []
    assert 1 <= len(given) == len(set(given)) <= 3  # then it rests


def test_what_all_workers_failed_at_waits_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moments = iter([0.0, 1.0, 15.5])
    monkeypatch.setattr(failures.time, "monotonic", lambda: next(moments))
    known = failures.Failures()
    known.add("a", "out.png")
    assert known.excludes("a", "out.png", ["a"])
    assert not known.excludes("b", "out.png", ["a", "b"])
    assert not known.excludes("a", "out.png", ["a"])
    assert known.excludes("a", "out.png", ["a", "b"])  # for b


@pytest.mark.usefixtures("short_rests")
def test_a_worker_that_alone_may_paint_it_is_lost(many: Command, params: Any) -> None:
    """Dask would wait for it for ever."""
    seen: list[str] = []

    def script(at: str, order: worker.Order) -> Any:
        if Path(order.request.content).stem != "a":
            return worker.Made(0)
        seen.append(at)
        if len(seen) == 1:
            return worker.Made(1, reason="no room", elsewhere=True, worker=at)
        return GONE if len(seen) == 2 else worker.Made(0)

    _, tally = driven(many, script, params)
    assert len(tally.painted) == 4
    assert seen[0] == seen[2] != seen[1]


@pytest.mark.usefixtures("short_rests")
def test_all_workers_fail_and_none_rests(many: Command, params: Any) -> None:
    def script(at: str, order: worker.Order) -> Any:
        return worker.Made(1, reason="no room", elsewhere=True, worker=at)

    client, tally = driven(many, script, params)
    assert len(tally.failed) == 4
    assert len(client.orders) == 3 * 4


def test_a_folder_that_is_not_shared_is_told(
    many: Command, params: Any, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    """A worker has none of that name, or another of that name, with the painting in it."""
    batch = parse(["--content", "in", "--style", "night.png", *TINY])
    assert isinstance(batch, Batch)
    version = worker.program_version()
    order = worker.Order(plan(batch)[0], params.sha256, version, "jnst", False, "/no/such")
    made = worker.make(order)
    assert (made.code, made.elsewhere) == (1, True)
    assert made.reason == "a worker has no folder '/no/such': share it, or add --send-back"
    _, tally = driven(many, lambda *_: worker.Made(0), params, written=False)
    assert len(tally.failed) == 4
    assert "into a folder that this machine does not see" in capfd.readouterr().err


def test_another_version_does_not_paint(many: Command, params: Any) -> None:
    batch = parse(["--content", "in", "--style", "night.png", *TINY])
    assert isinstance(batch, Batch)
    order = worker.Order(plan(batch)[0], params.sha256, "0.0", "jnst", False, ".")
    made = worker.make(order)
    assert (made.code, made.elsewhere) == (1, True)
    assert made.reason.startswith("a worker has jnst 0.1.0, and the driver 0.0")


THREADS = """
import threadpoolctl
from jnst.cli.batch import worker
for begin in (lambda: None, worker._use_all_cores):
    begin()
    found = threadpoolctl.threadpool_info()
    print({row["num_threads"] for row in found if row["user_api"] == "blas"})
"""


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="counts the cores as Linux does")
def test_products_have_the_threads_that_dask_has_taken_away() -> None:
    """They decide how sums are rounded: in a process of one thread the bytes were others."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment = os.environ | one | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", THREADS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["{1}", f"{{{len(os.sched_getaffinity(0))}}}"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--cluster", "local:0"], "--cluster is local:0: give HOST:PORT of a scheduler, or local"),
        (["--cluster", "local:2", "--devices", "2"], "--devices is for this machine"),
        (["--send-back"], "--send-back is for the workers of --cluster ADDRESS"),
        (["--cluster", "a:1", "--send-back", "--log", "{index}"], "--log needs a folder that the"),
    ],
)
def test_clusters_that_cannot_be_meant(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(["--content", "a", "b", "--style", "x", *words])


def test_no_scheduler_is_told_in_one_line(many: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **more: Any) -> None:
        raise OSError("Timed out")

    monkeypatch.setattr("distributed.Client", refuse)
    monkeypatch.chdir(many.folder / "one")
    code, _, err = many(*WORDS, "out/", "--cluster", "127.0.0.1:9")
    assert code == 1
    assert err[-1].startswith("jnst: error: no scheduler answers at 127.0.0.1:9: start one by dask")

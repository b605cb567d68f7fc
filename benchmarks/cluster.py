"""Many small paintings: one process, shards, and a cluster of Dask of which parts are killed.

All processes run on this machine, on loopback addresses. Every case paints the same pairs, and its
files must be, byte for byte, those of one process; no painting may be begun twice where nothing is
killed.

    python benchmarks/cluster.py [--pairs 200] [--only PART …] [--folder FOLDER]

shards, local and scheduler are timed: three shards at once, --cluster local:2, and three workers
that Dask's own commands have started. kills: workers killed at random moments and the scheduler
started anew. driver: the driver killed and started again. folder: two batches at once, and the lock
of a killed process. disk: a worker whose disk is full. vanishing: a folder that vanishes.
overheads: the time of everything but painting. With --folder, parts can be run one after the other.
"""

import argparse
import contextlib
import json
import os
import pickle
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from common import measure
from common.batches import DASK, SCHEDULER, WORDS, Case, dask, ended, judged, prepare


def timed(
    base: Path, name: str, expected: dict[str, bytes], *commands: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Some commands at once, in a case of their own."""
    case = Case(base, re.sub(r"\W+", "-", name))
    start = time.monotonic()
    codes = ended([case.start(*words) for words in commands])
    seconds = time.monotonic() - start
    assert set(codes) == {0}, case.told()[-2000:]
    return [{"case": name, "seconds": round(seconds, 1), **judged(case, expected)}]


def shards(base: Path, expected: dict[str, bytes]) -> list[dict[str, Any]]:
    commands = [("--shard", f"{index}/3") for index in range(3)]
    return timed(base, "three shards at once", expected, *commands)


def local(base: Path, expected: dict[str, bytes]) -> list[dict[str, Any]]:
    return timed(base, "--cluster local:2", expected, ("--cluster", "local:2"))


def scheduler(base: Path, expected: dict[str, bytes]) -> list[dict[str, Any]]:
    """Also with pictures and paintings sent; the workers have started before."""
    words = ("--cluster", SCHEDULER)
    with dask(Case(base, "dask3"), 3):
        time.sleep(8)
        rows = timed(base, "scheduler, three workers", expected, words)
        return rows + timed(base, "the same, sent back", expected, (*words, "--send-back"))


def kills(base: Path, expected: dict[str, bytes], count: int = 20) -> list[dict[str, Any]]:
    """Workers killed at random moments, and the scheduler started anew halfway."""
    case, draw, made = Case(base, "kills"), random.Random(0), 0
    restarted = False
    with dask(case, 3) as running:
        time.sleep(6)
        driver = case.start("--cluster", SCHEDULER)
        due = time.monotonic() + 8

        def meanwhile() -> None:
            nonlocal due, made, restarted
            running.look_after()
            if time.monotonic() < due or made >= count:
                return
            due = time.monotonic() + draw.uniform(4, 12)
            made += running.kill_worker(draw)
            if made == count // 2 and not restarted:
                running.restart_scheduler()
                restarted, due = True, time.monotonic() + 20

        codes = ended([driver], meanwhile)
    row = {"case": "kills", "kills": made, "scheduler restarts": int(restarted), "code": codes[0]}
    return [row | judged(case, expected, once=False)]


def driver(base: Path, expected: dict[str, bytes]) -> list[dict[str, Any]]:
    """The driver killed once a third is painted, and started again."""
    case = Case(base, "driver")
    with dask(case, 2):
        time.sleep(6)
        first = case.start("--cluster", SCHEDULER)
        while len(case.paintings()) < len(expected) // 3 and first.poll() is None:
            time.sleep(0.1)
        first.kill()
        first.wait()
        time.sleep(2)
        before = case.paintings()
        stamps = {name: (case.folder / "out" / name).stat().st_mtime_ns for name in before}
        whole = {name for name in before if before[name] == expected[name]}
        codes = ended([case.start("--cluster", SCHEDULER)])
    again = [n for n in whole if (case.folder / "out" / n).stat().st_mtime_ns != stamps[n]]
    row = {"case": "driver killed", "there before": len(whole), "of them painted again": len(again)}
    assert not again
    return [row | {"code": codes[0]} | judged(case, expected, once=False)]


def in_one_folder(base: Path, expected: dict[str, bytes]) -> list[dict[str, Any]]:
    """Two batches at once; a lock that a killed process has left."""
    case = Case(base, "two")
    codes = ended([case.start(), case.start()])
    rows = [{"case": "two batches at once", "code": max(codes), **judged(case, expected)}]
    case = Case(base, "stale")
    first = case.start()
    while not list((case.folder / "out").glob("*.png")):
        time.sleep(0.05)
    first.kill()
    first.wait()
    locks = len(list((case.folder / "out/.jnst").glob("*.lock")))
    codes = ended([case.start()])
    row = {"case": "killed, started again", "locks left": locks, "code": codes[0]}
    return [*rows, row | judged(case, expected, once=False)]


def full_disk(base: Path, expected: dict[str, bytes]) -> list[dict[str, Any]]:
    """One of two workers may write no file above 1 kB: what it cannot write, the other paints."""
    case = Case(base, "full")
    with dask(case, 1) as running:
        words = ["worker", SCHEDULER, "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard"]
        words += ["--no-nanny", "--local-directory", str(case.folder / "small")]
        limit = (1000, resource.RLIM_INFINITY)
        small = (
            "import resource, signal, runpy, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        )
        small += f"resource.setrlimit(resource.RLIMIT_FSIZE, {limit}); sys.argv = sys.argv[1:]; "
        small += "runpy.run_path(sys.argv[0], run_name='__main__')"
        program = (sys.executable, "-c", small, DASK)
        running.workers.append(case.start(*words, program=program))
        time.sleep(6)
        codes = ended([case.start("--cluster", SCHEDULER)])
        running.workers[-1].kill()
    row = {"case": "a full disk on one worker", "code": codes[0]}
    return [row | judged(case, expected, once=False)]


def vanishing(base: Path, expected: dict[str, bytes]) -> list[dict[str, Any]]:
    """The folder is moved away for good; then the same command, with the folder back."""
    case = Case(base, "vanishing")
    first = case.start()
    while not list((case.folder / "out").glob("*.png")):
        time.sleep(0.05)
    (case.folder / "out").rename(case.folder / "away")
    codes = ended([first])
    assert codes == [1], codes
    assert not (case.folder / "out").exists()
    lines = [line for line in case.told().splitlines() if "error" in line]
    (case.folder / "away").rename(case.folder / "out")
    codes = ended([case.start()])
    row = {"case": "a folder that vanishes", "told": lines[-1], "code": codes[0]}
    return [row | judged(case, expected, once=False)]


def overheads(base: Path, expected: dict[str, bytes], count: int = 400) -> list[dict[str, Any]]:
    """The time of everything but painting, by workers that answer at once, or after 200 ms.

    Scheduler, two workers and driver are threads of this process.
    """
    folder = base / "overheads"
    (folder / "in").mkdir(parents=True)
    picture = (base / "in" / "000.png").read_bytes()
    for index in range(count // 4):
        (folder / "in" / f"{index:04}.png").write_bytes(picture)
    os.chdir(folder)
    made, seconds, wall, orders = _without_painting(0.0)
    none = {
        "case": "no painting",
        "paintings": made,
        "processor ms a painting": round(1000 * seconds / made, 2),
        "wall ms a painting": round(1000 * wall / made, 2),
        "bytes of an order": len(pickle.dumps(orders[0])),
    }
    made, seconds, wall, _ = _without_painting(0.2)
    short = {
        "case": "200 ms a painting",
        "seconds": round(wall, 1),
        "paintings": made,
        "busy %": round(100 * 0.2 * made / wall / 2, 1),
        "processor ms a painting": round(1000 * seconds / made, 2),
    }
    return [none, short]


def _without_painting(seconds: float) -> tuple[int, float, float, list[Any]]:
    """(paintings, processor and wall seconds, orders) of a batch by two workers that only wait.

    The wall's seconds are those of the whole command, with its start and its list of the folder.
    """
    from distributed import LocalCluster

    from jnst import cli
    from jnst.cli.batch import worker

    orders: list[worker.Order] = []

    def wait(order: worker.Order) -> worker.Made:
        orders.append(order)
        time.sleep(seconds)
        Path(order.request.output).write_bytes(b"a painting")
        return worker.Made(0, seconds=seconds)

    at: dict[str, Any] = {"protocol": "tcp://", "host": "127.0.0.1", "memory_limit": 0}
    at |= {"n_workers": 2, "threads_per_worker": 1, "processes": False}
    # In a cluster, each worker is a process, with a lock of its own.
    waiting = mock.patch.multiple(worker, _make=wait, _ALONE=contextlib.nullcontext())
    with waiting, LocalCluster(**at, dashboard_address="127.0.0.1:0") as here:
        spent, wall = time.process_time(), time.monotonic()
        words = ["--content", "in", "--style", "../styles", *WORDS[4:]]
        words += ["--output", f"after {seconds} s/"]
        with open(os.devnull, "w") as null, contextlib.redirect_stdout(null):  # noqa: PTH123
            assert cli.main([*words, "--cluster", here.scheduler_address, "--quiet"]) == 0
        spent, wall = time.process_time() - spent, time.monotonic() - wall
    return len(orders), spent, wall, orders


def table(payload: dict[str, Any]) -> str:
    head = [f"Pairs of 64 pixels, 5 steps, on {os.cpu_count()} cores.", ""]
    head += ["| case | seconds | paintings | same bytes | begun more than once | workers busy |"]
    head += ["|---|---:|---:|---|---:|---:|"]
    lines = []
    for row in payload["rows"]:
        busy = f"{row['busy %']} %" if row.get("busy %") else ""
        same = {True: "yes", False: "NO"}.get(row.get("same bytes"), "")
        cells = [row["case"], row.get("seconds", ""), row["paintings"], same]
        cells += [row.get("begun more than once", ""), busy]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
        known = ("case", "seconds", "paintings", "same bytes", "begun more than once", "busy %")
        more = {name: value for name, value in row.items() if name not in known}
        payload.setdefault("notes", {})[row["case"]] = more
    return "\n".join([*head, *lines])


PARTS: dict[str, Callable[[Path, dict[str, bytes]], list[dict[str, Any]]]] = {
    "shards": shards,
    "local": local,
    "scheduler": scheduler,
    "kills": kills,
    "driver": driver,
    "folder": in_one_folder,
    "disk": full_disk,
    "vanishing": vanishing,
    "overheads": overheads,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=200, help="a multiple of 16 is painted")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=[*PARTS])
    parser.add_argument(
        "--folder", type=Path, help="keeps the paintings of one process, for another call"
    )
    parser.add_argument("--results", type=Path, default=measure.RESULTS)
    options = parser.parse_args()
    os.environ["JNST_OFFLINE"] = "1"
    signal.signal(signal.SIGINT, signal.default_int_handler)
    file = options.results / "cluster.json"
    rows = json.loads(file.read_text())["rows"] if file.exists() else []
    base = options.folder or Path(tempfile.mkdtemp(prefix="jnst-cluster-"))
    if not (base / "expected").exists():
        base.mkdir(exist_ok=True)
        prepare(base, options.pairs)
        start = time.monotonic()
        case = Case(base, "expected")
        assert ended([case.start()]) == [0], case.told()
        seconds = round(time.monotonic() - start, 1)
        rows = [{"case": "one process", "seconds": seconds, **judged(case, case.paintings())}]
    expected = {path.name: path.read_bytes() for path in (base / "expected/out").glob("*.png")}
    for part in options.only:
        for row in PARTS[part](base, expected):
            print(json.dumps(row), flush=True)
            rows = [*(known for known in rows if known["case"] != row["case"]), row]
        payload = {"environment": measure.environment(), "rows": rows}
        measure.write_results("cluster", payload, table(payload), options.results)
    if not options.folder:
        shutil.rmtree(base)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What four pages that watch a painting cost it, and whether the studio's memory stays flat.

    python benchmarks/studio.py [--minutes 10] [--pages 4] [--size 256]

A studio paints an example picture. In turns of 10 seconds the pages read its events and fetch each
new snapshot, and then the server is stopped by SIGSTOP, so that the command paints as if alone: a
machine that slows down meets both alike. The log of the painting, which has the time of each step,
gives the ratio of the pairs of turns. The processor's time of the server is measured beside it.
"""

import argparse
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from common import measure

_TURN, _SETTLE = 10.0, 1.0


class Page:
    """A page that watches: one stream of events, and each new snapshot fetched.

    Attributes:
        events, snapshots: how many came.
    """

    def __init__(self, port: int) -> None:
        self._port, self.events, self.snapshots = port, 0, 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        stream = http.client.HTTPConnection("127.0.0.1", self._port)
        stream.request("GET", "/api/events")
        shown = None
        for line in stream.getresponse():
            if not line.startswith(b"data: "):
                continue
            self.events += 1
            for job in json.loads(line[6:])["jobs"]:
                if job["preview"] and job["preview"] != shown:
                    shown = job["preview"]
                    other = http.client.HTTPConnection("127.0.0.1", self._port)
                    other.request("GET", shown)
                    other.getresponse().read()
                    self.snapshots += 1


def begin(port: int, size: int, steps: int) -> str:
    """Starts a painting of so many steps; returns its id."""
    shelf: dict[str, str] = {}
    while len(shelf) < 2:
        time.sleep(0.2)
        shelf = {p["name"]: p["id"] for p in ask(port, "GET", "/api/pictures")["examples"]}
        shelf = {n: i for n, i in shelf.items() if n in ("chelsea.jpg", "nocturne.jpg")}
    settings = {"size": size, "scales": [1.0], "steps": [steps]}
    recipe = {"content": shelf["chelsea.jpg"], "styles": [shelf["nocturne.jpg"]]}
    identifier = str(ask(port, "POST", "/api/jobs", recipe | {"settings": settings})["id"])
    while ask(port, "GET", f"/api/jobs/{identifier}")["step"] < 3:
        time.sleep(0.2)
    return identifier


def ask(port: int, method: str, path: str, data: Any = None) -> Any:
    """The studio's answer."""
    address = f"127.0.0.1:{port}"
    headers = {"Origin": f"http://{address}", "X-Jnst-Studio": "1"}
    headers |= {"Content-Type": "application/json"}
    connection = http.client.HTTPConnection(address)
    connection.request(method, path, data and json.dumps(data), headers)
    return json.loads(connection.getresponse().read() or "null")


def turns(server: psutil.Process, count: int) -> tuple[list[tuple[float, float, bool]], list[int]]:
    """Lets the server work and stand still in turn; the turns in seconds of the clock, and its
    resident bytes in each in which it worked."""
    periods, memory = [], []
    for number in range(2 * count):
        works = number % 2 == 0
        server.send_signal(signal.SIGCONT if works else signal.SIGSTOP)
        time.sleep(_SETTLE)
        begun = time.time()
        time.sleep(_TURN)
        periods.append((begun, time.time(), works))
        if works:
            memory.append(server.memory_info().rss)
    server.send_signal(signal.SIGCONT)
    return periods, memory


def seconds_a_step(
    log: Path, began: float, periods: list[tuple[float, float, bool]]
) -> list[float]:
    """Seconds of a step in each of the periods of the clock.

    Args:
        log: of the painting, whose own clock starts at 0.
        began: the clock then.
        periods: from `turns`.
    """
    rows = [json.loads(line) for line in log.read_text().splitlines()[1:]]
    times = [began + row["seconds"] for row in rows if "step" in row]
    seconds = []
    for start, end, _ in periods:
        inside = [at for at in times if start <= at <= end]
        seconds.append((inside[-1] - inside[0]) / (len(inside) - 1))
    return seconds


def run(minutes: float, pages: int, size: int) -> dict[str, Any]:
    """Paints, watches, and returns the figures."""
    folder = Path(tempfile.mkdtemp(prefix="jnst-studio-"))
    process = subprocess.Popen(
        [sys.executable, "-m", "jnst", "studio", str(folder), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    port = int(process.stdout.readline().strip(" /\n").rpartition(":")[2])
    server = psutil.Process(process.pid)
    # A few more than can be made in this time: a snapshot is saved 50 times a painting.
    identifier = begin(port, size, max(300, round(900 * minutes)))
    log = folder / "jobs" / identifier / "cells" / "001.jsonl"
    last = json.loads(log.read_text().splitlines()[-1])
    began = os.stat(log).st_mtime - last["seconds"]  # noqa: PTH116
    watchers = [Page(port) for _ in range(pages)]
    time.sleep(_TURN)
    before, clock = server.cpu_times(), time.time()
    periods, memory = turns(server, max(2, round(60 * minutes / (2 * (_TURN + _SETTLE)))))
    used, elapsed = server.cpu_times(), time.time() - clock
    each = seconds_a_step(log, began, periods)
    ask(port, "POST", f"/api/jobs/{identifier}/cancel")
    process.send_signal(signal.SIGTERM)
    process.wait()
    watched, alone = each[0::2], each[1::2]
    return {
        "minutes": elapsed / 60,
        "pages": pages,
        "size": size,
        "events": sum(page.events for page in watchers),
        "snapshots": sum(page.snapshots for page in watchers),
        "seconds_watched": watched,
        "seconds_alone": alone,
        "ratio": median(a / b for a, b in zip(watched, alone, strict=True)),
        # It stood still half of the time.
        "processor_share": 2 * (sum(used[:2]) - sum(before[:2])) / elapsed,
        "memory": memory,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--pages", type=int, default=4)
    parser.add_argument("--size", type=int, default=256)
    typed = parser.parse_args()
    machine = measure.environment()
    figures = run(typed.minutes, typed.pages, typed.size)
    memory = [size / 1e6 for size in figures["memory"]]
    rows = [
        (
            "pages, events, snapshots fetched",
            f"{figures['pages']}, {figures['events']:,}, {figures['snapshots']:,}",
        ),
        (f"a step at {typed.size} px, watched", f"{median(figures['seconds_watched']):.4f} s"),
        ("the same, the command alone", f"{median(figures['seconds_alone']):.4f} s"),
        ("median ratio of the pairs of turns", f"{figures['ratio']:.3f}"),
        ("the server's share of a core, watched", f"{figures['processor_share']:.1%}"),
        (
            "the server's memory in its first, middle, last turn",
            f"{memory[0]:.0f}, {memory[len(memory) // 2]:.0f}, {memory[-1]:.0f} MB",
        ),
    ]
    table = "".join(f"| {what} | {value} |\n" for what, value in rows)
    text = f"{figures['minutes']:.0f} minutes, in turns.\n\n| what | measured |\n|---|---|\n{table}"
    print(text)
    measure.write_results("studio", {"environment": machine} | figures, text)


if __name__ == "__main__":
    main()

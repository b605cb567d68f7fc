"""A studio as a process of its own, and as an application in this process; and what it is asked."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2 as httpx
import numpy as np
import psutil
from PIL import Image
from starlette.testclient import TestClient

from jnst.studio.app import Limits, make_app

HOME = "http://127.0.0.1:8765"
ROOT = Path(__file__).parents[2]
TINY = {
    "size": 32,
    "scales": [1.0],
    "steps": [4],
    "content_layers": ["relu2_2"],
    "style_layers": ["relu1_1", "relu2_1"],
}
"""Settings of a painting that takes a few seconds, most of them for its process to begin."""


def picture_bytes(seed, width=48, height=32, kind="PNG"):
    """A picture's file."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


class Client:
    """A client that writes as the studio's own page does.

    Attributes:
        folder: of the studio.
    """

    def __init__(self, http, folder):
        self.folder, self.close = folder, http.close
        self.get, self.put, self.post, self.delete = http.get, http.put, http.post, http.delete

    def put_picture(self, data, name="cat.png", kind="picture"):
        answer = self.put("/api/pictures", params={"name": name, "kind": kind}, content=data)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def recipe(self, **settings):
        """A recipe of two small pictures."""
        content = self.put_picture(picture_bytes(1), "cat.png")["id"]
        style = self.put_picture(picture_bytes(2, 40, 40), "night.png")["id"]
        return {"content": content, "styles": [style], "settings": TINY | settings}

    def add_job(self, recipe):
        answer = self.post("/api/jobs", json=recipe)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def await_job(self, identifier, holds, seconds=120):
        """The job's details once `holds(details)`."""
        until = time.monotonic() + seconds
        while True:
            job = self.get(f"/api/jobs/{identifier}").json()
            if holds(job):
                return job
            assert time.monotonic() < until, job
            assert job["state"] != "failed", job["error"]
            time.sleep(0.05)

    def await_state(self, identifier, *states):
        return self.await_job(identifier, lambda job: job["state"] in states)


@contextlib.contextmanager
def studio_in(folder, examples=None, **limits):
    """A client of a studio in this process, which has no examples unless they are given."""
    app = make_app(folder, Limits(**limits), port=8765, examples=examples or folder / "none")
    headers = {"Origin": HOME, "X-Jnst-Studio": "1"}
    with TestClient(app, base_url=HOME, headers=headers) as http:
        yield Client(http, folder)


class Server:
    """`jnst studio` in a process of its own.

    Attributes:
        first_line: what it printed.
        address: of the page, without the slash at its end.
        client: asks it.
    """

    def __init__(self, folder, *options, port=0):
        self.folder, self._options, self._port = Path(folder), options, port
        self.start()

    def start(self):
        words = [str(self.folder), "--port", str(self._port), *self._options]
        with tempfile.TemporaryFile("w+") as messages:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jnst", "studio", *words],
                stdout=subprocess.PIPE,
                stderr=messages,
                text=True,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )
            self.first_line = self.process.stdout.readline().strip()
            messages.seek(0)
            assert self.first_line, messages.read()
        self.address = self.first_line.split("?")[0].rstrip("/")
        self._port = int(self.address.rpartition(":")[2])
        headers = {"Origin": self.address, "X-Jnst-Studio": "1"}
        http = httpx.Client(base_url=self.address, headers=headers, timeout=60)
        self.client = Client(http, self.folder)
        return self

    @property
    def port(self):
        return self._port

    def memory(self):
        """Bytes that the server takes, without its children."""
        return psutil.Process(self.process.pid).memory_info().rss

    def end(self, number=signal.SIGTERM):
        """Ends the server by a signal, but none of its paintings."""
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(30)
        self.process.stdout.close()

    def close(self):
        """Ends the server and everything that it started."""
        self.end(signal.SIGKILL)
        for path in self.folder.glob("jobs/*/run.json"):
            end_worker(path.parent)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def worker_of(job_folder):
    """The process that paints a job, or None."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "jnst.studio.worker" in words and f"jobs/{Path(job_folder).name}" in words:
            return process
    return None


def end_worker(job_folder):
    """Kills the process that paints a job, if there is one."""
    if process := worker_of(job_folder):
        process.kill()
        process.wait(10)

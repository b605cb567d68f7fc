"""Jobs: painted by the command in processes of their own, watched, stopped, continued, kept."""

import contextlib
import io
import json
import queue
import shlex
import threading
import time

import httpx2 as httpx
import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image
from studio_server import picture_bytes

import jnst
from jnst import cli

pytestmark = pytest.mark.slow


def ended(job):
    return job["state"] in ("done", "stopped", "failed")


@pytest.fixture(scope="module")
def finished(server):
    """A finished painting's details."""
    client = server.client
    return client.await_job(client.add_job(client.recipe()), ended)


class Events:
    """The events of a studio, received in a thread."""

    def __init__(self, server, last=""):
        self.seen = queue.Queue()
        self._headers = {"Last-Event-ID": last} if last else {}
        self._thread = threading.Thread(target=self._read, args=(server,), daemon=True)
        self._thread.start()

    def _read(self, server):
        event = {}
        with (
            contextlib.suppress(httpx.HTTPError),  # the server is gone
            httpx.Client(base_url=server.address, timeout=60) as http,
            http.stream("GET", "/api/events", headers=self._headers) as answer,
        ):
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                event[name] = value
                if not line and "data" in event:
                    self.seen.put((event["id"], json.loads(event["data"])))
                    event = {}
                    if self.seen.qsize() > 500:
                        return

    def until(self, holds, seconds=60):
        """All events up to the first for which `holds(data)`."""
        events = []
        while not events or not holds(events[-1][1]):
            events.append(self.seen.get(timeout=seconds))
        return events


def test_a_painting_from_its_start_to_its_end(server):
    client = server.client
    events = Events(server)
    first = events.until(lambda data: True)[0][1]
    assert first["full"] is True
    job = client.add_job(client.recipe(steps=[30]))

    def of_it(data):
        return [j for j in data["jobs"] if j["id"] == job]

    seen = events.until(lambda data: of_it(data) and of_it(data)[0]["state"] == "done")
    news = [of_it(data)[0] for _, data in seen if of_it(data)]
    assert news[0]["state"] in ("queued", "running")
    steps = [n["step"] for n in news]
    assert steps == sorted(steps)
    assert len({n["step"] for n in news}) >= 3
    assert steps[-1] == 30
    previews = {n["preview_step"]: n["preview"] for n in news if n["preview"]}
    assert len(previews) >= 3
    for step, address in previews.items():
        snapshot = client.get(address)
        assert snapshot.headers["content-type"] == "image/png"
        assert Image.open(io.BytesIO(snapshot.content)).size == (32, 21), step
    # Those who come back are told what they have missed, and no more.
    later = Events(server, last=seen[2][0]).until(lambda data: True)[0][1]
    assert later["full"] is False
    assert [j["state"] for j in later["jobs"] if j["id"] == job] == ["done"]
    strange = Events(server, last="elsewhere-3").until(lambda data: True)[0][1]
    assert strange["full"] is True


def test_a_finished_painting(server, finished):
    client, job = server.client, finished
    assert (job["state"], job["error"]) == ("done", None)
    assert (job["width"], job["height"]) == (32, 21)
    assert (job["step"], job["steps"], job["last_steps"]) == (4, 4, 4)
    assert [row["step"] for row in job["curve"]] == [1, 2, 3, 4]
    assert [snapshot["step"] for snapshot in job["snapshots"]] == [1, 2, 3, 4]
    assert job["can"] == ["go-on", "delete"]
    assert job["content"]["name"] == "cat.png"
    assert job["name"] == "cat_night"
    shown = client.get(job["thumb"])
    assert shown.headers["content-type"] == "image/jpeg"
    assert job["command"].startswith(f"jnst --content {server.folder}/pictures/")
    assert job["command"].endswith("--output cat_night.png")
    assert "--bits" not in job["command"]


def test_the_command_makes_the_same_painting(server, finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(shlex.split(finished["command"])[1:]) == 0
    here = np.asarray(Image.open("cat_night.png")).astype(int)
    there = server.client.get(finished["downloads"]["png"]).content
    assert np.abs(np.asarray(Image.open(io.BytesIO(there))).astype(int) - here).max() <= 1


def test_the_downloads(server, finished, tmp_path):
    files = {}
    for kind, address in finished["downloads"].items():
        answer = server.client.get(address)
        assert answer.headers["content-disposition"].startswith('attachment; filename="cat_night.')
        files[kind] = answer.content
    exact = imagecodecs.png_decode(files["png16"])
    assert exact.dtype == np.uint16
    # Not 8 bits spread over 16: the lower byte has information of its own.
    assert (exact % 257 != 0).mean() > 0.9
    (tmp_path / "a.tif").write_bytes(files["tiff16"])
    assert (tifffile.imread(tmp_path / "a.tif") == exact).all()
    plain = np.asarray(Image.open(io.BytesIO(files["png"])))
    assert (plain == np.rint(exact / 257)).all()
    jpeg = np.asarray(Image.open(io.BytesIO(files["jpeg"]))).astype(int)
    assert np.abs(jpeg - plain).mean() < 10
    for kind, name in (("png", "a.png"), ("jpeg", "a.jpg"), ("tiff16", "a.tif")):
        (tmp_path / name).write_bytes(files[kind])
        stored = json.loads(jnst.read_parameters(tmp_path / name)["config"])
        assert stored["steps"] == [4]


def test_settings_come_back_from_a_download(server, finished):
    client = server.client
    for kind in ("png", "jpeg", "tiff16"):
        data = client.get(finished["downloads"][kind]).content
        made = client.put_picture(data, f"mine.{kind}")["made_by"]
        assert made["recipe"]["content"] == finished["recipe"]["content"]
        assert made["recipe"]["styles"] == finished["recipe"]["styles"]
        assert made["recipe"]["settings"]["size"] == 32


def test_stopped_and_continued(server):
    client = server.client
    job = client.add_job(client.recipe(steps=[400]))
    client.await_job(job, lambda job: job["step"] >= 3)
    assert client.post(f"/api/jobs/{job}/go-on", json={}).status_code == 409
    assert client.delete(f"/api/jobs/{job}").status_code == 409
    answer = client.post(f"/api/jobs/{job}/stop")
    assert (answer.status_code, answer.json()["stopping"]) == (202, True)
    stopped = client.await_state(job, "stopped")
    assert 3 <= stopped["step"] < 400
    assert stopped["error"] is None
    assert client.get(stopped["result"]).status_code == 200
    for more in (-1, True, "5", 1.5, 10**9):
        refused = client.post(f"/api/jobs/{job}/go-on", json={"more": more})
        assert (refused.status_code, refused.json()["field"]) == (400, "steps")
    assert client.post(f"/api/jobs/{job}/go-on", json={"more": 5}).json()["state"] == "queued"
    going = client.await_job(job, lambda job: job["step"] > stopped["step"])
    assert going["steps"] == 405
    assert going["recipe"]["settings"]["steps"] == [405]
    # No step was made twice.
    steps = [row["step"] for row in going["curve"]]
    assert steps == list(range(1, steps[-1] + 1))
    assert client.post(f"/api/jobs/{job}/cancel").status_code == 204
    assert client.get(f"/api/jobs/{job}").status_code == 404
    assert (server.folder / "trash" / "jobs" / job / "cells" / "001.png").exists()
    back = client.post(f"/api/jobs/{job}/restore").json()
    assert (back["state"], back["id"]) == ("stopped", job)
    assert client.delete(f"/api/jobs/{job}").status_code == 204
    assert client.delete("/api/trash").status_code == 204
    assert client.post(f"/api/jobs/{job}/restore").status_code == 404
    assert client.get("/api/space").json()["trash"] == 0


def test_a_finished_painting_gets_more_steps(server):
    client = server.client
    job = client.add_job(client.recipe(steps=[3]))
    done = client.await_state(job, "done")
    refused = client.post(f"/api/jobs/{job}/go-on", json={})
    assert (refused.status_code, refused.json()["field"]) == (400, "steps")
    client.post(f"/api/jobs/{job}/go-on", json={"more": 4})
    more = client.await_job(job, lambda job: job["state"] == "done" and job["step"] > 3)
    assert [row["step"] for row in more["curve"]] == [1, 2, 3, 4, 5, 6, 7]
    assert more["result"] != done["result"]
    assert "--steps 7" in more["command"]


def test_the_queue(server):
    client = server.client
    recipe = client.recipe(steps=[400])
    jobs = [client.add_job(recipe) for _ in range(4)]
    client.await_state(jobs[0], "running")

    def order():
        return client.put("/api/queue", json={"jobs": []}).json()["jobs"]

    assert order() == jobs[1:]
    moved = client.put("/api/queue", json={"jobs": [jobs[3], jobs[1], jobs[3], "x"]}).json()["jobs"]
    assert moved == [jobs[3], jobs[1], jobs[2]] == order()
    assert client.post(f"/api/jobs/{jobs[1]}/stop").status_code == 409
    assert client.post(f"/api/jobs/{jobs[1]}/cancel").status_code == 204
    assert order() == [jobs[3], jobs[2]]
    # What was cancelled does not begin by itself when it comes back.
    assert client.post(f"/api/jobs/{jobs[1]}/restore").json()["state"] == "stopped"
    assert client.post(f"/api/jobs/{jobs[0]}/cancel").status_code == 204
    client.await_state(jobs[3], "running")
    assert order() == [jobs[2]]
    for job in jobs[2:]:
        client.post(f"/api/jobs/{job}/cancel")


def test_a_sweep(server):
    client = server.client
    recipe = client.recipe() | {"sweep": [{"name": "strength", "values": ["0.5", "2"]}]}
    job = client.await_job(client.add_job(recipe), ended)
    assert job["state"] == "done", job["error"]
    assert (job["painting"], job["paintings"], job["can"]) == (2, 2, ["delete"])
    sheet = client.get(job["sheet"])
    assert Image.open(io.BytesIO(sheet.content)).width > 32
    cells = job["cells"]
    assert [cell["values"] for cell in cells] == [{"strength": "0.5"}, {"strength": "2"}]
    for cell in cells:
        data = client.get(cell["url"]).content
        made = client.put_picture(data)["made_by"]
        assert made["recipe"]["settings"]["strength"] == float(cell["values"]["strength"])
        assert client.get(cell["thumb"]).status_code == 200
        assert client.get(cell["downloads"]["jpeg"]).status_code == 200
    assert client.get(f"/files/jobs/{job['id']}/cells/3").status_code == 404
    assert client.get(f"/files/jobs/{job['id']}/cells/0").status_code == 404
    assert "--sweep strength=0.5,2 --output cat_night/" in job["command"]


def test_a_mask_keeps_what_is_white(server):
    client = server.client
    recipe = client.recipe(size=48)
    mask = np.zeros((32, 48), np.uint8)
    mask[:, 24:] = 255
    file = io.BytesIO()
    Image.fromarray(mask).save(file, "PNG")
    recipe["keep_mask"] = client.put_picture(file.getvalue(), "keep.png", "mask")["id"]
    job = client.await_job(client.add_job(recipe), ended)
    painted = np.asarray(Image.open(io.BytesIO(client.get(job["downloads"]["png"]).content)))
    content = np.asarray(Image.open(io.BytesIO(picture_bytes(1))))
    assert (painted[:, 24:] == content[:, 24:]).all()
    assert (painted[:, :24] != content[:, :24]).mean() > 0.5
    assert job["recipe"]["keep_mask"] == recipe["keep_mask"]


def test_the_command_fails_in_one_line(server):
    client = server.client
    content = client.put_picture(picture_bytes(21, 900, 3), "strip.png")["id"]
    recipe = client.recipe(style_layers=["relu5_1"]) | {"content": content}
    job = client.add_job(recipe)
    client.get(f"/api/jobs/{job}")
    while (failed := client.get(f"/api/jobs/{job}").json())["state"] != "failed":
        assert failed["state"] in ("queued", "running")
        time.sleep(0.05)
    assert failed["error"].startswith("strip.png is 900x3 pixels, but these layers look at squares")
    assert failed["field"] == "content"
    assert failed["can"] == ["go-on", "delete"]


@pytest.mark.parametrize(
    ("part", "side", "line"),
    [
        ("style_masks", 40, "style mask 1 has no weight at relu3_1 of a picture of 30x30 pixels"),
        ("content_masks", 40, "content mask 1 is 40x40 pixels and the content 48x32"),
    ],
)
def test_a_failure_names_its_control(server, part, side, line):
    client = server.client
    mask = np.zeros((side, side), np.uint8)
    mask[-1, -1] = 255
    file = io.BytesIO()
    Image.fromarray(mask).save(file, "PNG")
    recipe = client.recipe(style_layers=["relu3_1"], style_size=[30])
    recipe[part] = [client.put_picture(file.getvalue(), "part.png", "mask")["id"]]
    job = client.add_job(recipe)
    while (failed := client.get(f"/api/jobs/{job}").json())["state"] != "failed":
        assert failed["state"] in ("queued", "running")
        time.sleep(0.05)
    assert failed["error"].startswith(line)
    assert failed["field"] == part


def test_the_gallery(server, finished):
    client = server.client

    def found(**query):
        answer = client.get("/api/jobs", params=query).json()
        return [job["id"] for job in answer["jobs"]], answer["more"]

    everything, _ = found(limit=200)
    assert finished["id"] in everything
    times = [client.get(f"/api/jobs/{job}").json()["created"] for job in everything]
    assert times == sorted(times, reverse=True)
    assert found(limit=1) == (everything[:1], True)
    assert found(before=everything[0], limit=200)[0] == everything[1:]
    assert finished["id"] in found(q="NIGHT")[0]
    assert found(q="no such name") == ([], False)
    assert found(preset="gatys2016") == ([], False)
    assert set(found(state="done")[0]) <= set(everything)
    assert client.get("/api/jobs", params={"limit": "-1"}).status_code == 400

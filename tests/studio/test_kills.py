"""The server and its paintings killed at any moment: nothing is lost, everything goes on."""

import random
import signal
import time

import pytest
from studio_server import Server, end_worker, worker_of

pytestmark = pytest.mark.slow


def states(server):
    jobs = server.client.get("/api/jobs", params={"limit": 200}).json()["jobs"]
    return {job["id"]: job["state"] for job in jobs}


def test_a_painting_outlives_its_server(tmp_path):
    with Server(tmp_path) as server:
        recipe = server.client.recipe(steps=[300])
        running, waiting = (server.client.add_job(recipe) for _ in range(2))
        server.client.await_job(running, lambda job: job["step"] >= 2)
        server.end(signal.SIGKILL)
        assert worker_of(tmp_path / "jobs" / running)
        server.start()
        assert states(server) == {running: "running", waiting: "queued"}
        # The new server reads on where the old one was, and ends it like its own.
        step = server.client.get(f"/api/jobs/{running}").json()["step"]
        server.client.await_job(running, lambda job: job["step"] > step)
        server.client.post(f"/api/jobs/{running}/stop")
        server.client.await_state(running, "stopped")
        server.client.await_state(waiting, "running")
        assert server.client.post(f"/api/jobs/{waiting}/cancel").status_code == 204
        assert worker_of(tmp_path / "jobs" / waiting) is None


def test_a_killed_painting_goes_on_from_its_checkpoint(tmp_path):
    with Server(tmp_path) as server:
        client = server.client
        job = client.add_job(client.recipe(steps=[3]))
        client.await_state(job, "done")
        client.post(f"/api/jobs/{job}/go-on", json={"more": 300})
        client.await_job(job, lambda job: job["step"] > 5)
        # The server at the same time: nobody is there who could write it down.
        server.end(signal.SIGKILL)
        end_worker(tmp_path / "jobs" / job)
        server.start()
        stopped = server.client.await_state(job, "stopped")
        assert stopped["error"].startswith("its process was ended from outside")
        assert stopped["can"] == ["go-on", "delete"]
        server.client.post(f"/api/jobs/{job}/go-on", json={})
        going = server.client.await_job(job, lambda job: job["step"] > stopped["step"])
        steps = [row["step"] for row in going["curve"]]
        assert steps == list(range(1, steps[-1] + 1))
        assert going["steps"] == 303


def test_a_closed_studio_goes_on_when_it_is_opened(tmp_path):
    with Server(tmp_path) as server:
        recipe = server.client.recipe(steps=[300])
        first, second = (server.client.add_job(recipe) for _ in range(2))
        step = server.client.await_job(first, lambda job: job["step"] >= 2)["step"]
        server.end(signal.SIGINT)
        assert server.process.returncode == 0
        until = time.monotonic() + 60
        while worker_of(tmp_path / "jobs" / first):
            assert time.monotonic() < until, "the painting did not stop"
            time.sleep(0.1)
        assert (tmp_path / "jobs" / first / "cells" / "001.png").exists()
        server.start()
        going = server.client.await_job(first, lambda job: job["step"] > step)
        assert going["state"] == "running"
        assert states(server)[second] == "queued"


def kill_at_random(folder, kills, seed=1):
    """Kills a studio again and again while it paints; returns how many jobs it kept and cancelled.

    Each time a job is added and one moved, stopped, continued or cancelled, and the server is
    killed within a second; every third time the process that paints as well.
    """
    rng, promised, cancelled = random.Random(seed), {}, set()
    with Server(folder) as server:
        recipe = server.client.recipe(steps=[40])
        for number in range(kills):
            client = server.client
            job = client.add_job(recipe)
            promised[job] = number
            known = states(server)
            busy = [i for i, state in known.items() if state == "running"]
            ended = [i for i, state in known.items() if state in ("stopped", "failed")]
            waiting = [i for i, state in known.items() if state == "queued"]
            action = rng.choice(["move", "stop", "go on", "cancel", "nothing"])
            if action == "move":
                client.put("/api/queue", json={"jobs": [job]})
            elif action == "stop" and busy:
                client.post(f"/api/jobs/{busy[0]}/stop")
            elif action == "go on" and ended:
                client.post(f"/api/jobs/{ended[0]}/go-on", json={})
            elif action == "cancel" and len(waiting) > 2:
                assert client.post(f"/api/jobs/{waiting[-1]}/cancel").status_code == 204
                cancelled.add(waiting[-1])
            time.sleep(rng.random())
            server.end(signal.SIGKILL)
            if number % 3 == 2:
                for job in promised:
                    end_worker(folder / "jobs" / job)
            server.start()
            assert server.client.get("/api/space").status_code == 200
            assert states(server).keys() == promised.keys() - cancelled, action
            for job, state in states(server).items():
                details = server.client.get(f"/api/jobs/{job}").json()
                assert state != "failed", details["error"]
                assert details["recipe"]["settings"]["steps"] == [40]
        # In the end each of them can be finished.
        left = promised.keys() - cancelled
        until = time.monotonic() + 60 * len(left)
        while (now := set(states(server).items())) != {(job, "done") for job in left}:
            assert time.monotonic() < until, now
            for job, state in now:
                if state == "stopped":
                    server.client.post(f"/api/jobs/{job}/go-on", json={})
            time.sleep(0.2)
        for job in left:
            steps = [r["step"] for r in server.client.get(f"/api/jobs/{job}").json()["curve"]]
            assert steps == list(range(1, 41))
        return len(left), len(cancelled)


def test_kills_at_random_moments(tmp_path):
    left, cancelled = kill_at_random(tmp_path, kills=4)
    assert left + cancelled == 4

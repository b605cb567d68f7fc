"""Studios for the tests: one in this process, and one in a process of its own."""

import time

import pytest
from studio_server import ROOT, Server, studio_in

EXAMPLES = list((ROOT / "examples" / "images").glob("*.jpg"))


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    """A studio in this process that takes pictures of 100,000 pixels and 1 MB, and 3 jobs."""
    limits = {"upload_bytes": 1_000_000, "pixels": 100_000, "waiting": 3}
    with studio_in(tmp_path_factory.mktemp("studio"), **limits) as studio:
        yield studio


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A studio in a process of its own, whose examples are on the shelf."""
    with Server(tmp_path_factory.mktemp("server"), "--max-pixels", "1000000") as server:
        until = time.monotonic() + 60
        while len(server.client.get("/api/pictures").json()["examples"]) < len(EXAMPLES):
            assert time.monotonic() < until
            time.sleep(0.1)
        yield server

"""A download that broke off goes on where it was, and of two at once one waits for the other."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest
from weight_server import Server

from jnst.network import download
from jnst.network.download import fetch, part_of
from jnst.network.manifest import KnownFile

CONTENT = bytes(reversed(range(256))) * 2048
SIZE = len(CONTENT)

FETCH = """
import sys
from pathlib import Path
from jnst.network.download import fetch
from jnst.network.manifest import KnownFile
print(fetch(KnownFile(**eval(sys.argv[1])), Path(sys.argv[2]), progress=True))
"""


@pytest.fixture(autouse=True)
def _online(monkeypatch):
    monkeypatch.delenv("JNST_OFFLINE", raising=False)


@pytest.fixture
def server():
    with Server(CONTENT) as server:
        yield server


def known_at(*urls, size=SIZE):
    digest = hashlib.sha256(CONTENT).hexdigest()
    fixed = ("w.h5", "vgg19", "caffe", "Keras 2 .h5", "HWIO", "BGR")
    return KnownFile(*fixed, size=size, sha256=digest, urls=urls, download=True)


def begin(folder, content):
    """An earlier download that broke off after `content`."""
    folder.mkdir(exist_ok=True)
    part_of(folder / "w.h5").write_bytes(content)


@pytest.mark.parametrize("size", [SIZE, None])
@pytest.mark.parametrize("come", [1, SIZE // 3, SIZE - 1])
def test_the_next_fetch_asks_for_the_rest(server, tmp_path, come, size):
    begin(tmp_path, CONTENT[:come])
    path = fetch(known_at(server.url("good"), size=size), tmp_path)
    assert path.read_bytes() == CONTENT
    assert server.seen == [("/good", f"bytes={come}-")]
    assert not part_of(path).exists()


def test_a_server_without_ranges_starts_over(server, tmp_path):
    begin(tmp_path, CONTENT[:1000])
    assert fetch(known_at(server.url("whole")), tmp_path).read_bytes() == CONTENT
    assert server.seen == [("/whole", "bytes=1000-")]


def test_cuts_are_mended_at_the_same_address(server, tmp_path):
    path = fetch(known_at(server.url("cut,cut,slow")), tmp_path)
    assert path.read_bytes() == CONTENT
    asked = [None, f"bytes={SIZE // 2}-", f"bytes={SIZE * 3 // 4}-"]
    assert [ranges for _, ranges in server.seen] == asked


def test_the_next_address_goes_on(server, tmp_path):
    known = known_at(server.url("cut,missing"), server.url("good"))
    assert fetch(known, tmp_path).read_bytes() == CONTENT
    assert server.seen[-1] == ("/good", f"bytes={SIZE // 2}-")


def test_a_server_that_always_cuts_is_given_up(server, tmp_path):
    known = known_at(server.url("cut"))
    with pytest.raises(OSError, match=r"broke off in the middle; 0\.5 MB are kept"):
        fetch(known, tmp_path)
    assert len(server.seen) == 5
    with pytest.raises(OSError, match="broke off in the middle"):
        fetch(known, tmp_path)
    assert fetch(known_at(server.url("good")), tmp_path).read_bytes() == CONTENT


def test_silence_is_cut_short_and_mended(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "STALL_SECONDS", 0.3)
    start = time.monotonic()
    assert fetch(known_at(server.url("stall,good")), tmp_path).read_bytes() == CONTENT
    assert time.monotonic() - start < 5
    monkeypatch.setattr("jnst.network.download._ATTEMPTS", 1)
    with pytest.raises(OSError, match=r"sent nothing more for 0\.3 s; 0\.3 MB are kept"):
        fetch(known_at(server.url("stall")), tmp_path / "other")


def test_wrong_bytes_from_before_are_thrown_away(server, tmp_path):
    """The rest fits no other beginning; the file is fetched from its start, once."""
    begin(tmp_path, bytes(1000))
    assert fetch(known_at(server.url("good")), tmp_path).read_bytes() == CONTENT
    assert [ranges for _, ranges in server.seen] == ["bytes=1000-", None]


def test_wrong_bytes_of_one_address_do_not_spoil_the_next(server, tmp_path):
    known = known_at(server.url("wrongcut,missing"), server.url("good"))
    assert fetch(known, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("content", [CONTENT, bytes(SIZE), CONTENT + b"more"])
def test_a_part_as_long_as_the_whole(server, tmp_path, content):
    """Killed just before the end: the right one is used, any other fetched again."""
    begin(tmp_path, content)
    plan = "good" if len(content) == SIZE else "unsatisfiable,good"
    assert fetch(known_at(server.url(plan)), tmp_path).read_bytes() == CONTENT
    assert bool(server.seen) == (content != CONTENT)


def test_another_part_than_asked_for(server, tmp_path):
    begin(tmp_path, CONTENT[:100])
    with pytest.raises(OSError, match=r"sent another part \(bytes 101-\d+/\d+\) than was asked"):
        fetch(known_at(server.url("shifted")), tmp_path)
    assert not part_of(tmp_path / "w.h5").exists()


def process(known, folder):
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, repr(asdict(known)), str(folder)],
        env={**os.environ, "PYTHONPATH": str(Path(download.__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_killed_process_leaves_a_part_and_no_lock(server, tmp_path):
    known = known_at(server.url("stall,good"))
    with process(known, tmp_path) as killed:
        part = part_of(tmp_path / "w.h5")
        while not (part.exists() and part.stat().st_size == SIZE // 2):
            assert killed.poll() is None, killed.stderr.read()
            time.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
    assert {path.name for path in tmp_path.iterdir()} == {part.name, ".w.h5.lock"}
    assert fetch(known, tmp_path).read_bytes() == CONTENT
    assert server.seen[-1] == ("/stall,good", f"bytes={SIZE // 2}-")


def test_two_processes_at_once_fetch_once(server, tmp_path):
    known = known_at(server.url("slow"))
    with process(known, tmp_path) as one, process(known, tmp_path) as other:
        told = [p.communicate(timeout=60) for p in (one, other)]
    assert [p.returncode for p in (one, other)] == [0, 0], told
    assert {out.strip() for out, _ in told} == {str(tmp_path / "w.h5")}
    assert (tmp_path / "w.h5").read_bytes() == CONTENT
    assert server.seen == [("/slow", None)]


def test_four_threads_at_once_fetch_once(server, tmp_path, capfd):
    known = known_at(server.url("slow"))
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: fetch(known, tmp_path, progress=True), range(4)))
    assert {path.read_bytes() for path in paths} == {CONTENT}
    assert len(server.seen) == 1
    assert capfd.readouterr().err.count("waiting for another process that fetches the same") == 3

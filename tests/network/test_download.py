"""Fetching weights from a server of the test's own: verified, bounded in time, all or nothing."""

import hashlib
import socket
import ssl
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from weight_server import Server

from jnst.network import download, manifest, weights

CONTENT = bytes(range(256)) * 4096
HALF = len(CONTENT) // 2


@pytest.fixture
def server():
    with Server(CONTENT) as server:
        yield server


@pytest.fixture
def serve(server, monkeypatch, tmp_path):
    """Lets VGG-19 come from these paths of the server, and the cache be in `tmp_path`."""
    (real,) = (f for f in manifest.known_files() if f.download)

    def from_paths(*paths):
        urls = tuple(map(server.url, paths))
        known = replace(real, urls=urls, md5=hashlib.md5(CONTENT).hexdigest(), size=len(CONTENT))
        monkeypatch.setattr(weights, "known_files", lambda: (known,))
        return known

    monkeypatch.setenv("JNST_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("JNST_OFFLINE", raising=False)
    return from_paths


def leftovers(tmp_path):
    return sorted(p.name for p in tmp_path.glob("cache/*") if not p.name.endswith(".lock"))


def in_cache(tmp_path, known, content):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / known.name).write_bytes(content)


def test_fetch(serve, server, tmp_path, capsys):
    known = serve("good")
    path = weights.fetch_weights("vgg19", progress=True)
    assert path == tmp_path / "cache" / known.name
    assert path.read_bytes() == CONTENT
    assert leftovers(tmp_path) == [known.name]
    assert "weights: 100%" in capsys.readouterr().err
    assert weights.find_weights("vgg19") == path
    weights.fetch_weights("vgg19")
    assert server.seen == [("/good", None)]


def test_second_address(serve, server, capsys):
    serve("missing", "wrong", "login", "good")
    assert weights.fetch_weights("vgg19").read_bytes() == CONTENT
    assert [path for path, _ in server.seen] == ["/missing", "/wrong", "/login", "/page", "/good"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing", "answered 404 Not Found"),
        ("busy", "answered 503 Service Unavailable"),
        ("wrong", "sent a file with another hash"),
        ("login", r"sent a web page of 127\.0\.0\.1:\d+ \(a login\? an error\?\) instead of the"),
        ("other", r"offers 1,048,583 bytes, but the file has 1,048,576"),
        ("endless", "sends more than the 1,048,576 bytes of the file"),
        ("silent", "does not answer"),
    ],
)
def test_failure_says_what_to_do_and_leaves_nothing(serve, tmp_path, monkeypatch, path, reason):
    monkeypatch.setattr(download, "CONNECT_SECONDS", 1.0)
    known = serve(path)
    with pytest.raises(OSError, match=reason) as error:
        weights.load_weights("vgg19")
    assert str(error.value).startswith("no vgg19 weights here, and 127.0.0.1:")
    for part in (known.urls[0], f"md5:{known.md5}", str(tmp_path / "cache" / known.name), "1 MB"):
        assert part in str(error.value)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("cut", "broke off in the middle"),
        ("unannounced", "broke off in the middle"),
        ("stall,nothing", "broke off in the middle"),
        ("cut,stall,missing", "answered 404"),
    ],
)
def test_failure_in_the_middle_keeps_what_came_aside(serve, tmp_path, monkeypatch, path, reason):
    monkeypatch.setattr(download, "STALL_SECONDS", 0.4)
    known = serve(path)
    with pytest.raises(OSError, match=rf"{reason}.*; (0\.[58]|1\.0) MB are kept, and the"):
        weights.fetch_weights("vgg19")
    (part,) = leftovers(tmp_path)
    assert part == f".{known.name}.part"
    come = (tmp_path / "cache" / part).read_bytes()
    assert CONTENT.startswith(come)
    assert len(come) >= HALF
    assert weights.find_weights("vgg19") is None


def test_nobody_listens(serve, server, tmp_path):
    serve("good")
    server.shutdown()
    server.server_close()
    start = time.monotonic()
    with pytest.raises(OSError, match="cannot be reached"):
        weights.fetch_weights("vgg19")
    assert time.monotonic() - start < download.CONNECT_SECONDS
    assert leftovers(tmp_path) == []


@pytest.mark.slow
def test_no_network_is_told_within_ten_seconds(tmp_path, monkeypatch):
    """Nothing answers at all, not even the look-up of the names; the real addresses."""
    released = threading.Event()

    def never(*_, **__):
        released.wait(30)
        raise socket.gaierror("no network")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    monkeypatch.setenv("JNST_CACHE", str(tmp_path))
    monkeypatch.delenv("JNST_OFFLINE", raising=False)
    start = time.monotonic()
    with pytest.raises(OSError, match=r"storage\.googleapis\.com does not answer; github\.com doe"):
        weights.fetch_weights("vgg19")
    assert time.monotonic() - start < 10
    released.set()


@pytest.mark.parametrize("path", ["cut", "wrong", "missing", "login", "endless"])
def test_failure_keeps_the_previous_file(serve, tmp_path, path):
    known = serve(path)
    in_cache(tmp_path, known, b"previous")
    with pytest.raises(OSError, match="no vgg19 weights here"):
        weights.fetch_weights("vgg19")
    assert (tmp_path / "cache" / known.name).read_bytes() == b"previous"


def test_wrong_file_in_the_cache(serve, server, tmp_path):
    known = serve("good")
    in_cache(tmp_path, known, b"something else")
    with pytest.raises(ValueError, match=r"is not the file it should be .*delete it and fetch it"):
        weights.load_weights("vgg19")
    assert weights.fetch_weights("vgg19").read_bytes() == CONTENT


def test_cache_that_is_a_file(serve, tmp_path):
    serve("good")
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(OSError, match=r"cannot write .*set the environment variable JNST_CACHE"):
        weights.fetch_weights("vgg19")
    assert (tmp_path / "cache").read_text() == "a file where the folder should be"


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="a folder closed even to root")
@pytest.mark.parametrize("folder", ["/sys/kernel", "/sys/kernel/jnst"])
def test_cache_that_is_read_only(serve, monkeypatch, folder):
    known = serve("good")
    monkeypatch.setenv("JNST_CACHE", folder)
    with pytest.raises(OSError, match=rf"cannot write {folder}/{known.name} \(.+\); make room"):
        weights.fetch_weights("vgg19")


def test_good_file_in_a_read_only_cache_is_used(serve, server, tmp_path, monkeypatch):
    known = serve("good")
    in_cache(tmp_path, known, CONTENT)
    monkeypatch.setattr(download, "_locked", None)  # would be called before any writing
    assert weights.fetch_weights("vgg19") == tmp_path / "cache" / known.name
    assert weights.fetch_weights("vgg19", offline=True).read_bytes() == CONTENT
    assert server.seen == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_full_disk(serve, tmp_path):
    known = serve("good")
    in_cache(tmp_path, known, b"previous")
    (tmp_path / "cache" / f".{known.name}.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"\(No space left on device\); make room there, or set the"):
        weights.fetch_weights("vgg19")
    assert leftovers(tmp_path) == [known.name]
    assert (tmp_path / "cache" / known.name).read_bytes() == b"previous"


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_offline(serve, server, tmp_path, monkeypatch, how):
    known = serve("good")
    if how == "environment":
        monkeypatch.setenv("JNST_OFFLINE", "1")
    with pytest.raises(OSError, match=r"downloads are forbidden \(offline\)\. Fetch http") as error:
        weights.load_weights("vgg19", offline=how == "argument")
    assert f"save it as {tmp_path / 'cache' / known.name}, or use the built-in vgg16" in str(
        error.value
    )
    assert server.seen == []
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("value", "offline"), [("1", True), ("yes", True), ("0", False), ("", False)]
)
def test_offline_variable(monkeypatch, value, offline):
    monkeypatch.setenv("JNST_OFFLINE", value)
    assert download.is_offline() is offline


def test_nothing_to_fetch(serve):
    serve("good")
    with pytest.raises(ValueError, match="nothing to fetch for 'vgg16'; 'vgg19' can be fetched"):
        weights.fetch_weights("vgg16")


def test_certificate_that_is_not_trusted():
    error = requests.exceptions.SSLError(ssl.SSLError("self-signed certificate"))
    assert download.reason(error) == "has no certificate that this machine trusts"
    assert download.reason(requests.TooManyRedirects("30")) == "failed (30)"

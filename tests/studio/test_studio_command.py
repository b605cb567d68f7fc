"""`jnst studio`: its options, and what is told when it can't begin."""

import socket
import sys

import httpx2 as httpx
import pytest
from studio_server import Server

from jnst import cli


@pytest.fixture
def studio_command(tmp_path, monkeypatch, capfd):
    """Runs `jnst studio`, which must refuse; returns the exit code and the lines of its errors."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        code = cli.main(["studio", *words])
        seen = capfd.readouterr()
        assert seen.out == ""
        return code, seen.err.splitlines()

    return run


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--prot", "80"], "unknown option --prot; did you mean --port?"),
        (["--port", "x"], "--port: invalid int value: 'x'"),
        (["--port", "70000"], "--port is 70000: give a number up to 65535, or 0 for any"),
        (["--at-once", "0"], "--at-once is 0: give at least 1"),
        (["--most-jobs", "-1"], "--most-jobs is -1: give at least 1"),
        (["--max-pixels", "0"], "--max-pixels is 0: give at least 1"),
        (["--most-bytes", "much"], "--most-bytes: 'much' is not a size, such as 4GB"),
        (["--host", "0.0.0.0"], "--host 0.0.0.0 can be reached from outside: add --token"),
        (["--host", "192.168.0.7"], "--host 192.168.0.7 can be reached from outside: add --token"),
        (["--token", "short"], "--token is too short: give 16 characters, or none"),
    ],
)
def test_wrong_words(studio_command, words, line):
    code, lines = studio_command(*words)
    assert code == 2
    assert lines == [f"jnst: error: {line}"]


def test_without_the_extra(studio_command, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    code, lines = studio_command()
    assert code == 1
    assert lines == ["jnst: error: the studio needs another package: pip install 'jnst[studio]'"]


def test_a_folder_that_cannot_be(studio_command, tmp_path):
    (tmp_path / "file").write_text("")
    code, lines = studio_command("file")
    assert (code, len(lines)) == (1, 1)
    assert "file" in lines[0]


def test_a_port_in_use(studio_command):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, lines = studio_command("--port", str(port))
    assert (code, len(lines)) == (1, 1)
    assert f"127.0.0.1:{port} can't be used" in lines[0]
    assert lines[0].endswith("choose another --port")


def test_one_studio_a_folder(server, studio_command):
    code, lines = studio_command(str(server.folder), "--port", "0")
    assert code == 1
    assert lines[0].startswith(f"jnst: error: another studio is open in {server.folder}")


def test_a_token_for_other_devices(tmp_path):
    with Server(tmp_path, "--host", "0.0.0.0", "--token") as server:
        here = f"http://127.0.0.1:{server.port}"
        assert httpx.get(f"{here}/api/space").status_code == 401
        token = server.first_line.partition("?token=")[2]
        assert len(token) >= 32
        with httpx.Client(base_url=here, follow_redirects=True) as client:
            assert client.get("/", params={"token": token}).status_code == 200
            assert client.get("/api/space").status_code == 200
            elsewhere = client.get("/api/space", headers={"Host": f"studio.example:{server.port}"})
            assert elsewhere.status_code == 403

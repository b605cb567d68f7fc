"""Pictures and paintings at addresses, in memory and on a server that speaks S3; written whole."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from command import PICTURES, TINY, Command
from PIL import Image

from jnst import storage
from jnst.cli.options.parsing import parse
from jnst.cli.options.words import UsageError
from jnst.files import replace_file
from jnst.images import read_image, read_parameters


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of a bucket on a server of this machine."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    settings = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_DEFAULT_REGION": "us-east-1"}
    settings |= dict.fromkeys(keys, "test")
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    file_system = fsspec.filesystem("s3", use_listings_cache=False)
    file_system.mkdir("bucket")
    yield "s3://bucket"
    file_system.clear_instance_cache()
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})
    server.stop()


@pytest.fixture(params=["memory", "s3"])
def base(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a folder, which is empty."""
    address = "memory://jnst" if request.param == "memory" else request.getfixturevalue("s3")
    yield address
    file_system, place = fsspec.core.url_to_fs(address)
    for name in file_system.find(place):
        file_system.rm(name)


def names(folder: str) -> list[str]:
    file_system, place = fsspec.core.url_to_fs(folder, use_listings_cache=False)
    return sorted(name.rpartition("/")[2] for name in file_system.find(place))


def data_of(png: bytes) -> bytes:
    """The picture itself in a PNG: what is stored beside it names its folders."""
    return png[png.index(b"IDAT") :]


def test_many_paintings_from_storage_to_storage(run: Command, base: str) -> None:
    """The pictures that a folder gives; again, and after a failure, as in a folder."""
    (run.folder / "in").mkdir()
    rng = np.random.default_rng(5)
    for name in "ab":
        pixels = rng.integers(0, 256, (32, 48, 3), np.uint8)
        Image.fromarray(pixels).save(run.folder / "in" / f"{name}.png")
        replace_file(f"{base}/in/{name}.png", (run.folder / f"in/{name}.png").read_bytes())
    replace_file(f"{base}/in/notes.txt", b"")
    replace_file(f"{base}/night.png", (run.folder / "night.png").read_bytes())
    words = ["--sweep", "style_weight=1,2", *TINY]
    assert run("--content", "in", "--style", "night.png", "--output", "out/", *words)[0] == 0
    there = ["--content", f"{base}/in", "--style", f"{base}/night.png", "--output", f"{base}/out/"]
    code, out, err = run(*there, *words)
    assert code == 0, err
    expected = sorted(path.name for path in (run.folder / "out").iterdir())
    assert names(f"{base}/out") == expected
    assert len(expected) == 6  # with the sheets
    assert sorted(out) == [f"{base}/out/{name}" for name in expected if "_sweep" not in name]
    for name in expected:
        stored = storage.open_stored(f"{base}/out/{name}")
        assert stored is not None
        assert data_of(stored.getvalue()) == data_of((run.folder / "out" / name).read_bytes())
    painting = out[0]
    assert read_parameters(painting)["content"] == f"{base}/in/a.png"
    # The recipe knows the pictures by what is in them.
    local = run.folder / "out" / Path(painting).name
    assert read_parameters(painting)["recipe"] == read_parameters(local)["recipe"]
    replace_file(f"{base}/in/aa.png", b"no picture")
    code, out, err = run("--content", f"{base}/in/*.png", *there[2:], *words)
    assert code == 1
    assert err[-1].startswith("jnst: 6 paintings: 0 painted, 4 finished before, 2 failed")
    assert any(
        f"error: {base}/out/aa_night_" in line and "aa.png' is not a pic" in line for line in err
    )
    assert run.files() == {
        "in",
        "out",
        *(f"in/{n}.png" for n in "ab"),
        *(f"out/{n}" for n in expected),
    }


def test_one_painting_with_its_files(run: Command, base: str) -> None:
    """Log, snapshots and contact sheet; only standard names, and nothing half written."""
    words = [*PICTURES, *TINY, "--save-every", "2"]
    assert run(*words, "--output", "out.png", "--log", "log.jsonl")[0] == 0
    code, out, err = run(*words, "--output", f"{base}/out.png", "--log", f"{base}/log.jsonl")
    assert (code, out) == (0, [f"{base}/out.png"]), err
    assert names(base) == ["it0001.png", "it0003.png", "log.jsonl", "out.png", "out_sheet.png"]
    log = storage.open_stored(f"{base}/log.jsonl")
    assert log is not None
    rows = [json.loads(line) for line in log.getvalue().splitlines()]
    local = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    assert [row.get("total") for row in rows] == [row.get("total") for row in local]
    pixels = [read_image(path).pixels for path in ("out.png", f"{base}/out.png")]
    np.testing.assert_array_equal(*pixels)


@pytest.mark.parametrize("moment", ["put", "move"])
def test_an_interrupted_upload_leaves_the_old_file(
    monkeypatch: pytest.MonkeyPatch, base: str, moment: str
) -> None:
    file_system, _ = fsspec.core.url_to_fs(base, use_listings_cache=False)
    replace_file(f"{base}/a.png", b"old")
    plain = file_system.pipe_file

    def cut_short(path: str, data: bytes, **more: Any) -> None:
        if base.startswith("memory"):
            plain(path, data[:1], **more)
        raise ConnectionError("reset")

    def refuse(*_: Any, **more: Any) -> None:
        raise KeyboardInterrupt

    if moment == "put":
        monkeypatch.setattr(file_system, "pipe_file", cut_short)
        with pytest.raises(OSError, match="cannot be written: reset"):
            replace_file(f"{base}/a.png", b"newer")
    elif base.startswith("memory"):
        monkeypatch.setattr(file_system, "mv", refuse)
        with pytest.raises(KeyboardInterrupt):
            replace_file(f"{base}/a.png", b"newer")
    monkeypatch.undo()
    assert names(base) == ["a.png"]
    assert file_system.cat_file(fsspec.core.strip_protocol(f"{base}/a.png")) == b"old"
    replace_file(f"{base}/a.png", b"newer")
    assert file_system.cat_file(fsspec.core.strip_protocol(f"{base}/a.png")) == b"newer"


def test_a_process_killed_while_it_uploads_leaves_the_old_file(s3: str) -> None:
    """The server has got the head and a part of the body when the process is killed."""
    replace_file(f"{s3}/killed.png", b"old")
    program = (
        f"from jnst.files import replace_file\nreplace_file('{s3}/killed.png', bytes(20_000_000))\n"
    )
    host, port = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://").split(":")
    with socket.create_server(("127.0.0.1", 0)) as between:
        endpoint = f"http://127.0.0.1:{between.getsockname()[1]}"
        uploading = subprocess.Popen(
            [sys.executable, "-c", program], env=os.environ | {"AWS_ENDPOINT_URL": endpoint}
        )
        client, _ = between.accept()
        client.settimeout(60)
        with client, socket.create_connection((host, int(port))) as server:
            head, passed = client.recv(65_536), 0
            server.sendall(head)
            if b"100-continue" in head.lower():
                client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            while passed < 1_000_000:
                part = client.recv(65_536)
                passed += len(part)
                server.sendall(part)
            uploading.kill()
            uploading.wait()
            server.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: server.recv(65_536), b""))
    assert b" 200 " not in answer
    assert head.startswith(b"PUT /bucket/killed.png")
    file_system, place = fsspec.core.url_to_fs(f"{s3}/killed.png", use_listings_cache=False)
    assert file_system.cat_file(place) == b"old"
    file_system.rm(place)


def test_what_is_not_there_or_not_known(run: Command, s3: str) -> None:
    code, _, err = run("--content", f"{s3}/no.png", "--style", "night.png", *TINY)
    assert (code, err[-1]) == (
        1,
        f"jnst: error: there is no file '{s3}/no.png': check its spelling",
    )
    code, _, err = run(*PICTURES, "--output", "s3://nobody/a.png", *TINY)
    assert code == 1
    assert err[-1].startswith("jnst: error: 's3://nobody/a.png' cannot be written: ")
    code, _, err = run(*PICTURES, "--output", "nosuch://a/b.png", *TINY)
    assert code == 1
    assert "cannot be written: Protocol not known: nosuch (pip install 'jnst[remote]'" in err[-1]
    code, _, err = run(*PICTURES, "--weights", f"{s3}/a.h5", *TINY)
    told = f"--weights is {s3}/a.h5: it stays on this machine, so give the name of a file"
    assert (code, err[-1]) == (2, f"jnst: error: {told}")
    with pytest.raises(UsageError, match="--checkpoint is s3://a/b: it stays on this machine"):
        parse([*PICTURES, "--checkpoint", "s3://a/b"])
    assert run.files() == set()

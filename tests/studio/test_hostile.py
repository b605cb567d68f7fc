"""Clients that mean harm, or are only slow: a clear answer, and the next request is answered."""

import contextlib
import select
import socket
import time

import pytest
from studio_server import picture_bytes

from jnst.studio.events import MOST_STREAMS

MEMORY = 60_000_000
"""Bytes by which the server may grow under any of these."""


@pytest.fixture
def unharmed(server):
    """Checks that the server answers within a second afterwards, and has not grown."""
    client = server.client
    client.put_picture(picture_bytes(1))
    before = server.memory()
    yield
    begun = time.monotonic()
    assert client.get("/api/space").status_code == 200
    assert time.monotonic() - begun < 1
    assert server.memory() - before < MEMORY


@contextlib.contextmanager
def connection(server, text=""):
    """A raw connection on which something was sent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
        raw.sendall(text.encode("latin-1"))
        yield raw


def head(server, line, **headers):
    """The head of a request that writes."""
    names = {"Host": f"127.0.0.1:{server.port}", "Origin": server.address, "X-Jnst-Studio": "1"}
    names |= {name.replace("_", "-"): value for name, value in headers.items()}
    return f"{line} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in names.items()) + "\r\n"


def status(raw):
    """The status of an answer."""
    return int(raw.recv(65536).split()[1])


def is_closed(raw, seconds):
    """Whether the server ends a connection within some seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if select.select([raw], [], [], 0.2)[0]:
            try:
                if not raw.recv(65536):
                    return True
            except ConnectionError:
                return True
    return False


def send_until_refused(raw, block, most):
    """Sends a block again and again; how many bytes it took until the server had enough."""
    sent = 0
    while sent < most:
        try:
            raw.sendall(block)
        except OSError:
            break
        sent += len(block)
        if select.select([raw], [], [], 0)[0]:
            break
    return sent


def test_an_endless_upload(server, unharmed):
    chunk = "10000\r\n" + "x" * 65536 + "\r\n"
    most = 400_000_000
    text = head(server, "PUT /api/pictures?name=a", Transfer_Encoding="chunked")
    with connection(server, text) as raw:
        sent = send_until_refused(raw, chunk.encode(), most)
        assert 190_000_000 < sent < most
        assert status(raw) == 413
        assert is_closed(raw, 5)
    assert list(server.folder.glob("incoming/*")) == []


def test_an_endless_json_body(server, unharmed):
    text = head(
        server, "POST /api/check", Transfer_Encoding="chunked", Content_Type="application/json"
    )
    with connection(server, text) as raw:
        assert send_until_refused(raw, b"1000\r\n" + b"[" * 4096 + b"\r\n", 50_000_000) < 5_000_000
        assert status(raw) == 413
        assert is_closed(raw, 5)


def test_a_body_nobody_asked_for(server, unharmed):
    """What is refused by its head alone is not read to its end."""
    text = head(
        server, "PUT /api/pictures", Transfer_Encoding="chunked", Origin="http://else.where"
    )
    with connection(server, text) as raw:
        assert send_until_refused(raw, b"10000\r\n" + b"x" * 65536 + b"\r\n", 10**9) < 20_000_000
        assert status(raw) == 403
        assert is_closed(raw, 5)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Content_Length": "200000001"}, 413),
        ({"Content_Length": "9" * 20}, 413),
        ({"Content_Length": "9" * 30}, 400),
        ({"Content_Length": "-5"}, 400),
        ({"Content_Length": "5, 6"}, 400),
        ({"Content_Length": "5", "Transfer_Encoding": "gzip"}, 400),
        ({"Content_Length": "0", "X_Long": "x" * 100_000}, 400),
    ],
)
def test_a_wrong_head(server, unharmed, headers, expected):
    with connection(server, head(server, "PUT /api/pictures?name=a", **headers)) as raw:
        assert status(raw) == expected
        assert is_closed(raw, 5)


NO_HTTP = [
    "\x16\x03\x01\x02\x00",
    "GET / HTTP/9.9\r\n\r\n",
    "GET /\r\n\r\n",
    "\r\n" * 50,
    "x" * 99_999,
]


@pytest.mark.parametrize("text", NO_HTTP)
def test_no_http_at_all(server, unharmed, text):
    with connection(server, text) as raw:
        assert is_closed(raw, 15)


def test_two_hosts(server, unharmed):
    text = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nHost: else.where\r\n\r\n"
    with connection(server, text) as raw:
        assert status(raw) == 400


@pytest.mark.slow
def test_silent_and_slow_connections_are_ended(server, unharmed):
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connection(server)) for _ in range(150)]
        slow = [stack.enter_context(connection(server, "GET / HTT")) for _ in range(150)]
        begun = time.monotonic()
        assert server.client.get("/api/space").status_code == 200
        assert time.monotonic() - begun < 1
        assert all(is_closed(raw, 20) for raw in (*silent, *slow))


@pytest.mark.slow
def test_an_upload_that_stops_coming(server, unharmed):
    with contextlib.ExitStack() as stack:
        texts = head(server, "PUT /api/pictures?name=a", Content_Length="1000") + "abc"
        slow = [stack.enter_context(connection(server, texts)) for _ in range(4)]
        time.sleep(0.5)
        # All places for uploads are taken, and others are answered meanwhile.
        begun = time.monotonic()
        assert server.client.get("/api/pictures").status_code == 200
        assert time.monotonic() - begun < 1
        assert server.client.put_picture(picture_bytes(30))["width"] == 48
        assert [status(raw) for raw in slow] == [408] * 4
    assert list(server.folder.glob("incoming/*")) == []


def test_a_client_that_does_not_read(server, unharmed):
    pixels = picture_bytes(31, 900, 900, "BMP")
    picture = server.client.put_picture(pixels, "large.bmp")
    text = head(server, f"GET /files/pictures/{picture['id']}/file")
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            raw = socket.socket()
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.connect(("127.0.0.1", server.port))
            stack.enter_context(raw)
            raw.sendall((text * 20).encode())
        time.sleep(0.5)
        begun = time.monotonic()
        assert server.client.get("/api/pictures").status_code == 200
        assert time.monotonic() - begun < 1


def test_a_hundred_event_sources(server, unharmed):
    text = head(server, "GET /api/events")
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(connection(server, text)) for _ in range(100)]
        answers = [status(raw) for raw in streams]
        assert sorted(answers) == [200] * MOST_STREAMS + [429] * (100 - MOST_STREAMS)
        begun = time.monotonic()
        assert server.client.get("/api/space").status_code == 200
        assert time.monotonic() - begun < 1
    # Their places are free again.
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with connection(server, text) as raw:
            if status(raw) == 200:
                return
        time.sleep(0.1)
    raise AssertionError("no place for another page")


def test_event_sources_that_do_not_read(server, unharmed):
    """Nothing piles up for them while a lot happens."""
    text = head(server, "GET /api/events")
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_STREAMS):
            raw = socket.socket()
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.connect(("127.0.0.1", server.port))
            stack.enter_context(raw)
            raw.sendall(text.encode())
        for _ in range(100):
            assert server.client.put("/api/queue", json={"jobs": []}).status_code == 200

"""What the studio refuses before anything is looked at: other hosts, other origins, no token."""

import pytest
from starlette.testclient import TestClient
from studio_server import HOME

from jnst.studio.app import Limits, make_app
from jnst.studio.guard import is_loopback

WRITE = {"Origin": HOME, "X-Jnst-Studio": "1"}


@pytest.fixture
def client(tmp_path):
    app = make_app(tmp_path, Limits(), port=8765, examples=tmp_path / "none")
    with TestClient(app, base_url=HOME) as client:
        yield client


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8765", 200),
        ("localhost:8765", 200),
        ("LOCALHOST:8765", 200),
        ("[::1]:8765", 200),
        ("127.0.0.1", 403),
        ("127.0.0.1:8766", 403),
        ("studio.example:8765", 403),
        ("127.0.0.1.studio.example:8765", 403),
        ("127.0.0.1:8765@studio.example", 403),
        ("", 403),
    ],
)
def test_only_its_own_hosts(client, host, status):
    answer = client.get("/api/space", headers={"Host": host})
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error"].startswith("the studio is not at")


@pytest.mark.parametrize(
    ("headers", "line"),
    [
        ({}, "only the studio's own page may change anything, not None"),
        ({"X-Jnst-Studio": "1"}, "only the studio's own page may change anything, not None"),
        (WRITE | {"Origin": "http://studio.example"}, "not http://studio.example"),
        (WRITE | {"Origin": "null"}, "not null"),
        (WRITE | {"Origin": "https://127.0.0.1:8765"}, "not https://127.0.0.1:8765"),
        (WRITE | {"Origin": "http://127.0.0.1:80"}, "not http://127.0.0.1:80"),
        (WRITE | {"Origin": "http://localhost:8765"}, "not http://localhost:8765"),
        ({"Origin": HOME}, "the header X-Jnst-Studio: 1 is missing"),
        (WRITE | {"X-Jnst-Studio": "2"}, "the header X-Jnst-Studio: 1 is missing"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/api/pictures"), ("POST", "/api/jobs"), ("DELETE", "/api/trash"), ("POST", "/x")],
)
def test_a_write_comes_from_its_own_page(client, method, path, headers, line):
    answer = client.request(method, path, headers=headers, content=b"{}")
    assert answer.status_code == 403
    assert line in answer.json()["error"]
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_reads_nothing(client, site):
    for path in ("/api/pictures", "/api/events", "/page/main.js"):
        answer = client.get(path, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"})
        assert answer.status_code == 403
        assert answer.json()["error"] == "another page may not read from the studio"
    framed = client.get("/", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"})
    assert framed.status_code == 403
    # A link to the studio may be followed.
    linked = client.get("/", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"})
    assert linked.status_code == 200


def test_every_answer_has_the_safety_headers(client):
    answers = [client.get(path) for path in ("/", "/api/space", "/nothing", "/page/..%2fapp.py")]
    answers += [client.get("/", headers={"Host": "studio.example"})]
    answers += [client.post("/api/check", headers=WRITE, content=b"no json")]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 404, 403, 415]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'; img-src 'self' blob:" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path",
    [
        "/page/../app.py",
        "/page/%2e%2e/app.py",
        "/page/..%2fapp.py",
        "/page/%2e%2e%2f%2e%2e%2fpublic.py",
        "/page/..%5capp.py",
        "/page/",
        "/page",
        "/page/index.html/",
        "/page/.hidden.js",
        "/page/INDEX.HTML",
        "/page/main.py",
        "/page//etc/passwd",
        "/files/pictures/../../job.json",
        "/files/pictures/..%2f..%2fqueue.json/thumb",
        "/files/pictures/%2e%2e/thumb",
        "/files/jobs/" + "a" * 32 + "/steps/..%2f1",
        "/files/jobs/" + "A" * 32 + "/result",
        "/files/jobs/" + "a" * 31 + "/result",
        "/files/jobs/" + "a" * 32 + "%00/result",
        "/files/jobs/" + "a" * 32 + "/result",
        "/files/jobs/" + "a" * 32 + "/download/..%2f..%2fjob.json",
        "/files/",
        "/files",
        "/api/jobs/..%2f..%2ftrash",
        "/api/pictures/" + "é" * 32,
        "//etc/passwd",
        "/%00",
    ],
)
def test_a_path_leads_nowhere_else(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert set(answer.json()) == {"error", "field"}


def test_no_way_but_the_listed_ones(client):
    for method, path in (("DELETE", "/api/jobs"), ("POST", "/api/space"), ("PATCH", "/")):
        assert client.request(method, path, headers=WRITE).status_code == 405


def test_a_token_is_asked_for_once(tmp_path):
    secret = "correct horse battery"
    app = make_app(
        tmp_path, Limits(), host="0.0.0.0", port=80, token=secret, examples=tmp_path / "none"
    )
    with TestClient(app, base_url="http://192.168.0.7", follow_redirects=False) as client:
        asked = ("/", "/api/space", "/page/main.js", "/?token=wrong", f"/api/space?token={secret}")
        for path in asked:
            answer = client.get(path)
            assert answer.status_code == 401
            assert answer.json()["error"].startswith("open the address with ?token=")
        answer = client.get("/", params={"token": secret})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly; SameSite=Strict" in cookie
        assert secret not in cookie
        assert client.get("/api/space").status_code == 200
        # The cookie is no licence for other pages.
        assert client.delete("/api/trash").status_code == 403
        client.cookies.clear()
        assert client.get("/api/space", headers={"Cookie": b"jnst_studio=\xe9"}).status_code == 401
        # A name may belong to somebody else.
        assert client.get("/", headers={"Host": "studio.example"}).status_code == 403


def test_loopback():
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.7", "localhost.example", "")))

"""Films in the studio: a clip is uploaded, painted, watched, stopped and continued."""

import io
import re

import numpy as np
import pytest
from studio_page import SLOW, axe_findings, chromium, expect, page_of
from studio_server import TINY, picture_bytes

av = pytest.importorskip("av", reason="needs the extra video")
pytest.importorskip("cv2", reason="needs the extra video")
pytestmark = pytest.mark.slow

PAINTING = picture_bytes(2, 40, 40)


def clip_bytes(frames, width=64, height=48):
    """A film of a square that moves over noise, 10 frames a second."""
    file = io.BytesIO()
    ground = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            pixels = ground.copy()
            pixels[10:26, 2 * number : 2 * number + 16] = 240
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


@pytest.fixture(scope="module")
def recipe(server):
    """Of a film of four frames."""
    client = server.client
    clip = client.put_picture(clip_bytes(4), "walk.mp4", "clip")
    assert (clip["kind"], clip["frames"], clip["width"], clip["height"]) == ("clip", 4, 64, 48)
    assert clip["seconds"] == pytest.approx(0.4)
    style = client.put_picture(PAINTING, "night.png")["id"]
    return {"content": clip["id"], "styles": [style], "settings": TINY, "film": {}}


def test_a_film_is_painted_and_downloaded(server, recipe):
    client = server.client
    estimate = client.post("/api/check", json=recipe).json()
    assert estimate["error"] is None
    assert estimate["estimate"]["width"] == 32
    job = client.await_state(client.add_job(recipe), "done")
    assert (job["step"], job["steps"], job["is_film"]) == (4, 4, True)
    assert [s["step"] for s in job["snapshots"]] == [1, 2, 3, 4]
    assert client.get(job["snapshots"][2]["url"]).content.startswith(b"\x89PNG")
    assert job["command"].startswith("jnst video --content ")
    answer = client.get(job["downloads"]["mp4"])
    assert answer.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(answer.content)) as film:
        assert len(list(film.decode(video=0))) == 4
    # A player asks for parts of it.
    part = client.get(job["result"], headers={"Range": "bytes=0-99"})
    assert part.status_code == 206
    assert part.content == answer.content[:100]
    assert client.get(job["thumb"]).headers["content-type"] == "image/jpeg"
    again = client.post(f"/api/jobs/{job['id']}/go-on", json={"more": 3})
    assert again.json()["error"] == "a film has steps for each frame: paint it again with more"


def test_a_film_of_two_styles_blends_them(server, recipe):
    client = server.client
    other = client.put_picture(picture_bytes(3, 40, 40), "day.png")["id"]
    two = recipe | {"styles": [*recipe["styles"], other]}
    assert client.post("/api/check", json=two).json()["error"] is None


def test_a_stopped_film_goes_on(server, recipe):
    client = server.client
    long = recipe | {"settings": TINY | {"steps": [100]}, "film": {"temporal": 0}}
    identifier = client.add_job(long)
    client.await_job(identifier, lambda job: job["step"] >= 1)
    assert client.post(f"/api/jobs/{identifier}/stop").status_code == 202
    job = client.await_state(identifier, "stopped")
    assert 1 <= job["step"] < 4
    assert "go-on" in job["can"]
    before = client.get(job["snapshots"][0]["url"]).content
    assert client.post(f"/api/jobs/{identifier}/go-on", json={}).status_code == 200
    job = client.await_job(identifier, lambda job: job["step"] == 4)
    assert client.get(job["snapshots"][0]["url"]).content == before


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"film": None}, "a film takes a clip, a painting a photograph"),
        ({"film": {"loud": 1}}, "film has no options but start, end, every, temporal, passes"),
        ({"film": {"every": 0}}, "every is '0': give a whole number from 1"),
        (
            {"film": {"start": "soon"}},
            "'soon' is not a time: give seconds, such as 83.5, or 1:23.5",
        ),
        ({"film": {"start": "0:02", "end": 1}}, "end is 1 s, at or before the start"),
        ({"sweep": [{"name": "seed", "values": ["1", "2"]}]}, "sweep"),
    ],
)
def test_what_is_no_film_is_refused_in_a_line(server, recipe, changes, line):
    answer = server.client.post("/api/jobs", json=recipe | changes)
    assert answer.status_code == 400
    assert line in answer.json()["error"]


def test_a_film_that_is_none_is_refused(server):
    answer = server.client.put(
        "/api/pictures", params={"name": "a.mp4", "kind": "clip"}, content=b"\x00\x00\x00 ftypmp42"
    )
    assert answer.status_code == 400
    assert "a.mp4" in answer.json()["error"]


def test_the_page_paints_a_film(server):
    with chromium() as browser, page_of(browser, server.address) as page:
        clip = {"name": "walk.mp4", "mimeType": "video/mp4", "buffer": clip_bytes(5)}
        page.set_input_files("#photo-file", clip)
        expect(page.locator("#photo-title")).to_have_text("Film", timeout=SLOW)
        expect(page.locator("#photo-chosen")).to_contain_text("5 frames")
        page.set_input_files("#painting-file", clip)
        expect(page.locator("#e-styles")).to_have_text(re.compile("can be painted, but not"))
        night = {"name": "night.png", "mimeType": "image/png", "buffer": PAINTING}
        page.set_input_files("#painting-file", night)
        expect(page.locator("#sweep")).to_be_hidden()
        page.locator("#more").evaluate("(fold) => { fold.open = true; }")
        for name, value in (("size", "48"), ("steps", "4"), ("scales", "1")):
            page.fill(f"#c-{name}", value)
        page.fill("#film-end", "0.3")
        expect(page.locator("#estimate")).to_contain_text("frames of", timeout=SLOW)
        page.click("#paint")
        expect(page.locator("#job .state")).to_have_text("done", timeout=2 * SLOW)
        expect(page.locator("#job-where")).to_contain_text("3 of 3 frames")
        expect(page.locator("#film-result")).to_be_visible()
        page.wait_for_function("document.getElementById('film-result').readyState >= 2")
        assert page.evaluate("document.getElementById('film-result').duration") == pytest.approx(
            0.3, abs=0.02
        )
        expect(page.locator("label[for=snapshot]")).to_have_text("frames")
        page.locator("#snapshot").fill("0")
        expect(page.locator("#job .after")).to_have_attribute("src", re.compile("/steps/1$"))
        expect(page.locator("#downloads a")).to_have_text("Download as MP4")
        assert axe_findings(page) == []

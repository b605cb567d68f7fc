"""The studio's page: what a person does on it with mouse and keyboard, in a real browser."""

import io
import re
import time

import numpy as np
import pytest
from PIL import Image
from studio_page import SLOW, axe_findings, choose, chromium, expect, give, page_of
from studio_server import TINY, picture_bytes

pytestmark = pytest.mark.slow
PHOTO, PAINTING = picture_bytes(1, 64, 48), picture_bytes(2, 40, 40)
LONG = {"size": 64, "steps": 4000, "content_layers": "relu2_2", "style_layers": "relu1_1 relu2_1"}


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(server, browser):
    with page_of(browser, server.address) as page:
        yield page


@pytest.fixture(scope="module")
def painted(server):
    """Two finished paintings, of which one is of another strength."""
    client = server.client
    jobs = [client.add_job(client.recipe(strength=strength)) for strength in (1.0, 2.0)]
    return [client.await_state(job, "done") for job in jobs]


def _state(page, state):
    expect(page.locator("#job .state")).to_have_text(state, timeout=SLOW)


def _step(page):
    return int(re.search(r"step (\d+)", page.inner_text("#job-where"))[1])


def test_paint_watch_reload_stop_go_on_cancel(page):
    choose(page, PHOTO, PAINTING, **LONG)
    expect(page.locator("#estimate")).to_contain_text("64 × 48 pixels, 4000 steps", timeout=SLOW)
    page.click("#paint")
    _state(page, "painting")
    seen = set()
    until = time.monotonic() + 60
    while len(seen) < 3:
        assert time.monotonic() < until, seen
        seen.add(page.locator("#job .after").get_attribute("src", timeout=SLOW))
        page.wait_for_timeout(100)
    assert len({int(address.rpartition("/")[2]) for address in seen}) == 3
    expect(page.locator("#job svg polyline")).to_have_count(4)

    page.reload()
    _state(page, "painting")
    expect(page.locator("#job .after")).to_have_attribute("src", re.compile("/steps/"))
    expect(page.locator(".chosen .name")).to_have_text(["cat.png", "night.png"])
    page.click("#stop")
    _state(page, "stopped")
    stopped_at = int(re.search(r"(\d+) of 4000 steps", page.inner_text("#job-where"))[1])
    expect(page.locator("#job .after")).to_have_attribute("src", re.compile("/result"))

    page.fill("#more-steps", "7")
    page.click("#go-on")
    _state(page, "painting")
    expect(page.locator("#job-where")).to_contain_text("of 4007", timeout=SLOW)
    assert _step(page) >= stopped_at
    page.click("#cancel")
    page.get_by_role("button", name="Keep it").click()
    _state(page, "painting")
    page.click("#cancel")
    page.get_by_role("button", name="Cancel the painting").click()
    expect(page.locator("#toast")).to_contain_text("cancelled")
    expect(page.locator("#welcome")).to_be_visible()
    expect(page.locator("#running")).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    _state(page, "stopped")
    page.click("#delete")
    page.get_by_role("button", name="Delete", exact=True).last.click()
    expect(page.locator("#toast")).to_contain_text("deleted")


def test_result_download_zoom_command_settings_back(page, server, painted):
    second = painted[1]
    page.goto(f"{server.address}/#job={second['id']}")
    _state(page, "done")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as JPEG").click()
    assert download.value.suggested_filename.endswith(".jpg")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as PNG", exact=True).click()
    data = download.value.path().read_bytes()
    assert Image.open(io.BytesIO(data)).size == (second["width"], second["height"])

    page.get_by_role("button", name="100 %").click()
    page.get_by_label("Larger").click()
    sheet = page.locator("#job .sheet")
    assert sheet.bounding_box()["width"] == 2 * second["width"]
    assert (
        sheet.evaluate("(s) => getComputedStyle(s.querySelector('.after')).imageRendering")
        == "pixelated"
    )
    page.get_by_role("button", name="Fit").click()
    page.get_by_label("photograph and painting").fill("40")
    clip = "(image) => getComputedStyle(image).clipPath"
    assert page.locator("#job .before").evaluate(clip) == "inset(0px 60% 0px 0px)"

    page.get_by_role("button", name="Copy the command").click()
    expect(page.locator("#toast")).to_contain_text("copied")
    command = page.evaluate("() => navigator.clipboard.readText()")
    assert command == second["command"]
    assert "--strength 2" in command

    page.fill("#c-strength", "3")
    page.get_by_role("button", name="Again with …").click()
    expect(page.locator("#c-strength")).to_have_value("2")
    page.get_by_label("Reset strength").click()
    expect(page.locator("#c-strength")).to_have_value("1")
    give(page, "#stage", "found.png", data)
    expect(page.locator("#toast")).to_contain_text("The settings of found.png are back.")
    expect(page.locator("#c-strength")).to_have_value("2")
    expect(page.locator("#c-steps")).to_have_value("4")
    expect(page.locator("#photo-chosen .name")).to_have_text("cat.png")


def test_gallery_search_compare(page, server, painted):
    page.click("#to-gallery")
    cards = page.locator(".card")
    expect(cards.nth(1)).to_be_visible()
    newest = [card.get_attribute("data-job") for card in cards.all()]
    assert [i for i in newest if i in {job["id"] for job in painted}] == [
        job["id"] for job in painted[::-1]
    ]
    page.fill("#search", "no such name")
    expect(page.locator("#gallery-none")).to_be_visible()
    page.fill("#search", "NIGHT")
    expect(cards.nth(1)).to_be_visible()
    for job in painted:
        page.locator(f"[data-job='{job['id']}'] input").check()
    page.click("#compare-now")
    expect(page.locator("#compare .before")).to_have_attribute("src", painted[0]["result"])
    expect(page.locator("#compare .after")).to_have_attribute("src", painted[1]["result"])
    expect(page.locator("#compare tbody tr")).to_have_text(["strength12"])
    page.click("#sides")
    expect(page.locator("#compare-sides img")).to_have_count(2)


def test_queue_of_three_is_reordered_by_mouse_and_keyboard(page, server):
    choose(page, PHOTO, PAINTING, **LONG)
    for strength in ("1", "0.5", "2", "4"):
        page.fill("#c-strength", strength)
        with page.expect_response("**/api/jobs") as sent:
            page.click("#paint")
        assert sent.value.status == 201
    waiting = page.locator("#queue-list li:has(.up:not([hidden]))")
    expect(waiting).to_have_count(3, timeout=SLOW)
    first, second, third = [item.get_attribute("data-job") for item in waiting.all()]

    def order():
        return [item.get_attribute("data-job") for item in waiting.all()]

    with page.expect_response("**/api/queue"):
        waiting.nth(2).locator(".up").click()
    expect(waiting.nth(1)).to_have_attribute("data-job", third)
    page.locator(f"[data-job='{third}'] .up").focus()
    with page.expect_response("**/api/queue"):
        page.keyboard.press("Enter")
    expect(waiting.nth(0)).to_have_attribute("data-job", third)
    expect(page.locator(f"[data-job='{third}'] .up")).to_be_focused()
    waiting.nth(2).drag_to(waiting.nth(1))
    expect(waiting.nth(1)).to_have_attribute("data-job", second)
    assert order() == [third, second, first]
    page.reload()
    expect(waiting).to_have_count(3)
    assert order() == [third, second, first]
    for job in server.client.get("/api/jobs").json()["jobs"]:
        if "cancel" in job["can"]:
            server.client.post(f"/api/jobs/{job['id']}/cancel")
    expect(page.locator("#queue")).to_be_hidden()


def test_mask_by_brush_and_weights(page, server):
    choose(page, PHOTO, PAINTING, size=32, steps=4)
    give(page, "#paintings", "sea.png", picture_bytes(3, 40, 40))
    expect(page.locator("#styles-chosen li")).to_have_count(2)
    page.get_by_label("weight").first.fill("3")
    page.click("#photo .brush-open")
    page.get_by_label("keep the photograph").check()
    box = page.locator("#brush-canvas").bounding_box()
    for kind, x in (("move", 0.1), ("down", 0), ("move", 0.4), ("up", 0)):
        if kind == "move":
            page.mouse.move(box["x"] + x * box["width"], box["y"] + 0.5 * box["height"], steps=5)
        else:
            getattr(page.mouse, kind)()
    page.get_by_label("night.png here").check()
    page.locator("#brush-canvas").focus()
    for key in ("Shift+ArrowRight",) * 4 + ("Space",):
        page.keyboard.press(key)
    page.click("#brush-done")
    expect(page.locator("#photo .masked")).to_have_text("part is kept, places chosen")
    page.get_by_label("Brush: Say which part of sea.png counts").click()
    page.click("#brush-all")
    page.check("#brush-erase")
    page.locator("#brush-canvas").click()
    page.click("#brush-done")
    expect(page.locator("#paintings .masked")).to_have_text(["", "a part of it"])
    with page.expect_response("**/api/jobs") as sent:
        page.click("#paint")
    job = sent.value.json()
    assert job["recipe"]["settings"]["style_weights"] == [3, 1]
    masks = [job["recipe"]["keep_mask"], *job["recipe"]["content_masks"]]
    assert len(masks) == 3
    keep, night, sea = (_mask(server, mask) for mask in masks)
    assert keep.shape == (48, 64)
    assert keep[24, 16] == 255
    assert keep[24, 60] == 0
    assert night.max() == 255
    # What no painting was marked for is the other painting's.
    np.testing.assert_array_equal(night + sea, np.full((48, 64), 255))
    whole, part = job["recipe"]["style_masks"]
    assert whole is None
    part = _mask(server, part)
    assert (part.shape, part[0, 0], part[20, 20]) == ((40, 40), 255, 0)
    assert server.client.await_state(job["id"], "done")["result"]


def test_paint_waits_for_what_is_on_its_way(page):
    choose(page, PHOTO, PAINTING, size=32, steps=4)
    page.click("#photo .brush-open")
    page.get_by_label("night.png here").check()
    page.locator("#brush-canvas").click()
    page.click("#brush-done")
    expect(page.locator("#photo .masked")).to_have_text("places chosen")
    held = []
    page.route("**/api/pictures?*kind=mask", lambda route: held.append(route))
    # The new painting gets a mask of what the other leaves free.
    give(page, "#paintings", "sea.png", picture_bytes(3, 40, 40))
    expect(page.locator("#styles-chosen li")).to_have_count(2)
    with page.expect_response("**/api/jobs") as sent:
        page.click("#paint")
        expect(page.locator("#paint")).to_be_disabled()
        while not held:
            page.wait_for_timeout(20)
        page.wait_for_timeout(500)
        held[0].continue_()
    assert len(sent.value.json()["recipe"]["content_masks"]) == 2
    page.click("#cancel")
    page.get_by_role("button", name="Cancel the painting").click()


def test_nothing_is_painted_without_a_picture_that_could_not_be_added(browser, server):
    with page_of(browser, server.address, "400 (Bad Request)") as page:
        choose(page, PHOTO, PAINTING, size=32, steps=4)
        held, sent = [], []
        page.route("**/api/pictures?*notes*", lambda route: held.append(route))
        page.on("request", lambda request: sent.append((request.method, request.url)))
        give(page, "#paintings", "notes.png", b"no picture")
        page.click("#paint")
        expect(page.locator("#paint")).to_be_disabled()
        held[0].continue_()
        expect(page.locator("#e-styles")).to_contain_text("'notes.png' is not a picture")
        expect(page.locator("#paint")).to_be_enabled()
        assert ("POST", f"{server.address}/api/jobs") not in sent


def test_a_failure_is_told_at_its_control(page):
    choose(page, picture_bytes(21, 900, 3), PAINTING, size=64, style_layers="relu5_1")
    page.click("#paint")
    _state(page, "failed")
    line = "cat.png is 900x3 pixels, but these layers look at squares"
    expect(page.locator("#job-error")).to_contain_text(line)
    expect(page.locator("#e-content")).to_contain_text(line)
    page.fill("#c-strength", "2")
    expect(page.locator("#e-content")).to_be_hidden()
    page.get_by_role("button", name="Again with …").click()
    expect(page.locator("#e-content")).to_contain_text(line)


def _mask(server, identifier):
    data = server.client.get(f"/files/pictures/{identifier}/view").content
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


def test_sweep_has_clickable_cells(page, server):
    choose(page, PHOTO, PAINTING, **(LONG | {"size": 32, "steps": 4}))
    page.click("#sweep > summary")
    page.select_option("#sweep-name-0", "strength")
    page.fill("#sweep-values-0", "0.5, 2")
    expect(page.locator("#sweep-count")).to_have_text("2 paintings (at most 36)")
    page.click("#paint")
    _state(page, "done")
    cells = page.locator(".cell")
    expect(cells).to_have_text(["strength 0.5", "strength 2"])
    for index in (0, 1):
        cells.nth(index).click()
        expect(page.locator("#job .after")).to_have_attribute(
            "src", re.compile(f"/cells/{index + 1}")
        )
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as PNG", exact=True).click()
    data = download.value.path().read_bytes()
    assert Image.open(io.BytesIO(data)).size == (32, 24)


def test_errors_at_their_controls_and_idle_options(page):
    choose(page, PHOTO, PAINTING, size=64)
    page.fill("#c-strength", "-1")
    expect(page.locator("#e-strength")).to_contain_text("a finite number above 0")
    expect(page.locator("#c-strength")).to_have_attribute("aria-invalid", "true")
    page.fill("#c-strength", "")
    expect(page.locator("#e-strength")).to_be_hidden()
    expect(page.locator("#c-noise")).to_be_disabled()
    expect(page.locator("#i-noise")).to_contain_text("no effect with init matched")
    page.select_option("#c-init", "noise")
    expect(page.locator("#c-noise")).to_be_enabled()
    page.get_by_label("Remove cat.png").click()
    page.click("#paint")
    expect(page.locator("#e-content")).to_have_text("Choose a photograph first.")
    expect(page.locator("#photo-file")).to_be_focused()
    # The check of what was changed just before does not take it away.
    page.wait_for_timeout(1000)
    expect(page.locator("#e-content")).to_be_visible()
    give(page, "body", "cat.png", PHOTO, "paste")
    expect(page.locator("#photo-chosen .name")).to_have_text("cat.png")


def test_keyboard_alone(page, server):
    """Tab, Enter, Space and arrows: two pictures from the shelf, a setting, Paint, Stop."""
    server.client.recipe()
    seen = []

    def tab_to(selector):
        for _ in range(60):
            page.keyboard.press("Tab")
            seen.append(page.evaluate("() => document.activeElement.outerHTML.slice(0, 80)"))
            if page.locator(selector).evaluate("(e) => e === document.activeElement"):
                return
        raise AssertionError(f"{selector} is not reached: {seen}")

    for kind in ("photo", "painting"):
        tab_to(f"#{kind}-shelf")
        page.keyboard.press("Enter")
        expect(page.locator("#shelf-used .thumb").first).to_be_visible()
        tab_to("#shelf-used .thumb >> nth=0")
        page.keyboard.press("Space")
        expect(page.locator(f"#{kind}-shelf")).to_be_focused()
    tab_to("[data-name=size] input[type=range]")
    for _ in range(3):
        page.keyboard.press("PageDown")
    size = int(page.input_value("#c-size"))
    assert size < 512
    tab_to("#c-size")
    page.keyboard.press("Control+A")
    page.keyboard.type("64")
    page.keyboard.press("Enter")
    expect(page.locator("#job-title")).to_be_focused()
    tab_to("#cancel")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Keep it")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#welcome")).to_be_visible()


def test_each_state_on_a_phone_and_by_axe(browser, server, painted):
    client = server.client
    states = {
        "": "#welcome .thumb",
        f"#job={painted[1]['id']}": "#downloads",
        "#gallery": ".card",
        f"#compare={','.join(job['id'] for job in painted)}": "#compare .after",
    }
    with page_of(browser, server.address) as page:
        for address, shown in states.items():
            page.goto(f"{server.address}/{address}")
            expect(page.locator(shown).last).to_be_visible()
            _check_state(page, address)
        long = client.add_job(client.recipe() | {"settings": TINY | {"steps": [50_000]}})
        page.goto(f"{server.address}/#job={long}")
        expect(page.locator("#job .after")).to_be_visible(timeout=SLOW)
        _check_state(page, "painting")
        page.click("#cancel")
        _check_state(page, "a question")
        page.get_by_role("button", name="Cancel the painting").click()
        expect(page.locator("#toast")).to_contain_text("cancelled")
        choose(page, PHOTO, PAINTING, size=64, strength=-1)
        expect(page.locator("#e-strength")).to_be_visible()
        _check_state(page, "an error, more, and a note")
        page.click("#photo-shelf")
        expect(page.locator("dialog .thumb").first).to_be_visible()
        _check_state(page, "shelf")
        page.keyboard.press("Escape")
        page.click("#photo .brush-open")
        _check_state(page, "brush")


def _check_state(page, state):
    """Nothing is wider than a phone, and axe finds nothing serious, in light and in darkness."""
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 320, state
    for dialog in page.locator("dialog[open]").all():
        assert dialog.evaluate("(d) => d.scrollWidth <= d.clientWidth && d.clientWidth < 320"), (
            state
        )
    page.set_viewport_size({"width": 1280, "height": 800})
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert not axe_findings(page), (state, scheme, axe_findings(page))


def test_catches_up_with_a_studio_that_was_closed(browser, server):
    with page_of(browser, server.address, "net::ERR_") as page:
        server.end()
        expect(page.locator("#banner")).to_contain_text("does not answer", timeout=SLOW)
        job = server.start().client.add_job(server.client.recipe(steps=[50_000]))
        expect(page.locator("#running")).to_contain_text("cat_night", timeout=SLOW)
        expect(page.locator("#banner")).to_be_hidden()
        server.client.post(f"/api/jobs/{job}/cancel")
        expect(page.locator("#running")).to_be_hidden()


def test_page_is_small(page):
    entries = page.evaluate(
        """() => ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
          .map((entry) => [new URL(entry.name).pathname, entry.decodedBodySize])"""
    )
    files = {name: size for name, size in entries if not name.startswith(("/api/", "/files/"))}
    assert all(files.values())
    assert 10 < len(files) <= 24
    assert sum(files.values()) < 150_000

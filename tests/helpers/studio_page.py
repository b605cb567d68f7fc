"""The studio's page in a real Chromium, and what a person does on it."""

import base64
import contextlib
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
expect = sync_api.expect

CHROMIUM = shutil.which("chromium")
AXE = Path(__file__).parents[1] / "studio" / "axe.min.js"
SLOW = 60_000
"""Milliseconds that a painting's process may take to begin."""

_GIVE = """([selector, kind, name, encoded]) => {
  const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, {type: "image/png"}));
  const options = {bubbles: true, cancelable: true};
  const events = kind === "paste"
    ? [new ClipboardEvent("paste", {...options, clipboardData: transfer})]
    : ["dragover", "drop"].map((k) => new DragEvent(k, {...options, dataTransfer: transfer}));
  for (const event of events) document.querySelector(selector).dispatchEvent(event);
}"""


@contextlib.contextmanager
def chromium():
    """A browser without a window; the test is skipped where there is none."""
    if not CHROMIUM:
        pytest.skip("needs Debian's chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextlib.contextmanager
def page_of(browser, address, expected="no error", **options):
    """The studio's page: no other host is asked, and no error is printed but the expected one."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], **options)
    page = context.new_page()
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: line.type in ("error", "warning") and wrong.append(line.text))
    page.on("request", lambda request: _is_own(request.url) or wrong.append(request.url))
    page.goto(address)
    expect(page.locator("#version")).to_contain_text("jnst")
    yield page
    context.close()
    wrong = [line for line in wrong if expected not in line]
    assert not wrong, wrong


def _is_own(url):
    return url.startswith("blob:") or urlsplit(url).hostname == "127.0.0.1"


def give(page, selector, name, data, kind="drop"):
    """Drops or pastes a file on an element."""
    page.evaluate(_GIVE, [selector, kind, name, base64.b64encode(data).decode()])


def choose(page, photo, painting, **settings):
    """Chooses a photograph and a painting from their files, and types settings."""
    for selector, name, data in (
        ("#photo-file", "cat.png", photo),
        ("#painting-file", "night.png", painting),
    ):
        page.set_input_files(selector, {"name": name, "mimeType": "image/png", "buffer": data})
    expect(page.locator("#photo-chosen li, #styles-chosen li")).to_have_count(2)
    page.locator("#more").evaluate("(fold) => { fold.open = true; }")
    for name, value in settings.items():
        page.fill(f"#c-{name}", str(value))


def axe_findings(page):
    """The serious and critical findings of axe-core on what the page shows now."""
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(AXE.read_text())
    result = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{finding['id']}: {node['html'][:120]} {node['failureSummary'][:200]}"
        for finding in result["violations"]
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]

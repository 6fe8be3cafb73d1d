"""A real browser for the tests of pages: Chromium, driven by Playwright, with what it asked for and what went wrong."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

AXE = Path(__file__).parent.parent / ".venv/npm/node_modules/axe-core/axe.min.js"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def chromium():
    """The browser. Where there is none, the tests that need it are left out, and counted; never in CI."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _leave_out("the Python package playwright")
    if CHROMIUM is None:
        _leave_out("Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def axe(opened):
    """What axe-core finds wrong with the contrast and the roles of a page; npm installs it."""
    if not AXE.exists():
        _leave_out("axe-core (npm install --prefix .venv/npm axe-core@4)")
    opened.run(f"{AXE.read_text('utf-8')};0")
    found = opened.run(
        "tags => axe.run(document, {runOnly: tags})", ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]
    )["violations"]
    return [(each["id"], each["help"], [node["html"] for node in each["nodes"]]) for each in found]


def _leave_out(what):
    said = f"what a page is like in a browser is not looked at: this machine has no {what}"
    if os.environ.get("CI"):
        pytest.fail(said)
    pytest.skip(said)


class Opened:
    """A page that is open: `tab` is Playwright's, `requests` what was asked for, `errors` what went wrong."""

    def __init__(self, browser, path, **settings):
        self.context = browser.new_context(viewport={"width": 1280, "height": 900}, **settings)
        self.tab = self.context.new_page()
        self.requests, self.errors = [], []
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.on(
            "console", lambda message: message.type in ("error", "warning") and self.errors.append(message.text)
        )
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.path, self.address = path, path.resolve().as_uri()
        self.tab.goto(self.address)

    def keys(self, *keys):
        for key in keys:
            self.tab.keyboard.press(key)

    def run(self, script, *args):
        return self.tab.evaluate(script, *args)

    def gradient(self, name):
        return self.run("name => backprop.gradient(name)", name)

    def value(self, name):
        return self.run("name => backprop.value(name)", name)

    def step(self):
        return self.run("() => backprop.step")

    def seen(self):
        """What a reader sees of the state: all texts, and which boxes and lines are lit."""
        return self.run(
            "() => [document.querySelector('main').innerText, ...[...document.querySelectorAll('#graph g, #graph path,"
            " .list > div')].map(x => [x.getAttribute('class') || '', x.ariaLabel, x.getAttribute('d')])]"
        )

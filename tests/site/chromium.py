"""A headless Chromium without a network, and what it says of a page."""

import contextlib
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.site.pages import ROOT

WIDTHS = (375, 768, 1440)
HEIGHT = 900
#: No sandbox, because containers have no user namespaces; no proxy and no names, so no network.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND",
]  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = (
    "the tests of the site need Chromium, and none of {} is on the path; on Debian: "
    "apt-get install -y --no-install-recommends chromium"
)
AXE = ROOT / ".venv" / "node_modules" / "axe-core" / "axe.min.js"
LEVELS = ["wcag2a", "wcag2aa"]
#: The rules that the mode can change: the document is the same in both.
OF_COLOURS = ["color-contrast", "link-in-text-block"]


def executable():
    """Return the path of Chromium."""
    named = [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else NAMES
    found = next(filter(None, map(shutil.which, named)), None)
    if found is None:
        pytest.exit(MISSING.format(", ".join(named)), returncode=2)
    return found


@contextlib.contextmanager
def chromium():
    """Yield the only tab of a browser that has no history."""
    path = executable()
    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=path, args=FLAGS, headless=True, reduced_motion="reduce"
        )
        yield context.pages[0]
        context.close()


@contextlib.contextmanager
def heard(tab):
    """Collect what the console complains of and what is asked of other machines."""
    said, asked = [], []

    def console(message):
        if message.type == "error":
            said.append(f"console: {message.text}")

    def error(what):
        said.append(f"page: {what}")

    def failed(request):
        said.append(f"failed: {request.url.rsplit('/', 1)[-1]} {request.failure}")

    def request(what):
        if not what.url.startswith(("file:", "data:", "blob:", "about:")):
            asked.append(f"asks for {what.url}")

    listeners = {
        "console": console, "pageerror": error, "requestfailed": failed, "request": request,
    }  # fmt: skip
    for event, listener in listeners.items():
        tab.on(event, listener)
    yield said, asked
    for event, listener in listeners.items():
        tab.remove_listener(event, listener)


def show(tab, path, query=""):
    """Load a page and wait for its fonts and formulas."""
    tab.goto(path.as_uri() + query)
    tab.evaluate(
        """async () => {
            await document.fonts.ready;
            if (window.MathJax?.startup?.promise) await MathJax.startup.promise;
        }"""
    )


#: What is wider than the window, and what stands out of the text's column without a bar to scroll;
#: a line of text is named by the block that holds it.
OVERFLOW = """() => {
    const root = document.documentElement, width = root.clientWidth, found = new Set();
    const scrolls = (element, last) => {
        for (let a = element; a && a !== last; a = a.parentElement)
            if (["auto", "scroll"].includes(getComputedStyle(a).overflowX)) return true;
        return false;
    };
    const hidden = (e) => e.closest("mjx-assistive-mml, .visually-hidden, dialog:not([open])");
    const block = (e) => {
        while (e.parentElement && getComputedStyle(e).display.startsWith("inline"))
            e = e.parentElement;
        return e;
    };
    const named = (e) => e.tagName.toLowerCase() + [...e.classList].map((c) => "." + c).join("");
    const beyond = (within, edge, last) => [...within.querySelectorAll("*")].filter((e) => {
        const box = e.getBoundingClientRect();
        return box.width && box.height && box.right > edge + 1
            && !scrolls(e.parentElement, last) && !hidden(e);
    });
    if (root.scrollWidth > width) {
        const first = beyond(document.body, width, document.body).slice(0, 1).map(named);
        found.add(`the page is too wide: ${first}`);
    }
    const column = document.querySelector("article") ?? document.querySelector("main");
    if (column) {
        const edge = Math.min(width, column.getBoundingClientRect().right);
        for (const e of beyond(column, edge, column)) found.add(`${named(block(e))} stands out`);
    }
    return [...found].slice(0, 4);
}"""

#: Formulas that no script rendered, and TeX that is seen.
UNRENDERED = """() => {
    const done = "mjx-container, .katex", wrong = "mjx-merror, [data-mjx-error], .katex-error";
    const found = [...document.querySelectorAll(".math")].filter((e) => !e.querySelector(done));
    const text = (e) => e.textContent.trim().slice(0, 60);
    return [
        ...found.map((e) => `not rendered: ${text(e)}`),
        ...[...document.querySelectorAll(wrong)].map((e) => `refused: ${text(e)}`),
    ];
}"""


def visit(tab, page):
    """Return what a page shows that it must not, by the kind of fault."""
    with heard(tab) as (said, asked):
        show(tab, page.path)
        wide = []
        for width in WIDTHS:
            tab.set_viewport_size({"width": width, "height": HEIGHT})
            wide += [f"at {width}: {text}" for text in tab.evaluate(OVERFLOW)]
        formulas = tab.evaluate(UNRENDERED)
    return {"overflow": wide, "console": said, "network": asked, "formulas": formulas}


def violations(tab, page):
    """Return the rules of axe-core that a page breaks in the light and in the dark mode."""
    show(tab, page.path)
    tab.evaluate(axe())
    tab.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    light = tab.evaluate(CHECK, ["light", {"type": "tag", "values": LEVELS}])
    dark = tab.evaluate(CHECK, ["dark", {"type": "rule", "values": OF_COLOURS}])
    return [*(f"light: {text}" for text in light), *(f"dark: {text}" for text in dark)]


@cache
def axe():
    place = Path(os.environ.get("AXE", AXE))
    if not place.is_file():
        pytest.exit(f"{place} is missing; make test-docs installs axe-core", returncode=2)
    return place.read_text(encoding="utf-8")


#: Rules, with the first element that breaks each and, for the contrast, its colours.
CHECK = """async ([mode, rules]) => {
    document.documentElement.dataset.theme = mode;
    document.documentElement.dataset.mode = mode;
    const options = {runOnly: rules, resultTypes: ["violations"], preload: false};
    const {violations} = await axe.run(document, options);
    return violations.flatMap((rule) => rule.nodes.map((node) => {
        const data = node.any[0]?.data;
        const colours = data?.fgColor ? ` ${data.fgColor} on ${data.bgColor}` : "";
        const of = node.html.slice(0, 100).replace(/\\s+/g, " ");
        return `${rule.id}${colours}: ${colours ? node.target.at(-1) : of}`;
    }));
}"""


def focused(tab):
    """Return what has the focus: its text, its address, its place in the document, how it looks."""
    return tab.evaluate(FOCUSED)


#: What moves into sight has a second for it. A link may be marked by what it lays over a card.
FOCUSED = """async () => {
    const e = document.activeElement;
    const seen = () => {
        const box = e.getBoundingClientRect();
        return box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0
            && box.left < innerWidth && box.top < innerHeight
            && getComputedStyle(e).visibility === "visible";
    };
    const marked = (of) => [null, "::after"].some((part) => {
        const style = getComputedStyle(of, part);
        const outlined = style.outlineStyle !== "none" && style.outlineWidth !== "0px";
        return outlined || style.boxShadow !== "none";
    });
    const start = performance.now();
    while (!seen() && performance.now() - start < 1000)
        await new Promise((done) => requestAnimationFrame(done));
    return {
        tag: e.tagName.toLowerCase(), text: (e.textContent || "").trim(), id: e.id,
        href: e.getAttribute("href"), name: e.getAttribute("name"),
        place: [...document.querySelectorAll("*")].indexOf(e), seen: seen(), marked: marked(e),
    };
}"""

"""What the pages of the built documentation say of themselves, read without a browser."""

import json
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import lxml.html

ROOT = Path(__file__).parents[2]
#: Where `make docs` puts the site; another one is named by the environment.
SITE = Path(os.environ.get("NATFIT_SITE", ROOT / "docs" / "_build" / "html")).resolve()

#: What a browser fetches by itself, by the attribute that names it.
FETCHED = (
    "//script/@src | //img/@src | //iframe/@src | //embed/@src | //object/@data | //source/@src"
    " | //video/@src | //audio/@src | //track/@src | //use/@href"
)
#: Of the elements `link`, only these are fetched or prepared for.
FETCHED_LINKS = {
    "stylesheet", "icon", "preload", "prefetch", "modulepreload", "preconnect", "dns-prefetch",
    "manifest", "apple-touch-icon",
}  # fmt: skip
#: Schemes of links that are right on a page that may lie anywhere.
ELSEWHERE = {"http", "https", "mailto"}
#: Pages that Sphinx writes of all others.
WITHOUT_SOURCE = {"genindex", "py-modindex", "search"}
#: TeX commands, which a reader must not see.
RAW = re.compile(r"\\(?:[a-zA-Z]{3,}|[({\[])|\$\$")
#: Elements whose text is not prose.
UNREAD = {"pre", "code", "script", "style", "kbd", "samp", "option", "noscript", "textarea"}
#: What sphinx-gallery adds to the name of a script when it names its pictures.
GALLERY = re.compile(r"^sphx_glr_|_thumb$|_\d{3}(_\d+_\d+x)?$")


def words(text):
    """Return a text as lower-case words: `plot_wine-1` and `Plot wine 1` are alike."""
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


@dataclass(frozen=True)
class Page:
    """One file of the site."""

    path: Path
    root: Path

    @cached_property
    def tree(self):
        return lxml.html.document_fromstring(self.path.read_bytes())

    @property
    def name(self):
        return self.path.relative_to(self.root).as_posix()

    @property
    def handwritten(self):
        """Whether its source is a file of the documentation, not one that its build writes."""
        return (ROOT / "docs" / self.name).with_suffix(".md").exists()

    @cached_property
    def anchors(self):
        return {*self.tree.xpath("//@id"), *self.tree.xpath("//a/@name")}

    @cached_property
    def features(self):
        """Elements and their classes below the body: what a style sheet can tell apart."""
        found = set()
        for element in self.tree.body.iter(lxml.etree.Element):
            found |= {element.tag, *(f"{element.tag}.{c}" for c in element.classes)}
        return found

    @cached_property
    def formulas(self):
        """Elements that hold the source of a formula until a script renders it."""
        return self.tree.find_class("math")

    def fetched(self):
        """Addresses that a browser asks for when it shows the page."""
        found = list(self.tree.xpath(FETCHED))
        found += [part.split()[0] for s in self.tree.xpath("//@srcset") for part in s.split(",")]
        for link in self.tree.xpath("//link[@href]"):
            if FETCHED_LINKS & set(link.get("rel", "").split()):
                found.append(link.get("href"))
        return found


def documents(root):
    """Return the names of the documents that the last build made, from the index of its search."""
    text = (root / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text[text.index("{") : text.rindex("}") + 1])
    return set(index["docnames"])


def pages(root=SITE):
    """Return the pages that the last build made.

    A page whose source was moved stays beside them, and what lies in `_static` belongs to scripts.
    """
    known = documents(root) | WITHOUT_SOURCE
    found = []
    for path in sorted(root.rglob("*.html")):
        name = path.relative_to(root).with_suffix("").as_posix()
        if name in known or name.startswith("_modules/"):
            found.append(Page(path, root))
    return found


@cache
def beside(folder, path):
    """Return where a relative address of a file in the folder leads."""
    return Path(os.path.normpath(folder / unquote(path)))


@cache
def exists(path):
    return path.is_file()


def target(page, href, anchors):
    """Return what is wrong with a link, or None.

    ``anchors(path)`` gives those of a page, and None for a file that is no page.
    """
    url = urlsplit(href)
    if url.scheme or url.netloc:
        right = url.scheme in ELSEWHERE and (url.netloc or url.path)
        return None if right else f"{href} is no address of the web"
    path = beside(page.path.parent, url.path) if url.path else page.path
    if url.path.startswith("/") or not path.is_relative_to(page.root):
        return f"{href} leaves the site"
    if not exists(path):
        return f"{href} is no file"
    if path.suffix == ".html":
        known = anchors(path)
        if known is None:
            return f"{href} is no page of this build"
        if url.fragment and unquote(url.fragment) not in known:
            return f"{href} is no anchor"
    return None


def broken_links(site):
    """Return links that lead nowhere, by page."""
    by_path = {page.path: page for page in site}

    def anchors(path):
        return by_path[path].anchors if path in by_path else None

    found = {}
    for page in site:
        hrefs = dict.fromkeys([*page.tree.xpath("//a/@href | //area/@href"), *local(page)])
        found[page.name] = [f for f in (target(page, h, anchors) for h in hrefs) if f]
    return found


def local(page):
    """Return what the page fetches from beside itself."""
    return [href for href in page.fetched() if not urlsplit(href).scheme and "//" not in href[:2]]


def from_elsewhere(page):
    """Return what the page fetches from other machines."""
    beside = {*local(page)}
    return [h for h in page.fetched() if h not in beside and urlsplit(h).scheme != "data"]


def image_faults(page):
    """Return the images whose alternative text says nothing."""
    for image in page.tree.iter("img"):
        source, text = image.get("src", ""), image.get("alt")
        stem = Path(unquote(urlsplit(source).path)).stem
        if not source:
            yield "an image without a source"
        elif text is None:
            yield f"{source}: no alternative text"
        elif not text.strip():
            # The title of a thumbnail's page stands below it.
            if not beside_title(image):
                yield f"{source}: an empty alternative text"
        elif words(text) in {words(stem), words(GALLERY.sub("", GALLERY.sub("", stem)))}:
            yield f"{source}: the alternative text {text!r} is the name of the file"
        elif re.search(r"\.(png|svg|jpe?g|gif|webp)$", text.strip(), re.I):
            yield f"{source}: the alternative text {text!r} is the name of a file"


def beside_title(image):
    box = image.xpath("ancestor::*[contains(@class, 'sphx-glr-thumbcontainer')]")
    return bool(box) and bool(box[-1].text_content().strip())


def heading_faults(page):
    """Return what is wrong with the order of headings."""
    headings = list(page.tree.body.iter("h1", "h2", "h3", "h4", "h5", "h6"))
    levels = [int(h.tag[1]) for h in headings]
    if levels.count(1) != 1:
        yield f"{levels.count(1)} headings h1"
    for (before, level), heading in zip(pairwise([0, *levels]), headings, strict=True):
        if level > before + 1:
            text = " ".join(heading.text_content().split())
            yield f"h{level} {text!r} follows h{before}"


def document_faults(page):
    """Return what the document itself must say and does not."""
    if not page.tree.get("lang"):
        yield "no language"
    if not (page.tree.findtext(".//title") or "").strip():
        yield "no title"


def prose(element):
    """Yield the texts below an element that are neither code nor formulas nor scripts."""
    if element.tag not in UNREAD and "math" not in element.classes:
        yield element.text or ""
        for child in element.iterchildren(lxml.etree.Element):
            yield from prose(child)
            yield child.tail or ""


def raw_formulas(page):
    """Return TeX that no script will render, because it is not marked as a formula."""
    return [" ".join(text.split())[:80] for text in prose(page.tree.body) if RAW.search(text)]


def sample(site):
    """Return few pages that hold every element and class of the site: its templates."""
    where = defaultdict(set)
    for page in site:
        for feature in page.features:
            where[feature].add(page.name)
    by_name = {page.name: page for page in site}
    found = {page.name: page for page in site if page.handwritten}
    left = {f for f, names in where.items() if not names & set(found)}
    while left:
        # The page with most of what is left; of two, the smaller and then the first.
        best = max(by_name.values(), key=lambda p: (len(p.features & left), -len(p.features)))
        found[best.name] = best
        left -= best.features
    return list(found.values())


def listed(faults):
    """Return a message of the faults by page, equal ones together, or an empty text."""
    of = defaultdict(list)
    for name, texts in faults.items():
        for text in texts:
            of[text].append(name)
    lines = []
    for text, names in sorted(of.items(), key=lambda item: -len(item[1])):
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        lines.append(f"{text}\n    in {', '.join(names[:3])}{more}")
    return "\n".join(lines)

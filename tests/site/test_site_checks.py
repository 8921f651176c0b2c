"""The checks of the site find what they look for: small pages, each with one fault."""

import json

import pytest

from tests.site import pages as of
from tests.site.chromium import focused, show, violations, visit

RIGHT = "<h1>Title</h1><p>A sentence of the page.</p>"
FRAME = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>t</title>{}</head><body><main><article>{}</article></main></body></html>'
WIDE = '<div style="width: 800px; height: 1em">wide</div>'


@pytest.fixture
def write(tmp_path):
    """Write a site of one page, and of another with the anchor ``there``; return both."""

    def written(body, head="", page=FRAME):
        (tmp_path / "index.html").write_text(page.format(head, body), encoding="utf-8")
        other = FRAME.format("", '<h1 id="there">Other</h1>')
        (tmp_path / "other.html").write_text(other, encoding="utf-8")
        (tmp_path / "moved.html").write_text(other, encoding="utf-8")
        (tmp_path / "plot_wine.png").write_bytes(b"")
        index = json.dumps({"docnames": ["index", "other"]})
        (tmp_path / "searchindex.js").write_text(f"Search.setIndex({index})", encoding="utf-8")
        return of.pages(tmp_path)

    return written


def links(site):
    return of.broken_links(site)["index.html"]


@pytest.mark.parametrize(
    "href", ["other.html", "other.html#there", "#here", "plot_wine.png", "https://natfit.org/x#y"]
)
def test_right_links(write, href):
    assert links(write(f'<h1 id="here">x</h1><a href="{href}">x</a>')) == []


@pytest.mark.parametrize(
    "href, fault",
    [
        ("none.html", "no file"),
        ("folder/", "no file"),
        ("other.html#none", "no anchor"),
        ("#none", "no anchor"),
        ("moved.html", "no page of this build"),
        ("/other.html", "leaves the site"),
        ("../other.html", "leaves the site"),
        ("file:///other.html", "no address"),
        ("https:", "no address"),
    ],
)
def test_wrong_links(write, href, fault):
    (found,) = links(write(f'{RIGHT}<a href="{href}">x</a>'))
    assert found.startswith(href) and fault in found


@pytest.mark.parametrize(
    "tag", ['<img src="none.png" alt="x y">', '<script src="none.js"></script>']
)
def test_what_a_page_shows_must_exist(write, tag):
    assert len(links(write(RIGHT + tag))) == 1


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//cdn.example/x.css">',
        '<link rel="preconnect" href="https://fonts.example">',
        '<img srcset="plot_wine.png 1x, https://cdn.example/x.png 2x" src="plot_wine.png" alt="x y">',
    ],
)
def test_what_is_fetched_from_elsewhere(write, tag):
    assert len(of.from_elsewhere(write("", tag)[0])) == 1


def test_a_link_is_not_fetched(write):
    page = write(
        '<a href="https://natfit.org">x</a>', '<link rel="canonical" href="https://x.org">'
    )
    assert of.from_elsewhere(page[0]) == []


@pytest.mark.parametrize(
    "alt", ["", ' alt=""', ' alt="plot_wine.png"', ' alt="Plot wine"', ' alt="sketch.svg"']
)
def test_pictures_without_a_text(write, alt):
    assert len(list(of.image_faults(write(f'<img src="plot_wine.png"{alt}>')[0]))) == 1


def test_pictures_with_a_text(write):
    thumb = '<div class="sphx-glr-thumbcontainer"><img src="plot_wine.png" alt="">Wines</div>'
    body = '<img src="plot_wine.png" alt="A histogram of wines">' + thumb
    assert list(of.image_faults(write(body)[0])) == []


def test_names_that_the_gallery_gives(write):
    tag = '<img src="sphx_glr_plot_wine_001.png" alt="plot wine">'
    assert len(list(of.image_faults(write(tag)[0]))) == 1


@pytest.mark.parametrize(
    "body, count",
    [
        (RIGHT, 0),
        ("<h1>a</h1><h2>b</h2><h3>c</h3><h2>d</h2>", 0),
        ("<h1>a</h1><h3>c</h3>", 1),
        ("<h1>a</h1><h1>b</h1>", 1),
        ("<p>a</p>", 1),
    ],
)
def test_headings(write, body, count):
    assert len(list(of.heading_faults(write(body)[0]))) == count


def test_documents(write):
    assert list(of.document_faults(write(RIGHT)[0])) == []
    bare = write(RIGHT, page="<html><head>{}</head><body>{}</body></html>")
    assert list(of.document_faults(bare[0])) == ["no language", "no title"]


def test_raw_formulas(write):
    seen = r"<p>a <b>x</b> \frac{1}{2}</p><p>$$x$$</p>"
    unseen = r"<pre>\frac</pre><code>\sum</code><span class='math'>\(\frac{1}{2}\)</span><p>$5</p>"
    assert len(of.raw_formulas(write(seen + unseen)[0])) == 2


def test_pages_of_earlier_builds_are_left_out(write):
    assert [page.name for page in write(RIGHT)] == ["index.html", "other.html"]


def test_the_sample_holds_every_class(write):
    site = write('<p class="only-here">x</p>')
    chosen = of.sample(site)
    assert any("p.only-here" in page.features for page in chosen)


def test_equal_faults_are_told_once():
    text = of.listed({name: ["fault"] for name in "abcde"} | {"f": []})
    assert text == "fault\n    in a, b, c and 2 more"
    assert of.listed({"a": []}) == ""


@pytest.mark.parametrize(
    "kind, body, fault",
    [
        ("overflow", WIDE, "too wide"),
        ("overflow", f'<div style="overflow: hidden">{WIDE}</div>', "stands out"),
        ("console", "<script>console.error('no')</script>", "console: no"),
        ("console", "<script>throw new Error('bad')</script>", "page: bad"),
        ("console", '<img src="none.png" alt="x y">', "failed: none.png"),
        ("network", '<img src="https://cdn.example/x.png" alt="x y">', "cdn.example"),
        ("network", "<script>fetch('http://127.0.0.1:9/').catch(() => 0)</script>", "127.0.0.1"),
        ("formulas", r'<span class="math">\(x\)</span>', "not rendered"),
        ("formulas", '<span class="math"><mjx-container><mjx-merror>x', "refused"),
    ],
)
def test_what_a_browser_sees(write, browser, kind, body, fault):
    found = visit(browser, write(RIGHT + body)[0])
    assert any(fault in text for text in found[kind]), found
    clean = {k for k, texts in found.items() if not texts}
    assert clean >= {"overflow", "formulas"} - {kind}


def test_what_scrolls_inside_itself_is_right(write, browser):
    body = f'{RIGHT}<div style="overflow-x: auto">{WIDE}</div>'
    assert not any(visit(browser, write(body)[0]).values())


def test_rules_of_axe(write, browser):
    style = '<style>p { color: #999; background: #fff } [data-theme="dark"] p { color: #000; background: #111 }</style>'
    found = violations(browser, write(RIGHT, style)[0])
    assert [text.split(":")[0] + text.split(":")[1].split("#")[0] for text in found] == [
        "light color-contrast ",
        "dark color-contrast ",
    ]
    assert violations(browser, write(RIGHT)[0]) == []


def test_the_focus_is_seen_and_marked(write, browser, tmp_path):
    write('<a href="#" style="outline: none">a</a><a href="#" style="margin-left: -5000px">b</a>')
    show(browser, tmp_path / "index.html")
    browser.keyboard.press("Tab")
    first = focused(browser)
    browser.keyboard.press("Tab")
    second = focused(browser)
    assert (first["seen"], first["marked"]) == (True, False)
    assert (second["seen"], second["marked"]) == (False, True)

"""The landing page without a mouse: where the focus goes, the skip link, the search."""

import pytest

from tests.site.chromium import HEIGHT, focused, show
from tests.site.pages import SITE

#: More stops than a landing page may ask of a reader.
MOST_STOPS = 200


@pytest.fixture
def landing(site, browser):
    browser.set_viewport_size({"width": 1440, "height": HEIGHT})
    show(browser, SITE / "index.html")
    return browser


def test_first_stop_skips_to_the_text(landing):
    landing.keyboard.press("Tab")
    first = focused(landing)
    assert first["seen"]
    assert first["href"] == "#main-content"
    landing.keyboard.press("Enter")
    landing.keyboard.press("Tab")
    assert landing.evaluate("document.activeElement.closest('#main-content') !== null")


def test_focus_follows_the_document(landing):
    places, hidden = [], []
    for _ in range(MOST_STOPS):
        landing.keyboard.press("Tab")
        now = focused(landing)
        if now["tag"] == "body" or now["place"] in places:
            break
        places.append(now["place"])
        hidden += [] if now["seen"] else [now["text"] or now["id"]]
    assert len(places) > 10
    assert places == sorted(places)
    assert hidden == []


def test_every_stop_shows_that_it_has_the_focus(landing):
    unmarked = []
    for _ in range(MOST_STOPS):
        landing.keyboard.press("Tab")
        now = focused(landing)
        if now["tag"] == "body" or now["text"] in unmarked:
            break
        unmarked += [] if now["marked"] else [now["text"]]
    assert unmarked == []


@pytest.mark.parametrize("width", [375, 1440])
def test_search_opens_by_keyboard(landing, width):
    landing.set_viewport_size({"width": width, "height": HEIGHT})
    landing.keyboard.press("Control+k")
    field = focused(landing)
    assert (field["tag"], field["name"]) == ("input", "q")
    assert field["seen"]
    landing.keyboard.type("weibull")
    landing.keyboard.press("Enter")
    landing.wait_for_url("**/search.html?q=weibull*")
    landing.locator("#search-results li a").first.wait_for()


def test_navigation_opens_by_keyboard_on_a_phone(landing):
    landing.set_viewport_size({"width": 375, "height": HEIGHT})
    button = landing.locator("button.primary-toggle")
    button.focus()
    landing.keyboard.press("Enter")
    landing.locator("#pst-primary-sidebar-modal a").first.wait_for(state="visible")
    landing.keyboard.press("Escape")
    landing.locator("#pst-primary-sidebar-modal").wait_for(state="hidden")

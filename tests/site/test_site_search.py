"""The search, from the file system."""

import pytest

from tests.site.chromium import heard, show
from tests.site.pages import SITE

#: The sentences that the search ends with.
FINISHED = """() => /found|did not match/.test(
    document.querySelector("#search-results .search-summary")?.textContent ?? "")"""


def results(browser, query):
    """Return the pages that the search finds, without anchors, and what the console said."""
    with heard(browser) as (said, asked):
        show(browser, SITE / "search.html", f"?q={query}")
        browser.wait_for_function(FINISHED)
        links = browser.locator("#search-results li > a, #search-results li .search-result a")
        found = [a.get_attribute("href") for a in links.all()]
    return [href.split("?")[0].split("#")[0] for href in found], said + asked


@pytest.mark.parametrize("query", ["weibull", "NaturalMLE", "censored"])
def test_words_are_found(site, browser, query):
    found, said = results(browser, query)
    assert said == []
    assert set(found) <= {page.name for page in site}
    texts = {page.name: page.tree.text_content().lower() for page in site if page.name in found}
    assert texts
    assert any(query.lower() in text for text in texts.values())


def test_what_is_nowhere_is_not_found(site, browser):
    found, said = results(browser, "xqzzyq")
    assert (found, said) == ([], [])

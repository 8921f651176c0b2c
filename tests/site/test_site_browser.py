"""Every page in a browser: what is too wide, what fails, what is asked of the network, formulas."""

import pytest

from tests.site.chromium import visit
from tests.site.pages import listed


@pytest.fixture(scope="module")
def visits(site, browser):
    return {page.name: visit(browser, page) for page in site}


@pytest.mark.parametrize("kind", ["overflow", "console", "network", "formulas"])
def test_every_page_is_free_of(visits, kind):
    faults = {name: found[kind] for name, found in visits.items()}
    assert not (text := listed(faults)), f"{kind}\n{text}"


def test_formulas_were_seen(site):
    """The check of formulas had something to look at."""
    assert sum(len(page.formulas) for page in site) > 100

"""The rules of WCAG 2, levels A and AA, that axe-core can decide, in the light and dark modes."""

from tests.site.chromium import violations
from tests.site.pages import listed, sample


def test_no_rule_is_broken(site, browser):
    chosen = sample(site)
    # Together they hold what any page of the site holds.
    assert set().union(*(p.features for p in chosen)) == set().union(*(p.features for p in site))
    faults = {page.name: violations(browser, page) for page in chosen}
    assert not (text := listed(faults)), text

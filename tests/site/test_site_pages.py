"""Every page of the built documentation: links, pictures, headings, the document itself."""

import pytest

from tests.site.pages import (
    broken_links,
    document_faults,
    from_elsewhere,
    heading_faults,
    image_faults,
    listed,
    raw_formulas,
)


def test_links_and_anchors_resolve(site):
    assert not (text := listed(broken_links(site))), text


@pytest.mark.parametrize(
    "check", [from_elsewhere, image_faults, heading_faults, document_faults, raw_formulas]
)
def test_pages(site, check):
    faults = {page.name: list(check(page)) for page in site}
    assert not (text := listed(faults)), f"{check.__name__}\n{text}"

"""The built documentation, read once, and one headless Chromium that shows all of it."""

import pytest

from tests.site.chromium import chromium
from tests.site.pages import SITE, pages


@pytest.fixture(scope="session")
def site():
    found = pages()
    if not any(page.name == "index.html" for page in found):
        pytest.exit(f"{SITE} holds no site; run make docs", returncode=2)
    return found


@pytest.fixture(scope="session")
def browser():
    with chromium() as page:
        yield page

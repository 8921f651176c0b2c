"""The version agrees in the three places that name it, and the changelog keeps its form."""

import re
from pathlib import Path

import pytest

import natfit

ROOT = Path(__file__).parents[1]
CHANGELOG = (ROOT / "docs/CHANGELOG.md").read_text(encoding="utf-8")
CITATION = (ROOT / "CITATION.cff").read_text(encoding="utf-8")

#: The sections of Keep a Changelog, in its order.
SECTIONS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]


def problems(changelog):
    """Return the mistakes in the form of a changelog's versions and sections."""
    heads = re.findall(r"^## (.*)$", changelog, re.M)
    if heads[:1] != ["[Unreleased]"]:
        yield f"the first head must be [Unreleased], got {heads[:1]}"
    for head in heads[1:]:
        if not re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", head):
            yield f"a head must be [version] - date, got {head}"
    for part in re.split(r"^## ", changelog, flags=re.M)[1:]:
        found = re.findall(r"^### (.*)$", part, re.M)
        if found != [name for name in SECTIONS if name in found]:
            yield f"sections must be of {SECTIONS}, in this order, got {found}"


def released(changelog):
    """The newest version with a date, None before the first release."""
    found = re.search(r"^## \[(\d+\.\d+\.\d+)\] - ", changelog, re.M)
    return found and found[1]


def test_changelog_keeps_its_form():
    assert list(problems(CHANGELOG)) == []


@pytest.mark.parametrize(
    "text",
    [
        "# Changelog\n\n## 0.1.0 (unreleased)\n",
        "## [Unreleased]\n\n## [0.1.0]\n",
        "## [Unreleased]\n\n### New\n",
        "## [Unreleased]\n\n### Fixed\n\n### Added\n",
    ],
)
def test_the_check_of_the_form_can_fail(text):
    assert len(list(problems(text))) == 1


def test_version_is_the_same_everywhere():
    cited = re.search(r"^version: (.*)$", CITATION, re.M)[1]
    assert cited == natfit.__version__
    assert released(CHANGELOG) in (None, natfit.__version__)
    # A date stands beside a version that is released, and nowhere else.
    assert ("date-released:" in CITATION) == (released(CHANGELOG) is not None)

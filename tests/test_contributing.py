"""The commands, files and folders that the guide for contributors names exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs/CONTRIBUTING.md").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


def commands(text):
    """Targets of make that a text names, several in one line of code too."""
    lines = re.findall(r"`make ([a-z -]+)`", text) + re.findall(r"^    make ([a-z-]+)", text, re.M)
    return {name for line in lines for name in line.split()}


def paths(text):
    """Files and folders that a text names, those that a command makes left out."""
    named = re.findall(r"`((?:\w[\w.-]*/)+(?:\w[\w.-]*)?)`", text)
    named += re.findall(r"pytest (tests/\S+\.py)", text)
    return {name for name in named if not name.startswith(("docs/_build", "dist/"))}


def missing(text):
    """Return paths that a text names but that do not exist in the repository."""
    absent = {f"make {name}" for name in commands(text) - TARGETS}
    roots = (ROOT, ROOT / "natfit", ROOT / "natfit/distributions", ROOT / "natfit/rl")
    return absent | {p for p in paths(text) if not any((root / p).exists() for root in roots)}


def test_guide_names_what_there_is():
    assert len(paths(GUIDE)) > 30
    assert len(commands(GUIDE)) > 5
    assert missing(GUIDE) == set()


@pytest.mark.parametrize(
    "text", ["`make nothing`", "    make nothing  # a comment", "`natfit/nothing.py`", "`nothing/`"]
)
def test_the_check_of_names_can_fail(text):
    assert len(missing(text)) == 1

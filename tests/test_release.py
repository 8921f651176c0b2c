"""What a release says of itself: version, changelog, addresses, supported Pythons, workflows."""

import configparser
import re
from pathlib import Path

import pytest

import natfit

ROOT = Path(__file__).parents[1]
CHANGELOG = (ROOT / "docs/CHANGELOG.md").read_text(encoding="utf-8")
CITATION = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
CONFIG = configparser.ConfigParser()
CONFIG.read(ROOT / "setup.cfg", encoding="utf-8")
WORKFLOWS = {
    path.name: path.read_text(encoding="utf-8") for path in ROOT.glob(".github/workflows/*.yml")
}
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")

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
    # The changelog is the newest that is out: its date is the one to cite.
    if released(CHANGELOG):
        assert (
            f"## [{cited}] - {re.search(r'^date-released: (.*)$', CITATION, re.M)[1]}" in CHANGELOG
        )


# ------------------------------------------------------------------------- what is deprecated


def overdue(source, version):
    """Announcements of a removal, in a source, whose version has been reached."""
    now = tuple(map(int, version.split(".")[:2]))
    for found in re.finditer(r"will be removed in\s+(\d+)\.(\d+)", source):
        if (int(found[1]), int(found[2])) <= now:
            yield found[0]


def test_what_was_announced_is_removed():
    files = sorted((ROOT / "natfit").rglob("*.py"))
    found = {
        str(path): list(overdue(path.read_text(encoding="utf-8"), natfit.__version__))
        for path in files
    }
    assert len(found) > 100
    assert {path: late for path, late in found.items() if late} == {}


def test_a_removal_is_due_at_its_version():
    text = "old is called new since 0.3 and will be removed in 0.5; call new"
    assert [bool(list(overdue(text, v))) for v in ("0.4.9", "0.5.0", "1.0.0")] == [
        False,
        True,
        True,
    ]


def test_scikit_learns_decorator_warns_as_the_policy_says():
    from sklearn.utils import deprecated

    @deprecated("old is called new since 0.3 and will be removed in 0.5; call new")
    def old():
        return 1

    with pytest.warns(FutureWarning, match="removed in 0.5; call new"):
        assert old() == 1


# ----------------------------------------------------------------------- addresses and Pythons


def urls():
    lines = CONFIG["metadata"]["project_urls"].strip().splitlines()
    return dict(re.split(r"\s*=\s*", line, maxsplit=1) for line in lines)


def test_the_addresses_are_those_of_setup_cfg():
    known = urls()
    assert {"Documentation", "Source", "Issues", "Changelog"} <= set(known)
    assert re.search(r"^repository-code: (.*)$", CITATION, re.M)[1] == known["Source"]
    assert re.search(r"^url: (.*)$", CITATION, re.M)[1] == known["Documentation"]
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob(".github/**/*.*")]
    own = re.compile(r"https://(?:github\.com/[\w.-]*natfit[\w.-]*/|natfit\.)[^\s)>\"'`]*")
    named = {url for page in pages for url in own.findall(page.read_text(encoding="utf-8"))}
    assert len(named) >= 2
    homes = (known["Source"], known["Documentation"])
    assert [url for url in named if not url.startswith(homes)] == []


def test_the_pythons_of_the_classifiers_are_tested():
    said = re.findall(
        r"^Programming Language :: Python :: (3\.\d+)$", CONFIG["metadata"]["classifiers"], re.M
    )
    matrix = re.search(r"python: \[(.*)\]", WORKFLOWS["tests.yml"])[1]
    assert re.findall(r"3\.\d+", matrix) == said
    assert len(said) >= 3
    assert CONFIG["options"]["python_requires"] == f">={said[0]}"


# ------------------------------------------------------------------------------- the workflows


def test_workflows_call_targets_that_exist():
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M))
    called = {
        name
        for text in WORKFLOWS.values()
        for line in re.findall(r"run: make (.+)", text)
        for name in line.split()
    }
    assert {"test", "test-oldest", "test-dist", "docs", "lint"} <= called
    assert called <= targets


def test_an_environment_is_found_on_windows_too():
    assert not re.search(r"VENV\)/(?:bin|Scripts)\b", MAKEFILE)
    assert re.search(r"^ifeq \(\$\(OS\),Windows_NT\)$", MAKEFILE, re.M)

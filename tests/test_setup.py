"""The long description for package indices, and the date of a distribution's files."""

import importlib.util
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = "https://github.com/a/b"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("setup_of_natfit", ROOT / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[x](docs/x.md)", "[x](https://github.com/a/b/blob/v1/docs/x.md)"),
        ("[x](docs/x.md#part)", "[x](https://github.com/a/b/blob/v1/docs/x.md#part)"),
        ("![x](docs/x.svg)", "![x](https://raw.githubusercontent.com/a/b/v1/docs/x.svg)"),
        ('<img src="x.png">', '<img src="https://raw.githubusercontent.com/a/b/v1/x.png">'),
        ('<a href="LICENSE">', '<a href="https://github.com/a/b/blob/v1/LICENSE">'),
        ("[x]: docs/x.md", "[x]: https://github.com/a/b/blob/v1/docs/x.md"),
        ("[x](docs/)", "[x](https://github.com/a/b/blob/v1/docs/)"),
    ],
)
def test_relative_links_become_absolute(script, text, expected):
    assert script.absolute(f"Text.\n\n{text}\n", SOURCE, "v1") == f"Text.\n\n{expected}\n"


@pytest.mark.parametrize(
    "text",
    [
        "[x](https://example.org/x)",
        "[x](mailto:a@example.org)",
        "[x](#part)",
        "`f[0](x)`",
        "```python\ny = f[0](x)\n```",
        "    f[0](x)",
    ],
)
def test_other_text_stays(script, text):
    assert script.absolute(f"Text.\n\n{text}\n", SOURCE, "v1") == f"Text.\n\n{text}\n"


def test_readme_has_no_relative_link_left(script):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    once = script.absolute(text, SOURCE, "v1")
    assert once != text
    assert script.absolute(once, "https://github.com/c/d", "v2") == once
    # Code is the same, and the links lead to files that exist.
    assert re.findall(r"^```.*?^```", once, re.M | re.S) == re.findall(
        r"^```.*?^```", text, re.M | re.S
    )
    targets = re.findall(
        r"https://(?:raw\.)?github(?:usercontent)?\.com/a/b/(?:blob/)?v1/([^)#\"\s]+)", once
    )
    assert len(targets) > 5
    assert [t for t in targets if not (ROOT / t).exists()] == []


def test_the_date_is_that_of_the_newest_release(script, tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(script, "ROOT", tmp_path)
    page = tmp_path / "docs/CHANGELOG.md"
    page.write_text("## [Unreleased]\n\n## [0.2.0] - 2027-03-01\n\n## [0.1.0] - 2026-12-03\n")
    assert datetime.fromtimestamp(script.date_of_release(), UTC) == datetime(2027, 3, 1, tzinfo=UTC)
    page.write_text("## [Unreleased]\n")
    with pytest.raises(ValueError, match=r"must have a head such as '## \[0"):
        script.date_of_release()

"""The Python blocks of README and the guides run and print the text that follows them."""

import importlib.util
import re
from pathlib import Path

import pytest

from tests.distributions.wrappers.combinations import table as nested

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", re.M | re.S)


#: Pages whose blocks are pairs of calls, which tests/docs/test_elsewhere.py runs.
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WITH_BLOCKS = [page for page in PAGES if BLOCK.search(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=lambda page: page.stem)
def test_blocks_run_and_print_what_is_said(page, capsys):
    text = page.read_text(encoding="utf-8")
    namespace = {"__name__": "document"}
    for block in BLOCK.finditer(text):
        # Lines in a traceback are then those of the document.
        source = "\n" * (text[: block.start()].count("\n") + 1) + block[1]
        exec(compile(source, page.name, "exec"), namespace)
        assert capsys.readouterr().out == (block[2] or ""), block[1]


def test_every_block_of_python_is_found_and_every_page_of_a_job_has_one():
    """A block that the pattern misses, for instance because it is indented, would not be run."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert len(BLOCK.findall(text)) == len(
            re.findall(r"^\s*`{3,}\s*\{?(?:code-block\} )?python", text, re.M)
        )
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    jobs = re.search(r"\{toctree\}\n:hidden:\n\n(.*?)```", guide, re.S)[1].split()
    without = {"glossary"}
    assert {page.stem for page in WITH_BLOCKS} >= set(jobs) - without


def test_local_links_lead_somewhere():
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert targets
    assert [t for t in targets if not (ROOT / t).exists()] == []


@pytest.mark.parametrize("name", ["design.md", "mathematics.md", "policies.md"])
def test_files_that_the_documents_name_exist(name):
    paths = set(re.findall(r"`(natfit/[\w/]+(?:\.py|/))`", (ROOT / "docs" / name).read_text()))
    assert paths
    assert [p for p in sorted(paths) if not (ROOT / p).exists()] == []


def generator():
    spec = importlib.util.spec_from_file_location("_generate", ROOT / "docs" / "_generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_what_the_registries_give():
    module = generator()
    assert module.outdated() == [], "run make tables"
    marked = [name for page in module.PAGES for name, _ in module.BLOCK.findall(page.read_text())]
    # README and the page of benchmarks have the same four numbers.
    assert set(marked) == set(module.TABLES)
    assert all(marked.count(name) == 1 for name in set(marked) - {"measured"})
    block = "<!-- {} -->\n\nold\n\n<!-- end -->\n\nkept\n\n"
    page = module.updated(block.format("families") + block.format("choices"))
    assert "old" not in page and page.count("kept") == 2
    assert "| `gamma` |" in page and "| `metric` |" in page


def test_the_table_of_nested_wrappers_is_that_of_the_tests():
    """Those whose likelihoods are compared with scipy's are those that the document names."""
    ours = {k for k, made in generator().combinations().items() if not isinstance(made, str)}
    assert ours == {k for k, made in nested().items() if not isinstance(made, str)}


def test_the_table_says_what_the_families_are():
    rows = [line.strip("| ").split(" | ") for line in generator().TABLES["families"]().splitlines()]
    table = {row[0].split("`")[1]: dict(zip(rows[0], row, strict=True)) for row in rows[2:]}
    # Others may be added; those that a family has come with it.
    coordinates = {name: row.pop("coordinates").split(", ") for name, row in table.items()}
    assert coordinates["gamma"][0] == coordinates["normal"][0] == "unconstrained"
    assert "expectation" in coordinates["normal"] and "expectation" not in coordinates["gamma"]
    assert "native" in coordinates["gamma"]
    assert table["gamma"] == {
        "family": "`gamma`",
        "support": "numbers 0 < y",
        "parameters": "`shape` > 0, `scale` > 0",
        "K": "2",
        "Fisher information": "closed form",
        "cdf": "yes",
        "`scipy.stats`": "`gamma(a=shape, scale=scale)`",
        "at a limit": "-",
    }
    assert table["multivariate_normal"]["K"] == "9"
    assert table["multivariate_normal"]["cdf"] == "no"
    assert table["negative_binomial"]["Fisher information"] == "enumeration"
    assert table["student_t"]["at a limit"] == "`df` at inf: the normal distribution"
    assert table["binomial"]["support"] == "whole numbers 0 <= y <= 10"


def test_every_status_is_explained():
    from natfit import Status

    page = (ROOT / "docs" / "verdicts.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \| ", page, re.M)[1:] == [str(s) for s in Status]


def test_every_preset_is_explained():
    from natfit.estimators._policy_presets import PRESETS

    policies = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
    assert set(PRESETS) <= set(re.findall(r"^\| `(\w+)` \| ", policies, re.M))

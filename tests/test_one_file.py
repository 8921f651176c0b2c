"""A new component is one file: put into the package, it is found, tested and documented by itself.

The templates of docs/templates/ are copied to the places that their first lines name, in a copy of
the package and of these tests; the tables are written anew, and the suites run on what was added.
"""

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import pytest

from natfit import testing

ROOT = Path(__file__).parents[1]
TEMPLATES = sorted((ROOT / "docs" / "templates").glob("*.py"))
COPIED = ("natfit", "tests", "docs", "README.md", "pyproject.toml", "setup.cfg")

#: Tests that ask the registries, and those of them that speak of all components at once.
ASKS = re.compile(r"tests\.(suites|cases)|registered\(|available\(|kinds\(|generator\(|TREES")
OF_ALL = "a_component_is_a_file or the_table or a_rule_explains or no_family_is_left_out"
OF_ALL += " or test_architecture"

#: Problems on which solvers and steps meet each other here, and families that coordinates meet; the
#: suites themselves have all of them.
FEW = "half_cauchy or -quadratic or -rosenbrock"
MET = "HalfCauchy or MultivariateNormal"


def place(template):
    """Where a template's first line says that it belongs."""
    return re.match(r"# Copy to (natfit/[\w/]+\.py)", template.read_text())[1]


def component(template):
    """Name of the class that a template defines."""
    return re.search(r"^class (\w+)\(", template.read_text(), re.M)[1]


def of_kind(folder):
    """Name of the class that the template of a kind defines."""
    return next(component(t) for t in TEMPLATES if place(t).startswith(f"natfit/{folder}/"))


@pytest.mark.parametrize("base", testing.kinds(), ids=lambda base: base.__name__)
def test_every_kind_has_a_template(base):
    folder = base._package.replace(".", "/")
    assert [t.name for t in TEMPLATES if place(t).startswith(f"{folder}/")]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the package with one component more of each kind, its tables written anew."""
    to = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        if (ROOT / name).is_dir():
            # Benchmarks, and the test of their report, ask no registry.
            left_out = ("__pycache__", "_build", "gallery", "benchmarks", "test_report.py")
            ignored = shutil.ignore_patterns(*left_out)
            shutil.copytree(ROOT / name, to / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, to / name)
    for template in TEMPLATES:
        path = to / place(template)
        assert not path.exists(), f"{path} is there already; rename the template's component"
        path.write_text(template.read_text().split("\n", 1)[1])
    run(to, "docs/_generate.py")
    return to


def run(where, *arguments):
    """Run Python on the package in a folder; return what it printed."""
    # Options of the run that this test belongs to are not those of the copy's.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    # The copy is read by several processes, and removed with what they compile.
    clean.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=where,
        env=clean | {"PYTHONPATH": str(where)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_the_pages_of_the_site_name_what_was_added(copy):
    pages = run(copy, "docs/_reference.py")
    names = [Path(place(template)).stem for template in TEMPLATES]
    listed = [name for name in names if f"* - ``{name}``" in pages or f"* - :doc:`{name}`" in pages]
    assert listed == names


@pytest.mark.slow
def test_the_tables_are_written_anew(copy):
    family = next(Path(place(t)).stem for t in TEMPLATES if "/distributions/" in place(t))
    assert f"| `{family}` |" in (copy / "docs" / "distributions.md").read_text()


@pytest.mark.slow
def test_what_was_added_passes_every_suite(copy):
    names = [component(template) for template in TEMPLATES]
    few = f"not (test_reaches_the_optimum and not ({FEW}))"
    few += f" and not (test_property and {of_kind('coordinates')} and not ({MET}))"
    files = [
        str(path.relative_to(copy))
        for path in sorted(copy.glob("tests/**/test_*.py"))
        if path.name != Path(__file__).name and ASKS.search(path.read_text())
    ]
    chosen = f"({' or '.join(['half_cauchy', *names])} or {OF_ALL}) and {few}"
    # Most time goes into the rewriting of asserts, for each new copy: a failure is read without.
    options = ["-q", "-p", "no:cacheprovider", "--assert=plain", "--junitxml", "report.xml"]
    options += ["-k", chosen]
    run(copy, "-m", "pytest", *options, *files)
    passed = Counter()
    for case in ElementTree.parse(copy / "report.xml").iter("testcase"):
        if case.find("skipped") is None:
            passed.update(name for name in names if name in case.get("name"))
    # Four checks of any component at least, and some of the kind's own.
    assert {name: passed[name] for name in names if passed[name] < 7} == {}

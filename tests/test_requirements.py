"""What tests and examples import, and the tables that they read, come with the project."""

import ast
import configparser
import re
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Benchmarks skip peers that are absent; the other folders have targets of their own in the Makefile.
APART = ("benchmarks", "optional", "release", "site", "broken")
FILES = sorted(
    path.relative_to(ROOT)
    for folder in ("tests", "examples")
    for path in (ROOT / folder).rglob("*.py")
    if not set(path.relative_to(ROOT).parts) & set(APART)
)
OWN = {"natfit", "tests", *(path.stem for path in FILES)}


def plain(name):
    """Return the name of a package as package indices compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def installed_by_the_suite():
    """Names of what setup.cfg installs for the tests, and what those packages themselves need."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = config["options"]["install_requires"] + config["options.extras_require"]["test"]
    return {plain(re.split(r"[ <>=~!\[]", line)[0]) for line in lines.split("\n") if line}


def imported(source):
    """Top-level names that a source imports, inside functions too."""
    tree = ast.parse(source)
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).split(".")[0])
    return found


@cache
def installed():
    return packages_distributions()


def packages(name):
    """Packages that hold an importable name; a name that is not installed stands for itself."""
    return {plain(package) for package in installed().get(name, [name])}


def foreign(source):
    """Imports that a machine with nothing but the suite's requirements may lack."""
    others = imported(source) - OWN - set(sys.stdlib_module_names)
    return {name for name in others if not packages(name) & installed_by_the_suite()}


# joblib and threadpoolctl come with scikit-learn, which requires both.
WITH_SCIKIT_LEARN = {"joblib", "threadpoolctl"}


def test_imports_are_requirements():
    found = {str(path): foreign((ROOT / path).read_text(encoding="utf-8")) for path in FILES}
    assert len(found) > 100
    assert {path: names for path, names in found.items() if names - WITH_SCIKIT_LEARN} == {}


def test_other_imports_are_found():
    source = (
        "import numpy, lifelines\ndef f():\n    from ondil.estimators import x\n    import json"
    )
    assert foreign(source) == {"lifelines", "ondil"}


@pytest.mark.parametrize("folder", ["tests/data", "examples/data"])
def test_tables_have_a_source(folder):
    # The gallery would take a README for a page of its own.
    (file,) = [p for p in (ROOT / folder).glob("*.md") if p.stem in ("README", "SOURCES")]
    text = file.read_text(encoding="utf-8")
    named = re.findall(r"^\| (\S+\.csv) \|", text, re.M)
    assert sorted(named) == sorted(path.name for path in (ROOT / folder).glob("*.csv"))

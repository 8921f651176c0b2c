"""The wheel in an environment that holds nothing else: what a user gets by pip install natfit."""

import configparser
import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import natfit

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WHEEL = ROOT / "dist" / f"natfit-{natfit.__version__}-py3-none-any.whl"
CONFIG = configparser.ConfigParser()
CONFIG.read(ROOT / "setup.cfg", encoding="utf-8")


def names(block):
    """Names of the packages that lines of setup.cfg require."""
    return {re.split(r"[ \[<>=]", line)[0] for line in block.split("\n") if line}


REQUIRED = names(CONFIG["options"]["install_requires"])
OF_EXTRAS = set().union(*map(names, CONFIG["options.extras_require"].values()))


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of an environment in which the wheel was installed without extras."""
    place = tmp_path_factory.mktemp("environment") / "venv"
    venv.create(place, with_pip=False)
    path = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", path, "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", WHEEL], check=True)
    listed = subprocess.run([*pip, "list", "--format=json"], check=True, capture_output=True)
    found = {package["name"].lower() for package in json.loads(listed.stdout)}
    assert REQUIRED | {"natfit"} <= found
    assert not found & OF_EXTRAS
    return path


@pytest.fixture
def run(python, tmp_path):
    """Run code in an empty folder, and return what it prints."""

    def call(code, *options):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        done = subprocess.run(
            [python, "-W", "error", *options, "-c", code],
            cwd=tmp_path, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    return call


def first_example():
    """The first block of Python in README that prints, with those before it, and its output."""
    block = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", re.M | re.S)
    code = []
    for found in block.finditer(README):
        code.append(found[1])
        if found[2] is not None:
            return "\n".join(code), found[2]
    raise AssertionError("README has no block with its output")


def test_the_first_example_of_readme_prints_what_is_said(run):
    code, output = first_example()
    assert run(code) == output


LOADED = """
import json, sys
{code}
found = {{name: getattr(m, "__file__", None) for name, m in list(sys.modules.items())}}
print(json.dumps({{name: file for name, file in found.items() if file}}))
"""


def loaded(run, code):
    return json.loads(run(LOADED.format(code=code)).splitlines()[-1])


def test_no_file_of_tests_docs_or_examples_is_loaded(run, python):
    files = loaded(run, first_example()[0])
    place = python.parents[1]
    own = {n: f for n, f in files.items() if n.split(".")[0] == "natfit"}
    assert len(own) > 100
    assert [f for f in own.values() if place not in Path(f).parents] == []
    # Beyond the standard library everything is the environment's, and nothing the repository's.
    assert [
        f for f in files.values() if ROOT in Path(f).parents and place not in Path(f).parents
    ] == []
    assert not {n.split(".")[0] for n in files} & {
        "tests",
        "docs",
        "examples",
        "conftest",
        "pytest",
    }


def test_nothing_but_the_package_is_installed(run):
    code = (
        "from importlib.metadata import files, packages_distributions\n"
        "print({str(f).split('/')[0] for f in files('natfit')} - {'natfit'})\n"
        "print([n for n, d in packages_distributions().items() if 'natfit' in d])"
    )
    other, names = run(code).splitlines()
    assert other == f"{{'natfit-{natfit.__version__}.dist-info'}}"
    assert names == "['natfit']"


def test_packages_of_extras_are_not_needed(run):
    """Every module imports without them; those that need one say so when they are used."""
    code = """
import importlib, pkgutil, natfit
names = [m.name for m in pkgutil.walk_packages(natfit.__path__, "natfit.")]
for name in names:
    importlib.import_module(name)
"""
    files = loaded(run, code)
    assert sum(n.startswith("natfit.") for n in files) > 500
    said = 'import natfit\ntry: natfit.display.DensityDisplay.from_estimator(natfit.fit("gamma", [1.0, 2.0, 4.0]), [[1.0]])'
    said += "\nexcept ImportError as error: print(error)"
    assert 'run: pip install "natfit[plot]"' in run(said)

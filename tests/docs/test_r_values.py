"""The page for those who come from R: what is stored are R's answers to the code that it shows."""

import ast
import importlib.util
import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from natfit._component import resolve
from natfit.distributions import ZeroInflated
from natfit.distributions.base import Distribution
from natfit.distributions.contract.frozen import Frozen

FOLDER = Path(__file__).parents[2] / "docs" / "elsewhere"
PAGE = (FOLDER / "r.md").read_text(encoding="utf-8")
STORED = json.loads((FOLDER / "r_values.json").read_text(encoding="utf-8"))


def script():
    spec = importlib.util.spec_from_file_location("r_values", FOLDER / "r_values.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_pair_has_a_value_and_every_value_a_pair():
    named = [block["name"] for block in script().blocks(PAGE) if "name" in block]
    assert len(named) == len(set(named)) >= 20
    assert sorted(named) == sorted(STORED["values"])


def test_the_page_names_the_versions_that_answered():
    assert script().with_versions(PAGE, STORED["versions"]) == PAGE
    assert script().with_versions(PAGE, {"R": "0.0"}) != PAGE
    assert set(STORED["versions"]) == {"R", *script().PACKAGES} - {"jsonlite"}


def test_blocks_keep_their_order_and_their_names():
    page = "```r\nx <- 1\n```\n% value one\n```r\nx\n```\n```python\nx\n```\n```r\ny\n```\n"
    assert script().blocks(page) == [
        {"text": "x <- 1\n"},
        {"text": "x\n", "name": "one"},
        {"text": "y\n"},
    ]


def test_without_r_the_script_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match="apt-get install r-base-core r-cran-mass"):
        script().answers(PAGE)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_r_gives_the_stored_answers():
    try:
        found = script().answers(PAGE)
    except RuntimeError as reason:
        if "there is no package" in str(reason):
            pytest.skip(str(reason))
        raise
    assert sorted(found["values"]) == sorted(STORED["values"])
    for name, value in STORED["values"].items():
        np.testing.assert_allclose(found["values"][name], value, rtol=1e-5, err_msg=name)


# ------------------------------------------------------------------------------ names of gamlss

ROW = re.compile(r"^\| `(\w+)\(([\w, ]+)\)`.*? \| `(.*?)`, `(.*?)` \| `(.*?)` \|$", re.M)
GAMLSS = ROW.findall(PAGE.split("<!-- gamlss -->")[1].split("<!-- end -->")[0])
AT = {"mu": 0.6, "sigma": 0.4, "nu": 5.0}
WORDS = {"exp": math.exp, "gamma": math.gamma, "pi": math.pi, "euler": np.euler_gamma}


def number(text):
    return eval(text, {"__builtins__": {}}, {**WORDS, **AT})


def member(text):
    """The frozen distribution that a cell such as ``poisson(rate=mu)`` names."""
    call = ast.parse(text, mode="eval").body
    name = call.func.id
    params = {word.arg: number(ast.unparse(word.value)) for word in call.keywords}
    family = ZeroInflated("poisson") if name == "zero_inflated" else resolve(name, Distribution)
    return Frozen(family, np.reshape(family.eta(**params), (1, -1)))


@pytest.mark.parametrize("row", GAMLSS, ids=[row[0] for row in GAMLSS])
def test_names_of_gamlss_have_its_moments(row):
    frozen = member(row[4])
    found = [float(np.squeeze(frozen.mean())), float(np.squeeze(frozen.var()))]
    np.testing.assert_allclose(found, [number(row[2]), number(row[3])], rtol=1e-8)


def test_all_names_of_gamlss_are_tried():
    table = PAGE.split("<!-- gamlss -->")[1].split("<!-- end -->")[0]
    assert len(GAMLSS) == table.count("\n| `") >= 10

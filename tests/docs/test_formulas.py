"""The formulas in the docstrings of families against the moments of scipy or of the package."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import sympy

from natfit._component import available, component_class
from natfit.distributions.base import Distribution
from natfit.distributions.contract.frozen import Frozen
from natfit.testing.data import points

DOCS = Path(__file__).parents[2] / "docs"


def load(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


told = load("_formulas")


def examples():
    for name in available(Distribution):
        cls = component_class(name, Distribution)
        if "mean" in told.formulas(cls):
            yield pytest.param(cls.examples()[-1], id=name)


def test_most_families_say_their_moments():
    assert len(list(examples())) > 35


def value(text, where, values):
    """A formula at native values, with sympy's numbers."""
    symbols = {sympy.Symbol(k, real=True): v for k, v in values.items()}
    if where:
        short, formula = where.split(" = ")
        symbols[sympy.Symbol(short, real=True)] = value(formula, None, values)
    found = told.parsed(text, [str(s) for s in symbols])
    return float(found.subs({s: sympy.Float(v, 30) for s, v in symbols.items()}).evalf(20))


@pytest.mark.parametrize("family", list(examples()))
def test_moments_of_docstrings_are_those_of_the_distribution(family):
    """scipy's moments where scipy has the family, otherwise integrals over the density."""
    said = told.formulas(type(family))
    compared = 0
    for eta in points(family, 4):
        values = {k: float(v) for k, v in family.native_dict(eta).items()}
        values |= {k: float(v) for k, v in family.get_params().items() if isinstance(v, int)}
        frozen = Frozen(family, eta[None])
        try:
            other = frozen.to_scipy()
        except ValueError:
            other = frozen
        try:
            moments = {"mean": float(other.mean()), "variance": float(other.var())}
        except ValueError:
            continue
        for name in moments.keys() & said.keys():
            if np.isfinite(moments[name]):
                got = value(said[name], said.get("where"), values)
                assert got == pytest.approx(moments[name], rel=2e-6, abs=1e-9), (name, values)
                compared += 1
    assert compared

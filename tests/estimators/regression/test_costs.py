"""No regression asks for a Fisher information that loops over the rows."""

import numpy as np
import pytest

from natfit import NaturalRegressor
from natfit._component import resolve
from natfit.distributions import Hurdle, NegativeBinomial, Truncated
from natfit.distributions.base import Distribution
from natfit.testing.data import points

FAMILIES = [
    Hurdle("negative_binomial"),
    "skew_normal",
    "gev",
    "exponentiated_weibull",
    "generalized_gamma",
    NegativeBinomial(),
    Truncated(),
    Truncated("gamma", 0.5, 8.0),
]


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_no_information_is_integrated_row_by_row(family, monkeypatch):
    family = resolve(family, Distribution)
    assert not family.fisher_by_rows
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 1))
    eta = np.tile(points(family)[0], (400, 1))
    driven = next(
        (family.blocks[name].start for name in ("mean", "loc") if name in family.params), -1
    )
    eta[:, driven] += 0.3 * x[:, 0]
    y = family.sample(eta, rng)
    whole = type(family).fisher

    def one(self, eta):
        assert len(eta) == 1, f"the information of {len(eta)} rows was asked for"
        return whole(self, eta)

    monkeypatch.setattr(type(family), "fisher", one)
    model = NaturalRegressor(distribution=family).fit(x, y)
    assert model.status_.good

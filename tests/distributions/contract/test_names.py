"""Names of scipy stand for the families with the same densities."""

import numpy as np
import pytest
from scipy import stats

import natfit
from natfit._component import resolve
from natfit.distributions.base import Distribution
from natfit.distributions.contract.names import ALIASES, ALSO_CALLED
from natfit.testing.data import points, some_rows


@pytest.mark.parametrize("name", ALIASES)
def test_an_alias_is_scipys_distribution_of_that_name(name):
    """The frozen distribution is scipy's own of this name, and has the family's density."""
    family = resolve(name, Distribution)
    for eta in points(family, 2, seed=3):
        frozen = family.to_scipy(eta)
        assert frozen.dist.name == getattr(stats, name).name
        y = some_rows(family, eta, 20)
        log = frozen.logpmf if family.support.integer else frozen.logpdf
        np.testing.assert_allclose(family.log_prob(y, eta[None]), log(y), rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "x"),
    [
        ("norm", [0.2, 1.4, -0.3, 2.2, 0.9]),
        ("nbinom", [0, 3, 1, 9, 2, 0, 5]),
        ("genextreme", [-0.4, 1.9, 0.3, 5.1, 0.8, 1.1, 2.2, 0.1]),
        ("fisk", [0.4, 1.9, 0.3, 5.1, 0.8, 1.1]),
    ],
)
def test_a_fit_by_scipys_name_has_scipys_density(name, x):
    model = natfit.fit(name, np.array(x, dtype=float))
    frozen = model.distribution_.to_scipy(model.theta_)
    assert frozen.dist.name == getattr(stats, name).name
    log = frozen.logpmf if frozen.dist.name == "nbinom" else frozen.logpdf
    total = model.score(np.array(x, dtype=float)[:, None]) * len(x)
    assert log(np.array(x)).sum() == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("name", ["geom", "binom"])
def test_a_name_with_another_density_is_no_alias(name):
    """The first value of scipy's geom is one; its binom needs the number of trials."""
    how = {"geom": "begins at 1", "binom": r"natfit.distributions.Binomial\(n\)"}[name]
    with pytest.raises(ValueError, match=f"did you mean '{ALSO_CALLED[name]}'.*{how}"):
        natfit.fit(name, np.array([1.0, 2.0, 1.0]))

"""Every family says what its fit is, whatever the status."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit._component import registered
from natfit.distributions import Censored, Distribution
from natfit.testing.data import points, some_rows
from tests.fits import fitted

#: Families of rows that are not complete are asked through the rows; times that never end are
#: such rows.
COMPLETE = [
    (name, family)
    for name, family in registered(Distribution)
    if family.information.complete and np.isfinite(family.atoms).all()
]


@pytest.mark.filterwarnings(f"ignore::{ConvergenceWarning.__module__}.ConvergenceWarning")
@pytest.mark.parametrize(("name", "family"), COMPLETE)
def test_every_family_has_a_summary_and_criteria(name, family):
    y = some_rows(family, points(family, 1)[0], 120)
    model = fitted(family, y)
    summary = model.summary(X=y)
    for text in (str(summary), summary._repr_html_(), repr(model)):
        assert "nan" not in text
        assert str(model.status_) in text
    assert max(map(len, str(summary).splitlines())) <= 100
    for row in summary.table:
        assert row["standard_error"] >= 0.0
        assert row["lower"] <= row["upper"]
        # An end that rests at a row is known one-sidedly.
        assert row["mark"] or row["lower"] <= row["estimate"] <= row["upper"]
    names = {row["parameter"].split("[")[0] for row in summary.table}
    assert names == set(model.distribution_.params)
    facts = summary.facts
    assert facts["n_parameters"] == model.distribution_.n_params
    assert facts["aic"] == pytest.approx(2.0 * facts["n_parameters"] - 2.0 * model.loglik_)
    assert facts["aic"] == pytest.approx(model.aic(y), rel=1e-8, abs=1e-6)
    assert facts["bic"] == pytest.approx(model.bic(y), rel=1e-8, abs=1e-6)
    assert facts["tic"] == np.inf or np.isfinite(facts["tic"])


@pytest.mark.parametrize("name", ["weibull", "lognormal", "poisson"])
def test_intervals_and_windows(name):
    rng = np.random.default_rng(0)
    y = np.ceil(rng.weibull(1.5, 150) * 4.0)
    rows = Censored(np.where(y > 6.0, 6.0, y), np.where(y > 6.0, np.inf, y)).within(1.0, np.inf)
    model = fitted(name, rows)
    assert model.aic() == pytest.approx(model.aic(rows), rel=1e-10)
    assert np.isfinite(model.tic(rows))
    assert "nan" not in str(model.summary(cov_type="robust", X=rows))
    comparison = natfit.compare(rows, [name])
    assert comparison.table[0]["loglik"] == model.loglik_


@pytest.mark.parametrize(("name", "family"), COMPLETE)
def test_every_family_is_a_candidate(name, family):
    y = some_rows(family, points(family, 1)[0], 120)
    comparison = natfit.compare(y, [family])
    (row,) = comparison.table
    assert row["name"].startswith(type(family).__name__)
    assert row["mark"] != "failed", row["note"]
    assert row["loglik"] == fitted(family, y).loglik_
    assert "nan" not in str(comparison)
    if family.event_shape == () and family.has_cdf and not family.support.integer:
        assert (row["fit"] is None) == bool(family.atoms)

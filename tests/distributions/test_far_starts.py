"""Starts that are far off, or at the end of a parameter's range."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from natfit import NaturalMLE
from natfit._component import available
from natfit.distributions.base import Distribution
from natfit.iterate import Status
from natfit.rows import Memory
from tests.cases import case
from tests.fits import fitted, gamma_poisson, native


@pytest.mark.parametrize("factor", [1e-4, 1e4])
@pytest.mark.parametrize("name", ["negative_binomial", "zero_inflated", "beta", "von_mises"])
def test_a_start_off_by_ten_thousand(name, factor):
    rng = np.random.default_rng(7)
    y, key = {
        "negative_binomial": (gamma_poisson(rng, 4.0, 1.5, 300), "mean"),
        "zero_inflated": (rng.poisson(4.0, 300) * (rng.random(300) < 0.7), "rate"),
        "beta": (rng.beta(2.0, 3.0, 300), "b"),
        "von_mises": (rng.vonmises(1.0, 2.0, 300), "kappa"),
    }[name]
    best = fitted(name, y)
    start = {**native(best), key: native(best)[key] * factor}
    model = fitted(name, y, start_params=start)
    assert model.status_ == "converged", model.message_
    assert model.n_iter_ <= 60
    for k, v in native(best).items():
        assert native(model)[k] == pytest.approx(v, abs=1e-3 * best.standard_errors_[k][0])


@pytest.mark.parametrize("metric", ["auto", "observed", "empirical", "monte_carlo"])
@pytest.mark.parametrize("name", available(Distribution))
def test_a_start_at_the_end_of_a_range_fails_clearly(name, metric):
    """Sums overflow there: a fit ends with a status or a word on the start, without a warning."""
    rows = Memory(case(name).data)
    family = case(name).family.bind(rows)
    if not family.information.complete:
        pytest.skip("rows are intervals, whose family is fitted by itself")
    low, high, _ = family.limits
    own = family.refine_start(rows, family.initial(rows.few(), np.random.default_rng(0)))
    X = rows.y.reshape(rows.n, -1)
    for k, end in [(k, end[k]) for k in range(family.n_params) for end in (low, high)]:
        if not np.isfinite(end):
            continue
        start = np.where(np.arange(family.n_params) == k, end, own)
        model = NaturalMLE(family, metric=metric, start_params=start, max_iter=4, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", ConvergenceWarning)
            try:
                model.fit(X)
            except ValueError as error:
                words = ("start_params must give a finite likelihood", "too little probability")
                assert any(w in str(error) for w in words)
                continue
            errors = model.standard_errors_
        assert model.status_ in set(Status)
        for values in (model.params_, errors):
            assert not np.isnan(np.concatenate([np.ravel(v) for v in values.values()])).any()

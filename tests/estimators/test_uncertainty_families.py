"""Wald's intervals of every registered family: finite, inside the range, around the estimate."""

import functools

import numpy as np
import pytest

import natfit
from natfit._component import registered
from natfit.distributions.base import Distribution
from natfit.inference import derivative
from natfit.testing.data import points, some_rows
from tests.fits import fitted

#: Wrappers of rows that are intervals are made by fits themselves, which tests of censored rows
#: cover.
CASES = {
    f"{name}-{i}": family
    for i, (name, family) in enumerate(registered(Distribution))
    if family.information.complete
}
UNIVARIATE = [c for c in CASES if CASES[c].event_shape == () and CASES[c].has_cdf]

#: Why an end may be infinite: what the limit of a parameter stands for is not excluded by rows.
REACHES_A_LIMIT = ("Reciprocal", "Sinh", "Rooted", "Cubic", "Share", "Limited", "Weights")


def rows_of(family):
    return some_rows(family, points(family)[0], 300)


@functools.cache
def fit(case):
    y = rows_of(CASES[case])
    if np.isfinite(y).all():
        return fitted(CASES[case], y)
    # Those who are cured are watched up to the last event.
    seen = np.isfinite(y)
    return fitted(CASES[case], natfit.Censored.right(np.where(seen, y, y[seen].max()), seen))


@pytest.mark.parametrize("case", CASES)
def test_parameters(case):
    model = fit(case)
    family, found = model.distribution_, model.conf_int()
    assert set(found) == set(model.params_)
    for name, ends in found.items():
        constraint, value = family.params[name], model.params_[name]
        assert ends.shape == (*value.shape, 2)
        assert not np.isnan(ends).any()
        low, high = ends[..., 0], ends[..., 1]
        assert np.all(low <= value) and np.all(value <= high)
        if name in family.row_ends:
            continue
        least, most = constraint.native_bounds
        if constraint.entries is None:
            assert np.all(low >= least) and np.all(high <= most)
        else:
            assert np.all(np.diagonal(low) > 0)
        if type(constraint).__name__ not in REACHES_A_LIMIT:
            assert np.isfinite(ends).all()
            assert np.all(low < high)


#: Methods whose derivatives are asked of every univariate family, with the share of rows below x.
METHODS = {"ppf": 0.1, "isf": 0.6, "cdf": None, "logsf": None}


@pytest.mark.parametrize("case", UNIVARIATE)
def test_functions(case):
    model = fit(case)
    family = model.distribution_
    x = float(np.quantile(rows_of(CASES[case]), 0.3))
    for name, share in METHODS.items():
        if share is not None and family.support.integer:
            with pytest.raises(ValueError, match="moves in steps"):
                model.estimate(name, share)
            continue
        found = model.estimate(name, x if share is None else share)
        assert not np.isnan([found.standard_error, found.low, found.high]).any()
        assert found.low <= found.value <= found.high
        if not family.row_ends:
            assert np.isfinite(found.standard_error)
        if name == "cdf":
            assert 0.0 <= found.low and found.high <= 1.0


@pytest.mark.parametrize("case", UNIVARIATE)
def test_closed_derivatives(case):
    from natfit.inference import quantity

    model = fit(case)
    family = model.distribution_
    x = float(np.quantile(rows_of(CASES[case]), 0.3))
    errors = np.sqrt(np.diagonal(model._covariances("observed", None, None, None)[1][0]))
    unit = np.where(np.isfinite(errors), errors, 1.0)
    for name in ("cdf", "logsf", "pdf"):
        asked = quantity.of(name, (x,), family, model._frozen_at)
        exact = asked.exact(model._theta) if asked.smooth else None
        if exact is None:
            continue
        want = derivative.by_differences(asked._flat, model._theta, errors, model._limits, name)
        size = np.abs(want * unit).max()
        np.testing.assert_allclose(exact * unit, want * unit, rtol=1e-4, atol=1e-6 * size)
    exact = quantity.of("ppf", (0.1,), family, model._frozen_at).exact(model._theta)
    if exact is None:
        return
    # P(Y <= Q(p)) = p at all parameters, so that f dQ = -dP at the quantile.
    y = float(model.frozen_.ppf(0.1))
    asked = quantity.of("cdf", (y,), family, model._frozen_at)
    want = derivative.by_differences(asked._flat, model._theta, errors, model._limits, "cdf")
    found = -exact * model.frozen_.pdf(y)
    size = np.abs(want * unit).max()
    np.testing.assert_allclose(found * unit, want * unit, rtol=1e-4, atol=1e-6 * size)


def test_a_limit_that_is_reached():
    # Zero-inflated counts without excess zeros: the share of zeros rests at zero.
    from natfit.distributions import ZeroInflated

    y = np.array([1.0, 2, 1, 1, 2, 1, 1, 3, 1, 2, 2, 1])
    model = fitted(ZeroInflated("poisson"), y)
    assert model.status_ == "boundary"
    low, high = model.conf_int()["zero_prob"][0]
    assert (low, high) == (0.0, 1.0)
    assert np.isfinite(model.conf_int()["rate"]).all()

"""Statements on Laplace regressions, whose log-likelihood has a kink at each row.

The oracle is the linear programme of least absolute deviations, by scipy's HiGHS.
"""

import numpy as np
import pytest
from scipy.optimize import brentq, linprog
from scipy.stats import chi2

from natfit import NaturalRegressor

ROWS = 90


def data():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(ROWS, 2))
    return X, X[:, 0] + rng.laplace(size=ROWS), rng.integers(1, 4, ROWS)


def deviations(X, y, weight, line=None, value=0.0):
    """The least weighted sum of deviations, where ``line @ b`` is given, and its derivative."""
    n = len(y)
    Z = np.column_stack([X, np.ones(n)])
    equal, right = np.hstack([Z, np.eye(n), -np.eye(n)]), y
    if line is not None:
        equal = np.vstack([equal, np.concatenate([line, np.zeros(2 * n)])])
        right = np.append(y, value)
    found = linprog(
        np.concatenate([np.zeros(3), weight, weight]),
        A_eq=equal,
        b_eq=right,
        bounds=[(None, None)] * 3 + [(0, None)] * (2 * n),
        method="highs",
    )
    return found.fun, found.eqlin.marginals[-1]


def deviance(X, y, weight, line, value):
    """Twice the log-likelihood that is lost where ``line @ b`` has a value: W log of the ratio."""
    held, best = deviations(X, y, weight, line, value)[0], deviations(X, y, weight)[0]
    return 2.0 * weight.sum() * np.log(held / best)


def ends(X, y, weight, line, centre):
    quantile = chi2.ppf(0.95, 1)

    def excess(value):
        return deviance(X, y, weight, line, value) - quantile

    return [brentq(excess, centre + s, centre, xtol=1e-9) for s in (-2.0, 2.0)]


def given(weighted):
    X, y, weight = data()
    if weighted:
        return X, y, weight, {"X": X, "y": y, "sample_weight": weight}
    return X, y, np.ones(ROWS), {"X": X, "y": y}


def fitted(rows, **how):
    model = NaturalRegressor("laplace", **how)
    return model.fit(rows["X"], rows["y"], sample_weight=rows.get("sample_weight"))


@pytest.mark.parametrize("weighted", [False, True])
def test_profile_interval_has_the_ends_of_constrained_least_deviations(weighted):
    X, y, weight, rows = given(weighted)
    model = fitted(rows)
    got = model.conf_int(method="profile", **rows)
    for name, line in zip(("loc[x0]", "loc[intercept]"), np.eye(3)[[0, 2]], strict=True):
        want = ends(X, y, weight, line, model.coefficients_[name])
        np.testing.assert_allclose(got[name], want, atol=1e-7)
    mean = model.estimate("mean", at=X[:1], method="profile", **rows)
    want = ends(X, y, weight, np.append(X[0], 1.0), float(mean.value[0]))
    np.testing.assert_allclose(np.ravel([mean.low, mean.high]), want, atol=1e-7)


@pytest.mark.parametrize("weighted", [False, True])
def test_tests_by_name_are_those_of_constrained_least_deviations(weighted):
    X, y, weight, rows = given(weighted)
    model, line = fitted(rows), np.eye(3)[0]
    ratio = model.likelihood_ratio_test("loc[x0]", **rows).statistic
    np.testing.assert_allclose(ratio, deviance(X, y, weight, line, 0.0), rtol=1e-9)

    def score(value):
        least, slope = deviations(X, y, weight, line, value)
        Z = np.column_stack([X, np.ones(ROWS)])
        width = least / weight.sum()
        inverse = np.linalg.inv((Z.T * weight) @ Z / width**2)
        return (slope / width) ** 2 * inverse[0, 0]

    got = model.score_test("loc[x0]", **rows).statistic
    np.testing.assert_allclose(got, score(0.0), rtol=1e-8)
    low, high = model.conf_int(method="score", of="loc[x0]", **rows)["loc[x0]"]
    # The statistic jumps at its ends.
    quantile = chi2.ppf(0.95, 1)
    for end, outward in ((low, -1e-6), (high, 1e-6)):
        assert score(end - outward) <= quantile <= score(end + outward)


def test_penalised_walk_tends_to_the_same_ends():
    X, y, weight, rows = given(False)
    model = fitted(rows, alpha=1e-9)
    got = model.conf_int(method="profile", of="loc[x0]", **rows)["loc[x0]"]
    want = ends(X, y, weight, np.eye(3)[0], model.coefficients_["loc[x0]"])
    np.testing.assert_allclose(got, want, atol=1e-6)
    strong = fitted(rows, alpha=0.3)
    found = strong.conf_int(method="profile", **rows)
    assert all(low < strong.coefficients_[k] < high for k, (low, high) in found.items())
    assert found["scale"][0] > 0.5 and found["scale"][1] < 2.0


def test_interval_and_test_are_those_of_refits_where_widths_depend_on_x():
    X, y, _, rows = given(False)
    model = fitted(rows, features_for="all")
    smaller = {"loc": [1], "scale": [0, 1]}
    for end in model.conf_int(method="profile", of="loc[x0]", **rows)["loc[x0]"]:
        held = NaturalRegressor("laplace", features_for=smaller).fit(X, y - end * X[:, 0])
        lost = 2.0 * (model.loglik_ - held.loglik_)
        np.testing.assert_allclose(lost, chi2.ppf(0.95, 1), atol=1e-5)
    less = NaturalRegressor("laplace", features_for={"loc": [0, 1], "scale": [0]}).fit(X, y)
    got = model.likelihood_ratio_test("scale[x1]", **rows).statistic
    np.testing.assert_allclose(got, 2.0 * (model.loglik_ - less.loglik_), atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_fit_of_rows_with_many_ties_has_the_least_deviations(seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 2 + seed % 3, size=(150, 2)).astype(float)
    y = np.round(X[:, 0] + 2.0 * rng.laplace(size=150))
    model = NaturalRegressor("laplace").fit(X, y)
    assert model.status_ == "converged", model.message_
    got = np.abs(y - model.predict(X)).sum()
    np.testing.assert_allclose(got, deviations(X, y, np.ones(150))[0], rtol=1e-9)
    low, high = model.conf_int(method="profile", of="loc[x0]", X=X, y=y)["loc[x0]"]
    for end in (low, high):
        lost = deviance(X, y, np.ones(150), np.eye(3)[0], end)
        np.testing.assert_allclose(lost, chi2.ppf(0.95, 1), atol=1e-5)


def test_function_of_location_and_width_is_refused():
    X, _, _, rows = given(False)
    with pytest.raises(ValueError, match="kink at its location .* use method='wald'"):
        fitted(rows).estimate("ppf", 0.9, at=X[:1], method="profile", **rows)


def test_covariances_of_scores_rest_on_no_last_bits():
    X, y, weight = data()
    groups = np.arange(ROWS) % 9
    base = fitted({"X": X, "y": y, "sample_weight": weight})
    long = np.repeat(np.arange(ROWS), weight)
    other = fitted({"X": X[long], "y": y[long]})
    wide = fitted({"X": X, "y": 7.0 * y, "sample_weight": weight})
    unit = np.array([1 / 7.0, 1 / 7.0, 1 / 7.0, 1 / 7.0])
    for kind in ("observed", "opg", "robust", "cluster"):
        own, more = (
            ({"groups": groups}, {"groups": groups[long]}) if kind == "cluster" else ({}, {})
        )
        want = base.cov_params(kind, X=X, y=y, sample_weight=weight, **own)
        got = other.cov_params(kind, X=X[long], y=y[long], **more)
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-10)
        got = wide.cov_params(kind, X=X, y=7.0 * y, sample_weight=weight, **own)
        np.testing.assert_allclose(got * np.outer(unit, unit), want, rtol=1e-8, atol=1e-10)
    tic = base.tic(X, y, sample_weight=weight)
    np.testing.assert_allclose(other.tic(X[long], y[long]), tic, rtol=1e-10)
    got = wide.tic(X, 7.0 * y, sample_weight=weight) - 2.0 * weight.sum() * np.log(7.0)
    np.testing.assert_allclose(got, tic, rtol=1e-10)

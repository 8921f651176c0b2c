"""y of a regression: vectors, censored and windowed rows, weights, and what is refused."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from sklearn.exceptions import DataConversionWarning
from sklearn.model_selection import cross_val_score

from natfit import Censored, NaturalRegressor


def durations(n=300, seed=2):
    """Features, times and whether the event was seen, of a Weibull model with censoring."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    time = rng.weibull(1.5, n) * np.exp(1.0 + X @ [0.5, -0.3])
    end = rng.exponential(6.0, n)
    return X, np.minimum(time, end), time <= end


def weibull_log_likelihood(model, X, time, event, entry=0.0):
    """Written with scipy's distribution; log S(entry) is what delayed entry divides by."""
    scale = np.exp(X @ model.coef_["scale"] + model.intercept_["scale"])
    law = stats.weibull_min(np.exp(model.intercept_["shape"]), scale=scale)
    return np.where(event, law.logpdf(time), law.logsf(time)).sum() - law.logsf(entry).sum()


def test_durations_in_all_forms():
    X, time, event = durations()
    records = np.zeros(len(time), dtype=[("event", bool), ("time", float)])
    records["event"], records["time"] = event, time
    swapped = np.zeros(len(time), dtype=[("t", np.float32), ("seen", bool)])
    swapped["t"], swapped["seen"] = time, event
    scipy = stats.CensoredData.right_censored(time, ~event)
    order = np.r_[np.flatnonzero(event), np.flatnonzero(~event)]  # scipy's object sorts its rows
    model = NaturalRegressor("weibull", tol=1e-9).fit(X, Censored.right(time, event))
    assert model.status_ == "converged" and repr(model.distribution_) == "Weibull()"
    assert model.loglik_ == pytest.approx(weibull_log_likelihood(model, X, time, event), rel=1e-12)
    for rows, y in ((X, records), (X, swapped), (X[order], scipy)):
        other = NaturalRegressor("weibull", tol=1e-9).fit(rows, y)
        np.testing.assert_allclose(other.coef_["scale"], model.coef_["scale"], rtol=2e-6)
    score = model.score(X, records)
    assert score * len(time) == pytest.approx(model.loglik_, rel=1e-12)


def test_records_are_split_by_cross_validation():
    X, time, event = durations()
    y = Censored.right(time, event)
    scores = cross_val_score(NaturalRegressor("weibull"), X, y, cv=4)
    assert scores.shape == (4,) and np.isfinite(scores).all()


def test_delayed_entry():
    X, time, event = durations()
    entry = np.random.default_rng(0).uniform(0.0, 0.4, len(time))
    seen = time > entry
    X, time, event, entry = X[seen], time[seen], event[seen], entry[seen]
    carried = Censored.right(time, event, entry=entry)
    model = NaturalRegressor("weibull", tol=1e-9).fit(X, carried)
    expected = weibull_log_likelihood(model, X, time, event, entry)
    assert model.loglik_ == pytest.approx(expected, rel=1e-10)
    option = NaturalRegressor("weibull", tol=1e-9, truncation=(entry, None))
    option.fit(X, Censored.right(time, event))
    assert option.loglik_ == pytest.approx(model.loglik_, rel=1e-12)
    assert model.score(X, carried) * len(time) == pytest.approx(model.loglik_, rel=1e-12)
    # What is predicted is the time itself, not what is seen of it.
    law = stats.weibull_min(
        np.exp(model.intercept_["shape"]),
        scale=np.exp(X @ model.coef_["scale"] + model.intercept_["scale"]),
    )
    np.testing.assert_allclose(model.predict(X), law.mean(), rtol=1e-9)
    with pytest.raises(ValueError, match="3 low ends|low ends for 10 rows"):
        option.score(X[:10], Censored.right(time, event)[:10])
    with pytest.raises(ValueError, match="one window, got windows with y and as an option"):
        option.fit(X, carried)


def test_one_window_for_all_rows():
    X, time, _ = durations()
    inside = time > 0.5
    X, time = X[inside], time[inside]
    model = NaturalRegressor("weibull", truncation=(0.5, None), tol=1e-9).fit(X, time)
    by_row = NaturalRegressor("weibull", truncation=(np.full(len(time), 0.5), None), tol=1e-9)
    assert by_row.fit(X, time).loglik_ == pytest.approx(model.loglik_, rel=1e-12)
    assert model.loglik_ == pytest.approx(weibull_log_likelihood(model, X, time, True, 0.5))
    with pytest.raises(ValueError, match="must be finite numbers >= 0.5"):
        model.fit(X, time - 0.3)


@pytest.mark.parametrize("family", ["normal", "gamma", "weibull", "poisson"])
@pytest.mark.parametrize("censored", [False, True])
def test_weights_are_repetitions(family, censored):
    X, time, event = durations()
    y = np.ceil(time) if family == "poisson" else time
    y = Censored.right(y, event) if censored else y
    weight = np.random.default_rng(5).integers(0, 4, len(time))
    rows = np.arange(len(time)).repeat(weight)
    offset = 0.1 * X[:, 0]
    model = NaturalRegressor(family, features_for="all", tol=1e-9)
    weighted = model.fit(X, y, weight, offset=offset)
    score = model.score(X, y, weight, offset=offset)
    coef, loglik, total = weighted.coef_, weighted.loglik_, weighted.n_obs_
    null = weighted.null_log_likelihood_
    repeated = model.fit(X[rows], y[rows], offset=offset[rows])
    assert total == repeated.n_obs_ == weight.sum()
    assert loglik == pytest.approx(repeated.loglik_, rel=1e-10)
    assert null == pytest.approx(repeated.null_log_likelihood_, rel=1e-9)
    assert score == pytest.approx(repeated.score(X[rows], y[rows], offset=offset[rows]), rel=1e-10)
    for name in coef:
        np.testing.assert_allclose(coef[name], repeated.coef_[name], atol=1e-6)


def test_a_column_warns_and_is_a_vector():
    X, time, _ = durations()
    vector = NaturalRegressor().fit(X, time)
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        column = NaturalRegressor().fit(X, time[:, None])
    np.testing.assert_array_equal(vector.coef_["loc"], column.coef_["loc"])


@pytest.mark.parametrize("make", [pd.Series, pl.Series, list, lambda y: np.array(y, np.float32)])
def test_containers_of_y(make):
    X, time, _ = durations()
    y = time.astype(np.float32).astype(float)
    one, two = (NaturalRegressor().fit(X, v) for v in (y, make(y)))
    np.testing.assert_array_equal(one.coef_["loc"], two.coef_["loc"])


def test_vectors_are_explained_by_a_family_of_vectors():
    X, _, _ = durations()
    rng = np.random.default_rng(0)
    Y = X @ [[1.0, 0.0], [2.0, 1.0]] + rng.normal(size=X.shape)
    model = NaturalRegressor("multivariate_normal", tol=1e-9).fit(X, Y)
    design = np.column_stack([X, np.ones(len(X))])
    beta = np.linalg.lstsq(design, Y, rcond=None)[0]
    np.testing.assert_allclose(model.coef_["loc"], beta[:2].T, atol=1e-7)
    np.testing.assert_allclose(model.intercept_["loc"], beta[2], atol=1e-7)


def wrong(y, value):
    y = y.copy()
    y[3] = value
    return y


BAD = [
    (lambda t, e: np.column_stack([t, e]), r"natfit.Censored.right\(time, event\)"),
    (lambda t, e: pd.DataFrame({"t": t, "e": e}), r"columns \['t', 'e'\]; pass natfit.Censored"),
    (lambda t, e: wrong(t, np.nan), "Input y contains NaN. The first is at row 3"),
    (lambda t, e: wrong(t, np.inf), "Input y contains infinity"),
    (lambda t, e: wrong(t, -1.0), "Negative values in data: y must be finite numbers > 0"),
    (lambda t, e: np.ma.masked_greater(t, 5.0), "y must not be masked"),
    (lambda t, e: t[:-1], "same number of rows, got 300 and 299"),
    (lambda t, e: Censored.right(t, e)[:-1], "same number of rows, got 300 and 299"),
    (lambda t, e: Censored.right(wrong(t, np.nan), e), "intervals of y must not be NaN"),
    (lambda t, e: None, "requires y to be passed"),
    (lambda t, e: np.where(e, "yes", "no"), "NaturalClassifier takes labels of classes"),
    (lambda t, e: pd.Series(np.where(e, "a", "b")), "NaturalClassifier takes labels"),
    (lambda t, e: np.array(list(zip(t, t, strict=True)), dtype=[("a", float), ("b", float)]), "y must have two fields"),
    (lambda t, e: t.reshape(3, 10, 10), "got shape"),
]  # fmt: skip


@pytest.mark.parametrize("make, words", BAD, ids=[b[1][:25] for b in BAD])
def test_what_is_no_response_is_refused(make, words):
    X, time, event = durations()
    model = NaturalRegressor("weibull")
    with pytest.raises(ValueError, match=words):
        model.fit(X, make(time, event))
    assert not hasattr(model, "n_features_in_")


def test_weights_that_are_none_are_refused():
    X, time, _ = durations()
    for weight, words in (
        (np.full(300, -1.0), "must be >= 0"),
        (np.zeros(300), "positive sum"),
        (np.ones(299), "one weight per row"),
        (wrong(np.ones(300), np.nan), "must be finite"),
    ):
        with pytest.raises(ValueError, match=words):
            NaturalRegressor().fit(X, time, weight)

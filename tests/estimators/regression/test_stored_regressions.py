"""Fitted regressions as JSON: bit for bit, with names, categories and labels."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp

import natfit
from natfit import Censored, NaturalClassifier, NaturalRegressor
from natfit.distributions import Normal, ZeroInflated

RNG = np.random.default_rng(0)
N = 80
X = RNG.normal(size=(N, 3))
REAL = X[:, 0] + RNG.normal(size=N)
POSITIVE, COUNTS = np.exp(REAL), RNG.poisson(np.exp(0.3 * X[:, 0] + 1.0))
SHARES, CODES = POSITIVE / (1.0 + POSITIVE), RNG.integers(0, 3, N)
TREES = np.array(["ash", "oak", "elm"])[CODES]
FRAME = pd.DataFrame(X, columns=list("abc")).assign(
    g=pd.Categorical(RNG.choice(["p", "q", "r"], N)),
    t=RNG.choice(["u", "v"], N),
    k=pd.Categorical(RNG.integers(0, 3, N)),
)
POLARS = pl.DataFrame(FRAME[["a", "b", "t"]].to_dict("list"))
LATE = Censored.right(POSITIVE, POSITIVE < 2.0)

FITS = {
    "normal": (NaturalRegressor("normal"), X, REAL),
    "frame": (
        NaturalRegressor("gamma_mean", features_for="all", alpha={"mean": 0.1}),
        FRAME,
        POSITIVE,
    ),
    "by parameter": (
        NaturalRegressor("student_t", features_for={"loc": "all", "df": [0]}),
        X,
        REAL,
    ),
    "link": (NaturalRegressor("negative_binomial", link={"mean": "sqrt"}), X, COUNTS),
    "sparse": (NaturalRegressor("poisson"), sp.csr_array(X), COUNTS),
    "censored": (NaturalRegressor("weibull"), X, LATE),
    "entry": (NaturalRegressor("weibull", truncation=(0.5 * POSITIVE, None)), X, POSITIVE),
    "window": (NaturalRegressor("weibull", truncation=(0, 1e4)), X, LATE),
    "vectors": (NaturalRegressor("multivariate_normal"), X, np.c_[REAL, POSITIVE]),
    "columns": (
        NaturalRegressor("ordinal", features_for={"loc": ["g", "a"]}),
        FRAME,
        COUNTS.clip(0, 3),
    ),
    "polars": (NaturalRegressor("beta_mean", metric="exact", fit_intercept=False), POLARS, SHARES),
    "jeffreys": (NaturalRegressor("poisson", prior="jeffreys"), X.astype(np.float32), COUNTS),
    "constant": (NaturalRegressor("normal", features_for={}), X, REAL),
    "wrapper": (NaturalRegressor(ZeroInflated("poisson")), X, COUNTS),
    "trials": (NaturalRegressor("binomial_rows"), X, np.c_[COUNTS, COUNTS + 2]),
    "labels": (NaturalClassifier(), FRAME, TREES),
    "objects": (NaturalClassifier(), X, TREES.astype(object)),
    "two": (NaturalClassifier(features_for=[0]), X, REAL > 0),
    "numbers": (NaturalClassifier(), X, CODES + 3),
    "floats": (NaturalClassifier(alpha=0.1), X, (CODES % 2).astype(float)),
}


def bits(values):
    return np.asarray(values, dtype=np.float64).tobytes()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("model", "rows", "y"), FITS.values(), ids=FITS)
def test_regressions_come_back_bit_for_bit(model, rows, y):
    model.fit(rows, y)
    text = model.to_json()
    back = natfit.from_json(text)
    assert type(back) is type(model) and repr(back) == repr(model)
    assert back.status_ is model.status_ and back.distribution_ == model.distribution_
    assert back.features_for_ == model.features_for_ and back.link_ == model.link_
    predicted = model.predict(rows)
    assert np.array_equal(back.predict(rows), predicted)
    assert back.predict(rows).dtype == predicted.dtype
    assert bits(back.score_samples(rows, y)) == bits(model.score_samples(rows, y))
    assert bits(back.cov_params()) == bits(model.cov_params())
    assert bits(list(back.coefficients_.values())) == bits(list(model.coefficients_.values()))
    assert str(back.summary()) == str(model.summary())
    assert repr(back.history_) == repr(model.history_)
    assert bits(back.influence(rows, y).distance) == bits(model.influence(rows, y).distance)
    assert back.to_json() == text and str(N) not in json.loads(text)["layout"]
    if isinstance(model, NaturalClassifier):
        assert bits(back.predict_proba(rows)) == bits(model.predict_proba(rows))
        assert back.classes_.tolist() == model.classes_.tolist()


def test_categories_that_were_not_seen_are_still_refused():
    back = natfit.from_json(NaturalRegressor("normal").fit(FRAME, REAL).to_json())
    with pytest.raises(ValueError, match="must hold categories of the fit"):
        back.predict(FRAME.assign(t="w"))
    with pytest.raises(ValueError, match="feature names"):
        back.predict(FRAME.rename(columns={"a": "z"}))


class Own(Normal):
    """A family of one's own."""


REFUSED = {
    "network": (
        NaturalRegressor(predictor="mlp", max_iter=3),
        REAL,
        "predictor must be 'linear'.*got MLP",
    ),
    "generator": (NaturalRegressor(random_state=np.random.default_rng(0)), REAL, "random_state"),
    "family": (NaturalRegressor(Own()), REAL, "registered components of natfit.*Own"),
    "dates": (
        NaturalClassifier(),
        np.array(["2020-01-01", "2020-01-02"], dtype="M8[D]")[CODES % 2],
        "numbers or text",
    ),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("model", "y", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_written_is_refused_by_its_name(model, y, said):
    with pytest.raises(ValueError, match=said):
        model.fit(X, y).to_json()


def test_formulas_are_refused_as_code():
    pytest.importorskip("formulaic")
    model = NaturalRegressor("normal", features_for={"loc": "a + np.exp(b)"}).fit(FRAME, REAL)
    with pytest.raises(ValueError, match="got a formula, which is code"):
        model.to_json()


BROKEN = {
    "key": (lambda s: s.pop("choice"), "missing"),
    "option": (lambda s: s["options"].update(evil=1), "unknown"),
    "theta": (lambda s: s["fitted"]["_theta"].update(array=[1.0], shape=[1]), "_theta must have"),
    "family": (lambda s: s["fitted"].update(_family=3), "_family must have the type"),
    "labels": (lambda s: s["classes"].update(dtype="V8"), "dtype of classes"),
    "status": (lambda s: s.update(status="fine"), "fine"),
}


@pytest.mark.parametrize(("change", "said"), BROKEN.values(), ids=BROKEN)
def test_text_that_was_changed_is_refused(change, said):
    stored = json.loads(NaturalClassifier().fit(X, TREES).to_json())
    change(stored)
    with pytest.raises(ValueError, match=said):
        natfit.from_json(json.dumps(stored))

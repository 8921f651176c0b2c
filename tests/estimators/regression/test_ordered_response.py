"""Ordered categories as y of the ordinal family, and numbers that are no classes."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.model_selection import cross_val_score

import natfit
from natfit import NaturalClassifier, NaturalRegressor
from natfit.distributions import Ordinal

X, MEASURED = load_diabetes(return_X_y=True)
X = X[:, 2:4]
# Alphabetical order is another one.
LEVELS = ["lo", "mid", "hi"]
CUT = pd.cut(MEASURED, 3, labels=LEVELS)
CODES = np.asarray(CUT.codes, dtype=float)
FORMS = {
    "series": pd.Series(CUT),
    "categorical": CUT,
    "index": pd.CategoricalIndex(CUT),
    "polars enum": pl.Series(list(CUT), dtype=pl.Enum(LEVELS)),
}


@pytest.fixture(scope="module")
def numbers():
    return NaturalRegressor("ordinal").fit(X, CODES)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("family", ["ordinal", Ordinal(), Ordinal(3)])
def test_ordered_categories_are_their_codes(numbers, form, family):
    y = FORMS[form]
    fit = NaturalRegressor(family).fit(X, y)
    np.testing.assert_array_equal(fit.coef_["loc"], numbers.coef_["loc"])
    assert fit.score(X, y) == numbers.score(X, CODES)
    np.testing.assert_array_equal(fit.score_samples(X, y), numbers.score_samples(X, CODES))
    probs = np.stack([fit.predict_dist(X).pmf(k) for k in range(3)], axis=1)
    assert np.allclose(probs.sum(axis=1), 1.0)
    # The maximum likelihood of a cumulative logit has nearly the frequencies of the classes.
    assert np.allclose(probs.mean(axis=0), np.bincount(CUT.codes) / len(CUT), atol=0.01)
    assert fit.score(X, y) == pytest.approx(np.log(probs[np.arange(len(X)), CUT.codes]).mean())


def test_a_frame_of_one_column_is_a_vector(numbers):
    with pytest.warns(UserWarning, match="column-vector"):
        fit = NaturalRegressor("ordinal").fit(X, pd.DataFrame({"level": CUT}))
    np.testing.assert_array_equal(fit.coef_["loc"], numbers.coef_["loc"])


def test_they_are_split_and_weighted():
    y, weight = FORMS["series"], np.arange(len(X)) % 3
    found = cross_val_score(NaturalRegressor("ordinal"), X, y, cv=3)
    np.testing.assert_array_equal(
        found, cross_val_score(NaturalRegressor("ordinal"), X, CODES, cv=3)
    )
    some = NaturalRegressor("ordinal").fit(X, y, sample_weight=weight)
    other = NaturalRegressor("ordinal").fit(X, CODES, sample_weight=weight)
    np.testing.assert_array_equal(some.coef_["loc"], other.coef_["loc"])
    assert some.score(X, y, sample_weight=weight) == other.score(X, CODES, sample_weight=weight)


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(CUT).cat.as_unordered(),
        pd.Series(CUT).astype(str),
        CUT.as_unordered(),
        list(CUT),
        np.array(CUT, dtype=object),
        pl.Series(list(CUT)),
        pl.Series(list(CUT), dtype=pl.Categorical),
    ],
)
def test_labels_without_an_order_are_refused_with_the_remedy(y):
    with pytest.raises(ValueError, match=r"ordered categories.*ordered=True.*\.cat\.codes"):
        NaturalRegressor("ordinal").fit(X, y)


def test_a_score_demands_the_categories_of_the_fit(numbers):
    fit = NaturalRegressor("ordinal").fit(X, FORMS["series"])
    other = FORMS["series"].cat.reorder_categories(["mid", "lo", "hi"])
    fewer = FORMS["series"][FORMS["series"] != "hi"].cat.remove_unused_categories()
    for rows, y in ((X, other), (X[fewer.index], fewer), (X, CODES)):
        with pytest.raises(ValueError, match=r"the ordered categories \['lo', 'mid', 'hi'\]"):
            fit.score(rows, y)
    with pytest.raises(ValueError, match="numbers"):
        numbers.score(X, FORMS["series"])
    with pytest.raises(ValueError, match="3 categories"):
        NaturalRegressor(Ordinal(3)).fit(X, FORMS["series"].cat.add_categories(["top"]))


@pytest.mark.parametrize("way", ["json", "pickle", "clone"])
def test_the_categories_are_kept_with_the_fit(way):
    fit = NaturalRegressor("ordinal").fit(X, FORMS["series"])
    if way == "json":
        again = natfit.from_json(fit.to_json())
    elif way == "pickle":
        again = pickle.loads(pickle.dumps(fit))
    else:
        again = clone(fit).fit(X, FORMS["series"])
    assert again.score(X, FORMS["series"]) == fit.score(X, FORMS["series"])
    with pytest.raises(ValueError, match="ordered categories"):
        again.score(X, CODES)
    # Another fit knows its own.
    assert again.fit(X, CODES).score(X, CODES) == fit.score(X, FORMS["series"])


@pytest.mark.parametrize("order", [["no", *LEVELS], [*LEVELS, "no"], ["lo", "no", "mid", "hi"]])
def test_categories_without_rows_are_named(order):
    y = FORMS["series"].cat.set_categories(order)
    with pytest.raises(ValueError, match=r"none of \['no'\].*remove_unused_categories"):
        NaturalRegressor("ordinal").fit(X, y)
    NaturalRegressor("ordinal").fit(X, y.cat.remove_unused_categories())


def test_missing_categories_are_refused():
    y = FORMS["series"].copy()
    y[3] = None
    with pytest.raises(ValueError, match="NaN.*row 3"):
        NaturalRegressor("ordinal").fit(X, y)


def test_numbers_with_few_rows_a_value_are_told_once():
    with pytest.warns(UserWarning, match="214 different numbers.*NaturalRegressor") as caught:
        NaturalClassifier(alpha=0.1).fit(X, MEASURED)
    assert len(caught) == 1
    # More than half as many as rows: scikit-learn's own words, once.
    with pytest.warns(UserWarning, match="unique classes") as caught:
        NaturalClassifier(alpha=0.1).fit(X[:100], np.arange(100) // 1.5 // 1)
    assert len(caught) == 1
    with pytest.raises(ValueError, match="continuous"):
        NaturalClassifier(alpha=0.1).fit(X, MEASURED + 0.5 * X[:, 0])


def test_classes_with_enough_rows_or_names_are_not_told():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        NaturalClassifier(alpha=0.1).fit(X[:400], np.arange(400) % 100)
        NaturalClassifier(alpha=0.1).fit(X[:60], np.arange(60) % 20)
        NaturalClassifier(alpha=0.1).fit(X[:90], [f"name {i % 30}" for i in range(90)])

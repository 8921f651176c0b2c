"""Offsets and exposure: in fits, predictions and scores, and through scikit-learn's routing."""

from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
import statsmodels.api as sm
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import natfit
from natfit import NaturalClassifier, NaturalRegressor


def counts(n=300, seed=4):
    rng = np.random.default_rng(seed)
    X, exposure = rng.normal(size=(n, 2)), rng.gamma(2.0, 3.0, n)
    return X, rng.poisson(exposure * np.exp(X @ [0.3, 0.2] - 1.0)), exposure


def test_exposure_is_the_offset_of_its_logarithm():
    X, y, exposure = counts()
    model = NaturalRegressor("poisson", tol=1e-9).fit(X, y, exposure=exposure)
    other = sm.GLM(y, sm.add_constant(X), sm.families.Poisson(), exposure=exposure).fit(tol=1e-14)
    np.testing.assert_allclose(model.coef_["rate"], other.params[1:], atol=1e-9)
    assert model.intercept_["rate"] == pytest.approx(other.params[0], abs=1e-9)
    assert model.loglik_ == pytest.approx(other.llf, rel=1e-12)
    assert model.null_log_likelihood_ == pytest.approx(other.llnull, rel=1e-9)
    offset = NaturalRegressor("poisson", tol=1e-9).fit(X, y, offset=np.log(exposure))
    np.testing.assert_array_equal(offset.coef_["rate"], model.coef_["rate"])
    np.testing.assert_allclose(model.predict(X, exposure=exposure), model.predict(X) * exposure)
    score = model.score(X, y, exposure=exposure)
    assert score * len(y) == pytest.approx(model.loglik_, rel=1e-12)
    # Half by each.
    both = NaturalRegressor("poisson", tol=1e-9)
    both.fit(X, y, exposure=np.sqrt(exposure), offset=np.log(exposure) / 2)
    np.testing.assert_allclose(both.coef_["rate"], model.coef_["rate"], rtol=1e-9)


def test_exposure_multiplies_the_mean_of_a_rate():
    rng = np.random.default_rng(0)
    X, exposure = rng.normal(size=(200, 2)), rng.gamma(2.0, 3.0, 200)
    y = rng.exponential(exposure * np.exp(X @ [0.3, 0.2]))
    model = NaturalRegressor("exponential", tol=1e-9).fit(X, y, exposure=exposure)
    scaled = NaturalRegressor("exponential", tol=1e-9).fit(X, y / exposure)
    np.testing.assert_allclose(model.coef_["rate"], scaled.coef_["rate"], atol=1e-9)
    np.testing.assert_allclose(model.predict(X, exposure=exposure), exposure * scaled.predict(X))


@pytest.mark.parametrize("make", [dict, pd.DataFrame, pl.DataFrame])
def test_offsets_of_each_parameter(make):
    """What an offset adds along a feature, its coefficient loses."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 2))
    y = X @ [1.0, 2.0] + np.exp(0.3 * X[:, 0]) * rng.normal(size=300)
    offset = make({"loc": X[:, 0], "scale": 0.1 * X[:, 1]})
    plain = NaturalRegressor(features_for="all", tol=1e-9).fit(X, y)
    moved = NaturalRegressor(features_for="all", tol=1e-9).fit(X, y, offset=offset)
    np.testing.assert_allclose(moved.coef_["loc"], plain.coef_["loc"] - [1, 0], atol=1e-8)
    np.testing.assert_allclose(moved.coef_["scale"], plain.coef_["scale"] - [0, 0.1], atol=1e-8)
    np.testing.assert_allclose(moved.predict(X, offset=offset), plain.predict(X), atol=1e-8)
    assert moved.score(X, y, offset=offset) == pytest.approx(plain.score(X, y), rel=1e-10)


BAD = [
    ({"exposure": np.full(300, -1.0)}, "exposure must be > 0, got -1 at row 0"),
    ({"exposure": np.zeros(300)}, "exposure must be > 0, got 0 at row 0"),
    ({"exposure": np.full(300, np.nan)}, "exposure must be finite"),
    ({"exposure": np.ones(299)}, r"of shape \(300,\), got shape \(299,\)"),
    ({"exposure": np.ones((300, 2))}, r"of shape \(300,\), got shape \(300, 2\)"),
    ({"offset": np.ones(299)}, "offset must have one value for each row"),
    ({"offset": np.where(np.arange(300) == 7, np.nan, 0.0)}, "offset must be finite, .* at row 7"),
    ({"offset": {"rat": np.ones(300)}}, "must name parameters of Poisson, got 'rat'; did you mean"),
    ({"offset": {"rate": np.ones(299)}}, "pass a frame with a column a parameter"),
    ({"offset": "log"}, "offset must be numbers"),
]


@pytest.mark.parametrize("given, words", BAD, ids=[b[1][:30] for b in BAD])
def test_offsets_that_cannot_be_are_refused(given, words):
    X, y, _ = counts()
    with pytest.raises(ValueError, match=words):
        NaturalRegressor("poisson").fit(X, y, **given)
    model = NaturalRegressor("poisson").fit(X, y)
    with pytest.raises(ValueError, match=words):
        model.predict(X, **given)
    with pytest.raises(ValueError, match=words):
        model.score(X, y, **given)


def test_a_mean_without_a_logarithm_has_no_exposure():
    X, y, exposure = counts()
    with pytest.raises(ValueError, match="exposure must belong to a parameter whose logarithm"):
        NaturalRegressor("normal").fit(X, y, exposure=exposure)


def test_rows_of_weight_zero_have_no_offset():
    X, y, exposure = counts()
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    kept = weight > 0
    one = NaturalRegressor("poisson", tol=1e-9).fit(X, y, weight, exposure=exposure)
    two = NaturalRegressor("poisson", tol=1e-9).fit(
        X[kept], y[kept], weight[kept], exposure=exposure[kept]
    )
    np.testing.assert_allclose(one.coef_["rate"], two.coef_["rate"], rtol=1e-12)
    assert one.score(X, y, weight, exposure=exposure) == pytest.approx(one.loglik_ / weight.sum())


# ------------------------------------------------------------------------------ routing


def by_hand(X, y, given, folds=3):
    """Scores of a cross-validation in which each fold has its own offsets."""
    cut = np.array_split(np.arange(len(y)), folds)
    found = []
    for test in cut:
        train = np.setdiff1d(np.arange(len(y)), test)
        part = {k: v[train] for k, v in given.items()}
        model = NaturalRegressor("poisson").fit(X[train], y[train], **part)
        found.append(model.score(X[test], y[test], **{k: v[test] for k, v in given.items()}))
    return found


@pytest.mark.parametrize("name", ["offset", "exposure"])
def test_cross_validation_splits_offsets(name):
    X, y, exposure = counts()
    given = {name: exposure if name == "exposure" else np.log(exposure)}
    with sklearn.config_context(enable_metadata_routing=True):
        model = NaturalRegressor("poisson")
        model.set_fit_request(**{name: True}).set_score_request(**{name: True})
        scores = cross_val_score(model, X, y, cv=3, params=given)
        np.testing.assert_allclose(scores, by_hand(X, y, given), rtol=1e-12)
        search = GridSearchCV(model, {"alpha": [0.0, 0.1]}, cv=3).fit(X, y, **given)
        np.testing.assert_allclose(search.cv_results_["mean_test_score"][0], scores.mean())
        # The search predicts by the method of its model.
        best = search.best_estimator_
        np.testing.assert_array_equal(search.predict(X), best.predict(X))


def test_a_frame_of_offsets_is_split():
    X, y, exposure = counts()
    offset = pd.DataFrame({"rate": np.log(exposure)})
    with sklearn.config_context(enable_metadata_routing=True):
        model = NaturalRegressor("poisson").set_fit_request(offset=True)
        model.set_score_request(offset=True)
        scores = cross_val_score(model, X, y, cv=3, params={"offset": offset})
    np.testing.assert_allclose(scores, by_hand(X, y, {"exposure": exposure}), rtol=1e-12)


def test_a_pipeline_passes_weights_and_offsets_on():
    X, y, exposure = counts()
    weight = np.random.default_rng(3).integers(1, 3, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        last = NaturalRegressor("poisson", tol=1e-9)
        last.set_fit_request(exposure=True, sample_weight=True).set_predict_request(exposure=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, last)
        pipeline.fit(X, y, exposure=exposure, sample_weight=weight)
        found = pipeline.predict(X, exposure=exposure)
    plain = NaturalRegressor("poisson", tol=1e-9).fit(X, y, weight, exposure=exposure)
    np.testing.assert_allclose(found, plain.predict(X, exposure=exposure), rtol=1e-8)


def test_offsets_of_classes_are_routed():
    X, _, _ = counts()
    rng = np.random.default_rng(0)
    y = (X[:, 0] + rng.logistic(size=300) > 0).astype(int)
    with sklearn.config_context(enable_metadata_routing=True):
        model = NaturalClassifier().set_fit_request(offset=True).set_score_request(offset=True)
        scores = cross_val_score(model, X, y, cv=3, params={"offset": X[:, 0]})
    plain = cross_val_score(NaturalClassifier(), X, y, cv=3)
    np.testing.assert_allclose(scores, plain)


@pytest.mark.parametrize("name", ["offset", "exposure"])
def test_a_score_without_what_the_fit_had_is_told(name):
    X = np.linspace(-1.0, 1.0, 40)[:, None]
    y = np.arange(40) % 3
    known = np.linspace(1.0, 2.0, 40)
    model = NaturalRegressor("poisson").fit(X, y, **{name: known})
    crps = natfit.make_scorer("crps")
    for call in (model.score, model.score_samples, model.quantile_residuals, partial(crps, model)):
        with pytest.warns(UserWarning, match=f"the fit had {name} and this score has none"):
            call(X, y)
        call(X, y, **{name: known})
    model.predict(X)


@pytest.mark.parametrize("name", ["offset", "exposure"])
def test_rows_in_another_order_are_refused(name):
    n = 60
    X = pd.DataFrame({"x": np.arange(n) / n})
    known = pd.Series(1.0 + np.arange(n))
    y = np.random.default_rng(0).poisson(known * np.exp(X["x"])).astype(float)
    model = NaturalRegressor("poisson").fit(
        X, y, **{name: np.log(known) if name == "offset" else known}
    )
    with pytest.raises(
        ValueError, match=f"{name} must have the rows of the data in the same order"
    ):
        NaturalRegressor("poisson").fit(X, y, **{name: known[::-1]})
    with pytest.raises(ValueError, match=f"{name} must have the rows"):
        model.predict(X, **{name: known[::-1]})


def test_scores_refuse_rows_in_another_order():
    X = pd.DataFrame({"x": np.linspace(-1.0, 1.0, 40)})
    y = pd.Series((np.arange(40) % 3 == 0).astype(int))
    model = NaturalClassifier(alpha=0.1).fit(X, y)
    with pytest.raises(ValueError, match="y must have the rows of the data in the same order"):
        model.score(X, y[::-1])
    counts = NaturalRegressor("poisson").fit(X, y.astype(float))
    with pytest.raises(ValueError, match="y must have the rows of the data in the same order"):
        natfit.make_scorer("crps")(counts, X, y.astype(float)[::-1])


def test_a_wrong_predictor_and_wrong_probabilities_are_named():
    X, y = np.linspace(-1.0, 1.0, 40)[:, None], np.arange(40.0)
    with pytest.raises(ValueError, match="predictor is not valid"):
        NaturalRegressor(predictor="foo").fit(X, y)
    model = NaturalRegressor().fit(X, y + np.sin(y))
    with pytest.raises(ValueError, match="q must be probabilities"):
        model.predict_quantile(X, "a")

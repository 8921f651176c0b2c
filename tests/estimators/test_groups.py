"""From which component of a mixture a row came: predict and predict_proba."""

import numpy as np
import pandas as pd
import pytest
from estimator_data import quiet
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import natfit
from natfit import Censored, NaturalGaussianMLE, NaturalMLE
from natfit.distributions import Mixture, MultivariateNormal

IRIS = load_iris()
PETALS = IRIS.data[:, 2:]
LENGTH = PETALS[:, 0]


@pytest.fixture(scope="module")
def lengths():
    return natfit.fit(Mixture("normal", 2), LENGTH)


@pytest.fixture(scope="module")
def petals():
    return natfit.fit(Mixture(MultivariateNormal("full"), 2), PETALS)


def peer(weights, means, covariances, X):
    """scikit-learn's mixture with the parameters of a fit."""
    model = GaussianMixture(len(weights), covariance_type="full")
    model.weights_, model.means_, model.covariances_ = weights, means, covariances
    model.precisions_cholesky_ = np.linalg.cholesky(np.linalg.inv(covariances))
    model.n_features_in_ = X.shape[1]
    return model


def of_lengths(model):
    p = {name: value[0] for name, value in model.params_.items()}
    means = np.array([[p["loc_0"]], [p["loc_1"]]])
    covariances = np.array([[[p["scale_0"] ** 2]], [[p["scale_1"] ** 2]]])
    return peer(p["weights"], means, covariances, LENGTH[:, None])


def test_one_column_is_that_of_scikit_learn(lengths):
    other = of_lengths(lengths)
    share = lengths.predict_proba(LENGTH)
    assert share.shape == (150, 2)
    np.testing.assert_allclose(share, other.predict_proba(LENGTH[:, None]), atol=1e-10)
    np.testing.assert_allclose(share.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_array_equal(lengths.predict(LENGTH), other.predict(LENGTH[:, None]))


def test_vectors_are_those_of_scikit_learn(petals):
    p = petals.params_
    means = np.stack([p["loc_0"], p["loc_1"]])
    other = peer(p["weights"], means, np.stack([p["covariance_0"], p["covariance_1"]]), PETALS)
    np.testing.assert_allclose(petals.predict_proba(PETALS), other.predict_proba(PETALS), atol=1e-8)
    np.testing.assert_array_equal(petals.predict(PETALS), other.predict(PETALS))


def test_criteria_are_those_of_scikit_learn(lengths, petals):
    other = of_lengths(lengths)
    assert lengths.aic() == pytest.approx(other.aic(LENGTH[:, None]), rel=1e-10)
    assert lengths.bic() == pytest.approx(other.bic(LENGTH[:, None]), rel=1e-10)
    half = LENGTH[::2, None]
    assert lengths.aic(half) == pytest.approx(other.aic(half), rel=1e-10)
    assert lengths.bic(half) == pytest.approx(other.bic(half), rel=1e-10)
    assert petals.n_parameters_ == 11


def test_setosa_is_a_component(lengths):
    assert adjusted_rand_score(IRIS.target == 0, lengths.predict(LENGTH)) == 1.0


def test_censored_rows_have_the_probabilities_of_their_intervals(lengths):
    p = {name: value[0] for name, value in lengths.params_.items()}
    lower, upper = np.array([1.0, 2.0, -np.inf, 3.0]), np.array([1.0, 4.0, 2.5, np.inf])
    found = lengths.predict_proba(Censored(lower, upper))
    mass = []
    for k in range(2):
        normal = stats.norm(p[f"loc_{k}"], p[f"scale_{k}"])
        inside = normal.cdf(upper) - normal.cdf(lower)
        mass.append(p["weights"][k] * np.where(lower == upper, normal.pdf(lower), inside))
    np.testing.assert_allclose(found, (mass / np.sum(mass, axis=0)).T, atol=1e-12)
    np.testing.assert_array_equal(lengths.predict(Censored(lower, upper)), [0, 1, 0, 1])


@pytest.mark.parametrize("by_row", [False, True])
def test_what_lies_outside_the_window_was_never_seen(by_row):
    inside = LENGTH[LENGTH < 6.0]
    window = (None, np.full(len(inside), 6.0)) if by_row else (None, 6.0)
    with quiet():
        model = NaturalMLE(Mixture("normal", 2), truncation=window).fit(inside[:, None])
    p = {name: value[0] for name, value in model.params_.items()}
    rows = Censored.right([3.0], [False])
    rows = rows.within([-np.inf], [6.0]) if by_row else rows
    mass = [
        p["weights"][k] * np.diff(stats.norm.cdf([3.0, 6.0], p[f"loc_{k}"], p[f"scale_{k}"]))[0]
        for k in range(2)
    ]
    np.testing.assert_allclose(model.predict_proba(rows)[0], mass / np.sum(mass), atol=1e-10)
    if not by_row:
        density = [
            p["weights"][k] * stats.norm.pdf(2.0, p[f"loc_{k}"], p[f"scale_{k}"]) for k in range(2)
        ]
        found = model.predict_proba([2.0])[0]
        np.testing.assert_allclose(found, density / np.sum(density), atol=1e-10)


def test_columns_that_were_fitted_separately_have_their_own():
    table = PETALS + 0.01 * IRIS.data[:, :2]
    model = NaturalMLE(Mixture("normal", 2)).fit(table)
    share = model.predict_proba(table)
    assert share.shape == (150, 2, 2)
    for j in range(2):
        alone = natfit.fit(Mixture("normal", 2), table[:, j])
        np.testing.assert_allclose(share[:, j], alone.predict_proba(table[:, j]), atol=1e-10)
        np.testing.assert_array_equal(model.predict(table)[:, j], alone.predict(table[:, j]))


def test_one_component_is_a_mixture():
    model = natfit.fit(Mixture("normal", 1), LENGTH)
    np.testing.assert_array_equal(model.predict_proba(LENGTH), np.ones((150, 1)))
    assert model.bic() == pytest.approx(natfit.fit("normal", LENGTH).bic(), rel=1e-10)


def test_only_mixtures_have_groups(lengths):
    for model in (lengths, clone(lengths), NaturalMLE(Mixture("poisson", 3))):
        assert hasattr(model, "predict") and hasattr(model, "predict_proba")
    others = [NaturalMLE(), NaturalGaussianMLE(), natfit.fit("gamma", LENGTH), NaturalMLE("nosuch")]
    others.append(NaturalMLE(Mixture(["poisson", "normal"])))
    for model in others:
        assert not hasattr(model, "predict") and not hasattr(model, "predict_proba")


def test_the_last_step_of_a_pipeline_has_groups(lengths):
    pipeline = make_pipeline(StandardScaler(), NaturalMLE(Mixture("normal", 2)))
    frame = pd.DataFrame({"length": LENGTH})
    np.testing.assert_array_equal(pipeline.fit(frame).predict(frame), lengths.predict(LENGTH))


def test_what_cannot_be_asked_is_refused(lengths):
    with pytest.raises(ValueError, match="not fitted"):
        NaturalMLE(Mixture("normal", 2)).predict(LENGTH)
    with pytest.raises(ValueError, match="NaN"):
        lengths.predict([1.0, np.nan])
    positive = natfit.fit(Mixture("gamma", 2), LENGTH)
    with pytest.raises(ValueError, match="row 1"):
        positive.predict([1.0, -1.0])

"""Firth's penalty against logistf, modified scores and closed forms."""

from functools import partial
from pathlib import Path
from typing import Any

import autograd.numpy as anp
import numpy as np
import pandas as pd
import pytest
from autograd import grad
from sklearn.datasets import load_iris, load_wine

import natfit
from natfit.distributions import Bernoulli, Categorical, Gamma, Normal, StudentT, Weibull
from natfit.estimators.regression.classifier import NaturalClassifier
from natfit.estimators.regression.regressor import NaturalRegressor
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives import Jeffreys
from natfit.rows import Memory

RNG = np.random.default_rng(3)
ENDOMETRIAL = pd.read_csv(Path(__file__).parents[2] / "data" / "endometrial.csv")
FEATURES, GRADE = ENDOMETRIAL[["NV", "PI", "EH"]], ENDOMETRIAL["HG"].to_numpy(float)

#: Heinze & Schemper (2002), table 3; more digits by R's logistf 1.24. The intercept is the last.
LOGISTF = [2.92927330, -0.03475175, -2.60416387, 3.77455951]


@pytest.fixture(scope="module")
def endometrial():
    return NaturalClassifier(prior="jeffreys", tol=1e-9).fit(FEATURES, GRADE)


def test_the_endometrial_data_have_the_estimates_of_logistf(endometrial):
    np.testing.assert_allclose(list(endometrial.coefficients_.values()), LOGISTF, atol=2e-6)
    assert endometrial.status_.good
    assert endometrial.standard_errors_[0, 0] == pytest.approx(1.551, abs=6e-4)


def test_its_profiles_are_those_of_logistf(endometrial):
    found = endometrial.conf_int(method="profile", X=FEATURES, y=GRADE)
    theirs = [
        [0.6097244, 7.85463171],
        [-0.1244587, 0.04045547],
        [-4.3651832, -1.23272106],
        [1.0825371, 7.20928050],
    ]
    np.testing.assert_allclose(list(found.values()), theirs, rtol=1e-4)


def test_the_penalised_likelihood_ratio_agrees_with_the_profile(endometrial):
    low = endometrial.conf_int(method="profile", of="NV", X=FEATURES, y=GRADE)["prob[NV]"][0]
    found = endometrial.likelihood_ratio_test({"NV": low}, FEATURES, GRADE)
    assert found.pvalue == pytest.approx(0.05, abs=1e-6)
    assert "penalised likelihoods" in found.notes


def test_two_groups_have_a_half_in_each_cell():
    x = np.repeat([0.0, 1.0], [10, 8])[:, None]
    y = np.concatenate([np.ones(3), np.zeros(7), np.ones(8)])
    model = NaturalRegressor("bernoulli", prior="jeffreys", tol=1e-10).fit(x, y)
    base, other = np.log(3.5 / 7.5), np.log(8.5 / 0.5)
    assert model.coefficients_["prob[intercept]"] == pytest.approx(base, abs=1e-9)
    assert model.coefficients_["prob[x0]"] == pytest.approx(other - base, abs=1e-9)


def test_classes_without_features_have_a_half_each():
    y = np.repeat([0, 1, 2], [5, 2, 1])
    # A feature that is balanced over classes and symmetric has the coefficient zero.
    model = NaturalClassifier(prior="jeffreys", features_for={"probs": []}, tol=1e-10)
    model.fit(np.zeros((8, 1)) + np.arange(8)[:, None], y)
    found = [model.coefficients_[f"probs[{k}]"] for k in range(2)]
    assert found == pytest.approx([5.5 / 9.5, 2.5 / 9.5], abs=1e-9)


@pytest.mark.parametrize("total", [0, 4])
def test_counts_without_features_have_a_half_more(total):
    y = np.zeros(6)
    y[0] = total
    model = NaturalRegressor("poisson", features_for={}, prior="jeffreys", tol=1e-10)
    model.fit(np.arange(6.0)[:, None], y)
    assert model.coefficients_["rate"] == pytest.approx((total + 0.5) / 6.0, abs=1e-9)


@pytest.mark.parametrize("family", ["bernoulli", "poisson"])
def test_canonical_models_solve_the_modified_score(family):
    # Firth (1993): the score of y + h / 2 in place of y, with the leverages h, and for a logit
    # - h p beside it.
    x = RNG.normal(size=(40, 3))
    design = np.column_stack([x, np.ones(40)])
    eta = x @ [1.0, -0.5, 0.2]
    if family == "bernoulli":
        y = (RNG.random(40) < 1.0 / (1.0 + np.exp(-eta))).astype(float)
    else:
        y = RNG.poisson(np.exp(eta)).astype(float)
    weight = RNG.integers(1, 3, 40).astype(float)
    model = NaturalRegressor(family, prior="jeffreys", tol=1e-11).fit(x, y, sample_weight=weight)
    eta = design @ list(model.coefficients_.values())
    mean = 1.0 / (1.0 + np.exp(-eta)) if family == "bernoulli" else np.exp(eta)
    var = mean * (1.0 - mean) if family == "bernoulli" else mean
    spread = np.linalg.inv(design.T @ (design * (weight * var)[:, None]))
    leverage = weight * var * np.einsum("np,pq,nq->n", design, spread, design)
    half = leverage * (0.5 - mean) if family == "bernoulli" else 0.5 * leverage
    score = design.T @ (weight * (y - mean) + half)
    error = np.sqrt(np.diagonal(spread))
    np.testing.assert_allclose(score * error, 0.0, atol=1e-7)
    # Standard errors are those of the information, as of logistf.
    np.testing.assert_allclose(np.sqrt(np.diagonal(model.cov_params())), error, rtol=1e-6)


def test_a_linear_regression_has_its_scale_in_closed_form():
    # log det I = log det X'X / sigma^2 + constant in (beta, log sigma): sigma^2 = RSS / (N + p).
    x = RNG.normal(size=(30, 2))
    y = x @ [1.0, 2.0] + RNG.normal(size=30)
    model = NaturalRegressor("normal", prior="jeffreys", tol=1e-10).fit(x, y)
    design = np.column_stack([x, np.ones(30)])
    beta, rss, *_ = np.linalg.lstsq(design, y, rcond=None)
    found = list(model.coefficients_.values())
    np.testing.assert_allclose(found[:3], beta, rtol=1e-7)
    assert found[3] == pytest.approx(np.sqrt(rss[0] / 33.0), rel=1e-7)


@pytest.mark.parametrize(
    "family", [Bernoulli(), Categorical(3), Gamma(), Normal(), StudentT(), Weibull()]
)
def test_gradients_and_curvatures_are_those_of_the_value(family):
    x = RNG.normal(size=(25, 2))
    y = (
        RNG.integers(0, 2, 25).astype(float)
        if isinstance(family, Bernoulli | Categorical)
        else RNG.gamma(2.0, size=25)
    )
    model = LinearPredictors().bind(2, family)
    objective = Jeffreys(family, model, Memory(y, x, 1.0 + np.arange(25) % 3))
    theta = model.init(RNG, np.full(family.n_params, 0.3)) + 0.03 * RNG.normal(size=model.n_params)
    steps = 1e-4 * np.eye(len(theta))
    _, grad = objective.value_and_grad(theta)
    numeric = [(objective.value(theta + s) - objective.value(theta - s)) / 2e-4 for s in steps]
    np.testing.assert_allclose(grad, numeric, atol=1e-6)
    hessian = objective.hessian(theta).dense()
    numeric = [
        (objective.value_and_grad(theta + s)[1] - objective.value_and_grad(theta - s)[1]) / 2e-4
        for s in steps
    ]
    # The fourth derivatives of the differences are what is left.
    np.testing.assert_allclose(hessian, numeric, rtol=1e-5, atol=1e-4)


def test_it_cures_separation():
    x = np.linspace(-1.0, 1.0, 20)[:, None]
    y = (x[:, 0] > 0.0).astype(float)
    model = NaturalClassifier(prior="jeffreys").fit(x, y)
    assert model.status_.good
    assert 1.0 < model.coef_[0, 0] < 20.0
    with pytest.raises(ValueError, match="likelihood_ratio_test, which compares penalised"):
        model.score_test("x0", x, y)


def test_repeated_fits_on_sums_of_weights_agree():
    weight = RNG.integers(1, 4, len(GRADE)).astype(float)
    each = np.repeat(np.arange(len(GRADE)), weight.astype(int))
    ours = NaturalClassifier(prior="jeffreys", tol=1e-9).fit(FEATURES, GRADE, weight)
    theirs = NaturalClassifier(prior="jeffreys", tol=1e-9).fit(FEATURES.iloc[each], GRADE[each])
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6)


def test_families_without_an_expected_information_are_refused():
    with pytest.raises(ValueError, match="prior must be 'jeffreys'"):
        NaturalRegressor("normal", prior="firth").fit(FEATURES, GRADE)
    with pytest.raises(ValueError, match="expected information"):
        rows = natfit.Censored.right(1.0 + FEATURES["PI"], GRADE == 1.0)
        NaturalRegressor("weibull", prior="jeffreys").fit(FEATURES, rows)


SINGULAR = {
    "collinear": (lambda X: np.c_[X, X[:, 0] - X[:, 1]], ["x0", "x1", "x2"]),
    "constant": (lambda X: np.c_[X, np.full(len(X), 3.0)], ["among", "x2"]),
    "more than rows": (lambda X: np.random.default_rng(1).normal(size=(len(X), 45)), ["and "]),
}


@pytest.mark.parametrize("design", SINGULAR.values(), ids=SINGULAR)
@pytest.mark.parametrize("family", ["normal", "poisson", "classes"])
def test_columns_that_are_not_determined_are_named(design, family):
    make, names = design
    rng = np.random.default_rng(0)
    X, y = make(rng.normal(size=(40, 2))), rng.integers(0, 3, size=40)
    kind = NaturalClassifier if family == "classes" else partial(NaturalRegressor, family)
    with pytest.raises(ValueError, match="prior='jeffreys' needs rows that determine") as error:
        kind(prior="jeffreys").fit(X, y)
    said = str(error.value)
    assert all(name in said for name in names) and "drop some of these columns" in said
    assert "start_params" not in said


def _penalised(theta: Any, x: Any, y: Any, classes: int) -> Any:
    """Return the log-likelihood of classes with Firth's penalty, in closed form."""
    n, size = len(x), classes - 1
    b = anp.reshape(theta, (size, -1))
    eta = anp.concatenate([anp.dot(x, b[:, :-1].T) + b[:, -1], np.zeros((n, 1))], axis=1)
    top = np.max(np.asarray(getattr(eta, "_value", eta)), axis=1, keepdims=True)
    logs = eta - top - anp.log(anp.sum(anp.exp(eta - top), axis=1, keepdims=True))
    p = anp.exp(logs)[:, :-1]
    z = np.column_stack([x, np.ones(n)])
    rows = []
    for k in range(size):
        blocks = []
        for m in range(size):
            # 1 - p as the sum of the others, which keeps its digits.
            others = anp.sum(anp.exp(logs), axis=1) - p[:, k] if k == m else -p[:, m]
            blocks.append(anp.dot(z.T * (p[:, k] * others), z))
        rows.append(anp.concatenate(blocks, axis=1))
    log_det = anp.linalg.slogdet(anp.concatenate(rows, axis=0))[1]
    return anp.sum(logs[np.arange(n), y]) + 0.5 * log_det


@pytest.mark.parametrize("load", [load_iris, load_wine])
def test_classes_that_are_separated_have_their_maximum(load):
    # Rows far from the others have log odds beyond the limits of a constant model.
    x, y = load(return_X_y=True)
    x = ((x - x.mean(axis=0)) / x.std(axis=0))[:, :5]
    fit = NaturalClassifier(prior="jeffreys", tol=1e-8).fit(x, y)
    assert fit.status_ == "converged", fit.message_
    coef = np.column_stack([fit.coef_, fit.intercept_])
    theta = (coef[:-1] - coef[-1]).ravel()
    slope = grad(_penalised)(theta, x, y, len(coef))
    assert np.abs(slope).max() < 1e-5


def test_the_curvature_takes_no_pass_for_each_coefficient(monkeypatch):
    calls = []
    curvature = Bernoulli.curvature

    def counted(self, eta):
        calls.append(len(eta))
        return curvature(self, eta)

    monkeypatch.setattr(Bernoulli, "curvature", counted)
    rng = np.random.default_rng(0)
    counts = []
    for columns in (2, 24):
        calls.clear()
        x = rng.standard_normal((200, columns))
        fit = NaturalClassifier(prior="jeffreys").fit(x, x[:, 0] + rng.logistic(size=200) > 0)
        counts.append(len(calls) / fit.n_iter_)
    assert counts[1] < 1.5 * counts[0]

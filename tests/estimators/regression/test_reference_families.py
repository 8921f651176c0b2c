"""Families of regressions on published data, with estimates of statsmodels, R and NIST.

The data are those that statsmodels installs: ``statsmodels.datasets``, and tables beside its own
tests (the food expenditure of betareg in R, Griffiths, Hill and Judge 1993; the applications to
graduate schools of UCLA's pages on ``polr``).
"""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels
import statsmodels.api as sm
from statsmodels.miscmodels.ordinal_model import OrderedModel

from natfit.estimators.regression.regressor import NaturalRegressor

TABLES = Path(statsmodels.__file__).parent
ORDER = ["unlikely", "somewhat likely", "very likely"]

#: mpg, cyl and hp of Motor Trend (1974), by Henderson and Velleman (1981), Biometrics 37.
MTCARS = np.array(
    """21 6 110 21 6 110 22.8 4 93 21.4 6 110 18.7 8 175 18.1 6 105 14.3 8 245 24.4 4 62 22.8 4 95
    19.2 6 123 17.8 6 123 16.4 8 180 17.3 8 180 15.2 8 180 10.4 8 205 10.4 8 215 14.7 8 230
    32.4 4 66 30.4 4 52 33.9 4 65 21.5 4 97 15.5 8 150 15.2 8 150 13.3 8 245 19.2 8 175 27.3 4 66
    26 4 91 30.4 4 113 15.8 8 264 19.7 6 175 15 8 335 21.4 4 109""".split(),
    dtype=float,
).reshape(-1, 3)


def fitted(family, X, y, **options):
    model = NaturalRegressor(family, **{"tol": 1e-8, **options}).fit(np.asarray(X, float), y)
    assert model.status_ == "converged", model.message_
    return model


def randhie():
    data = sm.datasets.randhie.load_pandas()
    return np.asarray(data.exog, float), np.asarray(data.endog, float)


def applications():
    table = pd.read_csv(TABLES / "miscmodels/tests/results/ologit_ucla.csv")
    y = table["apply"].map(ORDER.index).to_numpy(float)
    return table[["pared", "public", "gpa"]].to_numpy(float), y


def test_negative_binomial_on_randhie():
    """The log-likelihood of an independent Newton; statsmodels stops 3e-5 below it."""
    X, y = randhie()
    model = fitted("negative_binomial", X, y)
    assert model.loglik_ == pytest.approx(-43383.6620765, abs=1e-6)
    # At a looser tolerance it is still the same to 1e-10 nats a row.
    assert fitted("nbinom", X, y, tol=1e-5).loglik_ == pytest.approx(model.loglik_, abs=2e-6)


def test_score_of_negative_binomial_is_zero_for_statsmodels():
    X, y = randhie()
    model = fitted("negative_binomial", X, y)
    # Before its own fit statsmodels takes the logarithm of alpha = 1 / n.
    alpha = np.log(np.sinh(model.intercept_["n"]))
    point = [model.intercept_["mean"], *model.coef_["mean"], alpha]
    peer = sm.NegativeBinomial(y, sm.add_constant(X))
    # In units of each score's spread over the rows.
    spread = np.sqrt((peer.score_obs(np.array(point)) ** 2).sum(axis=0))
    assert np.abs(peer.score(np.array(point)) / spread).max() < 1e-5
    assert peer.loglike(np.array(point)) == pytest.approx(model.loglik_, abs=1e-6)


def test_beta_on_food_expenditure():
    food = pd.read_csv(TABLES / "othermod/tests/results/foodexpenditure.csv")
    model = fitted("beta_mean", food[["income", "persons"]], (food.food / food.income).to_numpy())
    found = [model.intercept_["mean"], *model.coef_["mean"]]
    np.testing.assert_allclose(found, [-0.62254806, -0.01229884, 0.11846210], atol=6e-9)
    assert np.exp(model.intercept_["precision"]) == pytest.approx(35.60975, abs=6e-6)


def test_ordered_logit_on_applications():
    """The estimates of MASS::polr, as statsmodels' tests have them."""
    X, y = applications()
    model = fitted("ordinal", X, y)
    np.testing.assert_allclose(
        model.coef_["loc"], [1.04766367, -0.05868278, 0.61574582], rtol=0, atol=6e-9
    )
    cuts = model.distribution_.cuts(model.predict_dist(np.zeros((1, 3))).eta)
    np.testing.assert_allclose(cuts, [[2.20332324, 4.29876740]], rtol=0, atol=6e-9)


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_ordered_classes_are_statsmodels(link):
    from natfit.distributions import Ordinal

    X, y = applications()
    model = fitted(Ordinal(link=link), X, y)
    want = OrderedModel(y.astype(int), X, distr=link).fit(
        method="bfgs", gtol=1e-8, maxiter=500, disp=False
    )
    assert model.loglik_ == pytest.approx(want.llf, abs=1e-7)
    np.testing.assert_allclose(model.coef_["loc"], want.params[:3], atol=1e-4)


def test_normal_on_nist_longley():
    """Certified values: the intercept, and the residual variance on 9 degrees of freedom."""
    data = sm.datasets.longley.load_pandas()
    model = fitted("normal", data.exog, np.asarray(data.endog, float))
    assert model.intercept_["loc"] == pytest.approx(-3482258.63459582, rel=1e-11)
    variance = np.exp(2.0 * model.intercept_["scale"]) * 16.0 / 9.0
    assert variance == pytest.approx(92936.0061673238, rel=1e-9)
    certified = [
        15.0618722713733,
        -0.358191792925910e-01,
        -2.02022980381683,
        -1.03322686717359,
        -0.511041056535807e-01,
        1829.15146461355,
    ]
    np.testing.assert_allclose(model.coef_["loc"], certified, rtol=1e-9)


def test_mean_and_scale_of_motor_cars():
    mpg, X = MTCARS[:, 0], MTCARS[:, 1:]
    model = fitted("normal", X, mpg, features_for="all")
    assert -model.loglik_ == pytest.approx(78.66686967, abs=6e-9)
    found = [model.intercept_["loc"], *model.coef_["loc"]]
    found += [model.intercept_["scale"], *model.coef_["scale"]]
    want = [36.522718, -2.336367, -0.0137716, 1.872523, -0.1213792, -0.00055961]
    np.testing.assert_allclose(found, want, rtol=1e-6, atol=6e-8)


def test_multinomial_logit_on_anes96():
    data = sm.datasets.anes96.load_pandas()
    model = fitted("categorical", data.exog, np.asarray(data.endog, float))
    assert model.loglik_ == pytest.approx(-1461.922747, abs=6e-7)


def test_gamma_by_its_mean_has_the_coefficients_of_a_gamma_model():
    """They do not depend on the shape, which statsmodels estimates by another rule."""
    data = sm.datasets.scotland.load_pandas()
    exog = np.asarray(data.exog, float)
    exog = exog[:, :-1] if np.ptp(exog[:, -1]) == 0 else exog
    y = np.asarray(data.endog, float)
    model = fitted("gamma_mean", exog, y)
    want = sm.GLM(y, sm.add_constant(exog), family=sm.families.Gamma(sm.families.links.Log()))
    found = [model.intercept_["mean"], *model.coef_["mean"]]
    np.testing.assert_allclose(found, want.fit(tol=1e-12).params, rtol=1e-5)
    # x moves log scale by as much as log mean while the shape is one number.
    plain = fitted("gamma", exog, y)
    np.testing.assert_allclose(plain.coef_["scale"], model.coef_["mean"], rtol=1e-5)
    assert plain.loglik_ == pytest.approx(model.loglik_, abs=1e-8)


def small(family):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(80, 2))
    mean = np.exp(0.3 + X @ [0.4, -0.2])
    y = {
        "negative_binomial": rng.poisson(mean * rng.gamma(2.0, 0.5, 80)).astype(float),
        "gamma_mean": rng.gamma(3.0, mean / 3.0),
        "beta_mean": rng.beta(3.0, 3.0 * mean),
        "inverse_gaussian": rng.wald(mean, 3.0),
        "ordinal": np.digitize(np.log(mean) + rng.logistic(size=80), [0.0, 1.0]).astype(float),
    }[family]
    return X, y, rng.integers(1, 4, 80)


@pytest.mark.parametrize(
    "family", ["negative_binomial", "gamma_mean", "beta_mean", "inverse_gaussian", "ordinal"]
)
def test_weights_are_repetitions(family):
    X, y, weight = small(family)
    model = NaturalRegressor(family, tol=1e-8).fit(X, y, weight)
    again = NaturalRegressor(family, tol=1e-8).fit(np.repeat(X, weight, 0), np.repeat(y, weight))
    assert model.loglik_ == pytest.approx(again.loglik_, abs=1e-8)
    for name, coef in model.coef_.items():
        np.testing.assert_allclose(coef, again.coef_[name], atol=1e-7)


@pytest.mark.parametrize("family", ["negative_binomial", "gamma_mean", "inverse_gaussian"])
def test_exposures_are_offsets_of_their_logarithm(family):
    X, y, weight = small(family)
    model = NaturalRegressor(family, tol=1e-8).fit(X, y, exposure=weight)
    again = NaturalRegressor(family, tol=1e-8).fit(X, y, offset=np.log(weight))
    np.testing.assert_array_equal(model.coef_["mean"], again.coef_["mean"])
    if family == "negative_binomial":
        peer = sm.NegativeBinomial(y, sm.add_constant(X), exposure=weight)
        want = peer.fit(disp=0, method="bfgs", maxiter=500, gtol=1e-8).params
        np.testing.assert_allclose(
            [model.intercept_["mean"], *model.coef_["mean"]], want[:3], atol=1e-6
        )


@pytest.mark.parametrize("link", ["softplus", "identity", "sqrt"])
def test_an_exposure_needs_a_logarithmic_link(link):
    X, y, weight = small("gamma_mean")
    with pytest.raises(ValueError, match="exposure must belong to a parameter whose logarithm"):
        NaturalRegressor("gamma_mean", link=link).fit(X, y, exposure=weight)


@pytest.mark.slow
def test_negative_binomial_takes_no_longer_than_statsmodels():
    X, y = randhie()

    def seconds(call):
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    peer = sm.NegativeBinomial(y, sm.add_constant(X))
    with pytest.warns(UserWarning, match="converge"):
        theirs = min(seconds(lambda: peer.fit(disp=0)) for _ in range(3))
    own = min(seconds(lambda: NaturalRegressor("negative_binomial").fit(X, y)) for _ in range(3))
    assert own < theirs

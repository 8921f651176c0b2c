"""Links of regressions: coefficients of statsmodels' generalised linear models, and refusals."""

import numpy as np
import pytest
import statsmodels.api as sm

from natfit.bijectors import Positive, Power
from natfit.distributions import Censored, Normal, StudentT
from natfit.estimators.regression.regressor import NaturalRegressor
from natfit.fitting.links import linked

links, families = sm.families.links, sm.families


def design(seed=0, n=400):
    """Columns between zero and one: predictors of the identity stay positive."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(size=(n, 2))
    return rng, X, 0.6 + X @ [0.5, 0.3]


def shares():
    rng, X, eta = design()
    return X, (rng.uniform(size=len(X)) < 0.4 * eta).astype(float)


def counts():
    rng, X, eta = design()
    return X, rng.poisson(3.0 * eta).astype(float)


def amounts():
    rng, X, eta = design()
    return X, rng.gamma(4.0, 1.0 / (4.0 * eta))


def waits():
    rng, X, eta = design()
    return X, rng.wald(1.0 / np.sqrt(eta), 2.0)


def numbers():
    rng, X, eta = design()
    return X, np.exp(eta) + rng.normal(size=len(X))


CASES = {
    ("bernoulli", "logit"): (shares, families.Binomial(links.Logit())),
    ("bernoulli", "probit"): (shares, families.Binomial(links.Probit())),
    ("bernoulli", "cloglog"): (shares, families.Binomial(links.CLogLog())),
    ("bernoulli", "loglog"): (shares, families.Binomial(links.LogLog())),
    ("bernoulli", "identity"): (shares, families.Binomial(links.Identity())),
    ("poisson", "log"): (counts, families.Poisson(links.Log())),
    ("poisson", "identity"): (counts, families.Poisson(links.Identity())),
    ("poisson", "sqrt"): (counts, families.Poisson(links.Sqrt())),
    ("gamma_mean", "log"): (amounts, families.Gamma(links.Log())),
    ("gamma_mean", "inverse"): (amounts, families.Gamma(links.InversePower())),
    ("gamma_mean", "identity"): (amounts, families.Gamma(links.Identity())),
    ("inverse_gaussian", "log"): (waits, families.InverseGaussian(links.Log())),
    ("inverse_gaussian", "inverse_squared"): (
        waits,
        families.InverseGaussian(links.InverseSquared()),
    ),
    ("normal", "identity"): (numbers, families.Gaussian(links.Identity())),
    ("normal", "log"): (numbers, families.Gaussian(links.Log())),
    ("normal", "inverse"): (numbers, families.Gaussian(links.InversePower())),
}


@pytest.mark.filterwarnings("ignore:The .* link function does not respect the domain")
@pytest.mark.parametrize(("family", "link"), CASES)
def test_coefficients_are_those_of_statsmodels(family, link):
    """The location of these families is orthogonal to, or independent of, what else is fitted."""
    draw, peer = CASES[family, link]
    X, y = draw()
    start = None if link != "identity" else [y.mean(), 0.0, 0.0]
    want = sm.GLM(y, sm.add_constant(X), family=peer).fit(start_params=start, tol=1e-12).params
    model = NaturalRegressor(family, link=link, tol=1e-8).fit(X, y)
    assert model.status_ == "converged", model.message_
    mean = model.distribution_.driven
    assert model.link_[mean] == link
    found = [model.intercept_[mean], *model.coef_[mean]]
    np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-6)


def test_a_softplus_mean_is_positive_and_linear_where_large():
    X, y = counts()
    model = NaturalRegressor("poisson", link="softplus").fit(X + 20.0, 10.0 * y)
    plain = NaturalRegressor("poisson", link="identity").fit(X + 20.0, 10.0 * y)
    np.testing.assert_allclose(model.coef_["rate"], plain.coef_["rate"], rtol=1e-3)


@pytest.mark.parametrize("link", ["identity", "softplus", "sqrt", "inverse"])
def test_predictors_that_are_no_logarithms_may_be_large(link):
    """Means of 1e6, or of 1e-6 under the inverse link, are predictors of 1e6."""
    rng = np.random.default_rng(1)
    X = rng.uniform(size=(300, 1))
    mean = 1e6 * (1.0 + X[:, 0])
    mean = {"sqrt": mean**2, "inverse": 1.0 / mean}.get(link, mean)
    model = NaturalRegressor("gamma_mean", link=link).fit(X, mean * rng.gamma(5.0, 0.2, 300))
    assert model.status_ == "converged", model.message_
    found = [model.intercept_["mean"], *model.coef_["mean"]]
    np.testing.assert_allclose(found, [1e6, 1e6], rtol=0.3)


def test_rows_that_leave_the_range_shorten_the_step():
    """Near x = 0 the mean is almost zero, and a count there keeps it positive."""
    rng = np.random.default_rng(3)
    X = np.linspace(0.001, 10.0, 300)[:, None]
    y = rng.poisson(0.02 + 2.0 * X[:, 0]).astype(float)
    y[0] = 1.0
    model = NaturalRegressor("poisson", link="identity").fit(X, y)
    assert model.status_ == "converged"
    assert (model.predict(X) > 0).all()
    far = model.predict_dist(np.array([[-5.0]]))
    assert far.logpdf([1.0]) == -np.inf


def test_a_link_of_one_parameter_by_name():
    X, y = numbers()
    model = NaturalRegressor("normal", features_for="all", link={"scale": "softplus"}).fit(X, y)
    assert model.link_ == {"loc": "identity", "scale": "softplus"}
    plain = NaturalRegressor("normal", features_for="all").fit(X, y)
    assert plain.link_ == {"loc": "identity", "scale": "log"}
    assert abs(model.loglik_ - plain.loglik_) < 1.0


def test_degrees_of_freedom_that_features_drive_are_logarithmic():
    rng, X, eta = design()
    y = eta + 0.3 * rng.standard_t(3.0, len(X))
    alone = NaturalRegressor("student_t").fit(X, y)
    assert alone.link_["df"] == "arsinh(1 / df)"
    driven = NaturalRegressor("student_t", features_for="all").fit(X, y)
    assert driven.link_["df"] == "log"
    only = NaturalRegressor("student_t", features_for={"loc": "all"}, link={"df": "log"})
    only.fit(X, y)
    assert only.link_["df"] == "log"
    assert only.loglik_ == pytest.approx(alone.loglik_, abs=1e-6)
    assert only.intercept_["df"] == pytest.approx(
        np.log(1.0 / np.sinh(alone.intercept_["df"])), rel=1e-3
    )


def test_the_share_of_zeros_that_features_drive_has_log_odds():
    rng, X, eta = design()
    y = np.where(rng.uniform(size=len(X)) < 0.3, 0.0, rng.poisson(3.0 * eta)).astype(float)
    model = NaturalRegressor("zero_inflated", features_for="all").fit(X, y)
    assert model.link_["zero_prob"] == "logit"
    peer = sm.ZeroInflatedPoisson(y, sm.add_constant(X), exog_infl=sm.add_constant(X))
    want = peer.fit(method="bfgs", gtol=1e-8, maxiter=500, disp=0)
    assert model.loglik_ >= want.llf - 1e-6


def test_links_of_censored_rows():
    X, y = amounts()
    rows = Censored(np.minimum(y, 1.0), np.where(y < 1.0, y, np.inf))
    model = NaturalRegressor("gamma_mean", link="inverse").fit(X, rows)
    assert model.link_["mean"] == "inverse"
    plain = NaturalRegressor("gamma_mean", link="inverse").fit(X, y)
    np.testing.assert_allclose(model.coef_["mean"], plain.coef_["mean"], atol=0.6)


def test_an_object_is_a_link():
    X, y = amounts()
    by_name = NaturalRegressor("gamma_mean", link="inverse").fit(X, y)
    made = NaturalRegressor("gamma_mean", link=Power(-1.0)).fit(X, y)
    np.testing.assert_array_equal(by_name.coef_["mean"], made.coef_["mean"])


def test_what_is_its_own_link_is_unchanged():
    family = Normal()
    assert linked(family, {"loc": "identity", "scale": "log"}, ["loc", "scale"]) is family
    assert linked(StudentT(), None, ["loc"]) == StudentT()


@pytest.mark.parametrize(
    ("family", "link", "message"),
    [
        ("poisson", "probit", r"'rate', whose values lie in \(0, inf\).*got 'probit'"),
        ("bernoulli", "log", r"\(0, 1\), must be one of \['cloglog', 'identity', 'logit'"),
        ("normal", {"mu": "log"}, r"names of \['loc', 'scale'\] to links, got 'mu'"),
        ("categorical", "logit", "cannot be chosen, got 'logit'"),
        ("multivariate_normal", {"covariance": "log"}, "link of 'covariance' cannot be chosen"),
        ("normal", {"scale": Positive((3,))}, r"elementwise constraint of shape \(\)"),
    ],
)
def test_a_link_that_does_not_fit_is_refused(family, link, message):
    from natfit._component import component_class
    from natfit.distributions.base import Distribution

    bound = component_class(family, Distribution).examples()[0]
    with pytest.raises(ValueError, match=message):
        linked(bound, link)


def test_a_link_of_another_type_is_refused():
    with pytest.raises(TypeError, match="must be one of .* or a constraint"):
        linked(Normal(), {"loc": 3.0})

"""Laplace's approximation against conjugate posteriors, Stirling's formula and quadrature."""

import pickle
import warnings

import autograd.numpy as anp
import numpy as np
import pytest
from scipy import integrate, special, stats

import natfit
from natfit.bijectors import Positive
from tests.fits import fitted

RNG = np.random.default_rng(0)
WAITS = RNG.exponential(2.0, 40)


def of_loc(y, prior=None, weight=None):
    """A normal of known scale 2."""
    model = natfit.NaturalMLE("normal", fixed={"scale": 2.0}, prior=prior)
    return model.fit(y[:, None], sample_weight=weight)


def evidence_of_loc(y, mean, sd):
    """Marginal density of y: normal with 4 on the diagonal and the prior's variance throughout."""
    covariance = 4.0 * np.eye(len(y)) + sd**2
    return stats.multivariate_normal(np.full(len(y), mean), covariance).logpdf(y)


@pytest.mark.parametrize("n", [2, 30, 400])
@pytest.mark.parametrize("mean, sd", [(0.5, 1.5), (-40.0, 0.2), (3.0, 300.0)])
def test_normal_evidence_is_exact(n, mean, sd):
    y = RNG.normal(1.3, 2.0, n)
    found = of_loc(y, {"loc": stats.norm(mean, sd)}).laplace(y)
    want = evidence_of_loc(y, mean, sd)
    assert found.log_evidence == pytest.approx(want, abs=1e-10 * max(1.0, abs(want)))
    assert found.log_evidence_by_importance == pytest.approx(want, rel=1e-10, abs=1e-9)
    assert found.k_hat == -np.inf
    precision = n / 4 + sd**-2
    # The curvature of the prior is a difference of log-densities of -1e4, which rounding moves.
    assert found.covariance[0, 0] == pytest.approx(1 / precision, rel=1e-8)
    assert found.mean[0] == pytest.approx((y.sum() / 4 + mean / sd**2) / precision, rel=1e-9)
    assert found.covariance[1, 1] == 0.0


def test_a_prior_that_was_not_in_the_fit():
    y, prior = RNG.normal(1.3, 2.0, 50), {"loc": ("normal", {"loc": 0.5, "scale": 1.5})}
    found = of_loc(y).laplace(y, prior)
    assert found.log_evidence == pytest.approx(evidence_of_loc(y, 0.5, 1.5), abs=1e-10)
    again = of_loc(y, prior).laplace(y)
    assert again.log_evidence == pytest.approx(found.log_evidence, abs=1e-10)


def test_a_weight_is_a_number_of_repetitions():
    y, weight = RNG.normal(1.3, 2.0, 20), RNG.integers(1, 4, 20).astype(float)
    prior = {"loc": stats.norm(0.5, 1.5)}
    found = of_loc(y, prior, weight).laplace(y, sample_weight=weight)
    want = evidence_of_loc(np.repeat(y, weight.astype(int)), 0.5, 1.5)
    assert found.log_evidence == pytest.approx(want, abs=1e-10)


def test_exponential_evidence_is_stirlings():
    """With a gamma prior the posterior of the log of the rate is that of a log gamma variable.

    Laplace's formula then replaces the gamma function by Stirling's first term.
    """
    a, b = 2.0, 3.0
    model = natfit.NaturalMLE("exponential", prior={"rate": stats.gamma(a, scale=1 / b)})
    found = model.fit(WAITS[:, None]).laplace(WAITS)
    shape, rate = a + 40, b + WAITS.sum()
    assert found.mean[0] == pytest.approx(np.log(shape / rate), abs=1e-10)
    assert found.covariance[0, 0] == pytest.approx(1 / shape, rel=1e-9)
    common = a * np.log(b) - special.gammaln(a) - shape * np.log(rate)
    stirling = shape * np.log(shape) - shape + 0.5 * np.log(2 * np.pi / shape)
    assert found.log_evidence == pytest.approx(common + stirling, abs=1e-10)
    exact = common + special.gammaln(shape)
    assert abs(found.log_evidence - exact) < 1 / (11 * shape)
    assert found.log_evidence_by_importance == pytest.approx(exact, abs=0.02)


def test_gamma_evidence_by_quadrature():
    y = RNG.gamma(2.0, 3.0, 60)
    shape, scale = stats.gamma(3.0), stats.lognorm(0.7, scale=2.0)
    model = natfit.NaturalMLE("gamma", prior={"shape": shape, "scale": scale}).fit(y[:, None])
    found = model.laplace(y)
    top = found.log_evidence

    k, s = np.linspace(0.5, 6.0, 500)[:, None], np.linspace(0.5, 12.0, 500)
    log = (k - 1) * np.log(y).sum() - y.sum() / s - 60 * (special.gammaln(k) + k * np.log(s))
    log += shape.logpdf(k) + scale.logpdf(s)
    inner = integrate.simpson(np.exp(log - top), x=s, axis=1)
    want = integrate.simpson(inner, x=k[:, 0])
    assert np.log(want) == pytest.approx(0.0, abs=0.02)
    assert found.log_evidence_by_importance - top == pytest.approx(np.log(want), abs=0.02)


def test_the_mode_is_that_of_eta():
    """The Jacobian moves it: of the rate itself the mode would be (a - 1 + n) / (b + sum)."""
    prior = {"rate": stats.gamma(2.0, scale=1 / 3)}
    model = natfit.NaturalMLE("exponential", prior=prior).fit(WAITS[:, None])
    assert model.params_["rate"][0] == pytest.approx(41 / (3 + WAITS.sum()), rel=1e-5)
    found = model.laplace(WAITS)
    assert found.params["rate"] == pytest.approx(42 / (3 + WAITS.sum()), rel=1e-8)


def test_draws():
    y = RNG.gamma(2.0, 3.0, 200)
    found = natfit.fit("gamma", y).laplace(y)
    eta = found.sample_eta(20_000, random_state=1)
    error = np.sqrt(np.diagonal(found.covariance) / 20_000)
    assert np.all(np.abs(eta.mean(axis=0) - found.mean) < 5 * error)
    np.testing.assert_allclose(np.cov(eta.T), found.covariance, rtol=0.05, atol=1e-4)
    native = found.sample(20_000, random_state=1)
    np.testing.assert_allclose(native["shape"], np.exp(eta[:, 0]))
    assert native["scale"].shape == (20_000,)
    # Without a prior the mode is the estimate, and the covariance the inverse information.
    model = natfit.fit("gamma", y, tol=1e-9)
    np.testing.assert_allclose(found.mean, model._eta[0], atol=1e-6)
    np.testing.assert_allclose(found.covariance, model._estimates()[0].covariance(), rtol=1e-5)


def test_draws_keep_within_the_limits_of_a_family():
    y = stats.t(8.0).ppf((np.arange(60) + 0.5) / 60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = natfit.fit("student_t", y).laplace(y)
    df = found.sample(2_000, random_state=0)["df"]
    assert np.all(df > 0) and np.isfinite(df).all()


def test_a_skewed_posterior_is_warned_of():
    y = WAITS[:2]
    with pytest.warns(UserWarning, match="k-hat is .* above 0.7"):
        found = natfit.fit("exponential", y).laplace(y)
    assert found.k_hat > 0.7
    assert "k-hat" in repr(found) and "log rate" in repr(found)
    unchecked = natfit.fit("exponential", y).laplace(y, n_draws=0)
    assert unchecked.k_hat is None
    np.testing.assert_array_equal(unchecked.mean, found.mean)


def test_right_censored_rows():
    """Exponential rows of d events in the time t: the posterior of the rate is a gamma."""
    limit = RNG.exponential(3.0, 40)
    time, seen = np.minimum(WAITS, limit), WAITS <= limit
    rows = natfit.Censored.right(time, seen)
    model = natfit.NaturalMLE("exponential", prior={"rate": stats.gamma(2.0, scale=1 / 3)})
    found = model.fit(rows).laplace(rows)
    shape = 2 + seen.sum()
    assert found.mean[0] == pytest.approx(np.log(shape / (3 + time.sum())), abs=1e-9)
    assert found.covariance[0, 0] == pytest.approx(1 / shape, rel=1e-8)


def test_columns_and_vectors():
    x = RNG.exponential(1.0, (50, 2))
    model = natfit.NaturalMLE("exponential", prior={"rate": stats.gamma(2.0)}).fit(x)
    first, second = model.laplace(x)
    alone = natfit.NaturalMLE("exponential", prior={"rate": stats.gamma(2.0)}).fit(x[:, :1])
    assert alone.laplace(x[:, :1]).log_evidence == pytest.approx(first.log_evidence, abs=1e-8)
    assert second.log_evidence != first.log_evidence
    z = RNG.standard_normal((80, 2))
    found = natfit.fit("multivariate_normal", z).laplace(z)
    assert found.sample(7, random_state=0)["covariance"].shape == (7, 2, 2)


def of_product():
    def log_prob(y, a, b):
        return anp.log(a) + anp.log(b) - a * b * y

    return natfit.distributions.from_log_prob(
        log_prob, {"a": Positive(), "b": Positive()}, support="positive"
    )


def test_what_is_not_determined_needs_a_prior():
    model = fitted(of_product(), WAITS)
    with pytest.raises(ValueError, match=r"log a, log b; pass a prior .* identifiability"):
        model.laplace(WAITS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = model.laplace(WAITS, {"a": stats.lognorm(0.5), "b": stats.lognorm(0.5)})
    # By symmetry the mode has a = b, and along log a - log b the prior alone counts: 0.5^2 each.
    assert found.mean[0] == pytest.approx(found.mean[1], abs=1e-7)
    difference = np.array([1.0, -1.0])
    assert difference @ found.covariance @ difference == pytest.approx(0.5, rel=1e-6)


def test_refusals():
    model = natfit.fit("gamma", WAITS)
    with pytest.raises(ValueError, match="got no X"):
        model.laplace()
    with pytest.raises(ValueError, match="log_evidence needs a prior for each free parameter"):
        _ = model.laplace(WAITS).log_evidence
    with pytest.raises(ValueError, match="got priors of \\['shape'\\]"):
        _ = model.laplace(WAITS, {"shape": stats.gamma(2.0)}).log_evidence
    with pytest.raises(ValueError, match="prior must name|rate"):
        model.laplace(WAITS, {"rate": stats.gamma(2.0)})
    with pytest.raises(TypeError, match="prior must be a dict"):
        model.laplace(WAITS, stats.gamma(2.0))
    with pytest.raises(ValueError, match="n_draws must be 0 or >= 25"):
        model.laplace(WAITS, n_draws=10)
    with pytest.raises(ValueError, match="data of the fit"):
        model.laplace(WAITS + 1.0)
    with pytest.raises(ValueError, match="n must be >= 1"):
        model.laplace(WAITS).sample(0)


def test_it_holds_no_data_and_can_be_stored():
    y = RNG.gamma(2.0, 3.0, 5_000)
    found = natfit.fit("gamma", y).laplace(y, n_draws=0)
    stored = pickle.dumps(found)
    assert len(stored) < 8 * 5_000
    again = pickle.loads(stored)
    np.testing.assert_array_equal(again.sample_eta(3, 0), found.sample_eta(3, 0))

"""Ordered classes: cumulative probabilities by scipy, far cuts by mpmath, classes without rows."""

import mpmath
import numpy as np
import pytest
from scipy import stats

import natfit
from natfit.distributions import Bernoulli, Ordinal
from tests.cases import Case


def draws():
    return np.random.default_rng(0).choice(4, 300, p=[0.2, 0.4, 0.3, 0.1]).astype(float)


def optimum(y):
    """A constant model has as many parameters as classes less one: shares are frequencies."""
    cuts = stats.logistic.ppf(np.cumsum(np.bincount(y.astype(int)) / len(y))[:-1])
    return [-cuts[0], *np.diff(cuts)]


CASE = Case(data=draws(), optimum=optimum, family=Ordinal(4))


@pytest.mark.parametrize(("link", "law"), [("logit", stats.logistic), ("probit", stats.norm)])
def test_probabilities_are_differences_of_the_distribution_function(link, law):
    rng = np.random.default_rng(1)
    eta = rng.normal(size=(30, 4))
    family = Ordinal(5, link)
    gaps = np.cumsum(np.exp(eta[:, 1:]), axis=1)
    cuts = np.column_stack([np.zeros(30), gaps]) - eta[:, :1]
    np.testing.assert_allclose(family.cuts(eta), cuts, rtol=1e-14)
    cdf = np.column_stack([np.zeros(30), law.cdf(cuts), np.ones(30)])
    np.testing.assert_allclose(family.probabilities(eta), np.diff(cdf, axis=1), atol=1e-14)
    y = rng.integers(0, 5, 30).astype(float)
    at = np.exp(family.log_cdf(y, eta)), np.exp(family.log_sf(y, eta))
    want = cdf[np.arange(30), y.astype(int) + 1]
    np.testing.assert_allclose(at, [want, 1.0 - want], atol=1e-14)
    mean, variance = family.moments(eta)
    p = family.probabilities(eta)
    np.testing.assert_allclose(mean, p @ np.arange(5.0))
    np.testing.assert_allclose(variance, p @ np.arange(5.0) ** 2 - mean**2)


@pytest.mark.parametrize("link", ["logit", "probit"])
@pytest.mark.parametrize("loc", [-35.0, -6.0, 6.0, 35.0])
@pytest.mark.parametrize("log_gap", [-15.0, 2.0])
def test_far_and_narrow_classes_against_mpmath(link, loc, log_gap):
    eta = np.array([[loc, log_gap]])
    with mpmath.workdps(800):
        cut = [-mpmath.mpf(loc), -mpmath.mpf(loc) + mpmath.exp(mpmath.mpf(log_gap))]

        def cdf(x):
            return mpmath.ncdf(x) if link == "probit" else 1 / (1 + mpmath.exp(-x))

        def pdf(x):
            return mpmath.npdf(x) if link == "probit" else cdf(x) * cdf(-x)

        p = [cdf(cut[0]), cdf(cut[1]) - cdf(cut[0]), cdf(-cut[1])]
        want = [float(mpmath.log(v)) for v in p]
        d = [-pdf(cut[0]) / p[0], (pdf(cut[0]) - pdf(cut[1])) / p[1], pdf(cut[1]) / p[2]]
        slopes = [float(v) for v in d]
    family = Ordinal(3, link)
    y = np.arange(3.0)
    np.testing.assert_allclose(family.log_prob(y, eta), want, rtol=1e-9)
    np.testing.assert_allclose(family.score(y, eta)[:, 0], slopes, rtol=1e-6, atol=1e-8)


def test_two_classes_are_bernoulli():
    eta, y = np.linspace(-5.0, 5.0, 11)[:, None], np.arange(11) % 2.0
    two, one = Ordinal(2), Bernoulli()
    np.testing.assert_allclose(two.log_prob(y, eta), one.log_prob(y, eta), rtol=1e-13)
    np.testing.assert_allclose(two.fisher(eta), one.fisher(eta), rtol=1e-12)


@pytest.mark.parametrize("y", [[0.0, 2.0, 2.0, 0.0], [1.0, 2.0, 1.0, 2.0]])
def test_a_class_that_never_occurs_is_refused(y):
    with pytest.raises(ValueError, match="none of class.*number the classes that occur"):
        natfit.fit("ordinal", np.array(y))


def test_a_link_of_another_name_is_refused():
    with pytest.raises(ValueError, match="link must be"):
        natfit.fit(Ordinal(link="cauchit"), draws())
    with pytest.raises(ValueError, match="call bind"):
        Ordinal().params  # noqa: B018

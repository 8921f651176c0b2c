"""Families end at a simpler family by its name where the data are most likely under that one."""

import numpy as np
import pytest
from scipy import stats

from natfit._component import resolve
from natfit.distributions.base import Distribution
from tests.fits import fitted, native

RNG = np.random.default_rng(5)
REGULAR = stats.norm.ppf(np.arange(1, 40) / 40.0)
EVEN = RNG.gamma(3.0, 1.0, 60)


def exponential(x):
    return stats.expon.logpdf(x, scale=x.mean()).sum()


def normal(x):
    return stats.norm.logpdf(x, x.mean(), x.std()).sum()


CASES = {
    "lomax": (EVEN, "the exponential distribution", exponential, 1e-6),
    "gompertz": (
        np.random.default_rng(3).lognormal(0.0, 1.5, 60),
        "the exponential distribution",
        exponential,
        1e-6,
    ),
    "rice": (
        np.random.default_rng(4).exponential(1.0, 60),
        "the Rayleigh distribution",
        lambda x: stats.rayleigh.logpdf(x, scale=np.sqrt(0.5 * np.mean(x**2))).sum(),
        1e-6,
    ),
    "exponentially_modified_normal": (-EVEN, "the normal distribution", normal, 1e-6),
    "johnson_su": (REGULAR, "the lognormal with a location, or the normal", normal, 1e-4),
    "generalized_gamma": (
        np.random.default_rng(6).uniform(0.0, 1.0, 50) ** 0.5,
        "a power function that ends at the largest row",
        lambda x: stats.powerlaw.logpdf(x, 1.0 / np.log(x.max() / x).mean(), scale=x.max()).sum(),
        1e-2,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_fit_ends_at_its_limit_by_name(name):
    """The log-likelihood there is that of the simpler family's optimum, in closed form."""
    x, words, best, slack = CASES[name]
    model = fitted(name, x)
    assert model.status_ == "boundary", model.message_
    assert words in model.message_
    family = resolve(name, Distribution)
    got = family.log_prob(x, family.eta(**native(model))[None]).sum()
    want = best(x)
    assert want - slack <= got <= want + 0.2


def test_the_exponential_limit_of_the_modified_normal():
    x = np.random.default_rng(8).exponential(2.0, 50)
    model = fitted("exponentially_modified_normal", x)
    assert model.status_ == "boundary"
    assert "the exponential distribution from the smallest row" in model.message_
    want = stats.expon.logpdf(x, x.min(), x.mean() - x.min()).sum()
    family = resolve("exponentially_modified_normal", Distribution)
    assert model.score(x[:, None]) * len(x) == pytest.approx(want, abs=1e-2)
    assert family.has_cdf


def test_the_lognormal_is_an_inner_point_of_the_generalised_gamma():
    x = np.exp(REGULAR)
    model = fitted("generalized_gamma", x)
    assert model.status_ == "converged"
    assert model.params_["q"][0] == pytest.approx(0.0, abs=1e-5)

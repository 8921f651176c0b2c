"""Maximum a posteriori: closed forms of conjugate pairs, brute force, standard errors."""

import numpy as np
import pytest
from scipy import optimize, stats

import natfit
from natfit import Censored, NaturalMLE
from natfit.distributions import Gamma

Y = np.random.default_rng(0).normal(3.0, 2.0, 12)
COUNTS = np.random.default_rng(1).poisson(2.5, 15).astype(float)


def flat(values):
    return [float(np.squeeze(v)) for v in values.values()]


def test_normal_prior_of_a_mean_is_a_weighted_mean():
    """Known scale s, prior N(m, t^2): precisions add."""
    prior = {"loc": stats.norm(10.0, 0.5)}
    model = natfit.fit("normal", Y, fixed={"scale": 2.0}, prior=prior, tol=1e-9)
    precision = 12 / 4 + 1 / 0.25
    assert model.params_["loc"][0] == pytest.approx((Y.sum() / 4 + 40) / precision, rel=1e-8)
    assert model.standard_errors_["loc"][0] == pytest.approx(precision**-0.5, rel=1e-6)
    expected = model.cov_params("expected")[0, 0]
    assert expected == pytest.approx(1 / precision, rel=1e-6)


@pytest.mark.parametrize(
    "prior", [stats.gamma(3.0, scale=0.5), ("gamma", {"shape": 3.0, "scale": 0.5})]
)
def test_gamma_prior_of_a_rate(prior):
    """The posterior is gamma(a + sum y, b + n); its mode in the rate, no Jacobian."""
    model = natfit.fit("poisson", COUNTS, prior={"rate": prior}, tol=1e-9)
    shape, rate = 3.0 + COUNTS.sum(), 2.0 + 15
    assert model.params_["rate"][0] == pytest.approx((shape - 1) / rate, rel=1e-8)
    # Curvature of the log-posterior in log rate at the mode: (shape - 1), by the chain rule.
    error = (shape - 1) ** 0.5 / rate
    assert model.standard_errors_["rate"][0] == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("coordinates", ["unconstrained", "native"])
@pytest.mark.parametrize("metric", ["auto", "exact", "observed", "empirical", "monte_carlo"])
def test_every_metric_and_coordinates_find_the_same_mode(coordinates, metric):
    y = np.random.default_rng(2).gamma(2.0, 3.0, 40)
    prior = {"shape": stats.lognorm(0.3, scale=4.0), "scale": stats.halfnorm(scale=1.0)}
    options = {"random_state": 0, "max_iter": 500, "tol": 1e-6}
    model = natfit.fit("gamma", y, prior=prior, metric=metric, coordinates=coordinates, **options)

    def loss(t):
        a, b = np.exp(t)
        log = stats.gamma.logpdf(y, a, scale=b).sum()
        return -log - prior["shape"].logpdf(a) - prior["scale"].logpdf(b)

    best = optimize.minimize(
        loss, [1.0, 0.5], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-13}
    )
    assert flat(model.params_) == pytest.approx(np.exp(best.x), rel=1e-5)


def test_a_weight_repeats_rows_not_the_prior():
    times = np.arange(15) % 3
    prior = {"rate": stats.gamma(3.0, scale=0.5)}
    weighted = natfit.fit("poisson", COUNTS, prior=prior, sample_weight=times)
    repeated = natfit.fit("poisson", np.repeat(COUNTS, times), prior=prior)
    assert flat(weighted.params_) == pytest.approx(flat(repeated.params_), rel=1e-9)


def test_a_prior_with_censoring_and_two_columns():
    y = np.random.default_rng(0).exponential(4.0, 30)
    rows = Censored(np.minimum(y, 5), np.where(y > 5, np.inf, y))
    model = natfit.fit("exponential", rows, prior={"rate": stats.gamma(2.0, scale=1.0)}, tol=1e-9)
    events, exposure = (y <= 5).sum(), np.minimum(y, 5).sum()
    assert model.params_["rate"][0] == pytest.approx((events + 1) / (exposure + 1), rel=1e-8)
    X = np.stack([y, 2 * y], axis=1)
    both = NaturalMLE("exponential", prior={"rate": stats.gamma(2.0, scale=1.0)}, tol=1e-9).fit(X)
    np.testing.assert_allclose(both.params_["rate"], 31 / (X.sum(axis=0) + 1), rtol=1e-8)


def test_a_start_that_the_prior_excludes_is_moved():
    model = natfit.fit("normal", Y, prior={"scale": stats.beta(2.0, 2.0, scale=0.5)})
    assert 0 < model.params_["scale"][0] < 0.5
    assert model.status_.good


def test_an_indefinite_prior_does_not_spoil_the_metric():
    """A Cauchy prior far away is convex there: its curvature leaves the metric, not the Hessian."""
    prior = {"loc": stats.cauchy(0.0, 0.5)}
    model = natfit.fit("normal", Y, prior=prior, fixed={"scale": 2.0}, tol=1e-9)

    def slope(m):
        return (Y - m).sum() / 4 - 2 * m / (0.25 + m**2)

    want = optimize.brentq(slope, 1.5, 6, xtol=1e-14)
    assert model.params_["loc"][0] == pytest.approx(want, rel=1e-8)
    curve = 3.0 + 2 * (0.25 - want**2) / (0.25 + want**2) ** 2
    assert model.standard_errors_["loc"][0] == pytest.approx(curve**-0.5, rel=1e-6)
    assert curve < 3.0


@pytest.mark.parametrize(
    ("prior", "words"),
    [
        ({"df": stats.norm()}, "prior must name some of"),
        ({"shape": 3.0}, "must be a frozen scipy.stats distribution or"),
        ({"shape": ("poisson", {"rate": 1.0})}, "must be a univariate density"),
        ({"shape": ("gamma", {"shape": 1.0})}, "parameters must be"),
        ({"shape": Gamma()}, "must be a frozen scipy.stats distribution or"),
    ],
)
def test_priors_that_cannot_be(prior, words):
    with pytest.raises(ValueError, match=words):
        natfit.fit("gamma", np.array([1.0, 2.0, 4.0]), prior=prior)


def test_a_fixed_parameter_has_no_prior():
    with pytest.raises(ValueError, match="numbers that are estimated"):
        natfit.fit("gamma", [1.0, 2.0], fixed={"shape": 1.0}, prior={"shape": stats.norm()})


@pytest.mark.parametrize(
    "density",
    [stats.uniform(1, 1), stats.truncnorm(-1, 0, loc=2, scale=1), stats.expon(5)],
)
def test_a_prior_that_jumps_inside_the_range_is_refused(density):
    y = stats.lognorm(0.7, scale=3).rvs(100, random_state=0)
    with pytest.raises(ValueError, match=r"prior\['shape'\] must fall to zero.*use bounds"):
        natfit.fit("gamma", y, prior={"shape": density})
    # An end at the parameter's own is none inside, and a density that falls to zero is smooth.
    natfit.fit("gamma", y, prior={"shape": stats.expon()})
    natfit.fit("gamma", y, prior={"shape": stats.beta(3, 3, scale=10)})

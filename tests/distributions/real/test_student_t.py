"""Student's t: its information to the normal limit, hostile locations, ties."""

import warnings

import mpmath
import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.distributions import StudentT
from tests.cases import Case, continuous
from tests.fits import log_uniform


def mle(y):
    """scipy's log-density under Nelder and Mead's simplex, in logarithms of scale and df."""

    def loss(t):
        return -stats.t.logpdf(y, np.exp(t[2]), t[0], np.exp(t[1])).mean()

    start = [np.median(y), 0.0, 1.0]
    options = {"xatol": 1e-10, "fatol": 1e-15, "maxiter": 5_000, "maxfev": 5_000}
    best = optimize.minimize(loss, start, method="Nelder-Mead", options=options).x
    return [best[0], np.exp(best[1]), np.exp(best[2])]


CASE = Case(
    data=3.0 + 2.0 * np.random.default_rng(0).standard_t(3.0, 200),
    optimum=mle,
    draws=continuous(
        stats.t,
        lambda x, loc, scale, df: stats.t.logpdf(x, df, loc, scale),
        lambda rng, n: rng.standard_t(log_uniform(rng, 0.8, 50.0), n),
    ),
)


FAMILY = StudentT()
DFS = [0.05, 0.3, 1.0, 2.5, 7.0, 15.9, 16.1, 100.0, 1e4, 1e6, 1e8, 1e10]


def at(df, scale=2.0):
    return FAMILY.eta(loc=1.0, scale=scale, df=df)


@pytest.mark.parametrize("df", DFS)
def test_fisher_of_location_and_scale(df):
    fisher = FAMILY.fisher(at(df)[None])[0]
    assert fisher[0, 0] == pytest.approx((df + 1) / ((df + 3) * 4.0), rel=1e-10)
    assert fisher[1, 1] == pytest.approx(2.0 * df / (df + 3), rel=1e-10)
    assert fisher[0, 1] == fisher[0, 2] == 0.0


@pytest.mark.parametrize("df", DFS)
def test_fisher_of_df_against_mpmath(df):
    """The textbook form in 60 digits, in log df; in doubles it is -4.8e-9 at df 1e8."""
    with mpmath.workdps(60):
        v = mpmath.mpf(FAMILY.native(at(df)[None])[2][0])
        trigamma = mpmath.psi(1, v / 2) - mpmath.psi(1, (v + 1) / 2)
        native = trigamma / 4 - (v + 5) / (2 * v * (v + 1) * (v + 3))
        cross = -2 / ((v + 1) * (v + 3))
        slope = -mpmath.sqrt(1 + v * v) * v  # d df / d eta of df = 1 / sinh(eta)
        want = float(native * slope**2), float(cross * slope)
    fisher = FAMILY.fisher(at(df)[None])[0]
    assert fisher[2, 2] == pytest.approx(want[0], rel=1e-9)
    assert fisher[1, 2] == pytest.approx(want[1], rel=1e-9)


@pytest.mark.parametrize("df", np.logspace(np.log10(0.05), 10, 60))
def test_fisher_is_positive_semidefinite_to_the_ends(df):
    fisher = FAMILY.fisher(at(df)[None])[0]
    size = np.sqrt(np.diagonal(fisher))
    assert np.all(np.diagonal(fisher) > 0)
    assert np.linalg.eigvalsh(fisher / np.outer(size, size))[0] > 0


@pytest.mark.parametrize("df", [1e6, 1e8, 1e10])
def test_the_normal_limit(df):
    y = np.linspace(-5.0, 7.0, 9)
    normal = stats.norm(1.0, 2.0).logpdf(y)
    got = FAMILY.log_prob(y, at(df)[None])
    # log p = normal + (z^4 - 2 z^2 - 1) / (4 df) + O(1 / df^2).
    z = (y - 1.0) / 2.0
    np.testing.assert_allclose(got, normal + (z**4 - 2 * z**2 - 1) / (4 * df), atol=1e-11)


@pytest.mark.parametrize("df", [1e5, 1e8, 1e10])
def test_score_of_df_keeps_its_digits_near_the_normal(df):
    """d log p / d (1 / df) tends to (z^4 - 2 z^2 - 1) / 4."""
    y = np.array([-3.0, 0.5, 1.0, 2.0, 6.0])
    z = (y - 1.0) / 2.0
    want = (z**4 - 2 * z**2 - 1) / 4
    np.testing.assert_allclose(FAMILY.score(y, at(df)[None])[:, 2], want, rtol=1e-3, atol=1e-3)


def test_cauchy():
    y = np.array([-1e6, 0.0, 3.0])
    got = FAMILY.log_prob(y, at(1.0)[None])
    np.testing.assert_allclose(got, stats.cauchy(1.0, 2.0).logpdf(y), rtol=1e-12)


def test_df_at_its_upper_limit_means_the_normal():
    assert FAMILY.limit_meaning[("df", "upper")] == "the normal distribution"


def fit(x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return natfit.fit("student_t", x)


def loglik(x, df, loc, scale):
    return stats.t(df, loc, scale).logpdf(x).sum()


@pytest.mark.parametrize("df", [3.0, 30.0, 200.0, np.inf])
@pytest.mark.parametrize(("loc", "scale"), [(1e3, 0.01), (1e6, 1.0), (0.0, 1e-4)])
@pytest.mark.parametrize("seed", range(3))
def test_hostile_locations_and_the_normal_limit(loc, scale, df, seed):
    """As likely as at scale 1, where scipy and the truth are the yardsticks."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(400) if np.isinf(df) else rng.standard_t(df, 400)
    model = fit(loc + scale * z)
    assert model.status_ in ("converged", "boundary", "rounding_floor")
    got = model.score((loc + scale * z)[:, None]) * 400 + 400 * np.log(scale)
    best = loglik(z, *stats.t.fit(z))
    normal = stats.norm(z.mean(), z.std()).logpdf(z).sum()
    assert got >= max(best, normal) - 400 * 1e-8
    if model.status_ == "boundary":
        assert normal >= best - 1e-4


@pytest.mark.parametrize("seed", range(60))
def test_a_dozen_rows_never_end_below_the_normal(seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(3 + seed % 10)
    model = fit(x)
    normal = stats.norm(x.mean(), x.std()).logpdf(x).sum()
    assert model.score(x[:, None]) * len(x) >= normal - 1e-6


@pytest.mark.parametrize("share", [0.6, 0.75, 0.9])
def test_heavy_ties_have_no_maximum(share):
    x = np.random.default_rng(0).standard_normal(100)
    x[: int(100 * share)] = 2.0
    model = fit(x)
    assert model.status_ == "unbounded"
    assert f"{100 * share:.3g} % of the rows equal 2" in model.message_


def test_light_ties_do_no_harm():
    x = np.round(np.random.default_rng(0).standard_t(3.0, 500), 1)
    assert fit(x).status_ == "converged"

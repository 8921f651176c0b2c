"""Multivariate t, Dirichlet, multinomial and Dirichlet-multinomial: fits, limits, bad data."""

import warnings

import mpmath
import numpy as np
import pytest
from scipy import stats
from sklearn.exceptions import ConvergenceWarning

from natfit import NaturalMLE
from natfit.distributions import (
    Dirichlet,
    DirichletMultinomial,
    Multinomial,
    MultivariateNormal,
    MultivariateT,
    StudentT,
)
from natfit.distributions.vectors import _multivariate_t as terms
from tests.distributions.multivariate_oracles import (
    dirichlet_mle,
    dirichlet_multinomial_mle,
    multivariate_t_mle,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def quiet(name, y):
    """A fit that may end at a bound, with a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return NaturalMLE(name).fit(y)


def t_rows(n, dim, df, seed=0, scale=1.0):
    draw = rng(seed)
    mix = draw.standard_normal((dim, dim))
    divisor = np.sqrt(draw.chisquare(df, n) / df) if np.isfinite(df) else np.ones(n)
    return scale * (draw.standard_normal((n, dim)) @ mix.T / divisor[:, None] + 3.0)


# ----------------------------------------------------------------------- multivariate t


@pytest.mark.parametrize("seed", range(5))
def test_multivariate_t_against_ecme(seed):
    y = t_rows(400, 3, 3.0, seed)
    model = NaturalMLE("multivariate_t").fit(y)
    assert model.status_ == "converged"
    want = multivariate_t_mle(y)
    got = np.concatenate([np.ravel(v) for v in model.params_.values()])
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
    frozen = stats.multivariate_t(want[:3], np.reshape(want[3:12], (3, 3)), want[12])
    assert model.score(y) >= frozen.logpdf(y).mean() - 1e-6 / len(y)


@pytest.mark.parametrize("df", [0.05, 0.7, 4.0, 300.0, 1e5, 1e8])
@pytest.mark.parametrize("dim", [1, 2, 5])
def test_terms_of_df_against_mpmath(dim, df):
    with mpmath.workdps(60):
        v, d = mpmath.mpf(df), dim
        half = mpmath.loggamma((v + d) / 2) - mpmath.loggamma(v / 2) - mpmath.log(v / 2) * d / 2
        slope = (mpmath.psi(0, (v + d) / 2) - mpmath.psi(0, v / 2) - d / v) / 2
        bend = (mpmath.psi(1, (v + d) / 2) - mpmath.psi(1, v / 2)) / 4 + d / (2 * v * v)
        fisher = (mpmath.psi(1, v / 2) - mpmath.psi(1, (v + d) / 2)) / 4
        fisher = v * v * (fisher - d * (v + d + 4) / (2 * v * (v + d) * (v + d + 2)))
    at = np.array([df])
    found = terms.constant(at, dim), terms.slope(at, dim), terms.curvature(at, dim)
    for got, want in zip(found, (half, slope, bend), strict=True):
        assert got[0] == pytest.approx(float(want), rel=1e-9, abs=1e-11)
    assert terms.information(at, dim)[0] == pytest.approx(float(fisher), rel=1e-9)


def test_one_dimension_is_students_t():
    y, many = rng(1).standard_t(3.0, 50), MultivariateT(1)
    eta = StudentT().eta(loc=0.3, scale=1.7, df=4.0)[None]
    one = many.eta(loc=[0.3], scale=[[1.7**2]], df=4.0)[None]
    for name in ("log_prob", "score", "observed"):
        want = getattr(StudentT(), name)(y, eta)
        np.testing.assert_allclose(getattr(many, name)(y[:, None], one), want, rtol=1e-10)
    np.testing.assert_allclose(many.fisher(one), StudentT().fisher(eta), rtol=1e-12)
    terms_one = many.sum_terms(y[:, None], None, one)
    for got, want in zip(terms_one, StudentT().sum_terms(y, None, eta), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10)


@pytest.mark.parametrize("seed", range(10))
def test_never_above_the_multivariate_normal(seed):
    df = [2.0, 10.0, 100.0, np.inf][seed % 4]
    n, dim = [15, 80, 400][seed % 3], 1 + seed % 4
    y = t_rows(n, dim, df, seed, 10.0 ** (seed - 3))
    model, normal = quiet("multivariate_t", y), quiet("multivariate_normal", y)
    assert model.status_ in ("converged", "boundary")
    assert model.n_iter_ <= 25
    assert n * model.score(y) >= n * normal.score(y) - 1e-6
    if model.params_["df"] > 1e9:
        assert model.status_ == "boundary"
        assert "multivariate normal" in model.message_


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e8])
def test_units_and_correlated_columns(unit):
    y = t_rows(500, 2, 3.0, 4)
    y[:, 1] = y[:, 0] + 1e-3 * y[:, 1]
    plain, model = (NaturalMLE("multivariate_t").fit(u * y) for u in (1.0, unit))
    assert model.status_ == "converged"
    assert model.n_iter_ <= 15
    np.testing.assert_allclose(model.params_["scale"], unit**2 * plain.params_["scale"], rtol=1e-4)


@pytest.mark.parametrize("off", [1e-4, 1e4])
def test_far_starts(off):
    y = t_rows(500, 2, 3.0, 5)
    start = {"loc": y.mean(axis=0), "scale": np.cov(y.T) * off**2, "df": 5.0}
    model = NaturalMLE("multivariate_t", start_params=start).fit(y)
    assert model.status_ == "converged"
    assert model.n_iter_ <= 60
    np.testing.assert_allclose(
        model.params_["df"], NaturalMLE("multivariate_t").fit(y).params_["df"], rtol=1e-4
    )


def test_rows_in_a_plane_are_refused():
    y = t_rows(50, 3, 3.0)
    y[:, 2] = 2.0 * y[:, 0] - y[:, 1] + 5.0
    with pytest.raises(ValueError, match=r"column\(s\) \[0, 1, 2\] is constant over all 50 rows"):
        NaturalMLE("multivariate_t").fit(y)
    with pytest.raises(ValueError, match="one plane"):
        NaturalMLE("multivariate_t").fit(t_rows(3, 3, 3.0))


def test_ties_that_the_density_shrinks_onto():
    y = t_rows(30, 2, 3.0)
    y[:18] = y[0]
    model = quiet("multivariate_t", y)
    assert model.status_ == "unbounded"
    assert "60 % of the rows equal" in model.message_
    assert MultivariateT(2).no_maximum(y, None, np.full(6, 0.2)) is None


def test_heavy_tails_are_no_plane():
    family = MultivariateT(2)
    eta = family.eta(loc=[0.0, 0.0], scale=np.eye(2), df=0.1)
    family.check_degenerate(family.sample(eta[None], rng(), 500), None)


def test_weights_are_repetitions():
    y, times = t_rows(60, 2, 3.0, 6), np.arange(60) % 3 + 1
    weighted = NaturalMLE("multivariate_t").fit(y, sample_weight=times)
    repeated = NaturalMLE("multivariate_t").fit(np.repeat(y, times, axis=0))
    for name, want in repeated.params_.items():
        np.testing.assert_allclose(weighted.params_[name], want, rtol=1e-5, atol=1e-7)
    for name, want in repeated.standard_errors_.items():
        np.testing.assert_allclose(weighted.standard_errors_[name], want, rtol=1e-4)


# ---------------------------------------------------------------------------- Dirichlet


@pytest.mark.parametrize("seed", range(10))
def test_dirichlet_against_minka(seed):
    draw = rng(seed)
    a = 10.0 ** draw.uniform(-1, 2, 2 + seed % 4)
    y = Dirichlet(len(a)).sample(np.log(a)[None], draw, [20, 300][seed % 2])
    model = NaturalMLE("dirichlet").fit(y)
    assert model.status_ == "converged"
    assert model.n_iter_ <= 12
    want = dirichlet_mle(y)
    level = len(y) * Dirichlet(len(a)).log_prob(y, np.log(want)[None]).mean()
    assert len(y) * model.score(y) >= level - 1e-6
    if a.max() < 30.0:  # the fixed point is slow for large concentrations
        np.testing.assert_allclose(model.params_["concentration"], want, rtol=1e-5)


@pytest.mark.parametrize("a", [[0.02, 0.03], [1e4, 3e4, 2e3], [1e-2, 5.0, 1e3]])
def test_dirichlet_at_the_ends(a):
    a = np.array(a)
    y = Dirichlet(len(a)).sample(np.log(a)[None], rng(), 400)
    model = NaturalMLE("dirichlet").fit(y)
    assert model.status_ == "converged"
    truth = Dirichlet(len(a)).log_prob(y, np.log(a)[None]).mean()
    assert truth <= model.score(y) < truth + 5.0 * len(a) / len(y)


def test_two_shares_are_beta():
    y = rng().beta(2.0, 5.0, 300)
    model = NaturalMLE("dirichlet").fit(np.column_stack([y, 1.0 - y]))
    a, b, _, _ = stats.beta.fit(y, floc=0, fscale=1)
    np.testing.assert_allclose(model.params_["concentration"], [a, b], rtol=1e-4)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([0.5, 0.6, 0.1], "sums to 1.2"),
        ([0.5, 0.5, 0.0], "not positive"),
        ([1.5, -0.6, 0.1], "Negative values"),
    ],
)
def test_rows_that_are_no_shares_are_named(row, words):
    y = np.vstack([rng().dirichlet([1.0, 2.0, 3.0], 10), row])
    with pytest.raises(ValueError, match=words) as error:
        NaturalMLE("dirichlet").fit(y)
    assert "row 10" in str(error.value)
    inside = Dirichlet(3).log_density(y, np.zeros((1, 3)))
    assert np.all(np.isfinite(inside[:-1]))
    assert inside[-1] == -np.inf


def test_equal_shares_are_refused():
    with pytest.raises(ValueError, match="grows without bound"):
        NaturalMLE("dirichlet").fit(np.tile([0.2, 0.3, 0.5], (20, 1)))
    with pytest.raises(ValueError, match="number of columns"):
        NaturalMLE("dirichlet").fit(np.ones((5, 1)))


# ------------------------------------------------------------------------------- counts


@pytest.mark.parametrize("seed", range(4))
def test_dirichlet_multinomial_against_scipy(seed):
    draw = rng(seed)
    totals = draw.integers(1, 40, 150)
    shares = draw.dirichlet([0.5, 2.0, 1.5], 150)
    y = np.array([draw.multinomial(m, p) for m, p in zip(totals, shares, strict=True)]) * 1.0
    model = NaturalMLE("dirichlet_multinomial").fit(y)
    assert model.status_ == "converged"
    want = dirichlet_multinomial_mle(y)
    got = [*model.params_["probs"], model.params_["concentration"]]
    np.testing.assert_allclose(got, want, rtol=1e-5)
    scipy = stats.dirichlet_multinomial.logpmf(
        y.astype(int), np.multiply(want[:3], want[3]), totals
    )
    np.testing.assert_allclose(model.score_samples(y), scipy, atol=1e-4)


@pytest.mark.parametrize("seed", range(10))
def test_never_above_the_multinomial(seed):
    draw = rng(seed)
    p = draw.dirichlet(np.ones(3))
    y = draw.multinomial(draw.integers(0, 30, 100), p).astype(float)
    model, nested = (quiet(name, y) for name in ("dirichlet_multinomial", "multinomial"))
    assert model.status_ in ("converged", "boundary")
    assert len(y) * model.score(y) >= len(y) * nested.score(y) - 1e-6
    if model.params_["concentration"] > 1e9:
        assert "multinomial" in model.message_
    np.testing.assert_allclose(nested.params_["probs"], y.sum(axis=0) / y.sum(), rtol=1e-6)


@pytest.mark.parametrize("concentration", [1e-3, 5.0, 1e3, 1e5, 1e8, 1e10])
def test_log_prob_to_the_multinomial_limit(concentration):
    """Against mpmath: log Gamma at 1e10 has five decimals in doubles."""
    y, probs = np.array([3.0, 0.0, 40.0]), np.array([0.2, 0.3, 0.5])
    with mpmath.workdps(50):
        total, size = mpmath.mpf(concentration), int(y.sum())
        a = [total * mpmath.mpf(p) for p in probs]
        want = mpmath.loggamma(size + 1) + mpmath.loggamma(total) - mpmath.loggamma(total + size)
        for part, count in zip(a, map(int, y), strict=True):
            want += mpmath.loggamma(part + count) - mpmath.loggamma(part)
            want -= mpmath.loggamma(count + 1)
    family = DirichletMultinomial(3, 43)
    eta = family.eta(probs=probs, concentration=concentration)[None]
    assert family.log_prob(y[None], eta)[0] == pytest.approx(float(want), abs=1e-9)
    value, score, observed = family.sum_terms(y[None], None, eta)
    assert value == pytest.approx(float(want), abs=1e-9)
    size = np.abs(score).max()
    np.testing.assert_allclose(family.score(y[None], eta)[0], score, atol=1e-6 * size)
    np.testing.assert_allclose(
        family.observed(y[None], eta)[0], observed, atol=1e-6 * np.abs(observed).max()
    )


def test_large_totals_are_not_tabulated():
    draw = rng(3)
    y = np.array([draw.multinomial(200_000, p) for p in draw.dirichlet([2.0, 3.0], 60)]) * 1.0
    assert DirichletMultinomial(2).sufficient(y, None) is None
    model = NaturalMLE("dirichlet_multinomial").fit(y)
    assert model.status_ in ("converged", "rounding_floor")
    want = stats.beta.fit(y[:, 0] / 200_000, floc=0, fscale=1)[:2]
    got = model.params_["concentration"] * model.params_["probs"]
    np.testing.assert_allclose(got, want, rtol=2e-3)


@pytest.mark.parametrize("name", ["multinomial", "dirichlet_multinomial"])
def test_categories_that_never_occur(name):
    y = np.column_stack([rng().multinomial(9, [0.3, 0.7], 40) * 1.0, np.zeros(40)])
    with pytest.warns(ConvergenceWarning, match="never occur"):
        model = NaturalMLE(name).fit(y)
    assert model.status_ == "boundary"
    assert "[2] never occur" in model.message_
    assert 0.0 < model.params_["probs"][2] < 1e-6


@pytest.mark.parametrize(
    ("name", "y", "words"),
    [
        ("multinomial", np.zeros((5, 3)), "count above zero"),
        ("dirichlet_multinomial", np.zeros((5, 3)), "count above zero"),
        ("dirichlet_multinomial", np.eye(3), "two counts or more"),
        ("multinomial", np.array([[1.0, 2.0], [0.5, 1.0]]), "whole numbers"),
        ("dirichlet_multinomial", np.array([[1.0, 2.0], [-1.0, 1.0]]), "Negative values"),
        ("dirichlet_multinomial", np.array([[1.0, 2.0], [np.nan, 1.0]]), "NaN"),
        ("multinomial", np.ones((5, 1)), "number of columns"),
    ],
)
def test_counts_that_cannot_be_used(name, y, words):
    with pytest.raises(ValueError, match=words):
        NaturalMLE(name).fit(y)


def test_totals():
    y = np.array([[1.0, 2.0], [3.0, 0.0]])
    assert Multinomial().bind(y).totals == 3
    varied = Multinomial().bind(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert set(varied.totals) == {3, 7}
    draws = varied.sample(np.zeros((1, 1)), rng(), 500)
    assert set(draws.sum(axis=1)) == {3.0, 7.0}
    assert Multinomial(totals=5).bind(y).totals == 5
    with pytest.raises(ValueError, match="needs the totals"):
        Multinomial(2).fisher(np.zeros((1, 1)))
    with pytest.raises(ValueError, match="before its dimension is known"):
        Multinomial().n_params  # noqa: B018
    with pytest.raises(ValueError, match="differ in their totals"):
        varied.to_scipy(np.zeros(1))


def test_weighted_counts_have_their_own_information():
    """Totals that differ: the information is that of the weighted data, not of ``totals``."""
    y, weight = np.array([[1.0, 2.0], [30.0, 50.0]]), np.array([100.0, 1.0])
    model = NaturalMLE("multinomial").fit(y, sample_weight=weight)
    count = weight @ y
    p = count[0] / count.sum()
    want = np.sqrt(p * (1 - p) / count.sum())
    assert model.standard_errors_["probs"][0] == pytest.approx(want, rel=1e-5)


def test_multivariate_normal_is_the_limit_of_df():
    y, normal = t_rows(20, 2, np.inf, 7), MultivariateNormal("full", 2)
    eta = normal.eta(loc=[3.0, 3.0], covariance=[[2.0, 0.5], [0.5, 1.0]])
    family = MultivariateT(2)
    far = family.eta(loc=[3.0, 3.0], scale=[[2.0, 0.5], [0.5, 1.0]], df=1e10)
    np.testing.assert_allclose(
        family.log_prob(y, far[None]), normal.log_prob(y, eta[None]), atol=1e-8
    )
    np.testing.assert_allclose(
        family.fisher(far[None])[0, :-1, :-1], normal.fisher(eta[None])[0], rtol=1e-8, atol=1e-8
    )

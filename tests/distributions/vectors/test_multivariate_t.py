"""The multivariate t: ECME, mpmath, the normal limit, units, far starts, ties."""

import warnings

import mpmath
import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import digamma
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit import NaturalMLE
from natfit.distributions import (
    MultivariateNormal,
    MultivariateT,
    StudentT,
)
from natfit.distributions.vectors import _multivariate_t as terms
from natfit.rows import Memory
from tests.cases import Case


def multivariate_t_mle(y, iterations=3_000):
    """ECME: weighted moments, then the root of the score of df (Liu and Rubin, 1995)."""
    n, d = y.shape
    loc, scale, v = y.mean(axis=0), np.cov(y.T), 5.0
    for _ in range(iterations):
        gap = y - loc
        square = np.einsum("ij,ij->i", gap @ np.linalg.inv(scale), gap)
        w = (v + d) / (v + square)
        loc = w @ y / w.sum()
        gap = y - loc
        scale = (gap * w[:, None]).T @ gap / n
        square = np.einsum("ij,ij->i", gap @ np.linalg.inv(scale), gap)

        def slope(v, square=square):
            w = (v + d) / (v + square)
            return (
                digamma((v + d) / 2)
                - digamma(v / 2)
                + np.log(v / (v + square)).mean()
                + 1
                - w.mean()
            )

        v = optimize.brentq(slope, 0.1, 1e3, xtol=1e-13)
    return [*loc, *scale.ravel(), v]


CASE = Case(
    data=np.random.default_rng(1).multivariate_normal([1.0, -1.0], [[2.0, 0.6], [0.6, 1.0]], 200)
    / np.sqrt(np.random.default_rng(2).chisquare(4.0, 200) / 4.0)[:, None],
    optimum=multivariate_t_mle,
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


@pytest.mark.slow
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
    assert abs(model.n_iter_ - plain.n_iter_) <= 2
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
    assert MultivariateT(2).no_maximum(Memory(y), np.full(6, 0.2)) is None


def test_heavy_tails_are_no_plane():
    family = MultivariateT(2)
    eta = family.eta(loc=[0.0, 0.0], scale=np.eye(2), df=0.1)
    family.check_degenerate(Memory(family.sample(eta[None], rng(), 500)), None)


def test_weights_are_repetitions():
    y, times = t_rows(60, 2, 3.0, 6), np.arange(60) % 3 + 1
    weighted = NaturalMLE("multivariate_t").fit(y, sample_weight=times)
    repeated = NaturalMLE("multivariate_t").fit(np.repeat(y, times, axis=0))
    for name, want in repeated.params_.items():
        np.testing.assert_allclose(weighted.params_[name], want, rtol=1e-5, atol=1e-7)
    for name, want in repeated.standard_errors_.items():
        np.testing.assert_allclose(weighted.standard_errors_[name], want, rtol=1e-4)


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


# ------------------------------------------------------------------------------- affine maps


@pytest.mark.parametrize("dim", [2, 3, 5])
@pytest.mark.parametrize("narrow", [1.0, 1e-3, 1e-6], ids=["units", "near", "collinear"])
def test_an_affine_map_of_the_rows_maps_the_estimate_and_changes_no_iterate(dim, narrow):
    rng = np.random.default_rng([dim, int(-np.log10(narrow))])
    y = rng.standard_t(4.0, (120 * dim, dim)) + rng.normal(0.0, 0.3, (120 * dim, dim))
    shape = np.diag([1.0] * (dim - 1) + [narrow])
    factor = 10.0 ** rng.integers(-4, 5, (dim, 1)) * (rng.standard_normal((dim, dim)) @ shape)
    shift = 1e2 * factor @ rng.standard_normal(dim)
    plain, mapped = (natfit.fit("multivariate_t", rows) for rows in (y, y @ factor.T + shift))
    assert plain.status_ == mapped.status_ == "converged"
    assert plain.n_iter_ == mapped.n_iter_ <= 6
    # Rounding of the rows relative to their narrowest direction.
    digits = 1e-12 / narrow
    want = plain.score(y) - np.linalg.slogdet(factor)[1]
    assert mapped.score(y @ factor.T + shift) == pytest.approx(want, abs=1e-9 + 100.0 * digits)
    back = np.linalg.solve(factor, mapped.params_["loc"] - shift)
    np.testing.assert_allclose(back, plain.params_["loc"], atol=1e-6 + 1e3 * digits)
    assert mapped.params_["df"] == pytest.approx(plain.params_["df"], rel=1e-5 + 1e3 * digits)
    if narrow > 1e-6:
        # An information of the own coordinates has no digits for a direction of 1e-12 of it.
        errors = plain.standard_errors_["df"], mapped.standard_errors_["df"]
        assert errors[1] == pytest.approx(errors[0], rel=1e-3)


def test_whitened_coordinates_map_back_and_forth_with_their_derivatives():
    rng = np.random.default_rng(3)
    y = rng.standard_t(3.0, (60, 3)) @ rng.standard_normal((3, 3))
    family = MultivariateT(3)
    form = family.regular(Memory(y))
    eta = 0.3 * rng.standard_normal(form.family.n_params)
    eta[-1] = 0.4
    own = form.to_own(eta)
    np.testing.assert_allclose(form.from_own(own), eta, atol=1e-10)
    np.testing.assert_allclose(
        form.family.log_prob(y, eta[None]), family.log_prob(y, own[None]), rtol=1e-10
    )
    step = 1e-6 * np.eye(len(eta))
    slope = [(form.to_own(eta + d) - form.to_own(eta - d)) / 2e-6 for d in step]
    np.testing.assert_allclose(form.jacobian(eta), np.transpose(slope), atol=1e-7)
    score = family.score(y, own[None]) @ form.jacobian(eta)
    np.testing.assert_allclose(form.family.score(y, eta[None]), score, atol=1e-9)
    flat = np.column_stack([y, y[:, 0] - 2.0 * y[:, 1]])
    assert MultivariateT(4).regular(Memory(flat)) is None

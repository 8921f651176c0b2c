"""Families against scipy.stats at extreme parameters, and their data rules."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from natfit._component import component_class, registered, resolve
from natfit.distributions import (
    Bernoulli,
    Exponential,
    ExponentiatedWeibull,
    Gamma,
    InverseGamma,
    InverseGaussian,
    Lognormal,
    MultivariateNormal,
    Normal,
    Poisson,
    StudentT,
    Weibull,
)
from natfit.distributions.base import Distribution

QUIET = settings(deadline=None, derandomize=True, max_examples=30)
UNIVARIATE = [f for _, f in registered(Distribution) if f.event_shape == ()]

EXTREME = [
    (Normal(), {"loc": 1e8, "scale": 1e-6}, [1e8, 1e8 + 3e-6]),
    (Normal(), {"loc": 0.0, "scale": 1e150}, [0.0, 1e150, -3e150]),
    (Exponential(), {"rate": 1e-12}, [0.0, 1e10, 1e13]),
    (Exponential(), {"rate": 1e12}, [0.0, 1e-12, 3e-11]),
    (Gamma(), {"shape": 1e-4, "scale": 1.0}, [1e-200, 1e-3, 5.0]),
    (Gamma(), {"shape": 1e6, "scale": 1e-6}, [0.998, 1.0, 1.003]),
    (Gamma(), {"shape": 2.0, "scale": 1e-100}, [1e-101, 5e-100]),
    (Poisson(), {"rate": 1e-7}, [0.0, 1.0, 3.0]),
    (Poisson(), {"rate": 1e6}, [998000.0, 1e6, 1003000.0]),
    (Bernoulli(), {"prob": 1e-7}, [0.0, 1.0]),
    (Bernoulli(), {"prob": 1.0 - 1e-7}, [0.0, 1.0]),
    (StudentT(), {"loc": 1e3, "scale": 1e-3, "df": 0.3}, [1e3, 1e3 + 1e-3, 2e3]),
    (StudentT(), {"loc": 0.0, "scale": 1.0, "df": 1.0}, [0.0, 1e10, -1e100]),
    (StudentT(), {"loc": 0.0, "scale": 1.0, "df": 1e6}, [0.0, 1.0, -6.0]),
    (Lognormal(), {"shape": 1e-6, "scale": 1e8}, [1e8 * (1.0 - 2e-6), 1e8, 1e8 * (1.0 + 1e-6)]),
    (Lognormal(), {"shape": 20.0, "scale": 1e-3}, [1e-30, 1e-3, 1e30]),
    (Weibull(), {"shape": 0.2, "scale": 1.0}, [1e-30, 1.0, 1e5]),
    (Weibull(), {"shape": 50.0, "scale": 1e-8}, [8e-9, 1e-8, 1.05e-8]),
    (ExponentiatedWeibull(), {"shape": 0.1, "scale": 1e-9, "power": 1e5}, [1e-3, 1.0, 1e6]),
    (ExponentiatedWeibull(), {"shape": 900.0, "scale": 7.0, "power": 2e-3}, [6.0, 6.9, 7.003]),
    (InverseGamma(), {"shape": 1e-2, "scale": 1.0}, [1e-2, 1.0, 1e50]),
    (InverseGamma(), {"shape": 1e6, "scale": 1e6}, [0.998, 1.0, 1.003]),
    (InverseGaussian(), {"mean": 1.0, "shape": 1e8}, [0.9998, 1.0, 1.0003]),
    (InverseGaussian(), {"mean": 1e6, "shape": 1e-2}, [1e-4, 1.0, 1e7]),
]


@pytest.mark.parametrize(("family", "native", "y"), EXTREME, ids=str)
def test_log_prob_at_extreme_parameters(family, native, y):
    eta = family.eta(**native)
    frozen = family.to_scipy(eta)
    log = frozen.logpmf if hasattr(frozen, "logpmf") else frozen.logpdf
    got = family.log_prob(np.array(y), eta[None])
    # scipy's own difference of log-gammas has lost digits at shape 1e6.
    np.testing.assert_allclose(got, log(np.array(y)), rtol=2e-8, atol=1e-9)


@pytest.mark.parametrize(("family", "native", "y"), EXTREME, ids=str)
def test_score_and_fisher_are_finite_at_extreme_parameters(family, native, y):
    eta = family.eta(**native)
    assert np.all(np.isfinite(family.score(np.array(y), eta[None])))
    assert np.all(np.isfinite(family.observed(np.array(y), eta[None])))
    fisher = family.fisher(eta[None])[0]
    size = np.sqrt(np.diagonal(fisher))
    assert np.all(size > 0)
    assert np.linalg.eigvalsh(fisher / np.outer(size, size))[0] > -1e-12


def test_normal_closed_forms():
    family, eta = Normal(), np.array([1.0, np.log(2.0)])
    np.testing.assert_allclose(family.fisher(eta[None])[0], [[0.25, 0.0], [0.0, 2.0]])
    kl = family.kl(eta[None], np.array([[0.0, 0.0]]))[0]
    assert kl == pytest.approx(0.5 * (4.0 + 1.0) - 0.5 - np.log(2.0))


@pytest.mark.parametrize("shape", [1e-3, 0.7, 50.0, 1e8])
def test_gamma_fisher(shape):
    from scipy.special import polygamma

    family = Gamma()
    eta = family.eta(shape=shape, scale=3.0)
    want = [[shape**2 * polygamma(1, shape), shape], [shape, shape]]
    np.testing.assert_allclose(family.fisher(eta[None])[0], want, rtol=1e-10)


@pytest.mark.parametrize("logit", [-30.0, -5.0, 0.0, 5.0, 17.0])
def test_bernoulli_fisher_keeps_digits(logit):
    want = 1.0 / (2.0 + np.exp(logit) + np.exp(-logit))
    got = Bernoulli().fisher(np.array([[logit]]))[0, 0, 0]
    assert got == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("family", UNIVARIATE, ids=repr)
def test_close_distributions_have_a_small_exact_divergence(family):
    """The difference of two logs would give -1e-17 or 0 in place of 1e-14."""
    eta = family.initial(
        family.sample(np.full((1, family.n_params), 0.7), _rng(), 50), None, _rng()
    )
    if not family.has_kl:
        pytest.skip("supports differ: the divergence is infinite")
    fisher = family.fisher(eta[None])[0]
    delta = 1e-6 / np.sqrt(np.diagonal(fisher))
    kl = family.kl(eta[None], (eta + delta)[None])[0]
    assert kl == pytest.approx(0.5 * delta @ fisher @ delta, rel=1e-2, abs=1e-16)


def _rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("family", "bad", "rule"),
    [
        (Gamma(), [1.0, 2.0, 0.0], ">"),
        (Gamma(), [1.0, -3.5], ">"),
        (Exponential(), [0.0, -1e-9], ">="),
        (Poisson(), [1.0, 2.5], "whole numbers"),
        (Poisson(), [-1.0], "whole numbers"),
        (Bernoulli(), [0.0, 1.0, 2.0], "whole numbers"),
        (Bernoulli(), [0.5], "whole numbers"),
    ],
)
def test_rows_outside_the_support_are_named(family, bad, rule):
    with pytest.raises(ValueError) as error:
        family.check(np.array(bad))
    message = str(error.value)
    row = len(bad) - 1
    assert rule in message
    assert f"{bad[-1]}" in message
    assert f"row {row}" in message


@pytest.mark.parametrize(
    ("family", "y"),
    [
        (Normal(), np.full(5, 3.0)),
        (Gamma(), np.full(5, 3.0)),
        (StudentT(), np.full(5, 3.0)),
        (Exponential(), np.zeros(5)),
        (MultivariateNormal(dim=2), np.column_stack([np.arange(5.0), np.ones(5)])),
    ],
)
def test_data_without_a_maximum_are_refused(family, y):
    with pytest.raises(ValueError, match="likelihood"):
        family.check_degenerate(y, family.sufficient(y, None))


def test_dependent_columns_are_held_off_singularity():
    x = np.random.default_rng(5).standard_normal(50)
    family = MultivariateNormal(dim=2)
    summary = family.sufficient(np.column_stack([x, 1e3 * x]), None)
    (mean, spread), note = family.bounded(summary)
    scale = np.sqrt(np.diagonal(spread[0]))
    lowest = np.linalg.eigvalsh(spread[0] / np.outer(scale, scale))[0]
    assert lowest == pytest.approx(1e-8, rel=0.01)
    assert note
    np.testing.assert_array_equal(mean, summary[0])
    regular = family.sufficient(np.random.default_rng(6).standard_normal((50, 2)), None)
    assert family.bounded(regular) == (regular, None)


@pytest.mark.parametrize("family", UNIVARIATE, ids=repr)
def test_start_does_not_solve_the_problem(family):
    """A start is no estimate: the score there is far above the optimum's."""
    y = family.sample(np.array([[0.6] * family.n_params]), _rng(), 400)
    start = family.initial(y, None, _rng())
    score = family.score(y, start[None]).sum(axis=0)
    fisher = len(y) * family.fisher(start[None])[0]
    distance = np.sqrt(score @ np.linalg.solve(fisher, score))
    assert distance > 1e-3
    assert distance < 100.0


@QUIET
@given(st.lists(st.integers(0, 3), min_size=8, max_size=8).filter(lambda w: sum(w) > 1))
@pytest.mark.parametrize("family", UNIVARIATE, ids=repr)
def test_weight_is_repetition(family, weights):
    y = family.sample(np.array([[0.4] * family.n_params]), _rng(), 8)
    eta = np.full((1, family.n_params), 0.5)
    w = np.array(weights, dtype=float)
    kept = w > 0
    value, score = family.sum_value_and_score(y[kept], w[kept], eta)
    value2, score2 = family.sum_value_and_score(np.repeat(y, weights), None, eta)
    assert value == pytest.approx(value2, rel=1e-9)
    np.testing.assert_allclose(score, score2, rtol=1e-8, atol=1e-8)


def test_bad_native_values_are_named():
    with pytest.raises(ValueError, match="scale must be Positive, got -1.0"):
        Normal().eta(loc=0.0, scale=-1.0)
    with pytest.raises(ValueError, match=r"parameters must be \['loc', 'scale'\]"):
        Normal().eta(mu=0.0, sigma=1.0)
    with pytest.raises(ValueError, match="loc must have shape"):
        MultivariateNormal("diag", 2).eta(loc=[0.0, 1.0, 2.0], scale=[1.0, 1.0])


def test_registry_is_the_folder():
    names = [name for name, _ in registered(Distribution)]
    assert sorted(set(names)) == [
        "bernoulli",
        "beta",
        "binomial",
        "categorical",
        "cauchy",
        "dirichlet",
        "dirichlet_multinomial",
        "exponential",
        "exponentiated_weibull",
        "gamma",
        "generalized_pareto",
        "geometric",
        "gev",
        "gumbel",
        "hurdle",
        "inverse_gamma",
        "inverse_gaussian",
        "laplace",
        "logistic",
        "lognormal",
        "mixture",
        "multi_bernoulli",
        "multi_categorical",
        "multinomial",
        "multivariate_normal",
        "multivariate_t",
        "negative_binomial",
        "normal",
        "poisson",
        "scaled",
        "shifted",
        "skew_normal",
        "student_t",
        "truncated",
        "von_mises",
        "weibull",
        "zero_inflated",
    ]
    assert component_class("gamma", Distribution) is Gamma
    with pytest.raises(ValueError, match="did you mean 'gamma'"):
        resolve("gama", Distribution)


def test_lazy_exports():
    from natfit import distributions

    assert "Gamma" in dir(distributions)
    assert distributions.Gamma is Gamma
    assert distributions.Positive().size == 1
    with pytest.raises(AttributeError, match="no attribute 'Beta7'"):
        distributions.Beta7  # noqa: B018


def test_expectation_coordinates_say_why_not():
    for family in (Gamma(), StudentT()):
        with pytest.raises(ValueError, match="expectation coordinates"):
            family.expectation_coordinates(np.zeros(family.n_params))


def test_nist_numacc4():
    y = np.concatenate([[10000000.2], np.tile([10000000.1, 10000000.3], 500)])
    mean, spread = Normal().sufficient(y, None)
    assert mean[0] == pytest.approx(10000000.2, rel=1e-15)
    assert np.sqrt(spread[0] * 1001 / 1000) == pytest.approx(0.1, rel=1e-8)


def test_multivariate_normal_against_scipy_in_ten_dimensions():
    rng = np.random.default_rng(3)
    for structure in ("full", "diag", "spherical"):
        family = MultivariateNormal(structure, 10)
        eta = 0.3 * rng.standard_normal(family.n_params)
        y = rng.standard_normal((20, 10))
        loc, part = (v[0] for v in family.native(eta[None]))
        cov = part if structure == "full" else np.diag(np.broadcast_to(part, 10) ** 2)
        want = stats.multivariate_normal(loc, cov).logpdf(y)
        np.testing.assert_allclose(family.log_prob(y, eta[None]), want, rtol=1e-10)


def test_multivariate_normal_fisher_is_half_the_trace_form():
    """F_ij = 1/2 tr(S^-1 dS_i S^-1 dS_j), dS by differences: no code of the family's."""
    from natfit.testing._core import gradient

    family = MultivariateNormal("full", 3)
    eta = 0.4 * np.random.default_rng(4).standard_normal(9)
    sigma = family.native(eta[None])[1][0]
    change = gradient(lambda e: family.native(e[None])[1][0], eta)[:, :, 3:]
    inverse = np.linalg.inv(sigma)
    want = 0.5 * np.einsum("ab,bci,cd,daj->ij", inverse, change, inverse, change)
    fisher = family.fisher(eta[None])[0]
    np.testing.assert_allclose(fisher[3:, 3:], want, atol=1e-8)
    np.testing.assert_allclose(fisher[:3, :3], inverse, atol=1e-10)
    np.testing.assert_allclose(fisher[:3, 3:], 0.0, atol=1e-12)


def test_multivariate_normal_needs_a_dimension():
    with pytest.raises(ValueError, match=r"bind\(y\)"):
        MultivariateNormal().n_params  # noqa: B018
    assert MultivariateNormal().bind(np.zeros((3, 4))).dim == 4
    with pytest.raises(ValueError, match="must have 2 columns"):
        MultivariateNormal(dim=2).bind(np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"shape \(n, D\)"):
        MultivariateNormal().bind(np.zeros(3))
    with pytest.raises(ValueError, match="covariance must be one of"):
        MultivariateNormal("banded").bind(np.zeros((3, 4)))

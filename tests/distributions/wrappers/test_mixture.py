"""Mixtures: scikit-learn's optimum, closed forms, far components, collapse, labels, options."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import integrate, optimize, stats
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

import natfit
from natfit import Censored, NaturalMLE
from natfit.distributions import (
    Bounded,
    Exponential,
    Gamma,
    Mixture,
    MultivariateNormal,
    Normal,
    Poisson,
    StudentT,
)
from natfit.distributions.contract.intervals import moments
from natfit.distributions.wrappers.mixture._guard import RATIO
from natfit.numerics import autodiff
from natfit.rows import Memory
from natfit.rows.processes import Processes
from tests.cases import Case
from tests.distributions.wrappers.mixtures import random_set


def mle(y):
    """scikit-learn's EM from the left and the right half, to its last digit."""
    peer = GaussianMixture(2, tol=1e-15, max_iter=5_000, reg_covar=0.0, means_init=[[0.0], [7.0]])
    peer.fit(y[:, None])
    pairs = zip(peer.means_.ravel(), np.sqrt(peer.covariances_.ravel()), strict=True)
    return [*peer.weights_, *(v for pair in pairs for v in pair)]


CASE = Case(
    data=np.concatenate(
        [
            np.random.default_rng(1).normal(0.0, 1.0, 120),
            np.random.default_rng(2).normal(7.0, 1.5, 80),
        ]
    ),
    optimum=mle,
)


def fitted(family, y, weight=None, **options):
    y = np.asarray(y, dtype=float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return NaturalMLE(family, random_state=0, **options).fit(
            y.reshape(len(y), -1), sample_weight=weight
        )


def native(model):
    return {k: np.asarray(v)[0] for k, v in model.params_.items()}


def two_normals(seed, n=450, gap=4.0):
    rng = np.random.default_rng(seed)
    second = rng.random(n) < 0.4
    return np.where(second, rng.normal(gap, 0.7, n), rng.normal(0.0, 1.0, n))


# --------------------------------------------------------------------- against scikit-learn


@pytest.mark.parametrize("seed", range(10))
def test_two_normals_reach_scikit_learns_optimum(seed):
    y = two_normals(seed, n=[50, 200, 450, 2_000][seed % 4])
    scale = 10.0 ** np.random.default_rng(seed).integers(-6, 9)
    model = fitted(Mixture(), scale * y)
    peer = GaussianMixture(2, tol=1e-13, max_iter=20_000, reg_covar=0.0, random_state=0)
    peer.fit(y[:, None])
    assert model.status_.good, model.message_
    assert model.n_iter_ <= 25
    mean = model.score((scale * y)[:, None]) + np.log(scale)
    assert mean == pytest.approx(peer.score(y[:, None]), abs=1e-6)
    order = np.argsort(peer.means_[:, 0])
    got = native(model)
    np.testing.assert_allclose(got["weights"], peer.weights_[order], atol=1e-4)
    locs = np.array([got["loc_0"], got["loc_1"]]) / scale
    np.testing.assert_allclose(locs, peer.means_[order, 0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("covariance", ["full", "diag", "spherical"])
def test_iris_reaches_scikit_learns_optimum(covariance):
    y = load_iris().data[:, 2:]
    # Rounded to 0.1: a component of any width would do on a line of ties.
    y = y + np.random.default_rng(0).uniform(-0.05, 0.05, y.shape)
    model = fitted(Mixture(MultivariateNormal(covariance), 2), y)
    peer = GaussianMixture(2, covariance_type=covariance, tol=1e-12, max_iter=5_000, reg_covar=0.0)
    peer.set_params(random_state=0).fit(y)
    assert model.status_.good, model.message_
    assert model.score(y) == pytest.approx(peer.score(y), abs=1e-6)
    np.testing.assert_allclose(np.sort(model.params_["weights"]), np.sort(peer.weights_), atol=1e-4)


def test_poissons_against_scipy():
    rng = np.random.default_rng(3)
    y = np.concatenate([rng.poisson(3.0, 300), rng.poisson(14.0, 200)]).astype(float)

    def loss(t):
        w = 1.0 / (1.0 + np.exp(-t[0]))
        each = stats.poisson.logpmf(y[:, None], np.exp(t[1:]))
        return -logsumexp(each + np.log([w, 1.0 - w]), axis=1).mean()

    best = optimize.minimize(loss, [0.0, 1.0, 2.5], method="BFGS", options={"gtol": 1e-9})
    model = fitted(Mixture("poisson", 2), y)
    assert model.status_ == "converged"
    assert -model.score(y[:, None]) <= best.fun + 1e-10
    got = native(model)
    np.testing.assert_allclose([got["rate_0"], got["rate_1"]], np.exp(best.x[1:]), rtol=1e-4)


def test_exponentials_and_gammas_recover_their_parameters():
    rng = np.random.default_rng(4)
    y = rng.exponential(np.where(rng.random(4_000) < 0.5, 1.0, 20.0))
    got = native(fitted(Mixture("exponential", 2), y))
    np.testing.assert_allclose([got["rate_0"], got["rate_1"]], [1.0, 0.05], rtol=0.15)
    y = np.concatenate([rng.gamma(3.0, 1.0, 2_000), rng.gamma(40.0, 1.0, 1_000)])
    model = fitted(Mixture("gamma", 2), y)
    got, error = native(model), model.standard_errors_
    for name, true in {"shape_0": 3.0, "scale_0": 1.0, "shape_1": 40.0, "scale_1": 1.0}.items():
        assert abs(got[name] - true) < 4.0 * error[name][0], name


# ------------------------------------------------------------------------------ closed forms


THREE = [
    Mixture("normal", 3),
    Mixture(["normal", "student_t", "laplace"]),
    Mixture(["normal", "gamma"]),
    Mixture(["poisson", "negative_binomial", "geometric"]),
    Mixture(MultivariateNormal("full", 2), 3),
]


@pytest.mark.parametrize("family", THREE, ids=str)
def test_derivatives_of_three_components_against_autograd(family):
    rng = np.random.default_rng(5)
    eta = 0.5 * rng.standard_normal(family.n_params)
    low, high, _ = family.limits
    eta = np.clip(np.where(low >= 0, low + 0.5, eta), low, high)
    y = family.sample(eta[None], rng, 40)
    tiled = np.repeat(eta[None], 40, axis=0)
    value, score = autodiff.row_value_and_grad(lambda e: family._log_prob_eta(y, e), tiled)
    hessian = autodiff.row_hessian(lambda e: family._log_prob_eta(y, e), tiled)
    np.testing.assert_allclose(family.log_prob(y, eta[None]), value, rtol=1e-12)
    np.testing.assert_allclose(family.score(y, eta[None]), score, rtol=1e-9, atol=1e-11)
    size = np.abs(hessian).max()
    np.testing.assert_allclose(
        family.observed(y, eta[None]), -hessian, rtol=1e-9, atol=1e-10 * size
    )
    weight = rng.uniform(0.5, 2.0, 40)
    sums = family._sum_terms(y, weight, eta[None])
    np.testing.assert_allclose(sums[0], weight @ value, rtol=1e-12)
    np.testing.assert_allclose(sums[1], weight @ score, rtol=1e-9, atol=1e-9)
    want = -np.tensordot(weight, hessian, 1)
    np.testing.assert_allclose(sums[2], want, rtol=1e-8, atol=1e-9 * size)


def test_many_parameters_are_summed_without_their_hessian():
    family = Mixture(MultivariateNormal("full", 4), 3)
    assert family.n_params > 32
    assert family.sum_terms is None
    rng = np.random.default_rng(20)
    eta = 0.3 * rng.standard_normal(family.n_params)
    y, weight = family.sample(eta[None], rng, 30), rng.uniform(0.5, 2.0, 30)
    value, score = family.sum_value_and_score(y, weight, eta[None])
    assert value == pytest.approx(weight @ family.log_prob(y, eta[None]))
    np.testing.assert_allclose(score, weight @ family.score(y, eta[None]), rtol=1e-10)


@pytest.mark.slow
def test_censored_and_truncated_rows():
    y = two_normals(21, 600)
    cut = np.where(y > 5.0, 5.0, y)
    censored = NaturalMLE(Mixture()).fit(Censored(cut, np.where(y > 5.0, np.inf, y)))
    truncated = fitted(Mixture(), y[y <= 5.0], truncation=(None, 5.0))
    plain = native(fitted(Mixture(), y))
    for model in (censored, truncated):
        assert model.status_ == "converged"
        error = {k: np.ravel(v)[0] for k, v in model.standard_errors_.items()}
        for name in ("loc_0", "scale_0", "loc_1", "scale_1"):
            assert abs(native(model)[name] - plain[name]) < 3.0 * error[name]


def test_sums_and_tails_against_scipy():
    family = Mixture(["normal", "student_t"])
    eta = family.eta(weights=[0.3, 0.7], loc_0=-2.0, scale_0=0.5, loc_1=3.0, scale_1=2.0, df_1=4.0)
    y = np.array([-40.0, -2.0, 0.5, 3.0, 60.0])
    first, second = stats.norm(-2.0, 0.5), stats.t(4.0, 3.0, 2.0)
    for got, a, b in [
        (np.exp(family.log_prob(y, eta[None])), first.pdf(y), second.pdf(y)),
        (np.exp(family.log_cdf(y, eta[None])), first.cdf(y), second.cdf(y)),
        (np.exp(family.log_sf(y, eta[None])), first.sf(y), second.sf(y)),
    ]:
        np.testing.assert_allclose(got, 0.3 * a + 0.7 * b, rtol=1e-10)
    share = family.responsibilities(y, eta)
    np.testing.assert_allclose(share.sum(axis=1), 1.0, rtol=1e-12)
    want = 0.3 * first.pdf(y) / (0.3 * first.pdf(y) + 0.7 * second.pdf(y))
    np.testing.assert_allclose(share[:, 0], want, rtol=1e-10)


def test_components_with_other_supports_have_no_density_there():
    family = Mixture(["normal", "gamma"])
    eta = family.eta(weights=[0.4, 0.6], loc_0=0.0, scale_0=1.0, shape_1=3.0, scale_1=1.0)
    y = np.array([-1.5, 2.0])
    want = 0.4 * stats.norm.pdf(y) + 0.6 * stats.gamma.pdf(y, 3.0)
    np.testing.assert_allclose(np.exp(family.log_prob(y, eta[None])), want, rtol=1e-12)
    np.testing.assert_array_equal(family.responsibilities(y[:1], eta), [[1.0, 0.0]])
    rng = np.random.default_rng(6)
    model = fitted(family, np.concatenate([rng.normal(-2.0, 1.0, 400), rng.gamma(9.0, 1.0, 400)]))
    assert model.status_ == "converged"
    assert native(model)["shape_1"] == pytest.approx(
        9.0, abs=4 * model.standard_errors_["shape_1"][0]
    )


# ------------------------------------------------------------------------------- information


@pytest.mark.parametrize("gap", [10.0, 1e3, 1e6])
def test_fisher_of_far_components_is_that_of_each(gap):
    family = Mixture()
    eta = family.eta(weights=[0.3, 0.7], loc_0=0.0, scale_0=1.0, loc_1=gap, scale_1=1e-2)
    fisher = family.fisher(eta[None])[0]
    want = np.diag([0.21, 0.3, 0.6, 0.7e4, 1.4])
    scale = np.sqrt(np.diagonal(want))
    atol = 2e-5 if gap == 10.0 else 1e-8
    np.testing.assert_allclose(fisher / np.outer(scale, scale), np.eye(5), atol=atol)


@pytest.mark.slow
def test_fisher_of_a_narrow_component_inside_a_wide_one():
    family = Mixture()
    eta = family.eta(weights=[0.9, 0.1], loc_0=0.0, scale_0=1.0, loc_1=0.3, scale_1=1e-3)

    def outer(y):
        score = family.score(np.array([y]), eta[None])[0]
        return np.exp(family.log_prob(np.array([y]), eta[None])[0]) * np.outer(score, score)

    pieces = [-12.0, 0.2, 0.29, 0.295, 0.3, 0.305, 0.31, 0.4, 12.0]
    pairs = zip(pieces[:-1], pieces[1:], strict=True)
    want = sum(integrate.quad_vec(outer, a, b, epsabs=1e-10, epsrel=1e-10)[0] for a, b in pairs)
    size = np.sqrt(np.diagonal(want))
    got = family.fisher(eta[None])[0]
    np.testing.assert_allclose(got / np.outer(size, size), want / np.outer(size, size), atol=1e-7)


@pytest.mark.parametrize("shape", [1e4, 1e6, 5e6])
def test_fisher_of_a_narrow_gamma(shape):
    family, part = Mixture("gamma", 2), Gamma()
    native = {"shape_0": 3.0, "scale_0": 1.0, "shape_1": shape, "scale_1": 1e3 / shape}
    eta = family.eta(weights=[0.8, 0.2], **native)
    fisher = family.fisher(eta[None])[0]
    np.testing.assert_allclose(fisher[3:, 3:], 0.2 * part.fisher(eta[None, 3:])[0], rtol=1e-8)
    np.testing.assert_allclose(fisher[1:3, 1:3], 0.8 * part.fisher(eta[None, 1:3])[0], rtol=1e-7)


def test_expectation_of_counts_far_apart():
    family = Mixture("poisson", 2)
    eta = family.eta(weights=[0.5, 0.5], rate_0=1.0, rate_1=1e4)
    rule = family.expectation(eta)
    assert rule.weight.sum() == pytest.approx(1.0, abs=1e-12)
    assert rule.weight @ rule.y == pytest.approx(0.5 * 1.0 + 0.5e4, rel=1e-9)


def test_vectors_take_monte_carlo():
    family = Mixture(MultivariateNormal("diag", 2), 2)
    assert not family.information.exists
    rng = np.random.default_rng(7)
    y = np.concatenate([rng.normal(0.0, 1.0, (200, 2)), rng.normal(5.0, 1.0, (200, 2))])
    model = fitted(family, y)
    assert type(model.metric_).__name__ == "MonteCarloFisher"
    assert model.status_.good


# ----------------------------------------------------------------------- data, weights, labels


def test_weights_are_repetitions():
    y = two_normals(8, 120)
    times = np.arange(120) % 3 + 1
    weighted = fitted(Mixture(), y, times.astype(float))
    repeated = fitted(Mixture(), np.repeat(y, times))
    for name, value in weighted.params_.items():
        np.testing.assert_allclose(value, repeated.params_[name], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(
            weighted.standard_errors_[name], repeated.standard_errors_[name], rtol=1e-4
        )


def test_labels_follow_the_clusters_whatever_the_order_of_rows():
    y = two_normals(9)
    one, other = native(fitted(Mixture(), y)), native(fitted(Mixture(), y[::-1].copy()))
    assert one["loc_0"] < one["loc_1"]
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-5, atol=1e-5)
    clusters = fitted(Mixture("normal", 3), np.concatenate([y, y[:150] - 20.0, y[:150] + 30.0]))
    locs = [native(clusters)[f"loc_{k}"] for k in range(3)]
    assert locs == sorted(locs)


@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_different_families_go_to_the_clusters_that_suit_them(flip):
    rng = np.random.default_rng(10)
    y = np.concatenate([rng.exponential(0.2, 500), rng.normal(9.0, 1.0, 500)])
    if flip < 0:
        model = fitted(Mixture(["normal", "exponential"]), y)
        assert native(model)["loc_0"] == pytest.approx(9.0, abs=0.3)
    else:
        model = fitted(Mixture(["exponential", "normal"]), y)
        assert native(model)["loc_1"] == pytest.approx(9.0, abs=0.3)
    assert model.status_ == "converged"


def test_every_column_has_limits_of_its_own():
    y = two_normals(11)
    both = NaturalMLE(Mixture()).fit(np.column_stack([1e-6 * y, 1e6 * y]))
    assert all(status.good for status in both.statuses_)
    np.testing.assert_allclose(
        both.params_["scale_0"] * [1e6, 1e-6], both.params_["scale_0"][0] * 1e6
    )
    spiked = np.column_stack([y, 1e6 * np.where(np.arange(len(y)) < 60, -7.0, y)])
    model = fitted(Mixture(), spiked)
    assert [str(s) for s in model.statuses_] == ["converged", "boundary"]
    assert "scale_0" in model.message_


# ----------------------------------------------------------------------------------- collapse


def test_a_component_that_collapses_is_named():
    rng = np.random.default_rng(12)
    y = np.concatenate([np.full(30, 7.0), rng.normal(3.0, 1.0, 100)])
    model = fitted(Mixture(), y)
    assert model.status_ == "boundary"
    assert "component 1 collapsed onto a few rows" in model.message_
    got = native(model)
    assert got["loc_1"] == pytest.approx(7.0, abs=1e-3)
    assert 0.2 * RATIO < got["scale_1"] < 3.0 * RATIO
    assert np.isinf(model.standard_errors_["scale_1"][0])
    assert np.isfinite(model.score(y[:, None]))


@pytest.mark.parametrize("name", ["gamma", "inverse_gamma", "lognormal", "weibull"])
def test_positive_families_collapse_to_a_named_bound(name):
    y = np.r_[np.full(30, 9.0), stats.gamma(3).ppf(np.linspace(0.01, 0.99, 90))]
    model = fitted(Mixture(name, 2), y)
    assert model.status_ == "boundary"
    assert "shape_1" in model.message_
    assert "component 1 collapsed" in model.message_


def test_vectors_collapse_to_a_named_bound():
    rng = np.random.default_rng(13)
    y = np.concatenate([rng.normal(0.0, 1.0, (100, 2)), np.tile([[9.0, 9e6]], (30, 1))])
    y[:100, 1] *= 1e6
    model = fitted(Mixture(MultivariateNormal("diag"), 2), y)
    assert model.status_ == "boundary"
    assert "component 1 collapsed" in model.message_


def test_a_component_that_is_not_needed_is_named():
    # Less spread than a Poisson's: the mixture's maximum is one Poisson.
    y = np.random.default_rng(14).binomial(10, 0.6, 500).astype(float)
    model = fitted(Mixture("poisson", 2), y)
    assert model.status_ in ("boundary", "singular", "converged")
    one = Poisson().log_prob(y, np.array([[np.log(y.mean())]])).mean()
    assert model.score(y[:, None]) == pytest.approx(one, abs=1e-7)
    two = fitted(Mixture(), [1.0, 2.0])
    assert two.status_ == "boundary"
    assert "is not needed" in two.message_


def test_what_the_data_cannot_tell_is_singular():
    y = (np.random.default_rng(15).random(50) < 0.3).astype(float)
    model = fitted(Mixture("bernoulli", 2), y)
    assert model.status_ == "singular"
    assert "weights[0], prob_0, prob_1" in model.message_


# ------------------------------------------------------------------------------------ options


def test_options_of_the_estimator():
    y = two_normals(16)
    model = fitted(Mixture(), y, fixed={"loc_0": 0.0})
    assert native(model)["loc_0"] == 0.0
    model = fitted(Mixture(), y, bounds={"scale_0": (None, 0.8)})
    assert model.status_ == "boundary"
    assert native(model)["scale_0"] == pytest.approx(0.8)
    model = fitted(Mixture(), y, start_params=native(fitted(Mixture(), y)))
    assert model.n_iter_ == 1


def test_clone_pickle_and_equality():
    family = Mixture(["normal", StudentT()])
    bound = family.bind(Memory(two_normals(17)))
    assert clone(family) == family
    again = pickle.loads(pickle.dumps(bound))
    assert again == bound
    np.testing.assert_array_equal(again.limits[0], bound.limits[0])
    assert bound.bind(Memory(two_normals(18))) is bound
    low = dict(zip(bound.eta_names(), bound.limits[0], strict=True))
    assert low["scale_0"] == low["scale_1"] > np.log(1e-5)


def test_binding_data_that_say_nothing_leaves_the_family_as_it_is():
    for y in (np.full(5, np.nan), np.empty(0), np.ones(1)):
        assert Mixture().bind(Memory(y))._guards is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([],), "one or more"),
        (("normal",), "n_components"),
        ((["normal", "normal"], 3), "n_components=3"),
        ((["normal", "poisson"],), "all be densities or all be counts"),
        (([MultivariateNormal(dim=2), MultivariateNormal(dim=3)],), "one dimension"),
        ((["normal", "multivariate_normal"],), "one dimension"),
        ((["dirichlet", "multivariate_normal"],), "one support"),
        ((["normal", "nrmal"],), "did you mean"),
    ],
)
def test_components_that_do_not_fit_together(arguments, words):
    with pytest.raises((ValueError, TypeError), match=words):
        Mixture(*arguments).parts  # noqa: B018


def test_data_that_cannot_be_split():
    with pytest.raises(ValueError, match="at least 2 distinct rows for 2 components, got 1"):
        Mixture().check_degenerate(Memory(np.ones(10)), None)
    with pytest.raises(ValueError, match="Negative values"):
        fitted(Mixture([Gamma(), Exponential()]), -np.arange(1.0, 20.0))
    with pytest.raises(ValueError, match="whole numbers"):
        fitted(Mixture("poisson", 2), np.arange(1.0, 20.0) + 0.5)


def test_single_family_and_count_equal_the_list():
    y = two_normals(19)
    one, two = fitted(Mixture(Normal(), 2), y), fitted(Mixture(["normal", "normal"]), y)
    np.testing.assert_array_equal(one.theta_, two.theta_)


# ------------------------------------------------------------------------------ censored rows


@pytest.mark.parametrize(
    ("family", "eta"),
    [
        (Mixture(["weibull", "weibull"]), [0.3, 0.7, 0.2, 0.4, 1.1]),
        (Mixture(["normal", "gamma"]), [-0.4, 0.5, 0.1, 0.9, -0.3]),
        (Mixture("normal", 3), [0.2, -0.5, 0.0, 0.3, 2.0, -0.4, 4.0, 0.2]),
        (Bounded(Mixture(["weibull", "weibull"]), {"shape_0": (0.5, 8.0)}), None),
    ],
    ids=["weibulls", "supports", "three", "bounded"],
)
def test_derivatives_of_an_intervals_probability_against_differences(family, eta):
    eta = np.array([0.3, 0.7, 0.2, 0.4, 1.1] if eta is None else eta)
    lower = np.array([0.5, 1.0, -np.inf, 2.0, 0.1, -2.0])
    upper = np.array([np.inf, 2.0, 1.5, np.inf, 0.3, 0.0 if "normal" in str(family) else 0.7])

    def log_mass(e):
        above, below = family.log_sf(lower, e[None]), family.log_sf(upper, e[None])
        return np.log(np.exp(above) - np.exp(below))

    found = moments(family, lower, upper, eta[None])
    np.testing.assert_allclose(found.log_mass, log_mass(eta), rtol=1e-12)
    slope = np.stack([slope_along(log_mass, eta, d) for d in np.eye(len(eta))], axis=1)
    np.testing.assert_allclose(found.score, slope, atol=1e-6)

    def score(e):
        return moments(family, lower, upper, e[None]).score

    bend = np.stack([slope_along(score, eta, d) for d in np.eye(len(eta))], axis=2)
    np.testing.assert_allclose(found.observed, -bend, atol=1e-5)


def slope_along(f, eta, way, step=1e-2):
    """Derivative along a direction by five points, wide enough that rounding does not matter."""
    values = [f(eta + k * step * way) for k in (-2, -1, 1, 2)]
    return (values[0] - 8.0 * values[1] + 8.0 * values[2] - values[3]) / (12.0 * step)


def test_two_weibulls_on_few_failures_find_the_maximum_inside():
    """75 units still run at 20: a component on the ten failures at 20 has no such maximum."""
    lower = np.array([2.0] + [8.0] * 9 + [9.0] * 5 + [20.0] * 85)
    upper = np.where(np.arange(100) < 25, lower, np.inf)
    model = natfit.fit(Mixture(["weibull"] * 2), Censored(lower, upper))
    assert model.status_ == "converged"
    assert 100.0 * model.score(Censored(lower, upper)) == pytest.approx(-108.8354, abs=1e-4)
    got = native(model)
    np.testing.assert_allclose(got["weights"], [0.1373, 0.8627], atol=1e-4)
    want = {"shape_0": 18.13, "shape_1": 4.443, "scale_0": 8.592, "scale_1": 31.51}
    for name, value in want.items():
        assert got[name] == pytest.approx(value, rel=1e-3), name


# ------------------------------------------------------------------------------ several starts


@pytest.mark.slow
@pytest.mark.parametrize("seed", [5, 8])
def test_several_starts_reach_scikit_learns_best_of_ten(seed):
    c, y = random_set(seed)
    peer = GaussianMixture(c, n_init=10, tol=1e-5, max_iter=500, random_state=seed).fit(y)
    model = fitted(Mixture("normal", c), y)
    assert model.status_.good, model.message_
    assert model.score(y) > peer.score(y) - 1e-6
    locs = [native(model)[f"loc_{k}"] for k in range(c)]
    assert locs == sorted(locs)


@pytest.mark.slow
def test_one_start_may_end_at_a_lower_maximum():
    gains = []
    for seed in range(12):
        c, y = random_set(seed)
        one, ten = (fitted(Mixture("normal", c, n_init=n), y).score(y) for n in (1, 10))
        gains.append(ten - one)
    assert max(gains) > 1e-3


@pytest.mark.parametrize("family", [Mixture("normal", 3), Mixture("gamma", 2)], ids=str)
def test_starts_depend_neither_on_seeds_nor_on_processes(family):
    y = np.abs(two_normals(23, 200)) + 0.1
    models = [natfit.fit(family, y, random_state=seed) for seed in (None, None, 0, 7)]
    for model in models[1:]:
        np.testing.assert_array_equal(model.theta_, models[0].theta_)
    starts = family.bind(Memory(y)).starts(Memory(y))
    shared = Processes(y, n_jobs=2).each(np.sum, starts)
    assert shared == Memory(y).each(np.sum, starts)


@pytest.mark.parametrize("part", ["normal", "gamma", "poisson", MultivariateNormal("full")])
def test_a_mixture_of_one_is_the_family_itself(part):
    rng = np.random.default_rng(24)
    y = rng.poisson(4.0, 60).astype(float) + 1.0
    y = y if isinstance(part, str) else np.column_stack([y, rng.normal(y, 2.0)])
    one, alone = natfit.fit(Mixture([part]), y), natfit.fit(part, y)
    assert one.status_ == alone.status_ == "converged"
    assert float(one.params_["weights"].ravel()[0]) == 1.0
    for name, value in alone.params_.items():
        np.testing.assert_allclose(one.params_[f"{name}_0"], value, rtol=1e-6)
        error = alone.standard_errors_[name]
        np.testing.assert_allclose(one.standard_errors_[f"{name}_0"], error, rtol=1e-5)


def test_the_least_width_follows_the_data():
    """The floor is relative: in another unit it is the same share of the widest component."""
    y = two_normals(25, 200)
    for unit in (1e-6, 1.0, 1e9):
        for least in (1e-3, 1e-1):
            bound = Mixture("normal", 2, least_width=least).bind(Memory(unit * y))
            low = bound.params["scale_0"].low
            assert 0.3 * least < low / unit < 3.0 * least
    with pytest.raises(ValueError, match="least_width must be"):
        natfit.fit(Mixture("normal", 2, least_width=0.0), y)
    with pytest.raises(ValueError, match="n_init must be"):
        natfit.fit(Mixture("normal", 2, n_init=0), y)


def test_without_a_seed_the_draws_of_a_metric_are_the_same_each_time():
    rng = np.random.default_rng(26)
    y = np.concatenate([rng.normal(0.0, 1.0, (60, 2)), rng.normal(5.0, 1.0, (40, 2))])
    one, two = (natfit.fit(Mixture(MultivariateNormal("diag"), 2), y) for _ in range(2))
    assert type(one.metric_).__name__ == "MonteCarloFisher"
    np.testing.assert_array_equal(one.theta_, two.theta_)

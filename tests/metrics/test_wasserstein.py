"""The Wasserstein metric against closed forms, scipy's quantiles and Lyapunov's equation."""

import warnings

import autograd.numpy as anp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, linalg, special, stats

import natfit
from natfit import NaturalMLE, NaturalRegressor, minimize
from natfit.distributions import (
    Beta,
    Cauchy,
    Exponential,
    Fixed,
    Gamma,
    GammaMean,
    Gumbel,
    Logistic,
    Mixture,
    MultivariateNormal,
    MultivariateT,
    Normal,
    Poisson,
    Positive,
    Real,
    StudentT,
    Truncated,
    VonMises,
    Weibull,
    ZeroAdjusted,
    from_log_prob,
)
from natfit.metrics import CRPSMetric, WassersteinMetric, _transport
from natfit.metrics._between import _Between
from natfit.metrics._transport import entries_of, placed
from natfit.metrics.wasserstein import _half_squares, _metric, _one
from natfit.objectives import Likelihood
from natfit.steps import FixedStep
from natfit.testing.metrics import operator_at
from natfit.testing.problems import dense, likelihood, quadratic, regression
from natfit.testing.steps import trace

RNG = np.random.default_rng
Y = RNG(0).normal(12.0, 4.0, 200)


def at(family, **params):
    return family.eta(**params)[None]


def jacobian(family, eta):
    """d native / d eta at one eta (K,)."""
    return linalg.block_diag(*(family.params[n].jacobian(eta[b]) for n, b in family.blocks.items()))


def native(family, eta, metric=None):
    """The metric in native parameters at eta (1, K)."""
    found = _metric(family, eta, 0)[0] if metric is None else metric(family, eta, 0)[0]
    found = found.dense(1) if hasattr(found, "dense") else found
    back = np.linalg.inv(jacobian(family, eta[0]))
    return back.T @ found[0] @ back


def w2(first, second):
    """Half the squared distance of two frozen distributions of scipy, by their quantiles."""

    def square(u):
        low, high = first.ppf(u) - second.ppf(u), first.isf(u) - second.isf(u)
        return low * low + high * high

    return 0.5 * integrate.quad(square, 0.0, 0.5, epsabs=0.0, epsrel=1e-10, limit=400)[0]


# ------------------------------------------------------------------------------ checked values


@pytest.mark.parametrize(
    ("family", "params", "want"),
    [
        (Exponential(), {"rate": 3.0}, [[2.0 / 81.0]]),
        (Normal(), {"loc": 1.0, "scale": 3.0}, np.eye(2)),
        (
            Gumbel(),
            {"loc": 0.0, "scale": 1.0},
            [[1.0, np.euler_gamma], [np.euler_gamma, np.pi**2 / 6 + np.euler_gamma**2]],
        ),
        (Gamma(), {"shape": 2.0, "scale": 1.0}, [[1.136859, 2.5], [2.5, 6.0]]),
        (Weibull(), {"shape": 1.5, "scale": 2.0}, [[0.860769, -0.654022], [-0.654022, 1.190639]]),
        (Beta(), {"a": 2.0, "b": 3.0}, [[0.0149686, -0.0097205], [-0.0097205, 0.0071214]]),
    ],
    ids=lambda v: type(v).__name__ if isinstance(v, natfit.distributions.Distribution) else "",
)
def test_checked_values(family, params, want):
    assert_allclose(native(family, at(family, **params)), want, rtol=5e-6, atol=1e-12)


FAMILIES = {
    "gamma": (Gamma(), {"shape": 1.7, "scale": 2.0}),
    "beta": (Beta(), {"a": 0.8, "b": 2.5}),
    "student_t": (StudentT(), {"loc": 1.0, "scale": 2.0, "df": 4.5}),
    "weibull": (Weibull(), {"shape": 0.8, "scale": 3.0}),
    "gumbel": (Gumbel(), {"loc": -2.0, "scale": 0.3}),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_it_is_the_second_derivative_of_the_squared_distance_of_scipys_quantiles(name):
    family, params = FAMILIES[name]
    eta = at(family, **params)
    matrix = _metric(family, eta, 0)[0].dense(1)[0]
    d = 2e-3 * RNG(1).standard_normal(family.n_params)
    first = family.counterpart(eta[0])
    # The mean of both directions has no term of third order.
    want = 0.5 * sum(w2(first, family.counterpart(eta[0] + s * d)) for s in (1.0, -1.0))
    assert_allclose(0.5 * d @ matrix @ d, want, rtol=1e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_divergence_is_half_the_squared_distance_of_scipys_quantiles(name):
    family, params = FAMILIES[name]
    eta = at(family, **params)
    for gap in (0.1, 0.4):
        other = eta + gap * RNG(2).standard_normal(family.n_params)
        want = w2(family.counterpart(eta[0]), family.counterpart(other[0]))
        assert_allclose(_half_squares(family, eta, other), want, rtol=1e-6)


def normal_log_prob(y, loc, scale):
    return -0.5 * ((y - loc) / scale) ** 2 - anp.log(scale) - 0.5 * np.log(2.0 * np.pi)


def test_a_density_without_a_distribution_function_has_the_metric_too():
    family = from_log_prob(normal_log_prob, {"loc": Real(), "scale": Positive()}, support="real")
    eta = at(family, loc=1.0, scale=3.0)
    assert not family.has_cdf
    assert_allclose(native(family, eta), np.eye(2), rtol=1e-8, atol=1e-8)
    other = at(family, loc=1.5, scale=2.0)
    assert_allclose(_half_squares(family, eta, other), 0.5 * (0.25 + 1.0), rtol=1e-8)


def student_log_prob(y, loc, scale, df):
    z = (y - loc) / scale
    constant = special.gammaln(0.5 * (df + 1.0)) - special.gammaln(0.5 * df)
    return (
        constant
        - 0.5 * anp.log(df * np.pi)
        - anp.log(scale)
        - 0.5 * (df + 1.0) * anp.log1p(z**2 / df)
    )


@pytest.mark.parametrize(("df", "finite"), [(1.5, False), (2.0, False), (2.6, True), (9.0, True)])
def test_a_density_alone_tells_whether_there_is_a_variance(df, finite):
    def log_prob(y, loc, scale):
        return student_log_prob(y, loc, scale, df)

    family = from_log_prob(log_prob, {"loc": Real(), "scale": Positive()}, support="real")
    eta = at(family, loc=1.0, scale=2.0)
    if finite:
        want = np.diag([1.0, df / (df - 2.0)])
        assert_allclose(native(family, eta), want, rtol=1e-6, atol=1e-8)
    else:
        with pytest.raises(ValueError, match="finite variance"):
            _metric(family, eta, 0)


def test_a_regression_of_a_density_alone_has_no_divergence():
    """The quantiles of every row would cost seconds a step; radii limit 1/2 d' G d then."""
    family = from_log_prob(normal_log_prob, {"loc": Real(), "scale": Positive()}, support="real")
    known, theta = regression(20)
    objective = Likelihood(family, known.model, known.rows)
    for metric in (WassersteinMetric(), CRPSMetric()):
        assert metric.divergence(objective, theta, theta + 0.1) is None
        assert metric.divergence(known, theta, theta + 0.1) > 0.0


@pytest.mark.parametrize("loc", [0.3, 40.0])
def test_a_window_by_its_quantiles(loc):
    inside = Truncated(Normal(), low=loc - 1.0, high=loc + 2.0)
    eta = at(inside, loc=loc, scale=1.5)
    d = np.array([3e-3, -2e-3])

    def law(eta):
        centre, scale = eta[0], np.exp(eta[1])
        ends = (loc - 1.0 - centre) / scale, (loc + 2.0 - centre) / scale
        return stats.truncnorm(*ends, centre, scale)

    want = 0.5 * sum(w2(law(eta[0]), law(eta[0] + s * d)) for s in (1.0, -1.0))
    assert_allclose(0.5 * d @ _metric(inside, eta, 0)[0].dense(1)[0] @ d, want, rtol=1e-3)


# ----------------------------------------------------------------------------------- many rows


def each(family, eta):
    return np.stack([_one(family, row) for row in eta])


@pytest.mark.parametrize(
    "family", [Gumbel(), Logistic(), StudentT(), Gamma(), Weibull(), Exponential()], ids=repr
)
def test_rows_that_share_a_shape_are_scaled(family):
    usual = {"loc": 0.3, "scale": 2.0, "shape": 1.4, "df": 5.0, "rate": 3.0}
    rng, eta = RNG(3), np.tile(at(family, **{n: usual[n] for n in family.params}), (9, 1))
    for name, role in family.roles.items():
        if role in ("location", "scale", "rate"):
            eta[:, family.blocks[name]] += rng.standard_normal((9, 1))
    assert placed(family, eta) is not None
    found = _metric(family, eta, 0)[0].dense(9)
    want = each(family, eta)
    assert_allclose(found, want, rtol=1e-7, atol=1e-7 * np.abs(want).max())


@pytest.mark.parametrize(
    "family",
    [
        Fixed(Normal(), {"loc": 5.0}),
        Truncated(Normal(), low=-1.0, high=2.0),
        Truncated(Gamma(), low=0.5),
        NaturalMLE("gamma", bounds={"scale": (0.1, 9.0)}),
    ],
    ids=["held location", "window", "half a window", "bounds"],
)
def test_a_role_that_does_not_hold_is_not_used(family):
    if isinstance(family, NaturalMLE):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            family = family.fit(RNG(4).gamma(2.0, 2.0, (50, 1))).distribution_
    eta = 0.2 + 0.1 * RNG(4).standard_normal((3, family.n_params))
    found = _metric(family, eta, 0)[0].dense(3)
    assert_allclose(found, each(family, eta), rtol=1e-6, atol=1e-9)


def test_one_coordinate_that_varies_is_interpolated():
    family, calls = GammaMean(), []
    mean, shape = (family.blocks[n].start for n in ("mean", "shape"))
    eta = np.zeros((300, 2))
    eta[:, shape], eta[:, mean] = 1.2 * RNG(5).standard_normal(300), 0.4

    def counted(family, row):
        calls.append(row)
        return _one(family, row)

    found = entries_of(family, eta, counted, 0).dense(300)
    assert len(calls) < 100
    some = [0, 7, 150, 299, int(np.argmin(eta[:, shape])), int(np.argmax(eta[:, shape]))]
    assert_allclose(found[some], each(family, eta[some]), rtol=1e-6, atol=1e-9)


def test_two_coordinates_that_vary_are_interpolated():
    family, rng = Beta(), RNG(15)
    eta = np.column_stack([rng.uniform(0.0, 0.5, 2000), rng.uniform(0.8, 1.2, 2000)])
    calls = []

    def counted(family, row):
        calls.append(row)
        return _one(family, row)

    found = entries_of(family, eta, counted, 0).dense(2000)
    assert len(calls) < 600
    assert_allclose(found[:5], each(family, eta[:5]), rtol=1e-5, atol=1e-8)


def test_rows_of_two_shapes_share_one_integral():
    family, rng = StudentT(), RNG(16)
    first = np.tile(at(family, loc=0.3, scale=2.0, df=5.0), (5, 1))
    second = np.tile(at(family, loc=0.3, scale=2.0, df=7.0), (5, 1))
    for rows in (first, second):
        rows[:, :2] += 0.3 * rng.standard_normal((5, 2))
    want = [_Between(family)(a[None], b[None])[0] for a, b in zip(first, second, strict=True)]
    assert_allclose(_half_squares(family, first, second), want, rtol=1e-6)


def test_a_model_is_the_mean_over_rows():
    objective, theta = regression(50)
    lin = objective.model.linearize(theta, objective.rows.X)
    weight = objective.rows.weight / objective.rows.weight.sum()
    inner = np.zeros((50, 2, 2))
    inner[:, 0, 0], inner[:, 1, 1] = weight, weight * np.exp(2.0 * lin.eta[:, 1])
    found = dense(operator_at(WassersteinMetric(), objective, theta))
    assert_allclose(found, lin.gram(inner), rtol=1e-10, atol=1e-14)


def test_a_model_of_ten_thousand_rows_costs_one_integral(monkeypatch):
    eta = np.column_stack([RNG(6).standard_normal(10_000), 0.1 * RNG(7).standard_normal(10_000)])
    asked = []

    class Counted(Gumbel):
        def expectation(self, eta):
            asked.append(eta)
            return super().expectation(eta)

    family = Counted()
    _metric(family, eta, 0)
    # One integral of the form, and one that proves that the roles hold.
    assert len(asked) <= 2


# ---------------------------------------------------------------------------- normal vectors


def covariance(dim, seed):
    a = RNG(seed).standard_normal((dim, dim))
    return a @ a.T + 0.3 * np.eye(dim)


def bures(a, b):
    """Half the squared distance, by matrix square roots (Dowson and Landau, 1982)."""
    root = linalg.sqrtm(a)
    return 0.5 * float(np.real(np.trace(a + b - 2.0 * linalg.sqrtm(root @ b @ root))))


@pytest.mark.parametrize("dim", [1, 2, 4])
def test_the_metric_of_a_covariance_solves_lyapunovs_equation(dim):
    family, sigma = MultivariateNormal(dim=dim), covariance(dim, dim)
    eta = at(family, loc=np.zeros(dim), covariance=sigma)
    jac = family.params["covariance"].jacobian(eta[0, dim:])
    change = family.params["covariance"].unpack(jac.T)
    matrix = _metric(family, eta, 0)[0][0]
    for i in range(len(change)):
        for j in range(i, len(change)):
            one, two = (linalg.solve_continuous_lyapunov(sigma, change[k]) for k in (i, j))
            assert_allclose(matrix[dim + i, dim + j], np.trace(one @ sigma @ two), atol=1e-10)
    assert_allclose(matrix[:dim, :dim], np.eye(dim))
    assert_allclose(matrix[:dim, dim:], 0.0)


def test_the_natural_gradient_in_sigma_needs_no_equation():
    dim, sigma = 3, covariance(3, 8)
    family = MultivariateNormal(dim=dim)
    eta = at(family, loc=np.zeros(dim), covariance=sigma)[0]
    slope = RNG(9).standard_normal((dim, dim))
    slope = slope + slope.T
    bijector = family.params["covariance"]
    change = bijector.unpack(bijector.jacobian(eta[dim:]).T)
    grad = np.einsum("tij,ij->t", change, slope)
    found = np.linalg.solve(_metric(family, eta[None], 0)[0][0][dim:, dim:], grad)
    want = 2.0 * (slope @ sigma + sigma @ slope)
    assert_allclose(np.einsum("t,tij->ij", found, change), want, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dim", [1, 3])
def test_the_divergence_of_normal_vectors_is_that_of_bures(dim):
    family, a, b = MultivariateNormal(dim=dim), covariance(dim, 10), covariance(dim, 11)
    first = at(family, loc=np.zeros(dim), covariance=a)
    second = at(family, loc=np.full(dim, 0.5), covariance=b)
    want = 0.5 * dim * 0.25 + bures(a, b)
    assert_allclose(_half_squares(family, first, second), want, rtol=1e-9)
    near = first + 1e-9
    square = 0.5 * (near - first) @ _metric(family, first, 0)[0][0] @ (near - first).T
    assert_allclose(_half_squares(family, first, near), square.ravel(), rtol=1e-5)


@pytest.mark.parametrize("structure", ["diag", "spherical"])
def test_independent_columns_add(structure):
    family = MultivariateNormal(structure, dim=3)
    full = MultivariateNormal(dim=3)
    scale = np.array([0.5, 1.0, 3.0]) if structure == "diag" else 1.5
    other = scale * 1.3
    first, second = (at(family, loc=np.zeros(3), scale=s) for s in (scale, other))
    loc = np.arange(3.0)
    second[0, :3] = loc
    pair = [
        at(full, loc=m, covariance=np.diag(np.full(3, s) ** 2.0))
        for m, s in ((np.zeros(3), scale), (loc, other))
    ]
    assert_allclose(_half_squares(family, first, second), _half_squares(full, *pair), rtol=1e-12)
    d = np.zeros(family.n_params)
    d[3:] = 1e-4
    square = 0.5 * d @ _metric(family, first, 0)[0][0] @ d
    assert_allclose(square, _half_squares(family, first, first + d)[0], rtol=1e-3)


# --------------------------------------------------------------------------------- what it is for


def test_gradient_descent_in_native_coordinates_is_the_wasserstein_gradient():
    objective = likelihood(Normal(), Y, "native")
    start = np.array([11.0, 3.0])
    paths = []
    for metric in ("euclidean", WassersteinMetric()):
        _, iterates = trace(FixedStep(2.0), objective, start, metric, max_iter=20)
        paths.append(np.array([i.theta for i in iterates]))
    assert len(paths[0]) == 21
    assert_allclose(paths[0], paths[1], rtol=1e-12)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("metric", ["wasserstein", "crps"])
def test_a_fit_does_not_depend_on_the_unit(metric, unit):
    model = NaturalMLE("normal", metric=metric).fit(unit * Y[:, None])
    assert model.status_ == "converged"
    assert model.n_iter_ < 50
    assert_allclose(model.params_["loc"], unit * Y.mean(), rtol=1e-5)
    assert_allclose(model.params_["scale"], unit * Y.std(), rtol=1e-5)


@pytest.mark.parametrize("metric", ["wasserstein", "crps"])
@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_a_regression_has_the_same_optimum(metric, alpha):
    rng = RNG(12)
    X = rng.standard_normal((400, 3))
    y = X @ [1.0, -2.0, 0.5] + rng.logistic(0.0, 0.5, 400)
    want = NaturalRegressor("logistic", alpha=alpha).fit(X, y)
    found = NaturalRegressor("logistic", alpha=alpha, metric=metric, max_iter=300).fit(X, y)
    assert_allclose(found.coef_["loc"], want.coef_["loc"], atol=1e-4)


def test_functions_are_refused():
    for metric in ("wasserstein", "crps"):
        with pytest.raises(ValueError, match=r"needs a likelihood, got a plain function; use metr"):
            minimize(lambda x: anp.sum(x**2), [1.0, 2.0], metric=metric)
    with pytest.raises(ValueError, match="needs a likelihood"):
        WassersteinMetric().prepare(quadratic(np.eye(2), np.ones(2)))


REFUSED = {
    "counts": (Poisson(), "whole numbers.*'exact' or 'crps'"),
    "classes": (natfit.distributions.Categorical(3), r"WassersteinMetric\(ground=D\)"),
    "angles": (VonMises(), "angles, whose ends are one; use metric='exact'"),
    "atoms": (ZeroAdjusted(Gamma()), r"probability at \[0.0\].*use metric='exact'"),
    "vectors": (MultivariateT(dim=2), "another family of vectors; use metric='exact'"),
    "mixture of counts": (Mixture((Poisson(), Poisson())), "whole numbers"),
    "no support": (
        from_log_prob(normal_log_prob, {"loc": Real(), "scale": Positive()}),
        r"no support; pass support=\.\.\. to from_log_prob",
    ),
    "angles inside": (Fixed(VonMises(), {"kappa": 2.0}), "angles"),
}


class Posed:
    """What a metric looks at of an objective."""

    probabilistic = True

    def __init__(self, distribution):
        self.distribution = distribution


@pytest.mark.parametrize("kind", REFUSED)
def test_other_families_are_refused_with_a_metric_that_works(kind):
    family, words = REFUSED[kind]
    with pytest.raises(ValueError, match=words):
        WassersteinMetric().prepare(Posed(family))


def test_a_missing_variance_is_refused():
    with pytest.raises(ValueError, match=r"finite variance, and that of Cauchy at .* use metric="):
        NaturalMLE("cauchy", metric="wasserstein").fit(Y[:, None])
    family = StudentT()
    light, heavy = (at(family, loc=0.0, scale=1.0, df=df) for df in (5.0, 1.5))
    with pytest.raises(ValueError, match="finite variance, and that of StudentT"):
        _metric(family, heavy, 0)
    assert _half_squares(family, light, heavy) == np.inf
    assert _half_squares(Cauchy(), light[:, :2], 0.1 + light[:, :2]) == np.inf


# ------------------------------------------------------------------------------------- classes


def test_two_classes_have_the_metric_of_one_edge():
    """With probability p and distance d, all of dp crosses an edge of mean 1/2: 2 d^2 dp^2."""
    family = natfit.distributions.Categorical(2)
    eta = at(family, probs=np.array([0.3, 0.7]))
    metric = WassersteinMetric(ground=[[0.0, 3.0], [3.0, 0.0]])
    objective = likelihood(family, np.array([0.0, 1.0, 1.0]), origin=eta[0])
    slope = 0.3 * 0.7
    found = dense(operator_at(metric, objective, eta[0]))
    assert_allclose(found, [[2.0 * 9.0 * slope**2]], rtol=1e-12)
    other = at(family, probs=np.array([0.5, 0.5]))
    assert_allclose(metric.divergence(objective, eta[0], other[0]), 9.0 * 0.2**2, rtol=1e-12)


def test_classes_on_a_line_by_the_laplacian():
    ground = np.array([[0.0, 1.0, np.inf], [1.0, 0.0, 2.0], [np.inf, 2.0, 0.0]])
    family, p = natfit.distributions.Categorical(3), np.array([0.2, 0.5, 0.3])
    eta = at(family, probs=p)
    # On a line the flows through the two edges are the sums of dp: no equation is solved.
    jac = np.diag(p)[:, :2] - np.outer(p, p[:2])
    flows = np.cumsum(jac, axis=0)[:2]
    resist = np.array([1.0, 4.0]) / (0.5 * np.array([p[0] + p[1], p[1] + p[2]]))
    objective = likelihood(family, np.array([0.0, 1.0, 2.0]), origin=eta[0])
    found = dense(operator_at(WassersteinMetric(ground), objective, eta[0]))
    assert_allclose(found, flows.T @ (resist[:, None] * flows), rtol=1e-10)


def test_a_fit_of_classes_with_distances():
    y = RNG(13).choice(4, 300, p=[0.1, 0.2, 0.3, 0.4]).astype(float)[:, None]
    ground = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))
    model = NaturalMLE("categorical", metric=WassersteinMetric(ground=ground)).fit(y)
    assert model.status_ == "converged"
    assert_allclose(model.params_["probs"][0], np.bincount(y[:, 0].astype(int)) / 300, atol=1e-4)


@pytest.mark.parametrize(
    ("ground", "words"),
    [
        ([[0.0, 1.0], [1.0, 0.0]], r"shape \(3, 3\), a row for each class"),
        ("far", r"numbers of shape \(3, 3\)"),
        (np.triu(np.ones((3, 3)), 1), "symmetric"),
        (np.ones((3, 3)), "zeros on its diagonal"),
        (np.zeros((3, 3)), "> 0 between two classes, got 0.0"),
        (1.0 - np.eye(3) - 2.0 * np.eye(3)[::-1] * (1 - np.eye(3)), "> 0 between two classes"),
        (np.where(np.eye(3) > 0, 0.0, np.nan), "symmetric|> 0"),
        (np.where(np.eye(3) > 0, 0.0, np.inf), r"classes \[1, 2\] without a way to class 0"),
    ],
)
def test_distances_are_checked(ground, words):
    with pytest.raises(ValueError, match=words):
        WassersteinMetric(ground).prepare(Posed(natfit.distributions.Categorical(3)))


def test_distances_are_of_classes():
    with pytest.raises(ValueError, match="finitely many classes, and y of Normal are none"):
        WassersteinMetric(np.ones((2, 2))).prepare(Posed(Normal()))


@pytest.mark.parametrize("df", [2.05, 2.2, 3.0])
def test_a_heavy_tail_has_its_variance_or_is_refused(df):
    family = StudentT()
    at = family.eta(loc=0.0, scale=1.0, df=df)
    _, weight, first = _transport.velocities(family, at, _transport.variance_of(family, at))
    assert_allclose(weight @ first[1] ** 2, df / (df - 2.0), rtol=1e-5)
    near = family.eta(loc=0.0, scale=1.0, df=2.001)
    with pytest.raises(ValueError, match="variance of StudentT at .* lies in tails"):
        _transport.velocities(family, near, _transport.variance_of(family, near))


@pytest.mark.parametrize("shapes", [(0.2, 0.3), (0.3, 2.0)])
def test_densities_that_are_infinite_at_their_ends(shapes):
    """E[(dQ / d a)^2] against differences of scipy's quantiles, integrated over probability."""
    family = Beta()
    at = family.eta(a=shapes[0], b=shapes[1])
    _, weight, first = _transport.velocities(family, at, _transport.variance_of(family, at))

    def square(p):
        h = 1e-6 * shapes[0]
        up, down = (stats.beta.ppf(p, shapes[0] + s, shapes[1]) for s in (h, -h))
        return ((up - down) / (2.0 * h)) ** 2

    # Of a logarithm: the velocity of a is d Q / d a times a.
    want = shapes[0] ** 2 * integrate.quad(square, 0.0, 1.0, limit=200, epsabs=1e-10)[0]
    assert_allclose(weight @ first[0] ** 2, want, rtol=1e-4)

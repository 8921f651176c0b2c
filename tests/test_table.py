"""Every solver with every step on every problem: it reaches the optimum, or its stated status."""

import functools

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import digamma
from sklearn.mixture import GaussianMixture

from natfit._component import available, registered, resolve
from natfit.distributions import Binomial, Shifted
from natfit.distributions.base import Distribution
from natfit.solvers.base import Solver
from natfit.steps.base import Step
from natfit.testing.problems import likelihood, quadratic, rosenbrock
from natfit.testing.steps import trace
from tests.distributions.multivariate_oracles import (
    dirichlet_mle,
    dirichlet_multinomial_mle,
    multivariate_t_mle,
)

H = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]])
CENTRE = np.array([1.0, -2.0, 0.5])
RNG = np.random.default_rng(0)
RNG_B = np.random.default_rng(1)
DATA = {
    "bernoulli": (RNG.random(200) < 0.3).astype(float),
    "beta": np.random.default_rng(1).beta(2.0, 5.0, 200),
    "binomial": np.random.default_rng(1).binomial(10, 0.3, 200).astype(float),
    "categorical": RNG.choice(3, 200, p=[0.2, 0.5, 0.3]).astype(float),
    "cauchy": 3.0 + 2.0 * RNG_B.standard_cauchy(200),
    "dirichlet": np.random.default_rng(1).dirichlet([2.0, 5.0, 1.5], 200),
    "dirichlet_multinomial": np.array(
        [
            np.random.default_rng(i).multinomial(
                5 + i % 9, np.random.default_rng(i).dirichlet([2.0, 1.0, 3.0])
            )
            for i in range(200)
        ]
    )
    * 1.0,
    "exponential": RNG.exponential(3.0, 200),
    "exponentiated_weibull": np.random.default_rng(4).weibull(0.7, (200, 3)).max(axis=1),
    "gamma": RNG.gamma(2.5, 1.5, 200),
    "generalized_pareto": 2.0 * RNG_B.pareto(4.0, 200),
    "geometric": np.random.default_rng(1).geometric(0.3, 200) - 1.0,
    "gev": 3.0 + 2.0 * stats.genextreme.rvs(0.1, size=200, random_state=RNG_B),
    "gumbel": RNG_B.gumbel(3.0, 2.0, 200),
    "hurdle": np.where(np.arange(200) < 60, 0, 1 + np.arange(200) % 4).astype(float),
    "inverse_gamma": 2.0 / np.random.default_rng(2).gamma(3.0, size=200),
    "inverse_gaussian": np.random.default_rng(2).wald(3.0, 4.0, 200),
    "laplace": RNG_B.laplace(3.0, 2.0, 201),
    "logistic": RNG_B.logistic(3.0, 2.0, 200),
    "lognormal": np.random.default_rng(2).lognormal(1.0, 0.5, 200),
    "mixture": np.concatenate(
        [
            np.random.default_rng(1).normal(0.0, 1.0, 120),
            np.random.default_rng(2).normal(7.0, 1.5, 80),
        ]
    ),
    "multi_bernoulli": (RNG.random((200, 2)) < [0.3, 0.6]).astype(float),
    "multi_categorical": np.column_stack([RNG.integers(0, 2, 200), RNG.integers(0, 3, 200)]) * 1.0,
    "multinomial": np.random.default_rng(1).multinomial(5 + np.arange(200) % 9, [0.2, 0.5, 0.3])
    * 1.0,
    "multivariate_normal": RNG.multivariate_normal([1.0, -1.0], [[2.0, 0.6], [0.6, 1.0]], 200),
    "multivariate_t": np.random.default_rng(1).multivariate_normal(
        [1.0, -1.0], [[2.0, 0.6], [0.6, 1.0]], 200
    )
    / np.sqrt(np.random.default_rng(2).chisquare(4.0, 200) / 4.0)[:, None],
    "negative_binomial": np.random.default_rng(1).negative_binomial(2, 0.3, 200).astype(float),
    "normal": RNG.normal(12.0, 4.0, 200),
    "poisson": RNG.poisson(4.0, 200).astype(float),
    "skew_normal": stats.skewnorm.rvs(3.0, 1.0, 2.0, size=200, random_state=RNG_B),
    "scaled": np.random.default_rng(4).gamma(2.5, 1.5, 200),
    "shifted": 5.0 + np.random.default_rng(4).lognormal(4.0, 0.5, 200),
    "student_t": 3.0 + 2.0 * RNG.standard_t(3.0, 200),
    "truncated": np.abs(np.random.default_rng(4).normal(1.0, 2.0, 200)),
    "von_mises": np.random.default_rng(1).vonmises(1.0, 2.0, 200),
    "weibull": 3.0 * np.random.default_rng(2).weibull(1.5, 200),
    "zero_inflated": np.where(np.arange(200) < 60, 0, 1 + np.arange(200) % 4).astype(float),
}


def gamma_mle(y):
    """log a - psi(a) = log mean y - mean log y, by scipy's root finder."""
    gap = np.log(y.mean()) - np.log(y).mean()
    shape = optimize.brentq(lambda a: np.log(a) - digamma(a) - gap, 1e-3, 1e3, xtol=1e-14)
    return [shape, y.mean() / shape]


def student_mle(y):
    """scipy's own fit, polished by Nelder and Mead's simplex on its own log-density."""

    def loss(t):
        return -stats.t.logpdf(y, np.exp(t[2]), t[0], np.exp(t[1])).mean()

    start = [np.median(y), 0.0, 1.0]
    options = {"xatol": 1e-10, "fatol": 1e-15, "maxiter": 5_000, "maxfev": 5_000}
    best = optimize.minimize(loss, start, method="Nelder-Mead", options=options).x
    return [best[0], np.exp(best[1]), np.exp(best[2])]


def negative_binomial_mle(y):
    """The mean, and the root of the score in n, by scipy's root finder."""
    mean = y.mean()

    def score(n):
        return np.mean(digamma(y + n) - digamma(n)) + np.log(n / (n + mean))

    return [mean, optimize.brentq(score, 1e-2, 1e3, xtol=1e-13)]


def cut_poisson_rate(positive):
    """Rate of a Poisson cut off at zero: its mean is rate / (1 - exp(-rate))."""
    return optimize.brentq(lambda r: r / -np.expm1(-r) - positive.mean(), 1e-6, 1e3, xtol=1e-14)


def inflated_poisson_mle(y):
    """The positive rows give the rate; the share then matches the zeros."""
    rate = cut_poisson_rate(y[y > 0])
    return [1.0 - np.mean(y > 0) / -np.expm1(-rate), rate]


def polished(family, y, start):
    """scipy's log-density under Nelder and Mead's simplex, restarted once where it ended."""

    def loss(t):
        with np.errstate(all="ignore"):
            value = -family(*t).logpdf(y).mean()
        return value if np.isfinite(value) else 1e10

    options = {"xatol": 1e-11, "fatol": 1e-16, "maxiter": 5_000, "maxfev": 5_000}
    best = np.asarray(start, dtype=float)
    for _ in range(2):
        best = optimize.minimize(loss, best, method="Nelder-Mead", options=options).x
    return best


def weibull_mle(y):
    """1 / c + mean log y = sum y^c log y / sum y^c, by scipy's root finder."""
    log = np.log(y)
    shape = optimize.brentq(
        lambda c: np.average(log, weights=y**c) - log.mean() - 1.0 / c, 0.1, 20.0, xtol=1e-14
    )
    return [shape, np.mean(y**shape) ** (1.0 / shape)]


def exponentiated_weibull_mle(y):
    """The power is -n / sum log cdf of the Weibull; scipy's root finder for the other two."""

    def score(t):
        c, w = np.exp(t[0]), (y / np.exp(t[1])) ** np.exp(t[0])
        power = -1.0 / np.mean(np.log1p(-np.exp(-w)))
        slope = 1.0 - w + (power - 1.0) * w / np.expm1(w)
        return np.mean(slope), 1.0 / c + np.mean(slope * (np.log(y) - t[1]))

    t = optimize.root(score, np.log(weibull_mle(y)), tol=1e-14).x
    w = (y / np.exp(t[1])) ** np.exp(t[0])
    return [np.exp(t[0]), np.exp(t[1]), -1.0 / np.mean(np.log1p(-np.exp(-w)))]


def skew_normal_mle(y):
    """Mean and standard deviation of scipy's best (shape, loc, scale), and its shape."""
    best = polished(stats.skewnorm, y, [2.0, y.mean() - 1.0, 2.0])
    return [stats.skewnorm(*best).mean(), stats.skewnorm(*best).std(), best[0]]


def mixture_mle(y):
    """scikit-learn's EM from the left and the right half, to its last digit."""
    peer = GaussianMixture(2, tol=1e-15, max_iter=5_000, reg_covar=0.0, means_init=[[0.0], [7.0]])
    peer.fit(y[:, None])
    pairs = zip(peer.means_.ravel(), np.sqrt(peer.covariances_.ravel()), strict=True)
    return [*peer.weights_, *(v for pair in pairs for v in pair)]


ORACLES = {
    "bernoulli": lambda y: [y.mean()],
    "beta": lambda y: stats.beta.fit(y, floc=0, fscale=1)[:2],
    "binomial": lambda y: [y.mean() / 10],
    "categorical": lambda y: np.bincount(y.astype(int)) / len(y),
    "cauchy": lambda y: polished(stats.cauchy, y, [np.median(y), 1.5]),
    "dirichlet": dirichlet_mle,
    "dirichlet_multinomial": dirichlet_multinomial_mle,
    "exponential": lambda y: [1.0 / y.mean()],
    "exponentiated_weibull": exponentiated_weibull_mle,
    "gamma": gamma_mle,
    "generalized_pareto": lambda y: polished(
        lambda k, s: stats.genpareto(k, 0.0, s), y, [0.2, y.mean()]
    )[::-1],
    "geometric": lambda y: [1.0 / (1.0 + y.mean())],
    "gev": lambda y: polished(
        lambda m, s, k: stats.genextreme(-k, m, s), y, [np.median(y), 2.0, 0.1]
    ),
    "gumbel": stats.gumbel_r.fit,
    "hurdle": lambda y: [np.mean(y == 0), cut_poisson_rate(y[y > 0])],
    "inverse_gamma": lambda y: [gamma_mle(1.0 / y)[0], 1.0 / gamma_mle(1.0 / y)[1]],
    "inverse_gaussian": lambda y: [y.mean(), 1.0 / (np.mean(1.0 / y) - 1.0 / y.mean())],
    "laplace": stats.laplace.fit,
    "logistic": lambda y: polished(stats.logistic, y, [np.median(y), 1.5]),
    "lognormal": lambda y: [np.log(y).std(), np.exp(np.log(y).mean())],
    "mixture": mixture_mle,
    "multi_bernoulli": lambda y: y.mean(axis=0),
    "multi_categorical": lambda y: [
        share for column in y.T for share in np.bincount(column.astype(int)) / len(y)
    ],
    "multinomial": lambda y: y.sum(axis=0) / y.sum(),
    "multivariate_normal": lambda y: [*y.mean(axis=0), *np.cov(y.T, bias=True).ravel()],
    "multivariate_t": multivariate_t_mle,
    "negative_binomial": negative_binomial_mle,
    "normal": lambda y: [y.mean(), y.std()],
    "poisson": lambda y: [y.mean()],
    "skew_normal": skew_normal_mle,
    "scaled": lambda y: gamma_mle(y)[::-1],
    "shifted": lambda y: polished(
        lambda m, s, c: stats.lognorm(s, m, c), y, [0.0, 0.5, np.median(y)]
    ),
    "student_t": student_mle,
    "truncated": lambda y: polished(
        lambda m, s: stats.truncnorm(-m / s, np.inf, m, s), y, [1.0, 2.0]
    ),
    "von_mises": lambda y: stats.vonmises.fit(y, fscale=1)[1::-1],
    "weibull": weibull_mle,
    "zero_inflated": inflated_poisson_mle,
}
#: Families that the data alone do not determine.
FAMILIES = {"binomial": Binomial(n=10), "shifted": Shifted("lognormal")}
PROBLEMS = ["quadratic", "rosenbrock", *available(Distribution)]
SOLVERS = {repr(s): s for _, s in registered(Solver)}
STEPS = {repr(s): s for _, s in registered(Step)}

#: Solvers that need a factor F = B B', which a plain function's Hessian does not have.
FACTORED = "WoodburySolver"

#: Families whose score jumps: steps end within rounding of the best row, not at it.
KINKED = {"laplace"}

#: Families whose support moves with theta: a step that leaves a row outside is halved.
EDGED = {"shifted"}


@functools.cache
def problem(name):
    """Objective, start, metric, what to compare and the optimum by an oracle."""
    if name == "quadratic":
        return quadratic(H, CENTRE), CENTRE + 3.0, "observed", lambda x: x, CENTRE
    if name == "rosenbrock":
        return rosenbrock(), np.array([-1.2, 1.0]), "observed", lambda x: x, np.ones(2)
    y = DATA[name]
    family = resolve(FAMILIES.get(name, name), Distribution).bind(y)
    objective = likelihood(family, y)
    start = family.initial(y, None, np.random.default_rng(0)) + 0.3

    def native(theta):
        return np.concatenate([np.ravel(v) for v in family.native_dict(theta).values()])

    return objective, start, "exact", native, np.array(ORACLES[name](y))


def test_every_family_has_data_and_an_oracle():
    assert set(DATA) == set(ORACLES) == set(available(Distribution))


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_reaches_the_optimum(solver, step, name):
    objective, start, metric, native, optimum = problem(name)
    rule = STEPS[step]
    options = {"solver": SOLVERS[solver], "tol": 1e-7, "max_iter": 100}
    if solver.startswith(FACTORED) and (not objective.probabilistic or name in EDGED):
        with pytest.raises(ValueError, match="needs a metric with a factor"):
            trace(rule, objective, start, metric, **options)
        return
    fit, iterates = trace(rule, objective, start, metric, **options)
    if name in KINKED:
        assert fit.iterate.value <= objective.value_and_grad(start)[0]
        np.testing.assert_allclose(native(fit.theta), optimum, rtol=0.1)
        return
    if not rule.converges and rule.descends:
        # TRPO's step has the full radius or halves of it: the end is where none of them helps.
        assert fit.status in ("no_descent", "max_iter") or fit.status.good, fit.message
        assert max(i.predicted_kl for i in iterates[1:]) <= 4.0 * rule.epsilon
        np.testing.assert_allclose(native(fit.theta), optimum, rtol=0.05, atol=0.05)
        return
    if not rule.converges:
        # The paper's step keeps its length: it ends at max_iter, near the optimum.
        assert fit.status == "max_iter"
        assert min(i.value for i in iterates) < iterates[0].value
        lengths = [i.predicted_kl for i in iterates[1:]]
        held = np.median(lengths) if name in EDGED else lengths
        np.testing.assert_allclose(held, rule.epsilon, rtol=1e-6)
        return
    assert fit.status.good, fit.message
    # A direction that is off by a factor 2 converges by halves, in 24 and more.
    assert fit.n_iter <= (20 if objective.probabilistic else 60)
    np.testing.assert_allclose(native(fit.theta), optimum, rtol=2e-6, atol=1e-6)

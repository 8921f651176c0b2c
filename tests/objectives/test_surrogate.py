"""The policy's surrogate against sums by hand, autograd and enumeration."""

import itertools

import autograd.numpy as anp
import numpy as np
import pytest
import scipy.stats
from autograd import grad, jacobian
from numpy.testing import assert_allclose, assert_array_equal

from natfit.distributions import MultivariateNormal
from natfit.models import MLP, Constant, Linear, Predictor
from natfit.objectives import PolicySurrogate
from natfit.rl import Box, Discrete, MultiBinary, MultiDiscrete
from natfit.rl.policy import action_distribution
from natfit.rows import CHUNK, Memory

N, D = 40, 2

# ------------------------------------------------------- families written a second time


def log_softmax(logits):
    """Of one row's logits, the last class being 0."""
    full = anp.concatenate([logits, anp.zeros(1)])
    return full - anp.log(anp.sum(anp.exp(full)))


def categorical(y, eta):
    return log_softmax(eta)[int(y)]


def multi_categorical(y, eta):
    return log_softmax(eta[:1])[int(y[0])] + log_softmax(eta[1:])[int(y[1])]


def multi_bernoulli(y, eta):
    return anp.sum(y * eta - anp.log(1.0 + anp.exp(eta)))


def moments_diag(eta):
    return eta[:2], anp.diag(anp.exp(2.0 * eta[2:]))


def moments_full(eta):
    factor = anp.array([[anp.exp(eta[2]), 0.0], [eta[4], anp.exp(eta[3])]])
    return eta[:2], anp.dot(factor, factor.T)


def normal_log_prob(moments):
    def log_prob(y, eta):
        mean, cov = moments(eta)
        gap = y - mean
        det = cov[0, 0] * cov[1, 1] - cov[0, 1] * cov[1, 0]
        return -0.5 * anp.dot(gap, anp.linalg.solve(cov, gap)) - 0.5 * anp.log(
            det * (2 * np.pi) ** 2
        )

    return log_prob


#: Family, log-density of one row, its actions (discrete) or moments (normal).
FAMILIES = {
    "categorical": (action_distribution(Discrete(3)), categorical, range(3)),
    "multi_categorical": (
        action_distribution(MultiDiscrete([2, 3])),
        multi_categorical,
        [np.array(a) for a in itertools.product(range(2), range(3))],
    ),
    "multi_bernoulli": (
        action_distribution(MultiBinary(2)),
        multi_bernoulli,
        [np.array(a) for a in itertools.product(range(2), range(2))],
    ),
    "diag": (action_distribution(Box(-np.ones(2), np.ones(2))), None, moments_diag),
    "full": (MultivariateNormal(covariance="full", dim=2), None, moments_full),
}
FAMILIES = {
    k: (f, normal_log_prob(m) if log_prob is None else log_prob, m)
    for k, (f, log_prob, m) in FAMILIES.items()
}
SPREAD = {"diag": ("scale",), "full": ("covariance",)}


# --------------------------------------------------------- models written a second time


def mlp_eta(theta, X, k):
    """(W1, b1), (W2, b2) row by row, 3 units; constants at the end."""
    w1, b1 = theta[: 3 * D].reshape((D, 3)), theta[3 * D : 3 * D + 3]
    rest = theta[3 * D + 3 :]
    w2, b2 = rest[: 3 * k].reshape((3, k)), rest[3 * k : 4 * k]
    return join(anp.dot(anp.tanh(anp.dot(X, w1) + b1), w2) + b2, rest[4 * k :])


def linear_eta(theta, X, k):
    w, b = theta[: D * k].reshape((D, k)), theta[D * k : (D + 1) * k]
    return join(anp.dot(X, w) + b, theta[(D + 1) * k :])


def curve(theta, X, k):
    return anp.sin(anp.dot(X, theta[: D * k].reshape((D, k)))) * theta[D * k]


def predictor_eta(theta, X, k):
    return join(curve(theta, X, k), theta[D * k + 1 :])


def join(varying, constants):
    ones = anp.ones((len(varying), 1))
    return anp.concatenate([varying, ones * constants[None, :]], axis=1)


MODELS = {
    "linear": (lambda k: Linear(), linear_eta),
    "mlp": (lambda k: MLP(hidden=(3,)), mlp_eta),
    "predictor": (
        lambda k: Predictor(lambda t, X: curve(t, X, k), np.linspace(0.3, 1.0, D * k + 1)),
        predictor_eta,
    ),
}


def problem(family, model, bonus=0.0, weight=None, n=N, seed=0):
    """A surrogate with theta_old, and eta(theta) and log p(theta) of an oracle."""
    distribution, log_prob, _ = FAMILIES[family]
    constant = SPREAD.get(family, ())
    k = distribution.n_params - sum(
        b.stop - b.start for name, b in distribution.blocks.items() if name in constant
    )
    make, oracle = MODELS[model]
    bound = make(k).bind(D, distribution, constant)
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, D))
    theta = 0.4 * rng.standard_normal(bound.n_params)
    y = distribution.sample(bound.eta(theta, X), rng)
    advantage = rng.standard_normal(n)
    surrogate = PolicySurrogate(
        distribution, bound, Memory(y, X, weight), advantage, theta, entropy_bonus=bonus
    )
    eta = lambda t, rows=X: oracle(t, rows, k)  # noqa: E731
    assert_allclose(eta(theta), bound.eta(theta, X), rtol=1e-12, atol=1e-13)
    logs = lambda t: anp.array([log_prob(a, e) for a, e in zip(y, eta(t), strict=True)])  # noqa: E731
    return surrogate, theta, eta, logs


def entropy(family, eta):
    """Of one row, autograd's."""
    _, log_prob, cases = FAMILIES[family]
    if callable(cases):
        _, cov = cases(eta)
        det = cov[0, 0] * cov[1, 1] - cov[0, 1] * cov[1, 0]
        return 0.5 * anp.log(det * (2 * np.pi * np.e) ** 2)
    terms = [log_prob(a, eta) for a in cases]
    return -sum(anp.exp(t) * t for t in terms)


PAIRS = [(f, m) for f in FAMILIES for m in MODELS]


# ------------------------------------------------------------------------------- values


@pytest.mark.parametrize("bonus", [0.0, 0.3])
@pytest.mark.parametrize(("family", "model"), PAIRS)
def test_value_and_gradient(family, model, bonus):
    weight = np.random.default_rng(1).uniform(0.5, 2.0, N)
    surrogate, old, eta, logs = problem(family, model, bonus, weight)
    start = logs(old)

    def f(theta):
        gain = anp.exp(logs(theta) - start) * surrogate.rows.extra[-2]
        if bonus:
            gain = gain + bonus * anp.array([entropy(family, e) for e in eta(theta)])
        return -anp.sum(weight * gain) / weight.sum()

    away = old + 0.1 * np.random.default_rng(2).standard_normal(len(old))
    for theta in (old, away):
        value, slope = surrogate.value_and_grad(theta)
        assert_allclose(value, f(theta), rtol=1e-11, atol=1e-13)
        assert_allclose(surrogate.value(theta), value, rtol=1e-12, atol=1e-14)
        assert_allclose(slope, grad(f)(theta), rtol=1e-9, atol=1e-11)
    assert_allclose(surrogate.ratios(away), np.exp(logs(away) - start), rtol=1e-11)
    assert_allclose(surrogate.ratios(old), 1.0, rtol=1e-12)


@pytest.mark.parametrize(("family", "model"), PAIRS)
def test_gradient_at_the_old_policy_is_the_policy_gradient(family, model):
    surrogate, theta, _, logs = problem(family, model)
    slope = surrogate.value_and_grad(theta)[1]
    advantage = surrogate.rows.extra[-2]
    assert_allclose(slope, grad(lambda t: -anp.mean(logs(t) * advantage))(theta), atol=1e-11)
    step = 1e-5
    for p, unit in enumerate(np.eye(len(theta))):
        ends = [-np.mean(logs(theta + s * step * unit) * advantage) for s in (-1.0, 1.0)]
        assert_allclose(slope[p], (ends[1] - ends[0]) / (2 * step), atol=1e-8)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("family", FAMILIES)
def test_weights_are_repetitions(family, model):
    weight = np.random.default_rng(3).integers(1, 4, N)
    one, theta, _, _ = problem(family, model, 0.2, weight.astype(float))
    columns = (one.rows.y, one.rows.X, one.rows.extra[-2])
    y, X, advantage = (np.repeat(a, weight, axis=0) for a in columns)
    many = PolicySurrogate(
        one.distribution, one.model, Memory(y, X), advantage, theta, entropy_bonus=0.2
    )
    away = theta + 0.05
    assert_allclose(one.value(away), many.value(away), rtol=1e-12)
    assert_allclose(one.value_and_grad(away)[1], many.value_and_grad(away)[1], atol=1e-13)
    assert_allclose(one.kl(theta, away), many.kl(theta, away), rtol=1e-11)
    assert_allclose(one.entropy(away), many.entropy(away), rtol=1e-11)
    v = np.cos(np.arange(len(theta)))
    assert_allclose(one.fisher(theta) @ v, many.fisher(theta) @ v, atol=1e-13)


def divergence(family, a, b):
    """KL of one row, by enumeration or the textbook's formula."""
    _, log_prob, cases = FAMILIES[family]
    if not callable(cases):
        return sum(np.exp(log_prob(y, a)) * (log_prob(y, a) - log_prob(y, b)) for y in cases)
    (m, s), (m2, s2) = cases(a), cases(b)
    inverse = np.linalg.inv(s2)
    quadratic = (m2 - m) @ inverse @ (m2 - m) + np.trace(inverse @ s) - 2
    return 0.5 * (quadratic + np.log(np.linalg.det(s2) / np.linalg.det(s)))


@pytest.mark.parametrize(("family", "model"), PAIRS)
def test_divergence_and_entropy_are_means_over_visits(family, model):
    weight = np.random.default_rng(4).uniform(0.5, 2.0, N)
    surrogate, old, eta, _ = problem(family, model, weight=weight)
    new = old + 0.2 * np.random.default_rng(5).standard_normal(len(old))
    each = [divergence(family, a, b) for a, b in zip(eta(old), eta(new), strict=True)]
    assert_allclose(surrogate.kl(old, new), np.average(each, weights=weight), rtol=1e-9)
    assert surrogate.kl(old, old) == pytest.approx(0.0, abs=1e-14)
    each = [entropy(family, e) for e in eta(new)]
    assert_allclose(surrogate.entropy(new), np.average(each, weights=weight), rtol=1e-10)


# ------------------------------------------------------------------------------- Fisher


def expected_information(family, eta):
    """C (K, K) of one row: E[s s'] by enumeration, or the normal's from its moments."""
    _, log_prob, cases = FAMILIES[family]
    if not callable(cases):
        scores = [(np.exp(log_prob(y, eta)), grad(log_prob, 1)(y, eta)) for y in cases]
        return sum(p * np.outer(s, s) for p, s in scores)
    inverse = np.linalg.inv(cases(eta)[1])
    slope = jacobian(lambda e: cases(e)[0])(eta)
    turn = inverse @ np.moveaxis(jacobian(lambda e: anp.stack(_columns(cases, e)))(eta), -1, 0)
    return slope.T @ inverse @ slope + 0.5 * np.einsum("aij,bji->ab", turn, turn)


def _columns(moments, eta):
    cov = moments(eta)[1]
    return [cov[0], cov[1]]


@pytest.mark.parametrize(("family", "model"), PAIRS)
def test_fisher_products_are_the_dense_matrix(family, model):
    weight = np.random.default_rng(6).uniform(0.5, 2.0, N)
    surrogate, theta, eta, _ = problem(family, model, weight=weight)
    J = jacobian(eta)(theta)
    C = np.array([expected_information(family, e) for e in eta(theta)])
    dense = np.einsum("n,nkp,nkl,nlq->pq", weight / weight.sum(), J, C, J)
    operator = surrogate.fisher(theta)
    for v in np.random.default_rng(7).standard_normal((3, len(theta))):
        want = dense @ v
        assert np.linalg.norm(operator @ v - want) <= 1e-10 * np.linalg.norm(want)
    assert_allclose(operator.quad(v), v @ dense @ v, rtol=1e-10)


# ------------------------------------------------------------ chunks, shared, limits


@pytest.mark.parametrize("model", ["linear", "mlp"])
def test_chunks_do_not_matter(model):
    n = CHUNK + 1000
    surrogate, theta = problem_large(model, n)
    away = theta + 0.05
    parts, all_ = [slice(0, 7000), slice(7000, n)], surrogate.rows
    pieces = [
        PolicySurrogate(
            surrogate.distribution, surrogate.model, Memory(all_.y[p], all_.X[p]),
            all_.extra[0][p], theta, entropy_bonus=0.1,
        )
        for p in parts
    ]  # fmt: skip
    share = np.array([7000, n - 7000]) / n
    for read in (
        lambda s: s.value(away),
        lambda s: s.value_and_grad(away)[0],
        lambda s: s.value_and_grad(away)[1],
        lambda s: s.kl(theta, away),
        lambda s: s.entropy(away),
        lambda s: s.fisher(theta) @ np.sin(np.arange(len(theta))),
    ):
        want = sum(w * read(p) for w, p in zip(share, pieces, strict=True))
        assert_allclose(read(surrogate), want, rtol=1e-10, atol=1e-13)
    ratios = np.concatenate([p.ratios(away) for p in pieces])
    assert_allclose(surrogate.ratios(away), ratios, rtol=1e-12)


def problem_large(model, n):
    distribution = FAMILIES["categorical"][0]
    bound = MODELS[model][0](2).bind(D, distribution)
    rng = np.random.default_rng(8)
    X, theta = rng.standard_normal((n, D)), 0.4 * rng.standard_normal(bound.n_params)
    y = distribution.sample(bound.eta(theta, X), rng)
    advantage = rng.standard_normal(n)
    one = PolicySurrogate(distribution, bound, Memory(y, X), advantage, theta, entropy_bonus=0.1)
    return one, theta


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_policy_that_ignores_the_state(family, weighted):
    distribution, log_prob, _ = FAMILIES[family]
    bound = Constant().bind(D, distribution)
    rng = np.random.default_rng(9)
    X = rng.standard_normal((N, D))
    weight = rng.uniform(0.5, 2.0, N) if weighted else None
    w = np.ones(N) if weight is None else weight
    theta = bound.init(rng, 0.3 * rng.standard_normal(distribution.n_params))
    y = distribution.sample(bound.eta(theta, X), rng, N)
    advantage = rng.standard_normal(N)
    surrogate = PolicySurrogate(
        distribution, bound, Memory(y, X, weight), advantage, theta, entropy_bonus=0.2
    )
    new = theta + 0.1 * rng.standard_normal(len(theta))

    def f(t):
        logs = anp.array([log_prob(a, t) - log_prob(a, theta) for a in y])
        return -anp.sum(w * (anp.exp(logs) * advantage + 0.2 * entropy(family, t))) / w.sum()

    assert_allclose(bound.eta(new, X), new[None], rtol=1e-13)
    for point in (theta, new):
        value, slope = surrogate.value_and_grad(point)
        assert_allclose(value, f(point), rtol=1e-11)
        assert_allclose(surrogate.value(point), value, rtol=1e-12)
        assert_allclose(slope, grad(f)(point), rtol=1e-8, atol=1e-11)
    assert_allclose(surrogate.kl(theta, new), divergence(family, theta, new), rtol=1e-9)
    assert_allclose(surrogate.entropy(new), entropy(family, new), rtol=1e-11)
    C = expected_information(family, theta)
    v = rng.standard_normal(len(theta))
    assert_allclose(surrogate.fisher(theta) @ v, C @ v, rtol=1e-9, atol=1e-12)


def test_advantages_weigh_the_gradient_and_nothing_else():
    one, theta, _, _ = problem("categorical", "mlp")
    other = PolicySurrogate(one.distribution, one.model, one.rows, -3.0 * one.rows.extra[-2], theta)
    assert_allclose(other.value_and_grad(theta)[1], -3.0 * one.value_and_grad(theta)[1], rtol=1e-12)
    v = np.sin(np.arange(len(theta)))
    assert_array_equal(other.fisher(theta) @ v, one.fisher(theta) @ v)
    assert other.kl(theta, theta + 0.1) == one.kl(theta, theta + 0.1)


def test_given_old_log_probabilities_are_used():
    one, theta, _, logs = problem("categorical", "linear")
    other = PolicySurrogate(
        one.distribution, one.model, one.rows, one.rows.extra[-2], theta, logs(theta) - 0.5
    )
    assert_allclose(other.ratios(theta), np.exp(0.5), rtol=1e-12)


def test_own_limits_are_the_domain():
    one, theta, _, _ = problem("diag", "linear")
    low, high = np.full(len(theta), -np.inf), np.full(len(theta), np.inf)
    high[-1] = theta[-1] + 0.1
    other = PolicySurrogate(
        one.distribution, one.model, one.rows, one.rows.extra[-2], theta, limits=(low, high)
    )
    inside, outside = theta.copy(), theta.copy()
    inside[-1] += 0.05
    outside[-1] += 0.2
    assert other.in_domain(inside) and one.in_domain(outside)
    assert not other.in_domain(outside)
    assert_array_equal(other.limits()[1], high)


def test_logs_are_scipys():
    """The oracle itself, against another one."""
    eta = np.array([0.3, -0.2, 0.1, 0.4, -0.5])
    mean, cov = moments_full(eta)
    y = np.array([0.7, 0.1])
    want = scipy.stats.multivariate_normal(mean, cov).logpdf(y)
    assert_allclose(normal_log_prob(moments_full)(y, eta), want, rtol=1e-12)

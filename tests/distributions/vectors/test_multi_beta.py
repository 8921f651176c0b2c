"""Independent beta distributions with a mode: against scipy's, far concentrations, bad columns."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, optimize, stats
from sklearn.exceptions import ConvergenceWarning

from natfit import NaturalMLE
from natfit.distributions import MultiBeta
from tests.cases import Case


def by_scipy(y):
    """Modes, then concentrations, by Nelder-Mead on scipy's log-density, column by column."""
    found = []
    for column in np.transpose(y):

        def loss(x, column=column):
            mode, size = 1.0 / (1.0 + np.exp(-x[0])), np.exp(x[1])
            return -stats.beta.logpdf(column, 1.0 + mode * size, 1.0 + (1.0 - mode) * size).sum()

        options = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 4000, "maxfev": 4000}
        x = optimize.minimize(loss, [0.0, 1.0], method="Nelder-Mead", options=options).x
        found.append([1.0 / (1.0 + np.exp(-x[0])), np.exp(x[1])])
    return np.transpose(found).ravel()


CASE = Case(
    data=np.random.default_rng(0).beta([2.0, 5.0], [4.0, 1.5], (200, 2)),
    optimum=by_scipy,
)


def eta_of(mode, concentration):
    return MultiBeta(len(mode)).eta(mode=np.array(mode), concentration=np.array(concentration))


@pytest.mark.parametrize("mode", [[0.5, 0.3], [1e-3, 0.999], [0.02, 0.7]])
@pytest.mark.parametrize("concentration", [[1e-3, 1e-2], [0.5, 3.0], [50.0, 2e4], [1e7, 1e8]])
def test_density_entropy_and_divergence_are_scipys(mode, concentration):
    family, eta = MultiBeta(2), eta_of(mode, concentration)[None]
    m, c = np.array(mode), np.array(concentration)
    one = stats.beta(1.0 + m * c, 1.0 + (1.0 - m) * c)
    y = family.sample(eta, np.random.default_rng(0), 40)
    assert_allclose(
        family.log_prob(y, eta), one.logpdf(y).sum(axis=1), rtol=1e-6 if c.max() > 1e6 else 1e-9
    )
    if c.max() < 1e5:  # beyond, scipy's entropy is that of another distribution
        assert_allclose(family.entropy(eta), [one.entropy().sum()], rtol=1e-8, atol=1e-9)
    other = eta + np.random.default_rng(1).normal(0, 0.2, eta.shape) / np.sqrt(1.0 + c.max())

    def ratio(x, d):
        p = [stats.beta(1.0 + v[0] * v[1], 1.0 + (1.0 - v[0]) * v[1]) for v in (here[d], there[d])]
        log_p, log_q = (q.logpdf(x) for q in p)
        return np.exp(log_p) * (log_p - log_q)

    here = np.transpose([m, c])
    there = np.transpose([v[0] for v in family.native(other)])
    if c.max() < 1e3:
        want = sum(
            integrate.quad(ratio, 0.0, 1.0, args=(d,), points=[m[d]], limit=500)[0]
            for d in range(2)
        )
        assert_allclose(family.kl(eta, other), [want], rtol=1e-6, atol=1e-9)


def test_the_score_at_large_concentrations():
    """In units of its deviation: differences of scipy's log-density have too few digits."""
    c = 1e8
    family, eta = MultiBeta(1), eta_of([0.3], [c])[None]
    draws = family.sample(eta, np.random.default_rng(0), 4000)
    score = family.score(draws, eta)
    fisher = family.fisher(eta)[0]
    assert_allclose(fisher[1, 1], 0.5, rtol=1e-6)
    assert_allclose(fisher[0, 0], c * 0.3 * 0.7, rtol=1e-6)
    scaled = score / np.sqrt(np.diagonal(fisher))
    assert np.all(np.abs(scaled.mean(axis=0)) < 5 / np.sqrt(4000))
    assert_allclose(np.cov(scaled.T), np.eye(2), atol=0.1)


def test_tends_to_the_uniform_and_the_normal_distribution():
    family = MultiBeta(1)
    flat = eta_of([0.8], [1e-6])[None]
    y = np.array([[0.1], [0.5], [0.9]])
    assert_allclose(family.log_prob(y, flat), 0.0, atol=1e-5)
    assert_allclose(family.entropy(flat), 0.0, atol=1e-10)
    for size in (1e4, 1e6):
        eta = eta_of([0.5], [size])[None]
        std = 0.5 / np.sqrt(3.0 + size)
        near = 0.5 + std * np.array([[-1.0], [0.0], [2.0]])
        want = stats.norm(0.5, std).logpdf(near[:, 0])
        assert_allclose(family.log_prob(near, eta), want, atol=10.0 / size)


def test_columns_that_are_all_alike_are_named():
    y = CASE.data.copy()
    y[:, 1] = 0.25
    with pytest.raises(
        ValueError, match=r"no constant column for MultiBeta, got column\(s\) \[1\]"
    ):
        NaturalMLE("multi_beta").fit(y)


@pytest.mark.parametrize("row", [[0.5, 0.0], [1.0, 0.5], [0.5, 1.5]])
def test_rows_outside_are_named(row):
    with pytest.raises(ValueError, match="row 200"):
        NaturalMLE("multi_beta").fit(np.vstack([CASE.data, row]))


def test_columns_that_pile_up_at_both_ends_are_best_uniform():
    y = np.random.default_rng(0).beta([0.3, 3.0], [0.3, 3.0], (200, 2))
    with pytest.warns(ConvergenceWarning, match="the uniform distribution of a column"):
        model = NaturalMLE("multi_beta").fit(y)
    assert model.params_["concentration"][0] < 1e-5

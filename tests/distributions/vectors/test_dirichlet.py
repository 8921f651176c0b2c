"""The Dirichlet distribution: Minka's fixed point, concentrations far out, bad shares."""

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import digamma

from natfit import NaturalMLE
from natfit.distributions import Dirichlet
from tests.cases import Case


def dirichlet_mle(y):
    """Minka's fixed point psi(a_d) = psi(sum a) + mean log y_d (2000), each step by scipy's root."""
    logs = np.log(y).mean(axis=0)
    a = np.ones(y.shape[1])
    for _ in range(2_000):
        goal = digamma(a.sum()) + logs
        new = [optimize.brentq(lambda x, g=g: digamma(x) - g, 1e-6, 1e6, xtol=1e-14) for g in goal]
        new = np.array(new)
        if np.abs(new - a).max() < 1e-12 * new.max():
            break
        a = new
    return new


CASE = Case(
    data=np.random.default_rng(1).dirichlet([2.0, 5.0, 1.5], 200),
    optimum=dirichlet_mle,
)


def rng(seed=0):
    return np.random.default_rng(seed)


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
    with pytest.raises(ValueError, match="grows without limit"):
        NaturalMLE("dirichlet").fit(np.tile([0.2, 0.3, 0.5], (20, 1)))
    with pytest.raises(ValueError, match="number of columns"):
        NaturalMLE("dirichlet").fit(np.ones((5, 1)))

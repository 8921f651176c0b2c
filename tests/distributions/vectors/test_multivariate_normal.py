"""The multivariate normal: scipy, its information, singular data, dimensions."""

import numpy as np
import pytest
from scipy import stats

from natfit import testing
from natfit.distributions import MultivariateNormal
from natfit.rows import Memory
from tests.cases import Case

CASE = Case(
    data=np.random.default_rng(0).multivariate_normal([1.0, -1.0], [[2.0, 0.6], [0.6, 1.0]], 200),
    optimum=lambda y: [*y.mean(axis=0), *np.cov(y.T, bias=True).ravel()],
)


def test_dependent_columns_are_held_off_singularity():
    x = np.random.default_rng(5).standard_normal(50)
    family = MultivariateNormal(dim=2)
    summary = family.sufficient(Memory(np.column_stack([x, 1e3 * x])))
    (mean, spread), note = family.bounded(summary)
    scale = np.sqrt(np.diagonal(spread[0]))
    lowest = np.linalg.eigvalsh(spread[0] / np.outer(scale, scale))[0]
    assert lowest == pytest.approx(1e-8, rel=0.01)
    assert note
    np.testing.assert_array_equal(mean, summary[0])
    regular = family.sufficient(Memory(np.random.default_rng(6).standard_normal((50, 2))))
    assert family.bounded(regular) == (regular, None)


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
    assert MultivariateNormal().bind(Memory(np.zeros((3, 4)))).dim == 4
    with pytest.raises(ValueError, match="must have 2 columns"):
        MultivariateNormal(dim=2).bind(Memory(np.zeros((3, 4))))
    with pytest.raises(ValueError, match=r"shape \(n, D\)"):
        MultivariateNormal().bind(Memory(np.zeros(3)))
    with pytest.raises(ValueError, match="covariance must be one of"):
        MultivariateNormal("banded").bind(Memory(np.zeros((3, 4))))


STRUCTURES = [
    MultivariateNormal(kind, dim) for kind in ("diag", "spherical", "full") for dim in (1, 4)
]


def _rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("family", [f for f in STRUCTURES if f.dim == 1], ids=repr)
def test_one_dimension_passes_every_check(family):
    testing.check_distribution(family)


@pytest.mark.parametrize("family", STRUCTURES, ids=repr)
def test_a_row_of_eta_each_is_scipys(family):
    eta = 0.4 * _rng(12).normal(size=(20, family.n_params))
    y = family.sample(eta, _rng(13))
    frozen = [family.counterpart(e) for e in eta]
    logs = [f.logpdf(row) for f, row in zip(frozen, y, strict=True)]
    np.testing.assert_allclose(family.log_prob(y, eta), logs, rtol=1e-10)
    np.testing.assert_allclose(family.entropy(eta), [f.entropy() for f in frozen], rtol=1e-10)
    np.testing.assert_array_equal(family.mode(eta), eta[:, : family.dim])
    for name, args in (("score", (y, eta)), ("fisher", (eta,)), ("kl", (eta, eta[::-1]))):
        many = getattr(family, name)(*args)
        alone = [getattr(family, name)(*(a[i][None] for a in args))[0] for i in range(20)]
        np.testing.assert_allclose(many, alone, rtol=1e-9, atol=1e-12)

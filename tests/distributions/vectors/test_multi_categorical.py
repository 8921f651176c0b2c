"""Several columns of class indices, or of zeros and ones: independent of each other."""

import numpy as np
import pytest
from scipy import special, stats

from natfit import NaturalMLE
from natfit.distributions import (
    Categorical,
    MultiBernoulli,
    MultiCategorical,
)
from natfit.rows import Memory
from tests.cases import Case

CASE = Case(
    data=np.random.default_rng(0).integers(0, [2, 3], (200, 2)).astype(float),
    optimum=lambda y: [
        share for column in y.T for share in np.bincount(column.astype(int)) / len(y)
    ],
)


def _rng(seed=0):
    return np.random.default_rng(seed)


def test_several_columns_of_class_indices():
    y = np.column_stack([_rng(6).integers(0, 3, 300), _rng(7).integers(0, 2, 300)]).astype(float)
    model = NaturalMLE("multi_categorical").fit(y)
    for m in range(2):
        share = np.bincount(y[:, m].astype(int)) / 300
        np.testing.assert_allclose(model.params_[f"probs_{m}"], share, rtol=1e-6)
        error = np.sqrt(share * (1.0 - share) / 300)
        np.testing.assert_allclose(model.standard_errors_[f"probs_{m}"], error, rtol=1e-5)
    model = NaturalMLE("multi_bernoulli").fit(np.minimum(y, 1.0))
    np.testing.assert_allclose(model.params_["prob"], np.minimum(y, 1.0).mean(axis=0), rtol=1e-6)


def test_sizes_are_taken_from_data_or_checked():
    assert Categorical().bind(Memory(np.array([0.0, 4.0]))) == Categorical(5)
    assert Categorical(7).bind(Memory(np.array([0.0, 4.0]))) == Categorical(7)
    assert Categorical().bind(Memory(np.zeros(3))) == Categorical(2)
    y = np.array([[0, 1, 0], [3, 0, 0]])
    assert MultiCategorical().bind(Memory(y)) == MultiCategorical((4, 2, 2))
    assert MultiCategorical(np.array([4, 3, 2])).bind(Memory(y)).n_params == 6
    assert MultiBernoulli().bind(Memory(y)) == MultiBernoulli(3)
    for family in (Categorical(), MultiCategorical(), MultiBernoulli()):
        with pytest.raises(ValueError, match=r"no parameters before .* bind\(y\)"):
            family.n_params  # noqa: B018
    for call in (
        lambda: Categorical(1).bind(Memory(y)),
        lambda: MultiCategorical((2, 1, 2)).bind(Memory(y)),
    ):
        with pytest.raises(ValueError, match=">= 2"):
            call()
    for family in (MultiCategorical((2, 2)), MultiBernoulli(2)):
        with pytest.raises(ValueError, match="must have 2 columns"):
            family.bind(Memory(y))
        with pytest.raises(ValueError, match=r"shape \(n, M\)"):
            family.bind(Memory(y[:, 0]))


def test_each_column_has_its_own_classes():
    family = MultiCategorical((2, 3))
    eta = np.zeros((1, 3))
    assert family.log_density(np.array([[1.0, 2.0], [2.0, 1.0]]), eta).tolist() == [
        pytest.approx(-np.log(6.0)),
        -np.inf,
    ]
    with pytest.raises(ValueError, match=r"0 <= y <= \[1 2\] .* got \[2. 1.\] at row 1"):
        family.check(Memory(np.array([[1.0, 2.0], [2.0, 1.0]])))


def test_columns_are_independent():
    eta = _rng(9).normal(size=(30, 3))
    family, parts = MultiCategorical((2, 3)), (Categorical(2), Categorical(3))
    y = family.sample(eta, _rng(10))
    shares = (eta[:, :1], eta[:, 1:])
    logs = [p.log_prob(y[:, m], e) for m, (p, e) in enumerate(zip(parts, shares, strict=True))]
    np.testing.assert_allclose(family.log_prob(y, eta), sum(logs), rtol=1e-12)
    fisher = family.fisher(eta)
    np.testing.assert_array_equal(fisher[:, 0, 1:], 0.0)
    binary = MultiBernoulli(3)
    y = binary.sample(eta, _rng(11))
    want = stats.bernoulli.logpmf(y, special.expit(eta)).sum(axis=1)
    np.testing.assert_allclose(binary.log_prob(y, eta), want, rtol=1e-10)

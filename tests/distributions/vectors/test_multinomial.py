"""Vectors of counts: totals, weights, categories that never occur, bad counts."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from natfit import NaturalMLE
from natfit.distributions import Multinomial
from natfit.rows import Memory
from tests.cases import Case

CASE = Case(
    data=np.random.default_rng(1).multinomial(5 + np.arange(200) % 9, [0.2, 0.5, 0.3]) * 1.0,
    optimum=lambda y: y.sum(axis=0) / y.sum(),
)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", ["multinomial", "dirichlet_multinomial"])
def test_categories_that_never_occur(name):
    y = np.column_stack([rng().multinomial(9, [0.3, 0.7], 40) * 1.0, np.zeros(40)])
    with pytest.warns(ConvergenceWarning, match="never occur"):
        model = NaturalMLE(name).fit(y)
    assert model.status_ == "boundary"
    assert "[2] never occur" in model.message_
    assert 0.0 < model.params_["probs"][2] < 1e-6


@pytest.mark.parametrize(
    ("name", "y", "words"),
    [
        ("multinomial", np.zeros((5, 3)), "count above zero"),
        ("dirichlet_multinomial", np.zeros((5, 3)), "count above zero"),
        ("dirichlet_multinomial", np.eye(3), "two counts or more"),
        ("multinomial", np.array([[1.0, 2.0], [0.5, 1.0]]), "whole numbers"),
        ("dirichlet_multinomial", np.array([[1.0, 2.0], [-1.0, 1.0]]), "Negative values"),
        ("dirichlet_multinomial", np.array([[1.0, 2.0], [np.nan, 1.0]]), "NaN"),
        ("multinomial", np.ones((5, 1)), "number of columns"),
    ],
)
def test_counts_that_cannot_be_used(name, y, words):
    with pytest.raises(ValueError, match=words):
        NaturalMLE(name).fit(y)


def test_totals():
    y = np.array([[1.0, 2.0], [3.0, 0.0]])
    assert Multinomial().bind(Memory(y)).totals == 3
    varied = Multinomial().bind(Memory(np.array([[1.0, 2.0], [3.0, 4.0]])))
    assert set(varied.totals) == {3, 7}
    draws = varied.sample(np.zeros((1, 1)), rng(), 500)
    assert set(draws.sum(axis=1)) == {3.0, 7.0}
    assert Multinomial(totals=5).bind(Memory(y)).totals == 5
    with pytest.raises(ValueError, match="needs the totals"):
        Multinomial(2).fisher(np.zeros((1, 1)))
    with pytest.raises(ValueError, match="before its dimension is known"):
        Multinomial().n_params  # noqa: B018
    with pytest.raises(ValueError, match="differ in their totals"):
        varied.counterpart(np.zeros(1))


def test_weighted_counts_have_their_own_information():
    """Totals that differ: the information is that of the weighted data, not of ``totals``."""
    y, weight = np.array([[1.0, 2.0], [30.0, 50.0]]), np.array([100.0, 1.0])
    model = NaturalMLE("multinomial").fit(y, sample_weight=weight)
    count = weight @ y
    p = count[0] / count.sum()
    want = np.sqrt(p * (1 - p) / count.sum())
    assert model.standard_errors_["probs"][0] == pytest.approx(want, rel=1e-5)

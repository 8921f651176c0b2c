"""Families whose number of columns the data tell: what they say before they know it, and what they keep."""

from __future__ import annotations

import numpy as np
import pytest

from natfit.distributions import (
    Dirichlet,
    DirichletMultinomial,
    MultiBernoulli,
    Multinomial,
    MultivariateNormal,
    MultivariateT,
)
from natfit.rows import Memory

DIMENSION = (
    "no parameters before its dimension is known; call bind(y) with data (n, D), or pass dim=D"
)
COUNTS = (
    "no parameters before its dimension is known; call bind(y) with counts (n, D), or pass dim=D"
)
COLUMNS = "no parameters before its number of columns is known; call bind(y) with data (n, M), or pass dim=M"


@pytest.mark.parametrize(
    ("family", "words"),
    [
        (Dirichlet(), DIMENSION),
        (MultivariateNormal(), DIMENSION),
        (MultivariateT(), DIMENSION),
        (MultiBernoulli(), COLUMNS),
        (Multinomial(), COUNTS),
        (DirichletMultinomial(), COUNTS),
    ],
)
def test_a_family_without_columns_says_how_to_give_them(family, words):
    assert family.event_shape == (None,)
    with pytest.raises(ValueError) as error:
        _ = family.params
    assert str(error.value) == f"{type(family).__name__} has {words}"


@pytest.mark.parametrize(
    ("family", "bound"),
    [
        (MultivariateNormal("diag"), MultivariateNormal("diag", 3)),
        (Multinomial(totals=(2, 5)), Multinomial(3, (2, 5))),
        (Multinomial(dim=3), Multinomial(3, 6)),
        (MultivariateT(), MultivariateT(3)),
    ],
)
def test_binding_changes_only_what_the_data_tell(family, bound):
    assert family.bind(Memory(np.full((4, 3), 2.0))) == bound


def test_a_family_that_knows_its_columns_is_bound_as_it_is():
    family = MultivariateT(2)
    assert family.bind(Memory(np.zeros((4, 2)))) is family


def test_a_family_of_shares_needs_two_columns():
    with pytest.raises(
        ValueError, match="the number of columns of y must be >= 2, got 1; try an array"
    ):
        Dirichlet().bind(Memory(np.ones((4, 1))))

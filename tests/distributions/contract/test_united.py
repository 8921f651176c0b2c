"""Families bound to parts of the rows, as one bound to all of them."""

import numpy as np
import pytest

from natfit._component import registered
from natfit.distributions import (
    BinomialRows,
    Categorical,
    DirichletMultinomial,
    Gamma,
    Mixture,
    Multinomial,
    Normal,
    Pareto,
    ZeroInflated,
)
from natfit.distributions.base import Distribution
from natfit.distributions.contract.united import represents, united
from natfit.rows import Memory


@pytest.mark.parametrize("name, family", list(registered(Distribution)))
def test_a_family_is_united_with_itself(name, family):
    assert united(family, 3.0, family, 2.0) is family
    assert united(family, 3.0, type(family)(**family.get_params(deep=False)), 2.0) is family


@pytest.mark.parametrize("kind", [BinomialRows, Multinomial, DirichletMultinomial])
def test_totals_of_parts_are_shared_by_their_weights(kind):
    few = kind().bind(Memory(np.array([[2.0, 3.0], [1.0, 4.0]])))
    many = kind().bind(Memory(np.array([[20.0, 30.0], [10.0, 40.0]])))
    both = united(few, 3.0, many, 1.0)
    assert both.totals == (5,) * 12 + (50,) * 4
    assert represents(both) and represents(Mixture((both, both)))
    assert not represents(Normal()) and not represents(Mixture("poisson", 2))
    inside = united(Mixture((few, few)), 1.0, Mixture((many, many)), 1.0)
    assert [part.totals for part in inside.parts] == [(5,) * 8 + (50,) * 8] * 2
    again = united(both, 1e6, few, 1e-3)
    assert again.totals.count(50) == 4


def test_other_families_are_not_united():
    pairs = [
        (Normal(), Gamma()),
        (Categorical(3), Categorical(4)),
        (Pareto(least=1.0), Pareto(least=2.0)),
        (Multinomial(dim=2, totals=3), Multinomial(dim=3, totals=3)),
        (ZeroInflated("poisson"), ZeroInflated("geometric")),
    ]
    for one, two in pairs:
        assert united(one, 1.0, two, 1.0) is None

"""The table of families inside others: each smaller one is never more likely than the larger."""

import numpy as np
import pytest

from natfit._component import component_class
from natfit.distributions import (
    Gamma,
    Hurdle,
    Mixture,
    NegativeBinomial,
    Normal,
    Poisson,
    Shifted,
    StudentT,
    Truncated,
    Weibull,
    ZeroInflated,
)
from natfit.distributions.base import Distribution
from natfit.inference import nested
from natfit.inference.nested import nesting
from natfit.inference.null import Null
from natfit.testing.data import some_rows
from tests.fits import fitted

RNG = np.random.default_rng(0)

PAIRS = [
    (larger, smaller, names)
    for larger, found in nested._AT_AN_END.items()
    for smaller, names in found.items()
]
PAIRS += [(larger, smaller, ()) for larger, found in nested._INSIDE.items() for smaller in found]
VECTORS = ("multivariate_t", "dirichlet_multinomial")


def example(name):
    return component_class(name, Distribution).examples()[0]


@pytest.mark.parametrize(("larger", "smaller", "names"), PAIRS, ids=lambda p: str(p))
def test_the_smaller_family_is_inside(larger, smaller, names):
    big, small = example(larger), example(smaller)
    found = nesting(big, small)
    assert found.known and found.bounded == names
    if names and larger not in VECTORS:
        (name,) = names
        side = 0 if (name, "lower") in big.limit_meaning and larger not in REVERSED else 1
        null = Null.of(big, {name: big.params[name].native_bounds[side]})
        assert len(null.bounded) == 1
    if big.event_shape != () or larger in TRIALS:
        return
    for seed in (1, 2):
        y = some_rows(small, np.clip(0.3, *small.limits[:2]), 300, seed)
        fits = [fitted(family, y) for family in (big, small)]
        assert fits[0].loglik_ >= fits[1].loglik_ - 1e-5


#: Families whose limit with the smaller family is the upper one, beside a lower limit.
REVERSED = ("beta_binomial", "burr12", "gompertz", "lomax")

#: Families with a number of trials, which the examples of both do not share.
TRIALS = ("beta_binomial",)


def test_wrappers():
    assert nesting(ZeroInflated("poisson"), Poisson()) == nested.Nesting(True, ("zero_prob",))
    assert nesting(Hurdle("poisson"), Poisson()) == nested.Nesting(True)
    assert nesting(Shifted("gamma"), Gamma()) == nested.Nesting(True)
    both = nesting(ZeroInflated("negative_binomial"), Poisson())
    assert both == nested.Nesting(True, ("zero_prob", "n"))
    inside = nesting(ZeroInflated("negative_binomial"), ZeroInflated("poisson"))
    assert inside == nested.Nesting(True, ("n",))
    window = Truncated("student_t", 0.0, 3.0), Truncated("normal", 0.0, 3.0)
    assert nesting(*window) == nested.Nesting(True, ("df",))
    for other in (Truncated("normal", 0.0, 4.0), Normal()):
        with pytest.raises(ValueError, match="in the same window"):
            nesting(window[0], other)
    assert nested.title(window[0]) == "StudentT"
    assert nesting(Normal(), Normal()) == nested.Nesting(True)
    assert not nesting(Weibull(), Gamma()).known
    assert not nesting(NegativeBinomial(), Normal()).known


def test_mixtures():
    two = Mixture("normal", n_components=2)
    assert nesting(two, Mixture("normal", n_components=2)).known
    for other in (Normal(), Mixture("normal", n_components=3), StudentT()):
        with pytest.raises(ValueError, match="not identified"):
            nesting(two, other)

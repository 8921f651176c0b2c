"""Hypotheses: values by name, and the ends of ranges."""

import numpy as np
import pytest

from natfit.distributions import (
    Bounded,
    Fixed,
    Gamma,
    Gev,
    MultivariateNormal,
    NegativeBinomial,
    Normal,
    StudentT,
    Uniform,
    ZeroInflated,
)
from natfit.inference.null import Null


def test_values_inside():
    null = Null.of(Normal(), {"scale": 2.0, "loc": 1})
    assert null.tested.tolist() == [1, 0] and null.words == "scale = 2, loc = 1"
    np.testing.assert_allclose(null.eta, [np.log(2.0), 1.0])
    assert not len(null.bounded)


def test_blocks():
    null = Null.of(MultivariateNormal(dim=2), {"covariance": np.eye(2)})
    assert len(null.tested) == 3 and null.words == "covariance = [[1.0, 0.0], [0.0, 1.0]]"


@pytest.mark.parametrize(
    ("family", "name", "end", "sign"),
    [
        (StudentT(), "df", np.inf, 1.0),
        (NegativeBinomial(), "n", np.inf, 1.0),
        (ZeroInflated("poisson"), "zero_prob", 0.0, 1.0),
        (Bounded("gamma", {"shape": (1.0, None)}), "shape", 1.0, 1.0),
        (Bounded("gamma", {"shape": (None, 1.0)}), "shape", 1.0, -1.0),
    ],
)
def test_ends_of_ranges(family, name, end, sign):
    null = Null.of(family, {name: end})
    assert null.bounded.tolist() == [0] and null.inward.tolist() == [sign]
    low, high, _ = family.limits
    assert null.eta[0] == (low if sign > 0 else high)[null.tested[0]]
    # A step into the range changes the density; the value itself is that of the simpler family.
    assert family.params[name].valid(null.values[name])


@pytest.mark.parametrize(
    ("family", "null", "words"),
    [
        (Gamma(), {"scale": 0.0}, "its end 0"),
        (Gamma(), {"scale": np.inf}, "must be Positive"),
        (StudentT(), {"df": 0.0}, "its end 0"),
        (ZeroInflated("poisson"), {"zero_prob": 1.0}, "its end 1"),
        (ZeroInflated("poisson"), {"zero_prob": -0.1}, "must be Share"),
        (Gev(), {"shape": -1.0}, "no maximum"),
        (Uniform(), {"low": 0.0}, "an end of the support"),
        (Normal(), {"loc": np.inf}, "must be"),
        (Fixed("gamma", {"shape": 1.0}), {"shape": 1.0}, "must name some"),
    ],
)
def test_values_that_are_refused(family, null, words):
    with pytest.raises(ValueError, match=words):
        Null.of(family, null)


def test_rows_in_place_of_values_are_not_printed():
    for given, words in ((np.ones(400), r"ndarray of shape \(400,\)"), ([1.0], "list of length 1")):
        with pytest.raises(TypeError, match=f"got {words}; write"):
            Null.of(Normal(), given)

"""Wrappers nest, and refuse families that they cannot wrap."""

import numpy as np
import pytest

import natfit
from natfit.distributions import Scaled, Shifted, Truncated
from natfit.distributions.wrappers.fixed import Fixed

DAYS = [143, 164, 188, 188, 190, 192, 206, 209, 213, 216, 220, 227, 230, 234, 246, 265, 304]
DAYS = np.array([*DAYS, 216, 244], dtype=float)


@pytest.mark.parametrize(
    ("family", "words"),
    [
        (Shifted("normal"), "density on the positive numbers without a location"),
        (Shifted("exponential"), "loc is the least row"),
        (Shifted("poisson"), "needs a univariate density"),
        (Scaled("beta"), "support without an upper end"),
        (Truncated("categorical"), "univariate family with a distribution function"),
        (Truncated("gamma", -3.0, -1.0), "overlap the support of Gamma"),
        (Truncated("gamma", 3.0, 1.0), "low < high"),
    ],
)
def test_families_that_cannot_be_wrapped(family, words):
    with pytest.raises(ValueError, match=words):
        natfit.fit(family, DAYS)


def test_fixed_inside_another_wrapper():
    """Wrappers nest: a truncated gamma of known shape is a truncated gamma with shape fixed."""
    y = np.random.default_rng(0).gamma(2.0, 3.0, 300)
    y = y[y > 2]
    inside = natfit.fit(Truncated(Fixed("gamma", {"shape": 2.0}), 2.0), y, tol=1e-8)
    outside = natfit.fit("gamma", y, truncation=(2, None), fixed={"shape": 2.0}, tol=1e-8)
    assert inside.params_["scale"][0] == pytest.approx(outside.params_["scale"][0], rel=1e-7)

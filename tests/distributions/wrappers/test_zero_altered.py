"""Hurdles and extra zeros: shares at their bounds, what is wrapped."""

import numpy as np

from natfit.distributions import (
    Binomial,
    Hurdle,
    Poisson,
    ZeroInflated,
)
from tests.fits import fitted, native


def test_zero_shares_at_their_bounds():
    no_zeros = np.array([2.0, 3, 1, 4, 2, 1, 3, 2])
    model = fitted("zero_inflated", no_zeros)
    assert model.status_ == "boundary"
    assert "Poisson without extra zeros" in model.message_
    model = fitted("hurdle", no_zeros)
    assert model.status_ == "boundary"
    assert "cut off at zero" in model.message_
    model = fitted("hurdle", [0.0, 1, 1, 0, 1])
    assert model.status_ == "boundary"
    assert "all positive counts are 1" in model.message_


def test_wrapped_names_and_objects_agree():
    y = np.random.default_rng(3).poisson(2.0, 100).astype(float)
    by_name, by_object = fitted(Hurdle("poisson"), y), fitted(Hurdle(Poisson()), y)
    assert native(by_name) == native(by_object)
    assert fitted(ZeroInflated(Binomial(20)), y).distribution_.eta_names() == ["zero_prob", "prob"]

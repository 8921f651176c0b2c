"""Hurdles and extra zeros: shares at their bounds, what is wrapped."""

import mpmath as mp
import numpy as np
import pytest

from natfit.bijectors import Share
from natfit.distributions import (
    Binomial,
    Hurdle,
    Poisson,
    ZeroAdjusted,
    ZeroInflated,
)
from natfit.distributions.wrappers._zero_altered import log_share
from natfit.fitting.links import linked
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


@pytest.mark.parametrize("eta", [1e-15, 1e-8, 0.3, 0.999, 1.0, 3.0, 28.0, 100.0, 400.0, 700.0])
def test_derivatives_of_a_share_do_not_overflow(eta):
    """With a logit, coordinates lie far beyond the limits of a share that no feature drives."""
    share, at = Share(), np.array([eta])
    with mp.workdps(700):
        sinh, cosh = mp.sinh(eta), mp.cosh(eta)
        one = 1 + sinh
        wanted = {
            share._forward: sinh / one,
            share.first: cosh / one**2,
            share.second: sinh / one**2 - 2 * cosh**2 / one**3,
            share.rate: cosh / one,
            lambda x: log_share(x[:, None])[0]: mp.log(sinh / one),
            lambda x: log_share(x[:, None])[1]: -mp.log(one),
        }
        for function, value in wanted.items():
            assert function(at)[0] == pytest.approx(float(value), rel=1e-12, abs=0.0)


@pytest.mark.parametrize("family", [ZeroInflated(), Hurdle(), ZeroAdjusted("gamma")])
@pytest.mark.parametrize("far", [-300.0, 300.0, 800.0])
def test_shares_with_a_logit_are_numbers_however_far(family, far):
    """Rows of zero and others: the score of the logit is between -1 and 1, as for Bernoulli."""
    y = np.array([0.0, 2.0])
    name = "zero_prob"
    family = linked(family, {name: "logit"}, [name])
    eta = np.zeros((2, family.n_params))
    eta[:, family.blocks[name]] = far
    value, score = family.log_prob_and_score(y, eta)
    assert np.isfinite(score).all()

"""Families with a unit: it is found, or not identified."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.distributions import Scaled
from tests.cases import Case
from tests.oracles import gamma_mle

CASE = Case(
    data=np.random.default_rng(4).gamma(2.5, 1.5, 200),
    optimum=lambda y: gamma_mle(y)[::-1],
)


def flat(values):
    return [float(np.squeeze(v)) for v in values.values()]


def test_scaled_finds_the_unit():
    """A gamma whose scale is one, in a free unit, is the gamma."""
    y = np.random.default_rng(0).gamma(2.0, 3.0, 300)
    plain = natfit.fit("gamma", y, tol=1e-8)
    scaled = natfit.fit(Scaled(), y, tol=1e-8)
    np.testing.assert_allclose(flat(scaled.params_), flat(plain.params_)[::-1], rtol=1e-6)
    errors = flat(plain.standard_errors_)[::-1]
    np.testing.assert_allclose(flat(scaled.standard_errors_), errors, rtol=1e-5)


def test_a_unit_that_is_there_already_is_not_identified():
    y = np.random.default_rng(0).gamma(2.0, 3.0, 300)
    with pytest.warns(ConvergenceWarning, match="do not determine unit, scale"):
        model = natfit.fit(Scaled("gamma"), y)
    assert model.status_ == "singular"
    assert np.isinf(flat(model.standard_errors_)).tolist() == [True, False, True]

"""Starts of which users name some of the parameters: the others are the family's own."""

import warnings

import pytest
from sklearn.exceptions import ConvergenceWarning

from natfit import NaturalMLE
from natfit._component import available
from natfit.distributions.base import Distribution
from tests.cases import case


def quiet(family, rows, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return NaturalMLE(family, **options).fit(rows)


@pytest.mark.parametrize("name", available(Distribution))
def test_one_parameter_alone_may_be_given(name):
    """From its estimate, no fit to every second row of a family's case claims a lower optimum."""
    rows = case(name).data[::2] if case(name).data.ndim == 1 else case(name).data
    rows = rows[:, None] if rows.ndim == 1 else rows
    best = quiet(case(name).family, rows)
    native = best.distribution_.native_dict(best._eta[0])
    for param in list(native)[:2]:
        again = quiet(case(name).family, rows, start_params={param: native[param]})
        lower = again.score(rows) < best.score(rows) - 1e-6
        assert not (lower and again.status_ in ("converged", "rounding_floor"))

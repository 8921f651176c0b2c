"""Data and options that a family cannot use are refused, with a remedy."""

import numpy as np
import pytest

import natfit
from natfit.distributions import (
    Bernoulli,
    Binomial,
    Exponential,
    Gamma,
    Hurdle,
    MultivariateNormal,
    Normal,
    Poisson,
    StudentT,
    ZeroInflated,
)
from natfit.rows import Memory

REFUSED = [
    ("beta", [0.2, 0.0, 0.7], r"0\.0 at row 1.*\(n - 1\) \+ 0\.5"),
    ("beta", [0.2, 0.4, 1.0], r"1\.0 at row 2"),
    ("beta", [0.2, 0.4, 1.5], r"1\.5 at row 2"),
    ("beta", [0.3, 0.3, 0.3], "must not be constant"),
    ("von_mises", [10.0, 350.0, 5.0], "deg2rad"),
    ("von_mises", [1.0, 1.0, 1.0], "must spread"),
    ("von_mises", [1.0, 1.0 + 1e-7], "use 'normal'"),
    ("negative_binomial", [0.0, 0.0], "use 'poisson'"),
    ("negative_binomial", [1.0, 2.5], "whole numbers"),
    ("negative_binomial", [1.0, -2.0], "Negative values"),
    ("negative_binomial", [1.0, 1e6 + 0.5], "whole numbers"),
    ("negative_binomial", [1.0, np.nan], "NaN at row 1|row 1"),
    ("zero_inflated", [0.0, 0.0], "use 'bernoulli'"),
    ("hurdle", [0.0, 0.0], "use 'bernoulli'"),
    (Binomial(3), [0.0, 4.0], "4.0 at row 1"),
    ("binomial", [0.0, 4.0], r"Binomial\(n=10\)"),
    (Binomial(0), [0.0, 1.0], "n must be"),
    (ZeroInflated("gamma"), [0.0, 1.0], "family of counts"),
    (Hurdle(ZeroInflated()), [0.0, 1.0], "family of counts"),
    (ZeroInflated("binomial"), [0.0, 1.0], r"Binomial\(n=10\)"),
    (ZeroInflated(Binomial(3)), [0.0, 4.0], "4.0 at row 1"),
]


@pytest.mark.parametrize(("family", "y", "words"), REFUSED, ids=str)
def test_data_and_options_are_refused_with_a_remedy(family, y, words):
    with pytest.raises(ValueError, match=words):
        natfit.fit(family, np.array(y))


@pytest.mark.parametrize(
    ("family", "bad", "rule"),
    [
        (Gamma(), [1.0, 2.0, 0.0], ">"),
        (Gamma(), [1.0, -3.5], ">"),
        (Exponential(), [0.0, -1e-9], ">="),
        (Poisson(), [1.0, 2.5], "whole numbers"),
        (Poisson(), [-1.0], "whole numbers"),
        (Bernoulli(), [0.0, 1.0, 2.0], "whole numbers"),
        (Bernoulli(), [0.5], "whole numbers"),
    ],
)
def test_rows_outside_the_support_are_named(family, bad, rule):
    with pytest.raises(ValueError) as error:
        family.check(Memory(np.array(bad)))
    message = str(error.value)
    row = len(bad) - 1
    assert rule in message
    assert f"{bad[-1]}" in message
    assert f"row {row}" in message


@pytest.mark.parametrize(
    ("family", "y"),
    [
        (Normal(), np.full(5, 3.0)),
        (Gamma(), np.full(5, 3.0)),
        (StudentT(), np.full(5, 3.0)),
        (Exponential(), np.zeros(5)),
        (MultivariateNormal(dim=2), np.column_stack([np.arange(5.0), np.ones(5)])),
    ],
)
def test_data_without_a_maximum_are_refused(family, y):
    with pytest.raises(ValueError, match="likelihood"):
        family.check_degenerate(Memory(y), family.sufficient(Memory(y)))

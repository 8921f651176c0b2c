"""A log-density whose integral is not one is said to be so, and does not win a comparison."""

import autograd.numpy as anp
import numpy as np
import pytest

import natfit
from natfit.distributions import Mixture, Positive, Real, ZeroAdjusted, from_log_prob

NORMAL = {"loc": Real(), "s": Positive()}
X = np.random.default_rng(0).normal(3.0, 2.0, 200)
COUNTS = np.random.default_rng(1).poisson(4.0, 200).astype(float)


def forgotten(y, loc, s):
    return -0.5 * ((y - loc) / s) ** 2 - anp.log(s)


def whole(y, loc, s):
    return forgotten(y, loc, s) - 0.5 * np.log(2.0 * np.pi)


def a_third(y, mu):
    # Poisson's terms that hold y! are in another function, which is constant.
    return y * anp.log(0.5) + 0.0 * mu + np.log(1.5)


def test_a_forgotten_constant_is_named_and_leaves_estimates():
    family = from_log_prob(forgotten, NORMAL, support="real")
    with pytest.warns(UserWarning, match=r"forgotten integrates to 2.50663 instead of 1 .* add"):
        model = natfit.fit(family, X)
    assert model.params_["loc"][0] == pytest.approx(X.mean(), abs=1e-4)


@pytest.mark.parametrize("support", ["real", None])
def test_nothing_is_said_of_a_density_or_without_a_support(support):
    function = forgotten if support is None else whole
    family = from_log_prob(function, NORMAL, support=support)
    assert natfit.fit(family, X, metric="observed").status_.good


def test_the_sum_over_whole_numbers_is_asked():
    # sum over y of 1.5 / 2^y is 3.
    family = from_log_prob(a_third, {"mu": Positive()}, support="counts")
    assert "a_third sums to 3 instead of 1" in family.unnormalised(np.zeros(1))


def test_wrappers_pass_it_on():
    family = from_log_prob(forgotten, NORMAL, support="real")
    words = "forgotten integrates to 2.50663"
    with pytest.warns(UserWarning, match=words):
        natfit.fit(family, X, fixed={"loc": 3.0})
    mixture = Mixture([family, "normal"])
    assert words in mixture.unnormalised(np.zeros(mixture.n_params))
    positive = from_log_prob(lambda y, r: -r * y, {"r": Positive()}, support="positive", name="r")
    assert "r integrates to 1" not in (positive.unnormalised(np.zeros(1)) or "")
    adjusted = ZeroAdjusted(positive)
    assert "r integrates to 0.5" in adjusted.unnormalised(np.array([0.3, np.log(2.0)]))


def test_it_ranks_below_densities():
    family = from_log_prob(forgotten, NORMAL, support="real")
    table = natfit.compare(X, {"bad": family, "good": "normal"})
    assert [row["name"] for row in table.table] == ["good", "bad"]
    assert table.table[1]["mark"] == "unnormalised"
    assert "bad has the lowest AIC" in str(table)


@pytest.mark.parametrize("unit", [1.0, 1000.0])
def test_a_probability_at_zero_is_another_kind_than_densities(unit):
    y = np.append(np.zeros(20), np.random.default_rng(2).gamma(2.0, 3.0, 180)) * unit
    table = natfit.compare(y, ["half_normal", ZeroAdjusted("gamma"), "exponential"])
    assert list(table.models) == list(natfit.compare(y, ["half_normal", "exponential"]).models)
    (failed,) = [row for row in table.table if row["status"] == "failed"]
    assert "values with a probability" in failed["note"]


def test_a_probability_at_zero_that_no_row_has_is_compared():
    y = np.random.default_rng(3).gamma(2.0, 3.0, 100)
    table = natfit.compare(y, ["gamma", ZeroAdjusted("gamma")])
    assert len(table.models) == 2

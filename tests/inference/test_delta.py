"""The delta method against closed forms, and the scales of intervals by hand."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit

from natfit.distributions import Categorical, MultivariateNormal, Normal, Weibull
from natfit.inference import delta

Z = stats.norm.ppf(0.975)


def ends(value, error, **options):
    low, high = delta.ends(np.array([value]), np.array([error]), 0.95, **options)
    return low[0], high[0]


def test_scales_by_hand():
    assert ends(3.0, 0.5) == pytest.approx((3 - 0.5 * Z, 3 + 0.5 * Z))
    want = 3.0 * np.exp([-0.5 / 3 * Z, 0.5 / 3 * Z])
    assert ends(3.0, 0.5, low=0.0) == pytest.approx(tuple(want))
    assert ends(3.0, 0.5, scale="log") == pytest.approx(tuple(want))
    half = 0.1 / (0.9 * 0.1) * Z
    want = expit([logit(0.9) - half, logit(0.9) + half])
    assert ends(0.9, 0.1, low=0.0, high=1.0) == pytest.approx(tuple(want))
    assert ends(0.9, 0.1, scale="logit") == pytest.approx(tuple(want))
    # log(-log p), whose derivative is 1 / (p log p).
    u, half = np.log(-np.log(0.9)), 0.1 / (0.9 * -np.log(0.9)) * Z
    want = np.exp(-np.exp([u + half, u - half]))
    assert ends(0.9, 0.1, scale="cloglog") == pytest.approx(tuple(want))
    # Below 2: the logarithm of the distance to it.
    want = 2.0 - 3.0 * np.exp([0.5 / 3 * Z, -0.5 / 3 * Z])
    assert ends(-1.0, 0.5, high=2.0) == pytest.approx(tuple(want))


def test_infinite_and_zero_errors():
    assert ends(0.4, np.inf, low=0.0, high=1.0) == (0.0, 1.0)
    assert ends(0.4, np.inf) == (-np.inf, np.inf)
    assert ends(0.4, 0.0, low=0.0) == (0.4, 0.4)


def test_a_value_at_the_end_of_its_range():
    low, high = ends(1.0, 0.1, low=0.0, high=1.0)
    assert (low, high) == pytest.approx((1.0 - 0.1 * Z, 1.0))


@pytest.mark.parametrize("value", [1e-300, 1e-9, 0.5, 1.0 - 1e-9])
@pytest.mark.parametrize("error", [1e-6, 0.3, 1e6])
def test_ends_stay_in_the_range(value, error):
    for options in ({"low": 0.0, "high": 1.0}, {"low": 0.0}, {"high": 1.0}, {"scale": "cloglog"}):
        low, high = ends(value, error, **options)
        assert options.get("low", -np.inf) <= low <= value <= high <= options.get("high", np.inf)


@pytest.mark.parametrize("scale", ["log", "logit", "cloglog"])
def test_a_value_outside_a_named_scale(scale):
    with pytest.raises(ValueError, match=f"scale='{scale}' is for values inside"):
        ends(-0.5, 0.1, scale=scale)


@pytest.mark.parametrize(
    ("level", "error", "words"),
    [
        (95, ValueError, "got 95; try 0.95"),
        (0.0, ValueError, "> 0 and < 1"),
        (1.0, ValueError, "> 0 and < 1"),
        (-0.5, ValueError, "> 0 and < 1"),
        (np.nan, ValueError, "level must be"),
        ("0.95", TypeError, "level must be a number"),
        (True, TypeError, "level must be a number"),
    ],
)
def test_levels(level, error, words):
    with pytest.raises(error, match=words):
        delta.check_level(level)


def test_standard_errors_with_coordinates_that_are_not_determined():
    slopes = np.array([[1.0, 0.0, 2.0], [1.0, 1e-12, 2.0], [0.0, 3.0, 0.0]])
    matrix = np.diag([4.0, np.inf, 0.25])
    found = delta.standard_errors(slopes, matrix)
    assert found[:2] == pytest.approx(np.sqrt(5.0))
    assert found[2] == np.inf
    (note,) = delta.lost_notes(slopes, matrix, ["a", "b", "c"])
    assert "depends on b, which" in note
    assert "identifiability()" in note
    assert delta.lost_notes(slopes[:2], matrix, ["a", "b", "c"]) == ()


def test_parameters_by_hand():
    family = Normal()
    eta = family.eta(loc=3.0, scale=2.0)
    matrix = np.diag([0.04, 0.01])
    found = delta.parameter_intervals(family, eta, matrix, 0.95)
    np.testing.assert_allclose(found["loc"], [3 - 0.2 * Z, 3 + 0.2 * Z])
    np.testing.assert_allclose(found["scale"], 2.0 * np.exp([-0.1 * Z, 0.1 * Z]))
    lost = delta.parameter_intervals(Weibull(), np.zeros(2), np.diag([np.inf, 0.0]), 0.95)
    np.testing.assert_array_equal(lost["shape"], [0.0, np.inf])
    np.testing.assert_array_equal(lost["scale"], [1.0, 1.0])


def test_shares_and_matrices():
    family = Categorical(3)
    p = np.array([0.2, 0.3, 0.5])
    # The multinomial covariance of shares from 100 rows, in log odds against the last one.
    free = (np.diag(1.0 / p[:2]) + 1.0 / p[2]) / 100.0
    found = delta.parameter_intervals(family, family.eta(probs=p), free, 0.95)["probs"]
    half = Z / np.sqrt(100.0 * p * (1 - p))
    want = expit(logit(p)[:, None] + np.stack([-half, half], axis=-1))
    np.testing.assert_allclose(found, want, rtol=1e-10)

    family = MultivariateNormal("full").bind(_rows(2))
    eta = family.eta(loc=[0.0, 0.0], covariance=[[2.0, 0.9], [0.9, 1.0]])
    found = delta.parameter_intervals(family, eta, 100.0 * np.eye(5), 0.95)["covariance"]
    assert found.shape == (2, 2, 2)
    np.testing.assert_array_equal(found[0, 1], found[1, 0])
    assert np.all(found[[0, 1], [0, 1], 0] > 0)
    assert found[0, 1, 0] < 0 < found[0, 1, 1]


def _rows(d):
    from natfit.rows import Memory

    return Memory(np.zeros((5, d)))


@pytest.mark.parametrize("ends_", [(-np.inf, np.inf), (0.0, np.inf), (-np.inf, 2.0), (-1.0, 2.0)])
def test_places_on_the_line(ends_):
    low, high = ends_
    for value in (0.3, 1.7):
        place, slope = delta.to_line(value, low, high)
        assert delta.from_line(place, low, high) == pytest.approx(value, rel=1e-12)
        step = 1e-5
        near = [delta.to_line(value + s, low, high)[0] for s in (step, -step)]
        assert slope == pytest.approx((near[0] - near[1]) / (2 * step), rel=1e-6)
    assert delta.from_line(-np.inf, low, high) == low
    assert delta.from_line(np.inf, low, high) == high

"""Fits that go on while an estimate rests at a limit: near the fit, with its likelihood."""

import numpy as np
import pytest
from estimator_data import quiet
from numpy.testing import assert_allclose

from natfit import NaturalMLE
from natfit.fitting.resting import near_limits, rested


def rice(seed, n):
    """Lengths of normal vectors about zero: the signal of a Rice distribution is none."""
    rng = np.random.default_rng(seed)
    return np.abs(rng.normal(size=(n, 1)) + 1j * rng.normal(size=(n, 1)))


def normal(seed, n):
    return np.random.default_rng(seed).normal(size=(n, 1))


@pytest.mark.parametrize(
    ("name", "draw", "seeds", "first", "size"),
    [
        ("exponentially_modified_normal", normal, (2, 3), 2500, 500),
        ("rice", rice, (1, 3), 2500, 50),
        ("rice", rice, (2, 4, 5), 1000, 200),
        ("student_t", normal, (5,), 1000, 250),
        ("skew_normal", normal, (5,), 1000, 250),
    ],
)
def test_what_rests_at_a_limit_goes_on_beside_the_fit(name, draw, seeds, first, size):
    for seed in seeds:
        y = draw(seed, 10_000)
        found = NaturalMLE(name)
        with quiet():
            found.partial_fit(y[:first])
            for k in range(first, len(y), size):
                found.partial_fit(y[k : k + size])
            want = NaturalMLE(name).fit(y)
        assert found.loglik_ == pytest.approx(want.loglik_, abs=1.0), seed
        assert len(y) * found.score(y) == pytest.approx(want.loglik_, abs=0.6), seed
        for key, error in want.standard_errors_.items():
            if np.isfinite(error).all() and key != "shape":
                assert np.all(np.abs(found.params_[key] - want.params_[key]) < 0.5 * error), key
        assert np.linalg.eigvalsh(found._information[0].matrix).min() >= 0.0


def test_a_fit_goes_on_from_a_limit():
    y = rice(1, 6000)
    with quiet():
        want = NaturalMLE("rice").fit(y)
        found = NaturalMLE("rice").fit(y[:3000])
        for k in range(3000, 6000, 100):
            found.partial_fit(y[k : k + 100])
    assert found.loglik_ == pytest.approx(want.loglik_, abs=0.5)
    assert_allclose(found.params_["rms"], want.params_["rms"], rtol=1e-3)


def test_fits_that_rest_at_a_limit_merge_to_the_fit_of_all_rows():
    for seed in (3, 7, 15, 16):
        y = rice(seed, 2000)
        with quiet():
            want = NaturalMLE("rice").fit(y)
            one, two = (NaturalMLE("rice").fit(part) for part in (y[:1000], y[1000:]))
            apart = one.loglik_ + two.loglik_
            one.merge(two)
        assert one.loglik_ == pytest.approx(want.loglik_, abs=0.6)
        assert one.loglik_ <= apart + 1e-9
        assert one.merge_loss_ >= 0.0 and 0.0 <= one.merge_p_value_ <= 1.0


def test_the_secant_at_a_limit_is_the_parabola_inside():
    """Whatever the second derivative is at the limit itself."""
    ends = np.array([-np.inf, 0.0]), np.array([np.inf, 5.0])

    def value(theta):
        return 2.0 * theta[0] ** 2 + 3.0 * theta[1] + 4.0 * theta[1] ** 2

    theta, wrong = np.array([0.0, 0.0]), np.array([[4.0, 1.0], [1.0, -1e9]])
    slope, matrix = rested(value, theta, np.array([0.0, 7.0]), wrong, ends, (1,))
    assert_allclose(slope, [0.0, 3.0], rtol=1e-9)
    assert_allclose(matrix, np.diag([4.0, 8.0]), rtol=1e-9, atol=1e-9)
    assert near_limits(theta, wrong, ends) == [(1, 1)]
    assert near_limits(np.array([0.0, 4.9]), np.eye(2), ends) == [(1, -1)]


@pytest.mark.parametrize("curvature", [np.inf, np.nan, 0.0, -1.0, 1e-320, 1e308])
def test_what_is_near_a_limit_is_known_where_the_curvature_overflows(curvature):
    ends, matrix = (np.array([0.0]), np.array([5.0])), np.array([[curvature]])
    assert near_limits(np.array([0.0]), matrix, ends) == [(0, 1)]
    assert near_limits(np.array([5.0]), matrix, ends) == [(0, -1)]
    far = near_limits(np.array([2.0]), matrix, ends)
    assert far == ([] if curvature > 1 else [(0, 1)])


def uniform(seed, n):
    return np.random.default_rng(seed).uniform(size=(n, 1))


LIMITS = {"exponentially_modified_normal": normal, "rice": rice, "student_t": uniform}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("held", [1_000, 100_000])
def test_an_estimate_at_a_limit_stays_near_that_of_all_rows(name, held, monkeypatch):
    monkeypatch.setattr("natfit.estimators._partial.HELD", held)
    y = LIMITS[name](2, 8_000)
    whole = NaturalMLE(name).fit(y)
    went = NaturalMLE(name).partial_fit(y[:2_500])
    for start in range(2_500, len(y), 500):
        went.partial_fit(y[start : start + 500])
    assert abs(went.loglik_ - whole.loglik_) < 2.0
    assert abs(went.score(y) * len(y) - whole.loglik_) < 2.0

"""The half-normal limit of the skew-normal family under limits, known values, windows, censoring."""

import warnings

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.distributions import Truncated
from tests.fits import fitted, native


def _best(value):
    """The highest value of a function of log scale, by scipy."""
    found = optimize.minimize_scalar(
        lambda log: -value(np.exp(log)),
        bounds=(-6.0, 6.0),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return -float(found.fun)


def _rows():
    return np.abs(np.random.default_rng(0).normal(size=30))


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(
    ("name", "low", "high"), [("mean", 1.0, None), ("sd", None, 0.4), ("sd", 1.0, None)]
)
def test_a_limited_moment_leads_to_the_half_normal_that_has_it(sign, name, low, high):
    """With loc at the smallest row the moment alone gives the scale, in closed form."""
    y = _rows()
    moment = low if high is None else high
    root = np.sqrt(2.0 / np.pi)
    scale = (moment - y.min()) / root if name == "mean" else moment / np.sqrt(1.0 - root**2)
    right = stats.halfnorm.logpdf(y, y.min(), scale).sum()
    bounds = (low, high)
    if name == "mean" and sign < 0:
        bounds = (None, -low)
    model = fitted("skew_normal", sign * y, bounds={name: bounds})
    assert model.status_ == "boundary"
    assert "half-normal" in model.message_
    assert model.score_samples(sign * y[:, None]).sum() == pytest.approx(right, abs=1e-6)
    known = fitted(
        "skew_normal", sign * y, fixed={name: sign * moment if name == "mean" else moment}
    )
    assert known.status_ == "boundary"
    assert known.score_samples(sign * y[:, None]).sum() == pytest.approx(right, abs=1e-6)


@pytest.mark.parametrize(
    ("exact", "cuts"),
    [
        ([1.2, -0.5, -0.2, 0.8, -0.1, 1.1, 0.3, -2, -1.7, -1, 2.3, -2.1], [1.4, 0, 1.3, -0.1]),
        ([-1.1, 0.4, -1.4, -2.1, -0.4, 0.7], [0.3] * 4),
        ([0.8, -1, -1.2, 0, -0.3, -1.5, -0.2], [0.3] * 4),
        ([0.1, 1.5, 1.5, -0.5, 2, -0.8, 0.5, 0.6, -0.5, -1.8, -0.8], [0.3] * 4),
    ],
)
def test_right_censored_rows_keep_the_half_normal_limit(exact, cuts):
    """The better of the two half-normals, with loc at the smallest or the largest exact row."""
    exact, cuts = np.array(exact, dtype=float), np.array(cuts, dtype=float)

    def rising(scale):
        at = {"loc": exact.min(), "scale": scale}
        return stats.halfnorm.logpdf(exact, **at).sum() + stats.halfnorm.logsf(cuts, **at).sum()

    def falling(scale):
        at = {"loc": 0.0, "scale": scale}
        beyond = stats.halfnorm.logcdf(exact.max() - cuts, **at).sum()
        return stats.halfnorm.logpdf(exact.max() - exact, **at).sum() + beyond

    right = max(_best(rising), _best(falling))
    rows = natfit.Censored.interval(np.r_[exact, cuts], np.r_[exact, np.full(len(cuts), np.inf)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = natfit.fit("skew_normal", rows)
    assert model.status_ == "boundary"
    assert "half-normal" in model.message_
    assert abs(native(model)["shape"]) > 1e8
    assert model.score_samples(rows).sum() == pytest.approx(right, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_in_a_window_the_half_normal_limit_is_compared(seed):
    """No fit in a window ends below the half-normal in the window with loc at an end row."""
    rng = np.random.default_rng(seed)
    y = np.r_[rng.exponential(3.0, 15), rng.normal(12.0, 2.0, 10)]
    high = y.max() + 1.0
    model = fitted(Truncated("skew_normal", None, high), y)

    def value(scale):
        law = stats.halfnorm(y.min(), scale)
        return law.logpdf(y).sum() - len(y) * law.logcdf(high)

    assert model.score_samples(y[:, None]).sum() > _best(value) - 1e-6

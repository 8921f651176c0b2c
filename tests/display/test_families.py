"""Plots of every registered univariate family: curves are those of its frozen distribution."""

import functools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from natfit._component import registered
from natfit.display import (
    DensityDisplay,
    InfluenceDisplay,
    ProbabilityPlotDisplay,
    SpectrumDisplay,
)
from natfit.distributions.base import Distribution
from natfit.testing.data import points, some_rows
from tests.fits import fitted

CASES = {
    f"{name}-{i}": family
    for i, (name, family) in enumerate(registered(Distribution))
    if family.event_shape == ()
}


@functools.cache
def fit(case):
    family = CASES[case]
    if not family.information.complete:
        pytest.skip("intervals are rows of a wrapper that fits make themselves")
    y = some_rows(family, points(family)[0], 60)
    if not np.isfinite(y).all():
        pytest.skip("draws are infinite for those who are cured; fits take them as censored")
    return fitted(family, y), y


@pytest.mark.parametrize("case", CASES)
def test_survival_functions_and_their_bands(case):
    model, y = fit(case)
    display = DensityDisplay.from_estimator(model, y, kind="survival")
    x, s = display.line_.get_data()
    assert_allclose(s, model.frozen_.sf(x), rtol=1e-9, atol=1e-15)
    assert np.all(np.diff(s) <= 1e-12) and s.min() >= 0.0 and s.max() <= 1.0
    values, place = np.unique(y, return_inverse=True)
    assert_array_equal(display.sample, values)
    assert_allclose(display.share, 1.0 - np.cumsum(np.bincount(place)) / len(y), atol=1e-12)
    if display.band is not None:
        low, high = display.band
        assert np.all(low <= s + 1e-12) and np.all(s <= high + 1e-12)
        assert np.all(low >= 0.0) and np.all(high <= 1.0)


@pytest.mark.parametrize("case", CASES)
def test_probabilities_and_heights_on_paper(case):
    model, y = fit(case)
    options = {"n_resamples": 2, "refit": False, "random_state": 0}
    display = ProbabilityPlotDisplay.from_estimator(model, y, kind="pp", **options)
    assert_allclose(display.position, model.frozen_.cdf(np.sort(y)), rtol=1e-9, atol=1e-15)
    paper = ProbabilityPlotDisplay.from_estimator(model, y, paper="gumbel")
    x, height = paper.line_.get_data()
    assert_allclose(np.exp(-np.exp(-height)), model.frozen_.cdf(x), rtol=1e-9)
    if paper.band is not None:
        at, low, high = paper.band
        own = height[np.isin(x, at)]
        assert np.all(low <= own) and np.all(own <= high)


@pytest.mark.parametrize("case", CASES)
def test_spectra_and_influence(case):
    model, y = fit(case)
    if not np.isfinite([e for v in model.standard_errors_.values() for e in v.ravel()]).all():
        pytest.skip("a parameter rests at a limit, or is not determined")
    spectrum = SpectrumDisplay.from_estimator(model)
    # The trace of a matrix with a unit diagonal.
    assert spectrum.eigenvalues.sum() == pytest.approx(len(spectrum.eigenvalues), rel=1e-3)
    influence = InfluenceDisplay.from_estimator(model, y)
    assert_allclose(influence.points_[0].get_ydata(), model.influence(y).distance)

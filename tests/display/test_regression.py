import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import special, stats

from natfit import NaturalClassifier, NaturalRegressor
from natfit.display import (
    CoefficientsDisplay,
    IntervalCalibrationDisplay,
    PredictionBandDisplay,
    QuantileResidualsDisplay,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 2))
Y = 1.0 + X @ [1.0, -0.5] + RNG.normal(size=300)


@pytest.fixture(scope="module")
def model():
    return NaturalRegressor("normal").fit(X, Y)


def test_residuals_against_normal_quantiles(model):
    r = np.sort((Y - model.predict(X)) / model.predict_params(X)["scale"])
    display = QuantileResidualsDisplay.from_estimator(model, X, Y)
    z, drawn = display.points_.get_data()
    assert_allclose(drawn, r, rtol=1e-8, atol=1e-10)
    assert_allclose(z, stats.norm.ppf((np.arange(300) + 0.5) / 300), rtol=1e-12)
    assert "standard deviations" in display.ax_.get_xlabel()
    worm = QuantileResidualsDisplay.from_estimator(model, X, Y, kind="worm")
    assert_allclose(worm.points_.get_data()[1], r - z, atol=1e-8)
    assert_allclose(worm.line_.get_data()[1], 0.0)


def test_the_band_of_residuals_is_that_of_order_statistics(model):
    display = QuantileResidualsDisplay.from_estimator(model, X, Y, level=0.9)
    low = display.band_.get_paths()[0].vertices[:, 1].min()
    want = stats.norm.ppf(stats.beta.ppf(0.05, 1, 300))
    assert_allclose(low, want, rtol=1e-9)


def test_the_histogram_of_probabilities_has_height_one_on_average(model):
    display = QuantileResidualsDisplay.from_estimator(model, X, Y, kind="pit")
    heights = [bar.get_height() for bar in display.points_]
    assert np.mean(heights) == pytest.approx(1.0)
    u = special.ndtr(display.residuals)
    counts, _ = np.histogram(u, len(heights), (0, 1))
    assert_allclose(np.array(heights) * 300 / len(heights), counts)
    with pytest.raises(ValueError, match="kind"):
        QuantileResidualsDisplay.from_estimator(model, X, Y, kind="pp")


def test_calibration_is_the_share_of_rows_inside_intervals(model):
    display = IntervalCalibrationDisplay.from_estimator(model, X, Y)
    nominal, observed = display.line_.get_data()
    for at in (9, 49, 89):
        low, high = model.predict_interval(X, float(nominal[at])).T
        assert observed[at] == pytest.approx(np.mean((low <= Y) & (high >= Y)))
    assert "coverage" in display.ax_.get_xlabel()


def test_bands_of_predictions_hold_the_other_features(model):
    display = PredictionBandDisplay.from_estimator(model, X, Y, feature=1, coverages=(0.8,))
    x, middle = display.line_.get_data()
    at = np.column_stack([np.full(len(x), np.median(X[:, 0])), x])
    assert_allclose(middle, model.predict(at), rtol=1e-9)
    assert_allclose(display.bands[0.8], model.predict_interval(at, 0.8), rtol=1e-12)
    assert display.ax_.get_xlabel() == "x1" and len(display.bands_) == 1
    assert_allclose(display.points_.get_data()[1], Y)
    with pytest.raises(ValueError, match="feature must be"):
        PredictionBandDisplay.from_estimator(model, X, feature=2)


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_bands_hold_categories_at_the_one_that_is_seen_most(package):
    frames = pytest.importorskip(package)
    kinds = ["b" if x > -0.5 else "a" for x in X[:, 1]]
    frame = frames.DataFrame({"x": X[:, 0], "kind": kinds, "old": X[:, 1] > 1.0})
    fit = NaturalRegressor("normal").fit(frame, Y)
    display = PredictionBandDisplay.from_estimator(fit, frame, Y, feature="x")
    assert display.ax_.get_xlabel() == "x"
    x, middle = display.line_.get_data()
    at = frames.DataFrame({"x": x, "kind": ["b"] * len(x), "old": [False] * len(x)})
    assert_allclose(middle, fit.predict(at), rtol=1e-9)
    with pytest.raises(ValueError, match="feature must be a column of numbers, got 'kind'"):
        PredictionBandDisplay.from_estimator(fit, frame, Y, feature="kind")
    with pytest.raises(ValueError, match="feature must be a column of X.*'y'"):
        PredictionBandDisplay.from_estimator(fit, frame, Y, feature="y")


@pytest.mark.parametrize("display", [IntervalCalibrationDisplay, QuantileResidualsDisplay])
def test_classes_without_an_order_have_no_quantile_residuals(display):
    labels = np.digitize(Y, [0.0, 2.0])
    fit = NaturalClassifier().fit(X, labels)
    with pytest.raises(ValueError, match="need a distribution function.*use predict_proba"):
        display.from_estimator(fit, X, labels)


def test_matplotlib_is_asked_for_by_name(model, without_matplotlib):
    with pytest.raises(ImportError, match="QuantileResidualsDisplay.plot needs matplotlib"):
        QuantileResidualsDisplay.from_estimator(model, X, Y)


def test_coefficients_and_their_intervals(model):
    display = CoefficientsDisplay.from_estimator(model, level=0.9)
    assert_allclose(display.points_.get_data()[0], model.coef_["loc"])
    assert display.parameter == "loc" and display.names == list(model.features_for_["loc"])
    errors = getattr(model, "standard_errors_", None)
    if errors is not None:
        ends = np.array([s[:, 0] for s in display.intervals_.get_segments()])
        half = stats.norm.ppf(0.95) * errors["loc"]
        assert_allclose(ends[:, 1] - ends[:, 0], 2.0 * half, rtol=1e-9)
    with pytest.raises(ValueError, match="parameter"):
        CoefficientsDisplay.from_estimator(model, parameter="scale")


def test_coefficients_of_several_fits_are_drawn_below_each_other(model):
    first = CoefficientsDisplay.from_estimator(model)
    second = CoefficientsDisplay.from_estimator(model, ax=first.ax_)
    gaps = second.points_.get_ydata() - first.points_.get_ydata()
    assert np.all((gaps > 0) & (gaps < 0.5))
    np.testing.assert_array_equal(first.ax_.get_yticks(), first.points_.get_ydata())

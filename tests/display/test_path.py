import numpy as np
import pytest
from matplotlib import pyplot as plt
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from natfit import NaturalGaussianMLE, NaturalMLE
from natfit.display import PathDisplay

START = {"loc": 8.0, "scale": 2.0}
SMALL = {"grid_resolution": 12}


def fitted(y, coordinates="native", **options):
    return NaturalMLE("normal", coordinates=coordinates, start_params=START, **options).fit(y)


def test_draws_the_iterates(y):
    model = fitted(y)
    display = PathDisplay.from_estimator(model, y, **SMALL)
    (line,) = display.lines_
    assert_array_equal(line.get_xydata(), model.history_.theta)
    assert_array_equal(display.ends_[0].get_xydata(), model.history_.theta[-1:])
    assert display.ax_.get_xlabel() == "loc"
    assert display.ax_.get_ylabel() == "scale"
    assert display.figure_ is display.ax_.figure
    assert line.get_label() == "NaturalMLE"


def test_contours_are_the_mean_log_likelihood(y):
    display = PathDisplay.from_estimator(fitted(y), y, **SMALL)
    loc, scale = np.meshgrid(display.grid_x, display.grid_y)
    expected = stats.norm.logpdf(y[:, 0], loc[..., None], scale[..., None]).mean(axis=-1)
    assert_allclose(display.log_likelihood, expected, rtol=1e-10)


def test_contours_are_those_of_the_fits_coordinates(y):
    model = fitted(y, "unconstrained")
    display = PathDisplay.from_estimator(model, y, **SMALL)
    assert display.param_names == ["loc", "log scale"]
    loc, log_scale = np.meshgrid(display.grid_x, display.grid_y)
    expected = stats.norm.logpdf(y[:, 0], loc[..., None], np.exp(log_scale)[..., None])
    assert_allclose(display.log_likelihood, expected.mean(axis=-1), rtol=1e-10)


@pytest.mark.parametrize("start", [START, None])
def test_expectation_coordinates_are_rebuilt_about_the_start(y, start):
    model = NaturalMLE("normal", coordinates="expectation", start_params=start).fit(y)
    display = PathDisplay.from_estimator(model, y, **SMALL)
    assert_array_equal(display.lines_[0].get_xydata(), model.history_.theta)
    # Where the second moment is below the square of the first there is no normal.
    first, second = np.meshgrid(display.grid_x, display.grid_y)
    assert_array_equal(np.isnan(display.log_likelihood), second <= first**2)


def test_weights_count_as_repetitions(y):
    weight = np.arange(len(y)) % 3
    model = fitted(y).fit(y, sample_weight=weight)
    display = PathDisplay.from_estimator(model, y, sample_weight=weight, **SMALL)
    twice = np.repeat(y, weight, axis=0)
    again = PathDisplay.from_estimator(fitted(twice), twice, **SMALL)
    assert_allclose(display.log_likelihood, again.log_likelihood, rtol=1e-9)
    plain = PathDisplay.from_estimator(model, y, **SMALL)
    assert not np.allclose(display.log_likelihood, plain.log_likelihood)


def test_default_limits_hold_the_path_and_stay_in_the_domain(y):
    model = NaturalMLE("normal", coordinates="native", start_params={"loc": 0.0, "scale": 0.1})
    theta = model.fit(y).history_.theta
    display = PathDisplay.from_estimator(model, y, **SMALL)
    assert display.grid_x[0] < theta[:, 0].min() < theta[:, 0].max() < display.grid_x[-1]
    assert 0 < display.grid_y[0] < theta[:, 1].min() < theta[:, 1].max() < display.grid_y[-1]
    assert np.all(np.isfinite(display.log_likelihood))


def test_limits_outside_the_domain_are_blank_or_refused(y):
    display = PathDisplay.from_estimator(fitted(y), y, ylim=(-1, 6), xlim=(5, 15), **SMALL)
    assert_array_equal(np.isnan(display.log_likelihood).all(axis=1), display.grid_y <= 0)
    assert_allclose(display.ax_.get_xlim(), (5, 15))
    with pytest.raises(ValueError, match="must overlap the domain"):
        PathDisplay.from_estimator(fitted(y), y, ylim=(-2, -1), **SMALL)


def test_several_fits_share_the_plane(y):
    fits = {"natural": fitted(y), "gradient": fitted(y, metric="euclidean", tol=0, max_iter=9)}
    _, ax = plt.subplots()
    display = PathDisplay.from_estimators(fits, y, ax=ax, linewidth=3, **SMALL)
    assert display.ax_ is ax
    for (name, model), line in zip(fits.items(), display.lines_, strict=True):
        assert line.get_label() == name
        assert line.get_linewidth() == 3
        assert_array_equal(line.get_xydata(), model.history_.theta)
    named = PathDisplay.from_estimators(list(fits.values()), y, name=["a", "b"], **SMALL)
    assert [line.get_label() for line in named.lines_] == ["a", "b"]


def test_levels_and_contour_style_are_options(y):
    model = fitted(y)
    display = PathDisplay.from_estimator(model, y, levels=5, **SMALL)
    assert len(display.contours_.levels) == 5
    given = [-4.0, -3.5, -3.0]
    display.plot(levels=given, contour_kw={"cmap": "viridis"})
    assert_array_equal(display.contours_.levels, given)
    assert display.contours_.get_cmap().name == "viridis"


def test_one_of_several_columns(y):
    X = np.hstack([y, 2 * y])
    model = fitted(X)
    with pytest.raises(ValueError, match="which of the 2 columns"):
        PathDisplay.from_estimator(model, X)
    display = PathDisplay.from_estimator(model, X, column=1, **SMALL)
    alone = PathDisplay.from_estimator(fitted(X[:, 1:]), X[:, 1], **SMALL)
    assert_array_equal(display.lines_[0].get_xydata(), alone.lines_[0].get_xydata())
    assert_array_equal(display.log_likelihood, alone.log_likelihood)


def test_a_pipeline_transforms_the_data(y):
    options = {"coordinates": "native", "start_params": {"loc": 1.0, "scale": 2.0}}
    pipeline = make_pipeline(StandardScaler(), NaturalMLE("normal", **options)).fit(y)
    display = PathDisplay.from_estimator(pipeline, y, **SMALL)
    z = (y - y.mean()) / y.std()
    alone = PathDisplay.from_estimator(pipeline[-1], z, **SMALL)
    assert_allclose(display.log_likelihood, alone.log_likelihood)


def test_another_family_of_two_parameters():
    y = np.random.default_rng(0).gamma(2.0, 3.0, 100)
    model = NaturalMLE("gamma", coordinates="native").fit(y[:, None])
    display = PathDisplay.from_estimator(model, y, **SMALL)
    shape, scale = np.meshgrid(display.grid_x, display.grid_y)
    expected = stats.gamma.logpdf(y, shape[..., None], scale=scale[..., None]).mean(axis=-1)
    assert_allclose(display.log_likelihood, expected, rtol=1e-9)


def test_other_than_two_parameters_are_refused(y):
    positive = np.abs(y)
    with pytest.raises(ValueError, match="family with 2 parameters, but Exponential has 1"):
        PathDisplay.from_estimator(NaturalMLE("exponential").fit(positive), positive)
    X = np.hstack([y, y[::-1]])
    with pytest.raises(ValueError, match="MultivariateNormal has 5"):
        PathDisplay.from_estimator(NaturalGaussianMLE().fit(X), X)


def test_fits_that_do_not_share_the_plane_are_refused(y):
    pair = {"a": fitted(y), "b": fitted(y, "unconstrained")}
    with pytest.raises(ValueError, match="iterates of b do not fit.*Native"):
        PathDisplay.from_estimators(pair, y)
    with pytest.raises(ValueError, match="share one distribution"):
        positive = np.abs(y)
        gamma = NaturalMLE("gamma", coordinates="native").fit(positive)
        PathDisplay.from_estimators({"a": fitted(positive), "b": gamma}, positive)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"xlim": (3, 1)}, "xlim must be .*low < high"),
        ({"ylim": (1,)}, "ylim must have length 2"),
        ({"grid_resolution": 1}, "grid_resolution must be >= 2"),
        ({"column": 3}, "column must be"),
    ],
)
def test_bad_options_are_named(y, options, message):
    with pytest.raises(ValueError, match=message):
        PathDisplay.from_estimator(fitted(y), y, **options)


def test_data_of_another_width_are_refused(y):
    with pytest.raises(ValueError, match="X must have 1 columns"):
        PathDisplay.from_estimator(fitted(y), np.hstack([y, y]))


def test_without_matplotlib_the_message_says_what_to_install(y, without_matplotlib):
    with pytest.raises(ImportError, match=r"PathDisplay.plot .*natfit\[plot\]"):
        PathDisplay.from_estimator(fitted(y), y, **SMALL)

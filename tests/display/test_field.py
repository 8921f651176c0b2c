import numpy as np
import pytest
from matplotlib import pyplot as plt
from numpy.testing import assert_allclose, assert_array_equal

from natfit import NaturalMLE
from natfit.display import GradientFieldDisplay

LIMITS = {"xlim": (0.0, 20.0), "ylim": (1.0, 10.0), "grid_resolution": 5}


def closed_form(y, display):
    """Gradient and natural gradient of a normal's mean log-likelihood in (mu, sigma)."""
    mu, sigma = np.meshgrid(display.grid_x, display.grid_y)
    gap = y.mean() - mu
    gradient = np.stack([gap / sigma**2, (y.var() + gap**2) / sigma**3 - 1 / sigma], axis=-1)
    natural = gradient * np.stack([sigma**2, sigma**2 / 2], axis=-1)
    return gradient, natural


def test_fields_are_those_of_the_normal_in_native_coordinates(y):
    display = GradientFieldDisplay.from_distribution("normal", y, **LIMITS)
    gradient, natural = closed_form(y, display)
    assert_allclose(display.gradient, gradient, rtol=1e-9)
    assert_allclose(display.natural_gradient, natural, rtol=1e-9)
    assert display.optimum is None


def test_draws_both_fields(y):
    display = GradientFieldDisplay.from_distribution("normal", y, **LIMITS)
    fields = (display.gradient, display.natural_gradient)
    x, scale = np.meshgrid(display.grid_x, display.grid_y)
    for quiver, field in zip(display.quivers_, fields, strict=True):
        assert_array_equal(quiver.U, field[..., 0].ravel())
        assert_array_equal(quiver.V, field[..., 1].ravel())
        assert_array_equal(quiver.XY, np.stack([x.ravel(), scale.ravel()], axis=1))
    assert len(display.axes_) == 2
    assert all(ax.figure is display.figure_ for ax in display.axes_)
    assert [ax.get_xlabel() for ax in display.axes_] == ["loc", "loc"]
    assert [ax.get_ylabel() for ax in display.axes_] == ["scale", "scale"]
    assert display.axes_[1].get_title().startswith("natural gradient")


def test_natural_gradients_are_more_alike(y):
    display = GradientFieldDisplay.from_distribution("normal", y, **LIMITS)
    gradient_ratio, natural_ratio = display.length_ratios()
    lengths = np.linalg.norm(display.gradient, axis=-1)
    assert gradient_ratio == lengths.max() / lengths.min()
    assert natural_ratio < gradient_ratio / 10


def test_longest_arrow_spans_three_cells(y):
    display = GradientFieldDisplay.from_distribution("normal", y, **LIMITS)
    cell = np.array([5.0, 2.25])
    for quiver in display.quivers_:
        arrows = np.stack([quiver.U, quiver.V], axis=1) / quiver.scale / cell
        assert_allclose(np.linalg.norm(arrows, axis=1).max(), 3.0)


def test_both_axes_show_all_arrows(y):
    display = GradientFieldDisplay.from_distribution("normal", y, **LIMITS)
    for ax, quiver in zip(display.axes_, display.quivers_, strict=True):
        tips = quiver.XY + np.stack([quiver.U, quiver.V], axis=1) / quiver.scale
        for values, limits in ((tips[:, 0], ax.get_xlim()), (tips[:, 1], ax.get_ylim())):
            assert limits[0] < values.min() < values.max() < limits[1]
    assert display.axes_[0].get_ylim() == display.axes_[1].get_ylim()


def test_an_estimator_marks_its_estimate(y):
    model = NaturalMLE("normal").fit(y)
    display = GradientFieldDisplay.from_estimator(model, y, name="wines", **LIMITS)
    assert_allclose(display.optimum, [y.mean(), y.std()], rtol=1e-6)
    gradient, _ = closed_form(y, display)
    assert_allclose(display.gradient, gradient, rtol=1e-9)
    assert_array_equal(display.axes_[0].get_lines()[-1].get_xydata(), display.optimum[None])
    assert display.figure_.get_suptitle() == "wines"


def test_default_range_surrounds_the_estimate_in_the_domain(y):
    model = NaturalMLE("normal").fit(y)
    displays = [
        GradientFieldDisplay.from_estimator(model, y),
        GradientFieldDisplay.from_distribution("normal", y[:, 0]),
    ]
    for display in displays:
        assert display.gradient.shape == (10, 10, 2)
        assert display.grid_x[0] < y.mean() - y.std() < y.mean() + y.std() < display.grid_x[-1]
        assert 0 < display.grid_y[0] < y.std() < display.grid_y[-1]
        assert np.all(np.isfinite(display.natural_gradient))


def test_coordinates_are_an_option(y):
    display = GradientFieldDisplay.from_distribution(
        "normal", y, coordinates="unconstrained", xlim=(5, 15), ylim=(1, 2), grid_resolution=4
    )
    assert display.param_names == ["loc", "log scale"]
    mu, log_sigma = np.meshgrid(display.grid_x, display.grid_y)
    variance = np.exp(2 * log_sigma)
    expected = (y.var() + (y.mean() - mu) ** 2) / variance - 1
    assert_allclose(display.gradient[..., 1], expected, rtol=1e-9)
    assert_allclose(display.natural_gradient[..., 1], expected / 2, rtol=1e-9)


def test_weights_count_as_repetitions(y):
    weight = np.arange(len(y)) % 3
    twice = np.repeat(y, weight, axis=0)
    display = GradientFieldDisplay.from_distribution("normal", y, sample_weight=weight, **LIMITS)
    again = GradientFieldDisplay.from_distribution("normal", twice, **LIMITS)
    assert_allclose(display.gradient, again.gradient, rtol=1e-9, atol=1e-12)


def test_one_of_several_columns(y):
    X = np.hstack([y, 2 * y])
    model = NaturalMLE("normal").fit(X)
    display = GradientFieldDisplay.from_estimator(model, X, column=1, **LIMITS)
    assert_allclose(display.optimum, [2 * y.mean(), 2 * y.std()], rtol=1e-6)
    with pytest.raises(ValueError, match="which of the 2 columns"):
        GradientFieldDisplay.from_estimator(model, X)


def test_outside_the_domain_there_are_no_arrows(y):
    options = {**LIMITS, "ylim": (-2.0, 10.0)}
    display = GradientFieldDisplay.from_distribution("normal", y, **options)
    assert_array_equal(np.isnan(display.gradient).all(axis=(1, 2)), display.grid_y <= 0)
    assert np.all(np.isfinite(display.length_ratios()))


def test_given_axes_and_options_are_used(y):
    _, axes = plt.subplots(2, 1)
    display = GradientFieldDisplay.from_distribution("normal", y, ax=axes, color="red", **LIMITS)
    assert_array_equal(display.axes_, axes)
    assert_array_equal(display.quivers_[0].get_facecolor(), [[1, 0, 0, 1]])
    with pytest.raises(ValueError, match="ax must be two axes, got 1"):
        display.plot(axes[0])


def test_constructor_stores_and_plot_draws():
    grid = np.array([0.0, 1.0])
    field = np.ones((2, 2, 2))
    field[0, 0] = 0.0
    display = GradientFieldDisplay(
        grid_x=grid, grid_y=grid, gradient=field, natural_gradient=field, param_names=["a", "b"]
    )
    assert not hasattr(display, "axes_")
    assert display.plot(name="title") is display
    assert display.length_ratios() == (np.inf, np.inf)


def test_families_of_other_size_are_refused(y):
    with pytest.raises(ValueError, match="2 parameters, but StudentT has 3"):
        GradientFieldDisplay.from_distribution("student_t", y)
    with pytest.raises(ValueError, match="ylim must be .*low < high"):
        GradientFieldDisplay.from_distribution("normal", y, ylim=(2, 2))


def test_without_matplotlib_the_message_says_what_to_install(y, without_matplotlib):
    with pytest.raises(ImportError, match=r"GradientFieldDisplay.plot .*natfit\[plot\]"):
        GradientFieldDisplay.from_distribution("normal", y, **LIMITS)

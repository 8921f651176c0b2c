import numpy as np
import pytest
from matplotlib import pyplot as plt
from numpy.testing import assert_allclose
from sklearn.exceptions import NotFittedError

import natfit
from natfit import NaturalMLE
from natfit.display import SpectrumDisplay

draw = SpectrumDisplay.from_estimator


@pytest.fixture
def model():
    return natfit.fit("gamma", np.random.default_rng(0).gamma(2.0, 3.0, 80))


def test_eigenvalues_of_two_parameters_are_one_plus_minus_their_correlation(model):
    """A matrix with unit diagonal and the correlation r has the eigenvalues 1 - |r| and 1 + |r|."""
    display = draw(model)
    matrix = model._information[0].matrix
    r = abs(matrix[0, 1]) / np.sqrt(matrix[0, 0] * matrix[1, 1])
    x, values = display.points_.get_data()
    assert_allclose(x, [1, 2])
    assert_allclose(values, [1 - r, 1 + r], rtol=1e-6)
    assert display.axes_[0].get_yscale() == "log" and len(display.crosses_.get_xdata()) == 0
    first, second = ([bar.get_width() for bar in bars] for bars in display.bars_)
    scale = np.sqrt(np.diagonal(matrix))
    assert abs(first[0] / first[1]) == pytest.approx(scale[0] / scale[1], rel=1e-6)
    assert np.sign(first[0] * first[1]) == -np.sign(second[0] * second[1])
    assert [t.get_text() for t in display.axes_[1].get_yticklabels()] == ["log shape", "log scale"]


def test_the_standard_error_in_the_legend_is_that_of_the_combination(model):
    display = draw(model, n_combinations=1)
    (row,) = display.coefficients
    matrix = 80 * model._information[0].matrix
    expected = np.sqrt(row @ np.linalg.inv(matrix) @ row)
    assert display.errors[0] == pytest.approx(expected, rel=1e-5)
    said = display.axes_[1].get_legend().get_texts()[0].get_text()
    assert said == f"1: standard error {expected:.2g}"


def test_what_is_not_determined_is_a_cross():
    display = SpectrumDisplay(
        eigenvalues=np.array([0.0, 0.5, 1.5]),
        coefficients=np.array([[1.0, -1.0, 0.0]]),
        errors=np.array([np.inf]),
        names=["a", "b", "c"],
    ).plot()
    assert_allclose(display.crosses_.get_data(), [[1], [0.05]])
    assert_allclose(display.points_.get_data(), [[2, 3], [0.5, 1.5]])
    assert display.axes_[0].get_legend().get_texts()[0].get_text() == "zero or negative"
    assert display.axes_[1].get_legend().get_texts()[0].get_text() == "1: flat"


def test_a_column_is_chosen():
    both = np.random.default_rng(0).gamma(2.0, 3.0, (60, 2))
    model = NaturalMLE("gamma").fit(both)
    with pytest.raises(ValueError, match="which of the 2 columns"):
        draw(model)
    one = draw(NaturalMLE("gamma").fit(both[:, 1:]))
    assert_allclose(draw(model, column=1).eigenvalues, one.eigenvalues, rtol=1e-5)


def test_axes_are_given_and_options_reach_matplotlib(model):
    figure, axes = plt.subplots(1, 2)
    display = draw(model, ax=axes, color="red")
    assert display.ax_ is axes[0] and display.figure_ is figure
    assert display.points_.get_color() == "red"
    with pytest.raises(ValueError, match="ax must be two axes, got 1"):
        draw(model, ax=axes[0])


def test_bad_options_are_named(model):
    with pytest.raises(ValueError, match="n_combinations must be"):
        draw(model, n_combinations=0)
    with pytest.warns(match="boundary"):
        known = NaturalMLE("exponential", bounds={"rate": (5.0, None)}).fit(np.ones((5, 1)))
    with pytest.raises(ValueError, match="a spectrum needs a parameter that was estimated"):
        draw(known)
    with pytest.raises(NotFittedError):
        draw(NaturalMLE())


def test_without_matplotlib_the_message_says_what_to_install(model, without_matplotlib):
    with pytest.raises(ImportError, match=r"SpectrumDisplay.plot .*natfit\[plot\]"):
        draw(model)

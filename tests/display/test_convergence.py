import subprocess
import sys

import numpy as np
import pytest
from matplotlib import pyplot as plt
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from natfit import NaturalMLE
from natfit.display import ConvergenceDisplay
from natfit.steps import FixedStep


@pytest.fixture
def model(y):
    return NaturalMLE("normal", start_params={"loc": 0.0, "scale": 1.0}).fit(y)


def labels(display):
    return [line.get_label() for line in display.lines_]


def test_draws_distance_against_iterations(model):
    display = ConvergenceDisplay.from_estimator(model)
    (line,) = display.lines_
    assert_array_equal(line.get_xdata(), np.arange(model.n_iter_ + 1))
    assert_array_equal(line.get_ydata(), model.history_["distance"])
    assert display.ax_.get_yscale() == "log"
    assert display.ax_.get_xlabel() == "iteration"
    assert "standard errors" in display.ax_.get_ylabel()
    assert display.figure_ is display.ax_.figure
    assert labels(display) == ["NaturalMLE"]


@pytest.mark.parametrize("column", ["gradient_norm", "kl", "radius", "evaluations"])
def test_draws_any_column(model, column):
    display = ConvergenceDisplay.from_estimator(model, column=column)
    assert_array_equal(display.lines_[0].get_ydata(), model.history_[column])


def test_seconds_add_up_from_the_start(model):
    display = ConvergenceDisplay.from_estimator(model, x="seconds")
    assert_array_equal(display.lines_[0].get_xdata(), np.cumsum(model.history_["seconds"]))
    assert display.ax_.get_xlabel() == "time (seconds)"


def test_log_scale_is_an_option_and_yields_to_negative_values(model):
    display = ConvergenceDisplay.from_estimator(model, log_scale=False)
    assert display.ax_.get_yscale() == "linear"
    small = NaturalMLE("normal").fit(np.random.default_rng(0).normal(0, 1e-3, (50, 1)))
    assert small.history_["objective"].min() < 0
    display = ConvergenceDisplay.from_estimator(small, column="objective")
    assert display.ax_.get_yscale() == "linear"


def test_one_line_a_column_of_data(y):
    model = NaturalMLE("normal").fit(np.hstack([y, y**2]))
    display = ConvergenceDisplay.from_estimator(model, name="fit")
    assert labels(display) == ["fit, column 0", "fit, column 1"]
    for j, line in enumerate(display.lines_):
        rows = model.history_["column"] == j
        assert_array_equal(line.get_ydata(), model.history_["distance"][rows])
        assert_array_equal(line.get_xdata(), np.arange(rows.sum()))


def test_columns_of_data_have_their_features_names(y):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"length": y[:, 0], "area": y[:, 0] ** 2})
    display = ConvergenceDisplay.from_estimator(NaturalMLE("normal").fit(frame))
    assert labels(display) == ["NaturalMLE, length", "NaturalMLE, area"]


def test_several_fits_are_named_by_their_differences(y):
    one = NaturalMLE("normal").fit(y)
    other = NaturalMLE("normal", step="kl", max_iter=5).fit(y)
    display = ConvergenceDisplay.from_estimators([one, other])
    assert labels(display) == ["max_iter=100, step=backtracking", "max_iter=5, step=kl"]
    assert_array_equal(display.lines_[1].get_ydata(), other.history_["distance"])
    alike = ConvergenceDisplay.from_estimators([one, NaturalMLE("normal").fit(y + 1)])
    assert labels(alike) == ["NaturalMLE 0", "NaturalMLE 1"]


def test_several_fits_by_name_share_given_axes(model):
    _, ax = plt.subplots()
    display = ConvergenceDisplay.from_estimators({"a": model, "b": model}, ax=ax, color="red")
    assert display.ax_ is ax
    assert labels(display) == ["a", "b"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert {line.get_color() for line in display.lines_} == {"red"}


def test_constructor_stores_and_plot_draws():
    display = ConvergenceDisplay(x=[np.arange(3)], y=[np.array([1.0, 0.1, 0.0])])
    assert not hasattr(display, "ax_")
    assert display.plot() is display
    assert display.ax_.get_legend() is None
    assert labels(display.plot(name="again")) == ["again"]


def test_a_pipeline_counts_by_its_last_step(y):
    pipeline = make_pipeline(StandardScaler(), NaturalMLE("normal")).fit(y)
    display = ConvergenceDisplay.from_estimator(pipeline)
    assert_array_equal(display.lines_[0].get_ydata(), pipeline[-1].history_["distance"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"column": "nothing"}, "column must be one of"),
        ({"x": "steps"}, "x must be one of"),
        ({"column": "metric_error"}, "metric_error.*ExactFisher draws no samples"),
        ({"name": ["a", "b"]}, "name must be a list of 1 names"),
    ],
)
def test_bad_options_are_named(model, options, message):
    with pytest.raises(ValueError, match=message):
        ConvergenceDisplay.from_estimator(model, **options)


def test_an_empty_column_says_why(y):
    fixed = NaturalMLE("normal", step=FixedStep(0.5), tol=0, max_iter=3).fit(y)
    with pytest.raises(ValueError, match="FixedStep has no trust radius"):
        ConvergenceDisplay.from_estimator(fixed, column="radius")


def test_estimators_must_be_fitted_and_several(model):
    with pytest.raises(NotFittedError):
        ConvergenceDisplay.from_estimator(NaturalMLE())
    with pytest.raises(ValueError, match="at least one"):
        ConvergenceDisplay.from_estimators([])
    with pytest.raises(TypeError, match="from_estimator for a single one"):
        ConvergenceDisplay.from_estimators(model)


def test_without_matplotlib_the_message_says_what_to_install(model, without_matplotlib):
    with pytest.raises(ImportError, match=r"ConvergenceDisplay.plot .*natfit\[plot\]"):
        ConvergenceDisplay.from_estimator(model)


@pytest.mark.slow
def test_importing_the_displays_does_not_import_matplotlib():
    code = "import sys, natfit.display; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

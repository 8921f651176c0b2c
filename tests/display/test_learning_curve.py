import numpy as np
import pytest
from matplotlib import pyplot as plt
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError

from natfit import NaturalMLE, NaturalPolicyEstimator
from natfit.display import LearningCurveDisplay
from natfit.rl.history import PolicyHistory

#: Columns whose values do not matter here.
OTHERS = {
    "seconds_rollout": 2.0,
    "seconds_update": 1.0,
    "episodes": 1,
    "std_return": 0.0,
    "explained_variance": 0.5,
    "kl": 0.01,
    "predicted_kl": 0.01,
}


def history(steps, returns):
    """A history of some updates."""
    records = [
        {**OTHERS, "env_steps": s, "mean_return": r} for s, r in zip(steps, returns, strict=True)
    ]
    return PolicyHistory.from_records(records, [""] * len(records))


def fit(seed, **options):
    return NaturalPolicyEstimator(
        "cartpole", max_iter=3, batch_size=200, random_state=seed, **options
    ).fit()


@pytest.fixture(scope="module")
def fits():
    return [fit(0), fit(1)]


def labels(display):
    return [line.get_label() for line in display.lines_]


def test_draws_returns_against_steps(fits):
    display = LearningCurveDisplay.from_estimator(fits[0], name="agent")
    (line,) = display.lines_
    assert_array_equal(line.get_xdata(), fits[0].history_["env_steps"])
    assert_array_equal(line.get_ydata(), fits[0].history_["mean_return"])
    assert display.bands_ == [None]
    assert display.ax_.get_xlabel() == "environment steps"
    assert display.ax_.get_ylabel() == "mean return of an episode"
    assert display.figure_ is display.ax_.figure
    assert labels(display) == ["agent"]


@pytest.mark.parametrize(
    ("x", "expected"),
    [("update", [1, 2]), ("seconds", [3, 6]), ("episodes", [1, 1]), ("env_steps", [10, 20])],
)
def test_horizontal_axes(x, expected):
    display = LearningCurveDisplay.from_history(history([10, 20], [1.0, 2.0]), x=x)
    assert_allclose(display.lines_[0].get_xdata(), expected)


def test_draws_any_column(fits):
    display = LearningCurveDisplay.from_estimator(fits[0], y="entropy")
    assert_array_equal(display.lines_[0].get_ydata(), fits[0].history_["entropy"])
    assert display.ax_.get_ylabel() == "entropy of the policy (nats)"
    display = LearningCurveDisplay.from_estimator(fits[0], y="gradient_norm")
    assert display.ax_.get_ylabel() == "gradient norm"


def test_updates_in_which_no_episode_ended_are_skipped():
    display = LearningCurveDisplay.from_history(history([1, 2, 3, 4], [np.nan, 5.0, np.nan, 7.0]))
    assert_array_equal(display.lines_[0].get_xdata(), [2, 4])
    assert_array_equal(display.lines_[0].get_ydata(), [5, 7])


def test_a_list_is_its_median_and_a_band_of_quantiles():
    several = [
        history([0, 10, 20], [0.0, 10.0, 20.0]),
        history([5, 15], [100.0, 100.0]),
        history([0, 30], [-30.0, 0.0]),
    ]
    display = LearningCurveDisplay.from_history(several, band=(0.0, 1.0), name="median of three")
    (line,) = display.lines_
    # The first curve is y = x and the middle one from 5 to 15, which all three cover.
    assert_array_equal(line.get_xdata(), [5, 10, 15])
    assert_allclose(line.get_ydata(), [5, 10, 15])
    edges = display.bands_[0].get_paths()[0].vertices
    for x, low in [(5, -25), (10, -20), (15, -15)]:
        assert_allclose(sorted({y for a, y in edges.tolist() if a == x}), [low, 100])
    assert labels(display) == ["median of three"]


def test_quartiles_are_the_default_band():
    several = [history([1, 2], [k, k]) for k in [0.0, 4.0, 8.0, 12.0, 100.0]]
    display = LearningCurveDisplay.from_history(several)
    assert_allclose(display.lines_[0].get_ydata(), 8.0)
    assert_allclose([display.low[0], display.high[0]], [[4, 4], [12, 12]])


def test_without_a_band_each_fit_has_its_line_and_one_is_named(fits):
    display = LearningCurveDisplay.from_estimator({"a": fits, "b": fits[0]}, band=None)
    assert len(display.lines_) == 3
    legend = display.ax_.get_legend().get_texts()
    assert [text.get_text() for text in legend] == ["a", "b"]
    assert_array_equal(display.lines_[1].get_ydata(), fits[1].history_["mean_return"])


def test_a_dict_of_lists_shares_given_axes(fits):
    _, ax = plt.subplots()
    display = LearningCurveDisplay.from_estimator({"a": fits, "b": fits[0]}, ax=ax, color="red")
    assert display.ax_ is ax
    assert labels(display) == ["a", "b"]
    assert [band is None for band in display.bands_] == [False, True]
    assert {line.get_color() for line in display.lines_} == {"red"}


def test_a_list_of_one_fit_is_that_fit(fits):
    display = LearningCurveDisplay.from_estimator(fits[:1])
    assert display.bands_ == [None]
    assert_array_equal(display.lines_[0].get_ydata(), fits[0].history_["mean_return"])


def test_constructor_stores_and_plot_draws():
    display = LearningCurveDisplay(x=[np.arange(3)], y=[np.arange(3.0)])
    assert not hasattr(display, "ax_")
    assert display.plot() is display
    assert display.ax_.get_legend() is None
    assert labels(display.plot(name="again")) == ["again"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x": "steps"}, "x must be one of"),
        ({"y": "nothing"}, "y must be one of"),
        ({"band": (0.9, 0.1)}, "band must be quantiles"),
        ({"band": (-0.1, 0.5)}, "band must be quantiles"),
        ({"band": 0.5}, "band must have one dimension"),
        ({"name": ["a", "b"]}, "name must be a list of 1 names"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        LearningCurveDisplay.from_history(history([1, 2], [1.0, 2.0]), **options)


def test_what_cannot_be_drawn_says_why(y):
    with pytest.raises(ValueError, match="mean_return.*no episode ended in any update"):
        LearningCurveDisplay.from_history(history([1, 2], [np.nan, np.nan]))
    apart = [history([1, 2], [0.0, 1.0]), history([5, 9], [0.0, 1.0])]
    with pytest.raises(ValueError, match="begins at 5 and another ends at 2; pass band=None"):
        LearningCurveDisplay.from_history(apart)
    for nothing in ([], {}, {"a": []}):
        with pytest.raises(ValueError, match="must hold at least one fit"):
            LearningCurveDisplay.from_history(nothing)
    with pytest.raises(NotFittedError):
        LearningCurveDisplay.from_estimator(NaturalPolicyEstimator())
    likelihood = NaturalMLE("normal").fit(y)
    for x in ("env_steps", "seconds"):
        with pytest.raises(ValueError, match="history must be that of a policy"):
            LearningCurveDisplay.from_estimator(likelihood, x=x, y="objective")


def test_without_matplotlib_the_message_says_what_to_install(without_matplotlib):
    with pytest.raises(ImportError, match=r"LearningCurveDisplay.plot .*natfit\[plot\]"):
        LearningCurveDisplay.from_history(history([1, 2], [1.0, 2.0]))

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import natfit
from natfit import Censored, NaturalMLE
from natfit.display import InfluenceDisplay

draw = InfluenceDisplay.from_estimator


@pytest.fixture
def model(y):
    return NaturalMLE("normal").fit(y)


def test_distances_of_a_normal_are_the_closed_form(model, y):
    display = draw(model, y)
    (line,) = display.points_
    # 1/2 s' V s with the score (z / s, (z^2 - 1) / s) and V = s^2 diag(1, 1/2) / n.
    z = (y[:, 0] - y.mean()) / y.std()
    assert_allclose(line.get_ydata(), (z**2 + 0.5 * (z**2 - 1) ** 2) / 400, rtol=1e-3)
    assert_array_equal(line.get_xdata(), np.arange(200))
    assert display.ax_.get_xlabel() == "row" and "nats" in display.ax_.get_ylabel()
    order = np.argsort(-np.abs(z))[:5]
    assert [text.get_text() for text in display.labels_] == [str(i) for i in order]
    assert_allclose([text.xy[0] for text in display.labels_], order)
    stems = np.array(display.stems_.get_segments())
    assert_allclose(stems[:, 1], np.stack([line.get_xdata(), line.get_ydata()], 1))


def test_dfbetas_are_changes_in_standard_errors(model, y):
    display = draw(model, y, kind="dfbetas")
    z = (y[:, 0] - y.mean()) / y.std()
    loc, scale = (line.get_ydata() for line in display.points_)
    # The estimates without a row, in closed form; the third order is left out of the scale.
    assert_allclose(loc, -z * np.sqrt(200) / 199, atol=1e-4)
    without = np.sqrt((200 - z**2 * 200 / 199) / 199)
    assert_allclose(scale, (without - 1) * np.sqrt(2 * 200), atol=1e-3)
    assert [t.get_text() for t in display.ax_.get_legend().get_texts()] == ["loc", "scale"]
    cuts = [s[0, 1] for c in display.ax_.collections for s in c.get_segments()]
    assert_allclose(cuts, [-2 / np.sqrt(200), 2 / np.sqrt(200)])
    # They approximate what leaving the row out does.
    k = int(np.argmax(np.abs(z)))
    rest = np.delete(y[:, 0], k)
    assert loc[k] == pytest.approx((rest.mean() - y.mean()) * np.sqrt(200) / y.std(), rel=0.02)
    one = draw(model, y, kind="dfbetas", params="scale", name="fit")
    assert_allclose(one.points_[0].get_ydata(), scale)
    assert one.ax_.get_legend().get_texts()[0].get_text() == "fit, scale"


def test_rows_are_drawn_against_a_column():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"rain": rng.gamma(2.0, size=50), "wind": rng.gamma(3.0, size=50)})
    model = NaturalMLE("gamma").fit(frame)
    display = draw(model, frame, against="wind")
    assert_array_equal(display.points_[0].get_xdata(), frame["wind"])
    assert display.ax_.get_xlabel() == "wind"
    each = [draw(NaturalMLE("gamma").fit(frame[[c]]), frame[[c]]) for c in frame]
    assert_allclose(display.values["distance"], sum(d.values["distance"] for d in each), rtol=1e-4)
    with pytest.raises(ValueError, match="which of the 2 columns"):
        draw(model, frame, kind="dfbetas")
    second = draw(model, frame, kind="dfbetas", column="wind", params=["shape"])
    other = draw(
        NaturalMLE("gamma").fit(frame[["wind"]]), frame[["wind"]], kind="dfbetas", params=["shape"]
    )
    assert_allclose(second.values["shape"], other.values["shape"], atol=1e-4)


def test_censored_rows_are_at_their_known_end_or_in_the_middle():
    rows = Censored.interval([1.0, 2.0, -np.inf, 3.0, 0.5], [1.0, 4.0, 2.0, np.inf, 0.5])
    display = draw(natfit.fit("normal", rows), rows, against=0)
    assert_array_equal(display.points_[0].get_xdata(), [1.0, 3.0, 2.0, 3.0, 0.5])


def test_rows_that_do_not_count_keep_the_others_index():
    x = np.array([1.0, 2.0, 9.0, 3.0, 20.0])
    weight = np.array([2.0, 1.0, 0.0, 1.0, 1.0])
    model = natfit.fit("gamma", x, sample_weight=weight)
    display = draw(model, x, sample_weight=weight, n_labels=1)
    assert_array_equal(display.points_[0].get_xdata(), [0, 1, 3, 4])
    assert [t.get_text() for t in display.labels_] == ["4"]


def test_many_rows_have_no_stems():
    y = np.random.default_rng(0).normal(size=(501, 1))
    assert draw(NaturalMLE("normal").fit(y), y).stems_ is None


def test_what_was_not_estimated_is_left_out(y):
    model = NaturalMLE("normal", fixed={"scale": 4.0}).fit(y)
    assert list(draw(model, y, kind="dfbetas").values) == ["loc"]
    with pytest.raises(ValueError, match=r"were estimated and rest at no limit, got \['scale'\]"):
        draw(model, y, kind="dfbetas", params="scale")


def test_a_pipeline_transforms_the_rows(y):
    pipeline = make_pipeline(StandardScaler(), NaturalMLE("normal")).fit(y)
    display = draw(pipeline, y, against=0)
    assert_allclose(display.points_[0].get_xdata().mean(), 0.0, atol=1e-12)


def test_constructor_stores_and_plot_draws():
    x = np.arange(3)
    display = InfluenceDisplay(
        x=x, values={"distance": np.array([1.0, 3.0, 2.0])}, rows=x + 7, n_labels=2
    )
    assert not hasattr(display, "ax_")
    assert display.plot(color="red") is display
    assert [t.get_text() for t in display.labels_] == ["8", "9"]
    assert display.points_[0].get_color() == "red" and display.ax_.get_legend() is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "leverage"}, "kind must be one of"),
        ({"kind": "dfbetas", "params": "scal"}, "did you mean 'scale'"),
        ({"params": "scale"}, "params is for kind='dfbetas' only"),
        ({"n_labels": -1}, "n_labels must be"),
        ({"against": 1}, "column must be"),
        ({"X": np.arange(200.0)}, "X must be the data of the fit"),
    ],
)
def test_bad_options_are_named(model, y, options, message):
    with pytest.raises(ValueError, match=message):
        draw(model, **{"X": y, **options})


def test_the_estimator_must_be_fitted(y):
    with pytest.raises(NotFittedError):
        draw(NaturalMLE(), y)


def test_without_matplotlib_the_message_says_what_to_install(model, y, without_matplotlib):
    with pytest.raises(ImportError, match=r"InfluenceDisplay.plot .*natfit\[plot\]"):
        draw(model, y)

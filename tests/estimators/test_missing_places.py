"""Missing values wherever a row may hold one: intervals, events, windows and weights."""

import matplotlib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.model_selection import cross_val_score

import natfit
from natfit import Censored, NaturalMLE
from natfit.display import DensityDisplay

matplotlib.use("Agg")

N, GAPS = 30, np.array([4, 11])
KEPT = np.setdiff1d(np.arange(N), GAPS)
TIME = np.random.default_rng(0).gamma(3.0, 2.0, N) + 0.5
EVENT = np.arange(N) % 3 > 0
ENTRY, WEIGHT = TIME / 4.0, 1.0 + np.arange(N) % 2


def with_gaps(values, form):
    """The values with two of them missing, in a container."""
    values = np.asarray(values, dtype=float)
    gap = np.isin(np.arange(N), GAPS)
    if form == "masked":
        return np.ma.array(np.where(gap, 0.25, values), mask=gap)
    if form == "None":
        return [None if g else v for g, v in zip(gap, values, strict=True)]
    values = np.where(gap, np.nan, values)
    if form == "NA":
        return pd.Series(values, dtype="Float64")
    return pl.Series("days", values).fill_nan(None) if form == "null" else values


FORMS = ["nan", "masked", "None", "NA", "null"]

#: What is missing: how rows, weights and options are made of it.
PLACES = {
    "lower": lambda m: (Censored(m(TIME - 0.3), TIME), None, {}),
    "upper": lambda m: (Censored.interval(TIME, m(TIME + 0.3)), None, {}),
    "time": lambda m: (Censored.right(m(TIME), EVENT), None, {}),
    "event": lambda m: (Censored.right(TIME, m(EVENT)), None, {}),
    "event, left": lambda m: (Censored.left(TIME, m(EVENT)), None, {}),
    "entry": lambda m: (Censored.right(TIME, EVENT, entry=m(ENTRY)), None, {}),
    "low end": lambda m: (Censored.exact(TIME, truncation=(m(ENTRY), None)), None, {}),
    "high end": lambda m: (Censored.exact(TIME, truncation=(None, m(TIME + 5.0))), None, {}),
    "window of the option": lambda m: (TIME, None, {"truncation": (m(ENTRY), None)}),
    "weight": lambda m: (TIME, m(WEIGHT), {}),
    "weight of a censored row": lambda m: (Censored.right(TIME, EVENT), m(WEIGHT), {}),
    "value": lambda m: (m(TIME), WEIGHT, {}),
}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def part(value):
    """The rows that are known, of whatever holds N of them."""
    if isinstance(value, tuple):
        return tuple(part(end) for end in value)
    return value if value is None else value[KEPT]


def results(model, X, weight):
    return [
        model.params_["shape"],
        model.n_obs_,
        model.cov_params(),
        model.cov_params("robust", X, weight),
        model.score(X, sample_weight=weight),
        DensityDisplay.from_estimator(model, X, kind="hist", sample_weight=weight).sample,
    ]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", PLACES)
def test_rows_with_a_missing_value_are_refused_or_as_if_not_given(place, form):
    X, weight, options = PLACES[place](lambda v: with_gaps(v, form))
    for wrong in (
        lambda: natfit.fit("gamma", X, sample_weight=weight, **options),
        lambda: natfit.fit("gamma", TIME).set_params(**options).score(X, sample_weight=weight),
    ):
        with pytest.raises(ValueError, match="(row 4|missing).*"):
            wrong()
    model = natfit.fit("gamma", X, sample_weight=weight, missing="drop", **options)
    whole, held, own = PLACES[place](lambda v: np.asarray(v, dtype=float))
    known = {name: part(value) for name, value in own.items()}
    plain = natfit.fit("gamma", part(whole), sample_weight=part(held), **known)
    found, wanted = results(model, X, weight), results(plain, part(whole), part(held))
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8)
    if place not in ("weight", "weight of a censored row"):
        np.testing.assert_allclose(
            model.score_samples(X), plain.score_samples(part(whole)), rtol=1e-8
        )


@pytest.mark.parametrize("place", PLACES)
def test_the_message_says_where_and_what_to_write(place):
    X, weight, options = PLACES[place](lambda v: with_gaps(v, "nan"))
    with pytest.raises(ValueError, match="at row 4.*missing='drop'"):
        natfit.fit("gamma", X, sample_weight=weight, **options)


def test_rows_of_weight_zero_may_be_missing():
    rows = Censored.right(with_gaps(TIME, "nan"), EVENT, entry=ENTRY)
    weight = np.where(np.isin(np.arange(N), GAPS), 0.0, 1.0)
    plain = natfit.fit("gamma", Censored.right(TIME, EVENT, entry=ENTRY)[KEPT])
    model = natfit.fit("gamma", rows, sample_weight=weight)
    np.testing.assert_allclose(model.params_["shape"], plain.params_["shape"], rtol=1e-12)
    assert model.score(rows, sample_weight=weight) == pytest.approx(plain.score(rows[KEPT]))


def test_rows_with_missing_values_are_split_and_counted():
    rows = Censored.right(with_gaps(TIME, "None"), EVENT)
    assert repr(rows) == "Censored(30 rows, 18 exact, 2 missing)"
    assert rows.missing.nonzero()[0].tolist() == GAPS.tolist()
    scores = cross_val_score(NaturalMLE("gamma", missing="drop"), rows, cv=3)
    for fold, score in enumerate(scores):
        test = np.arange(10 * fold, 10 * fold + 10)
        train = np.setdiff1d(np.arange(N), test)
        model = NaturalMLE("gamma").fit(rows[np.intersect1d(train, KEPT)])
        assert score == pytest.approx(model.score(rows[np.intersect1d(test, KEPT)]), rel=1e-9)


# ------------------------------------------------------------------------- labels of rows


def test_rows_whose_labels_have_another_order_are_refused():
    order = np.random.default_rng(1).permutation(N)
    days = pd.Series(TIME, name="days").iloc[order]
    weight, event, entry = pd.Series(WEIGHT), pd.Series(EVENT), pd.Series(ENTRY)
    model = natfit.fit("gamma", days)
    for call, name in (
        (lambda: natfit.fit("gamma", days, sample_weight=weight), "sample_weight"),
        (lambda: NaturalMLE("gamma").fit(days.to_frame(), sample_weight=weight), "sample_weight"),
        (lambda: model.score(days, sample_weight=weight), "sample_weight"),
        (lambda: model.cov_params("robust", days, weight), "sample_weight"),
        (lambda: Censored.right(days, event), "event"),
        (lambda: Censored.left(days, event), "event"),
        (lambda: Censored.right(days, event.iloc[order], entry=entry), "entry"),
        (lambda: Censored(days, pd.Series(TIME + 1.0)), "upper"),
    ):
        words = rf"{name} must have the rows .* label 0 beside {order[0]} at row 0; .*reindex"
        with pytest.raises(ValueError, match=words):
            call()
    wanted = natfit.fit("gamma", TIME, sample_weight=WEIGHT).params_["shape"]
    for held in (weight.reindex(days.index), WEIGHT[order], pd.Series(WEIGHT[order], index=order)):
        found = natfit.fit("gamma", days, sample_weight=held).params_["shape"]
        np.testing.assert_allclose(found, wanted, rtol=1e-9)
    # Other labels say nothing, as in scikit-learn.
    other = pd.Series(WEIGHT[order], index=np.arange(N) + 100)
    np.testing.assert_allclose(
        natfit.fit("gamma", days, sample_weight=other).params_["shape"], wanted, rtol=1e-9
    )


# --------------------------------------------------------------------- what to write instead


@pytest.mark.parametrize("hold", [np.asarray, list, pd.Series, pl.Series], ids=lambda h: h.__name__)
@pytest.mark.parametrize("model", [NaturalMLE("gamma"), natfit.NaturalGaussianMLE()], ids=repr)
def test_a_vector_where_a_table_is_wanted(model, hold):
    name = getattr(model, "distribution", "normal")
    words = rf"a vector of 30 values; write natfit\.fit\('{name}', x\), or .*reshape.*to_frame"
    with pytest.raises(ValueError, match=words) as error:
        model.fit(hold(TIME))
    assert f"{TIME[0]:.3f}" not in str(error.value)


def test_a_second_column_of_events_leads_to_censored_rows():
    table = np.column_stack([TIME, EVENT])
    frame = pd.DataFrame({"days": TIME, "died": EVENT})
    with pytest.raises(ValueError, match=r"column 1 .*Censored\.right\(X\[:, 0\], X\[:, 1\]\)"):
        natfit.fit("weibull", table)
    with pytest.raises(ValueError, match=r"Censored\.right\(X\['days'\], X\['died'\]\)"):
        NaturalMLE("weibull").fit(frame)
    with pytest.raises(ValueError, match="Censored.right"):
        natfit.fit("weibull", np.column_stack([TIME, np.ones(N)]))
    with pytest.raises(ValueError) as error:
        natfit.fit("weibull", np.column_stack([TIME, TIME - 5.0]))
    assert "Censored" not in str(error.value)


def test_weights_by_the_name_of_a_column():
    frame = pd.DataFrame({"days": TIME, "w": WEIGHT})
    with pytest.raises(ValueError, match=r"pass the column itself, as in frame\['w'\]"):
        natfit.fit("gamma", frame[["days"]], sample_weight="w")
    with pytest.raises(ValueError, match=r"1D array or scalar, got the shape \(30, 1\)"):
        natfit.fit("gamma", frame["days"], sample_weight=frame[["w"]])

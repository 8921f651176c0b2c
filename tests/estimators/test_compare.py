"""``natfit.compare``: one ranked table of fits to the same rows."""

import pickle
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from estimator_data import quiet
from scipy import stats
from sklearn.datasets import load_diabetes, load_iris

import natfit
from natfit import Censored, NaturalGaussianMLE, NaturalMLE, Status
from natfit._component import available
from natfit.distributions import (
    Distribution,
    Mixture,
    MultivariateNormal,
    Real,
    Truncated,
    from_log_prob,
)

#: The nine families of the target of speed.
NINE = [
    "exponential",
    "gamma",
    "weibull",
    "lognormal",
    "inverse_gaussian",
    "inverse_gamma",
    "log_logistic",
    "birnbaum_saunders",
    "generalized_gamma",
]
TARGET = load_diabetes().target
LENGTH = load_iris().data[:, 2]
WAITS = np.random.default_rng(0).gamma(2.0, 3.0, 300)
COUNTS = np.random.default_rng(1).negative_binomial(3, 0.3, 300)


@pytest.fixture(scope="module")
def nine():
    return natfit.compare(TARGET, NINE)


def by_name(comparison):
    return {row["name"]: row for row in comparison.table}


# -------------------------------------------------------------------------------- numbers


def test_the_numbers_are_those_of_the_fits(nine):
    rows = by_name(nine)
    assert len(nine) == 9 and set(rows) == set(NINE) == set(nine.models)
    for name in NINE:
        model = natfit.fit(name, TARGET)
        row = rows[name]
        assert row["loglik"] == model.loglik_
        assert (row["aic"], row["aicc"], row["bic"]) == (model.aic(), model.aicc(), model.bic())
        assert row["tic"] == pytest.approx(model.tic(TARGET), rel=1e-12)
        assert row["n_parameters"] == model.n_parameters_
        assert (row["status"], row["mark"], row["note"]) == ("converged", "", "")
        assert row["seconds"] > 0.0
        np.testing.assert_array_equal(nine[name].theta_, model.theta_)


@pytest.mark.parametrize(
    ("name", "frozen"),
    [
        ("gamma", lambda p: stats.gamma(p["shape"][0], scale=p["scale"][0])),
        ("exponential", lambda p: stats.expon(scale=1.0 / p["rate"][0])),
    ],
)
def test_the_distance_is_anderson_and_darlings(nine, name, frozen):
    peer = frozen(nine[name].params_)
    y, n = np.sort(TARGET), len(TARGET)
    odd = 2.0 * np.arange(1, n + 1) - 1.0
    a2 = -n - np.sum(odd / n * (peer.logcdf(y) + peer.logsf(y)[::-1]))
    assert by_name(nine)[name]["fit"] == pytest.approx(a2, rel=1e-8)


def test_the_distance_of_counts_is_pearsons():
    comparison = natfit.compare(COUNTS, ["poisson", "negative_binomial", "geometric"])
    assert "X2/df" in str(comparison)
    with quiet():
        test = comparison["poisson"].goodness_of_fit(COUNTS, "chi_square", n_resamples=0)
    found = by_name(comparison)["poisson"]["fit"]
    cells = int(re.search(r"(\d+) cells", str(test)).group(1))
    assert found == pytest.approx(test.statistic / (cells - 2), rel=1e-10)
    assert comparison.table[0]["name"] == "negative_binomial" and comparison.table[0]["fit"] < 3.0


def test_the_distance_has_a_p_value_on_demand():
    comparison = natfit.compare(WAITS, ["gamma", "exponential"], goodness_of_fit=60)
    assert "p of fit" in str(comparison)
    gamma, exponential = comparison.table
    assert gamma["fit_p"] > 0.05 > exponential["fit_p"] == pytest.approx(1.0 / 61.0)
    model = comparison["gamma"]
    assert gamma["fit_p"] == model.goodness_of_fit(WAITS, n_resamples=60).pvalue
    assert gamma["fit"] == pytest.approx(model.goodness_of_fit(WAITS, n_resamples=1).statistic)


def test_vuongs_test_is_against_the_best(nine):
    rows = by_name(nine)
    best = nine.table[0]
    assert best["vuong_z"] is None and best["name"] == "gamma"
    ratio = nine["lognormal"].score_samples(TARGET) - nine["gamma"].score_samples(TARGET)
    z = ratio.sum() / (np.sqrt(442) * ratio.std())
    assert rows["lognormal"]["vuong_z"] == pytest.approx(z, rel=1e-10)
    assert rows["lognormal"]["vuong_p"] == pytest.approx(2.0 * stats.norm.sf(abs(z)), rel=1e-8)
    # A generalized gamma holds the gamma: the rows do not tell the two apart.
    assert rows["generalized_gamma"]["vuong_z"] is None


@pytest.mark.parametrize("criterion", ["aic", "aicc", "bic", "tic"])
def test_the_criterion_ranks(criterion):
    comparison = natfit.compare(WAITS, ["gamma", "exponential", "weibull"], criterion=criterion)
    values = [row[criterion] for row in comparison.table]
    assert values == sorted(values)
    assert comparison.best_ is comparison[comparison.table[0]["name"]]
    assert f"ranked by {'AICc' if criterion == 'aicc' else criterion.upper()}" in str(comparison)


def test_weights_are_repetitions():
    weight = np.arange(300) % 3
    # Fits to other rows begin elsewhere: the default tol leaves 1e-5 standard errors of it.
    both = [natfit.NaturalMLE(name, tol=1e-9) for name in ("gamma", "lognormal")]
    weighted = natfit.compare(WAITS, both, sample_weight=weight)
    repeated = natfit.compare(np.repeat(WAITS, weight), both)
    for a, b in zip(weighted.table, repeated.table, strict=True):
        assert a["name"] == b["name"]
        for key in ("loglik", "aic", "aicc", "bic", "tic", "fit"):
            assert a[key] == pytest.approx(b[key], rel=1e-8)
    z = [c.table[1]["vuong_z"] for c in (weighted, repeated)]
    assert z[0] == pytest.approx(z[1], rel=1e-6)


def test_processes_do_not_change_the_table(nine):
    names = NINE[:4]
    one, two = (natfit.compare(TARGET, names, n_jobs=n) for n in (1, 2))
    for a, b in zip(one.table, two.table, strict=True):
        assert {k: v for k, v in a.items() if k != "seconds"} == {
            k: v for k, v in b.items() if k != "seconds"
        }


# ----------------------------------------------------------------------- marks and failures


def petals(**options):
    return natfit.compare(
        LENGTH,
        {f"k = {k}": Mixture("normal", k, **options) for k in (1, 2, 3, 4)},
        criterion="bic",
    )


def test_a_collapsed_mixture_does_not_rank_first():
    comparison = petals(n_init=1)
    rows = by_name(comparison)
    # The loop by BIC would take the collapsed one.
    assert rows["k = 4"]["bic"] == pytest.approx(394.1, abs=0.05)
    assert rows["k = 2"]["bic"] == pytest.approx(426.2, abs=0.05)
    assert min(rows.values(), key=lambda row: row["bic"])["name"] == "k = 4"
    assert rows["k = 4"]["mark"] == "collapsed"
    assert comparison.table[-1]["name"] == "k = 4"
    assert comparison.best_ is comparison["k = 2"]
    assert "k = 4 has the lowest BIC (394.1" in str(comparison)
    assert "collapsed (boundary)" in str(comparison)


def test_more_starts_find_a_sound_mixture():
    comparison = petals()
    assert comparison.best_ is comparison["k = 2"]
    assert all(row["mark"] == "" for row in comparison.table)
    rows = by_name(comparison)
    # One component is a candidate like any other.
    assert rows["k = 1"]["bic"] == pytest.approx(natfit.fit("normal", LENGTH).bic())


@pytest.mark.parametrize("n_far", [2, 4])
def test_a_component_with_no_more_rows_than_parameters_is_marked(n_far):
    rng = np.random.default_rng(0)
    y = np.r_[rng.normal(0.0, 1.0, 60), 50.0 + np.arange(n_far)]
    comparison = natfit.compare(y, {"one": "normal", "two": Mixture("normal", 2)})
    row = by_name(comparison)["two"]
    assert row["status"].endswith("converged)" if n_far == 2 else "converged")
    assert row["aic"] < by_name(comparison)["one"]["aic"]
    assert row["mark"] == ("collapsed" if n_far == 2 else "")
    assert comparison.best_ is comparison["one" if n_far == 2 else "two"]
    assert ("component 1 has 2 rows for 2 parameters" in str(comparison)) == (n_far == 2)


def test_a_limit_is_marked_and_below_all_sound_fits():
    comparison = natfit.compare(TARGET, ["burr12", "lomax", "exponential", "weibull"])
    assert [row["name"] for row in comparison.table[:2]] == ["weibull", "exponential"]
    marked = comparison.table[2:]
    assert {row["mark"] for row in marked} == {"boundary"}
    assert "2 of 4 found no optimum to be trusted: burr12 (boundary: shape -> inf" in str(
        comparison
    )


def test_ends_at_rows_are_estimates_and_said():
    y = np.random.default_rng(0).uniform(2.0, 5.0, 100)
    comparison = natfit.compare(y, ["normal", "uniform", "gamma"])
    assert comparison.table[0]["name"] == "uniform"
    assert comparison.best_.status_ is Status.BOUNDARY
    assert "uniform ranks first, and ends of its support rest at rows" in str(comparison)


def test_failures_are_rows_with_their_reasons():
    def broken(y, loc):
        raise RuntimeError("a density that cannot be computed")

    candidates = {
        "gamma": "gamma",
        "beta": "beta",
        "poisson": "poisson",
        "broken": from_log_prob(broken, {"loc": Real()}, support="real"),
        "binomial": "binomial",
    }
    comparison = natfit.compare(WAITS, candidates)
    rows = by_name(comparison)
    assert comparison.table[0]["name"] == "gamma"
    assert [row["mark"] for row in comparison.table[1:]] == ["failed"] * 4
    assert "0 < y < 1" in rows["beta"]["note"]
    assert "whole numbers" in rows["poisson"]["note"]
    assert "RuntimeError: a density that cannot be computed" in rows["broken"]["note"]
    assert "n must be the number of trials" in rows["binomial"]["note"]
    assert rows["beta"]["loglik"] is None and rows["beta"]["status"] == "failed"
    assert set(comparison.models) == {"gamma"}
    assert "4 of 5 failed" in str(comparison)


def test_without_a_sound_fit_there_is_no_best():
    comparison = natfit.compare(WAITS, ["beta", "poisson"])
    with pytest.raises(ValueError, match="must have a sound fit.*beta: .*poisson: "):
        _ = comparison.best_
    assert "failed" in str(comparison) and "nan" not in comparison._repr_html_()
    with pytest.raises(ValueError, match="burr12: boundary"):
        _ = natfit.compare(TARGET, "burr12").best_


def test_densities_and_probabilities_are_not_compared():
    comparison = natfit.compare(COUNTS + 1, ["gamma", "poisson", "weibull"])
    rows = by_name(comparison)
    assert rows["poisson"]["mark"] == "failed" and "probability" in rows["poisson"]["note"]
    assert comparison.table[0]["mark"] == ""
    other = by_name(natfit.compare(COUNTS + 1, ["poisson", "gamma"]))
    assert other["gamma"]["mark"] == "failed" and "density" in other["gamma"]["note"]


def test_warnings_are_one_summary():
    candidates = [NaturalMLE("student_t", max_iter=1, start_params={"loc": m}) for m in (90, 99)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        comparison = natfit.compare(WAITS, [*candidates, "burr12", "gamma"])
    assert len([note for note in comparison.notes if "found no optimum" in note]) == 1
    assert "max_iter" in str(comparison)


# ---------------------------------------------------------------------------- candidates


@pytest.mark.parametrize(
    ("group", "rows"),
    [
        ("positive", WAITS),
        ("real", np.random.default_rng(0).standard_normal(80)),
        ("interval", np.random.default_rng(0).beta(2.0, 3.0, 80)),
        ("counts", COUNTS),
    ],
)
def test_a_word_stands_for_a_folder(group, rows):
    comparison = natfit.compare(rows, group)
    names = [row["name"] for row in comparison.table]
    assert sorted(names) == available(Distribution, group)
    assert len(names) > 1 and comparison.table[0]["mark"] == ""
    text = str(comparison)
    assert "nan" not in text and "nan" not in comparison._repr_html_()


def test_words_and_names_may_be_mixed():
    comparison = natfit.compare(WAITS, ["positive", "normal", "gamma"])
    names = {row["name"] for row in comparison.table}
    assert {"normal", "gamma", "gamma (2)", "weibull"} <= names


def test_estimators_keep_their_options():
    fixed = NaturalMLE("gamma", fixed={"shape": 2.0})
    fitted = natfit.fit("gamma", WAITS[:50])
    before = fitted.theta_.copy()
    comparison = natfit.compare(
        WAITS, [fixed, fitted, NaturalGaussianMLE(), Truncated("gamma", 0.0, 99.0)]
    )
    rows = by_name(comparison)
    assert list(sorted(rows)) == [
        "NaturalGaussianMLE()",
        "NaturalMLE('gamma', fixed={'shape': 2.0})",
        "Truncated('gamma', high=99.0)",
        "gamma",
    ]
    assert rows["NaturalMLE('gamma', fixed={'shape': 2.0})"]["n_parameters"] == 1
    assert comparison["gamma"].n_obs_ == 300
    # What was given is not changed.
    np.testing.assert_array_equal(fitted.theta_, before)
    assert not hasattr(fixed, "theta_")


def test_names_are_short():
    X = load_iris().data[:, 2:]
    comparison = natfit.compare(
        X, [Mixture(MultivariateNormal("diag"), 2, n_init=2), MultivariateNormal(), "normal"]
    )
    assert {row["name"] for row in comparison.table} == {
        "Mixture(MultivariateNormal('diag'), 2, n_init=2)",
        "MultivariateNormal()",
        "normal",
    }
    shown = str(comparison).splitlines()[3].split("  ")[1]
    assert re.fullmatch(r"Mixture\(Multivar.*\.\.\..*, 2, n_init=2\)", shown)
    assert len(shown) == 40


def test_censored_rows():
    rows = Censored.right(WAITS, WAITS < 8.0)
    comparison = natfit.compare(rows, ["weibull", "gamma", "exponential"])
    assert comparison.table[-1]["name"] == "exponential"
    for row in comparison.table:
        assert np.isfinite(row["tic"]) and row["fit"] is None


def test_tables_of_columns():
    frame = pd.DataFrame({"a": WAITS, "b": WAITS[::-1] ** 2})
    comparison = natfit.compare(frame, ["gamma", "normal"])
    assert comparison.table[0]["n_parameters"] == 4
    each = [natfit.compare(frame[name], ["gamma"]).table[0]["fit"] for name in frame]
    assert by_name(comparison)["gamma"]["fit"] == pytest.approx(max(each), rel=1e-10)


# ------------------------------------------------------------------------------- printing


def test_the_table_prints(nine):
    text = str(nine)
    lines = text.splitlines()
    assert lines[0] == "9 candidates of 442 rows, ranked by AIC"
    assert lines[3].split()[:3] == ["1", "gamma", "-2519.05"]
    assert max(map(len, lines)) <= 120
    assert repr(nine) == text
    html = nine._repr_html_()
    assert "<table>" in html and "generalized_gamma" in html and "-2519.05" in html
    frame = nine.to_frame()
    assert list(frame["name"]) == [row["name"] for row in nine.table]
    assert frame["aic"].is_monotonic_increasing


def test_it_keeps_nothing_of_the_size_of_the_rows(nine):
    again = pickle.loads(pickle.dumps(nine))
    assert str(again) == str(nine)
    y = np.random.default_rng(0).gamma(2.0, 3.0, 200_000)
    assert len(pickle.dumps(natfit.compare(y, ["gamma", "exponential"]))) < 100_000


def test_it_says_which_names_it_has(nine):
    with pytest.raises(KeyError, match="has \\['gamma'"):
        _ = nine["normal"]


# ------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("X", "candidates", "options", "words"),
    [
        (WAITS, ["gama"], {}, "did you mean 'gamma'"),
        (WAITS, [], {}, "at least one family"),
        (WAITS, ["gamma"], {"criterion": "dic"}, "criterion must be one of"),
        (WAITS, ["gamma"], {"sample_weight": [1.0, 2.0]}, "one weight per row"),
        (WAITS, ["gamma"], {"n_jobs": 0}, "n_jobs must not be 0"),
        (WAITS, ["gamma"], {"goodness_of_fit": 0}, "goodness_of_fit must be >= 1"),
        (np.r_[WAITS, np.nan], ["gamma"], {}, "NaN"),
        ([1.0], ["gamma"], {}, "sample"),
    ],
)
def test_bad_values_are_refused(X, candidates, options, words):
    with pytest.raises(ValueError, match=words):
        natfit.compare(X, candidates, **options)


@pytest.mark.parametrize(
    ("X", "candidates", "options", "words"),
    [
        (WAITS, 3, {}, "candidates must be names.*got int"),
        (WAITS, [3], {}, "candidates must be names.*got int"),
        (WAITS, {"a": None}, {}, "candidates must be names.*got NoneType"),
        (WAITS, NaturalMLE, {}, "got the class NaturalMLE"),
        (WAITS, [NaturalMLE], {}, "got the class NaturalMLE"),
        ("gamma", WAITS, {}, r"write natfit.compare\(X, candidates\)"),
        (WAITS, ["gamma"], {"weight": 1.0}, "unexpected keyword argument 'weight'"),
    ],
)
def test_bad_types_are_refused(X, candidates, options, words):
    with pytest.raises(TypeError, match=words):
        natfit.compare(X, candidates, **options)


def test_names_of_a_comparison_in_order():
    found = natfit.compare([1.0, 2.0, 4.0, 7.0], ["normal", "exponential"])
    assert list(found) == [row["name"] for row in found.table]

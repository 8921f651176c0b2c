"""What a fit says: criteria, summary and repr."""

import re
import time

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from estimator_data import quiet
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import natfit
from natfit import Censored, NaturalGaussianMLE, NaturalMLE, Status
from natfit.distributions import MultivariateNormal, Real, from_log_prob

RNG = np.random.default_rng(0)
Y = RNG.gamma(5.0, 1.0, 178)
TABLE = RNG.standard_normal((60, 3)) @ [[2.0, 1.0, 0.0], [0.0, 1.0, 0.5], [0.0, 0.0, 3.0]]


@pytest.fixture(scope="module")
def gamma():
    return natfit.fit("gamma", Y)


# ------------------------------------------------------------------------------- criteria


def test_criteria_are_those_of_statsmodels():
    x = RNG.standard_normal(50)
    model = natfit.fit("normal", x)
    # statsmodels does not count the variance as a parameter.
    peer = sm.OLS(x, np.ones(50)).fit()
    assert model.loglik_ == pytest.approx(peer.llf, rel=1e-10)
    assert model.n_parameters_ == 2
    assert model.aic() == pytest.approx(peer.aic + 2.0, rel=1e-10)
    assert model.bic() == pytest.approx(peer.bic + np.log(50), rel=1e-10)
    assert model.aicc() == pytest.approx(model.aic() + 12.0 / 47.0, rel=1e-12)


def test_criteria_of_other_rows(gamma):
    shape, scale = (gamma.params_[name][0] for name in ("shape", "scale"))
    other = Y[:20] + 0.5
    loglik = stats.gamma.logpdf(other, shape, scale=scale).sum()
    assert gamma.aic(other) == pytest.approx(4.0 - 2.0 * loglik, rel=1e-9)
    assert gamma.bic(other) == pytest.approx(2.0 * np.log(20) - 2.0 * loglik, rel=1e-9)
    weight = np.arange(20) % 3
    repeated = np.repeat(other, weight)
    assert gamma.aicc(other, weight) == pytest.approx(gamma.aicc(repeated), rel=1e-12)


@pytest.mark.parametrize("name", ["aic", "aicc", "bic", "tic"])
def test_criteria_are_those_of_the_rows_of_the_fit(gamma, name):
    weight = 1.0 + np.arange(178) % 3
    weighted = natfit.fit("gamma", Y, sample_weight=weight)
    repeated = natfit.fit("gamma", np.repeat(Y, weight.astype(int)))
    found = getattr(weighted, name)(Y, weight)
    rows = np.repeat(Y, weight.astype(int))
    assert found == pytest.approx(getattr(repeated, name)(rows), rel=1e-8)
    if name != "tic":
        assert getattr(weighted, name)() == pytest.approx(found, rel=1e-10)


def test_criteria_do_not_count_a_prior():
    model = natfit.fit("gamma", Y, prior={"shape": stats.gamma(2.0)})
    shape, scale = (model.params_[name][0] for name in ("shape", "scale"))
    loglik = stats.gamma.logpdf(Y, shape, scale=scale).sum()
    assert model.aic() == pytest.approx(4.0 - 2.0 * loglik, rel=1e-9)
    # The prior holds the estimate: there are fewer effective parameters.
    assert np.isfinite(model.tic(Y))


def test_criteria_that_cannot_be_computed_are_refused(gamma):
    with pytest.raises(NotFittedError):
        NaturalMLE().aic()
    with pytest.raises(ValueError, match="pass X too"):
        gamma.bic(sample_weight=np.ones(178))
    with pytest.raises(ValueError, match="data of the fit"):
        gamma.tic(Y[:50])
    with pytest.raises(TypeError, match="sample_weight"):
        gamma.aic(Y, weight=1.0)


# -------------------------------------------------------------------------------- summary


def test_a_summary_has_the_numbers_of_the_fit(gamma):
    summary = gamma.summary()
    assert [row["parameter"] for row in summary.table] == ["shape", "scale"]
    for row in summary.table:
        name = row["parameter"]
        assert row["estimate"] == gamma.params_[name][0]
        assert row["standard_error"] == gamma.standard_errors_[name][0]
        assert row["lower"] < row["estimate"] < row["upper"]
        assert row["mark"] == ""
    facts = summary.facts
    assert facts["loglik"] == gamma.loglik_ and facts["status"] is gamma.status_
    assert (facts["aic"], facts["bic"]) == (gamma.aic(), gamma.bic())
    assert (facts["n_obs"], facts["n_parameters"]) == (178, 2)
    assert "tic" not in facts
    assert gamma.summary(X=Y).facts["tic"] == gamma.tic(Y)
    assert list(summary.to_frame()["parameter"]) == ["shape", "scale"]


def test_a_summary_prints_everything(gamma):
    text = str(gamma.summary())
    assert repr(gamma.summary()) == text
    for words in ("Gamma", "178", "AIC", "AICc", "BIC", "converged: ", "information", "95 %"):
        assert words in text
    assert re.search(r"shape +4\.98\d* +0\.51", text)
    assert max(map(len, text.splitlines())) <= 100
    html = gamma.summary()._repr_html_()
    assert "<table>" in html and "0.512" in html and "AICc" in html


def test_a_higher_level_gives_wider_intervals(gamma):
    narrow, wide = (gamma.summary(level=level) for level in (0.5, 0.99))
    for a, b in zip(narrow.table, wide.table, strict=True):
        assert b["lower"] < a["lower"] < a["upper"] < b["upper"]
    assert "99 %" in str(wide)


@pytest.mark.parametrize("cov_type", ["observed", "expected", "robust"])
def test_standard_errors_are_those_of_cov_params(gamma, cov_type):
    options = {"X": Y} if cov_type == "robust" else {}
    summary = gamma.summary(cov_type=cov_type, **options)
    found = [row["standard_error"] for row in summary.table]
    expected = np.sqrt(np.diagonal(gamma.cov_params(cov_type, X=Y)))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert ("robust" in str(summary)) == (cov_type == "robust")


def test_columns_are_named():
    frame = pd.DataFrame(TABLE, columns=["first", "second", "third"])
    model = natfit.fit("normal", frame)
    rows = model.summary().table
    assert [row["parameter"] for row in rows[:3]] == ["loc[first]", "scale[first]", "loc[second]"]
    np.testing.assert_allclose([row["estimate"] for row in rows[::2]], TABLE.mean(axis=0))
    robust = model.summary(cov_type="robust", X=frame).table
    np.testing.assert_allclose(
        [row["standard_error"] for row in robust],
        np.sqrt(np.diagonal(model.cov_params("robust", X=frame))),
    )


def test_vectors_and_matrices():
    model = natfit.fit(MultivariateNormal("full"), TABLE)
    rows = {row["parameter"]: row for row in model.summary().table}
    assert len(rows) == 9 == model.n_parameters_
    covariance = np.cov(TABLE.T, ddof=0)
    for i, j in [(0, 0), (1, 0), (2, 1)]:
        row = rows[f"covariance[{i},{j}]"]
        assert row["estimate"] == pytest.approx(covariance[i, j], rel=1e-4)
        assert row["lower"] < row["estimate"] < row["upper"]


def test_intervals_are_those_of_conf_int():
    frame = pd.DataFrame(TABLE, columns=["first", "second", "third"])
    model = natfit.fit(MultivariateNormal("full"), frame)
    found = model.conf_int(0.9)
    for row in model.summary(0.9).table:
        name, at = re.fullmatch(r"(\w+)\[([\d,]+)\]", row["parameter"]).groups()
        expected = found[name][tuple(map(int, at.split(",")))]
        assert [row["lower"], row["upper"]] == expected.tolist()
    separate = natfit.fit("normal", frame)
    ends = [[row["lower"], row["upper"]] for row in separate.summary(0.9).table[1::2]]
    np.testing.assert_array_equal(ends, separate.conf_int(0.9)["scale"])


@pytest.mark.parametrize("cov_type", ["opg", "cluster"])
def test_other_covariance_matrices(gamma, cov_type):
    options = {"groups": np.arange(178) // 2} if cov_type == "cluster" else {}
    summary = gamma.summary(cov_type=cov_type, X=Y, **options)
    expected = np.sqrt(np.diagonal(gamma.cov_params(cov_type, X=Y, **options)))
    np.testing.assert_allclose([row["standard_error"] for row in summary.table], expected)
    assert cov_type in str(summary)


def test_many_parameters_are_counted():
    table = np.random.default_rng(0).standard_normal((300, 12))
    summary = natfit.fit(MultivariateNormal("full"), table).summary()
    assert len(summary.table) == 90 == len(summary.to_frame())
    text = str(summary)
    assert "[90 parameters, of which the first 20 and the last 20 are shown]" in text
    assert len(text.splitlines()) < 60


def test_given_values_and_limits_are_marked():
    fixed = natfit.fit("gamma", Y, fixed={"scale": 1.0})
    shape, scale = fixed.summary().table
    assert (scale["standard_error"], scale["mark"]) == (0.0, "fixed")
    assert scale["lower"] == scale["upper"] == scale["estimate"] == 1.0
    assert shape["mark"] == ""
    assert fixed.summary().facts["n_parameters"] == 1
    with quiet():
        ends = natfit.fit("uniform", Y)
    for row in ends.summary().table:
        assert (row["standard_error"], row["mark"]) == (np.inf, "at limit")
    assert "boundary" in str(ends.summary()) and "nan" not in str(ends.summary())


def no_optimum(status):
    """A fit that ends with a status other than an optimum."""
    if status is Status.SINGULAR:
        family = from_log_prob(
            lambda y, first, second: -0.5 * ((y - first - second) ** 2 + np.log(2.0 * np.pi)),
            {"first": Real(), "second": Real()},
            support="real",
        )
        return natfit.fit(family, Y)
    if status is Status.UNBOUNDED:
        return natfit.fit("student_t", np.r_[np.zeros(30), 1.0, 2.0])
    return natfit.fit("student_t", Y, max_iter=1, start_params={"loc": 50.0})


@pytest.mark.parametrize("status", [Status.SINGULAR, Status.UNBOUNDED, Status.MAX_ITER])
def test_every_status_has_a_summary(status):
    with quiet():
        model = no_optimum(status)
        assert model.status_ is status
        summary = model.summary()
    for text in (str(summary), summary._repr_html_(), repr(model)):
        assert "nan" not in text
        assert str(status) in text
    assert model.message_.split(":")[0] in str(summary)
    for row in summary.table:
        assert row["standard_error"] >= 0.0
        assert row["lower"] <= row["estimate"] <= row["upper"]


def test_censored_rows_and_weights():
    rows = Censored.right(Y, Y < 7.0)
    weight = 1.0 + np.arange(178) % 2
    model = natfit.fit("weibull", rows, sample_weight=weight)
    summary = model.summary(cov_type="robust", X=rows, sample_weight=weight)
    assert summary.facts["n_obs"] == weight.sum()
    assert np.isfinite([row["standard_error"] for row in summary.table]).all()
    assert np.isfinite(summary.facts["tic"])


def test_any_scale_keeps_its_digits():
    for unit in (1e-9, 1.0, 9.4607304725808e15):
        text = str(natfit.fit("gamma", unit * Y).summary())
        shape = next(line for line in text.splitlines() if line.startswith("shape"))
        scale = next(line for line in text.splitlines() if line.startswith("scale"))
        assert re.match(r"shape +4\.984", shape)
        assert float(scale.split()[1]) == pytest.approx(0.96882 * unit, rel=1e-4)


def test_a_summary_costs_no_pass_over_the_rows():
    model = natfit.fit("student_t", np.random.default_rng(0).standard_t(5.0, 300_000))
    iteration = np.median(model.history_["seconds"][1:])
    model.summary()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        model.summary()
        times.append(time.perf_counter() - start)
    assert min(times) < iteration


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"level": 95}, r"level must be .*0\.95"),
        ({"level": 0.0}, "level must be"),
        ({"cov_type": "hessian"}, "cov_type must be one of"),
        ({"cov_type": "robust"}, "X"),
        ({"cov_type": "cluster", "X": Y}, "groups"),
        ({"groups": Y > 1.0}, "groups"),
        ({"X": Y[:10]}, "data of the fit"),
    ],
)
def test_bad_options_are_refused(gamma, options, words):
    with pytest.raises(ValueError, match=words):
        gamma.summary(**options)


def test_an_unfitted_estimator_has_no_summary():
    with pytest.raises(NotFittedError):
        NaturalMLE().summary()


# ----------------------------------------------------------------------------------- repr


def test_the_repr_of_a_fit_has_its_estimates(gamma):
    assert repr(gamma) == (
        "NaturalMLE(distribution='gamma')  # shape=4.98 (0.51), scale=0.969 (0.10), n=178, "
        "converged"
    )
    assert repr(clone(gamma)) == "NaturalMLE(distribution='gamma')"
    assert eval(repr(gamma), {"NaturalMLE": NaturalMLE}).distribution == "gamma"


def test_vectors_and_matrices_are_short_in_the_repr():
    model = natfit.fit(MultivariateNormal("full"), TABLE)
    assert "covariance=array(3 x 3)" in repr(model)
    wide = natfit.fit("normal", np.random.default_rng(0).standard_normal((50, 80)))
    assert len(repr(wide)) < 200 and ", ...]" in repr(wide)
    assert "n=60" in repr(NaturalGaussianMLE().fit(TABLE))


def test_lines_break_as_those_of_scikit_learn(gamma):
    options = {"metric": "monte_carlo", "solver": "cholesky", "step": "trust_region"}
    long = NaturalMLE("generalized_gamma", max_iter=101, **options)
    assert max(map(len, repr(long).splitlines())) <= 80
    pipeline = repr(make_pipeline(StandardScaler(), long))
    assert max(map(len, pipeline.splitlines())) <= 80
    # Inside a pipeline a comment would hide what follows it.
    assert "#" not in repr(make_pipeline(StandardScaler(), gamma))


def test_notebooks_show_the_diagram_of_scikit_learn(gamma):
    assert "sk-container" in gamma._repr_html_()

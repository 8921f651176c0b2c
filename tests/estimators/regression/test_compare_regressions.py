"""Regressions in one ranked table, against statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm

import natfit
from natfit.estimators.regression.regressor import NaturalRegressor

RNG = np.random.default_rng(5)
N = 250
X = RNG.normal(size=(N, 2))
EXPOSURE = RNG.uniform(0.5, 2.0, N)
COUNTS = RNG.poisson(EXPOSURE * np.exp(1.0 + 0.4 * X[:, 0]) * RNG.gamma(2.0, 0.5, N)).astype(float)


def test_counts_are_ranked_as_by_statsmodels():
    table = natfit.compare(
        X, ["poisson", "negative_binomial"], y=COUNTS, exposure=EXPOSURE, criterion="bic"
    )
    assert [row["name"] for row in table.table] == ["negative_binomial", "poisson"]
    design = sm.add_constant(X)
    poisson = sm.Poisson(COUNTS, design, exposure=EXPOSURE).fit(disp=0, tol=1e-12)
    row = table.table[1]
    assert row["aic"] == pytest.approx(poisson.aic, rel=1e-9)
    assert row["bic"] == pytest.approx(poisson.bic, rel=1e-9)
    nb = sm.NegativeBinomial(COUNTS, design, exposure=EXPOSURE).fit(disp=0, maxiter=200)
    assert table.table[0]["loglik"] == pytest.approx(nb.llf, rel=1e-7)
    # Takeuchi's criterion counts more than three parameters where counts are overdispersed.
    assert row["tic"] > row["aic"]
    assert row["vuong_p"] < 0.05
    assert "ranked by BIC" in str(table) and "A2" not in str(table)
    assert table.best_.param_names_[-1] == "n"


def test_candidates_keep_their_options_and_failures_are_rows():
    y = 1.0 + X[:, 0] + np.exp(0.5 * X[:, 1]) * RNG.normal(size=N)
    table = natfit.compare(
        X,
        {
            "both": NaturalRegressor("normal", features_for="all"),
            "mean": "normal",
            "positive": NaturalRegressor("gamma"),
        },
        y=y,
    )
    assert [row["name"] for row in table.table] == ["both", "mean", "positive"]
    assert table.table[0]["n_parameters"] == 6 and table.table[1]["n_parameters"] == 4
    assert table.table[2]["status"] == "failed"


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(TypeError, match="pass y="):
        natfit.compare(X, [NaturalRegressor("normal")])
    with pytest.raises(ValueError, match="pass y too"):
        natfit.compare(X[:, 0], ["normal"], exposure=EXPOSURE)
    with pytest.raises(ValueError, match="for densities"):
        natfit.compare(X, ["poisson"], y=COUNTS, goodness_of_fit=99)
    with pytest.raises(TypeError, match="distributions or regressions"):
        natfit.compare(X, [natfit.NaturalMLE("normal")], y=COUNTS)

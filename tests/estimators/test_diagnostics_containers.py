"""Diagnostics of data in frames, with missing values, weights of zero and windows."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import natfit

RNG = np.random.default_rng(0)
WAITS = RNG.gamma(2.0, 3.0, 60)
PRIOR = {"rate": stats.gamma(2.0)}


def test_a_frame_with_missing_values():
    y = WAITS.copy()
    y[[3, 10]] = np.nan
    frame, known = pd.DataFrame({"wait": y}), np.delete(WAITS, [3, 10])
    model = natfit.NaturalMLE("gamma", missing="drop").fit(frame)
    plain = natfit.fit("gamma", known)
    found, want = model.influence(frame), plain.influence(known)
    np.testing.assert_array_equal(found.rows, np.delete(np.arange(60), [3, 10]))
    np.testing.assert_allclose(found.theta, want.theta)
    # The index is that of the rows that were given.
    assert y[found.top(1)["row"][0]] == known[want.top(1)["row"][0]]
    one = model.goodness_of_fit(frame, n_resamples=9)
    assert one == plain.goodness_of_fit(known, n_resamples=9)
    assert model.white_test(frame) == plain.white_test(known)
    prior = {"shape": stats.gamma(2.0), "scale": stats.gamma(2.0)}
    got, wanted = (m.laplace(x, prior) for m, x in ((model, frame), (plain, known)))
    assert got.log_evidence == pytest.approx(wanted.log_evidence, abs=1e-9)


def test_the_gaussian_estimator():
    x = RNG.standard_normal((50, 1))
    model = natfit.NaturalGaussianMLE().fit(x)
    plain = natfit.fit("normal", x[:, 0])
    assert model.goodness_of_fit(x, n_resamples=9).statistic == pytest.approx(
        plain.goodness_of_fit(x, n_resamples=9).statistic, rel=1e-6
    )
    np.testing.assert_allclose(model.influence(x).theta, plain.influence(x).theta, atol=1e-6)
    assert model.identifiability().determined
    np.testing.assert_allclose(model.laplace(x, n_draws=0).mean, plain._eta[0], atol=1e-6)
    with pytest.raises(ValueError, match="takes no prior"):
        model.laplace(x, {"loc": stats.norm()})


def test_rows_with_windows():
    """Windows that begin at zero hide nothing of positive times."""
    event = np.arange(60) % 3 > 0
    rows = natfit.Censored.right(WAITS, event, entry=0.0)
    plain = natfit.Censored.right(WAITS, event)
    one, two = natfit.fit("exponential", rows), natfit.fit("exponential", plain)
    np.testing.assert_allclose(
        one.influence(rows).theta, two.influence(plain).theta, rtol=1e-4, atol=1e-8
    )
    assert one.laplace(rows, PRIOR).log_evidence == pytest.approx(
        two.laplace(plain, PRIOR).log_evidence, abs=1e-8
    )
    with pytest.raises(ValueError, match="white_test needs rows without windows"):
        one.white_test(rows, pvalue="bootstrap")


def test_windows_as_an_option():
    windows = np.zeros(60), None
    model = natfit.NaturalMLE("exponential", truncation=windows).fit(WAITS[:, None])
    plain = natfit.fit("exponential", WAITS)
    assert model.laplace(WAITS, PRIOR).log_evidence == pytest.approx(
        plain.laplace(WAITS, PRIOR).log_evidence, abs=1e-8
    )


def test_one_window_for_all_rows():
    """Rows beyond one: the bootstrap draws from the truncated family."""
    y = WAITS[WAITS > 1.0]
    model = natfit.NaturalMLE("exponential", truncation=(1.0, None)).fit(y[:, None])
    found = model.goodness_of_fit(y, n_resamples=19)
    # An exponential beyond one is an exponential that begins at one.
    plain = natfit.fit("exponential", y - 1.0)
    want = plain.goodness_of_fit(y - 1.0, n_resamples=19)
    assert found.statistic == pytest.approx(want.statistic, rel=1e-4)
    assert model.white_test(y).statistic == pytest.approx(
        plain.white_test(y - 1.0).statistic, rel=1e-3
    )

"""Off-policy evaluation against sums by hand, exact values, and the coverage of its intervals."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from natfit import NaturalPolicyEstimator
from natfit.rl.environments import Drift

STEPS, METHODS = 4, ("importance", "self_normalised", "doubly_robust")


def two_state(n, rng, stay=0.5, steps=STEPS):
    """n episodes of the two-state task from state 0, all at once."""
    state, rows = np.zeros(n, dtype=int), []
    for _ in range(steps):
        moves = (rng.random(n) > stay).astype(int)
        log_prob = np.log(np.where(moves == 1, 1 - stay, stay))
        rows.append((state, moves, (1.0 + state) * (moves == 0), np.arange(n), log_prob))
        state = np.where(moves == 1, 1 - state, state)
    return tuple(np.concatenate(column) for column in zip(*rows, strict=True))


@pytest.fixture(scope="module")
def target():
    """A policy that has moved away from equal probabilities."""
    model = NaturalPolicyEstimator(
        "two_state", "linear", max_iter=4, discount=1.0, random_state=0, baseline="quadratic"
    ).fit_logged(*two_state(400, np.random.default_rng(0)))
    assert np.ptp(model.predict_proba([0, 1])[:, 0]) + model.predict_proba([0])[0, 0] - 0.5 > 0.05
    return model


def exact(model, discount):
    """The value of the policy from state 0, by dynamic programming."""
    stay, value = model.predict_proba([0, 1])[:, 0], np.zeros(2)
    for _ in range(STEPS):
        follow = discount * value
        value = stay * (np.array([1.0, 2.0]) + follow) + (1 - stay) * follow[::-1]
    return value[0]


@pytest.mark.parametrize("discount", [1.0, 0.9])
@pytest.mark.parametrize("method", METHODS)
def test_intervals_cover_the_exact_value(target, method, discount):
    """95 % intervals: three standard errors of the coverage are 4 % for 300 logs, 8 % for 60."""
    rng, n = np.random.default_rng(7), 60 if method == "doubly_robust" else 300
    want = exact(target, discount)
    found = [
        target.evaluate_logged(
            *two_state(60, rng), method=method, discount=discount, random_state=rng
        )
        for _ in range(n)
    ]
    estimate = np.array([f.estimate for f in found])
    error = np.array([f.standard_error for f in found])
    covered = np.mean(np.abs(estimate - want) < 1.96 * error)
    assert covered > 0.95 - 3.0 * np.sqrt(0.95 * 0.05 / n)
    # Estimates have no bias that their spread would show, and errors are their spread.
    assert abs(estimate.mean() - want) < 3.0 * estimate.std() / np.sqrt(n) + 0.02
    assert_allclose(np.sqrt(np.mean(error**2)), estimate.std(), rtol=0.25)


def test_normalised_weights_and_a_baseline_lower_the_spread(target):
    rng = np.random.default_rng(3)
    logs = [two_state(60, rng) for _ in range(30)]
    plain, normalised, robust = (
        np.std([target.evaluate_logged(*log, method=m, random_state=0).estimate for log in logs])
        for m in METHODS
    )
    assert normalised < plain and robust < plain


def test_estimates_are_the_sums_written_out(target):
    """Episodes of unequal lengths, in rows that alternate."""
    state, action, reward, ids, log_prob = (c[:7] for c in two_state(2, np.random.default_rng(5)))
    args = state, action, reward, ids, log_prob
    rho = np.exp(target.log_prob(state, action) - log_prob)
    a, b = (np.flatnonzero(ids == k) for k in (0, 1))
    assert (len(a), len(b)) == (4, 3)
    w, r = np.ones((2, 4)), np.zeros((2, 4))
    for k, rows in enumerate((a, b)):
        w[k, : len(rows)] = np.cumprod(rho[rows])
        w[k, len(rows) :] = w[k, len(rows) - 1]
        r[k, : len(rows)] = reward[rows]
    powers = 0.9 ** np.arange(4)
    with pytest.warns(RuntimeWarning, match="effective number of episodes is"):
        plain = target.evaluate_logged(*args, method="importance", discount=0.9)
    each = (w * r) @ powers
    assert plain.estimate == pytest.approx(each.mean(), rel=1e-12)
    assert plain.standard_error == pytest.approx(each.std(ddof=1) / np.sqrt(2), rel=1e-12)
    assert plain.effective_episodes == pytest.approx(w[:, -1].sum() ** 2 / (w[:, -1] ** 2).sum())
    with pytest.warns(RuntimeWarning):
        normalised = target.evaluate_logged(*args, discount=0.9)
    want = powers @ ((w * r).sum(axis=0) / w.sum(axis=0))
    assert normalised.estimate == pytest.approx(want, rel=1e-12)
    assert (normalised.n_episodes, normalised.method) == (2, "self_normalised")
    one = target.evaluate_logged(*(c[a] for c in args), method="importance")
    assert one.standard_error == np.inf
    with pytest.raises(ValueError, match="needs at least 2 episodes"):
        target.evaluate_logged(*(c[a] for c in args), method="doubly_robust")


def test_the_jackknife_agrees_with_the_influence(target):
    data = two_state(80, np.random.default_rng(2))
    whole = target.evaluate_logged(*data)
    left_out = np.array(
        [target.evaluate_logged(*(c[data[3] != k] for c in data)).estimate for k in range(80)]
    )
    jackknife = np.sqrt(79 / 80 * np.sum((left_out - left_out.mean()) ** 2))
    assert whole.standard_error == pytest.approx(jackknife, rel=0.05)


@pytest.mark.parametrize("method", METHODS)
def test_real_actions_against_the_formula_of_the_drift_task(method):
    """Episodes of N(0, 1) actions; the policy has the parameters of its start."""
    horizon, mu, sigma = 3, 0.2, 0.9
    model = NaturalPolicyEstimator(
        Drift(horizon), "linear", start_params={"loc": [mu], "scale": [sigma]},
        max_env_steps=1, random_state=0, baseline="quadratic",
    ).fit()  # fmt: skip
    rng, n = np.random.default_rng(1), 4000
    s, rows = np.zeros(n), []
    for _ in range(horizon):
        a = rng.standard_normal(n)
        log_prob = -0.5 * a**2 - 0.5 * np.log(2 * np.pi)
        rows.append((s[:, None], a[:, None], -(s**2) - a**2, np.arange(n), log_prob))
        s = s + a
    data = [np.concatenate(column) for column in zip(*rows, strict=True)]
    found = model.evaluate_logged(*data, method=method, random_state=0)
    t = np.arange(horizon)
    want = -horizon * (mu**2 + sigma**2) - np.sum(t**2 * mu**2 + t * sigma**2)
    assert abs(found.estimate - want) < 3.5 * found.standard_error < 0.8


# ------------------------------------------------------------------------------ bad input


def call(model, name, data, **options):
    names = ["observations", "actions", "rewards", "episode_ids", "behaviour_log_prob"]
    return getattr(model, name)(**dict(zip(names, data, strict=True)), **options)


@pytest.mark.parametrize("name", ["evaluate_logged", "fit_logged"])
def test_bad_logs_are_refused(target, name):
    good = two_state(30, np.random.default_rng(0))
    before = target.theta_.copy()

    def refused(words, *change, **options):
        data = list(good)
        for k, value in change:
            data[k] = value
        with pytest.raises(ValueError, match=words):
            call(target, name, data, **options)

    empty = np.empty(0)
    refused("at least one logged row, got none", *((k, empty) for k in range(5)))
    refused("at least one logged row, got none", *((k, []) for k in range(5)))
    for value, words in ((-np.inf, "-inf at row 3, which is a propensity of 0"), (np.nan, "nan")):
        log_prob = good[4].copy()
        log_prob[3] = value
        refused(f"behaviour_log_prob must be finite, got {words}", (4, log_prob))
    refused("probabilities as behaviour_prob", (4, np.exp(good[4])))
    refused("got neither", (4, None))
    refused("got both", behaviour_prob=np.exp(good[4]))
    for value in (0.0, -0.1):
        prob = np.exp(good[4])
        prob[2] = value
        refused(
            f"behaviour_prob must be > 0, got {value:g} at row 2", (4, None), behaviour_prob=prob
        )
    refused("must be <= 0 for discrete", (4, None), behaviour_prob=np.full(120, 1.5))
    refused("behaviour_log_prob must have length 120", (4, good[4][:5]))
    np.testing.assert_array_equal(target.theta_, before)


def test_propensities_are_the_same_as_their_logarithms(target):
    data = two_state(30, np.random.default_rng(0))
    want = target.evaluate_logged(*data)
    found = target.evaluate_logged(*data[:4], behaviour_prob=np.exp(data[4]))
    assert found.estimate == pytest.approx(want.estimate, rel=1e-12)


def test_options_and_weights_out_of_range(target):
    data = two_state(30, np.random.default_rng(0))
    with pytest.raises(ValueError, match="method must be one of"):
        target.evaluate_logged(*data, method="weighted")
    with pytest.raises(ValueError, match="discount must be"):
        target.evaluate_logged(*data, discount=1.5)
    with pytest.raises(ValueError, match="leave the range of doubles"):
        target.evaluate_logged(*data[:4], data[4] - 1e3, method="importance")
    assert np.isfinite(target.evaluate_logged(*data[:4], data[4] - 1e3).estimate)

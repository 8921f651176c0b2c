"""One window of truncation a row: likelihoods by scipy, closed forms, every option beside it."""

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

import natfit
from natfit import Censored, NaturalMLE
from natfit.distributions import Gamma, Mixture, Normal, Poisson, Shifted, Truncated, Weibull
from natfit.distributions.wrappers._windowed import WindowedFamily
from natfit.rows import Memory

INF = np.inf


def late(seed=0, n=200, shape=1.0):
    """Durations that are watched from an entry on and end at an event or at a last visit."""
    rng = np.random.default_rng(seed)
    time = 5.0 * rng.weibull(shape, 20 * n)
    entry = rng.uniform(0.0, 4.0, 20 * n)
    end = entry + rng.uniform(0.5, 6.0, 20 * n)
    seen = np.flatnonzero(time > entry)[:n]
    time, entry, end = time[seen], entry[seen], end[seen]
    return np.minimum(time, end), time <= end, entry


def test_delayed_entry_of_an_exponential_has_a_closed_form():
    """Events over the time at risk (Klein and Moeschberger, 2003, section 3.5)."""
    time, event, entry = late()
    model = natfit.fit(
        "exponential", Censored.right(time, event, truncation=(entry, None)), tol=1e-9
    )
    rate = event.sum() / (time - entry).sum()
    assert model.params_["rate"][0] == pytest.approx(rate, rel=1e-9)
    assert model.standard_errors_["rate"][0] == pytest.approx(rate / event.sum() ** 0.5, rel=1e-6)
    assert model.status_ == "converged"


def loss(frozen, lower, upper, low, high, weight=1.0, integer=False):
    """Minus the log-likelihood by scipy; all ends belong to what is seen."""

    def mass(a, b):
        return frozen.cdf(b) - frozen.cdf(np.ceil(a) - 1.0 if integer else a)

    density = frozen.logpmf if integer else frozen.logpdf
    with np.errstate(all="ignore"):
        part = mass(np.maximum(lower, low), np.minimum(upper, high))
        value = np.where(lower == upper, density(lower), np.log(part))
        return -float((weight * (value - np.log(mass(low, high)))).sum())


FROZEN = {
    "gamma": lambda p: stats.gamma(p["shape"], scale=p["scale"]),
    "weibull": lambda p: stats.weibull_min(p["shape"], scale=p["scale"]),
    "lognormal": lambda p: stats.lognorm(p["shape"], scale=p["scale"]),
    "normal": lambda p: stats.norm(p["loc"], p["scale"]),
    "poisson": lambda p: stats.poisson(p["rate"]),
    "negative_binomial": lambda p: stats.nbinom(p["n"], p["n"] / (p["n"] + p["mean"])),
}


def assert_is_a_maximum(model, loss_of):
    """No neighbour in native parameters is likelier, by scipy."""
    own = {name: float(value[0]) for name, value in model.params_.items()}
    best = loss_of(own)
    for name, error in model.standard_errors_.items():
        for step in (-0.05, 0.05):
            near = {**own, name: own[name] + step * float(error[0])}
            assert loss_of(near) > best, (name, step)
    return best


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["gamma", "weibull", "normal"])
def test_right_censored_rows_that_enter_late(name, seed):
    time, event, entry = late(seed, shape=2.0)
    rows = Censored.right(time, event, truncation=(entry, None))
    weight = np.random.default_rng(seed).integers(1, 4, len(rows)).astype(float)
    model = natfit.fit(name, rows, sample_weight=weight)
    assert model.status_ == "converged", model.message_
    upper, high = np.where(event, time, INF), np.full(len(time), INF)

    def loss_of(params):
        return loss(FROZEN[name](params), time, upper, entry, high, weight)

    best = assert_is_a_maximum(model, loss_of)
    assert model.score(rows, sample_weight=weight) == pytest.approx(-best / weight.sum(), abs=1e-9)


def test_windows_of_all_kinds_against_a_minimiser_of_scipys():
    rng = np.random.default_rng(5)
    y = rng.gamma(2.0, 3.0, 3000)
    low, high = rng.uniform(0.0, 4.0, 3000), rng.uniform(6.0, 15.0, 3000)
    low[::3], high[::4] = -INF, INF
    kept = np.flatnonzero((y >= low) & (y <= high))[:300]
    y, low, high = y[kept], low[kept], high[kept]
    lower = np.where(np.arange(300) % 5 == 0, np.floor(y), y)
    upper = np.where(np.arange(300) % 5 == 0, np.floor(y) + 1.0, y)
    rows = Censored.interval(lower, upper, truncation=(low, high))
    model = natfit.fit("gamma", rows, tol=1e-8)

    def of(t):
        return loss(stats.gamma(np.exp(t[0]), scale=np.exp(t[1])), lower, upper, low, high)

    options = {"xatol": 1e-9, "fatol": 1e-11, "maxiter": 2000}
    best = optimize.minimize(of, [0.5, 1.0], method="Nelder-Mead", options=options)
    assert model.score(rows) * 300 == pytest.approx(-best.fun, abs=1e-6)
    np.testing.assert_allclose(
        [model.params_["shape"][0], model.params_["scale"][0]], np.exp(best.x), rtol=1e-5
    )


@pytest.mark.parametrize("name", ["poisson", "negative_binomial"])
def test_both_ends_of_a_window_of_counts_belong_to_it(name):
    rng = np.random.default_rng(2)
    y, low = rng.poisson(rng.gamma(4.0, 1.0, 2000)), rng.integers(0, 4, 2000)
    kept = np.flatnonzero((y >= low) & (y <= low + 9))[:300]
    y, low = y[kept].astype(float), low[kept].astype(float)
    high, upper = low + 9.0, np.where(np.arange(300) % 6 == 0, INF, y)
    rows = Censored.interval(y, upper, truncation=(low, high))
    model = natfit.fit(name, rows)

    def loss_of(params):
        return loss(FROZEN[name](params), y, upper, low, high, integer=True)

    best = assert_is_a_maximum(model, loss_of)
    assert model.score(rows) == pytest.approx(-best / 300, abs=1e-9)


def test_one_window_for_all_is_the_option_and_none_is_none():
    time, event, entry = late(3, shape=2.0)
    rows = Censored.right(time[entry < 1.0], event[entry < 1.0])
    kept = Censored.interval(rows.lower, rows.upper)[rows.lower >= 0.5]
    same = Censored.interval(kept.lower, kept.upper, truncation=(0.5, None))
    option = natfit.fit("gamma", kept, truncation=(0.5, None), tol=1e-9)
    model = natfit.fit("gamma", same, tol=1e-9)
    for name in ("shape", "scale"):
        assert model.params_[name][0] == pytest.approx(option.params_[name][0], rel=1e-8)
        assert model.standard_errors_[name] == pytest.approx(
            option.standard_errors_[name], rel=1e-5
        )
    assert model.score(same) == pytest.approx(option.score(kept), rel=1e-12)
    free = Censored.interval(kept.lower, kept.upper, truncation=(None, None))
    assert natfit.fit("gamma", free).params_ == natfit.fit("gamma", kept).params_


@pytest.mark.slow
def test_windows_as_an_option_of_the_estimator():
    time, event, entry = late(4)
    rows = Censored.right(time, event, truncation=(entry, None))
    wanted = natfit.fit("weibull", rows)
    for truncation in ((entry, None), [entry.tolist(), None], (entry, INF)):
        model = natfit.fit("weibull", Censored.right(time, event), truncation=truncation)
        assert model.params_ == wanted.params_
        assert model.score(Censored.right(time, event)) == wanted.score(rows)
    exact = NaturalMLE("weibull", truncation=(entry, None)).fit(time[:, None])
    assert (
        exact.params_
        == natfit.fit("weibull", Censored.exact(time, truncation=(entry, None))).params_
    )
    assert clone(exact).fit(time[:, None]).params_ == exact.params_
    gaps = np.where(np.arange(200) % 7 == 0, np.nan, time)
    dropped = natfit.fit("weibull", gaps, truncation=(entry, None), missing="drop")
    kept = np.isfinite(gaps)
    assert (
        dropped.params_ == natfit.fit("weibull", time[kept], truncation=(entry[kept], None)).params_
    )
    with pytest.raises(ValueError, match="200 low ends for 150 rows.*carry their windows"):
        exact.score(time[:150])
    with pytest.raises(ValueError, match="got windows with X and as an option"):
        natfit.fit("weibull", rows, truncation=(entry, None))
    with pytest.raises(ValueError, match="one window a row pass natfit.Censored"):
        natfit.fit(Truncated("weibull", entry), time)
    with pytest.raises(ValueError, match="one column if truncation gives each row its window"):
        NaturalMLE("weibull", truncation=(entry, None)).fit(np.stack([time, time], axis=1))


@pytest.mark.slow
def test_windows_are_split_with_their_rows():
    time, event, entry = late(6)
    rows = Censored.right(time, event, truncation=(entry, None))
    low, high = rows[10:20].truncation
    np.testing.assert_array_equal(low, entry[10:20])
    assert (high == INF).all() and repr(rows).endswith("exact, truncated)")
    scores = cross_val_score(NaturalMLE("weibull"), rows, cv=4)
    by_hand = NaturalMLE("weibull").fit(rows[50:]).score(rows[:50])
    assert scores[0] == pytest.approx(by_hand, rel=1e-12)
    grid = {"distribution": ["exponential", "lognormal"]}
    search = GridSearchCV(NaturalMLE(), grid, cv=3).fit(rows)
    means = [cross_val_score(NaturalMLE(n), rows, cv=3).mean() for n in grid["distribution"]]
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], means, rtol=1e-12)


@pytest.mark.parametrize(
    ("family", "options"),
    [
        (Gamma(), {"fixed": {"shape": 1.0}}),
        (Weibull(), {"bounds": {"shape": (0.5, 9.0)}}),
        (Gamma(), {"prior": {"shape": stats.gamma(2.0)}}),
        (Normal(), {"truncation": (0.0, None)}),
        (Mixture(["gamma", "lognormal"]), {"fixed": {"weights": [0.7, 0.3]}}),
        (Shifted("gamma"), {"fixed": {"loc": -1.0}}),
    ],
    ids=["fixed", "bounds", "prior", "truncation", "mixture", "shifted"],
)
def test_windows_beside_other_options(family, options):
    """The score that the descent uses is the derivative of what is scored."""
    time, event, entry = late(7, n=60, shape=2.0)
    rows = Censored.right(time, event, truncation=(entry, None))
    seen = WindowedFamily(family)
    rng = np.random.default_rng(0)
    eta = seen.initial(Memory(rows.rows).few(), rng)[None]
    value, score, observed = seen.sum_terms(rows.rows, None, eta)
    assert value == pytest.approx(seen.log_prob(rows.rows, eta).sum(), rel=1e-9)
    np.testing.assert_allclose(score, seen.score(rows.rows, eta).sum(axis=0), rtol=1e-6, atol=1e-6)
    for k in range(eta.shape[1]):
        step = np.zeros_like(eta)
        step[0, k] = 1e-5
        up, down = (seen.sum_terms(rows.rows, None, eta + s) for s in (step, -step))
        assert score[k] == pytest.approx((up[0] - down[0]) / 2e-5, rel=1e-4, abs=1e-4)
        np.testing.assert_allclose(
            observed[k], (down[1] - up[1]) / 2e-5, rtol=1e-3, atol=1e-3 * abs(observed).max()
        )
    model = natfit.fit(family, rows, max_iter=60, **options)
    assert model.status_.good, model.message_
    assert np.isfinite(model.score(rows))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            lambda: Censored.exact([1.0, 2.0], truncation=([0.0, 3.0], None)),
            r"\[2, 2\] outside \[3, inf\] at row 1",
        ),
        (
            lambda: Censored.right([1.0, 2.0], [1, 0], truncation=(None, [5, 1])),
            r"outside \[-inf, 1\] at row 1",
        ),
        (lambda: Censored.exact([1.0, 2.0], truncation=([0, 1, 2], None)), "3 low ends for 2 rows"),
        (lambda: Censored.exact([1.0, 2.0], truncation=(3.0, 1.0)), "low < high, got .* at row 0"),
        (
            lambda: natfit.fit(
                "normal", Censored.exact([1.0, 2.0], truncation=([0, np.nan], None))
            ),
            "missing",
        ),
        (lambda: Censored.exact([1.0, 2.0], truncation=[0.5]), "entry, None"),
        (lambda: Censored.exact([1.0, 2.0], truncation=0.5), "entry, None"),
        (lambda: Censored.exact([1.0, 2.0], truncation=("a", None)), "text"),
    ],
)
def test_windows_that_cannot_be(rows, words):
    with pytest.raises(ValueError, match=words):
        rows()


def test_windows_that_do_not_fit_the_family():
    rows = Censored.interval([-3.0, 1.0], [2.0, 2.0], truncation=([-4.0, 0.0], [-1.0, INF]))
    with pytest.raises(ValueError, match=r"overlaps the support of Gamma .*\[-4, -1\] at row 0"):
        natfit.fit("gamma", rows)
    ends = Censored.interval([1.0, 2.0, 3.0], [4.0, 5.0, 3.0], truncation=(None, [9.0, 2.0, 9.0]))
    with pytest.raises(ValueError, match="more than one point of the row.* at row 1"):
        natfit.fit("gamma", ends)
    with pytest.raises(ValueError, match="distribution function"):
        natfit.fit("categorical", Censored.exact([0.0, 1.0], truncation=(0, None)))
    with pytest.raises(ValueError, match="must not all be right-censored"):
        natfit.fit("gamma", Censored.right([1.0, 2.0], [0, 0], truncation=([0.5, 1.0], None)))


def test_a_row_that_was_seen_through_its_whole_window_says_nothing():
    time, event, entry = late(8)
    rows = Censored.right(time, event, truncation=(entry, None))
    more = Censored.right(
        np.append(time, [2.0, 3.0]),
        np.append(event, [False, False]),
        truncation=(np.append(entry, [2.0, 3.0]), None),
    )
    one, two = (natfit.fit("exponential", r, tol=1e-9) for r in (rows, more))
    assert one.params_["rate"][0] == pytest.approx(two.params_["rate"][0], rel=1e-9)
    assert two.score_samples(more)[-2:] == pytest.approx([0.0, 0.0], abs=1e-12)


def test_draws_are_complete_rows():
    family = WindowedFamily(Poisson())
    eta = np.array([[1.0]])
    y = np.array([0.0, 1.0, 4.0])
    np.testing.assert_array_equal(family.log_prob(y, eta), Poisson().log_prob(y, eta))
    np.testing.assert_array_equal(family.score(y, eta), Poisson().score(y, eta))
    np.testing.assert_array_equal(family.observed(y, eta), Poisson().observed(y, eta))
    np.testing.assert_array_equal(family.log_density(y, eta), Poisson().log_density(y, eta))
    assert family.sum_terms(y, None, eta)[0] == pytest.approx(Poisson().log_prob(y, eta).sum())
    assert family.fisher(eta) == pytest.approx(Poisson().fisher(eta))
    assert not family.information.complete
    for metric in ("monte_carlo", "empirical", "observed"):
        time, event, entry = late(9)
        rows = Censored.right(time, event, truncation=(entry, None))
        model = natfit.fit("exponential", rows, metric=metric, random_state=0)
        rate = event.sum() / (time - entry).sum()
        assert model.params_["rate"][0] == pytest.approx(rate, rel=1e-3)


# ------------------------------------------------------------------------ limits in windows


def heavy(seed, n=100):
    """Durations with a tail heavier than that of an exponential, entries and ends of observation."""
    rng = np.random.default_rng(seed)
    time, entry = stats.genpareto.rvs(0.2, size=6 * n, random_state=rng), rng.uniform(size=6 * n)
    seen = np.flatnonzero(time > entry)[:n]
    time, entry = time[seen], entry[seen]
    end = entry + rng.exponential(2.0, n)
    return np.minimum(time, end), time <= end, entry


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("unit", [1.0, 1e9, 1e-9])
@pytest.mark.parametrize("seed", [0, 2])
def test_delayed_entry_of_a_normal_ends_at_the_exponential(seed, unit):
    time, event, entry = heavy(seed)
    rate = event.sum() / (time - entry).sum()
    rows = Censored.right(unit * time, event, truncation=(unit * entry, None))
    model = NaturalMLE("normal").fit(rows)
    assert model.status_ == "boundary"
    assert "exponential density, falling, with rate" in model.message_
    found = float(model.message_.split("rate = ")[1].split(";")[0])
    assert found == pytest.approx(rate / unit, rel=1e-5)
    value = 100 * model.score(rows) + event.sum() * np.log(unit)
    assert value == pytest.approx(event.sum() * (np.log(rate) - 1.0), abs=1e-5)


def test_delayed_entry_of_a_normal_may_be_better_inside():
    time, event, entry = heavy(3)
    rate = event.sum() / (time - entry).sum()
    rows = Censored.right(time, event, truncation=(entry, None))
    model = NaturalMLE("normal").fit(rows)
    assert model.status_ == "converged"
    assert 100 * model.score(rows) > event.sum() * (np.log(rate) - 1.0)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_grouped_rows_in_windows_of_two_ends_have_the_limit_of_brute_force():
    time, event, entry = heavy(0)
    lower = np.where(event, np.floor(2.0 * time) / 2.0, time)
    upper = np.where(event, lower + 0.5, INF)
    low = np.minimum(entry, lower)
    rows = Censored(lower, upper, truncation=(low, np.full(100, 40.0)))

    def minus(rate):
        top = np.exp(-rate * np.minimum(upper, 40.0))
        inside = np.exp(-rate * lower) - top
        return -np.log(inside / (np.exp(-rate * low) - np.exp(-rate * 40.0))).sum()

    best = optimize.minimize_scalar(minus, bounds=(0.1, 3.0), method="bounded")
    model = NaturalMLE("normal").fit(rows)
    assert model.status_ == "boundary"
    assert -100 * model.score(rows) == pytest.approx(best.fun, abs=1e-5)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("as_arrays", [False, True])
def test_one_window_of_all_rows_has_the_limit_of_a_truncated_family(as_arrays):
    y = stats.truncexpon.ppf((np.arange(30) + 0.5) / 30, 2.0)
    ends = (np.zeros(30), np.full(30, 2.0)) if as_arrays else (0.0, 2.0)
    y = y * (0.9 + 0.1 * y / 2.0)
    model = NaturalMLE("normal").fit(Censored.exact(y, truncation=ends))
    plain = NaturalMLE("normal", truncation=(0.0, 2.0)).fit(y[:, None])
    assert model.status_ == plain.status_
    assert model.score(Censored.exact(y, truncation=ends)) == pytest.approx(
        plain.score(y[:, None]), abs=1e-7
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ["exponential", "weibull", "gamma", "lognormal", "normal"])
def test_rows_that_enter_at_their_own_time_are_unbounded(name):
    """Events over time at risk is 4 / 0: the rate of the exponential, which the others contain."""
    time = np.array([0.3, 0.7, 1.1, 1.6, 2.2, 3.1])
    data = Censored.right(time, [1, 1, 0, 1, 1, 0], truncation=(time, None))
    model = natfit.fit(name, data)
    assert model.status_ == "unbounded"
    assert "low end of its window" in model.message_
    # One row that was at risk bounds the rate: 4 events in .3.
    entry = time - [0.3, 0, 0, 0, 0, 0]
    late = Censored.right(time, [1, 1, 0, 1, 1, 0], entry=entry)
    model = natfit.fit("exponential", late, tol=1e-9)
    assert model.status_ == "converged"
    np.testing.assert_allclose(model.params_["rate"], 4 / 0.3, rtol=1e-9)

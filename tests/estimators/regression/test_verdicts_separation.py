"""Data for which a regression has no maximum: the fit says so, and names the columns."""

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning

from natfit import Censored, NaturalClassifier, NaturalRegressor
from natfit.distributions import Binomial, Hurdle, Ordinal


def fitted(distribution, X, y, **options):
    """A fit whose warnings are those of its end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fit = options.pop("fit", {})
        return NaturalRegressor(distribution, **options).fit(X, y, **fit)


def features(seed, n=200, d=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    group = (np.arange(n) % 10 == 0).astype(float)
    return rng, X, np.column_stack([X, group]), group == 1.0


def logistic(rng, X):
    return (rng.random(len(X)) < 1.0 / (1.0 + np.exp(-X[:, 0]))).astype(float)


def perfect(seed):
    _, X, _, _ = features(seed)
    return "bernoulli", X, (X[:, 1] > 0.3).astype(float), ["x1"]


def quasi(seed):
    rng, X, wide, group = features(seed)
    y = logistic(rng, X)
    y[group] = 1.0
    return "bernoulli", wide, y, ["x3"]


def labels_alike(seed):
    _, X, _, _ = features(seed)
    return "bernoulli", X, np.zeros(len(X)), ["intercept"]


def counts_all_zero(seed):
    _, X, _, _ = features(seed)
    return "poisson", X, np.zeros(len(X)), ["intercept"]


def group_without_events(seed):
    rng, X, wide, group = features(seed)
    y = rng.poisson(np.exp(0.3 * X[:, 0] + 0.5)).astype(float)
    y[group] = 0.0
    return "poisson", wide, y, ["x3"]


def group_without_events_overdispersed(seed):
    _, X, y, names = group_without_events(seed)
    return "negative_binomial", X, y * 3.0, names


def class_missing_in_group(seed):
    rng, X, wide, group = features(seed)
    y = rng.integers(0, 3, len(X)).astype(float)
    y[group & (y == 2.0)] = 0.0
    return "categorical", wide, y, ["x3"]


def classes_separated(seed):
    _, X, _, _ = features(seed)
    return "categorical", X, np.digitize(X[:, 0], [-0.5, 0.5]).astype(float), ["x0"]


CASES = [
    perfect,
    quasi,
    labels_alike,
    counts_all_zero,
    group_without_events,
    group_without_events_overdispersed,
    class_missing_in_group,
    classes_separated,
]


def named(message):
    """The names in brackets of a message, without repetition and without numbers of classes."""
    found = {part.split("]")[0] for part in message.split("[")[1:]}
    return sorted(name for name in found if not name.isdigit())


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_no_maximum_is_told_with_the_columns(case, seed):
    distribution, X, y, names = case(seed)
    fit = fitted(distribution, X, y)
    assert fit.status_ == "unbounded", fit.message_
    assert named(fit.message_) == names
    assert "alpha" in fit.message_
    # Jeffreys' prior is advised where the estimator takes it.
    assert ("jeffreys" in fit.message_) == fit.distribution_.fisher_by_rows
    assert np.isfinite(fit._theta).all()
    assert fit.n_iter_ <= 24


@pytest.mark.parametrize("case", [perfect, quasi, group_without_events], ids=lambda c: c.__name__)
def test_units_offsets_and_weights_change_nothing(case):
    distribution, X, y, names = case(3)
    unit = np.array([1e-9, 1e9, 1e-3, 1.0])[: X.shape[1]]
    moved = fitted(distribution, X * unit + 1e3 * unit, y)
    offset = np.linspace(-1.0, 1.0, len(y))
    other = fitted(distribution, X, y, fit={"offset": offset, "sample_weight": 1.0 + (y > 0)})
    for fit in (moved, other):
        assert fit.status_ == "unbounded", fit.message_
        assert named(fit.message_) == names


@pytest.mark.parametrize("n", [20, 2_000, 40_000])
def test_rows_of_any_number(n):
    _, X, wide, group = features(4, n)
    y = logistic(np.random.default_rng(5), X)
    y[group] = 1.0
    fit = fitted("bernoulli", wide, y)
    if n == 20:
        assert fit.status_ == "unbounded"
    else:
        assert fit.status_ == "unbounded" and named(fit.message_) == ["x3"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_penalty_gives_a_maximum(case):
    distribution, X, y, _ = case(0)
    fit = fitted(distribution, X, y, alpha=1e-3)
    if case in (labels_alike, counts_all_zero):
        # Intercepts are not penalised.
        assert fit.status_ == "unbounded"
        assert named(fit.message_) == ["intercept"]
    else:
        assert fit.status_ in ("converged", "boundary"), fit.message_


def test_names_of_a_frame():
    pd = pytest.importorskip("pandas")
    _, X, y, _ = quasi(0)
    fit = fitted("bernoulli", pd.DataFrame(X, columns=["age", "height", "mass", "ward"]), y)
    assert "prob[ward] -> inf" in fit.message_


@pytest.mark.parametrize("beta", [3.0, 6.0, 12.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_strong_effect_is_no_separation(beta, seed):
    rng = np.random.default_rng(100 + seed)
    X = rng.normal(size=(400, 3))
    y = (rng.random(400) < 1.0 / (1.0 + np.exp(-beta * X[:, 0]))).astype(float)
    fit = fitted("bernoulli", X, y)
    assert fit.status_ == "converged", fit.message_
    # The gradient of the log-likelihood vanishes: the score equations, by hand.
    p = 1.0 / (1.0 + np.exp(-fit._eta(X)[:, 0]))
    z = np.column_stack([X, np.ones(400)])
    assert np.abs(z.T @ (y - p)).max() < 1e-3


@pytest.mark.parametrize("events", [1, 2])
def test_a_group_with_few_events_is_no_separation(events):
    rng, X, wide, group = features(7)
    y = rng.poisson(np.exp(0.3 * X[:, 0] + 0.5)).astype(float)
    y[group] = 0.0
    y[np.flatnonzero(group)[:events]] = 1.0
    fit = fitted("poisson", wide, y)
    assert fit.status_ == "converged", fit.message_
    mean = np.exp(fit._eta(wide)[:, 0])
    assert mean[group].sum() == pytest.approx(events, rel=1e-5)


def test_probabilities_beyond_the_limit_of_a_shared_one_are_fitted():
    # One row far out has a logit of 60; a probability that all rows share ends at 1e-8.
    rng = np.random.default_rng(8)
    x = np.append(rng.normal(size=300), 40.0)
    y = (rng.random(301) < 1.0 / (1.0 + np.exp(-1.5 * x))).astype(float)
    fit = fitted("bernoulli", x[:, None], y)
    assert fit.status_ == "converged", fit.message_
    assert fit._eta(x[:, None]).max() > 30.0


def test_df_that_grows_without_limit_for_some_rows_is_told():
    """Its terms overflow on the way, which is told as a verdict and not as a RuntimeWarning."""
    X, y = load_diabetes(return_X_y=True)
    rows = np.r_[:88, 176:442]
    X = X[rows] / X[rows].std(axis=0)
    with pytest.warns(ConvergenceWarning, match="boundary.*as df"):
        model = NaturalRegressor("student_t", features_for="all").fit(X, y[rows])
    assert "df, the normal distribution" in model.message_ and "separated" not in model.message_
    assert np.isfinite(model.loglik_)
    normal = NaturalRegressor("normal", features_for="all").fit(X, y[rows])
    assert model.loglik_ > normal.loglik_


@pytest.mark.parametrize("seed", range(3))
def test_separation_is_told_where_rows_are_held_out(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(300, 3))
    X[:, 2] = np.arange(300) % 7 == 0
    y = (rng.random(300) < 1.0 / (1.0 + np.exp(-X[:, 0]))).astype(int)
    y[X[:, 2] == 1.0] = 1
    with pytest.warns(ConvergenceWarning, match=r"unbounded.*prob\[x2\] -> inf"):
        NaturalClassifier(early_stopping=True, random_state=seed).fit(X, y)


# ------------------------------------------- several parameters with features, and ordered classes

#: Errors of log-times or times, by family.
ERRORS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "gumbel": lambda rng, n: rng.gumbel(size=n),
    "logistic": lambda rng, n: rng.logistic(size=n),
    "lognormal": lambda rng, n: rng.normal(size=n),
    "log_logistic": lambda rng, n: rng.logistic(size=n),
    "weibull": lambda rng, n: -rng.gumbel(size=n),
}


def times(family, seed):
    """Times with a group that is censored throughout, and the events."""
    rng, X, wide, group = features(seed)
    y = 0.5 * X[:, 0] + ERRORS[family](rng, len(X))
    y = np.exp(y) if family in ("lognormal", "log_logistic", "weibull") else y
    return wide, y, rng.random(len(X)) < 0.6, group


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("features_for", [None, "all"])
@pytest.mark.parametrize("family", list(ERRORS))
def test_a_group_without_events_is_told_whatever_its_features_drive(family, features_for, seed):
    X, y, event, group = times(family, seed)
    fit = fitted(family, X, Censored.right(y, event=event & ~group), features_for=features_for)
    assert fit.status_ == "unbounded", fit.message_
    assert named(fit.message_) == ["x3"]
    # With one event in each part there is a maximum for one location.
    event[group] |= np.arange(group.sum()) < 5
    other = fitted(family, X, Censored.right(y, event=event), features_for=features_for)
    assert other.status_ == "converged", other.message_


def ordered(kind, seed):
    """Features, ordered classes, and the features that separate them; none for no separation."""
    rng, X, wide, group = features(seed)
    noise = rng.logistic(size=len(X))
    match kind:
        case "three":
            return X, np.digitize(X[:, 0], [-0.5, 0.5]), ["x0"]
        case "four":
            return X, np.digitize(X[:, 0] + X[:, 1], [-1.0, 0.0, 1.0]), ["x0", "x1"]
        case "one in a group":
            y = np.digitize(X[:, 0] + noise, [-1.0, 1.0])
            return wide, np.where(group, 2, y), ["x3"]
        case "groups of classes":
            y = np.digitize(X[:, 0] + noise, [0.0])
            return wide, y + 2 * group.astype(int), ["x3"]
        case "overlap":
            return X, np.digitize(3.0 * X[:, 0] + noise, [-1.0, 1.0]), []
        case "two levels":
            # Two classes on each side of zero, by chance: no slope can be infinite.
            return X, 2 * (X[:, 0] > 0.0) + (rng.random(len(X)) < 0.5), []
    raise AssertionError(kind)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("link", ["logit", "probit"])
@pytest.mark.parametrize(
    "kind", ["three", "four", "one in a group", "groups of classes", "overlap", "two levels"]
)
def test_ordered_classes_that_are_separated_are_told(kind, link, seed):
    X, y, names = ordered(kind, seed)
    fit = fitted(Ordinal(link=link), X, y.astype(float))
    assert fit.status_ == ("unbounded" if names else "converged"), fit.message_
    if names:
        assert named(fit.message_) == names


# ------------------------------------------------------- rows whose width alone runs to zero

WIDE = {
    "normal": lambda rng, mean: np.log(mean) + rng.normal(size=len(mean)),
    "logistic": lambda rng, mean: np.log(mean) + rng.logistic(size=len(mean)),
    "gumbel": lambda rng, mean: np.log(mean) + rng.gumbel(size=len(mean)),
    "lognormal": lambda rng, mean: mean * np.exp(rng.normal(size=len(mean))),
    "weibull": lambda rng, mean: mean * rng.weibull(2.0, len(mean)),
    "gamma_mean": lambda rng, mean: rng.gamma(2.0, mean / 2.0),
    "inverse_gaussian": lambda rng, mean: rng.wald(mean, 3.0),
    "beta_mean": lambda rng, mean: rng.beta(2.0 * mean, 3.0),
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("family", list(WIDE))
def test_rows_that_a_column_explains_alone_have_no_width(family, seed):
    """A category with one row, or with equal rows, has no width of its own; one for all it has."""
    rng, X, _, _ = features(seed, 400)
    y = WIDE[family](rng, np.exp(0.3 * X[:, 0]))
    one = (np.arange(400) == 3).astype(float)
    some = (np.arange(400) < 20).astype(float)
    equal, alike = np.where(some > 0.0, y[0], y), np.where(some[:, None] > 0.0, 0.0, X)
    for Z, z in ((np.column_stack([X, one]), y), (np.column_stack([alike, some]), equal)):
        fit = fitted(family, Z, z, features_for="all")
        assert fit.status_ == "unbounded", fit.message_
        assert named(fit.message_) == ["x3"]
        assert "alone" in fit.message_ and "jeffreys" not in fit.message_
        shared = fitted(family, Z, z)
        assert shared.status_ == "converged", shared.message_
    wide = fitted(family, np.column_stack([X, some]), y, features_for="all")
    assert wide.status_ == "converged", wide.message_


# ------------------------------------------------------------------------ limits of the family

LIMITS = {
    "student_t": (
        "normal",
        lambda rng, X: X[:, 0] + rng.uniform(-3.0, 3.0, len(X)),
        ["loc", "scale"],
    ),
    "negative_binomial": (
        "poisson",
        lambda rng, X: rng.binomial(8, 1 / (1 + np.exp(-X[:, 0]))),
        ["mean"],
    ),
}


@pytest.mark.parametrize("seed", [0, 2])
@pytest.mark.parametrize("family", list(LIMITS))
def test_a_shape_that_runs_to_its_limit_ends_there_whether_features_drive_it_or_not(family, seed):
    """The other coefficients are those of the family at the limit, with its standard errors."""
    simpler, draw, names = LIMITS[family]
    rng, X, _, _ = features(seed)
    y = draw(rng, X).astype(float)
    alone, driven = fitted(family, X, y), fitted(family, X, y, features_for="all")
    limit = fitted(simpler, X, y, features_for="all")
    assert alone.status_ == driven.status_ == "boundary", driven.message_
    assert limit.status_ == "converged"
    assert driven.loglik_ == pytest.approx(limit.loglik_, abs=1e-4)
    for own, theirs in zip(names, limit.coef_, strict=True):
        assert driven.coef_[own] == pytest.approx(limit.coef_[theirs], abs=1e-3)
        errors = limit.standard_errors_[theirs]
        assert driven.standard_errors_[own] == pytest.approx(errors, rel=1e-2)


# ----------------------------------------------------------------- many columns, values far out


def test_separation_is_sought_among_thousands_of_columns():
    rng = np.random.default_rng(0)
    n, d = 6_000, 2_050
    index = rng.integers(0, d, size=(n, 12))
    X = csr_array((np.ones(12 * n), index.ravel(), 12 * np.arange(n + 1)), shape=(n, d))
    X.sum_duplicates()
    X.data[:] = 1.0
    eta = X @ np.where(np.arange(d) < 50, 1.0, 0.0)
    y = (rng.random(n) < 1.0 / (1.0 + np.exp(-eta))).astype(float)
    plain = fitted("bernoulli", X, y, alpha=1e-6)
    has = np.asarray(X[:, [99]].todense()).ravel() > 0
    fit = fitted("bernoulli", X, np.where(has, 1.0, y))
    assert fit.status_ == "unbounded", fit.message_
    assert "x99" in named(fit.message_)
    assert plain.status_ == "converged", plain.message_


@pytest.mark.parametrize("size", [1e5, 1e9, 1e12])
@pytest.mark.parametrize("family", ["bernoulli", "poisson", "normal", "gamma_mean"])
@pytest.mark.parametrize("seed", range(2))
def test_one_value_far_out_separates_nothing(family, size, seed):
    rng, X, _, _ = features(seed)
    y = {
        "bernoulli": logistic(rng, X),
        "poisson": rng.poisson(np.exp(0.3 * X[:, 0])),
        "normal": X[:, 0] + rng.normal(size=len(X)),
        "gamma_mean": rng.gamma(2.0, np.exp(0.3 * X[:, 0])),
    }[family]
    for end in (0.0, 1.0):
        Z, z = X.copy(), y.astype(float)
        Z[5, 1], z[5] = size, end + (family == "gamma_mean")
        fit = fitted(family, Z, z)
        # A count of zero there makes a valley that is size times narrower than it is long.
        good = ("converged", "no_descent") if family == "poisson" and end == 0.0 else ("converged",)
        assert fit.status_ in good, fit.message_


@pytest.mark.parametrize(
    ("family", "value", "reason"),
    [
        (Hurdle(), None, "all positive counts are 1"),
        (Hurdle("geometric"), None, "all positive counts are 1"),
        ("log_series", 1.0, "all counts are 1"),
        ("poisson", 0.0, "all counts are zero"),
        ("bernoulli", 1.0, "all rows are 1"),
        (Binomial(4), 4.0, "all rows are n"),
    ],
)
@pytest.mark.parametrize("features_for", [None, "all"])
def test_rows_that_are_all_alike_name_no_column(family, value, reason, features_for):
    """No column separates what is all alike: the intercept alone runs off."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = (rng.random(300) < 1.0 / (1.0 + np.exp(-X[:, 0]))).astype(float)
    y = y if value is None else np.full(300, value)
    with pytest.warns(ConvergenceWarning):
        fit = NaturalRegressor(family, features_for=features_for).fit(X, y)
    assert fit.status_ == "unbounded" and f"({reason})" in fit.message_
    assert "[intercept]" in fit.message_ and "[x" not in fit.message_

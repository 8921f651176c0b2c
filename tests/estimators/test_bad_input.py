"""Bad data, weights, options and functions: what is raised, what it says, what is left behind."""

import warnings
from contextlib import contextmanager

import autograd.numpy as anp
import numpy as np
import pytest
from estimator_data import FAMILIES, assert_params, quiet, sample
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import natfit
from natfit import NaturalGaussianMLE, NaturalMLE, steps
from natfit.damping import FixedDamping, LevenbergDamping, RelativeDamping
from natfit.distributions import Positive, Real, from_log_prob
from natfit.metrics import MonteCarloFisher
from natfit.solvers import CGSolver, CholeskySolver

BOTH = [NaturalMLE, NaturalGaussianMLE]


@contextmanager
def refused(model, error, *words):
    """Expect this error with these words, and a model that is left as it was."""
    before = dict(vars(model))
    with pytest.raises(error) as caught:
        yield
    assert type(caught.value) is error
    for word in words:
        assert word in str(caught.value)
    assert list(vars(model)) == list(before)
    assert all(vars(model)[key] is value for key, value in before.items())


def refuse(model, X, error=ValueError, words=(), sample_weight=None):
    """A fit that fails, of a fresh model and of one that was fitted before."""
    with refused(model, error, *words):
        model.fit(X, sample_weight=sample_weight)
    with pytest.raises(NotFittedError):
        model.score([[1.0]])


# --------------------------------------------------------------------------------- the data


@pytest.mark.parametrize(
    "bad, word", [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")]
)
@pytest.mark.parametrize("name", FAMILIES)
def test_rows_that_are_not_finite(name, bad, word):
    x = sample(name, 20)
    x[7] = bad
    refuse(NaturalMLE(name), x, words=["X", word])
    refuse(NaturalMLE(name), np.hstack([sample(name, 20), x]), words=["X", word])
    refuse(NaturalMLE(name), x, words=["X", word], sample_weight=np.full(20, 2.0))
    with pytest.raises(ValueError, match=f"X.*{word}"):
        natfit.fit(name, x[:, 0])


@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
def test_rows_that_are_not_finite_in_several_dimensions(kind):
    X = np.random.default_rng(0).normal(size=(20, 3))
    for bad, word in ((np.nan, "NaN"), (np.inf, "infinity")):
        X[3, 1] = bad
        refuse(NaturalGaussianMLE(kind), X, words=["X", word])


SHAPES = [
    (np.arange(5.0), ["Expected 2D array, got 1D array", "reshape(-1, 1)"]),
    (np.float64(3.0), ["Expected 2D array, got scalar array", "to natfit.fit"]),
    (np.ones((4, 2, 2)), ["dim 3", "<= 2"]),
    (np.empty((0, 1)), ["0 sample(s)", "shape=(0, 1)", "minimum of 2"]),
    (np.empty((5, 0)), ["0 feature(s)", "shape=(5, 0)", "minimum of 1"]),
    (np.ones((1, 1)), ["1 sample(s)", "shape=(1, 1)", "minimum of 2"]),
]


@pytest.mark.parametrize("model", BOTH)
@pytest.mark.parametrize("X, words", SHAPES, ids=lambda v: str(np.shape(v)))
def test_shapes(model, X, words):
    refuse(model(), X, words=words)


@pytest.mark.parametrize("model", BOTH)
def test_data_that_are_no_real_numbers(model):
    refuse(model(), [["a"], ["b"]], words=["could not convert string to float", "'a'"])
    refuse(model(), [[1.0, 2.0], [3.0]], words=["X must have rows of equal length", "row 1"])
    refuse(model(), np.ones((3, 1)) + 1j, words=["Complex data not supported"])
    refuse(model(), sparse.csr_array(np.eye(3)), TypeError, ["Sparse data", "X", "toarray()"])


@pytest.mark.parametrize("library", ["pandas", "polars", "numpy"])
def test_a_column_of_text_is_named(library):
    columns = {"size": [1.0, 2.0, 4.0], "name": ["a", "b", "c"]}
    X = np.array([*columns.values()], dtype=object).T
    if library != "numpy":
        X = pytest.importorskip(library).DataFrame(columns)
    name = 1 if library == "numpy" else "name"
    with pytest.raises(ValueError, match=f"column {name!r} of X holds text: encode it"):
        NaturalMLE().fit(X)


@pytest.mark.parametrize("scale", [1e-310, 1e300])
@pytest.mark.parametrize("name", ["gamma", "exponential", "weibull", "normal", "student_t", "gev"])
def test_data_near_the_ends_of_doubles(name, scale):
    """A fit, or words on the data: nothing about the parameters, and no warning of numpy's."""
    x = scale * np.random.default_rng(0).gamma(2.0, 1.0, 100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            model = natfit.fit(name, x)
        except ValueError as error:
            assert str(error)[:2] in ("X ", "y ")
        else:
            assert np.isfinite(np.concatenate([*model.params_.values()])).all()


@pytest.mark.parametrize(
    "x, words",
    [
        ([], ["0 sample(s)", "minimum of 2"]),
        ([1.0], ["1 sample(s)", "minimum of 2"]),
        (3.0, ["Expected 2D array, got scalar array"]),
        (np.ones((3, 2, 2)), ["dim 3"]),
        ([2.0, 2.0, 2.0], ["must not be constant", "3 rows equal to 2"]),
        ([1.0, np.nan], ["X", "NaN"]),
        ([[1.0, 2.0], [3.0]], ["x must have rows of equal length", "1 values at row 1"]),
        ([1.0, 2.0, (3.0, 4.0)], ["a number at row 0 and 2 values at row 2"]),
    ],
)
def test_the_function_for_vectors(x, words):
    with pytest.raises(ValueError) as caught:
        natfit.fit("normal", x)
    assert all(word in str(caught.value) for word in words)


def test_the_function_refuses_unknown_options():
    with pytest.raises(TypeError, match="maxiter"):
        natfit.fit("normal", [1.0, 2.0], maxiter=3)


@pytest.mark.parametrize("value", [0.1, 3.0, -1e8])
@pytest.mark.parametrize("name", ["normal", "student_t", "gamma"])
def test_constant_data(name, value):
    x = np.full((10, 1), abs(value) if name == "gamma" else value)
    words = ["must not be constant", f"10 rows equal to {x[0, 0]:g}", "remove the column"]
    refuse(NaturalMLE(name), x, words=words)
    refuse(NaturalMLE(name), x, words=words[:1], sample_weight=np.arange(1.0, 11.0))
    # One column of several, and rows that differ only where they count for nothing.
    refuse(NaturalMLE(name), np.hstack([sample(name, 10), x]), words=words)
    weight = np.ones(10)
    x[4] += 1.0
    weight[4] = 0.0
    refuse(NaturalMLE(name), x, words=["9 rows equal to"], sample_weight=weight)


def test_constant_data_in_several_dimensions():
    X = np.random.default_rng(1).normal(size=(10, 3))
    X[:, 1] = 0.1
    for kind in ("full", "diag"):
        words = ["no constant column", "[1]", "10 equal rows", "drop them"]
        refuse(NaturalGaussianMLE(kind), X, words=words)
    # One variance for all columns has a maximum unless all are constant.
    assert NaturalGaussianMLE("spherical").fit(X).status_ == "converged"
    refuse(NaturalGaussianMLE("spherical"), np.full((10, 3), 0.1), words=["[0, 1, 2]"])


def test_constant_data_where_they_are_no_harm():
    for name, value in (("exponential", 2.0), ("poisson", 3.0)):
        model = NaturalMLE(name).fit(np.full((10, 1), value))
        assert model.status_ == "converged"
    refuse(NaturalMLE("exponential"), np.zeros((10, 1)), words=["all zero", "10 rows", "remove"])


OUTSIDE = [
    ("gamma", -1.0, "> 0"),
    ("gamma", 0.0, "> 0"),
    ("exponential", -1e-300, ">= 0"),
    ("poisson", -1.0, "whole numbers >= 0"),
    ("poisson", 2.5, "whole numbers >= 0"),
    ("bernoulli", 0.5, "whole numbers with 0 <= y <= 1"),
    ("bernoulli", 2.0, "whole numbers with 0 <= y <= 1"),
    ("bernoulli", -1.0, "whole numbers with 0 <= y <= 1"),
]


@pytest.mark.parametrize("name, value, rule", OUTSIDE)
def test_outside_the_support(name, value, rule):
    x = sample(name, 30)
    x[7] = value
    words = ["y must be", rule, name.capitalize(), f"got {value}", "row 7", "remove or correct"]
    refuse(NaturalMLE(name), x, words=words)
    refuse(NaturalMLE(name), np.hstack([sample(name, 30), x]), words=words)
    with pytest.raises(ValueError, match="row 7"):
        natfit.fit(name, x[:, 0])


def test_outside_the_support_of_a_users_density():
    family = from_log_prob(
        lambda y, rate: anp.log(rate) - rate * y,
        {"rate": Positive()},
        support="positive",
        name="waiting",
    )
    refuse(NaturalMLE(family), [[1.0], [-2.0], [3.0]], words=["> 0 for waiting", "-2.0 at row 1"])


def test_data_too_large_for_sums():
    refuse(NaturalMLE(), [[1e200], [2e200], [3e200]], words=["X", "3e+200", "divide X by"])


# ---------------------------------------------------------------------------------- weights


def weights(**changes):
    weight = np.ones(20)
    for row, value in changes.items():
        weight[int(row[1:])] = value
    return weight


WEIGHTS = [
    (weights(r3=-1.0), ["sample_weight must be >= 0", "-1 at row 3"]),
    (weights(r3=np.nan), ["sample_weight must be finite", "nan at row 3"]),
    (weights(r3=np.inf), ["sample_weight must be finite", "inf at row 3"]),
    (np.zeros(20), ["sample_weight must have a positive sum", "all zeros"]),
    (0.0, ["sample_weight must have a positive sum", "all zeros"]),
    (-1.0, ["sample_weight must be >= 0", "-1"]),
    (np.ones(19), ["sample_weight.shape == (19,)", "expected (20,)", "one weight per row"]),
    (np.ones((20, 1)), ["Sample weights must be 1D array or scalar"]),
    (["a"] * 20, ["sample_weight must be numeric"]),
    (np.ones(20) + 0j, ["sample_weight must be numeric", "complex"]),
]


@pytest.mark.parametrize("weight, words", WEIGHTS, ids=lambda v: str(np.shape(v)))
@pytest.mark.parametrize("name", ["normal", "gamma", "student_t"])
def test_weights(name, weight, words):
    x = sample(name, 20)
    refuse(NaturalMLE(name), x, words=words, sample_weight=weight)
    with pytest.raises(ValueError) as caught:
        natfit.fit(name, x[:, 0], sample_weight=weight)
    assert all(word in str(caught.value) for word in words)
    if name == "normal":
        refuse(NaturalGaussianMLE(), np.hstack([x, x**2]), words=words, sample_weight=weight)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -5.0])
@pytest.mark.parametrize("name", FAMILIES)
def test_rows_of_weight_zero_are_dropped_whatever_they_hold(name, bad):
    """Their values are not read: NaN, infinity and values outside the support raise no error."""
    x, weight = sample(name, 200), np.ones(200)
    x[::10], weight[::10] = bad, 0.0
    kept = weight > 0
    model, plain = (NaturalMLE(name).fit(x, sample_weight=weight), NaturalMLE(name).fit(x[kept]))
    assert model.n_obs_ == kept.sum()
    assert_params(model.params_, plain.params_, rtol=1e-9)
    assert_params(model.standard_errors_, plain.standard_errors_, rtol=1e-9)


def test_rows_of_weight_zero_are_dropped_in_several_dimensions():
    X, weight = np.random.default_rng(2).normal(size=(50, 2)), np.ones(50)
    X[5, 1], weight[5] = np.nan, 0.0
    model = NaturalGaussianMLE().fit(X, sample_weight=weight)
    np.testing.assert_allclose(model.mean_, X[weight > 0].mean(axis=0), rtol=1e-9)


# ---------------------------------------------------------------------------------- options

#: Option, value, error, words of the message.
OPTIONS = [
    ("distribution", "norml", ValueError, ["one of", "'norml'", "did you mean 'normal'"]),
    ("distribution", "", ValueError, ["one of", "student_t", "''"]),
    ("distribution", 3, TypeError, ["string or a Distribution", "got int", "student_t"]),
    ("distribution", None, TypeError, ["string or a Distribution", "NoneType"]),
    ("metric", "exat", ValueError, ["one of", "'exat'", "did you mean 'exact'"]),
    ("metric", 3, TypeError, ["string or a Metric", "got int", "monte_carlo"]),
    ("metric", steps.KLStep(), TypeError, ["string or a Metric", "KLStep"]),
    ("solver", "lu", ValueError, ["one of", "'lu'", "cholesky"]),
    ("solver", None, TypeError, ["string or a Solver", "NoneType"]),
    ("step", "kll", ValueError, ["one of", "'kll'", "did you mean 'kl'"]),
    ("step", 0.1, TypeError, ["string or a Step", "float", "backtracking"]),
    ("damping", "lm", ValueError, ["one of", "'lm'", "levenberg"]),
    ("damping", -1, ValueError, ["> 0", "-1", "1e-3"]),
    ("damping", 0.0, ValueError, ["> 0", "0.0", "1e-3"]),
    ("damping", np.nan, ValueError, ["> 0", "nan"]),
    ("damping", True, TypeError, ["string or a Damping", "bool"]),
    ("coordinates", "natural", ValueError, ["one of", "'natural'", "expectation"]),
    ("coordinates", 2, TypeError, ["string or a Coordinates", "int"]),
    ("tol", -1, ValueError, [">= 0", "-1", "1e-5"]),
    ("tol", np.nan, ValueError, [">= 0", "nan"]),
    ("tol", "small", TypeError, ["a number >= 0", "'small'"]),
    ("tol", None, TypeError, ["a number >= 0", "None"]),
    ("max_iter", 0, ValueError, [">= 1", "0", "100"]),
    ("max_iter", 2.5, TypeError, ["an integer >= 1", "2.5"]),
    ("max_iter", True, TypeError, ["an integer >= 1", "True"]),
    ("warm_start", "yes", ValueError, ["True or False", "'yes'"]),
    ("warm_start", 1, ValueError, ["True or False", "1"]),
    ("random_state", "a", ValueError, ["None, an int >= 0", "Generator", "'a'"]),
    ("random_state", -1, ValueError, ["None, an int >= 0", "-1"]),
    ("random_state", 1.5, ValueError, ["None, an int >= 0", "1.5"]),
    ("start_params", {"loc": 0.0, "scale": 1.0, "df": 2.0}, ValueError, ["'df'"]),
    ("start_params", {"df": 0.0}, ValueError, ["'df'", "['loc', 'scale']"]),
    ("start_params", {"scal": 1.0}, ValueError, ["'scal'", "did you mean 'scale'"]),
    ("start_params", {"scale": -1.0}, ValueError, ["scale", "Positive", "-1.0"]),
    ("start_params", {"scale": [1.0, 2.0, 3.0]}, ValueError, ["scale", "(3,)"]),
    ("start_params", {"loc": 0.0, "scale": -1.0}, ValueError, ["scale", "Positive", "-1.0"]),
    ("start_params", {"loc": 0.0, "scale": 0.0}, ValueError, ["scale", "Positive", "0.0"]),
    ("start_params", {"loc": np.nan, "scale": 1.0}, ValueError, ["loc", "nan"]),
    ("start_params", {"loc": "a", "scale": 1.0}, ValueError, ["'a'"]),
    ("start_params", [1.0, 2.0, 3.0], ValueError, ["2 finite", "(3,)"]),
    ("start_params", [np.nan, 0.0], ValueError, ["2 finite"]),
    ("start_params", "a", ValueError, ["'a'"]),
]


@pytest.mark.parametrize("option, value, error, words", OPTIONS, ids=lambda v: repr(v)[:30])
def test_options(option, value, error, words):
    x = sample("normal", 20)
    refuse(NaturalMLE(**{option: value}), x, error, [option, *words])
    if option != "distribution":
        refuse(NaturalGaussianMLE(**{option: value}), x, error, [option, *words])
        with pytest.raises(error):
            natfit.fit("normal", x[:, 0], **{option: value})


@pytest.mark.parametrize("value", ["tied", None, 3])
def test_covariance_type(value):
    words = ["covariance_type must be one of", "spherical", repr(value)]
    for columns in (1, 2):
        refuse(NaturalGaussianMLE(value), sample("normal", 20, columns=columns), words=words)


#: Component, its nested option, value, error.
NESTED = [
    (steps.KLStep, "step__epsilon", -1, ValueError),
    (steps.KLStep, "step__epsilon", 0, ValueError),
    (steps.KLStep, "step__epsilon", np.nan, ValueError),
    (steps.KLStep, "step__epsilon", "a", TypeError),
    (steps.FixedStep, "step__length", -1, ValueError),
    (steps.FixedStep, "step__length", np.inf, ValueError),
    (steps.BacktrackingStep, "step__epsilon", -1, ValueError),
    (steps.BacktrackingStep, "step__armijo", 1, ValueError),
    (steps.BacktrackingStep, "step__shrink", 0, ValueError),
    (steps.BacktrackingStep, "step__kl_slack", 0.5, ValueError),
    (steps.BacktrackingStep, "step__adaptive", "no", ValueError),
    (steps.ExactLineSearch, "step__tol", -1, ValueError),
    (steps.ExactLineSearch, "step__longest", 0, ValueError),
    (MonteCarloFisher, "metric__n_draws", 0, ValueError),
    (MonteCarloFisher, "metric__n_draws", 1.5, TypeError),
    (MonteCarloFisher, "metric__n_draws", True, TypeError),
    (MonteCarloFisher, "metric__per", "col", ValueError),
    (CGSolver, "solver__tol", -1, ValueError),
    (CGSolver, "solver__max_iter", 0, ValueError),
    (CGSolver, "solver__precondition", "no", ValueError),
    (CholeskySolver, "solver__rcond", -1, ValueError),
    (CholeskySolver, "solver__rcond", "a", TypeError),
    (FixedDamping, "damping__strength", -1, ValueError),
    (RelativeDamping, "damping__strength", 0, ValueError),
    (LevenbergDamping, "damping__initial", 0, ValueError),
    (LevenbergDamping, "damping__factor", 1, ValueError),
    (LevenbergDamping, "damping__floor", -1, ValueError),
]


@pytest.mark.parametrize("component, option, value, error", NESTED, ids=repr)
def test_nested_options(component, option, value, error):
    kind = option.split("__")[0]
    model = NaturalMLE(**{kind: component()}, random_state=0).set_params(**{option: value})
    refuse(model, sample("normal", 20), error, [option, repr(value)])


def test_nested_options_that_do_not_exist():
    with pytest.raises(ValueError, match="Invalid parameter 'eps' for estimator KLStep.*epsilon"):
        NaturalMLE(step=steps.KLStep()).set_params(step__eps=1.0)
    with pytest.raises(ValueError, match="Invalid parameter 'steps' for estimator NaturalMLE"):
        NaturalMLE().set_params(steps="kl")
    with pytest.raises(TypeError, match="steps"):
        NaturalMLE(steps="kl")


# ------------------------------------------------------------------------- a user's log_prob


def waiting(y, rate):
    return anp.log(rate) - rate * y


def assigned(y, rate):
    out = anp.log(rate) - rate * y
    out[0] = 0.0
    return out


def assigned_elsewhere(y, rate):
    out = np.zeros(len(y))
    out[:] = anp.log(rate) - rate * y
    return out


FUNCTIONS = {
    "nan": (lambda y, rate: waiting(y, rate) * np.nan, ["finite", "nan at row 0", "y = "]),
    "one nan": (
        lambda y, rate: anp.where(np.arange(len(y)) == 5, np.nan, waiting(y, rate)),
        ["finite", "nan at row 5", "y = "],
    ),
    "infinite": (lambda y, rate: waiting(y, rate) - np.inf, ["finite", "-inf at row 0"]),
    "sum": (lambda y, rate: anp.sum(waiting(y, rate)), ["one number per row", "(50,)", "()"]),
    "column": (lambda y, rate: waiting(y, rate)[:, None], ["one number per row", "(50, 1)"]),
    "short": (lambda y, rate: waiting(y, rate)[1:], ["one number per row", "(49,)"]),
    "nothing": (lambda y, rate: None, ["one number per row", "()"]),
    "float": (lambda y, rate: anp.log(float(anp.sum(rate))) - y, ["differentiable", "float()"]),
    "items": (assigned, ["differentiable", "item assignment", "autograd.numpy"]),
    "items of numpy's": (assigned_elsewhere, ["differentiable", "autograd.numpy"]),
    "derivative": (
        lambda y, rate: waiting(y, rate) + anp.sqrt(0.0 * rate),
        ["finite derivative", "nan", "row 0"],
    ),
}


@pytest.mark.parametrize("start", [None, {"rate": 1.0}])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_users_log_prob(name, start):
    """The same rules hold with the family's own start and with a given one."""
    log_prob, words = FUNCTIONS[name]
    family = from_log_prob(log_prob, {"rate": Positive()}, support="non_negative", name="mine")
    model = NaturalMLE(family, start_params=start, metric="observed")
    refuse(model, sample("exponential", 50), words=["log_prob must", "from mine", *words])


def test_a_users_log_prob_is_checked_at_a_warm_start():
    state = {"finite": True}

    def moody(y, rate):
        return waiting(y, rate) if state["finite"] else waiting(y, rate) * np.nan

    family = from_log_prob(moody, {"rate": Positive()}, support="non_negative")
    x = sample("exponential", 50)
    model = NaturalMLE(family, warm_start=True).fit(x)
    score = model.score(x)
    state["finite"] = False
    with refused(model, ValueError, "finite", "nan"):
        model.fit(x)
    state["finite"] = True
    assert model.score(x) == score


def test_errors_of_a_users_log_prob_pass_through():
    def broken(y, rate):
        raise ZeroDivisionError("my own mistake")

    family = from_log_prob(broken, {"rate": Positive()})
    refuse(NaturalMLE(family), sample("exponential", 20), ZeroDivisionError, ["my own mistake"])


def test_a_region_of_nan_is_not_entered():
    """Beyond rate = 0.25 the density is NaN; the optimum is at 0.29 or so."""
    x = sample("exponential", 50, 70) / 2.0
    assert 1 / x.mean() > 0.25

    def half(y, rate):
        return waiting(y, rate) + 0.0 * anp.sqrt(0.25 - rate)

    family = from_log_prob(half, {"rate": Positive()}, support="non_negative")
    model = NaturalMLE(family, metric="observed", start_params={"rate": 0.1})
    with np.errstate(all="ignore"), pytest.warns(ConvergenceWarning) as caught:
        model.fit(x)
    assert 0.1 < model.params_["rate"][0] <= 0.25
    assert str(model.status_) in ("no_descent", "max_iter")
    assert model.message_ in str(caught[0].message)


PARTS = [
    ({"sample": lambda rng, n, rate: np.ones(n + 1)}, "monte_carlo", ["sample", "(1000,)", "1001"]),
    ({"fisher": lambda rate: np.ones((2, 2))}, "exact", ["fisher", "(1, 1)", "['rate']"]),
    ({"fisher": lambda rate: np.full((1, 1), np.nan)}, "exact", ["fisher", "finite", "nan"]),
    ({"initial": lambda y, weight: {"lam": 1.0}}, "observed", ["['rate']", "['lam']"]),
    ({"initial": lambda y, weight: {"rate": -1.0}}, "observed", ["rate", "Positive", "-1.0"]),
]


@pytest.mark.parametrize("part, metric, words", PARTS, ids=lambda v: repr(v)[:12])
def test_a_users_other_functions(part, metric, words):
    family = from_log_prob(waiting, {"rate": Positive()}, **part)
    refuse(
        NaturalMLE(family, metric=metric, random_state=0), sample("exponential", 50), words=words
    )


ARGUMENTS = [
    ({"log_prob": 3}, TypeError, "log_prob must be a function, got 3"),
    ({"params": {}}, ValueError, "params must be a dict"),
    ({"params": None}, ValueError, "params must be a dict.*None"),
    ({"params": {"rate": 3.0}}, ValueError, r"params\['rate'\] must be a constraint.*3.0"),
    ({"params": {"rate": Positive}}, ValueError, r"params\['rate'\] must be a constraint"),
    ({"params": {"a": Real(), "b": Real()}}, ValueError, r"log_prob\(y, a, b\).*\(y, rate\)"),
    ({"sample": 3}, TypeError, "sample must be a function or None, got 3"),
    ({"fisher": 3}, TypeError, "fisher must be a function or None, got 3"),
    ({"initial": "x"}, TypeError, "initial must be a function or None, got 'x'"),
    ({"support": "wide"}, ValueError, "support must be one of.*'wide'"),
    ({"support": 3}, ValueError, "support must be.*3"),
    ({"event_ndim": 2}, ValueError, "event_ndim must be 0 or 1, got 2"),
]


@pytest.mark.parametrize("change, error, message", ARGUMENTS, ids=lambda v: repr(v)[:25])
def test_arguments_of_from_log_prob(change, error, message):
    with pytest.raises(error, match=message):
        from_log_prob(**{"log_prob": waiting, "params": {"rate": Positive()}, **change})


# ----------------------------------------------------------------- nothing half-fitted remains


def fitted(name="student_t"):
    x = sample(name, 200, 71)
    return NaturalMLE(name).fit(x), x


BAD_FITS = [
    ({}, {"X": np.full((5, 1), np.nan)}),
    ({}, {"X": np.ones((5, 1))}),
    ({}, {"X": np.ones((5, 3, 2))}),
    ({}, {"X": np.arange(5.0)[:, None], "sample_weight": -np.ones(5)}),
    ({"metric": "no such"}, {"X": np.arange(5.0)[:, None]}),
    ({"step": steps.KLStep(-1)}, {"X": np.arange(5.0)[:, None]}),
    ({"metric": MonteCarloFisher(0)}, {"X": np.arange(5.0)[:, None]}),
    ({"distribution": "gamma"}, {"X": -np.ones((5, 2))}),
    ({"coordinates": "expectation"}, {"X": np.arange(5.0)[:, None]}),
]


@pytest.mark.parametrize("changes, data", BAD_FITS, ids=lambda v: repr(v)[:40])
def test_a_failed_refit_keeps_the_old_fit(changes, data):
    model, x = fitted()
    score, errors = model.score(x), model.standard_errors_
    model.set_params(**changes)
    with refused(model, ValueError):
        model.fit(**data)
    assert model.score(x) == score
    assert model.standard_errors_ == errors
    assert model.sample(3, random_state=0).shape == (3, 1)
    model.set_params(distribution="student_t", metric="auto", step="backtracking")
    model.set_params(coordinates="unconstrained")
    assert model.fit(x).score(x) == score


def test_a_failed_second_column_leaves_nothing():
    model = NaturalMLE("gamma")
    bad = np.hstack([sample("gamma", 20), -sample("gamma", 20)])
    with refused(model, ValueError, "row 0"):
        model.fit(bad)
    model.fit(sample("gamma", 20))
    with refused(model, ValueError, "row 0"):
        model.fit(bad)
    assert model.n_features_in_ == 1


def test_names_of_columns_are_kept_by_a_failed_refit():
    pd = pytest.importorskip("pandas")
    good = pd.DataFrame({"a": [1.0, 2.0, 4.0]})
    model = NaturalMLE().fit(good)
    with refused(model, ValueError):
        model.fit(pd.DataFrame({"b": [1.0, 1.0, 1.0]}))
    assert list(model.feature_names_in_) == ["a"]
    assert np.isfinite(model.score(good))


class Interrupting:
    """A density that raises KeyboardInterrupt at its n-th evaluation."""

    def __init__(self):
        self.left = np.inf

    def __call__(self, y, rate):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return waiting(y, rate)


@pytest.mark.parametrize("evaluations", [0, 3, 8, 12])
def test_an_interrupt_inside_the_density(evaluations):
    log_prob = Interrupting()
    family = from_log_prob(log_prob, {"rate": Positive()}, initial=lambda y, weight: {"rate": 5.0})
    x = sample("exponential", 50)
    model = NaturalMLE(family, metric="observed")
    log_prob.left = evaluations
    with refused(model, KeyboardInterrupt):
        model.fit(x)
    log_prob.left = np.inf
    rate = model.fit(x).params_["rate"]
    log_prob.left = evaluations
    with refused(model, KeyboardInterrupt):
        model.fit(2.0 * x)
    log_prob.left = np.inf
    assert model.params_["rate"] is rate
    assert np.isfinite(model.score(x))
    # A fit after the interrupt is as one without.
    np.testing.assert_allclose(model.fit(2.0 * x).params_["rate"], rate / 2.0, rtol=1e-5)


class InterruptAt:
    """A callback that raises KeyboardInterrupt at the end of its n-th iteration."""

    def __init__(self, at):
        self.at, self.seen = at, 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.seen += context.parent is not None
        if self.seen == self.at:
            raise KeyboardInterrupt


@pytest.mark.parametrize("at", [1, 2])
def test_an_interrupt_inside_a_callback(at):
    model, x = fitted()
    score = model.score(x)
    names, theta = set(vars(model)), model.theta_
    model.set_callbacks(InterruptAt(at))
    with pytest.raises(KeyboardInterrupt):
        model.fit(x + 100.0)
    assert set(vars(model)) - {"_skl_callbacks"} == names
    assert model.theta_ is theta
    assert model.score(x) == score


# --------------------------------------------------------------------------- no convergence

UNFINISHED = [
    ({"max_iter": 1}, "max_iter", ["max_iter=1 was reached", "standard errors", "raise max_iter"]),
    ({"max_iter": 2, "metric": "euclidean"}, "max_iter", ["max_iter=2 was reached"]),
]


@pytest.mark.parametrize("options, status, words", UNFINISHED, ids=lambda v: repr(v)[:30])
def test_no_convergence_warns_and_says_why(options, status, words):
    x = sample("student_t", 200, 71)
    with pytest.warns(ConvergenceWarning) as caught:
        model = NaturalMLE("student_t", **options).fit(x)
    assert len(caught) == 1
    assert model.status_ == status
    for word in words:
        assert word in str(caught[0].message)
        assert word in model.message_
    assert str(caught[0].message).startswith("NaturalMLE: ")
    # What was reached is there to be used.
    assert np.isfinite(model.score(x)) and model.history_["objective"].size == model.n_iter_ + 1


@pytest.mark.parametrize("model", BOTH)
def test_the_warning_points_to_the_line_that_called_fit(model):
    with pytest.warns(ConvergenceWarning) as caught:
        model(max_iter=1, metric="euclidean").fit(sample("normal", 50, 71))
    assert caught[0].filename == __file__


def test_a_boundary_names_the_parameter_and_the_bound():
    x = np.random.default_rng(72).uniform(-1.0, 1.0, size=(200, 1))
    with pytest.warns(ConvergenceWarning, match="df -> inf.*normal distribution.*simpler family"):
        model = NaturalMLE("student_t").fit(x)
    assert model.status_ == "boundary"
    with pytest.warns(ConvergenceWarning, match="column 1: boundary: df -> inf"):
        NaturalMLE("student_t").fit(np.hstack([sample("student_t", 200, 71), x]))
    for name, value, words in (
        ("poisson", 0.0, "rate -> 0"),
        ("bernoulli", 0.0, "prob -> 0"),
        ("bernoulli", 1.0, "prob -> 1"),
    ):
        with pytest.warns(ConvergenceWarning, match=words):
            assert NaturalMLE(name).fit(np.full((10, 1), value)).status_ == "boundary"


def test_a_parameter_that_the_data_do_not_determine_is_named():
    def density(y, a, b):
        return anp.log(a * b) - a * b * y

    family = from_log_prob(density, {"a": Positive(), "b": Positive()}, support="non_negative")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = NaturalMLE(family, metric="observed").fit(sample("exponential", 50))
    texts = [str(w.message) for w in caught if issubclass(w.category, ConvergenceWarning)]
    assert model.status_ == "singular"
    assert any("a, b" in text and "do not determine" in text for text in texts)


def test_what_was_asked_for_gives_no_warning():
    x = sample("student_t", 100, 71)
    assert NaturalMLE("student_t", max_iter=1, tol=0.0).fit(x).status_ == "max_iter"
    assert NaturalMLE("student_t", step="kl", max_iter=1).fit(x).status_ == "max_iter"


def test_a_fit_that_did_not_converge_can_be_continued():
    x = sample("student_t", 100, 71)
    model = NaturalMLE("student_t", max_iter=1, warm_start=True)
    with quiet():
        model.fit(x)
    model.set_params(max_iter=100).fit(x)
    assert model.status_ == "converged"

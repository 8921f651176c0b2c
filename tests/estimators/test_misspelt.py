"""What users write for something else: the message says what to write."""

import inspect

import numpy as np
import pytest
import sklearn
from scipy import stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

import natfit
from natfit import NaturalGaussianMLE, NaturalMLE, steps
from natfit._component import available, component_class
from natfit._validation import check_option, nearest, unknown_name
from natfit.distributions import Normal, Shifted, Truncated
from natfit.distributions.base import Distribution
from natfit.estimators.base import KINDS
from natfit.metrics import MonteCarloFisher

DATA = np.random.default_rng(0).gamma(2.0, 3.0, 50)

KEYWORDS = [
    ("maxiter", "max_iter"),
    ("max_iterations", "max_iter"),
    ("start", "start_params"),
    ("tolerance", "tol"),
    ("bound", "bounds"),
    ("randomstate", "random_state"),
    ("truncate", "truncation"),
    ("Metric", "metric"),
    ("warmstart", "warm_start"),
]


@pytest.mark.parametrize(("written", "meant"), KEYWORDS)
def test_a_misspelt_keyword_is_answered_with_the_one_that_is_meant(written, meant):
    words = f"unexpected keyword argument '{written}'; did you mean '{meant}'"
    for call in (
        lambda: natfit.fit("gamma", DATA, **{written: 1}),
        lambda: NaturalMLE("gamma", **{written: 1}),
    ):
        with pytest.raises(TypeError, match=words) as error:
            call()
        assert "n_jobs" not in str(error.value)


def test_all_names_are_listed_only_where_nothing_is_close():
    with pytest.raises(TypeError, match=r"'qqq'; the names are \['distribution', .*'n_jobs'"):
        NaturalMLE(qqq=1)
    with pytest.raises(ValueError, match=r"distribution must be one of \['bernoulli'.*'qqqq'"):
        natfit.fit("qqqq", DATA)
    for wrong, right in (
        ("gama", "gamma"),
        ("Log-Normal", "lognormal"),
        ("student t", "student_t"),
    ):
        with pytest.raises(ValueError, match=f"did you mean '{right}'") as error:
            natfit.fit(wrong, DATA)
        assert "bernoulli" not in str(error.value)
    # Every name with two letters swapped is found again.
    for name in available(Distribution):
        swapped = name[0] + name[2] + name[1] + name[3:]
        if name[1] != name[2] and swapped not in available(Distribution):
            with pytest.raises(ValueError, match=f"did you mean '{name}'"):
                natfit.fit(swapped, DATA)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"event": [1] * 50}, "Censored.right"),
        ({"event_observed": [1] * 50}, "Censored.right"),
        ({"entry": DATA}, "truncation=\\(entry, None\\)"),
        ({"weights": DATA}, "sample_weight="),
        ({"floc": 0}, "fixed={'loc'"),
        ({"loc": 0}, "Shifted.*fixed={'loc'"),
        ({"scale": 2.0}, "fixed={'scale': value}"),
        ({"fscale": 2.0}, "fixed={'scale': value}"),
        ({"dist": "normal"}, "did you mean 'distribution'"),
        ({"epsilon": 0.1}, r"step=natfit.steps.KLStep\(epsilon="),
        ({"n_draws": 9}, r"metric=natfit.metrics.MonteCarloFisher\(n_draws="),
        ({"step__epsilon": 0.1}, "set_params\\(step__epsilon="),
        ({"start_params": {"shape": "x"}}, "start_params\\['shape'\\] must be .*'x'"),
        ({"step": 0.1}, r"step=natfit.steps.FixedStep\(length=0.1\)"),
        ({"step": steps.FixedStep}, None),
        ({"metric": steps.KLStep()}, "KLStep is a step"),
        ({"step": MonteCarloFisher}, "MonteCarloFisher is a metric"),
        ({"fixed": {"shap": 1.0}}, "fixed must name .* Gamma, got 'shap'; did you mean 'shape'"),
        ({"bounds": {"scle": (1, 2)}}, "bounds must name .*did you mean 'scale'"),
        ({"prior": {"shpe": stats.gamma(2)}}, "prior must name .*did you mean 'shape'"),
        ({"bijectors": {"scal": None}}, "bijectors must name .*did you mean 'scale'"),
        ({"start_params": {"shp": 1.0}}, "start_params must name .*did you mean 'shape'"),
        ({"fixed": {"shape": None}}, "got None; leave 'shape' out of fixed"),
        ({"bounds": {"shape": (1, 1)}}, "for a known value pass fixed={'shape': 1}"),
        ({"n_init": 5}, r"natfit.distributions.Mixture\(family, n, n_init=10\)"),
        (
            {"prior": {"shape": stats.multivariate_normal([0, 0])}},
            "frozen .*; pass a density of one",
        ),
        ({"missing": "dropp"}, "did you mean 'drop'"),
    ],
    ids=lambda v: next(iter(v)) if isinstance(v, dict) else "",
)
def test_an_option_for_something_else(option, words):
    if words is None:
        natfit.fit("gamma", DATA, max_iter=100, **option)
        return
    with pytest.raises((TypeError, ValueError), match=words):
        natfit.fit("gamma", DATA, **option)


@pytest.mark.parametrize(
    ("family", "words"),
    [
        (stats.gamma, "write 'gamma' .*from_scipy\\(stats.gamma, loc=True, scale=True\\)"),
        (stats.gamma(2.0), "write 'gamma' .*stats.gamma.*fixed="),
        (stats.norm, "write 'normal'"),
        (stats.weibull_min, "write 'weibull'"),
        (stats.johnsonsb, "write natfit.distributions.from_scipy\\(stats.johnsonsb"),
        (stats.planck, "from_scipy\\(stats.planck\\)"),
        (lambda y, rate: -rate * y, "from_log_prob\\(log_prob, params\\)"),
        (steps.KLStep(), "KLStep is a step"),
        (("gamma", 2.0), "got tuple"),
    ],
    ids=lambda v: v[:12] if isinstance(v, str) else "family",
)
def test_a_distribution_of_another_kind(family, words):
    with pytest.raises(TypeError, match=f"distribution must be a string .*{words}"):
        natfit.fit(family, DATA)


def test_scipys_own_object_leads_to_the_same_fit():
    from natfit.distributions import from_scipy

    found = natfit.fit(from_scipy(stats.gamma, scale=True), DATA, tol=1e-8).score(DATA)
    assert found == pytest.approx(natfit.fit("gamma", DATA).score(DATA), abs=1e-9)


def test_constructors_and_parameters_of_parts():
    for call, words in (
        (lambda: steps.FixedStep(lenght=0.1), "FixedStep got .*'lenght'; did you mean 'length'"),
        (lambda: Truncated("gamma", lower=1.0), "'lower'; did you mean 'low'"),
        (lambda: Normal(loc=1.0), r"Normal takes no arguments, got \['loc'\]"),
        (lambda: Normal(1.0), r"Normal takes no arguments, got \[1.0\]"),
        (lambda: NaturalGaussianMLE(covariance="full"), "did you mean 'covariance_type'"),
    ):
        with pytest.raises(TypeError, match=words):
            call()
    for call, words in (
        (lambda: NaturalMLE().set_params(maxiter=3), "Invalid parameter 'maxiter' .*'max_iter'"),
        (
            lambda: NaturalMLE().set_params(step__epsilom=1),
            "'epsilom' .*BacktrackingStep.*'epsilon'",
        ),
        (lambda: NaturalMLE().set_params(qqq=1), "valid parameters are .*'n_jobs'"),
        (lambda: GridSearchCV(NaturalMLE(), {"tolerance": [1.0]}).fit(DATA[:, None]), "'tol'"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_the_nearest_name():
    assert nearest("maxiter", ["tol", "max_iter"]) == "max_iter"
    assert nearest("gaussian", ["normal", "gamma"], {"gaussian": "normal"}) == "normal"
    assert nearest("beta_prime", ["beta", "gamma"]) is None
    assert (
        unknown_name("x1", ["a", "b"], "it must be one")
        == "it must be one, got 'x1'; the names are ['a', 'b']"
    )
    with pytest.raises(ValueError, match="got 'hst'; did you mean 'hist'"):
        check_option("hst", "kind", ("hist", "rug"))
    with pytest.raises(ValueError, match=r"kind must be one of \['hist', 'rug'\], got 'xx'"):
        check_option("xx", "kind", ("hist", "rug"))


def _public():
    """Public functions and methods of natfit that take names of their own, by name."""
    for name in natfit.__all__:
        made = getattr(natfit, name)
        if inspect.isfunction(made):
            yield name, made
        elif inspect.isclass(made):
            for key in dir(made):
                function = getattr(made, key)
                own = getattr(function, "__module__", None) or ""
                if not key.startswith("_") and inspect.isroutine(function) and "natfit" in own:
                    yield f"{name}.{key}", function


#: Those that take any keyword, or none that is for users.
_APART = {"fit", "NaturalPolicyEstimator.preset", "Censored.of", "Censored.of_rows"}
_APART |= {"Censored.within", "natural_gradient", "NaturalPolicyEstimator.predict_proba"}
# What natfit asks of sources of rows.
_APART |= {f"Stream.{name}" for name in dir(natfit.Stream) if not name.startswith("_")}
CALLS = {name: f for name, f in _public() if name not in _APART and "set_" not in name}


@pytest.mark.parametrize("name", CALLS)
def test_every_public_function_answers_a_misspelt_keyword(name):
    function = CALLS[name]
    taken = [p for p in inspect.signature(function).parameters if p != "self"]
    for keyword in taken:
        if len(keyword) < 3:
            continue  # One letter is not misspelt, but another name.
        with pytest.raises(TypeError, match=f"'{keyword}x'; did you mean '{keyword}'"):
            function(**{f"{keyword}x": 1})


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m.fit(DATA, weights=DATA), "NaturalMLE.fit got .*'weights'.*'sample_weight'"),
        (lambda m: m.score(DATA, weights=DATA), "score got .*'weights'; .*'sample_weight'"),
        (lambda m: m.cov_params(type="robust"), "cov_params got .*'type'; did you mean 'cov_type'"),
        (lambda m: m.sample(size=3), r"sample got .*'size'; the names are \['n_samples', 'random"),
        (lambda m: natfit.Censored.right(DATA, events=DATA), "right got .*did you mean 'event'"),
        (lambda m: natfit.Censored(DATA, uper=DATA), "Censored got .*did you mean 'upper'"),
        (lambda m: natfit.minimize(abs, DATA, tolerance=1.0), "minimize got .*did you mean 'tol'"),
        (lambda m: natfit.power_law_tail(DATA, xmn=1.0), "power_law_tail got .*'xmin'"),
    ],
)
def test_keywords_of_other_packages(call, words):
    with pytest.raises(TypeError, match=words):
        call(natfit.fit("exponential", DATA))


def test_the_check_of_keywords_leaves_signatures_and_routing():
    """scikit-learn reads the signature of a method to know which metadata it takes."""
    with sklearn.config_context(enable_metadata_routing=True):
        model = NaturalMLE().set_fit_request(sample_weight=True)
        routed = model.set_score_request(sample_weight=True).get_metadata_routing()
    assert routed.fit.requests == routed.score.requests == {"sample_weight": True}
    assert list(inspect.signature(NaturalMLE.fit).parameters) == ["self", "X", "y", "sample_weight"]


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ([1.0], r"1 sample\(s\).*; pass the data of at least two rows"),
        ([], r"0 sample\(s\).*; pass the data of at least two rows"),
        (3.0, "one number determines no distribution"),
        (np.ones((2, 2, 2)), r"got shape \(2, 2, 2\); make it rows by X.reshape"),
    ],
    ids=["one", "none", "scalar", "cube"],
)
def test_data_of_another_shape_are_answered_with_what_to_pass(x, words):
    with pytest.raises(ValueError, match=words):
        natfit.fit("exponential", x)


@pytest.mark.parametrize("start", [{"shape": 1e300}, {"scale": 1e-300}], ids=str)
def test_a_start_far_out_of_range_is_not_said_to_be_a_wrong_gradient(start):
    with pytest.warns(sklearn.exceptions.ConvergenceWarning, match="start values near") as said:
        natfit.fit("gamma", DATA, start_params=start)
    assert "gradient belongs" not in str(said[0].message)


@pytest.mark.parametrize("kind", ["metric", "solver", "step", "damping", "distribution"])
def test_an_option_of_a_component_names_the_component(kind):
    """Every option of every component, given to the estimator beside the component's name."""
    base = KINDS[kind]
    for name in available(base):
        taken = {"family", "weights", "entry", *inspect.signature(NaturalMLE).parameters}
        options = inspect.signature(component_class(name, base)).parameters
        for option in (
            set(options) - taken - {"args", "kwargs", "families", "n_components", "n_init"}
        ):
            told = {"distribution": "gamma", kind: name, option: 1}
            with pytest.raises(TypeError, match=rf"{kind}=natfit\..*\({option}=\.\.\.\)"):
                NaturalMLE(**told)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"gamma": 0.9}, "pass discount="),
        ({"hidden": (8,)}, r"policy=natfit.models.MLP\(hidden="),
        ({"max_itr": 3}, "did you mean 'max_iter'"),
    ],
    ids=str,
)
def test_an_option_of_policies_for_something_else(option, words):
    with pytest.raises(TypeError, match=words):
        natfit.NaturalPolicyEstimator("cartpole", **option)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: natfit.fit(Truncated("gamma", (1, 90)), DATA), r"Truncated\('gamma', 1, 90\)"),
        (
            lambda: natfit.fit(Shifted("weibull"), DATA, fixed={"loc": 90.0}),
            "fixed, bounds and the prior must give a finite likelihood, and row 0",
        ),
        (
            lambda: natfit.fit(Shifted("weibull"), DATA, bounds={"loc": (90.0, None)}),
            "fixed, bounds and the prior must give a finite likelihood, and row 0",
        ),
    ],
    ids=["window", "fixed", "bounds"],
)
def test_what_cannot_be_is_said_in_terms_of_what_was_given(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_the_message_of_one_column_names_the_others_that_did_not_converge():
    columns = np.column_stack(
        [np.linspace(-1, 1, 40)] * 2 + [stats.t(3).ppf(np.arange(1, 41) / 41)]
    )
    with pytest.warns(ConvergenceWarning, match="statuses_ of other columns: column 1 boundary$"):
        NaturalMLE("student_t").fit(columns)

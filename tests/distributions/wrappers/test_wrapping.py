"""Wrappers nest, and refuse families that they cannot wrap."""

import numpy as np
import pytest
from scipy import stats

import natfit
from natfit import testing
from natfit._component import available, component_class, resolve
from natfit.distributions import (
    Bounded,
    CensoredFamily,
    Constrained,
    Fixed,
    Hurdle,
    Normal,
    Positive,
    Scaled,
    Shifted,
    Truncated,
    ZeroInflated,
    from_scipy,
)
from natfit.distributions.base import Distribution
from natfit.distributions.contract.facts import Facts
from natfit.distributions.contract.verdicts import Verdicts
from natfit.distributions.wrappers._mapped import Mapped
from natfit.distributions.wrappers.base import Wrapper
from natfit.rows import Memory

DAYS = [143, 164, 188, 188, 190, 192, 206, 209, 213, 216, 220, 227, 230, 234, 246, 265, 304]
DAYS = np.array([*DAYS, 216, 244], dtype=float)


@pytest.mark.parametrize(
    ("family", "words"),
    [
        (Shifted("normal"), "density on the positive numbers without a location"),
        (Shifted("exponential"), "loc is the smallest row"),
        (Shifted("generalized_pareto"), "loc is the smallest row; subtract it"),
        (Shifted("poisson"), "needs a univariate density"),
        (Scaled("beta"), "support without an upper end"),
        (Truncated("categorical"), "univariate family with a distribution function"),
        (Truncated("gamma", -3.0, -1.0), "overlap the support of Gamma"),
        (Truncated("gamma", 3.0, 1.0), "low < high"),
        (Scaled(Truncated()), "Scaled needs a density that autograd can differentiate, and"),
        (
            Shifted(from_scipy(stats.nakagami, loc=True)),
            "on the positive numbers without a location",
        ),
        (Fixed("gamma", {"k": 1.0}), r"fixed must name some of \['shape', 'scale'\], got"),
        (Fixed("gamma", {"shape": 1.0, "scale": 1.0}), "fixed must leave a parameter to fit"),
        (Bounded("gamma", {"k": (0, 1)}), r"bounds must name some of \['shape', 'scale'\]"),
        (Constrained("gamma", {"k": Positive()}), "bijectors must map names of"),
        (CensoredFamily(from_scipy(stats.nakagami, scale=True)), None),
        (CensoredFamily("multivariate_normal"), "censored data need a univariate family"),
    ],
)
def test_families_that_cannot_be_wrapped(family, words):
    if words is None:
        assert natfit.fit(family, DAYS).status_.good
        return
    with pytest.raises(ValueError, match=words):
        natfit.fit(family, DAYS)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fixed", r"values must give .* of Fixed by name, got None; pass Fixed\('normal'"),
        ("bounded", r"bounds must give .* of Bounded by name, got None; pass Bounded\('normal'"),
        ("constrained", r"bijectors must give .* by name, got None; pass Constrained\("),
    ],
)
def test_a_string_without_arguments_says_what_to_write(name, words):
    assert isinstance(resolve(name, Distribution), Mapped)
    with pytest.raises(ValueError, match=words):
        natfit.fit(name, DAYS)


@pytest.mark.parametrize("inner", ["gev", "generalized_pareto", Shifted("weibull")])
def test_no_wrapper_has_a_divergence_where_the_support_moves(inner):
    """It is infinite in one direction: a step that keeps to a radius could not move the end."""
    made = 0
    options = {"fixed": {"values": {"shape": 0.5}}, "bounded": {"bounds": {"shape": (0.1, 2.0)}}}
    for name in available(Distribution):
        cls = component_class(name, Distribution)
        if issubclass(cls, Wrapper) or name == "mixture":
            given = {"components": [inner, inner]} if name == "mixture" else {"family": inner}
            try:
                family = cls(**given, **options.get(name, {}))
                family.bind(Memory(DAYS))
            except ValueError:
                continue
            assert not family.has_kl, family
            made += 1
    assert made > 4


def test_a_message_names_the_family_that_was_asked_for():
    with pytest.raises(ValueError, match="for Shifted truncated to its window, got 265.0 at row"):
        natfit.fit(Truncated(Shifted("weibull"), 0.0, 250.0), DAYS)


def test_fixed_inside_another_wrapper():
    """Wrappers nest: a truncated gamma of known shape is a truncated gamma with shape fixed."""
    y = np.random.default_rng(0).gamma(2.0, 3.0, 300)
    y = y[y > 2]
    inside = natfit.fit(Truncated(Fixed("gamma", {"shape": 2.0}), 2.0), y, tol=1e-8)
    outside = natfit.fit("gamma", y, truncation=(2, None), fixed={"shape": 2.0}, tol=1e-8)
    assert inside.params_["scale"][0] == pytest.approx(outside.params_["scale"][0], rel=1e-7)


#: What every wrapper must answer for itself or derive from what it answers: rows and their
#: derivatives, the parameter blocks, what is had from them by expectation, and the registry.
DERIVED = {
    *("log_prob", "log_density", "score", "log_prob_and_score", "observed", "kinks"),
    *("sum_value_and_score", "sum_observed", "fisher", "kl", "has_kl", "expectation"),
    *(
        "n_params",
        "blocks",
        "native",
        "native_dict",
        "eta",
        "eta_names",
        "limits",
        "cut_together",
        "row_limits",
    ),
    *("entropy", "entropy_and_grad", "has_entropy", "mode", "has_mode", "log_cdf", "log_sf"),
    *("sample", "to_scipy", "counterpart", "expectation_coordinates", "known_support", "widths"),
    *("information", "quantile_formula", "moments"),
    *(
        "params",
        "roles",
        "support",
        "support_at",
        "zero_ends",
        "initial",
        "check_start",
        "refine_start",
    ),
    *("nested_start", "no_maximum", "limit_at", "regular", "check", "check_degenerate"),
    "unnormalised",
    *("bounded", "sufficient", "sum_terms", "summary_proves_support", "examples"),
    *("interval_moments", "velocity", "kink_sum", "starts", "alike", "collapsed"),
    *("limit_members", "has_limit_members", "knows_limits"),
    *("curvature", "observed_curvature", "fisher_by_rows", "kl_by_rows", "driven", "one_mean"),
    # A typical value is the mode, if there is one.
    *("typical", "has_typical"),
}
#: A fit is not compared early with the inner family's nested optimum: it need not be this one's.
#: Wrappers derive velocities from the inner family's, so that they differentiate no tails. Which
#: parameters a family holds at a row is decided for its own rows; intervals and a location ask the
#: family inside for theirs.
NOT_PASSED_ON = {
    *("compare_after", "smooth_tails", "stretches", "held", "held_coordinates", "note"),
    *("completed", "located", "ordered"),
    # A family with the same y passes on its groups; one with another y has none.
    *("n_groups", "responsibilities", "interval_responsibilities", "starved"),
    # So it is with how summaries of parts of the data are joined.
    *("joined_summaries", "tabulated"),
    # Families inside a wrapper are asked themselves what represents the rows.
    "of_rows",
    # A penalty that treats classes alike belongs to families of classes, which no wrapper takes;
    # where checks take their points depends on the parameters of the wrapper.
    *("contrast", "usual", "concave"),
}


def test_what_a_distribution_answers_is_passed_on_or_derived():
    """A new public name of Distribution must be decided on here, in one place."""
    own = {n for c in (Distribution, Facts, Verdicts) for n in vars(c) if not n.startswith("_")}
    passed = {n for c in (Wrapper,) for n in vars(c) if not n.startswith("_")}
    assert own - passed - DERIVED == NOT_PASSED_ON


def test_a_mapped_family_has_what_the_family_has():
    """Same density, fewer parameters: everything but the coordinates is the inner family's."""
    family, eta = Fixed("normal", {"loc": 3.0}), np.array([0.5])
    inner, full = Normal(), np.array([3.0, 0.5])
    assert family.mode(eta[None]) == 3.0
    value, slope = family.entropy_and_grad(eta[None])
    assert value == pytest.approx(inner.entropy(full[None]))
    np.testing.assert_allclose(slope, [[1.0]], rtol=1e-12)
    assert family.counterpart(eta).std() == pytest.approx(np.exp(0.5))
    rule = family.expectation(eta)
    assert rule.weight @ rule.y == pytest.approx(3.0)
    assert not Truncated("normal").has_mode
    assert not Truncated("normal").has_entropy


@pytest.mark.parametrize("kind", [ZeroInflated, Hurdle])
@pytest.mark.parametrize(
    "inner",
    [Fixed("negative_binomial", {"n": 2.0}), Truncated("poisson", 0.0, 30.0)],
    ids=["fixed", "truncated"],
)
def test_zeros_may_be_altered_in_a_wrapped_family(kind, inner):
    family = kind(inner)
    testing.check_distribution(family)
    y = family.sample(np.array([[0.4, 1.0]]), np.random.default_rng(0), 4_000)
    model = natfit.fit(family, y)
    assert model.status_ == "converged"
    true = family.native_dict(np.array([0.4, 1.0]))
    for name, value in model.params_.items():
        assert abs(value[0] - true[name]) < 4.0 * model.standard_errors_[name][0]


def test_a_family_of_vectors_is_bound_inside_a_wrapper():
    X = np.random.default_rng(1).standard_t(5.0, (300, 2))
    inside = natfit.NaturalMLE(Fixed("multivariate_t", {"df": 5.0}), tol=1e-8).fit(X)
    outside = natfit.NaturalMLE("multivariate_t", fixed={"df": 5.0}, tol=1e-8).fit(X)
    np.testing.assert_allclose(inside.params_["scale"], outside.params_["scale"], rtol=1e-7)
    with pytest.raises(ValueError, match="fixed must name some of"):
        natfit.NaturalMLE(Fixed("multivariate_t", {"nu": 5.0})).fit(X)


def test_other_constraints_take_eta_row_by_row():
    family = Constrained("gamma", {"scale": natfit.bijectors.Reciprocal()})
    etas = testing.points(family)
    y = family.sample(etas, np.random.default_rng(0))
    many, alone = (
        family.observed(y, etas),
        [family.observed(y[i : i + 1], etas[i : i + 1])[0] for i in range(len(etas))],
    )
    np.testing.assert_allclose(many, alone, rtol=1e-12)


def test_complete_rows_of_a_censored_family_are_those_of_the_family():
    y = np.random.default_rng(2).gamma(2.0, 3.0, 200)
    seen, plain = natfit.fit(CensoredFamily("gamma"), y, tol=1e-8), natfit.fit("gamma", y, tol=1e-8)
    np.testing.assert_allclose(seen.params_["shape"], plain.params_["shape"], rtol=1e-8)
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"intervals must .* at row 1"):
            CensoredFamily("normal").check(Memory(np.array([1.0, bad])))


def other_arguments():
    """Every wrapper with each of its arguments but the family inside."""
    for name in available(Distribution):
        cls = component_class(name, Distribution)
        if issubclass(cls, Wrapper):
            for argument in cls().get_params(deep=False):
                if argument != "family":
                    yield cls, argument


@pytest.mark.parametrize("value", [None, -1.5, "a", [], {}, np.nan, (1, "b"), object], ids=repr)
@pytest.mark.parametrize(("wrapper", "argument"), list(other_arguments()))
def test_an_argument_of_another_type_is_refused_by_name(wrapper, argument, value):
    """Or it is one that the wrapper takes; nothing fails without a word on the argument."""
    family = wrapper(**{argument: value})
    try:
        model = natfit.fit(family, DAYS)
    except (TypeError, ValueError) as error:
        # A window's ends, and the values of `fixed`, are named by their option.
        names = {"low": "low", "high": "high", "values": "Fixed"}
        assert names.get(argument, argument) in str(error)
    else:
        assert np.isfinite(np.concatenate(list(model.params_.values()))).all()


def test_columns_are_not_taken_for_the_ends_of_intervals():
    ends = np.stack([DAYS, DAYS + 1.0], axis=1)
    with pytest.raises(ValueError, match="X must be natfit.Censored, or one column of complete"):
        natfit.fit("censored", ends)


@pytest.mark.parametrize(("low", "high"), [(100.0, None), (None, 400.0), (None, None)])
def test_an_open_end_of_a_window_is_none_or_infinite(low, high):
    infinite = -np.inf if low is None else low, np.inf if high is None else high
    one = natfit.fit(Truncated("normal", low, high), DAYS)
    other = natfit.fit("normal", DAYS, truncation=infinite)
    np.testing.assert_array_equal(one.theta_, other.theta_)
    rng = np.random.default_rng(0)
    draws = one.distribution_.sample(one.theta_[None], rng, 20)
    assert np.all((draws >= infinite[0]) & (draws <= infinite[1]))


def test_a_wrapper_that_adds_what_the_family_has_is_refused():
    with pytest.raises(ValueError, match="Scaled adds a parameter 'unit', which Scaled"):
        natfit.fit(Scaled(Scaled("gamma")), DAYS)

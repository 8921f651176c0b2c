"""Names of scipy stand for the families with the same densities."""

import re

import numpy as np
import pytest
from scipy import stats
from scipy.stats import _distr_params

import natfit
from natfit._component import available, registered, resolve
from natfit.distributions import Shifted, Truncated, from_scipy
from natfit.distributions.base import Distribution
from natfit.distributions.contract.elsewhere import of_scipy
from natfit.distributions.contract.names import ALIASES, ALSO_CALLED, CAUTIONS
from natfit.testing.data import points, some_rows


@pytest.mark.parametrize("name", ALIASES)
def test_an_alias_is_scipys_distribution_of_that_name(name):
    """The frozen distribution is scipy's own of this name, and has the family's density."""
    family = resolve(name, Distribution)
    for eta in points(family, 2, seed=3):
        frozen = family.counterpart(eta)
        assert frozen.dist.name == getattr(stats, name).name
        y = some_rows(family, eta, 20)
        log = frozen.logpmf if family.support.integer else frozen.logpdf
        np.testing.assert_allclose(family.log_prob(y, eta[None]), log(y), rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "x"),
    [
        ("norm", [0.2, 1.4, -0.3, 2.2, 0.9]),
        ("nbinom", [0, 3, 1, 9, 2, 0, 5]),
        ("genextreme", [-0.4, 1.9, 0.3, 5.1, 0.8, 1.1, 2.2, 0.1]),
        ("fisk", [0.4, 1.9, 0.3, 5.1, 0.8, 1.1]),
    ],
)
def test_a_fit_by_scipys_name_has_scipys_density(name, x):
    model = natfit.fit(name, np.array(x, dtype=float))
    frozen = model.distribution_.to_scipy(model.params_)
    assert frozen.dist.name == getattr(stats, name).name
    log = frozen.logpmf if frozen.dist.name == "nbinom" else frozen.logpdf
    total = model.score(np.array(x, dtype=float)[:, None]) * len(x)
    assert log(np.array(x)).sum() == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("name", ["geom", "binom"])
def test_a_name_with_another_density_is_no_alias(name):
    """The first value of scipy's geom is one; its binom needs the number of trials."""
    how = {"geom": "begins at 1", "binom": r"natfit.distributions.Binomial\(n\)"}[name]
    with pytest.raises(ValueError, match=f"did you mean '{ALSO_CALLED[name]}'.*{how}"):
        natfit.fit(name, np.array([1.0, 2.0, 1.0]))


EXAMPLES = [*_distr_params.distcont, *_distr_params.distdiscrete]
NAMES = list(dict.fromkeys(name for name, _ in EXAMPLES))


def _is_a_family(name):
    return name in ALIASES or (name in available(Distribution) and name not in ALSO_CALLED)


@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)  # Verdicts of single fits are tested elsewhere.
@pytest.mark.parametrize(("name", "shapes"), [e for e in EXAMPLES if _is_a_family(e[0])])
def test_every_name_of_scipys_that_is_a_family_here_is_fitted_as_scipys(name, shapes):
    x = getattr(stats, name)(*shapes).rvs(60, random_state=np.random.default_rng(1)).astype(float)
    model = natfit.fit(name, x)
    frozen = model.distribution_.to_scipy(model.params_)
    log = frozen.logpmf if hasattr(frozen, "pmf") else frozen.logpdf
    assert frozen.dist.name == getattr(stats, name).name
    assert log(x).sum() == pytest.approx(60 * model.score(x), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", [name for name in NAMES if not _is_a_family(name)])
def test_every_other_name_of_scipys_is_answered_with_a_call_that_is_valid(name):
    with pytest.raises(ValueError, match="distribution must be one of") as error:
        natfit.fit(name, np.array([1.0, 2.0, 1.0]))
    words = str(error.value)
    if name in ALSO_CALLED:
        assert f"did you mean {ALSO_CALLED[name]!r}" in words
        assert name in CAUTIONS
        return
    call = re.search(r"natfit\.distributions\.(from_scipy\(.*?\)) after", words)[1]
    try:
        made = eval(call, {"stats": stats, "from_scipy": from_scipy})  # noqa: S307
    except ValueError as refusal:  # It asks for the whole numbers that the data do not determine.
        assert f"as in from_scipy({name}, " in str(refusal)
    else:
        assert isinstance(made, Distribution)


FAMILIES: dict = {}
for _, _family in registered(Distribution):
    if _family._to_scipy is not None and _family.event_shape == ():
        FAMILIES.setdefault(type(_family), _family)


def _scipys(family, eta):
    """Scipy's name of a family and its arguments by name, by scipy's own parser."""
    frozen = family.counterpart(eta)
    if not hasattr(frozen, "dist"):
        return None
    dist = frozen.dist
    shapes, loc, scale = dist._parse_args(*frozen.args, **frozen.kwds)
    names = dist.shapes.split(", ") if dist.shapes else []
    return dist.name, {**dict(zip(names, shapes, strict=True)), "loc": loc, "scale": scale}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda f: type(f).__name__)
def test_what_is_said_of_scipys_parameters_is_so(family):
    rng = np.random.default_rng(5)
    etas = rng.uniform(0.2, 0.7, size=(4, family.n_params))
    found = [_scipys(family, eta) for eta in etas]
    if found[0] is None:
        return  # A table of probabilities, which has no parameters.
    own = {n: np.array([float(family.native_dict(e)[n]) for e in etas]) for n in family.params}
    for name in found[0][1]:
        words = of_scipy(family, name)
        if name == "scale" and family.support.integer:
            continue
        theirs = np.array([float(f[1][name]) for f in found])
        said = {
            **{f"is {n!r} here": v for n, v in own.items()},
            **{f"is minus {n!r} here": -v for n, v in own.items()},
            **{f"is 1 / {n!r} here": 1.0 / v for n, v in own.items()},
            f"is {theirs[0]:g} in": np.full(len(theirs), theirs[0]),
        }
        claims = [v for text, v in said.items() if text in words]
        if claims:
            np.testing.assert_allclose(theirs, claims[0], rtol=1e-9)
        else:
            assert "follows from" in words
            assert not any(np.allclose(theirs, v, rtol=1e-9) for v in said.values())
        assert words.startswith(f"{name!r} of scipy's {found[0][0]} ")


@pytest.mark.parametrize(
    ("family", "name", "words"),
    [
        ("weibull", "c", "'c' of scipy's weibull_min is 'shape' here"),
        ("lognormal", "s", "'s' of scipy's lognorm is 'shape' here"),
        ("gamma", "a", "'a' of scipy's gamma is 'shape' here"),
        ("lomax", "scale", "'scale' of scipy's lomax follows from 'median' and 'shape' here"),
        ("exponential", "scale", "is 1 / 'rate' here"),
        ("gev", "c", "is minus 'shape' here"),
        ("gamma", "loc", r"is 0 in Gamma\(\); natfit.distributions.Shifted"),
        (Shifted("weibull"), "c", "is 'shape' here"),
        (Truncated("weibull", 0.0, 9.0), "c", "is 'shape' here"),
    ],
    ids=str,
)
@pytest.mark.parametrize("option", ["start_params", "fixed", "bounds", "prior", "bijectors"])
def test_options_by_names_say_what_scipys_names_are_here(family, name, words, option):
    with pytest.raises(ValueError, match=f"{option} must name .*, got '{name}'; .*{words}"):
        natfit.fit(family, np.array([1.0, 2.0, 1.5, 4.0]), **{option: {name: 1.0}})

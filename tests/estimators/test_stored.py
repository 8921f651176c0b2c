"""Fits and frozen distributions as JSON: bit for bit, and nothing is evaluated."""

import json

import autograd.numpy as anp
import numpy as np
import pytest
from scipy import stats

import natfit
from natfit import Censored, NaturalGaussianMLE, NaturalMLE
from natfit._component import registered
from natfit.distributions import Mixture, Positive, Shifted, Truncated, from_log_prob, from_scipy
from natfit.distributions.base import Distribution
from natfit.distributions.contract.frozen import Frozen
from natfit.steps import KLStep
from natfit.testing.data import points

RNG = np.random.default_rng(0)
WAITS = RNG.gamma(3.0, 2.0, (80, 2))


def bits(x):
    return np.asarray(x, dtype=np.float64).tobytes()


@pytest.mark.parametrize(
    "family", [pytest.param(f, id=f"{n}-{i}") for i, (n, f) in enumerate(registered(Distribution))]
)
def test_frozen_distributions_of_all_families_come_back(family):
    if None in family.event_shape:
        pytest.skip("the family is not bound to a dimension")
    frozen = Frozen(family, points(family)[:2])
    back = natfit.from_json(frozen.to_json())
    assert back.family == family and back.by == "column"
    assert bits(back.eta) == bits(frozen.eta)
    for name, value in frozen.params.items():
        assert bits(back.params[name]) == bits(value)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("estimator", "X"),
    [
        (NaturalMLE("gamma"), WAITS),
        (NaturalMLE("gamma", coordinates="native", step=KLStep(epsilon=0.1)), WAITS),
        (NaturalMLE("exponential", coordinates="expectation"), WAITS),
        (NaturalMLE("gamma", fixed={"shape": 3.0}, bounds={"scale": (0.1, 10.0)}), WAITS[:, :1]),
        (NaturalMLE("gamma", truncation=(0.0, None), prior={"shape": stats.gamma(2.0)}), WAITS),
        (NaturalMLE(Mixture(["gamma", "lognormal"])), WAITS[:, :1]),
        (NaturalMLE(Truncated(Shifted("weibull"), None, 50.0)), WAITS[:, :1]),
        (NaturalMLE(from_scipy(stats.genlogistic, scale=True)), WAITS[:, :1]),
        (NaturalMLE("weibull"), Censored.right(WAITS[:, 0], WAITS[:, 0] < 8.0)),
        (NaturalMLE("weibull", max_iter=1), WAITS),
        (NaturalMLE("uniform"), WAITS),
        (NaturalMLE("multivariate_t"), WAITS),
        (NaturalGaussianMLE(covariance_type="diag"), WAITS),
        (NaturalMLE("weibull", truncation=(np.zeros(80), np.full(80, 90.0))), WAITS[:, :1]),
    ],
)
def test_fits_come_back_bit_for_bit(estimator, X):
    model = estimator.fit(X)
    back = natfit.from_json(model.to_json())
    assert type(back) is type(model) and back.status_ is model.status_
    assert back.statuses_ == model.statuses_ and back.message_ == model.message_
    assert back.distribution_ == model.distribution_
    for name in ("theta_", "_eta", "loglik_", "n_obs_"):
        assert bits(getattr(back, name)) == bits(getattr(model, name))
    for name, value in model.params_.items():
        assert bits(back.params_[name]) == bits(value)
        assert bits(back.standard_errors_[name]) == bits(model.standard_errors_[name])
    assert bits(back.cov_params()) == bits(model.cov_params())
    assert repr(back.history_) == repr(model.history_)
    assert bits(back.history_.theta) == bits(model.history_.theta)
    assert back.history_.trials == model.history_.trials or len(model.history_.trials) > 0
    np.testing.assert_array_equal(back.score_samples(X), model.score_samples(X))
    for mine, theirs in zip(back.coordinates_, model.coordinates_, strict=True):
        at = theirs.from_eta(theirs.origin)
        assert bits(mine.to_eta(at)) == bits(theirs.to_eta(at))
    assert back.to_json() == model.to_json()
    assert back.get_params(deep=False).keys() == model.get_params(deep=False).keys()


def test_names_of_columns_are_kept():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(WAITS, columns=["first", "second"])
    model = NaturalMLE("gamma").fit(frame)
    back = natfit.from_json(model.to_json())
    assert list(back.feature_names_in_) == ["first", "second"]
    assert back.score(frame) == model.score(frame)


def test_a_fit_that_came_back_can_be_fitted_again():
    model = natfit.fit("gamma", WAITS[:, 0], tol=1e-8)
    back = natfit.from_json(model.to_json()).fit(WAITS[:, :1])
    assert bits(back.theta_) == bits(model.theta_)


def _log_prob(y, rate):
    return anp.log(rate) - rate * y


def test_functions_are_refused_by_name():
    family = from_log_prob(_log_prob, {"rate": Positive()}, support="positive")
    model = natfit.fit(family, WAITS[:, 0])
    with pytest.raises(ValueError, match="distribution"):
        model.to_json()
    with pytest.raises(ValueError, match="family"):
        model.frozen_.to_json()
    seeded = NaturalMLE("gamma", random_state=np.random.RandomState(0)).fit(WAITS)
    with pytest.raises(ValueError, match="random_state"):
        seeded.to_json()
    with pytest.raises(Exception, match="not fitted"):
        NaturalMLE("gamma").to_json()


def changed(text, **changes):
    stored = json.loads(text)
    stored.update(changes)
    return json.dumps(stored)


def within(text, **changes):
    stored = json.loads(text)
    stored["fitted"].update(changes)
    return json.dumps(stored)


def test_what_natfit_has_not_written_is_refused():
    model = natfit.fit("gamma", WAITS[:, 0])
    frozen, fit = model.frozen_.to_json(), model.to_json()
    family = json.loads(frozen)["family"]
    for bad, words in (
        ("not JSON", "JSON"),
        ("[1, 2]", "keys"),
        ("{}", "keys"),
        (changed(frozen, extra=1), "unknown"),
        (changed(frozen, format=99), "format"),
        (changed(frozen, type="os.system"), "type"),
        (changed(frozen, by="diagonal"), "by"),
        (changed(frozen, eta=[1.0]), "eta"),
        (changed(frozen, family={**family, "component": "evil"}), "component must be"),
        (changed(frozen, family={**family, "kind": "module"}), "kind must be"),
        (changed(frozen, family={**family, "options": {"x": 1}}), "options"),
        (changed(frozen, family={"call": "os.system"}), "object with"),
        (changed(frozen, family="gamma"), "distribution"),
        (changed(fit, options={}), "options"),
        (changed(fit, extra=1), "unknown"),
        (changed(fit, statuses=["wonderful"]), "wonderful"),
        (changed(fit, history={}), "history"),
        (within(fit, distribution_="gamma"), "distribution_ must be"),
        (within(fit, _eta=None), "_eta must be"),
        (within(fit, theta_=[1.0]), "theta_ must have"),
        (within(fit, loglik_="high"), "loglik_ must have"),
        (within(fit, params_=[1.0]), "params_ must have"),
    ):
        with pytest.raises(ValueError, match=words):
            natfit.from_json(bad)
    with pytest.raises(TypeError, match="string"):
        natfit.from_json(3)


def test_scipys_names_are_looked_up_and_not_called():
    family = from_scipy(stats.genlogistic, scale=True)
    text = natfit.fit(family, WAITS[:, 0]).frozen_.to_json()
    with pytest.raises(ValueError, match=r"distribution of scipy\.stats"):
        natfit.from_json(text.replace("genlogistic", "bootstrap"))


def test_a_file_is_read_first(tmp_path):
    for given, error in ((tmp_path / "fit.json", TypeError), ("fit.json", ValueError)):
        with pytest.raises(error, match="read it first"):
            natfit.from_json(given)

"""Profile intervals of regressions: one route, hard likelihoods, and what is said of lost ends."""

import pickle

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import optimize, stats
from sklearn.exceptions import ConvergenceWarning

from natfit.estimators.regression._lost_ends import with_refit
from natfit.estimators.regression._statements_estimates import Given
from natfit.estimators.regression.classifier import NaturalClassifier
from natfit.estimators.regression.regressor import NaturalRegressor
from natfit.inference.bracket import Bracket
from natfit.inference.interval import EndNotFound

RNG = np.random.default_rng(11)
N = 80
X = pd.DataFrame({"a": RNG.normal(size=N), "b": RNG.normal(5.0, 2.0, N)})
LOSS = sm.datasets.stackloss.load_pandas().data
XS, YS = LOSS.drop(columns="STACKLOSS"), LOSS["STACKLOSS"]


@pytest.fixture(scope="module")
def heavy():
    """Heavy tails beside few rows, so that the likelihood is far from a normal one."""
    return NaturalRegressor("student_t", tol=1e-8).fit(XS, YS)


def of_noise(family):
    noise = {"gamma": RNG.gamma(2.0, 1.0, N), "poisson": RNG.poisson(2.0, N)}
    return NaturalRegressor(family, tol=1e-8), noise.get(family, RNG.normal(size=N))


@pytest.mark.parametrize("family", ["normal", "gamma", "poisson", "logistic", "classes"])
def test_a_coefficient_has_one_profile_interval(family):
    if family == "classes":
        model, y = NaturalClassifier(tol=1e-8), RNG.choice(["p", "q", "r"], N)
    else:
        model, y = of_noise(family)
    model.fit(X, y)
    ends = model.conf_int(method="profile", X=X, y=y)
    for name in model.param_names_[-4:]:
        one = model.estimate(name, method="profile", X=X, y=y)
        np.testing.assert_array_equal(one.interval, ends[name])
        error = np.sqrt(model.cov_params()[model.param_names_.index(name)].max())
        assert one.standard_error <= error * (1.0 + 1e-6)


def test_both_ask_the_likelihood_equally_often(heavy, monkeypatch):
    counts = []
    own = type(heavy._objective_at(Given(XS, YS)))
    value_and_grad = own.value_and_grad

    def counted(self, theta):
        counts[-1] += 1
        return value_and_grad(self, theta)

    monkeypatch.setattr(own, "value_and_grad", counted)
    counts.append(0)
    ends = heavy.conf_int(of="df", method="profile", X=XS, y=YS)["df"]
    counts.append(0)
    one = heavy.estimate("df", method="profile", X=XS, y=YS)
    np.testing.assert_array_equal(one.interval, ends)
    assert counts[0] == counts[1] > 0


def loss(p):
    """-2 log-likelihood of scipy's density, in coefficients, log scale and log df."""
    z = YS.to_numpy() - XS.to_numpy() @ p[:3] - p[3]
    return -2.0 * stats.t.logpdf(z, np.exp(p[5]), scale=np.exp(p[4])).sum()


def followed(start, k, end):
    """The constrained optima of a search of scipy's, each from the last one, on the way to an end.

    Steps are taken in features that are nearly uncorrelated, for the sake of the search.
    """
    p, values = start.copy(), []
    centre = XS.to_numpy().mean(axis=0)
    free = [j for j in range(6) if j != k]
    scale = np.array([0.05, 0.13, 0.05, 0.3, 0.4, 0.4])

    def of_free(z, at):
        full = np.empty(6)
        full[k] = at
        full[free] = z * scale[free]
        if k != 3:
            full[3] -= centre @ full[:3]
        return full

    for at in np.linspace(start[k], end, 13)[1:]:
        begin = p.copy()
        begin[k] = at
        if k != 3:
            begin[3] = p[3] + centre @ p[:3]
        z = begin[free] / scale[free]
        found = optimize.minimize(lambda z, at=at: loss(of_free(z, at)), z, method="BFGS")
        p = of_free(found.x, at)
        values.append(found.fun)
    return np.array(values)


@pytest.mark.parametrize(("k", "level"), [(0, 0.95), (1, 0.95), (2, 0.95), (3, 0.95), (0, 0.9)])
def test_ends_beside_inflexions_of_the_likelihood(heavy, k, level):
    names, quantile = heavy.param_names_, stats.chi2.ppf(level, 1)
    ends = heavy.conf_int(level, method="profile", of=names[k], X=XS, y=YS)[names[k]]
    start = np.array(list(heavy.coefficients_.values()))
    start[4:] = np.log(start[4:])
    best = loss(start)
    assert best == pytest.approx(-2.0 * heavy.loglik_, abs=1e-8)
    for end in ends:
        deviance = followed(start, k, end) - best
        assert deviance[-1] == pytest.approx(quantile, abs=2e-3)
        assert deviance[:-1].max() < quantile


def test_a_likelihood_without_a_maximum_is_named_with_the_ends_that_exist(heavy):
    # Four rows are fitted exactly: as the scale goes to zero, so does the likelihood to infinity.
    with pytest.warns(UserWarning, match="scale: the lower end was not found") as caught:
        ends = heavy.conf_int(method="profile", X=XS, y=YS)
    assert len(caught) == 1
    said = str(caught[0].message)
    assert "the intervals of scale have ends that were not found, which are NaN" in said
    assert "nats higher" in said and "'unbounded'" in said and "start_params" not in said
    lost = [name for name, pair in ends.items() if np.isnan(pair).any()]
    assert lost == ["scale"] and ends["scale"][1] > heavy.coefficients_["scale"]
    with pytest.raises(EndNotFound, match="^scale: the lower end was not found") as error:
        heavy.estimate("scale", method="profile", X=XS, y=YS)
    assert error.value.refit.status_ == "unbounded"


def test_a_higher_maximum_is_handed_over():
    model, y = of_noise("gamma")
    model.fit(X, y)
    early = NaturalRegressor("gamma", max_iter=1)
    with pytest.warns(ConvergenceWarning):
        early.fit(X, y)
    error = EndNotFound("a reason", "a remedy", model._theta)
    found = with_refit(early, error, Given(X, y), "mean[a]")
    assert found.refit.loglik_ == pytest.approx(model.loglik_, abs=1e-6) != early.loglik_
    assert found.refit.get_params() == early.get_params()
    said = str(found)
    assert f"loglik_ = {found.refit.loglik_:.10g} in place of {early.loglik_:.10g}" in said
    assert "the attribute refit of the error of conf_int(of='mean[a]', ...)" in said
    # A reason that has nothing to do with the maximum keeps its remedy.
    other = EndNotFound("a reason", "a remedy")
    assert with_refit(early, other, Given(X, y), "mean[a]") is other
    assert str(pickle.loads(pickle.dumps(found))) == said


def test_every_coefficient_that_is_lost_is_named(heavy, monkeypatch):
    # Where no refit settles, walks that do settle keep their ends.
    def lost(self, theta):
        raise self._lost(1.0)

    monkeypatch.setattr(Bracket, "end", lost)
    with pytest.warns(UserWarning, match="have ends that were not found") as caught:
        ends = heavy.conf_int(method="score", X=XS, y=YS)
    assert np.isnan(list(ends.values())).all()
    assert all(f"{name}: the lower end" in str(caught[0].message) for name in ends)
    with pytest.raises(EndNotFound, match=r"^loc\[AIRFLOW\]: .*no constrained refit settled"):
        heavy.conf_int(method="score", of="AIRFLOW", X=XS, y=YS)

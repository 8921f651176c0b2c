"""Fits from the family's own start on varied data, and from bad starts."""

import numpy as np
import pytest
from estimator_data import FAMILIES, quiet, sample
from scipy import optimize, stats

from natfit import NaturalGaussianMLE, NaturalMLE
from natfit._component import component_class
from natfit.distributions import MultivariateNormal
from natfit.distributions.base import Distribution
from natfit.rows import Block, Memory

SIZES = (20, 50, 200, 1000)

#: Iterations allowed: from the family's own start, and from a bad one.
DEFAULT, BAD = 25, 60


def broad(name, seed):
    rng = np.random.default_rng([seed, len(name)])
    return FAMILIES[name].broad(rng, SIZES[seed % len(SIZES)])


def usable(x):
    return x.min() < x.max()


def normal_is_best(x):
    """Whether no Student-t is likelier than the normal, by scipy on a grid of df."""
    normal = stats.norm(x.mean(), x.std()).logpdf(x).sum()
    for df in np.geomspace(1.0, 1e6, 25):

        def minus(p, df=df):
            return -stats.t(df, p[0], np.exp(p[1])).logpdf(x).sum()

        start = [np.median(x), np.log(x.std()) - 0.3]
        best = -optimize.minimize(minus, start, method="Nelder-Mead").fun
        if best > normal + 1e-6:
            return False
    return True


BOUNDARY_IS_RIGHT = {
    "student_t": normal_is_best,
    "bernoulli": lambda x: not usable(x),
    "poisson": lambda x: x.max() == 0,
}


@pytest.mark.parametrize("name", FAMILIES)
def test_default_start(name):
    ended, most = {}, 0
    for seed in range(100):
        x = broad(name, seed)
        if not usable(x) and name not in BOUNDARY_IS_RIGHT:
            continue
        with quiet():
            model = NaturalMLE(name).fit(x[:, None])
        ended.setdefault(str(model.status_), []).append(seed)
        most = max(most, model.n_iter_)
        assert model.n_iter_ <= DEFAULT, seed
        assert model.status_ in ("converged", "boundary"), (seed, model.message_)
    assert sum(map(len, ended.values())) == 100
    for seed in ended.get("boundary", [])[:4]:
        assert BOUNDARY_IS_RIGHT[name](broad(name, seed)), seed
    print(f"{name}: at most {most} iterations, { ({k: len(v) for k, v in ended.items()}) }")


def test_student_t_near_the_normal():
    """For 20 rows with df = 10 the maximum is at infinity in half of the cases; the fit says so."""
    ends = []
    for seed in range(40):
        x = np.random.default_rng(seed).standard_t(10.0, size=(20, 1))
        with quiet():
            model = NaturalMLE("student_t").fit(x)
        ends.append(model.status_)
        if model.status_ == "boundary":
            assert "df" in model.message_ and "normal" in model.message_
            normal = stats.norm(x.mean(), x.std()).logpdf(x).sum()
            assert model.score(x) * 20 == pytest.approx(normal, abs=1e-6)
            assert model.params_["loc"][0] == pytest.approx(x.mean(), abs=1e-4 * x.std())
    assert 8 <= ends.count("boundary") <= 32
    assert ends.count("boundary") + ends.count("converged") == 40


@pytest.mark.parametrize("name", FAMILIES)
def test_converged_is_a_local_maximum(name):
    """No neighbour is likelier, by scipy."""
    family = component_class(name, Distribution)()
    for seed in range(0, 100, 5):
        x = broad(name, seed)
        with quiet():
            model = NaturalMLE(name).fit(x[:, None])
        if model.status_ != "converged":
            continue
        best = FAMILIES[name].loglik(model.params_, x)
        for k in range(family.n_params):
            for step in (-1e-2, 1e-2):
                eta = model.theta_.copy()
                eta[k] += step * max(1.0, abs(eta[k]))
                near = FAMILIES[name].loglik(family.native_dict(eta), x)
                assert not near > best + 1e-9 * abs(best), (seed, k)


def default_start(name, x):
    rng = np.random.default_rng(0)
    return component_class(name, Distribution)().initial(Block(x), rng)


def assert_reaches(name, x, start, optimum):
    model = NaturalMLE(name, start_params=start).fit(x)
    assert model.status_ == "converged", (start, model.message_)
    assert model.n_iter_ <= BAD, start
    for key, value in optimum.params_.items():
        assert abs(model.params_[key] - value) <= 1e-3 * optimum.standard_errors_[key]
    return model.n_iter_


@pytest.mark.parametrize("name", FAMILIES)
def test_sixty_random_starts(name):
    x = sample(name, 200, 11)
    optimum, start = NaturalMLE(name).fit(x), default_start(name, x[:, 0])
    rng = np.random.default_rng(12)
    starts = [start + rng.normal(0.0, 2.0, len(start)) for _ in range(60)]
    most = max(assert_reaches(name, x, s, optimum) for s in starts)
    print(f"{name}: at most {most} iterations")


SCALE_OFF = {
    "normal": ("scale", 1e4),
    "exponential": ("rate", 1e4),
    "gamma": ("scale", 1e4),
    "poisson": ("rate", 1e4),
    "student_t": ("scale", 1e4),
}


@pytest.mark.parametrize("power", [-1, 1])
@pytest.mark.parametrize("name", SCALE_OFF)
def test_scale_off_by_ten_thousand(name, power):
    x = sample(name, 200, 13)
    family = component_class(name, Distribution)()
    start = family.native_dict(default_start(name, x[:, 0]))
    key, factor = SCALE_OFF[name]
    start[key] = start[key] * factor**power
    assert_reaches(name, x, start, NaturalMLE(name).fit(x))


@pytest.mark.parametrize("coordinates", ["unconstrained", "native"])
def test_the_papers_start(coordinates):
    """N(12, 4^2) from (0, 1), where a raw unit step throws sigma to e^80."""
    x = np.random.default_rng(14).normal(12.0, 4.0, size=(1000, 1))
    start = {"loc": 0.0, "scale": 1.0}
    model = NaturalMLE(start_params=start, coordinates=coordinates).fit(x)
    assert model.status_ == "converged"
    assert model.n_iter_ <= BAD
    assert model.params_["loc"][0] == pytest.approx(x.mean(), rel=1e-8)
    assert model.params_["scale"][0] == pytest.approx(x.std(), rel=1e-8)


def gaussian_rows(columns):
    rng = np.random.default_rng(15)
    return rng.normal(size=(200, columns)) @ rng.normal(size=(columns, columns)) + 3.0


def assert_reaches_covariance(kind, X, start, optimum):
    model = NaturalGaussianMLE(kind, start_params=start).fit(X)
    assert model.status_ == "converged", model.message_
    assert model.n_iter_ <= BAD
    np.testing.assert_allclose(model.covariance_, optimum.covariance_, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("columns", [2, 4])
@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
def test_sixty_random_starts_in_several_dimensions(kind, columns):
    X = gaussian_rows(columns)
    optimum = NaturalGaussianMLE(kind).fit(X)
    assert optimum.status_ == "converged" and optimum.n_iter_ <= DEFAULT
    family = MultivariateNormal(covariance=kind).bind(Memory(X))
    rng = np.random.default_rng(12)
    start = family.initial(Block(X), rng)
    for _ in range(60):
        shifted = start + rng.normal(0.0, 2.0, len(start))
        assert_reaches_covariance(kind, X, shifted, optimum)


@pytest.mark.parametrize("factor", [1e-4, 1e4])
@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
def test_scale_off_in_several_dimensions(kind, factor):
    X = gaussian_rows(4)
    optimum = NaturalGaussianMLE(kind).fit(X)
    start = dict(optimum.params_)
    for name in set(start) - {"loc"}:
        start[name] = start[name] * factor ** (2 if name == "covariance" else 1)
    assert_reaches_covariance(kind, X, start, optimum)


def test_start_by_vector_and_by_name_agree():
    x = sample("gamma", 100, 16)
    by_name = NaturalMLE("gamma", start_params={"shape": 7.0, "scale": 0.2}).fit(x)
    by_vector = NaturalMLE("gamma", start_params=np.log([7.0, 0.2])).fit(x)
    np.testing.assert_array_equal(by_name.history_.theta, by_vector.history_.theta)
    np.testing.assert_allclose(by_name.history_.theta[0], np.log([7.0, 0.2]))


def test_the_own_start_does_not_solve_the_problem():
    """It takes one pass without iterations, and for gamma and t is some standard errors away."""
    for name in ("gamma", "student_t"):
        distances = []
        for seed in range(20):
            x = sample(name, 500, seed)
            distances.append(NaturalMLE(name).fit(x).history_["distance"][0])
        assert np.median(distances) > 1e-3, name

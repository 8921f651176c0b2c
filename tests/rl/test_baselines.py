import numpy as np
import pytest
from sklearn.linear_model import Ridge

from natfit import testing
from natfit._component import resolve
from natfit.rl.baselines import (
    Baseline,
    ConstantBaseline,
    FourierBaseline,
    MLPBaseline,
    NoBaseline,
    QuadraticBaseline,
)
from tests.suites import BASELINES

RNG = np.random.default_rng(0)
X = RNG.standard_normal((400, 3)) * [1.0, 10.0, 0.1] + [0.0, 100.0, 0.0]
Z = (X - X.mean(axis=0)) / X.std(axis=0)
SMOOTH = np.sin(2.0 * Z[:, 0]) + Z[:, 1] ** 2 + Z[:, 0] * Z[:, 2]


def r2(baseline, target, n=300):
    """On the rows that were not fitted."""
    state = baseline.fit(X[:n], target[:n], None, 1)
    return 1.0 - np.var(target[n:] - baseline.predict(state, X[n:])) / np.var(target[n:])


@pytest.mark.parametrize(("case", "check"), BASELINES.pairs())
def test_property(case, check):
    BASELINES.run(case, check)


def test_names():
    found = [resolve(n, Baseline) for n in ("none", "constant", "quadratic", "fourier", "mlp")]
    kinds = [NoBaseline, ConstantBaseline, QuadraticBaseline, FourierBaseline, MLPBaseline]
    assert [type(b) for b in found] == kinds
    with pytest.raises(ValueError, match="did you mean 'quadratic'"):
        resolve("quadratc", Baseline)


def test_check_baseline_reports_what_does_not_apply():
    assert testing.check_baseline(QuadraticBaseline()) == {}
    assert set(testing.check_baseline(NoBaseline())) == {
        "reproduces_constant_targets",
        "fits_linear_targets",
        "fits_one_row",
    }


def test_constant_is_the_mean():
    baseline = ConstantBaseline()
    state = baseline.fit(X, SMOOTH)
    np.testing.assert_allclose(baseline.predict(state, X[:5]), np.full(5, SMOOTH.mean()))


@pytest.mark.parametrize("penalty", [1e-3, 0.5])
def test_quadratic_is_ridge_on_all_products(penalty):
    columns = [Z, Z**2, Z[:, [0]] * Z[:, [1]], Z[:, [0]] * Z[:, [2]], Z[:, [1]] * Z[:, [2]]]
    features = np.hstack(columns)
    oracle = Ridge(alpha=penalty * len(X)).fit(features, SMOOTH)
    baseline = QuadraticBaseline(penalty)
    state = baseline.fit(X, SMOOTH)
    want = np.clip(oracle.predict(features), state.low, state.high)
    np.testing.assert_allclose(baseline.predict(state, X), want, rtol=1e-9, atol=1e-9)


def test_quadratic_fits_quadratics_and_products_only_where_few():
    product = Z[:, 0] * Z[:, 2] - Z[:, 1] ** 2
    assert r2(QuadraticBaseline(), product) > 0.99
    assert r2(QuadraticBaseline(most_crossed=2), Z[:, 1] ** 2) > 0.99
    assert r2(QuadraticBaseline(most_crossed=2), Z[:, 0] * Z[:, 2]) < 0.5


@pytest.mark.parametrize("baseline", [FourierBaseline(), MLPBaseline()], ids=["fourier", "mlp"])
def test_smooth_functions(baseline):
    assert r2(QuadraticBaseline(), SMOOTH) < 0.9
    assert r2(baseline, SMOOTH) > 0.93


def test_fourier_keeps_its_features():
    baseline, rng = FourierBaseline(n_features=50), np.random.default_rng(2)
    state = baseline.fit(X, SMOOTH, None, rng)
    drawn = rng.bit_generator.state
    after = baseline.fit(X, -SMOOTH, state, rng)
    assert rng.bit_generator.state == drawn
    assert after.parts["omega"] is state.parts["omega"]
    np.testing.assert_allclose(baseline.predict(after, X), -baseline.predict(state, X), atol=1e-9)
    # Another number of features needs others.
    other = FourierBaseline(n_features=20).fit(X, SMOOTH, state, rng)
    assert other.parts["phase"].shape == (20,)


def test_fourier_features_make_the_gaussian_kernel():
    z = RNG.standard_normal((30, 2))
    baseline = FourierBaseline(n_features=100_000)
    parts = baseline._draw(z, None, np.random.default_rng(3))
    wave = baseline._features(parts, z)[:, 2:]
    square = ((z[:, None] - z[None]) ** 2).sum(axis=2)
    bandwidth = np.median(np.sqrt(square[np.triu_indices(30, 1)]))
    kernel = np.exp(-0.5 * square / bandwidth**2)
    np.testing.assert_allclose(wave @ wave.T / 100_000, kernel, atol=0.02)


def test_mlp_goes_on():
    baseline = MLPBaseline(max_iter=1)
    state, errors = None, []
    for _ in range(6):
        state = baseline.fit(X, SMOOTH, state, 0)
        errors.append(np.var(SMOOTH - baseline.predict(state, X)))
    assert errors[-1] < 0.5 * errors[0]
    wider = MLPBaseline(hidden=(8,), max_iter=1).fit(X, SMOOTH, state, 0)
    assert wider.parts["theta"].size == 8 * 4 + 9


@pytest.mark.parametrize("name", ["constant", "quadratic", "fourier", "mlp"])
def test_predictions_leave_the_targets_range_by_one_deviation_at_most(name):
    baseline = resolve(name, Baseline)
    state = baseline.fit(X, SMOOTH, None, 0)
    assert state.low == SMOOTH.min() - SMOOTH.std()
    assert state.high == SMOOTH.max() + SMOOTH.std()
    far = baseline.predict(state, X * 1e7)
    assert far.min() >= state.low and far.max() <= state.high


@pytest.mark.parametrize("name", ["constant", "quadratic", "fourier", "mlp"])
def test_other_columns_are_refused(name):
    baseline = resolve(name, Baseline)
    state = baseline.fit(X, SMOOTH, None, 0)
    with pytest.raises(ValueError, match=r"\(N, 3\), got \(400, 2\)"):
        baseline.predict(state, X[:, :2])
    with pytest.raises(ValueError, match="pass state=None"):
        baseline.fit(X[:, :2], SMOOTH, state, 0)


@pytest.mark.parametrize(
    ("baseline", "name"),
    [
        (QuadraticBaseline(penalty=0.0), "baseline__penalty"),
        (QuadraticBaseline(most_crossed=-1), "baseline__most_crossed"),
        (FourierBaseline(n_features=0), "baseline__n_features"),
        (FourierBaseline(penalty=-1.0), "baseline__penalty"),
        (MLPBaseline(max_iter=0), "baseline__max_iter"),
        (MLPBaseline(cg_iter=0), "baseline__cg_iter"),
        (MLPBaseline(activation="step"), "activation"),
        (MLPBaseline(hidden=()), "hidden"),
    ],
)
def test_bad_options_are_named(baseline, name):
    with pytest.raises(ValueError, match=name):
        baseline.fit(X, SMOOTH, None, 0)

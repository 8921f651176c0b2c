"""Networks and maps of one's own as predictors; batches of rows, rows that are held out."""

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_digits, make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

import natfit
from natfit.models import MLP, Predictor
from natfit.models.standardised import Standardised
from natfit.rows import strata

MILD = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def friedman(n=400):
    X, y = make_friedman1(n, noise=1.0, random_state=0)
    return X, y


def test_a_network_finds_what_is_not_linear():
    """In medians over five draws; and the scale is that of new rows, not of those of the fit."""
    gained, lost = [], []
    for seed in range(5):
        X, y = make_friedman1(400, noise=1.0, random_state=seed)
        Z, z = make_friedman1(400, noise=1.0, random_state=1000 + seed)
        linear = natfit.NaturalRegressor().fit(X, y)
        network = natfit.NaturalRegressor(predictor=MLP((32,)), early_stopping=True, random_state=0)
        network.fit(X, y)
        found = network.score(Z, z)
        gained.append(found - linear.score(Z, z))
        error = z - network.predict(Z)
        lost.append(stats.norm.logpdf(error, 0.0, np.sqrt(np.square(error).mean())).mean() - found)
    assert np.median(gained) > 0.1
    assert np.median(lost) < 0.03
    assert network.predict(Z).shape == (400,)
    low, high = network.predict_interval(Z, coverage=0.9).T
    assert 0.75 < np.mean((low <= z) & (z <= high)) < 0.97


@MILD
@pytest.mark.parametrize("features_for", [None, "all"])
def test_a_fit_does_not_depend_on_units(features_for):
    X, y = friedman(150)
    scale, shift = np.array([1e-3, 1e3, 1.0, 10.0, 0.1, 1.0, 2.0, 5.0, 1.0, 1.0]), 7.0
    options = {"predictor": MLP((8,)), "features_for": features_for, "random_state": 0}
    options["max_iter"] = 15
    plain = natfit.NaturalRegressor(**options).fit(X, y)
    moved = natfit.NaturalRegressor(**options).fit(X * scale + shift, 1e3 * y)
    np.testing.assert_allclose(moved.predict(X * scale + shift), 1e3 * plain.predict(X), rtol=1e-6)


@MILD
def test_a_smaller_tol_trains_a_network_further():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 2))
    y = rng.poisson(np.exp(0.3 + 0.4 * X[:, 0]))
    model = natfit.NaturalRegressor("poisson", predictor=MLP((8,)), random_state=0, max_iter=40)
    fits = [clone(model).set_params(tol=tol).fit(X, y) for tol in (1e-5, 5e-6, 1e-12, 0.0)]
    assert fits[0].n_iter_ < fits[1].n_iter_ < fits[2].n_iter_ == fits[3].n_iter_ == 40
    assert [fit.status_ for fit in fits] == ["converged", "converged", "max_iter", "max_iter"]
    assert fits[0].history_["distance"][-1] <= 1.0 and fits[1].history_["distance"][-1] <= 0.5
    assert "tol=5e-06 of a network; a smaller tol trains it further" in fits[1].message_


@MILD
def test_a_network_has_no_coefficients():
    X, y = friedman(100)
    model = natfit.NaturalRegressor(predictor="mlp", random_state=0).fit(X, y)
    why = r"predictor='linear' alone, and this fit has the predictor MLP"
    for name in ("coef_", "intercept_", "standard_errors_", "intercept_standard_errors_"):
        with pytest.raises(AttributeError, match=why):
            getattr(model, name)
    for call in (model.summary, model.cov_params, model.conf_int, lambda: model.influence(X, y)):
        with pytest.raises(ValueError, match=why):
            call()
    assert type(model.damping_).__name__ == "FixedDamping" and model.solver_.products == 20
    assert not hasattr(model, "intercept_") and not hasattr(model, "nothing")
    assert model.set_params(predictor="linear").fit(X, y).coef_["loc"].shape == (10,)


@pytest.mark.parametrize("features_for", [None, "all"])
def test_a_network_that_passes_through_rows_has_no_optimum(features_for):
    X, y = friedman(100)
    model = natfit.NaturalRegressor(predictor=MLP((32,)), features_for=features_for, random_state=0)
    with pytest.warns(ConvergenceWarning, match="early_stopping=True"):
        model.fit(X, y)
    assert model.status_ == "unbounded"
    assert "passes through rows" in model.message_


@MILD
def test_alpha_shrinks_weights_but_no_biases():
    X, y = friedman(200)
    options = {"predictor": MLP((8,)), "random_state": 0, "max_iter": 60}
    model = natfit.NaturalRegressor(alpha=1e4, **options).fit(X, y)
    np.testing.assert_allclose(model.predict(X), y.mean(), atol=0.05)
    bound = MLP((4, 3)).bind(2, model.distribution_, ("scale",))
    penalty = bound.penalty(np.array([2.0, 5.0]))
    want = [2.0] * 8 + [0.0] * 4 + [2.0] * 12 + [0.0] * 3 + [2.0] * 3 + [0.0] + [0.0]
    np.testing.assert_array_equal(penalty, want)


def test_a_curve_of_ones_own_is_a_least_squares_curve():
    """Michaelis and Menten's curve: its least squares by the grid of one parameter."""
    rng = np.random.default_rng(3)
    x = np.linspace(0.1, 5.0, 60)
    y = 2.0 * x / (0.7 + x) + rng.normal(0.0, 0.05, 60)

    def curve(theta, X):
        return (theta[0] * X[:, 0] / (theta[1] + X[:, 0]))[:, None]

    model = natfit.NaturalRegressor(predictor=Predictor(curve, np.array([1.0, 1.0])))
    model.fit(x[:, None], y)
    assert model.status_ == "converged"

    def residual(k):
        z = x / (k + x)
        return np.square(y - z * (z @ y) / (z @ z)).sum()

    from scipy.optimize import minimize_scalar

    best = minimize_scalar(residual, bounds=(0.1, 3.0), method="bounded", options={"xatol": 1e-10})
    assert np.square(y - model.predict(x[:, None])).sum() == pytest.approx(best.fun, rel=1e-8)
    scale = np.sqrt(best.fun / 60)
    want = stats.norm.logpdf(y, model.predict(x[:, None]), scale).sum()
    assert model.loglik_ == pytest.approx(want, rel=1e-8)


@pytest.mark.parametrize("columns", [[3, 0], ["x3", "x0"]])
def test_a_network_is_given_the_columns_that_are_asked_for(columns):
    X, y = friedman(120)
    options = {"predictor": MLP((4,)), "random_state": 0, "tol": 0.0, "max_iter": 5}
    some = natfit.NaturalRegressor(features_for={"loc": columns}, **options).fit(X, y)
    alone = natfit.NaturalRegressor(**options).fit(X[:, [3, 0]], y)
    np.testing.assert_allclose(some.predict(X), alone.predict(X[:, [3, 0]]), rtol=1e-10)
    assert some.features_for_["loc"] == ("x3", "x0")
    other = X.copy()
    other[:, [1, 2, 4, 5, 6, 7, 8, 9]] = 0.0
    np.testing.assert_array_equal(some.predict(other), some.predict(X))


def test_each_class_has_its_share_of_the_rows_held_out():
    rng = np.random.default_rng(0)
    codes = np.repeat([0.0, 1.0, 2.0, 3.0], [600, 300, 95, 1])
    for seed in range(20):
        held = strata(rng.permutation(codes), 100, np.random.default_rng(seed))
        assert len(held) == len(set(held)) == 100
    y = rng.permutation(codes)
    held = np.bincount(y[strata(y, 100, rng)].astype(int), minlength=4)
    np.testing.assert_allclose(held, [60.2, 30.1, 9.5, 0.0], atol=1.0)
    X = np.eye(4)[y.astype(int)] + rng.normal(0.0, 1.0, (996, 4))
    model = natfit.NaturalClassifier(early_stopping=True, random_state=0).fit(X, y)
    assert len(model.classes_) == 4


def test_the_scale_of_a_network_is_that_of_the_rows_held_out():
    X, y = friedman(300)
    network = natfit.NaturalRegressor(predictor=MLP((8,)), early_stopping=True, random_state=0)
    network.fit(X, y)
    held = np.random.default_rng(0).permutation(300)[:30]
    scale = np.sqrt(np.square(y[held] - network.predict(X[held])).mean())
    assert network.predict_params(X[:1])["scale"] == pytest.approx(scale, rel=0.01)


@MILD
def test_batches_have_no_distance():
    X, y = friedman(200)
    model = natfit.NaturalRegressor(batch_size=50, max_iter=3, random_state=0).fit(X, y)
    assert "3 passes over all batches were made" in model.message_
    assert "nan" not in model.message_


def test_rows_held_out_are_scored_without_the_penalty():
    X, y = friedman(200)
    model = natfit.NaturalRegressor(alpha=5.0, early_stopping=True, random_state=0).fit(X, y)
    order = np.random.default_rng(0).permutation(200)[:20]
    best = model.score(X[order], y[order])
    assert np.abs(model.validation_scores_ - best).min() < 1e-10


@MILD
def test_batches_of_a_linear_model_come_near_its_optimum():
    X, y = friedman(1000)
    whole = natfit.NaturalRegressor().fit(X, y)
    parts = natfit.NaturalRegressor(batch_size=200, max_iter=30, random_state=0).fit(X, y)
    assert 0 <= whole.loglik_ - parts.loglik_ < 0.5 * len(whole.coef_["loc"])
    again = natfit.NaturalRegressor(batch_size=200, max_iter=30, random_state=0).fit(X, y)
    np.testing.assert_array_equal(parts.coef_["loc"], again.coef_["loc"])


@MILD
def test_rows_held_out_end_a_fit():
    X, y = friedman()
    model = natfit.NaturalRegressor(predictor="mlp", early_stopping=True, random_state=0).fit(X, y)
    assert model.status_ in ("early_stopped", "converged")
    assert len(model.validation_scores_) == model.n_iter_ + 1
    assert model.n_obs_ == 360
    plain = natfit.NaturalRegressor(predictor="mlp", random_state=0).fit(X, y)
    assert not hasattr(plain, "validation_scores_")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"predictor": "mlp", "features_for": {"loc": [0], "scale": [1]}}, "the same features"),
        ({"predictor": "constant"}, "predictor must depend on x"),
        ({"predictor": "mlp", "fit_intercept": False}, "fit_intercept must be True"),
        ({"predictor": "mlp", "features_for": {"loc": []}}, "must give a parameter features"),
        ({"predictor": "mlp", "warm_start": True}, "warm_start must be False"),
        ({"predictor": "mlp", "prior": "jeffreys"}, "needs predictor='linear'"),
        ({"batch_size": 50, "prior": "jeffreys"}, "needs all rows at once"),
        (
            {
                "predictor": Predictor(lambda t, X: X[:, :1] * t, np.ones(1)),
                "features_for": {"loc": [1]},
            },
            "features_for must be 'all'",
        ),
        ({"batch_size": 0}, "batch_size must be"),
        ({"early_stopping": True, "validation_fraction": 1.5}, "validation_fraction must be"),
        ({"predictor": Predictor(lambda t, X: X[:, :1] * t, np.ones(1)), "alpha": 1.0}, "alpha"),
    ],
)
def test_options_that_do_not_go_together(options, message):
    X, y = friedman(50)
    with pytest.raises(ValueError, match=message):
        natfit.NaturalRegressor(**options).fit(X, y)


def test_sparse_rows_are_those_of_dense_ones():
    from scipy.sparse import csr_array

    X, y = friedman(120)
    X = np.where(X > 0.6, X, 0.0)
    options = {"predictor": MLP((6,)), "random_state": 0, "tol": 3.0}
    dense = natfit.NaturalRegressor(**options).fit(X, y)
    sparse = natfit.NaturalRegressor(**options).fit(csr_array(X), y)
    np.testing.assert_allclose(sparse.predict(csr_array(X)), dense.predict(X), rtol=1e-8)


def test_standardised_takes_its_units_from_the_information():
    family = natfit.NaturalRegressor().fit(*friedman(50)).distribution_
    model = Standardised(MLP((3,))).bind(2, family, origin=np.array([0.0, np.log(4.0)]))
    theta = np.random.default_rng(0).standard_normal(model.n_params)
    inner = MLP((3,)).bind(2, family)
    X = np.random.default_rng(1).standard_normal((5, 2))
    want = inner.eta(theta, X) * [4.0, np.sqrt(0.5)]
    np.testing.assert_allclose(model.eta(theta, X), want, rtol=1e-12)


@pytest.mark.parametrize("constant", [(), ("scale",)])
def test_the_diagonal_of_a_factor_is_that_of_its_columns(constant):
    family = natfit.NaturalRegressor().fit(*friedman(50)).distribution_
    model = Standardised(MLP((5, 4))).bind(2, family, constant, origin=np.array([0.3, 0.7]))
    rng = np.random.default_rng(0)
    lin = model.linearize(rng.standard_normal(model.n_params), rng.standard_normal((11, 2)))
    for r in (1, 3):
        b = rng.standard_normal((11, 2, r))
        want = np.square(lin.pull_columns(b)).sum(axis=1)
        np.testing.assert_allclose(lin.squares(b), want, rtol=1e-10)


def test_digits_beside_scikit_learn():
    """A lower log-loss than L-BFGS on standardised pixels, after half its iterations."""
    X, y = load_digits(return_X_y=True)
    gained = []
    for seed in range(3):
        part = train_test_split(X / 16.0, y, test_size=0.25, random_state=seed, stratify=y)
        train, test, y_train, y_test = part
        scaler = StandardScaler().fit(train)
        train, test = scaler.transform(train), scaler.transform(test)
        peer = MLPClassifier((128, 128), solver="lbfgs", random_state=seed).fit(train, y_train)
        model = natfit.NaturalClassifier(
            predictor=MLP((128, 128)), max_iter=peer.n_iter_ // 2, tol=0.0, random_state=seed
        ).fit(train, y_train)
        assert model.n_iter_ <= peer.n_iter_ / 2
        ours = log_loss(y_test, model.predict_proba(test))
        gained.append(ours / log_loss(y_test, peer.predict_proba(test)))
    assert np.median(gained) < 0.8

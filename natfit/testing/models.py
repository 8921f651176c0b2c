"""Property checks of bound models on rows of X: ``check_model(MLP().bind(3, Normal()), X)``."""

from __future__ import annotations

import pickle

import numpy as np
from sklearn.base import clone

from natfit.models import Linearization, Model
from natfit.testing._core import NotApplicable, close, gradient, refuses, require, run_checks
from natfit.testing.data import points


def check_model(model: Model, X: np.ndarray) -> dict[str, str]:
    """Run every check of :data:`MODEL_CHECKS` on a bound model.

    Parameters
    ----------
    model : Model
        As :meth:`~natfit.models.Model.bind` returns it, with about 10 parameters, since several
        checks form dense matrices.
    X : ndarray of shape (n, D)
        A few rows, at least two.

    Returns
    -------
    dict
        Names of the checks that do not apply, each with the reason.

    Raises
    ------
    AssertionError
        If a check fails; the message has one line for each that does.
    """
    return run_checks(MODEL_CHECKS, model, X)


def _rng() -> np.random.Generator:
    return np.random.default_rng(14)


def _eta0(model: Model) -> np.ndarray:
    """Return an eta (K,) to start from, inside the family's limits."""
    return points(model.family, 1, seed=16)[0]


def _theta(model: Model, X: np.ndarray) -> np.ndarray:
    """Return a theta (P,) in general position near a start."""
    rng = _rng()
    theta = model.init(rng, _eta0(model))
    return theta + 0.3 * rng.standard_normal(len(theta))


def _at(model: Model, X: np.ndarray) -> Linearization:
    return model.linearize(_theta(model, X), X)


def _jacobian(model: Model, X: np.ndarray) -> np.ndarray:
    """Return J (n, K, P) by products with unit vectors, with which other verbs are compared."""
    lin = _at(model, X)
    return np.stack([np.array(lin.jvp(unit)) for unit in np.eye(model.n_params)], axis=2)


def _combinations(eta: np.ndarray, columns: int = 3) -> np.ndarray:
    """Return a random B (n, K, R)."""
    return _rng().standard_normal((*eta.shape, columns))


def _weights(eta: np.ndarray) -> np.ndarray:
    """Return a symmetric C (n, K, K), indefinite as an observed information may be."""
    c = _rng().standard_normal((len(eta), eta.shape[1], eta.shape[1]))
    return c + np.swapaxes(c, 1, 2)


def _gram(jac: np.ndarray, c: np.ndarray) -> np.ndarray:
    return np.einsum("nkp,nkl,nlq->pq", jac, c, jac)


def _pulled(jac: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("nkp,nkr->pnr", jac, b).reshape(jac.shape[2], -1)


def _size(want: np.ndarray) -> float:
    return 1e-300 + float(np.abs(want).max(initial=0.0))


def eta_has_shape(model: Model, X: np.ndarray) -> None:
    """eta is (n, K), or (1, K) for a model that ignores X; it is finite and float64."""
    eta = _at(model, X).eta
    rows = 1 if model.shared else len(X)
    require(eta.ndim == 2 and len(eta) == rows, f"eta has shape {eta.shape}, expected ({rows}, K)")
    require(eta.dtype == np.float64, f"eta is {eta.dtype}, expected float64")
    require(np.isfinite(eta).all(), "eta is not finite")


def eta_alone_is_same(model: Model, X: np.ndarray) -> None:
    """eta() equals the eta of linearize()."""
    want = _at(model, X).eta
    close("eta()", model.eta(_theta(model, X), X), want, rtol=1e-12, scale=_size(want))


def jvp_is_derivative(model: Model, X: np.ndarray) -> None:
    """J v is the derivative of eta along v, by finite differences."""
    theta, lin = _theta(model, X), _at(model, X)
    for v in np.random.default_rng(15).standard_normal((3, len(theta))):
        want = gradient(lambda t, v=v: model.eta(theta + t[0] * v, X), np.zeros(1))[..., 0]
        close("J v", lin.jvp(v), want, rtol=1e-7, scale=_size(want))


def vjp_is_adjoint(model: Model, X: np.ndarray) -> None:
    """J' u agrees with the dense J."""
    lin = _at(model, X)
    u = _rng().standard_normal(lin.eta.shape)
    want = np.einsum("nkp,nk->p", _jacobian(model, X), u)
    close("J' u", lin.vjp(u), want, rtol=1e-10, scale=_size(want))


def gram_is_sum(model: Model, X: np.ndarray) -> None:
    """gram(C) is the sum over rows of J_i' C_i J_i with the dense J."""
    lin = _at(model, X)
    c = _weights(lin.eta)
    want = _gram(_jacobian(model, X), c)
    close("gram", lin.gram(c), want, rtol=1e-10, scale=_size(want))


def diag_is_diagonal(model: Model, X: np.ndarray) -> None:
    """diag(C) is the diagonal of gram(C), also for an indefinite C."""
    lin = _at(model, X)
    c = _weights(lin.eta)
    want = np.diagonal(_gram(_jacobian(model, X), c))
    close("diag", lin.diag(c), want, rtol=1e-10, scale=_size(want))


def columns_are_pulled(model: Model, X: np.ndarray) -> None:
    """Column i R + r of pull_columns(B) is J_i' b_ir, for R = 1 and R = 3."""
    lin = _at(model, X)
    for columns in (1, 3):
        b = _combinations(lin.eta, columns)
        want = _pulled(_jacobian(model, X), b)
        close("pull_columns", lin.pull_columns(b), want, rtol=1e-10, scale=_size(want))


def kernel_is_inner_products(model: Model, X: np.ndarray) -> None:
    """kernel(B) holds the inner products of pull_columns(B), in the same order."""
    lin = _at(model, X)
    for columns in (1, 3):
        b = _combinations(lin.eta, columns)
        pulled = _pulled(_jacobian(model, X), b)
        want = pulled.T @ pulled
        close("kernel", lin.kernel(b), want, rtol=1e-10, scale=_size(want))


def curvature_is_second_derivative(model: Model, X: np.ndarray) -> None:
    """curvature(u) is the derivative of J' u, and zero where the model says it is linear."""
    theta, lin = _theta(model, X), _at(model, X)
    u = _rng().standard_normal(lin.eta.shape)
    want = gradient(lambda t: model.linearize(t, X).vjp(u), theta)
    close("curvature", lin.curvature(u), want, rtol=1e-6, scale=max(1.0, _size(want)))
    if lin.linear:
        require(not np.any(lin.curvature(u)), "linear=True, but the curvature is not zero")


def start_gives_eta(model: Model, X: np.ndarray) -> None:
    """init(rng, eta0) is (P,), gives eta0 within 0.1 for every row, and follows the seed."""
    eta0 = _eta0(model)
    theta = model.init(_rng(), eta0)
    require(theta.shape == (model.n_params,), f"init has shape {theta.shape}, P {model.n_params}")
    require(np.array_equal(theta, model.init(_rng(), eta0)), "init differs with the same seed")
    require(model.in_domain(theta), "the start is not in the domain")
    if not model.starts_at_eta:
        raise NotApplicable("the model does not start at a given eta")
    eta = model.eta(theta, X)
    close("eta at the start", eta - eta0, np.zeros_like(eta), rtol=1.0, scale=0.1)


def names_are_unique(model: Model, X: np.ndarray) -> None:
    """Each of the P parameters has a different name."""
    names = list(model.names())
    require(len(names) == model.n_params, f"{len(names)} names, {model.n_params} parameters")
    require(len(set(names)) == len(names), "two parameters have the same name")


def limits_have_shape(model: Model, X: np.ndarray) -> None:
    """Limits and steps are (P,) and in order, limits contain the start, blocks lie in theta."""
    low, high, step = model.limits()
    size = model.n_params
    for name, value in (("lower", low), ("upper", high), ("step", step)):
        require(np.shape(value) == (size,), f"{name} limits: {np.shape(value)}, P {size}")
    require((low < high).all() and (step > 0).all(), "limits are not in order")
    theta = model.init(_rng(), _eta0(model))
    require((low <= theta).all() and (theta <= high).all(), "the start is outside the limits")
    for block in model.cut_together():
        inside = 0 <= block.start < block.stop <= size
        require(inside, f"a block that is cut together, {block}, is outside theta")


def domain_needs_numbers(model: Model, X: np.ndarray) -> None:
    """A theta with NaN in any coordinate is outside the domain."""
    require(model.in_domain(_theta(model, X)), "a theta near the start is not in the domain")
    for p in range(model.n_params):
        theta = _theta(model, X)
        theta[p] = np.nan
        require(not model.in_domain(theta), f"theta[{p}] = NaN is in the domain")


def copies_agree(model: Model, X: np.ndarray) -> None:
    """A pickled model gives the same eta, and bind does not modify the model that it copies."""
    theta = _theta(model, X)
    copy = pickle.loads(pickle.dumps(model))
    require(np.array_equal(copy.eta(theta, X), model.eta(theta, X)), "a pickled model differs")
    require(clone(model) == model, "a clone is not equal")
    spec = clone(model)
    before = set(vars(spec))
    bound = spec.bind(X.shape[1], model.family)
    require(bound is not spec and set(vars(spec)) == before, "bind changes the specification")


def results_are_kept(model: Model, X: np.ndarray) -> None:
    """Further products change neither earlier results nor arguments."""
    theta = _theta(model, X)
    lin = model.linearize(theta, X)
    rng = _rng()
    b, c = _combinations(lin.eta), _weights(lin.eta)
    verbs = {"jvp": rng.standard_normal(len(theta)), "vjp": rng.standard_normal(lin.eta.shape)}
    verbs |= {"gram": c, "diag": c, "pull_columns": b, "kernel": b}
    arguments = [theta, X, *verbs.values()]
    kept = [a.copy() for a in arguments]
    first = {name: getattr(lin, name)(argument) for name, argument in verbs.items()}
    copies = {name: np.array(value) for name, value in first.items()}
    eta = lin.eta.copy()
    for name, argument in verbs.items():
        getattr(lin, name)(2.0 * argument)
    for name, value in first.items():
        require(np.array_equal(value, copies[name]), f"a later product changes that of {name}")
        again = getattr(lin, name)(verbs[name])
        require(np.array_equal(again, copies[name]), f"{name} gives another result again")
    require(np.array_equal(eta, lin.eta), "products change eta")
    same = all(np.array_equal(a, b) for a, b in zip(arguments, kept, strict=True))
    require(same, "an argument is changed")


def theta_may_change(model: Model, X: np.ndarray) -> None:
    """A linearization keeps its theta when the array is modified later."""
    theta = _theta(model, X)
    lin = model.linearize(theta, X)
    v, u = _rng().standard_normal(len(theta)), _rng().standard_normal(lin.eta.shape)
    want = lin.eta.copy(), np.array(lin.jvp(v)), np.array(lin.vjp(u))
    theta += 1.0
    for name, got, value in zip(
        ("eta", "jvp", "vjp"), (lin.eta, lin.jvp(v), lin.vjp(u)), want, strict=True
    ):
        require(np.array_equal(got, value), f"{name} follows a change of theta")


def rows_are_independent(model: Model, X: np.ndarray) -> None:
    """eta and J v of a row do not depend on the order or number of other rows."""
    if model.shared:
        raise NotApplicable("all rows have the same eta")
    theta = _theta(model, X)
    v = _rng().standard_normal(len(theta))
    full = model.linearize(theta, X)
    eta, push = full.eta, np.array(full.jvp(v))
    order = _rng().permutation(len(X))
    for which in (order, order[: len(X) // 2], order[:1]):
        part = model.linearize(theta, X[which])
        close("eta of some rows", part.eta, eta[which], rtol=1e-10, scale=_size(eta))
        close("J v of some rows", part.jvp(v), push[which], rtol=1e-10, scale=_size(push))


def refuses_other_width(model: Model, X: np.ndarray) -> None:
    """X with another number of columns and theta of another length are refused."""
    if model.shared:
        raise NotApplicable("X is not used")
    theta = _theta(model, X)
    wide = np.column_stack([X, X[:, :1]])
    refuses("X with a column too many", lambda: model.linearize(theta, wide))
    refuses("X with a column too many", lambda: model.eta(theta, wide))
    refuses("theta with a number too many", lambda: model.linearize(np.append(theta, 0.0), X))


#: Every check that :func:`check_model` runs, each called with a bound model and X.
MODEL_CHECKS = [
    eta_has_shape,
    eta_alone_is_same,
    jvp_is_derivative,
    vjp_is_adjoint,
    gram_is_sum,
    diag_is_diagonal,
    columns_are_pulled,
    kernel_is_inner_products,
    curvature_is_second_derivative,
    start_gives_eta,
    names_are_unique,
    limits_have_shape,
    domain_needs_numbers,
    copies_agree,
    results_are_kept,
    theta_may_change,
    rows_are_independent,
    refuses_other_width,
]

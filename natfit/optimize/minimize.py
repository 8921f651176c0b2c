"""The optimiser without an estimator: the paper's Algorithm 1 for any function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy.optimize import Bounds, OptimizeResult
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning

from natfit._validation import answers_keywords, check_vector
from natfit._warnings import warn
from natfit.iterate.status import Status
from natfit.metrics.base import Metric
from natfit.objectives.function import Function
from natfit.optimize.engine import resolve_engine
from natfit.optimize.run import Fit, run
from natfit.rng import bridge_rng


@answers_keywords
def minimize(
    fun: Callable[..., Any],
    x0: Any,
    *,
    args: tuple[Any, ...] = (),
    jac: Callable[..., Any] | bool | None = None,
    metric: Any = "auto",
    solver: Any = "auto",
    step: Any = "backtracking",
    damping: Any = None,
    bounds: Any = None,
    max_iter: int = 1000,
    tol: float = 1e-8,
    callback: Callable[..., Any] | None = None,
    random_state: Any = None,
) -> OptimizeResult:
    """Minimise a function by natural-gradient descent, ``x <- x - beta G(x)^-1 grad f(x)``.

    This is the paper's Algorithm 1. With the Euclidean metric, a fixed step gives plain gradient
    descent, and backtracking or an exact line search give the other methods of the paper's second
    section. With ``metric="observed"`` it is Newton's method.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args) -> float`` for x of shape (P,), written in ``autograd.numpy`` unless
        ``jac`` is given.
    x0 : array-like of shape (P,)
        Where to start.
    args : tuple
        Further arguments of ``fun`` and ``jac``.
    jac : callable, True or None
        Gradient ``jac(x, *args) -> (P,)``; True when ``fun`` returns (value, gradient); None
        for autograd.
    metric : callable, array-like, sparse matrix, LinearOperator, str or Metric, default="auto"
        ``G(x) -> (P, P)``, a matrix (P, P), or a metric; ``auto``, or None, is the Euclidean one.
        The matrix may be sparse, or a ``scipy.sparse.linalg.LinearOperator``.
    solver, step, damping
        As in :class:`natfit.NaturalMLE`.
    bounds : scipy.optimize.Bounds or sequence of (low, high), optional
        Limits of each number in x; None in a pair stands for no limit.
    max_iter : int, default=1000
        Maximum number of iterations.
    tol : float, default=1e-8
        The minimisation has converged when sqrt(g' G^-1 g / s) <= tol, where g is the gradient, G
        the metric, and s the size of the function at the start, the larger of 1.5e-8 |f| and
        |g|_max max(1, |x|_max), so that a constant factor of f changes nothing; in the Euclidean
        metric, |g| / s <= tol. Where g is then not small beside s, ``status`` is
        ``gradient_small``. With 0 it stops only where this norm is exactly zero, or at
        ``max_iter``.
    callback : callable, optional
        Called after each iteration. It gets an ``intermediate_result`` with x, fun and nit if its
        parameter has that name, and x otherwise. It stops the minimisation by raising
        StopIteration or by returning True.
    random_state : None, int, RandomState or Generator
        For metrics that draw.

    Returns
    -------
    scipy.optimize.OptimizeResult
        It has the fields x, fun, jac, success, status (a :class:`natfit.Status`), message, nit,
        nfev, njev, and history (a :class:`natfit.optimize.history.History`). ``nfev`` counts all
        calls of ``fun``, trials that were refused and derivatives included, ``njev`` all gradients.

    Raises
    ------
    ValueError, TypeError
        If an argument cannot be used; the message says which one, why, and what to do.

    Warns
    -----
    ConvergenceWarning
        If the minimisation did not converge; ``message`` says why.

    Examples
    --------
    >>> import natfit
    >>> result = natfit.minimize(lambda x: (x[0] - 1.0) ** 2 + 10.0 * x[1] ** 2, [3.0, 2.0],
    ...                          metric=[[2.0, 0.0], [0.0, 20.0]])
    >>> result.nit, result.success
    (1, True)
    """
    jac = None if jac is False else jac
    _check_callables(fun, jac, callback)
    theta0 = _start(x0)
    engine = resolve_engine(_metric(metric), solver, step, damping, tol, max_iter)
    limits = _bounds(bounds, theta0)
    args = args if isinstance(args, tuple) else (args,)
    objective = Function(fun, len(theta0), jac, args, limits)
    if limits is not None:
        theta0 = np.clip(theta0, *limits)
    fit = run(objective, engine, theta0, bridge_rng(random_state), _adapt(callback))
    # An optimum at a limit that the caller set is a success.
    if fit.status is not Status.BOUNDARY and not engine.ended_as_asked(fit.status):
        warn(f"minimize: {fit.message}", ConvergenceWarning)
    return _result(fit, objective)


def natural_gradient(
    fun: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    callback: Callable[..., Any] | None = None,
    **options: Any,
) -> OptimizeResult:
    """Run :func:`minimize` as a custom method of ``scipy.optimize.minimize``.

    ``scipy.optimize.minimize(fun, x0, method=natfit.natural_gradient, options={"metric": G})``
    calls it.
    The keys of ``options`` are the arguments of :func:`minimize`; scipy's name ``maxiter`` is
    accepted too. A Hessian passed as ``hess`` becomes the metric unless the options name one.

    Returns
    -------
    scipy.optimize.OptimizeResult
        The result of :func:`minimize`.

    Raises
    ------
    ValueError
        If there are constraints or a ``hessp``, which this method does not accept.
    """
    if constraints is not None and np.size(constraints) > 0:
        raise ValueError("natural_gradient accepts bounds but no constraints; use method='SLSQP'")
    if hessp is not None:
        raise ValueError(
            "natural_gradient does not accept hessp; pass options={'metric': G} or hess instead"
        )
    if callable(hess):
        options.setdefault("metric", lambda x: hess(x, *args))
    if "maxiter" in options:
        options["max_iter"] = options.pop("maxiter")
    options.pop("disp", None)
    return minimize(fun, x0, args=args, jac=jac, bounds=bounds, callback=callback, **options)


def _check_callables(fun: Any, jac: Any, callback: Any) -> None:
    """Raise a TypeError that names the argument if it is not callable."""
    if not callable(fun):
        raise TypeError(f"fun must be callable, got {type(fun).__name__}")
    if not (jac is None or jac is True or callable(jac)):
        raise TypeError(f"jac must be callable, True or None, got {jac!r}")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable or None, got {callback!r}")


def _start(x0: Any) -> np.ndarray:
    """Return x0 as a vector (P,) of at least one number."""
    start = check_vector(np.atleast_1d(x0), "x0")
    if not start.size:
        raise ValueError("x0 must hold at least one number, got none")
    return start


def _metric(metric: Any) -> Any:
    """Return a metric, ``auto`` for None; a callable or a matrix becomes a TensorMetric."""
    if metric is None:
        return "auto"
    if isinstance(metric, str | Metric) or (
        isinstance(metric, type) and issubclass(metric, Metric)
    ):
        return metric
    from natfit.metrics.tensor import TensorMetric

    if not (callable(metric) or issparse(metric)):
        if np.iscomplexobj(metric):
            raise ValueError("metric must be real, got a complex matrix")
        try:
            metric = np.asarray(metric, dtype=np.float64)
        except (TypeError, ValueError):
            raise TypeError(
                "metric must be a string, a Metric, a callable G(x), a LinearOperator or a matrix, "
                f"got {type(metric).__name__}"
            ) from None
    return TensorMetric(metric)


def _bounds(bounds: Any, x0: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the limits as two arrays (P,), or None if there are none."""
    if bounds is None:
        return None
    if isinstance(bounds, Bounds):
        low, high = (np.broadcast_to(b, x0.shape).astype(float) for b in (bounds.lb, bounds.ub))
    else:
        pairs = list(bounds) if isinstance(bounds, Iterable) else []
        if len(pairs) != len(x0) or any(np.size(p) != 2 for p in pairs):
            raise ValueError(
                f"bounds must be {len(x0)} pairs (low, high), one for each number in x0, with None "
                f"for no limit; got {bounds!r}"
            )
        low = np.array([-np.inf if p[0] is None else p[0] for p in pairs], dtype=float)
        high = np.array([np.inf if p[1] is None else p[1] for p in pairs], dtype=float)
    if np.any(np.isposinf(low)) or np.any(np.isneginf(high)):
        raise ValueError(
            "bounds must have lower limits below inf and upper limits above -inf, "
            f"got {bounds!r}; use None for no limit"
        )
    if not np.all(low <= high):
        where = int(np.argmax(~(low <= high)))
        raise ValueError(
            f"bounds must have low <= high, got {low[where]}, {high[where]} for x[{where}]"
        )
    return low, high


def _adapt(callback: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """Return a callback of the loop that calls one written by either of scipy's conventions."""
    if callback is None:
        return None
    try:
        names = list(inspect.signature(callback).parameters)
    except ValueError:
        # Of some built-in functions the parameters are not known: they get theta.
        names = []
    wants_result = names == ["intermediate_result"]

    seen = 0

    def hook(iterate: Any, done: bool) -> bool:
        nonlocal seen
        if iterate.n_iter == seen:
            return False
        seen = iterate.n_iter
        try:
            if wants_result:
                result = OptimizeResult(x=iterate.theta, fun=iterate.value, nit=iterate.n_iter)
                return callback(intermediate_result=result) is True
            return callback(iterate.theta.copy()) is True
        except StopIteration:
            return True

    return hook


def _result(fit: Fit, objective: Function) -> OptimizeResult:
    last = fit.iterate
    return OptimizeResult(
        x=last.theta,
        fun=last.value,
        jac=last.grad,
        success=fit.status.good or fit.status is Status.BOUNDARY,
        status=fit.status,
        message=fit.message,
        nit=last.n_iter,
        nfev=objective.n_fun,
        njev=objective.n_jac,
        history=fit.history,
    )

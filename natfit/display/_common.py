"""What the displays share: matplotlib on demand, fitted estimators and their names."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from sklearn.utils.validation import check_is_fitted

from natfit._extras import missing
from natfit.estimators.density import DensityEstimator
from natfit.estimators.regression.base import RegressionEstimator


def pyplot(caller: str) -> Any:
    """Import ``matplotlib.pyplot``.

    Returns
    -------
    module
        ``matplotlib.pyplot``.

    Raises
    ------
    ImportError
        If it is not installed; the message names ``caller`` and the remedy.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(missing(caller, "matplotlib", "plot")) from error
    return plt


def last_step(estimator: Any) -> Any:
    """Return the fitted estimator itself, or the last step of a pipeline.

    Returns
    -------
    estimator
        The fitted estimator.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If it has no ``history_``.
    """
    if hasattr(estimator, "steps"):
        estimator = estimator[-1]
    check_is_fitted(estimator, "history_")
    return estimator


def is_regression(fit: Any) -> bool:
    """Tell whether a fitted estimator is a regression or a classifier of natfit."""
    return isinstance(fit, RegressionEstimator)


def density(estimator: Any, caller: str, instead: str) -> Any:
    """Return the fitted density, or the last step of a pipeline.

    Returns
    -------
    estimator
        The fitted estimator.

    Raises
    ------
    TypeError
        If it is no fit of a distribution; the message names ``caller`` and what to use
        ``instead`` for a regression.
    """
    fit = last_step(estimator)
    if isinstance(fit, DensityEstimator):
        return fit
    remedy = f"; for a regression use {instead}" if is_regression(fit) else ""
    raise TypeError(
        f"estimator must be the fit of a distribution without features for {caller}, got "
        f"{type(fit).__name__}{remedy}"
    )


def regression(estimator: Any, caller: str, instead: str) -> Any:
    """Return the fitted regression or classifier, or the last step of a pipeline.

    Returns
    -------
    estimator
        The fitted estimator.

    Raises
    ------
    TypeError
        If it is none; the message names ``caller`` and what to use ``instead`` for the fit of a
        distribution.
    """
    fit = last_step(estimator)
    if is_regression(fit):
        return fit
    remedy = f"; for the fit of a distribution use {instead}"
    raise TypeError(
        f"estimator must be a NaturalRegressor or a NaturalClassifier for {caller}, got "
        f"{type(fit).__name__}{remedy if isinstance(fit, DensityEstimator) else ''}"
    )


def refuse_given(fit: Any, **given: Any) -> None:
    """Raise TypeError for what the fit of a distribution does not have.

    Parameters
    ----------
    fit : estimator
        The fit of a distribution.
    **given
        Arguments by name.

    Raises
    ------
    TypeError
        If one of them is not None.
    """
    for name, value in given.items():
        if value is not None:
            raise TypeError(
                f"{name} is for regressions only, but the estimator is a {type(fit).__name__}; "
                "leave it out"
            )


def univariate(estimator: Any, caller: str) -> Any:
    """Return the fitted density of one column, or of several that were fitted separately.

    Returns
    -------
    estimator
        The estimator itself, or the last step of a pipeline.

    Raises
    ------
    TypeError
        If it is no fit of a distribution.
    ValueError
        If its family is not univariate; the message names ``caller``.
    """
    fit = density(estimator, caller, "QuantileResidualsDisplay")
    check_is_fitted(fit, "_eta")
    family = fit.distribution_
    if family.event_shape != ():
        raise ValueError(
            f"{caller} needs a univariate family, got {type(family).__name__} of shape "
            f"{family.event_shape}"
        )
    return fit


def transform(estimator: Any, X: Any) -> Any:
    """Return X as a pipeline passes it to its last step; X itself for an estimator."""
    if hasattr(estimator, "steps") and len(estimator.steps) > 1:
        return estimator[:-1].transform(X)
    return X


def named(estimators: Any) -> dict[str, Any]:
    """Return estimators by name; members of a list are named by how they differ.

    Returns
    -------
    dict
        Names to estimators, in the order given.

    Raises
    ------
    ValueError
        If there are no estimators.
    TypeError
        If ``estimators`` is neither a mapping nor an iterable of estimators.
    """
    if isinstance(estimators, Mapping):
        found = {str(name): estimator for name, estimator in estimators.items()}
    elif isinstance(estimators, Iterable) and not hasattr(estimators, "fit"):
        members = list(estimators)
        found = dict(zip(_names(members), members, strict=True))
    else:
        raise TypeError(
            "estimators must be a list or a dict of name to fitted estimator, got "
            f"{type(estimators).__name__}; use from_estimator for a single one"
        )
    if not found:
        raise ValueError("estimators must hold at least one fitted estimator, got none")
    return found


def _names(members: list[Any]) -> list[str]:
    """Name each member by the arguments in which it differs from the others, or by position."""
    steps = [last_step(m) for m in members]
    kinds = [type(s).__name__ for s in steps]
    shown = [{"estimator": type(s).__name__, **s.get_params(deep=False)} for s in steps]
    keys = dict.fromkeys(key for params in shown for key in params)
    # Compared by repr, since arguments may be arrays.
    differ = [k for k in keys if len({repr(params.get(k)) for params in shown}) > 1]
    names = [", ".join(f"{k}={p[k]}" for k in differ if k in p) for p in shown]
    if len(set(names)) == len(names) and all(names):
        return names
    return [f"{kind} {i}" for i, kind in enumerate(kinds)]


def check_names(name: Any, n: int) -> list[str | None]:
    """Return one name (or None) for each of n lines.

    Returns
    -------
    list of str or None
        A legend entry for each line; None gives the line no entry.

    Raises
    ------
    ValueError
        If a list has another length, or one string is given for several lines.
    """
    names: list[str | None]
    names = [name] * n if name is None else [name] if isinstance(name, str) else list(name)
    if len(names) != n:
        raise ValueError(f"name must be a list of {n} names, one per line, got {name!r}")
    return names


def drawn_once(ax: Any, key: Hashable, draw: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any]:
    """Draw something, or return what was drawn on the axes with the same key before.

    Parameters
    ----------
    ax : matplotlib Axes
        What it is drawn on.
    key : hashable
        What tells whether it is the same.
    draw : callable
        ``draw() -> (artist, other)``.

    Returns
    -------
    artist, other
        What ``draw`` returned, now or then.
    """
    for artist in (*ax.lines, *ax.containers):
        before = getattr(artist, "_natfit_drawn", None)
        if before is not None and before[0] == key:
            return artist, before[1]
    artist, other = draw()
    # matplotlib's outlined histograms are plain lists, which are drawn again.
    with suppress(AttributeError):
        artist._natfit_drawn = key, other
    return artist, other

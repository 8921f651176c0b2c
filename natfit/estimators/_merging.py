"""Fits to different rows, joined: what densities and regressions share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.validation import check_is_fitted

from natfit._component import resolve, same
from natfit._validation import answers_keywords
from natfit._warnings import warn
from natfit.distributions.base import Distribution
from natfit.fitting.drift import Test
from natfit.iterate import Status

#: Options that two fits to be joined have in common.
_OPTIONS = (
    *("distribution", "fixed", "bounds", "truncation", "alpha", "covariance_type"),
    *("link", "fit_intercept"),
)

#: Options that remain those of the first call where a fit goes on.
_LASTING = (*_OPTIONS, "prior", "coordinates", "predictor", "features_for")

#: The p value of a merge below which one step may be far from the fit to all rows.
_FAR = 1e-6


class Merging:
    """What all fits do that are joined with others."""

    #: The test of the last merge, or why there is none.
    _merged: Test | str = "it is that of merge, which has not been called since the last fit"

    #: The options of the fit that goes on, by name.
    _lasting: dict[str, Any] | None = None

    _all_or_nothing: Any

    def _keep_options(self, anew: bool = False) -> None:
        """Keep the options of a fit, or raise ValueError if one has changed since they were kept.

        Raises
        ------
        ValueError
            If a fit that goes on would be another model.
        """
        own = vars(self)
        if self._lasting is None or anew:
            self._lasting = {name: _kept(own[name]) for name in _LASTING if name in own}
            return
        for name, before in self._lasting.items():
            now = own[name]
            if now is before and not isinstance(now, Mapping | list):
                continue
            if not _alike(_resolved(name, now), _resolved(name, before)):
                raise ValueError(
                    f"{name} must stay as it was while partial_fit goes on, {before}, got {now}; "
                    "call fit, which begins anew, or set it back"
                )

    def _merge(self, other: Any) -> Test | str:
        """Join this fit with another one; return the test that both are alike, or why none."""
        raise NotImplementedError

    @answers_keywords
    def merge(self, other: Any) -> Any:
        """Join this fit with one to other rows: of the same family, options and columns.

        Families with a summary give the fit to all rows, and so do two fits that still hold the
        first rows of :meth:`partial_fit`. Others take one step: with the estimates theta_k and
        their information I_k, ``theta = (I1 + I2)^-1 (I1 theta1 + I2 theta2)``. Rows that one of
        them holds are a batch of the other.

        Parameters
        ----------
        other : estimator of the same class
            Fitted by ``fit`` or ``partial_fit`` to rows of its own. It is not changed.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            If the two cannot be joined. The estimator stays as it was before.
        """
        refuse_others(self, other)
        with self._all_or_nothing():
            self._merged = self._merge(other)
        return self

    @property
    def merge_loss_(self) -> float:
        """What the log-likelihood loses, nats, because merged fits share their parameters.

        Raises
        ------
        AttributeError
            If nothing was merged, or if one part of the rows has no estimate of its own.
        """
        return self._test_of("merge_loss_").nats

    @property
    def merge_p_value_(self) -> float:
        """The p value of the test that merged fits share their parameters.

        Raises
        ------
        AttributeError
            If nothing was merged, or if one part of the rows has no estimate of its own.
        """
        return self._test_of("merge_p_value_").p_value

    def _test_of(self, name: str) -> Test:
        if isinstance(self._merged, str):
            raise AttributeError(f"{name} is not known: {self._merged}")
        return self._merged


def own_maximum(fit: Any) -> float | None:
    """Return the log-likelihood of a fit at its maximum, in nats; None if it has none."""
    try:
        status = fit.status_
    except (AttributeError, NotFittedError):
        return None
    return float(fit.loglik_) if status.good or status is Status.BOUNDARY else None


def compared(apart: list[float | None], joint: Any, df: int, left: float = 1.0) -> Test | str:
    """Return the likelihood-ratio test that two parts of the rows share their parameters.

    Parameters
    ----------
    apart : list of float or None
        The log-likelihood of each part at its own maximum, in nats, None for none.
    joint : estimator
        The fit to all of them.
    df : int
        Number of parameters.
    left : float
        What is left of a row.

    Returns
    -------
    Test or str
        Why there is none, where there is none.
    """
    known = [each for each in apart if each is not None]
    both = own_maximum(joint)
    if len(known) < len(apart) or both is None:
        return "the likelihood of a part of the rows, or of all, has no maximum that was found"
    return Test.of_loss(max(sum(known) - both, 0.0), df, left)


def tested(test: Test, name: str) -> Test | str:
    """Return the test of a merge in one step if it has a statistic, or why there is none.

    Parameters
    ----------
    test : Test
        That two fits share their parameters.
    name : str
        The estimator, for messages.

    Returns
    -------
    Test or str

    Warns
    -----
    ConvergenceWarning
        If the fits are so different that a quadratic about each does not reach between them.
    """
    if not np.isfinite(test.statistic):
        return "the rows have no finite score at the estimate"
    if test.p_value < _FAR:
        warn(
            f"{name}: merge has joined fits that differ by {test.nats:.4g} nats (p = "
            f"{test.p_value:.1g}), of which one step may be far from the fit to all rows; fit all "
            "rows together, or keep the fits apart",
            ConvergenceWarning,
            (name, "merge"),
        )
    return test


def refuse_others(one: Any, two: Any) -> None:
    """Raise where two fits cannot be joined, with what differs.

    Raises
    ------
    TypeError
        If the other one is no estimator of the same class.
    ValueError
        If one is not fitted (NotFittedError), or families, options or columns differ.
    """
    if type(one) is not type(two):
        raise TypeError(f"merge needs another {type(one).__name__}, got {type(two).__name__}")
    if one is two:
        raise ValueError("merge needs a fit to other rows, got the estimator itself")
    for each in (one, two):
        check_is_fitted(each, "n_features_in_")
    refuse_different("columns", one.n_features_in_, two.n_features_in_)
    names = (getattr(each, "feature_names_in_", None) for each in (one, two))
    refuse_different("names of columns", *(None if n is None else n.tolist() for n in names))
    for name in _OPTIONS:
        refuse_different(name, *(_option(each, name) for each in (one, two)))


def _option(estimator: Any, name: str) -> Any:
    """Return an option, and the component that a name stands for."""
    return _resolved(name, getattr(estimator, name, None))


def _resolved(name: str, value: Any) -> Any:
    return resolve(value, Distribution) if name == "distribution" and value is not None else value


def refuse_different(what: str, a: Any, b: Any) -> None:
    """Raise ValueError if two fits differ in something that they must share."""
    if not _alike(a, b):
        raise ValueError(f"merge needs fits with the same {what}, got {a} and {b}")


def _kept(value: Any) -> Any:
    """Return an option in containers of its own: what the caller holds may change."""
    if isinstance(value, Mapping):
        return {key: _kept(own) for key, own in value.items()}
    return [_kept(own) for own in value] if isinstance(value, list) else value


def refuse_without_maximum(fit: Any) -> None:
    """Raise ValueError where a fit has ended elsewhere than at a maximum, from which none goes on.

    Raises
    ------
    ValueError
        With how it has ended.
    """
    status, distance = fit.status_, fit.history_["distance"][-1]
    # A kink, or rounding, may hide the last descent.
    near = status is Status.NO_DESCENT and distance <= 1.0
    if not (status.good or status in (Status.BOUNDARY, Status.SINGULAR) or near):
        raise ValueError(
            f"partial_fit and merge need a fit that has reached a maximum, got {fit.message_}; "
            "partial_fit from the first rows on holds them until there is one"
        )


def _alike(a: Any, b: Any) -> bool:
    """Tell whether two options are equal, arrays in containers included."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_alike(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_alike, a, b))
    return same(a, b)

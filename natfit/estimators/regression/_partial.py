"""Regressions with linear predictors that go on as rows arrive: partial_fit and merge."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse, vstack
from sklearn.utils.validation import check_is_fitted

from natfit._validation import check_jobs, check_number
from natfit.distributions import Censored
from natfit.estimators._partial_checks import refuse_others, weightless
from natfit.estimators.regression._features import read_container
from natfit.estimators.regression._options import strengths
from natfit.fitting.running import (
    Moved,
    Past,
    Test,
    absorbed,
    drift_table,
    merged,
    score_test,
)
from natfit.inference import Information
from natfit.iterate import Status
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives import Regression
from natfit.optimize import History
from natfit.rows import rows_of

#: Rows, and rows a coefficient, up to which all rows are fitted together.
_FIRST, _A_COEFFICIENT = 1_000, 20

#: Distance to the optimum, in standard errors, up to which a batch has converged.
_CONVERGED = 1e-4


@dataclass(frozen=True)
class Going:
    """What is known of the rows of a regression.

    Attributes
    ----------
    past : Past or None
        The quadratic; None as long as rows are held.
    held : tuple or None
        Batches (X, y, sample_weight, offset, exposure) that are fitted together.
    batches : int
        Number of batches, that of a fit included.
    tests : tuple of (int, float, Test)
        The tests of batches so far.
    """

    past: Past | None = None
    held: tuple[dict[str, Any], ...] = ()
    batches: int = 0
    tests: tuple[tuple[int, float, Test], ...] = ()


class PartialRegression:
    """What a regression does with rows that come later, and with other fits."""

    predictor: Any
    prior: Any
    alpha: Any
    n_jobs: int | None
    n_obs_: float
    loglik_: float
    status_: Status
    message_: str
    _information: Information | None
    _at_bound: tuple[int, ...]
    _going: Going | None
    merge_loss_: float
    merge_p_value_: float

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def _go_on(self, given: dict[str, Any], forgetting: float, ready: bool = True) -> None:
        """Go on with the rows of a batch; before the first fit only if these are ``ready``."""
        share = check_number(forgetting, "forgetting", low=0.0, high=1.0, closed_low=False)
        self._refuse_networks("partial_fit")
        going = self.__dict__.get("_going")
        if going is None:
            going = Going(_past_of(self), (), 1) if "_theta" in self.__dict__ else Going()
        if not hasattr(given["X"], "shape"):
            given = {**given, "X": np.asarray(given["X"])}
        n = given["X"].shape[0] if np.ndim(given["X"]) else 0
        seen = going.past is not None or bool(going.held)
        if seen:
            # What scikit-learn says of other columns, before anything else.
            read_container(self, given["X"], False, 0)
        if (seen and n == 0) or weightless(given["sample_weight"], n):
            return
        if going.past is None:
            self._hold(going, given, share, ready)
        else:
            self._absorb(going, given, share)

    def _forget(self) -> None:
        """Drop what was known of other rows, before a fit."""
        for name in ("_going", "_partial_classes", "merge_loss_", "merge_p_value_"):
            self.__dict__.pop(name, None)

    def _refuse_networks(self, method: str) -> None:
        if not (isinstance(self.predictor, str) and self.predictor == "linear"):
            raise ValueError(
                f"{method} needs predictor='linear', got {self.predictor!r}; train a network on "
                "all rows by fit with batch_size, which reads few of them at a time"
            )
        if self.prior is not None:
            raise ValueError(
                f"{method} needs prior=None, because Jeffreys' prior is no sum over rows; use "
                "alpha > 0"
            )

    # ------------------------------------------------------------------------ the first rows

    def _hold(self, going: Going, given: dict[str, Any], share: float, ready: bool) -> None:
        """Fit all rows so far together, and keep their quadratic once they are enough."""
        before = tuple(_faded(each, share) for each in going.held) if share < 1.0 else going.held
        held = (*before, given)
        rows = _together(held)
        done = ready
        try:
            if ready:
                self._fit_held(rows)
        except ValueError as error:
            if rows["X"].shape[0] >= _FIRST or not _may_wait(error):
                raise
            done = False
        if not done and not before:
            read_container(self, given["X"], True, 1)
        going = replace(going, held=held, batches=going.batches + 1)
        if done and (self.status_.good or self.status_ is Status.BOUNDARY):
            if rows["X"].shape[0] >= max(_FIRST, _A_COEFFICIENT * len(self._theta)):
                going = replace(going, past=_past_of(self), held=())
        self._going = going

    def _fit_held(self, rows: dict[str, Any]) -> None:
        raise NotImplementedError

    # ---------------------------------------------------------------------------- the others

    def _objective_of(self, given: dict[str, Any]) -> tuple[Regression, float]:
        """Return the objective of a batch, with the penalty, and its number of rows."""
        data = self._data(given["X"], given["y"], given["sample_weight"], reset=False)
        offsets = self._offsets(self.distribution_, data.n, given["offset"], given["exposure"])
        family, values = self._seen_rows(data, given["y"])
        family.check(rows_of(values))
        matrix = self._choice.layout.matrix(data.X)
        offsets = data.those_kept(offsets)
        rows = rows_of(values, matrix, data.weight, offsets, check_jobs(self.n_jobs))
        alpha = np.zeros(family.n_params)
        for name, strength in strengths(self.alpha, family).items():
            alpha[family.blocks[name]] = strength
        lam = self._model.penalty(alpha) if alpha.any() else None
        return Regression(family, self._model, rows, lam, family.contrast), float(rows.n)

    def _absorb(self, going: Going, given: dict[str, Any], share: float) -> None:
        assert going.past is not None
        objective, n = self._objective_of(given)
        past = going.past.forgotten(share)
        test = score_test(_unpenalised(objective), past, self._at_bound)
        with np.errstate(all="ignore"):
            moved = absorbed(objective, past, past.theta)
        number = going.batches + 1
        tests = (*going.tests, (number, n, test))
        self._going = Going(moved.past, (), number, tests)
        self._moved(moved, number)

    def _moved(self, moved: Moved, number: int) -> None:
        """Publish the estimate that a batch has moved."""
        past = moved.past
        family, seen, chosen = self.distribution_, self._family, self._choice
        for name, value in self._state(family, seen, chosen, self._model, past.theta).items():
            setattr(self, name, value)
        old: Any = self._information
        matrix = past.information / past.total
        self._information = Information(matrix, "observed", (), old.prior, old.complete)
        self._at_bound = moved.active
        self.n_obs_, self.loglik_ = past.total, past.log_likelihood
        # No rows are there of which there could be one without features.
        self._null = np.nan
        self.n_iter_ = max(1, moved.steps)
        self.status_ = Status.CONVERGED if moved.distance <= _CONVERGED else Status.NO_DESCENT
        self.status_ = Status.BOUNDARY if moved.active else self.status_
        self.message_ = (
            f"{self.status_}: batch {number} has moved the estimate in {self.n_iter_} steps, to "
            f"{moved.distance:.1g} standard errors of the optimum of its likelihood and the "
            "quadratic of the rows before"
        )
        if self.status_ is not Status.CONVERGED:
            self.message_ += f"; {self.status_.remedy}"
            self._warn(self.status_, self.message_, self._engine())

    # --------------------------------------------------------------------------------- drift

    @property
    def drift_(self) -> History:
        """Score tests of batches, each against the estimate from the rows before it.

        The columns are ``batch``, ``n`` (rows), ``statistic``, ``df``, ``p_value`` and ``nats``,
        half the statistic: what coefficients of the batch's own would add to the log-likelihood.
        The error of the estimate is allowed for. Batches among the first rows, which are fitted
        together, have no test.
        """
        check_is_fitted(self, "n_features_in_")
        going = self.__dict__.get("_going")
        return drift_table(() if going is None else going.tests)

    # --------------------------------------------------------------------------------- merge

    def merge(self, other: Any) -> Any:
        """Join this fit with one to other rows: of the same family, options and columns.

        With the estimates theta_k and their information I_k it takes one step, ``theta = (I1 +
        I2)^-1 (I1 theta1 + I2 theta2)``. ``merge_loss_`` is what the log-likelihood loses, nats,
        because both share their coefficients, and ``merge_p_value_`` that of the test that they do.

        Parameters
        ----------
        other : NaturalRegressor or NaturalClassifier
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
            self._merge(other)
        return self

    def _merge(self, other: Any) -> None:
        for each in (self, other):
            each._refuse_networks("merge")
            check_is_fitted(each, "_theta")
        labels = [getattr(each, "classes_", np.empty(0)).tolist() for each in (self, other)]
        named = [repr((each.distribution_, each._choice.named())) for each in (self, other)]
        for what, (a, b) in (("classes", labels), ("family and features", named)):
            if a != b:
                raise ValueError(f"merge needs fits with the same {what}, got {a} and {b}")
        states = [each.__dict__.get("_going") or Going(None, (), 1) for each in (self, other)]
        one, two = (
            _past_of(each) if state.past is None else state.past
            for each, state in zip((self, other), states, strict=True)
        )
        past, test = merged(one, _carried(two, other._model, self._model))
        batches = sum(state.batches for state in states)
        self._going = Going(past, (), batches, states[0].tests)
        self._moved(Moved(past, (), 1, 0.0), batches)
        self.message_ = f"{self.status_}: two fits were merged in one step"
        self.merge_loss_, self.merge_p_value_ = test.nats, test.p_value


def _unpenalised(objective: Regression) -> Regression:
    """Return the objective without its penalty."""
    family, model, rows = objective.distribution, objective.model, objective.rows
    return Regression(family, model, rows)


def _past_of(estimator: Any) -> Past:
    """Return the quadratic of the rows of a fit."""
    info = estimator._information
    if info is None:
        from natfit.estimators.regression._statements_estimates import Given

        info = estimator._estimate(Given()).information
    total = estimator.n_obs_
    return Past(estimator._theta, total * info.matrix, total, estimator.loglik_)


def _carried(past: Past, model: LinearPredictors, into: LinearPredictors) -> Past:
    """Return a quadratic in the coordinates of other linear predictors: other units of features."""

    def mapped(theta: np.ndarray) -> np.ndarray:
        return into.of_raw(model.raw(theta))

    origin = mapped(np.zeros_like(past.theta))
    slope = np.stack([mapped(e) - origin for e in np.eye(len(origin))], axis=1)
    inverse = np.linalg.inv(slope)
    matrix = inverse.T @ past.information @ inverse
    return replace(past, theta=mapped(past.theta), information=0.5 * (matrix + matrix.T))


def _may_wait(error: ValueError) -> bool:
    """Tell whether more rows may help against what a first fit has refused."""
    said = str(error)
    return any(words in said for words in ("minimum of 2", "two classes", "constant", "add rows"))


def _faded(given: dict[str, Any], share: float) -> dict[str, Any]:
    """Return a batch with a share of its weights."""
    n = given["X"].shape[0]
    weight = given["sample_weight"]
    weight = np.broadcast_to(1.0 if weight is None else np.asarray(weight, np.float64), n)
    return {**given, "sample_weight": share * weight}


def _together(held: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    """Return several batches as one."""
    if len(held) == 1:
        return held[0]
    rows = [each["X"].shape[0] for each in held]
    out: dict[str, Any] = {}
    for name in held[0]:
        parts = [each[name] for each in held]
        if all(part is None for part in parts):
            out[name] = None
        elif name == "sample_weight":
            pairs = zip(parts, rows, strict=True)
            own = [np.broadcast_to(1.0 if p is None else np.asarray(p), n) for p, n in pairs]
            out[name] = np.concatenate(own)
        elif any(part is None for part in parts):
            raise ValueError(f"{name} must be given with all batches or with none")
        else:
            out[name] = _stacked(name, parts)
    return out


def _stacked(name: str, parts: list[Any]) -> Any:
    """Return the rows of several containers of one kind as one."""
    first = parts[0]
    if issparse(first):
        return vstack(parts, format="csr")
    if Censored.of(first) is not None:
        return Censored.of_rows(np.concatenate([Censored.of(part).rows for part in parts]))
    if hasattr(first, "iloc"):
        import pandas as pd

        return pd.concat(parts, ignore_index=True)
    if hasattr(first, "vstack"):
        return functools.reduce(lambda one, two: one.vstack(two), parts)
    try:
        return np.concatenate([np.asarray(part) for part in parts])
    except ValueError as error:
        raise ValueError(
            f"{name} must have the same columns in all batches, got shapes "
            f"{[np.shape(part) for part in parts]}: {error}"
        ) from None


def known_classes(estimator: Any, classes: Any, labels: np.ndarray) -> np.ndarray:
    """Return all classes of a classifier that goes on, those of its first call.

    Parameters
    ----------
    estimator : NaturalClassifier
        The classifier.
    classes : array-like of shape (K,) or None
        The argument.
    labels : ndarray of shape (n,)
        Labels of a batch.

    Returns
    -------
    ndarray of shape (K,)
        Sorted.

    Raises
    ------
    ValueError
        If they are missing at the first call, differ from those before, or lack a label.
    """
    before = estimator.__dict__.get("_partial_classes", estimator.__dict__.get("classes_"))
    if classes is None and before is None:
        raise ValueError(
            "classes must be passed on the first call to partial_fit: all labels that may come"
        )
    known = before if classes is None else np.unique(np.asarray(classes))
    if before is not None and not np.array_equal(known, before):
        raise ValueError(
            f"classes={known.tolist()} is not the same as on the last call, was: "
            f"{before.tolist()}; fit a new classifier to other classes"
        )
    if len(known) < 2:
        raise ValueError(f"classes must be at least two, got {known.tolist()}")
    new = np.setdiff1d(labels, known)
    if len(new):
        raise ValueError(
            f"y must hold some of classes, {known.tolist()}, got the new label(s) {new.tolist()}; "
            "name all of them at the first call"
        )
    return known

"""Regressions with linear predictors that go on as rows arrive: partial_fit and merge."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse, vstack
from sklearn.utils.validation import check_is_fitted

from natfit._numbers import TooFewRows
from natfit._validation import check_jobs, check_number
from natfit.distributions import Censored
from natfit.estimators._merging import Merging, compared, own_maximum, refuse_different, tested
from natfit.estimators._partial_checks import HELD, weightless
from natfit.estimators.regression._features import layout_of, read_container
from natfit.estimators.regression._options import strengths
from natfit.estimators.regression._statements_estimates import Remembered
from natfit.fitting.drift import Test, drift_table, score_test
from natfit.fitting.running import Moved, Past, absorbed, ending, merged
from natfit.inference import Information
from natfit.iterate import Status
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives import Regression
from natfit.optimize import History
from natfit.rows import rows_of

#: Rows, and rows a coefficient, up to which all rows are fitted together.
_FIRST, _A_COEFFICIENT = 1_000, 20


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
    classes : ndarray of shape (K,) or None
        All classes that may come.
    """

    past: Past | None = None
    held: tuple[dict[str, Any], ...] = ()
    batches: int = 0
    tests: tuple[tuple[int, float, Test], ...] = ()
    classes: np.ndarray | None = None


class PartialRegression(Merging):
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
    _going: Going

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def _go_on(
        self, given: dict[str, Any], forgetting: float, classes: np.ndarray | None = None
    ) -> None:
        """Go on with the rows of a batch, whose labels are among ``classes``."""
        share = check_number(forgetting, "forgetting", low=0.0, high=1.0, closed_low=False)
        self._refuse_networks("partial_fit")
        self._keep_options(anew="_going" not in self.__dict__ and "_theta" not in self.__dict__)
        going = replace(self._state_of_rows(), classes=classes)
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
            before = [_faded(each, share) for each in going.held] if share < 1.0 else going.held
            self._hold(going, (*before, _copied(given)), going.batches + 1)
        else:
            self._absorb(going, given, share)

    def _state_of_rows(self) -> Going:
        """Return what is known of the rows so far: those of a fit, or of batches, or none."""
        going = self.__dict__.get("_going")
        if going is not None:
            return going
        return Going(_past_of(self), (), 1) if "_theta" in self.__dict__ else Going()

    def _forget(self) -> None:
        """Drop what was known of other rows, before a fit."""
        for name in ("_going", "_merged"):
            self.__dict__.pop(name, None)
        self._keep_options(anew=True)

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

    def _hold(self, going: Going, held: tuple[dict[str, Any], ...], number: int) -> None:
        """Fit all rows so far together, and keep their quadratic once they are enough."""
        rows = _together(held)
        n = rows["X"].shape[0]
        done = n >= 2 and self._seen_all(rows, going)
        try:
            if done:
                self._fit_held(rows)
        except TooFewRows:
            if n > HELD:
                raise
            done = False
        if not done:
            # Rows that are refused must not wait until there are others.
            data = self._data(rows["X"], rows["y"], rows["sample_weight"], reset=True, least=1)
            layout_of(data.X).matrix(data.X)
        going = replace(going, held=held, batches=number)
        # A quadratic does not say how the likelihood falls off from a limit.
        if done and own_maximum(self) is not None and (n > HELD or not self._at_bound):
            if n >= max(_FIRST, _A_COEFFICIENT * len(self._theta)):
                going = replace(going, past=_past_of(self), held=())
        if going.past is None and n > HELD:
            why = self.message_ if done else "some of the classes have not come"
            raise ValueError(
                f"the first {HELD:,} rows of partial_fit must determine all coefficients, got "
                f"{n:,} rows that do not: {why}; use alpha > 0, drop columns, or name fewer classes"
            )
        self._going = going

    def _seen_all(self, rows: dict[str, Any], going: Going) -> bool:
        """Tell whether the rows may determine a first fit; a classifier waits for its classes."""
        return True

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
        ridge = objective.penalty_matrix()
        test = score_test(_unpenalised(objective), past, self._at_bound, ridge)
        with np.errstate(all="ignore"):
            moved = absorbed(objective, past, past.theta, ridge)
        number = going.batches + 1
        tests = (*going.tests, (number, n, test))
        self._going = replace(going, past=moved.past, held=(), batches=number, tests=tests)
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
        # The rows of the last fit are not all of them.
        self._remembered = Remembered(X=None)
        self._null = (
            f"null_log_likelihood_ needs the rows, and those of {number} batches are not kept: fit "
            "all rows together for it, or a second estimator without features by partial_fit"
        )
        self.status_, self.n_iter_, self.message_ = ending([moved], number)
        if self.status_ is not Status.CONVERGED:
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

    def _merge(self, other: Any) -> Test | str:
        for each in (self, other):
            each._refuse_networks("merge")
        one, two = (each._state_of_rows() for each in (self, other))
        labels = [_labels(each, state) for each, state in ((self, one), (other, two))]
        refuse_different("classes", *labels)
        number = one.batches + two.batches
        if one.past is None and two.past is None:
            apart = [own_maximum(each) for each in (self, other)]
            self._hold(one, (*one.held, *two.held), number)
            size = len(self._theta) if "_theta" in self.__dict__ else 0
            return compared(apart, self, size)
        if one.past is None:
            known = self.get_params(deep=False)
            for name in other.__dict__.keys() - known.keys():
                setattr(self, name, other.__dict__[name])
        if one.past is None or two.past is None:
            kept, rows = (two, one.held) if one.past is None else (one, two.held)
            self._absorb(replace(kept, batches=number - 1), _together(rows), 1.0)
            return tested(self._going.tests[-1][2])
        refuse_different("family", self.distribution_, other.distribution_)
        refuse_different("features", self._choice.named(), other._choice.named())
        carried = _carried(two.past, other._model, self._model)
        moved, test = merged(one.past, carried, self._model.limits())
        self._going = replace(one, past=moved.past, batches=number)
        self._moved(moved, number)
        self.message_ = f"{self.status_}: two fits were merged in one step"
        return tested(test)


def _labels(estimator: Any, going: Going) -> Any:
    """Return the classes of a classifier, None for a regressor."""
    found = estimator.__dict__.get("classes_") if going.classes is None else going.classes
    return None if found is None else found.tolist()


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
    at = estimator._theta, total * info.matrix, total, estimator.loglik_
    return Past.about(*at, estimator._at_bound)


def _carried(past: Past, model: LinearPredictors, into: LinearPredictors) -> Past:
    """Return a quadratic in the coordinates of other linear predictors: other units of features."""

    def mapped(theta: np.ndarray) -> np.ndarray:
        return into.of_raw(model.raw(theta))

    origin = mapped(np.zeros_like(past.theta))
    slope = np.stack([mapped(e) - origin for e in np.eye(len(origin))], axis=1)
    inverse = np.linalg.inv(slope)
    matrix = inverse.T @ past.information @ inverse
    slope = inverse.T @ np.broadcast_to(past.slope, origin.shape)
    matrix = 0.5 * (matrix + matrix.T)
    return replace(past, theta=mapped(past.theta), information=matrix, slope=slope)


def _copied(given: dict[str, Any]) -> dict[str, Any]:
    """Return a batch in arrays of its own: what the caller holds may change."""
    return {
        k: _copied(v) if isinstance(v, dict) else v.copy() if isinstance(v, np.ndarray) else v
        for k, v in given.items()
    }


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
        elif isinstance(parts[0], Mapping):
            out[name] = {
                k: _stacked(f"{name}[{k!r}]", [part[k] for part in parts]) for k in parts[0]
            }
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
    going = estimator.__dict__.get("_going")
    before = None if going is None else going.classes
    before = estimator.__dict__.get("classes_") if before is None else before
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

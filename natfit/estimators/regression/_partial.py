"""Regressions with linear predictors that go on as rows arrive: partial_fit and merge."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from natfit._numbers import TooFewRows
from natfit._validation import check_jobs, check_number
from natfit.distributions.base import Distribution
from natfit.distributions.contract.united import represents, united
from natfit.estimators._merging import (
    Merging,
    compared,
    own_maximum,
    refuse_different,
    refuse_without_maximum,
    tested,
)
from natfit.estimators._partial_checks import HELD, refuse_elsewhere, refuse_ends, weightless
from natfit.estimators.regression._features import layout_of, read_container
from natfit.estimators.regression._held import Held, parts_of, refuse_other_parts, together
from natfit.estimators.regression._options import strengths
from natfit.estimators.regression._statements_estimates import Remembered
from natfit.fitting.drift import Test, drift_table, score_test
from natfit.fitting.links import driven_by, linked
from natfit.fitting.past import Past, left_between, left_of
from natfit.fitting.penalties import NONE, Penalty, Ridge
from natfit.fitting.running import Moved, absorbed, at_rest, ending, merged
from natfit.inference import Information
from natfit.iterate import Status
from natfit.models._design import units_of
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives import Regression, ridge_matrix
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
    held : tuple of Held
        Batches that are fitted together.
    batches : int
        Number of batches, that of a fit included.
    tests : tuple of (int, float, Test)
        The tests of batches so far.
    classes : ndarray of shape (K,) or None
        All classes that may come.
    """

    past: Past | None = None
    held: tuple[Held, ...] = ()
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
    #: Whether rows are fitted to which others will be added.
    _goes_on = False
    #: Why rows that are held give no fit; empty where they do.
    _waits = ""
    _model: Any
    _remembered: Any
    distribution_: Distribution
    _family: Distribution

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def _go_on(
        self, given: dict[str, Any], forgetting: float, classes: np.ndarray | None = None
    ) -> None:
        """Go on with the rows of a batch, whose labels are among ``classes``."""
        share = check_number(forgetting, "forgetting", low=0.0, high=1.0, closed_low=False)
        self._keep_options(anew="_going" not in self.__dict__ and "_theta" not in self.__dict__)
        going = replace(self._state_of_rows(), classes=classes)
        seen = going.past is not None or bool(going.held)
        # What scikit-learn says of other columns, before anything else.
        read_container(self, given["X"], not seen, 0)
        if not hasattr(given["X"], "shape"):
            given = {**given, "X": np.asarray(given["X"])}
        n = given["X"].shape[0]
        if (seen and n == 0) or weightless(given["sample_weight"], n):
            return
        if going.held or "_theta" in self.__dict__:
            known = _parts_of(self, going)
            if known is not None:
                refuse_other_parts(known, parts_of(given))
        if going.past is None:
            self._check_batch(given, reset=not seen)
            before = [each.forgotten(share) for each in going.held]
            self._hold(going, (*before, Held.of(given)), going.batches + 1)
        else:
            self._absorb(going, Held(given), share)

    def _check_batch(self, given: dict[str, Any], reset: bool) -> None:
        """Raise for rows of a batch that must not wait until there are others, by their places."""
        data = self._data(given["X"], given["y"], given["sample_weight"], reset=reset, least=1)
        layout_of(data.X).matrix(data.X)
        if "_theta" in self.__dict__:
            self._checked_rows(data, given)

    def _checked_rows(
        self, data: Any, given: dict[str, Any]
    ) -> tuple[Distribution, np.ndarray, np.ndarray | None]:
        """Return the family, the rows y of a batch and their offsets, which suit what is fitted."""
        offsets = self._offsets(self.distribution_, data.n, given["offset"], given["exposure"])
        family, values = self._seen_rows(data, given["y"])
        if family.event_shape and values.shape[1:] != family.event_shape:
            raise ValueError(
                f"y must have {family.event_shape[0]} columns as in the first batch, got "
                f"{values.shape[1]}"
            )
        family.check(rows_of(values))
        return family, values, data.those_kept(offsets)

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

    def _refuse_batch(self, given: dict[str, Any]) -> None:
        """Raise for what no batch can be, before anything is read."""
        self._refuse_networks("partial_fit")
        refuse_elsewhere(**given)

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

    def _hold(self, going: Going, held: tuple[Held, ...], number: int) -> None:
        """Fit all rows so far together, and keep their quadratic once they are enough."""
        rows = together(held)
        n = rows["X"].shape[0]
        done = n >= 2 and self._seen_all(rows, going)
        waits = "" if done else "some of the classes have not come, or fewer than two rows"
        try:
            if done:
                self._goes_on = True
                self._fit_held(rows)
                refuse_ends((self._family,))
                info = _estimate_of(self).information
                self._information = replace(info, left=left_of(*held))
        except TooFewRows as error:
            if n > HELD:
                raise
            done, waits = False, str(error)
        finally:
            self._goes_on = False
        going = replace(going, held=held, batches=number)
        # A quadratic does not say how the likelihood falls off from a limit.
        if done and self._determined() and (n > HELD or not self._at_bound):
            if n >= max(_FIRST, _A_COEFFICIENT * len(self._theta)):
                going = replace(going, past=_past_of(self), held=())
        if going.past is None and n > HELD:
            why = self.message_ if done else "some of the classes have not come"
            raise ValueError(
                f"the first {HELD:,} rows of partial_fit must determine all coefficients, got "
                f"{n:,} rows that do not: {why}; use alpha > 0, drop columns, or name fewer classes"
            )
        self._going, self._waits = going, waits

    def _determined(self) -> bool:
        """Tell whether the rows determine the fit, but for columns that may begin to vary."""
        if own_maximum(self) is not None:
            return True
        if self.status_ is not Status.SINGULAR:
            return False
        variances = np.diagonal(_estimate_of(self).covariance())
        return bool(np.isfinite(variances[~self._model.constant]).all())

    def _seen_all(self, rows: dict[str, Any], going: Going) -> bool:
        """Tell whether the rows may determine a first fit; a classifier waits for its classes."""
        return True

    def _fit_held(self, rows: dict[str, Any]) -> None:
        raise NotImplementedError

    # ---------------------------------------------------------------------------- the others

    def _objective_of(self, given: dict[str, Any]) -> tuple[Regression, float]:
        """Return the objective of a batch, without the penalty, and its number of rows."""
        data = self._data(given["X"], given["y"], given["sample_weight"], reset=False)
        if represents(self.distribution_):
            link, driven = getattr(self, "link", None), driven_by(self._choice.features)
            plan, _ = self._adjusted(data, given["y"])
            self._represent(linked(plan.family, link, driven), float(data.n))
        family, values, offsets = self._checked_rows(data, given)
        matrix = self._choice.layout.matrix(data.X)
        # Columns that were constant in all rows before may vary from now on.
        self._model = self._model.opened(units_of(matrix, self._model.design))
        rows = rows_of(values, matrix, data.weight, offsets, check_jobs(self.n_jobs))
        return Regression(family, self._model, rows), float(rows.n)

    def _penalty(self) -> Penalty:
        """Return what alpha adds for each unit of weight."""
        family = self._family
        alpha = np.zeros(family.n_params)
        for name, strength in strengths(self.alpha, family).items():
            alpha[family.blocks[name]] = strength
        if not alpha.any():
            return NONE
        return Ridge(ridge_matrix(self._model.penalty(alpha), family.contrast))

    def _absorb(self, going: Going, batch: Held, share: float) -> None:
        assert going.past is not None
        objective, n = self._objective_of(batch.given)
        past, added = going.past, (self._penalty(), batch.left)
        test = score_test(objective, past, self._at_bound, *added)
        with np.errstate(all="ignore"):
            moved = absorbed(objective, past.forgotten(share), past.theta, *added)
        number = going.batches + 1
        tests = (*going.tests, (number, n, test))
        self._going = replace(going, past=moved.past, held=(), batches=number, tests=tests)
        self._moved(moved, number)

    def _represent(self, family: Distribution, more: float) -> None:
        """Take a family that represents rows of the weight ``more``, too."""
        both = united(self.distribution_, self.n_obs_, family, more)
        if both is None:
            refuse_different("family", self.distribution_, family)
        if self._family == self.distribution_:
            self._family = both
        self.distribution_ = both

    def _moved(self, moved: Moved, number: int) -> None:
        """Publish the estimate that a batch has moved."""
        past = moved.past
        family, seen, chosen = self.distribution_, self._family, self._choice
        for name, value in self._state(family, seen, chosen, self._model, past.theta).items():
            setattr(self, name, value)
        self._information = past.published(self._penalty(), self._family.information.complete)
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
        given = [_parts_of(each, state) for each, state in ((self, one), (other, two))]
        if None not in given:
            refuse_different("arguments among offset and exposure", *given)
        number = one.batches + two.batches
        if one.past is None and two.past is None:
            apart = [own_maximum(each) for each in (self, other)]
            self._hold(one, (*one.held, *two.held), number)
            size = len(self._theta) if "_theta" in self.__dict__ else 0
            parts = [Held(together(each.held), left_of(*each.held)) for each in (one, two)]
            return compared(apart, self, size, left_between(*parts))
        if one.past is None:
            known = self.get_params(deep=False)
            for name in other.__dict__.keys() - known.keys():
                setattr(self, name, other.__dict__[name])
        if one.past is None or two.past is None:
            kept, rows = (two, one.held) if one.past is None else (one, two.held)
            batch = Held(together(rows), left_of(*rows))
            self._absorb(replace(kept, batches=number - 1), batch, 1.0)
            return tested(self._going.tests[-1][2], type(self).__name__)
        self._represent(other.distribution_, two.past.total)
        refuse_different("features", self._choice.named(), other._choice.named())
        theirs = other._model.design
        self._model = self._model.opened(np.where(theirs.flat, 0.0, theirs.scale))
        carried = _carried(two.past, other._model, self._model)
        moved, test = merged(one.past, carried, self._model.limits(), self._penalty())
        self._going = replace(one, past=moved.past, batches=number)
        self._moved(moved, number)
        self.message_ = f"{self.status_}: two fits were merged in one step"
        return tested(test, type(self).__name__)


def _labels(estimator: Any, going: Going) -> Any:
    """Return the classes of a classifier, None for a regressor."""
    found = estimator.__dict__.get("classes_") if going.classes is None else going.classes
    return None if found is None else found.tolist()


def _parts_of(estimator: Any, going: Going) -> list[str] | None:
    """Return which of offset and exposure the rows of a fit have, None where it is not known."""
    if going.held:
        return [*parts_of(going.held[0].given)]
    known = estimator.__dict__.get("_known_parts")
    return None if known is None else [*known]


def _estimate_of(estimator: Any) -> Any:
    """Return the estimate of a fit, with its rows if the information is computed only now."""
    from natfit.estimators.regression._statements_estimates import Given

    return estimator._estimate(Given())


def _past_of(estimator: Any) -> Past:
    """Return the quadratic of the rows of a fit."""
    refuse_ends((estimator._family,))
    refuse_without_maximum(estimator)
    estimate, active = _estimate_of(estimator), tuple(estimator._at_bound)
    info, total, theta = estimate.information, estimator.n_obs_, estimator._theta
    matrix, found = total * info.matrix, estimator.__dict__.get("_at_rest")
    if found is None and estimate.objective is not None:
        found = at_rest(estimate.objective, theta, active, matrix)
    if found is None:
        if active:
            raise ValueError(
                "an estimate at a limit goes on with what the likelihood does there, which is not "
                "kept by to_json; keep the fit with pickle, or fit again"
            )
        found = Past.about(theta, matrix, total, estimator.loglik_, active)
        found = found.without(estimator._penalty(), total)
    return replace(found, left=info.left).finite()


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
    if classes is not None:
        missing = [v for v in np.ravel(np.asarray(classes)).tolist() if v is None or v != v]
        if missing:
            raise ValueError(
                f"classes must not hold missing labels, got {missing[0]}; name labels that may come"
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

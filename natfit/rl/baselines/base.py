"""The contract of baselines, and the ridge regression that some of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from natfit._component import Component
from natfit._validation import check_number
from natfit.rl.normalizer import LARGEST, RunningNormalizer

#: Predictions leave the range of the fitted targets by at most this many of their standard
#: deviations.
MARGIN = 1.0


@dataclass(frozen=True, eq=False)
class Fitted:
    """The result of a fit: numbers and arrays alone, so that it pickles bit for bit.

    Attributes
    ----------
    columns : RunningNormalizer
        Means and deviations of the columns of the fitted rows.
    low, high : float
        Limits of a prediction, in the unit of the rewards.
    parts : dict of str to ndarray
        The baseline's own parameters.
    """

    columns: RunningNormalizer
    low: float
    high: float
    parts: dict[str, np.ndarray]

    def standardised(self, X: Any) -> np.ndarray:
        """Return the columns standardised and clipped to +-10, (N, D).

        A column that was constant gives zeros, since nothing is known about its effect.

        Returns
        -------
        ndarray of shape (N, D)
            Standardised columns, without a unit.
        """
        return self.columns.transform(X) * self.columns.varies


class Baseline(Component):
    """Base of all baselines: regressions of returns on states, with limited predictions.

    A baseline holds options alone; what it learns is a state that the caller keeps::

        state = baseline.fit(X, target, state, rng)     # None at first
        value = baseline.predict(state, X)

    Columns are standardised by the fitted rows. A prediction is clipped to the range of the
    fitted targets, widened by one of their standard deviations on both sides.

    Attributes
    ----------
    uses_target : bool
        False if predictions are zeros whatever the targets are.
    uses_columns : bool
        False if all states have the same prediction.
    """

    _package: ClassVar[str] = "natfit.rl.baselines"

    uses_target: bool = True
    uses_columns: bool = True

    def check(self) -> None:
        """Validate the options; raise ValueError or TypeError."""

    def fit(
        self, X: Any, target: Any, state: Fitted | None = None, rng: Any = None
    ) -> Fitted | None:
        """Return the state that is fitted to the targets.

        Parameters
        ----------
        X : array-like of shape (N, D)
            Encoded observations, N >= 1, D >= 1.
        target : array-like of shape (N,)
            Returns or their estimates, in the rewards' units.
        state : Fitted, optional
            State of the previous fit, of which random features or a start are kept.
        rng : None, int or Generator
            Randomness for baselines that draw features or a start.

        Returns
        -------
        Fitted or None
            A new state; the one given is not modified.

        Raises
        ------
        ValueError
            If shapes disagree, also with ``state``, or a number is not finite.
        """
        self.check()
        X, target = checked(X, target, state)
        columns = RunningNormalizer.empty(X.shape[1]).update(X)
        room = MARGIN * float(target.std()) if np.ptp(target) > 0 else 0.0
        limits = float(target.min()) - room, float(target.max()) + room
        blank = Fitted(columns, *limits, {})
        before = None if state is None else state.parts
        return Fitted(columns, *limits, self._fit(blank.standardised(X), target, before, rng))

    def predict(self, state: Fitted | None, X: Any) -> np.ndarray:
        """Return the expected return of each row of X (N, D), (N,); zeros if ``state`` is None.

        Returns
        -------
        ndarray of shape (N,)
            Predictions in the unit of the rewards.

        Raises
        ------
        ValueError
            If X does not have the fitted columns, or a value is not finite.
        """
        if state is None:
            return np.zeros(len(X))
        value = self._predict(state.parts, state.standardised(X))
        return np.clip(value, state.low, state.high)

    def design(self, state: Fitted | None, X: Any) -> np.ndarray:
        """Return features phi (N, M) of the rows of X, of which predictions are made.

        The first is an intercept. Baselines that are linear in features return these, the
        others their prediction in units of its range.

        Returns
        -------
        ndarray of shape (N, M)
            Features; a value function phi' v that is fitted jointly with something else uses them.
        """
        low, high = (0.0, 0.0) if state is None else (state.low, state.high)
        value = (self.predict(state, X) - low) / ((high - low) or 1.0)
        return np.column_stack([np.ones(len(X)), value])

    def _fit(
        self, z: np.ndarray, target: np.ndarray, before: dict | None, rng: Any
    ) -> dict[str, np.ndarray]:
        """Return the parameters fitted to standardised columns z (N, D)."""
        raise NotImplementedError

    def _predict(self, parts: dict[str, np.ndarray], z: np.ndarray) -> np.ndarray:
        """Return predictions (N,) before they are clipped."""
        raise NotImplementedError


class Ridge(Baseline):
    """Base of baselines that are linear in features: ridge regression with an intercept.

    ``w = (F'F + penalty N I)^-1 F'(target - mean)`` for the features F (N, M) less their means,
    by Cholesky's factorisation, in the form with an N x N matrix where N < M. Features are
    functions of standardised columns and of order one,
    which gives the penalty a natural scale.
    """

    def check(self) -> None:
        """Check that the penalty keeps the normal equations regular in double precision."""
        check_number(self.penalty, "baseline__penalty", low=1e-8, hint="1e-3")

    def design(self, state: Fitted | None, X: Any) -> np.ndarray:
        """Return an intercept and the features (N, M) of the rows of X."""
        if state is None:
            return super().design(state, X)
        features = self._features(state.parts, state.standardised(X))
        return np.hstack([np.ones((len(features), 1)), features])

    def _features(self, parts: dict[str, np.ndarray], z: np.ndarray) -> np.ndarray:
        """Return features (N, M) without the intercept."""
        raise NotImplementedError

    def _draw(self, z: np.ndarray, before: dict | None, rng: Any) -> dict[str, np.ndarray]:
        """Return the parameters that the features need besides z."""
        return {}

    def _fit(
        self, z: np.ndarray, target: np.ndarray, before: dict | None, rng: Any
    ) -> dict[str, np.ndarray]:
        parts = self._draw(z, before, rng)
        features = self._features(parts, z)
        centre = features.mean(axis=0)
        features -= centre
        mean = mean_of(target)
        # Of F'(F F' + penalty N I)^-1 and the form with F'F the one with the smaller matrix.
        wide = features.shape[1] > len(features)
        gram = features @ features.T if wide else features.T @ features
        gram.flat[:: len(gram) + 1] += self.penalty * len(z)
        factor = cho_factor(gram, overwrite_a=True, check_finite=False)
        right = target - mean if wide else features.T @ (target - mean)
        weight = cho_solve(factor, right, check_finite=False)
        weight = features.T @ weight if wide else weight
        return {**parts, "weight": weight, "intercept": np.array(mean - centre @ weight)}

    def _predict(self, parts: dict[str, np.ndarray], z: np.ndarray) -> np.ndarray:
        return self._features(parts, z) @ parts["weight"] + parts["intercept"]


def mean_of(target: np.ndarray) -> float:
    """Return the mean, exactly if all targets are equal."""
    return float(target[0] + (target - target[0]).mean())


def checked(X: Any, target: Any, state: Fitted | None) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and targets in float64; raise ValueError as in :meth:`Baseline.fit`."""
    X, target = np.asarray(X, dtype=np.float64), np.asarray(target, dtype=np.float64)
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(f"X must have shape (N, D) with N, D >= 1, got {X.shape}")
    if target.shape != X.shape[:1]:
        raise ValueError(f"target must have shape {X.shape[:1]}, one per row, got {target.shape}")
    for name, array in (("X", X), ("target", target)):
        if not max(array.max(), -array.min()) < LARGEST:
            where = tuple(map(int, np.argwhere(~(np.abs(array) < LARGEST))[0]))
            raise ValueError(
                f"{name} must be finite and within +-{LARGEST:g}, got {array[where]} at row "
                f"{where[0]}"
            )
    if state is not None and state.columns.mean.size != X.shape[1]:
        raise ValueError(
            f"X must have the {state.columns.mean.size} columns of the given state, got "
            f"{X.shape[1]}; pass state=None to start from nothing"
        )
    return X, target

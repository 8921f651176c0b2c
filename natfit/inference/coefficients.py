"""The coefficients of linear predictors as they are reported: names, values, and their map."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from natfit.inference import covariance as cov
from natfit.inference.estimate import Estimate
from natfit.models.linear_predictors import LinearPredictors

#: Eigenvalues of the information with a unit diagonal that count as zero, and the share of a
#: combination along their directions that counts as none.
_SINGULAR, _ALONG = 1e-12, 1e-6

#: The place of an intercept among features, and its name, which no feature may have.
INTERCEPT = -1
INTERCEPT_NAME = "intercept"


@dataclass(frozen=True)
class Place:
    """Where a reported number belongs.

    Attributes
    ----------
    parameter : str
        The parameter of the family.
    output : int
        Which entry of eta of this parameter, or which class.
    feature : int or None
        The index of the feature, -1 for an intercept, None for a number in native units.
    """

    parameter: str
    output: int
    feature: int | None


@dataclass(frozen=True)
class Coefficients:
    """What linear predictors say in units of x, and in native units where there is no x.

    A predictor with features has its coefficients of x and its intercept. A parameter without
    features is reported as itself, in native units. With the estimate theta and its covariance V,
    the covariance of what is reported is ``G V G'`` with the derivatives G.

    Attributes
    ----------
    names : tuple of str
        ``loc[x1]``, ``loc[intercept]``, ``scale``.
    places : tuple of Place
    values : ndarray of shape (M,)
    jacobian : ndarray of shape (M, P)
        G, in theta.
    """

    names: tuple[str, ...]
    places: tuple[Place, ...]
    values: np.ndarray
    jacobian: np.ndarray

    @classmethod
    def of(
        cls,
        model: LinearPredictors,
        theta: np.ndarray,
        features: Sequence[str],
        classes: Sequence[Any] | None = None,
    ) -> Coefficients:
        """Return what the predictors of a model say at theta.

        Parameters
        ----------
        model : LinearPredictors
            Bound to its family.
        theta : ndarray of shape (P,)
            The estimate.
        features : sequence of str
            The names of the D features.
        classes : sequence, optional
            The classes of a categorical family with K + 1 classes, whose logits are then reported
            as differences from their mean.

        Returns
        -------
        Coefficients
        """
        family, made = model.family, _Lines(model, theta)
        for name, block in family.blocks.items():
            own = range(block.start, block.stop)
            if not any(len(model._predictors[k][0]) for k in own):
                made.native(name, classes)
            elif classes is not None:
                made.centred(name, features, [str(c) for c in classes])
            else:
                for k in own:
                    made.linear(name, k - block.start, model.eta_names[k], features, {k: 1.0})
        jacobian = np.array(made.jacobian).reshape(-1, len(theta))
        return cls(tuple(made.names), tuple(made.places), np.array(made.values), jacobian)

    @cached_property
    def index(self) -> dict[str, int]:
        """The place of each name."""
        return {name: m for m, name in enumerate(self.names)}

    def meant(self, name: str) -> list[str]:
        """Return the coefficients that a short name stands for: a feature, or a variable.

        ``age`` has a coefficient in each parameter and class that it drives, ``site`` one more for
        each of its categories, also where a formula has written ``C(site)``.

        Returns
        -------
        list of str
            Empty if there is none.
        """
        own = [full for full in self.names if full.endswith(f"[{name}]")]
        own = own or [full for full in self.names if f"[{name}[" in full]
        coded = re.compile(rf"\[C\({re.escape(name)}(,[^\[]*)?\)\[")
        return own or [full for full in self.names if coded.search(full)]

    def covariance(self, theta: np.ndarray, estimate: Estimate | None = None) -> np.ndarray:
        """Return the covariance matrix (M, M) from that of theta (P, P).

        Parameters
        ----------
        theta : ndarray of shape (P, P)
            With inf on the diagonal of what the data do not determine.
        estimate : Estimate, optional
            The estimate, where theta's covariance is the inverse of its information. Of columns
            that are collinear some combinations are then determined, such as the intercept.

        Returns
        -------
        ndarray of shape (M, M)
        """
        out = cov.mapped(self.jacobian, theta)
        lost = np.flatnonzero(np.isinf(np.diagonal(out)))
        if estimate is None or not len(lost) or not np.isfinite(estimate.information.matrix).all():
            return out
        free = estimate.free
        matrix = estimate.information.matrix[np.ix_(free, free)]
        scale = np.sqrt(np.maximum(np.diagonal(matrix), 0.0))
        scale = np.where(scale > 0, scale, 1.0)
        values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
        keep = values > _SINGULAR * max(float(values[-1]), 0.0)
        part = self.jacobian[:, free] / scale
        # What does not move along the directions that are lost has a variance like any other.
        along = np.abs(part @ vectors[:, ~keep]).sum(axis=1)
        held = np.any(np.delete(self.jacobian, free, axis=1) != 0.0, axis=1)
        known = (along <= _ALONG * np.linalg.norm(part, axis=1)) & ~held
        root = part @ (vectors[:, keep] / np.sqrt(values[keep]))
        again = np.isin(np.arange(len(out)), lost) & known
        both = np.ix_(again, known)
        out[both] = root[again] @ root[known].T / estimate.total
        out[np.ix_(known, again)] = out[both].T
        return out

    def direction(self, m: int, model: LinearPredictors) -> np.ndarray:
        """Return how theta (P,) moves when one coefficient grows by one and the others stay.

        Of logits that are differences from their mean, the others share what keeps the mean zero.

        Returns
        -------
        ndarray of shape (P,)
        """
        place, block = self.places[m], model.family.blocks[self.places[m].parameter]
        size = block.stop - block.start
        grow = np.zeros(size + 1)
        if any(p.parameter == place.parameter and p.output == size for p in self.places):
            grow -= 1.0 / size
            grow[place.output] = 1.0
            grow = grow[:-1] - grow[-1]
        else:
            grow[place.output] = 1.0
        raw = [(np.zeros(model.n_features), 0.0) for _ in model.parts]
        for k, factor in zip(range(block.start, block.stop), grow, strict=False):
            coef = np.zeros(model.n_features)
            if place.feature is not None and place.feature != INTERCEPT:
                coef[place.feature] = factor
            raw[k] = coef, factor if place.feature in (None, INTERCEPT) else 0.0
        return model.of_raw(raw)

    @property
    def linear(self) -> np.ndarray:
        """Which of the numbers are linear in theta, (M,)."""
        return np.array([place.feature is not None for place in self.places])


class _Lines:
    """The rows of G as they are collected."""

    def __init__(self, model: LinearPredictors, theta: np.ndarray):
        self.model, self.theta = model, theta
        self.names: list[str] = []
        self.places: list[Place] = []
        self.values: list[float] = []
        self.jacobian: list[np.ndarray] = []

    def _add(self, name: str, place: Place, value: float, row: np.ndarray) -> None:
        self.names.append(name)
        self.places.append(place)
        self.values.append(float(value))
        self.jacobian.append(row)

    def linear(
        self, name: str, output: int, label: str, features: Sequence[str], mix: dict[int, float]
    ) -> None:
        """Add the coefficients of a sum of entries of eta, each times a number."""
        first = next(iter(mix))
        chosen, has = self.model._predictors[first]
        places = [int(j) for j in chosen] + [INTERCEPT] * has
        transform = self.model.transform
        for i, j in enumerate(places):
            row = np.zeros(len(self.theta))
            for k, factor in mix.items():
                row += factor * transform[self.model.parts[k].start + i]
            feature = INTERCEPT_NAME if j == INTERCEPT else features[j]
            self._add(f"{label}[{feature}]", Place(name, output, j), row @ self.theta, row)

    def centred(self, name: str, features: Sequence[str], classes: Sequence[str]) -> None:
        """Add the coefficients of each class, as differences from the mean of all classes."""
        block, size = self.model.family.blocks[name], len(classes)
        for c, label in enumerate(classes):
            mix = {
                k: float(k - block.start == c) - 1.0 / size for k in range(block.start, block.stop)
            }
            self.linear(name, c, label, features, mix)

    def native(self, name: str, classes: Sequence[Any] | None) -> None:
        """Add a parameter without features, in native units."""
        family, parts = self.model.family, self.model.parts
        block, constraint = family.blocks[name], family.params[name]
        at = [parts[k].start for k in range(block.start, block.stop)]
        eta = self.theta[at]
        values = np.asarray(constraint.pack(constraint.to_native(eta[None])[0])).reshape(-1)
        slope = constraint.jacobian(eta)
        labels = cov.native_names_of(name, constraint)
        if classes is not None:
            labels = [f"{name}[{label}]" for label in classes][: len(labels)]
        for i, label in enumerate(labels):
            row = np.zeros(len(self.theta))
            row[at] = slope[i]
            self._add(label, Place(name, i, None), values[i], row)


def intercepts(model: LinearPredictors) -> np.ndarray:
    """Return the coordinate of theta (K,) that is the last of each predictor, its intercept."""
    return np.array([part.stop - 1 for part in model.parts])


def without_features(model: LinearPredictors) -> list[str]:
    """Return the parameters that have an intercept alone."""
    return [
        name
        for name, block in model.family.blocks.items()
        if not any(len(model._predictors[k][0]) for k in range(block.start, block.stop))
    ]


def shared_part(
    estimate: Estimate, model: LinearPredictors, covariance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return eta (K,) of the intercepts, and its covariance (K, K).

    Of parameters without features this is eta itself; of others it stands for the centre of x.

    Returns
    -------
    eta : ndarray of shape (K,)
    covariance : ndarray of shape (K, K)
    """
    at = intercepts(model)
    return estimate.theta[at], covariance[np.ix_(at, at)]

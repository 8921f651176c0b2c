"""Which combinations of parameters the information determines, and how many rows would."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from natfit.inference.covariance import native_jacobian, native_names
from natfit.inference.estimate import Estimate
from natfit.inference.rowwise import coordinate_names

#: Eigenvalues below this share of the largest count as zero: the square root of the accuracy of a
#: double, which is what second derivatives at a numerical optimum reach.
_ZERO = 1e-8

#: Standard error from which a combination is hardly determined. A logarithm is then uncertain by
#: a factor of e, a location by the spread of the data.
_HARDLY = 1.0

#: Correlations of scores below this count as zero if no eigenvalue is below a hundredth, of which
#: they then change no more than a share of 1 %.
_MIXED, _APART = 1e-4, 1e-2

#: Coefficients below this share of the largest are left out of a combination's name.
_NAMED = 0.05


@dataclass(frozen=True)
class Combination:
    """A combination of coordinates, and how well the data determine it.

    Attributes
    ----------
    name : str
        In words, such as ``log a - log b``.
    coefficients : ndarray of shape (P,)
        Of all coordinates of theta, zero for those that are not free. The largest is one, in
        units of the coordinates: one for logarithms and shapes, the error of one row for others.
    eigenvalue : float
        Of the information, scaled to a unit diagonal.
    standard_error : float
        Of the combination; inf where the eigenvalue is zero or negative.
    rows : float
        Number of rows with which the standard error would be the target; inf where no number is.
    """

    name: str
    coefficients: np.ndarray
    eigenvalue: float
    standard_error: float
    rows: float


@dataclass(frozen=True, repr=False, eq=False)
class Identifiability:
    """The spectrum of the information at an estimate, in numbers and words.

    The information W I of the free coordinates is scaled to a unit diagonal, ``R = D^-1/2 W I
    D^-1/2``, which no unit of the data or of the parameters changes (Belsley, Kuh & Welsch,
    Regression Diagnostics, 1980, section 3.2, scale a matrix of regressors in this way). An
    eigenvector v of R with the eigenvalue lambda is the combination ``v' D^1/2 theta``, whose
    variance is 1 / lambda; combinations of different eigenvectors are independent. Where lambda is
    zero, the likelihood stays the same while theta moves along ``D^-1/2 v`` (Rothenberg, 1971,
    theorem 1: a singular information means a parameter that is not identified locally).

    Attributes
    ----------
    combinations : tuple of Combination
        From the worst determined to the best.
    eigenvalues : ndarray of shape (k,)
        Of R, in ascending order, for k free coordinates.
    condition : float
        The largest eigenvalue over the smallest; inf where this is zero or negative.
    names : tuple of str
        Names of the coordinates of theta.
    at_limit, fixed : tuple of str
        Coordinates that rest at a limit, and those that were given. They count as known.
    total : float
        W, the number of rows.
    target : float
        The standard error that ``rows`` of a combination refers to.
    kind : str
        ``observed`` or ``expected``: the information that was used.
    sentences : tuple of str
        What the numbers mean.
    """

    combinations: tuple[Combination, ...]
    eigenvalues: np.ndarray
    condition: float
    names: tuple[str, ...]
    at_limit: tuple[str, ...]
    fixed: tuple[str, ...]
    total: float
    target: float
    kind: str
    sentences: tuple[str, ...]

    @property
    def determined(self) -> bool:
        """Whether the data determine each free combination to a standard error below one."""
        return all(c.standard_error <= _HARDLY for c in self.combinations)

    def __str__(self) -> str:
        """Return the sentences, and a table of the combinations."""
        head = f"{'eigenvalue':>11} {'std. error':>11} {'rows for ' + format(self.target, 'g'):>14}"
        lines = [*self.sentences, "", f"{head}  combination"]
        lines += [
            f"{c.eigenvalue:>11.3g} {c.standard_error:>11.3g} {c.rows:>14.3g}  {c.name}"
            for c in self.combinations
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return what ``print`` shows."""
        return str(self)


def identifiability_of(
    estimate: Estimate, target: float = 0.1, caution: str = ""
) -> Identifiability:
    """Return which combinations of the coordinates of an estimate the information determines.

    Parameters
    ----------
    estimate : Estimate
        Without its data; its information may be singular, indefinite or not finite.
    target : float
        The standard error for which numbers of rows are given.
    caution : str
        Why the estimate is none, if it is none: the first sentence, and nothing is called
        determined.

    Returns
    -------
    Identifiability
        Of the coordinates that are free.
    """
    names, free, info = coordinate_names(estimate), estimate.free, estimate.information
    matrix = estimate.total * info.matrix[np.ix_(free, free)]
    finite = bool(np.isfinite(matrix).all())
    scale = np.sqrt(np.maximum(np.diagonal(matrix), 0.0)) if finite else np.zeros(len(free))
    scale = np.where(scale > 0, scale, 1.0)
    values, vectors = _spectrum(estimate, matrix / np.outer(scale, scale), scale, finite)
    found = []
    for value, vector in zip(values, vectors.T, strict=True):
        # The error of one row is that of a location; other coordinates have a unit of their own.
        unit = _units(estimate, scale)
        part = vector * scale * unit
        size = np.abs(part).max()
        zero = value <= _ZERO * max(float(values[-1]), 0.0)
        error = np.inf if zero else float(1.0 / (np.sqrt(value) * size))
        rows = estimate.total * (error / target) ** 2
        every = np.zeros(len(names))
        every[free] = _signed(part / size) / unit
        own = [names[k] for k in free]
        name = _words(_signed(part / size), own, unit)
        found.append(Combination(name, every, float(value), error, rows))
    order = sorted(range(len(found)), key=lambda i: (-found[i].standard_error, values[i]))
    combinations = tuple(found[i] for i in order)
    least, most = (float(values[0]), float(values[-1])) if len(values) else (1.0, 1.0)
    result = Identifiability(
        combinations,
        values,
        np.inf if least <= _ZERO * max(most, 0.0) else most / least,
        tuple(names),
        tuple(names[k] for k in estimate.at_limit),
        tuple(names[k] for k in info.known),
        estimate.total,
        target,
        info.kind,
        (caution,) if caution else (),
    )
    said = [*result.sentences, *_sentences(result, finite), *_relative(estimate, result)]
    return replace(result, sentences=tuple(said) or ("no parameter is free",))


def _spectrum(
    estimate: Estimate, scaled: np.ndarray, scale: np.ndarray, finite: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return eigenvalues in ascending order, and eigenvectors as columns."""
    if not finite:
        return np.zeros(len(scaled)), np.eye(len(scaled))
    if estimate.information.regular is not None and not estimate.at_limit:
        # The covariance was computed in coordinates in which the matrix keeps its digits.
        covariance = estimate.covariance()
        if np.isfinite(covariance).all():
            inverse, vectors = np.linalg.eigh(covariance * np.outer(scale, scale))
            return 1.0 / inverse[::-1], vectors[:, ::-1]
    values, vectors = np.linalg.eigh(scaled)
    if len(values) and values[0] > _APART:
        # Rounding would mix coordinates that are independent.
        values, vectors = np.linalg.eigh(np.where(np.abs(scaled) > _MIXED, scaled, 0.0))
    return values, vectors


def _units(estimate: Estimate, scale: np.ndarray) -> np.ndarray:
    """Return the unit of each free coordinate: one, or the error of one row without a unit."""
    own = np.sqrt(estimate.total) / scale
    if estimate.conditional or len(estimate.theta) != estimate.family.n_params:
        return own
    natural = np.isfinite(estimate.family.limits[2][estimate.free])
    return np.where(natural, 1.0, own)


def _signed(part: np.ndarray) -> np.ndarray:
    """Return coefficients of which the first that is named is positive."""
    first = part[np.argmax(np.abs(part) >= _NAMED * np.abs(part).max())]
    return -part if first < 0 else part


def _words(part: np.ndarray, names: list[str], unit: np.ndarray) -> str:
    """Return a combination in words, without coordinates that hardly take part."""
    said = ""
    for value, name, own in zip(part, names, unit, strict=True):
        if abs(value) < _NAMED:
            continue
        size = f"{abs(value):.2g}"
        term = name if size == "1" else f"{size} {name}"
        term += "" if own == 1.0 else f" / {own:.3g}"
        sign = " - " if value < 0 else " + "
        said += f"{sign}{term}" if said else ("-" if value < 0 else "") + term
    return said


def _sentences(result: Identifiability, finite: bool) -> list[str]:
    """Return what the spectrum means, from the worst combination on."""
    said = []
    if not finite:
        said.append(
            "the information is not finite at the estimate, so that nothing is determined there: "
            "look at the status of the fit"
        )
    for c in result.combinations if finite else ():
        if c.eigenvalue < -_ZERO:
            said.append(
                f"the log-likelihood curves upwards along {c.name}: the estimate is no maximum; "
                "fit from other start values"
            )
        elif np.isinf(c.standard_error):
            said.append(
                f"the data do not determine {c.name}: the likelihood does not change with it, and "
                "no number of such rows would determine it; fix one of its parameters"
            )
        elif c.standard_error > _HARDLY:
            said.append(
                f"the data hardly determine {c.name}: its standard error is "
                f"{c.standard_error:.3g}; about {c.rows:.2g} rows like these "
                f"{result.total:g} would bring it to {result.target:g}"
            )
    if result.at_limit:
        said.append(f"at a limit, and counted as known here: {', '.join(result.at_limit)}")
    if result.fixed:
        said.append(f"given and not estimated: {', '.join(result.fixed)}")
    if finite and result.combinations and result.determined and not result.sentences:
        worst = result.combinations[0]
        said.append(
            f"the data determine the parameters: the worst determined combination, {worst.name}, "
            f"has the standard error {worst.standard_error:.3g} (condition number "
            f"{result.condition:.3g})"
        )
    return said


def _relative(estimate: Estimate, result: Identifiability) -> list[str]:
    """Return a sentence for each positive parameter whose standard error exceeds its value."""
    family = estimate.family
    shared = not estimate.conditional and len(estimate.theta) == family.n_params
    if not (shared and result.determined):
        return []
    covariance, held = estimate.covariance(), [*estimate.at_limit]
    covariance[held, held] = 0.0
    jacobian = native_jacobian(family, estimate.theta)
    with np.errstate(all="ignore"):
        errors = np.sqrt(np.maximum(np.einsum("mk,kl,ml->m", jacobian, covariance, jacobian), 0.0))
    said, start = [], 0
    natives = family.native_dict(estimate.theta)
    names = native_names(family)
    for name, constraint in family.params.items():
        own = slice(start, start + constraint.native_size)
        start = own.stop
        if not constraint.elementwise or constraint.domain != (0.0, np.inf):
            continue
        for label, value, error in zip(
            names[own], np.ravel(natives[name]), errors[own], strict=True
        ):
            ratio = error / value
            if np.isfinite(ratio) and ratio > _HARDLY:
                rows = estimate.total * (ratio / result.target) ** 2
                said.append(
                    f"the data hardly determine {label}: its standard error is {ratio:.3g} times "
                    f"its value; about {rows:.2g} rows like these would bring it to "
                    f"{result.target:g} times"
                )
    return said

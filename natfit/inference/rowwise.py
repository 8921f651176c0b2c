"""What the diagnostics of an estimate share: its objective, its names, what is determined."""

from __future__ import annotations

import numpy as np

from natfit.inference.estimate import Estimate
from natfit.objectives import Likelihood


class Rowwise(Likelihood):
    """A likelihood whose rows are read one by one, so that no pass is made to summarise them."""

    summarises = False


def known_objective(estimate: Estimate) -> Likelihood:
    """Return the objective of an estimate.

    Returns
    -------
    Likelihood
        At the data of the fit.

    Raises
    ------
    ValueError
        If the data are not at hand.
    """
    if estimate.objective is None:
        raise ValueError("the estimate must come with its data, got none; pass the X of the fit")
    return estimate.objective


def refuse_ends(estimate: Estimate, what: str) -> None:
    """Raise ValueError if an end of the support lies at a row, where no derivative exists."""
    objective = known_objective(estimate)
    ends = objective.row_ends & set(estimate.at_limit)
    if ends:
        names = ", ".join(str(objective.names()[k]) for k in sorted(ends))
        raise ValueError(
            f"{what} needs a log-likelihood with a derivative in each parameter, got an end of "
            f"the support at a row, {names}, which moves only if that very row is left out; pass "
            "fixed= for it, or refit without the row"
        )


def refuse_kinks(estimate: Estimate, what: str) -> None:
    """Raise ValueError if the log-density has a kink, where no second derivative exists."""
    kinks = known_objective(estimate).distribution.kinks(estimate.theta)
    if len(kinks):
        raise ValueError(
            f"{what} needs a log-density with second derivatives, got one with a kink at "
            f"y = {kinks[0]:g}, where the Hessian does not show the information; use "
            "cov_params(), or a smooth family"
        )


def coordinate_names(estimate: Estimate) -> list[str]:
    """Return a name for each coordinate of theta: ``loc``, ``log scale``, or those of the model."""
    family, objective = estimate.family, estimate.objective
    if estimate.labels is not None:
        return list(estimate.labels)
    if objective is not None and not objective.model.shared:
        return [str(name) for name in objective.names()]
    if len(estimate.theta) == family.n_params:
        own = family.eta_names()
        return [
            constraint.label.format(each)
            for name, constraint in family.params.items()
            for each in own[family.blocks[name]]
        ]
    return [f"theta[{p}]" for p in range(len(estimate.theta))]


def determined(estimate: Estimate, what: str) -> np.ndarray:
    """Return the covariance (P, P) of theta, with zeros for what was given or rests at a limit.

    Parameters
    ----------
    estimate : Estimate
        The estimate, without its data.
    what : str
        What needs the covariance, for the message.

    Returns
    -------
    ndarray of shape (P, P)
        Finite and positive semidefinite.

    Raises
    ------
    ValueError
        If the information is not finite, singular or indefinite; the message names the
        parameters that it does not determine.
    """
    matrix, free = estimate.covariance(), estimate.free
    found = np.zeros_like(matrix)
    at = np.ix_(free, free)
    found[at] = matrix[at]
    spread = np.diagonal(found)[free]
    lost = [k for k, v in zip(free, spread, strict=True) if not (np.isfinite(v) and v > 0)]
    if not lost and np.isfinite(found).all():
        return found
    names = coordinate_names(estimate)
    said = ", ".join(names[k] for k in lost) or "the parameters"
    raise ValueError(
        f"{what} needs parameters that the data determine, got a singular or indefinite "
        f"information in which {said} are not determined; identifiability() says which combination "
        "it is: fix one of its parameters, or fit a simpler family"
    )

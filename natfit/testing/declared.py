"""Property checks of what a distribution declares about itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.contract.declared import InformationKind, Role, Width
from natfit.testing._core import close, refuses, require
from natfit.testing.data import some_rows


def parameters_have_roles(family: Any, etas: np.ndarray) -> None:
    """Every parameter has a role, and only parameters have widths."""
    roles, names = family.roles, list(family.params)
    require(
        set(roles) == set(names) and all(isinstance(role, Role) for role in roles.values()),
        f"roles must give a Role for each of {names}, got {roles}",
    )
    widths = family.widths
    require(
        set(widths) <= set(names) and all(isinstance(w, Width) for w in widths.values()),
        f"widths must give a Width for some of {names}, got {widths}",
    )


def information_is_as_declared(family: Any, etas: np.ndarray) -> None:
    """The Fisher information exists, and agrees with the observed one, where this is declared.

    With row weights for which the mean score is zero, eta is the optimum of a constant model. There
    the mean observed information equals the expected information, if ``agrees`` is declared.
    """
    kind = family.information
    require(isinstance(kind, InformationKind), f"information must be declared, got {kind!r}")
    if not kind.exists:
        refuses("a Fisher information declared as none", lambda: family.fisher(etas[:1]))
        return
    for eta in etas:
        fisher = family.fisher(eta[None])[0]
        if not kind.agrees:
            continue
        y = some_rows(family, eta, 60)
        score = family.score(y, eta[None])
        observed = np.broadcast_to(family.observed(y, eta[None]), (len(y), *fisher.shape))
        rule = np.concatenate([score.T, np.ones((1, len(y)))])
        weight, *_ = np.linalg.lstsq(rule, np.append(np.zeros(len(eta)), 1.0), rcond=None)
        size = np.sqrt(np.diagonal(fisher))
        close(
            "observed information at an optimum against fisher",
            np.tensordot(weight, observed, 1),
            fisher,
            rtol=1e-6,
            scale=np.outer(size, size),
        )


#: Checks of declared values, each called with (family, etas).
DECLARED_CHECKS = [parameters_have_roles, information_is_as_declared]

"""y as the rows of a family: numbers, censored rows, classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit._component import resolve
from natfit.distributions import Censored
from natfit.distributions.base import Distribution
from natfit.distributions.wrappers.censored import CensoredFamily


@dataclass(frozen=True)
class Response:
    """What is explained.

    Attributes
    ----------
    family : Distribution
        The family of the rows as they are seen, not yet bound.
    y : ndarray
        The rows.
    """

    family: Distribution
    y: np.ndarray


def read_response(distribution: Any, y: Any) -> Response:
    """Return y (N,) or censored rows for a family by its name or object."""
    family = resolve(distribution, Distribution)
    censored = Censored.of(y)
    if censored is not None:
        return Response(CensoredFamily(family), censored.rows)
    return Response(family, np.asarray(y, dtype=np.float64))

"""A family that has no scale, with a unit: y / unit has the family's density."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Positive
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.start import location_scale
from natfit.distributions.contract.support import Support
from natfit.distributions.wrappers._moved import Moved
from natfit.distributions.wrappers.fixed import Fixed
from natfit.rows import Block, Rows, rows_as

_STANDARD_GAMMA = Fixed("gamma", {"scale": 1.0})


class Scaled(Moved):
    """A family of densities with a unit: y / unit has the family's density.

    ``log p(y) = log f(y / unit) - log unit``; eta = (log unit, the family's eta). It is for
    families without a scale: of a scale and a unit the data determine only the product, and the
    fit ends as ``singular``. Score and observed information are derived by autograd, the Fisher
    information is computed by quadrature.

    Matches ``scipy.stats`` with ``scale=unit``.

    Parameters
    ----------
    family : str or Distribution
        A univariate density on the positive or the whole real line.

    Raises
    ------
    ValueError
        On first use, if the family is no such density.
    """

    own_params = {"unit": Positive()}
    own_roles = {"unit": Role.SCALE}

    def __init__(self, family: str | Distribution = _STANDARD_GAMMA):
        super().__init__(family)

    @property
    def widths(self) -> dict[str, Width]:
        """The family's: a smaller unit alone moves the density to zero, but not onto a row."""
        return self.inner.widths

    @property
    def driven(self) -> str:
        """The unit: the family inside has no scale."""
        return "unit"

    def _to_inner(self, y: Any, own: Any) -> Any:
        return y / own

    def _log_slope(self, own: Any) -> Any:
        return -anp.log(own)

    def _to_outer(self, values: np.ndarray, own: Any) -> np.ndarray:
        return values * own

    def _own_velocity(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return y, np.zeros(len(y))

    @property
    def support(self) -> Support:
        """The inner family's: its ends are 0 and infinities."""
        return self.inner.known_support

    def _admit(self, inner: Distribution) -> None:
        super()._admit(inner)
        if inner.known_support.low not in (0.0, -np.inf):
            raise ValueError(f"Scaled needs a support from 0 or -inf on, got {inner.support}")

    def initial(self, few: Block, rng: np.random.Generator) -> np.ndarray:
        """The size of the median as the unit, and the family's start for y / unit."""
        centre, spread = location_scale(few.y, few.weight)
        unit = max(abs(centre), spread)
        inner = self.inner.initial(replace(few, y=few.y / unit), rng)
        return np.concatenate([[np.log(unit)], inner])

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """The inner family's answer, for y in units."""
        scaled = rows_as(rows, _in_units, float(np.exp(eta[0])))
        return self.inner.no_maximum(scaled, eta[1:])

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return a gamma and a Student-t whose own scales are known."""
        return [
            cls(),
            cls(Fixed("student_t", {"loc": 0.0, "scale": 1.0})),
        ]


def _in_units(block: Block, unit: float) -> np.ndarray:
    return block.y / unit

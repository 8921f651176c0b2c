"""The constant model: every row has the same eta. Plain maximum likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from natfit._component import resolve
from natfit.coordinates import Coordinates
from natfit.models._conditional import check_constant
from natfit.models.base import Linearization, Model


class Constant(Model):
    """eta_i = eta(theta) for all rows; the coordinates say what theta means.

    Parameters
    ----------
    coordinates : Coordinates, str or None
        Bound to a distribution, or what :meth:`bind` binds: by default the unconstrained ones.
    """

    shared = True

    def __init__(self, coordinates: Coordinates | str | None = None):
        self.coordinates = coordinates

    def bind(
        self,
        n_features: int,
        family: Any,
        constant: Sequence[str] = (),
        origin: np.ndarray | None = None,
    ) -> Constant:
        """Return a copy whose coordinates are the family's; D is not used.

        Returns
        -------
        Constant
            A model that has theta (K,).

        Raises
        ------
        ValueError
            If ``constant`` names no parameter of the family, or the family has no such
            coordinates.
        """
        check_constant(family, constant)
        chosen = "unconstrained" if self.coordinates is None else self.coordinates
        origin = np.zeros(family.n_params) if origin is None else origin
        return type(self)(resolve(chosen, Coordinates).bind(family, origin))

    def init(self, rng: np.random.Generator, eta0: np.ndarray) -> np.ndarray:
        """Theta (P,) of eta0 (K,), exactly; nothing is drawn."""
        return np.array(self._bound.from_eta(np.asarray(eta0, dtype=np.float64)))

    @classmethod
    def examples(cls) -> list[Constant]:
        """Unconstrained and native coordinates."""
        return [cls(), cls("native")]

    @property
    def family(self) -> Any:
        """The distribution that the coordinates are bound to.

        Raises
        ------
        ValueError
            Before :meth:`bind`.
        """
        found = getattr(self.coordinates, "family", None)
        if found is None:
            raise ValueError("Constant has no parameters yet; call bind(n_features, family)")
        return found

    @property
    def _bound(self) -> Coordinates:
        """The coordinates as an object: what :meth:`bind` leaves."""
        if not isinstance(self.coordinates, Coordinates):
            raise ValueError("Constant has no parameters yet; call bind(n_features, family)")
        return self.coordinates

    @property
    def unconstrained(self) -> bool:  # type: ignore[override]  # the coordinates say so
        """Whether the coordinates are the unconstrained ones."""
        return self._bound.unconstrained

    @property
    def n_params(self) -> int:
        """P, equal to K."""
        return self.family.n_params

    def linearize(self, theta: np.ndarray, X: Any = None) -> ConstantLinearization:
        """Return eta (1, K) and J (K, P)."""
        return ConstantLinearization(self._bound, theta)

    def eta(self, theta: np.ndarray, X: Any = None) -> np.ndarray:
        """Eta (1, K)."""
        return self._bound.to_eta(theta)[None]

    def names(self) -> list[str]:
        """Names of the coordinates."""
        return self._bound.names()

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Limits of the coordinates."""
        return self._bound.limits()

    def cut_together(self) -> list[slice]:
        """Blocks of the coordinates."""
        return self._bound.cut_together()

    def in_domain(self, theta: np.ndarray) -> bool:
        """Whether the coordinates are valid, e.g. sigma > 0 in native ones."""
        return self._bound.in_domain(theta)


class ConstantLinearization(Linearization):
    """Eta (1, K) and J (K, P) of a constant model."""

    def __init__(self, coordinates: Coordinates, theta: np.ndarray):
        self._coordinates = coordinates
        self._theta = theta
        # A copy: unconstrained coordinates return theta itself, which may change.
        self.eta = np.array(coordinates.to_eta(theta))[None]
        # None is the identity: unconstrained coordinates pay for no product.
        self.jac = coordinates.jacobian(theta)
        self.linear = self.jac is None

    def jvp(self, v: np.ndarray) -> np.ndarray:
        """J v, (1, K)."""
        return (v if self.jac is None else self.jac @ v)[None]

    def vjp(self, u: np.ndarray) -> np.ndarray:
        """J' sum_i u_i."""
        total = u[0] if len(u) == 1 else u.sum(axis=0)
        return total if self.jac is None else self.jac.T @ total

    def gram(self, c: np.ndarray) -> np.ndarray:
        """J' (sum_i C_i) J."""
        total = c[0] if len(c) == 1 else c.sum(axis=0)
        return total if self.jac is None else self.jac.T @ total @ self.jac

    def pull_columns(self, b: np.ndarray) -> np.ndarray:
        """J' b of every row and column, (P, n R)."""
        flat = np.swapaxes(b, 0, 1).reshape(b.shape[1], -1)
        return flat if self.jac is None else self.jac.T @ flat

    def curvature(self, u: np.ndarray) -> np.ndarray:
        """Sum over k of u_k d2 eta_k / d theta2."""
        return self._coordinates.curvature(self._theta, u.sum(axis=0))

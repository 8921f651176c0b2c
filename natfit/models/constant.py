"""The constant model, in which every row has the same eta: plain maximum likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from natfit._component import resolve
from natfit.coordinates import Coordinates
from natfit.models._conditional import check_constant
from natfit.models.base import Linearization, Model


class Constant(Model):
    """The same eta(theta) for all rows; the coordinates say what theta means.

    Parameters
    ----------
    coordinates : Coordinates, str or None
        Coordinates bound to a distribution, or those that :meth:`bind` shall bind; unconstrained
        ones by default.
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
        """Return a copy whose coordinates are bound to the family; D is not used.

        Returns
        -------
        Constant
            A model with theta (K,).

        Raises
        ------
        ValueError
            If a name in ``constant`` is not a parameter of the family, or the family has no such
            coordinates.
        """
        check_constant(family, constant)
        chosen = "unconstrained" if self.coordinates is None else self.coordinates
        origin = np.zeros(family.n_params) if origin is None else origin
        return type(self)(resolve(chosen, Coordinates).bind(family, origin))

    def init(self, rng: np.random.Generator, eta0: np.ndarray) -> np.ndarray:
        """Return the theta (P,) at which eta is exactly eta0 (K,); nothing is drawn."""
        return np.array(self._bound.from_eta(np.asarray(eta0, dtype=np.float64)))

    @classmethod
    def examples(cls) -> list[Constant]:
        """Return one with unconstrained and one with native coordinates."""
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
        """The coordinates as an object, which :meth:`bind` has set."""
        if not isinstance(self.coordinates, Coordinates):
            raise ValueError("Constant has no parameters yet; call bind(n_features, family)")
        return self.coordinates

    @property
    def unconstrained(self) -> bool:  # type: ignore[override]  # the coordinates say so
        """Whether the coordinates are the unconstrained ones."""
        return self._bound.unconstrained

    @property
    def n_params(self) -> int:
        """P, which is equal to K."""
        return self.family.n_params

    def linearize(self, theta: np.ndarray, X: Any = None) -> ConstantLinearization:
        """Return eta (1, K) and J (K, P) at theta (P,); X is not used."""
        return ConstantLinearization(self._bound, theta)

    def eta(self, theta: np.ndarray, X: Any = None) -> np.ndarray:
        """Return eta (1, K) at theta (P,); X is not used."""
        return self._bound.to_eta(theta)[None]

    def names(self) -> list[str]:
        """Return the names of the coordinates."""
        return self._bound.names()

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the limits and the largest steps (P,) of the coordinates."""
        return self._bound.limits()

    def cut_together(self) -> list[slice]:
        """Return the blocks of the coordinates that one factor shortens."""
        return self._bound.cut_together()

    def in_domain(self, theta: np.ndarray) -> bool:
        """Tell whether the coordinates are valid, such as sigma > 0 in native ones."""
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
        """Return J v, (1, K), for v (P,)."""
        return (v if self.jac is None else self.jac @ v)[None]

    def vjp(self, u: np.ndarray) -> np.ndarray:
        """Return J' (sum_i u_i), (P,), for u (n, K) or (1, K)."""
        total = u[0] if len(u) == 1 else u.sum(axis=0)
        return total if self.jac is None else self.jac.T @ total

    def gram(self, c: np.ndarray) -> np.ndarray:
        """Return J' (sum_i C_i) J, (P, P), for C (n, K, K) or (1, K, K)."""
        total = c[0] if len(c) == 1 else c.sum(axis=0)
        return total if self.jac is None else self.jac.T @ total @ self.jac

    def pull_columns(self, b: np.ndarray) -> np.ndarray:
        """Return J' b_ir of all rows and r, (P, n R), for B (n, K, R)."""
        flat = np.swapaxes(b, 0, 1).reshape(b.shape[1], -1)
        return flat if self.jac is None else self.jac.T @ flat

    def curvature(self, u: np.ndarray) -> np.ndarray:
        """Return the sum over rows and k of u_ik d2 eta_k / d theta2, (P, P)."""
        return self._coordinates.curvature(self._theta, u.sum(axis=0))

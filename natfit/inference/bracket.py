"""An end of an interval, by bracketing a statistic along constrained refits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from natfit.inference.constrained import Constrained, Refit
from natfit.inference.surface import Function, Surface

#: Refits in search of a bracket: strides double, so that none is further away than this.
_MOST = 60

#: A bracket whose next stride would be a smaller share than this of the first one has come to the
#: end of the range.
_LEAST_STRIDE = 1e-9


@dataclass(frozen=True)
class End:
    """An end of an interval.

    Attributes
    ----------
    theta : ndarray of shape (P,)
        Where it is.
    value : float
        g there.
    n_iter : int
        Number of iterations.
    reached : bool
        Whether it is a root; otherwise it is the end of the range.
    note : str
        Why it is not a root.
    """

    theta: np.ndarray
    value: float
    n_iter: int
    reached: bool = True
    note: str = ""


class Bracket:
    """One end of an interval: the value of g at which a statistic of refits has a quantile.

    Values of g beyond the end are looked for with strides that double. Between the last value
    within and the first one beyond, Brent's method finds the root. Each refit begins at the nearest
    one before.

    Parameters
    ----------
    surface : Surface
        The objective over the coordinates that may move.
    function : Function
        g.
    root : callable
        ``root(refit)`` grows from 0 at the estimate.
    quantile : float
        Its value at the end.
    side : float
        -1 for the lower end, 1 for the upper one.
    """

    def __init__(
        self,
        surface: Surface,
        function: Function,
        root: Callable[[Refit], float],
        quantile: float,
        side: float,
    ):
        self.surface = surface
        self.function = function
        self.root = root
        self.quantile = quantile
        self.side = side
        self.n_iter = 0

    def end(self, theta: np.ndarray) -> End:
        """Return the end, from the estimate.

        Parameters
        ----------
        theta : ndarray of shape (P,)
            The estimate.

        Returns
        -------
        End

        Raises
        ------
        ValueError
            If a constrained refit does not settle.
        """
        inner, outer = self._around(theta)
        if outer is None:
            which = "lower" if self.side < 0.0 else "upper"
            note = (
                f"the {which} end is that of the range in which the likelihood is finite: the "
                "statistic never reaches its quantile"
            )
            return End(inner, self.function.value(inner), self.n_iter, False, note)
        near = [inner, outer]

        def nearest(c: float) -> np.ndarray:
            return min(near, key=lambda theta: abs(self.function.value(theta) - c))

        def excess(c: float) -> float:
            found = self._refit(c, nearest(c))
            if found is None:
                raise self._lost(c)
            near.append(found.theta)
            return self.root(found) - self.quantile

        a, b = self.function.value(inner), self.function.value(outer)
        c = optimize.brentq(excess, a, b, xtol=1e-12 * abs(b - a), rtol=8.9e-16, maxiter=200)
        return End(nearest(c), float(c), self.n_iter)

    def _around(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return a theta within the end, and one beyond, None where there is none."""
        matrix, _ = self.surface.curvature(theta)
        stride = self.quantile * self.surface.spread(self.function.gradient(theta), matrix)
        least, grows, centre = _LEAST_STRIDE * stride, True, self.function.value(theta)
        for _ in range(_MOST):
            found = self._refit(self.function.value(theta) + self.side * stride, theta)
            if found is None:
                stride, grows = 0.5 * stride, False
                if stride < max(least, _LEAST_STRIDE * abs(self.function.value(theta) - centre)):
                    return theta, None
            elif self.root(found) >= self.quantile:
                return theta, found.theta
            else:
                theta, stride = found.theta, stride * (2.0 if grows else 1.0)
        raise self._lost(self.function.value(theta))

    def _refit(self, c: float, theta: np.ndarray) -> Refit | None:
        found = Constrained(self.surface, self.function, c).refit(theta)
        self.n_iter += 1 if found is None else found.n_iter + 1
        if found is None or not (found.converged or self._kinked(found.theta)):
            return None
        return found

    def _kinked(self, theta: np.ndarray) -> bool:
        """Tell whether the score jumps at some rows: no refit then comes as near as it should."""
        model = self.surface.objective.model
        if not model.shared:
            return False
        return len(self.surface.objective.distribution.kinks(model.eta(theta, None)[0])) > 0

    def _lost(self, c: float) -> ValueError:
        return ValueError(
            f"the interval could not be followed beyond {c:.6g}: no constrained refit settled "
            "there; use method='wald' or a bootstrap, and see identifiability()"
        )

"""An end of an interval, by bracketing a statistic along constrained refits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import optimize

from natfit.inference.constrained import Refit
from natfit.inference.end import End, end_of_range
from natfit.inference.interval import EndNotFound
from natfit.inference.kinked import refitted
from natfit.inference.surface import Function, Surface

#: Refits in search of a bracket: strides double, so that none is further away than this.
_MOST = 60

#: A statistic that grows, after so many strides, by less than this share of what is missing will
#: not reach its quantile: strides double.
_MANY, _SLOW = 6, 1e-3

#: A bracket whose next stride would be smaller than this, in standard errors, has come to the end
#: of the range.
_LEAST_STRIDE = 1e-6


#: Strides in all after which a statistic was lower than before them that are taken again, half as
#: long: one that falls behind its maximum may have passed its quantile on the way.
_MOST_FALLS = 6


class Bracket:
    """One end of an interval: the value of g at which a statistic of refits has a quantile.

    Strides along the natural gradient of g, which double, lead from refit to refit until one is
    beyond the end. Between the last one within and this one, Brent's method finds the root on the
    values that g has on the line between both, from which refits begin.

    Parameters
    ----------
    surface : Surface
        The objective over the coordinates that may move.
    function : Function
        g.
    root : callable
        ``root(refit)`` grows from 0 at the estimate; that of a score may fall again further away.
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
        EndNotFound
            If a constrained refit does not settle.
        """
        inner, outer, far = self._around(theta)
        if outer is None:
            return end_of_range(self.surface, self.function, inner, self.side, self.n_iter, far)
        near = {0.0: inner, 1.0: outer}

        def excess(share: float) -> float:
            between = inner + share * (outer - inner)
            c = self.function.value(between)
            # Where the line leads off the ridge, the refits nearest to the value lead back to it.
            beside = sorted(near, key=lambda known: abs(known - share))[:2]
            starts = (between, *(near[known] for known in beside))
            found = next((f for f in (self._refit(c, s) for s in starts) if f is not None), None)
            if found is None:
                raise self._lost(c)
            near[share] = found.theta
            return self.root(found) - self.quantile

        share = optimize.brentq(excess, 0.0, 1.0, xtol=1e-10, rtol=8.9e-16, maxiter=200)
        end = near[min(near, key=lambda s: abs(s - share))]
        return End(end, self.function.value(end), self.n_iter)

    def _around(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, bool]:
        """Return a theta within the end, one beyond, None where there is none, and if it is far."""
        stride, grows, before, falls = self.quantile, True, 0.0, 0
        for count in range(_MOST):
            ahead = self._ahead(theta, stride)
            c = self.function.value(ahead)
            if not self.side * (c - self.function.value(theta)) > 0.0:
                return theta, None, False
            found = self._refit(c, ahead)
            if found is None:
                stride, grows = 0.5 * stride, False
                if stride < _LEAST_STRIDE:
                    return theta, None, False
                continue
            root = self.root(found)
            if root >= self.quantile:
                return theta, found.theta, False
            if root < before and falls < _MOST_FALLS:
                falls += 1
                stride, grows = 0.5 * stride, falls == _MOST_FALLS
                continue
            theta, stride = found.theta, stride * (2.0 if grows else 1.0)
            if count > _MANY and root - before < _SLOW * (self.quantile - root):
                return theta, None, True
            before = root
        raise self._lost(self.function.value(theta))

    def _ahead(self, theta: np.ndarray, stride: float) -> np.ndarray:
        """Return theta some standard errors further along the natural gradient of g."""
        matrix, _ = self.surface.curvature(theta)
        slope = self.side * self.function.gradient(theta)

        def length(fixed: np.ndarray, u: np.ndarray, v: np.ndarray) -> float:
            along = float(slope @ v)
            return stride / np.sqrt(self.surface.total * along) if along > 0.0 else 0.0

        factor = max(stride, 1.0)
        moving = self.surface.moving
        step = self.surface.boxed(theta, np.zeros_like, slope, matrix, length, moving, factor)
        return self.surface.moved(theta, step, 1.0)

    def _refit(self, c: float, theta: np.ndarray) -> Refit | None:
        found = refitted(self.surface, self.function, c, theta)
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

    def _lost(self, c: float) -> EndNotFound:
        return EndNotFound(
            f"the interval could not be followed beyond {c:.6g}, where no constrained refit "
            "settled",
            "use method='wald' or a bootstrap, and see identifiability()",
        )

"""Ridge regression on random Fourier features: a smooth function of the state."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.distance import pdist

from natfit._validation import check_number
from natfit.rl.baselines.base import Ridge
from natfit.rng import bridge_rng

#: Largest D for which the columns themselves are features: beyond it, as with pixels, they would
#: outnumber the rows, and take almost all of the time.
MOST_COLUMNS = 1_000

#: Number of rows from whose distances the bandwidth is computed.
_ROWS = 200


class FourierBaseline(Ridge):
    """Ridge regression on random Fourier features of the standardised columns.

    The features are ``sqrt(2) cos(omega_m' z + phase_m)`` with ``omega_m ~ N(0, I / bandwidth^2)``
    and a uniform phase, z itself if it has at most 1000 columns, and an intercept. The products of
    the cosines average to the Gaussian kernel of that bandwidth (Rahimi and Recht, 2007). The
    bandwidth is the median distance between rows. Features are drawn in the first fit and kept, so
    that successive fits differ by their data alone.

    Parameters
    ----------
    n_features : int, default=200
        Number of random features, >= 1.
    penalty : float, default=1e-3
        Ridge penalty per row, >= 1e-8; see :class:`natfit.rl.baselines.base.Ridge`.

    References
    ----------
    Rahimi and Recht (2007), "Random features for large-scale kernel machines", NIPS 20.
    """

    def __init__(self, n_features: int = 200, penalty: float = 1e-3):
        self.n_features = n_features
        self.penalty = penalty

    def check(self) -> None:
        """Check that the number of features is >= 1 and the penalty >= 1e-8."""
        super().check()
        check_number(self.n_features, "baseline__n_features", low=1, integer=True, hint="200")

    def _draw(self, z: np.ndarray, before: dict | None, rng: Any) -> dict[str, np.ndarray]:
        if before is not None and len(before["phase"]) == self.n_features:
            return {name: before[name] for name in ("omega", "phase")}
        rng = bridge_rng(rng)
        omega = rng.standard_normal((z.shape[1], self.n_features)) / _bandwidth(z)
        return {"omega": omega, "phase": rng.uniform(0.0, 2.0 * np.pi, self.n_features)}

    def _features(self, parts: dict[str, np.ndarray], z: np.ndarray) -> np.ndarray:
        # A cosine in single precision is thirty times as fast, and exact to 1e-6, far below what
        # the penalty lets through.
        omega, phase = (parts[name].astype(np.float32) for name in ("omega", "phase"))
        wave = z.astype(np.float32) @ omega
        wave += phase
        np.cos(wave, out=wave)
        wave *= np.float32(np.sqrt(2.0))
        if z.shape[1] > MOST_COLUMNS:
            return wave.astype(np.float64)
        return np.hstack([z, wave])


def _bandwidth(z: np.ndarray) -> float:
    """Return the median distance between rows spread over z, or a normal sample's if it is 0."""
    rows = z[np.linspace(0, len(z) - 1, min(len(z), _ROWS)).astype(int)]
    median = float(np.median(pdist(rows))) if len(rows) > 1 else 0.0
    return median or float(np.sqrt(2.0 * z.shape[1]))

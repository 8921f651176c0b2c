"""The paper's example: a Gaussian, of one column or several."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from natfit._validation import check_option
from natfit.distributions import MultivariateNormal, Normal
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.estimators.mle import NaturalMLE
from natfit.rows import Memory


class NaturalGaussianMLE(NaturalMLE):
    """Maximum-likelihood Gaussian, of one column or several.

    The paper's example, in D dimensions: ``mean_`` and ``covariance_`` of
    :class:`NaturalMLE` with the normal (D = 1) or the multivariate normal distribution.

    Parameters
    ----------
    covariance_type : {"full", "diag", "spherical"}, default="full"
        Form of the covariance matrix.
    metric, solver, step, damping, coordinates, tol, max_iter, start_params, warm_start, \
missing, random_state, n_jobs
        As in :class:`NaturalMLE`.

    Attributes
    ----------
    mean_ : ndarray of shape (D,)
    covariance_ : ndarray of shape (D, D)
        The distribution's Sigma (the estimate's covariance is ``cov_params()``).
    scale_ : ndarray of shape (D,)
        Square roots of the diagonal of ``covariance_``, in the unit of the data. The divisor is
        the sum of weights, as in maximum likelihood.

    Examples
    --------
    >>> import numpy as np
    >>> from natfit import NaturalGaussianMLE
    >>> model = NaturalGaussianMLE().fit(np.array([[1.0], [2.0], [4.0]]))
    >>> round(float(model.mean_[0]), 6), round(float(model.covariance_[0, 0]), 6)
    (2.333333, 1.555556)
    """

    def __init__(
        self,
        covariance_type: str = "full",
        *,
        metric: Any = "auto",
        solver: Any = "auto",
        step: Any = "backtracking",
        damping: Any = None,
        coordinates: Any = "unconstrained",
        tol: float = 1e-5,
        max_iter: int = 100,
        start_params: Any = None,
        warm_start: bool = False,
        missing: str = "error",
        random_state: Any = None,
        n_jobs: int | None = None,
    ):
        self.covariance_type = covariance_type
        self.metric = metric
        self.solver = solver
        self.step = step
        self.damping = damping
        self.coordinates = coordinates
        self.tol = tol
        self.max_iter = max_iter
        self.start_params = start_params
        self.warm_start = warm_start
        self.missing = missing
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _bound_by_rows(self) -> bool:
        """Return False: the number of columns is all that the family takes from its rows."""
        return False

    def _family(self, X: np.ndarray) -> Distribution:
        check_option(self.covariance_type, "covariance_type", ("full", "diag", "spherical"))
        if X.shape[1] == 1:
            return Normal()
        return MultivariateNormal(covariance=self.covariance_type).bind(Memory(X))

    def __sklearn_tags__(self) -> Any:
        """The tags of scikit-learn: any real data are accepted, NaN if missing ones are dropped."""
        tags = super(NaturalMLE, self).__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing == "drop"
        return tags

    @property
    def mean_(self) -> np.ndarray:
        """Mean of each column, (D,), in the unit of the data."""
        check_is_fitted(self, "_eta")
        return self.params_["loc"]

    @property
    def covariance_(self) -> np.ndarray:
        """Covariance matrix (D, D)."""
        check_is_fitted(self, "_eta")
        if Role.COVARIANCE in self.distribution_.roles.values():
            return self.params_["covariance"]
        return np.diag(np.broadcast_to(self.params_["scale"] ** 2, self.mean_.shape))

    @property
    def scale_(self) -> np.ndarray:
        """Standard deviation of each column, (D,), in the unit of the data."""
        if Role.COVARIANCE in self.distribution_.roles.values():
            return np.sqrt(np.diagonal(self.covariance_))
        return np.broadcast_to(self.params_["scale"], self.mean_.shape).copy()

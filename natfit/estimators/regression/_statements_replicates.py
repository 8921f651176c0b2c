"""Coefficients of resampled rows, for the bootstrap of a regression."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.callback import with_callbacks

from natfit._validation import check_jobs, check_number, check_option
from natfit.distributions import Censored
from natfit.distributions.contract.frozen import Frozen
from natfit.estimators._replicates import NO_ESTIMATE, kept, replicated, without_callbacks
from natfit.estimators.regression._statements_estimates import Given, RegressionEstimates
from natfit.inference import bootstrap
from natfit.rng import bridge_rng


class RegressionReplicates(RegressionEstimates):
    """The part of a regression that fits it again to resampled rows."""

    random_state: Any

    def _bootstrapped(self, level: float, given: Given, options: dict[str, Any]) -> np.ndarray:
        """Return the ends (M, 2) of the bootstrap's intervals of all coefficients."""
        check_option(options["kind"], "kind", ("bca", "percentile"))
        estimate, here = self._estimate(given, rows=True), self._coefficients()
        replicates = self._replicates(self._data_at_hand(given), options)
        if options["kind"] == "percentile":
            return np.stack(bootstrap.percentile_ends(replicates, level), axis=-1)
        own = estimate.covariance()
        skew = bootstrap.acceleration([estimate], here.jacobian, [own])
        return np.stack(bootstrap.bca_ends(replicates, here.values, skew, level), axis=-1)

    @with_callbacks
    def _replicates(self, given: Given, options: dict[str, Any]) -> np.ndarray:
        """Return the coefficients (B, M) of B sets of resampled rows.

        Each set has a seed of its own, drawn before the first fit, so that the result does not
        depend on the number of processes.

        Returns
        -------
        ndarray of shape (B, M)
            Of the sets whose fit converged.
        """
        check_option(options["resample"], "resample", ("rows", "parametric"))
        n = check_number(options["n_resamples"], "n_resamples", low=bootstrap.FEWEST, integer=True)
        jobs = check_jobs(options["n_jobs"])
        drawn = self._drawn_from(given) if options["resample"] == "parametric" else None
        seed = options["random_state"]
        seed = self.random_state if seed is None else seed
        rng = np.random.default_rng(0) if seed is None else bridge_rng(seed)
        seeds = rng.integers(0, 2**63, size=int(n))
        worker: Any = clone(self)
        # Replicates share the processes, and report as one task.
        without_callbacks(worker)
        worker.n_jobs = None
        found = replicated(self, _batch, (worker, given, drawn, self.param_names_), seeds, jobs)
        return kept(found, "use method='profile'")

    def _drawn_from(self, given: Given) -> Frozen:
        """Return the distributions that the rows of a parametric bootstrap are drawn from."""
        if Censored.of(given.y) is not None:
            raise ValueError(
                "resample='parametric' is not defined for censored rows, because it is not "
                "known how other rows would have been censored; use resample='rows'"
            )
        model: Any = self
        frozen: Frozen = model.predict_dist(given.X, offset=given.offset, exposure=given.exposure)
        return frozen

    def _data_at_hand(self, given: Given) -> Given:
        """Return the data that are given, or those that are still in memory."""
        if given:
            return given
        found = self._remembered.given()
        assert found is not None
        return found


def _batch(
    model: Any, given: Given, drawn: Frozen | None, names: list[str], seeds: np.ndarray
) -> list[np.ndarray | str]:
    """Return the coefficients (M,) of each set of rows, or why there are none."""
    out: list[np.ndarray | str] = []
    for seed in seeds:
        found = _replicate(model, given, drawn, np.random.default_rng(int(seed)))
        if not isinstance(found, str) and len(found) != len(names):
            found = "a class or a category has no row in the resample"
        out.append(found)
    return out


def _replicate(
    model: Any, given: Given, drawn: Frozen | None, rng: np.random.Generator
) -> np.ndarray | str:
    """Return the coefficients (M,) of one set of rows, or why there are none."""
    y, weight = given.y, given.sample_weight
    if drawn is not None:
        y = drawn.rvs(random_state=rng)
    else:
        own = np.ones(given.X.shape[0]) if weight is None else np.asarray(weight, float)
        weight = bootstrap.repetitions(own, rng)
    options = {"offset": given.offset, "exposure": given.exposure}
    known = {name: value for name, value in options.items() if value is not None}
    other: Any = clone(model)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other.fit(given.X, y, sample_weight=weight, **known)
    except ValueError as error:
        return str(error)
    if other.status_ in NO_ESTIMATE:
        return f"{other.status_}: {other.message_}"
    values: np.ndarray = other._coefficients().values
    return values

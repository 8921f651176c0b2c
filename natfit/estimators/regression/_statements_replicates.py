"""Coefficients of resampled rows, for the bootstrap of a regression."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import clone

from natfit._validation import check_number, check_option
from natfit._warnings import warn
from natfit.distributions import Censored
from natfit.estimators._replicates import _NO_ESTIMATE
from natfit.estimators.regression._statements_estimates import Given, RegressionEstimates
from natfit.inference import bootstrap
from natfit.rng import bridge_rng


class RegressionReplicates(RegressionEstimates):
    """The part of a regression that fits it again to resampled rows."""

    random_state: Any

    def _bootstrapped(self, level: float, given: Given, options: dict[str, Any]) -> np.ndarray:
        """Return the ends (M, 2) of the bootstrap's intervals of all coefficients."""
        check_option(options["kind"], "kind", ("bca", "percentile"))
        check_option(options["resample"], "resample", ("rows", "parametric"))
        n = check_number(options["n_resamples"], "n_resamples", low=bootstrap.FEWEST, integer=True)
        estimate, here = self._estimate(given, rows=True), self._coefficients()
        given = self._data_at_hand(given)
        seed = options["random_state"]
        seed = self.random_state if seed is None else seed
        rng = np.random.default_rng(0) if seed is None else bridge_rng(seed)
        found = [
            self._replicate(given, options["resample"], np.random.default_rng(int(own)))
            for own in rng.integers(0, 2**63, size=int(n))
        ]
        replicates = _kept(found)
        if options["kind"] == "percentile":
            return np.stack(bootstrap.percentile_ends(replicates, level), axis=-1)
        own = estimate.covariance()
        skew = bootstrap.acceleration([estimate], here.jacobian, [own])
        return np.stack(bootstrap.bca_ends(replicates, here.values, skew, level), axis=-1)

    def _data_at_hand(self, given: Given) -> Given:
        """Return the data that are given, or those that are still in memory."""
        if given:
            return given
        found = self._remembered.given()
        assert found is not None
        return found

    def _replicate(self, given: Given, resample: str, rng: np.random.Generator) -> np.ndarray | str:
        """Return the coefficients (M,) of one set of rows, or why there are none."""
        y, weight = given.y, given.sample_weight
        if resample == "parametric":
            if Censored.of(y) is not None:
                raise ValueError(
                    "resample='parametric' is not defined for censored rows, because it is not "
                    "known how other rows would have been censored; use resample='rows'"
                )
            model: Any = self
            drawn = model.predict_dist(given.X, offset=given.offset, exposure=given.exposure)
            y = drawn.rvs(random_state=rng)
        else:
            own = np.ones(given.X.shape[0]) if weight is None else np.asarray(weight, float)
            weight = bootstrap.repetitions(own, rng)
        try:
            other = self._refit(given, y, weight)
        except ValueError as error:
            return str(error)
        if other.status_ in _NO_ESTIMATE:
            return f"{other.status_}: {other.message_}"
        values: np.ndarray = other._coefficients().values
        return values

    def _refit(self, given: Given, y: Any, weight: Any) -> Any:
        """Return a regression like this one, fitted to other rows, silently."""
        other: Any = clone(self)
        options = {"offset": given.offset, "exposure": given.exposure}
        known = {name: value for name, value in options.items() if value is not None}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return other.fit(given.X, y, sample_weight=weight, **known)


def _kept(found: list[np.ndarray | str]) -> np.ndarray:
    """Return the estimates (B, M) that were found; warn of the others, or raise if many."""
    good = [values for values in found if not isinstance(values, str)]
    reasons = [why for why in found if isinstance(why, str)]
    lost = len(reasons)
    if 2 * lost > len(found):
        raise ValueError(
            f"the fits to resampled rows must converge, but {lost} of {len(found)} did not, the "
            f"first because: {reasons[0]}; use method='profile'"
        )
    if lost:
        warn(
            f"{lost} of {len(found)} fits to resampled rows did not converge and are left out; the "
            "interval describes the sets of rows that determine the coefficients",
            RuntimeWarning,
        )
    return np.stack(good)

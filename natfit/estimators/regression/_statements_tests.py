"""Tests of hypotheses about the coefficients of a regression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from natfit._validation import answers_keywords, check_option
from natfit._warnings import warn
from natfit.estimators.regression._extended import Larger, larger
from natfit.estimators.regression._hypothesis import Hypothesis, hypothesis_of
from natfit.estimators.regression._nested import compared, inside, refuse_other_family
from natfit.estimators.regression._statements_estimates import Given, counting
from natfit.estimators.regression._statements_precision import RegressionPrecision
from natfit.fitting.regression import start_of_family
from natfit.inference import Estimate, Outcome, at_limits, chi_bar, hauck_donner, kinked
from natfit.inference.coefficients import INTERCEPT, Coefficients
from natfit.inference.likelihood_ratio import likelihood_ratio
from natfit.inference.score_test import information_of
from natfit.inference.surface import definite, solved
from natfit.inference.wald_test import wald

#: Relative difference up to which sums of weights agree.
_SAME = 1e-8

#: Multiplications up to which statements look for the effect of Hauck and Donner unasked.
_UNASKED = 2e8


class RegressionTests(RegressionPrecision):
    """Tests of hypotheses about the coefficients of a regression."""

    alpha: Any

    @answers_keywords
    def wald_test(
        self,
        null: Any,
        values: Any = None,
        *,
        cov_type: str = "observed",
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
        offset: Any = None,
        exposure: Any = None,
    ) -> Outcome:
        """Test values of coefficients by Wald's test, which fits nothing.

        The statistic is ``(A theta - b)' (A V A')^-1 (A theta - b)``, a chi-square under the
        hypothesis. Parameters without features are tested on the scale of their link.

        Parameters
        ----------
        null : dict, str, sequence of str, or array-like of shape (q, M)
            Values by name, ``{"loc[x1]": 0}``; names of coefficients that are zero together; or
            the matrix R of ``R beta = q`` with a column for each of ``param_names_`` (``f_test``
            and ``wald_test`` of statsmodels). The name of a feature, or of a variable with
            categories, stands for its coefficients in all parameters and classes together.
        values : array-like of shape (q,), optional
            q, zero by default.
        cov_type, groups
            As in :meth:`cov_params`.
        X, y, sample_weight, offset, exposure : optional
            The data of the fit, for types of covariance that need them.

        Returns
        -------
        natfit.inference.Outcome

        Raises
        ------
        ValueError
            If the fit is at no optimum, a name is none, or a tested coefficient has no standard
            error.
        """
        self._need_maximum("Wald's test")
        given = Given(X, y, sample_weight, offset, exposure)
        asked = self._hypothesis(null, values)
        if asked.bounded:
            raise ValueError(
                f"Wald's test needs values inside the ranges of the parameters, got {asked.words}: "
                "the estimate is not normal around the end of a range; use likelihood_ratio_test "
                "or score_test"
            )
        estimate, theta = self._covariance(cov_type, given, groups)
        lost = np.isinf(np.diagonal(theta))
        if np.any(asked.rows[:, lost]):
            raise ValueError(
                f"Wald's test of {asked.words} needs standard errors, and the data do not "
                "determine these coefficients; see identifiability()"
            )
        finite = np.where(lost[:, None] | lost[None, :], 0.0, theta)
        gap = asked.rows @ self._theta - asked.values
        block = asked.rows @ finite @ asked.rows.T
        if not definite(block):
            raise ValueError(
                f"the covariance of what {asked.words} restricts is singular; with "
                "cov_type='cluster' there must be more groups than restrictions"
            )
        notes = self._notes_on(estimate, np.flatnonzero(np.any(asked.rows != 0.0, axis=0)))
        return wald(float(gap @ solved(block, gap)), asked.df, asked.words, cov_type, notes)

    @answers_keywords
    def likelihood_ratio_test(
        self,
        null: Any,
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        offset: Any = None,
        exposure: Any = None,
    ) -> Outcome:
        """Test a hypothesis by the ratio of the maximised likelihoods.

        Parameters
        ----------
        null : dict, str, sequence of str, matrix, or fitted regression
            As in :meth:`wald_test`; the model is fitted once under the hypothesis, from this
            estimate, to the rows X and y; from others too where a parameter rests at a limit,
            which it may leave. Or a smaller regression that is fitted to the same rows.
        X, y, sample_weight, offset, exposure : optional
            The data of the fit; not needed beside a regression that is already fitted.

        Returns
        -------
        natfit.inference.Outcome
            With ``prior="jeffreys"`` the ratio of the penalised likelihoods (Heinze & Schemper
            2002).

        Raises
        ------
        ValueError
            If the fit is at no optimum or has a ridge penalty, or the hypothesis is not inside the
            model.
        """
        self._need_maximum("a likelihood-ratio test")
        self._refuse_ridge("a likelihood-ratio test")
        if isinstance(null, RegressionTests):
            return self._against(null)
        asked = self._hypothesis(null, None)
        estimate = self._estimate(Given(X, y, sample_weight, offset, exposure), rows=True)
        objective, theta = self._under(estimate, asked)
        here, there = (-objective.total * objective.first_order(t)[0] for t in (self._theta, theta))
        shares = self._shares(asked)
        notes = ["penalised likelihoods"] if objective.penalised else []
        resting = ", ".join(self._resting(asked))
        notes += [f"{resting} rests at a limit: the reference is approximate"] if resting else []
        return likelihood_ratio(here, there, asked.df, asked.words, shares, notes)

    @answers_keywords
    def score_test(
        self,
        null: Any = None,
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        offset: Any = None,
        exposure: Any = None,
        extra: Any = None,
        information: str = "expected",
    ) -> Outcome:
        """Test coefficients by Rao's score test, also ones that the model does not have.

        The statistic is ``U' I^-1 U`` with the score U and the information I at the optimum under
        the hypothesis. Of coefficients that the model does not have, this is the fit itself, and
        nothing is fitted: ``score_test("scale[x1]", X, y)`` asks whether the scale depends on x1
        (Cook & Weisberg 1983; Breusch & Pagan 1979).

        Parameters
        ----------
        null : dict, str, sequence of str, optional
            As in :meth:`wald_test`; names of features of X that a parameter does not have yet are
            added to it.
        X, y, sample_weight, offset, exposure
            The data of the fit.
        extra : array-like of shape (N,) or (N, e), or dict, optional
            Columns that are no features of X, for the parameter that ``features_for`` drives by
            default, or by parameter (``exog_extra`` of statsmodels' ``score_test``).
        information : {"expected", "observed"}
            The information I.

        Returns
        -------
        natfit.inference.Outcome

        Raises
        ------
        ValueError
            If there is nothing to test, the fit is at no optimum or has a penalty, or the
            information is singular.
        """
        self._need_maximum("a score test")
        self._refuse_ridge("a score test")
        check_option(information, "information", ("expected", "observed"))
        if null is None and extra is None:
            raise ValueError(
                "a score test needs something to test, got neither null nor extra; pass names such "
                "as ['scale[x1]'], or extra=columns"
            )
        given = Given(X, y, sample_weight, offset, exposure)
        estimate = self._estimate(given, rows=True)
        keep = partial(counting, given=given, n=estimate.objective.rows.n)  # type: ignore[union-attr]
        null = {} if null is None else null
        grown = larger(self, estimate, null, extra, self._data_at_hand(given).X, keep)
        if getattr(estimate.objective, "jeffreys", False):
            raise ValueError(
                "a score test is one of the likelihood, got a fit with prior='jeffreys'; use "
                "likelihood_ratio_test, which compares penalised likelihoods"
            )
        asked = self._hypothesis(grown.null, None, grown)
        away = asked.rows @ grown.theta - asked.values
        theta = grown.theta
        if np.any(np.abs(away) > 0.0):
            theta = self._refitted(grown.objective, theta, asked)
        return self._score_outcome(grown, theta, asked, information)

    def _score_outcome(
        self, grown: Larger, theta: np.ndarray, asked: Hypothesis, information: str
    ) -> Outcome:
        """Return the score test at an optimum under a hypothesis."""
        objective = grown.objective
        grad = kinked.gradient_under(objective, theta, asked.rows)
        low, high, _ = objective.limits()
        free = (theta > low) & (theta < high) | np.any(asked.rows != 0.0, axis=0)
        matrix = information_of(objective, theta, information)[np.ix_(free, free)]
        score = -objective.total * grad[free]
        if not (np.isfinite(score).all() and definite(matrix)):
            other = "observed" if information == "expected" else "expected"
            raise ValueError(
                f"the {information} information must be positive definite under the hypothesis, "
                f"but it is singular or indefinite there; use information={other!r} or a "
                "likelihood-ratio test"
            )
        statistic = float(score @ solved(objective.total * matrix, score))
        shares = self._shares(asked)
        if asked.bounded:
            # Only a score that points into the range counts.
            at = int(np.flatnonzero(asked.rows[0])[0])
            statistic = statistic if grad[at] * asked.inward < 0.0 else 0.0
        return Outcome(
            "score test",
            statistic,
            chi_bar.upper_tail(statistic, asked.df, shares),
            float(asked.df),
            asked.words,
            chi_bar.words(asked.df, shares),
            (f"{information} information",),
        )

    @answers_keywords
    def hauck_donner(
        self,
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        offset: Any = None,
        exposure: Any = None,
    ) -> dict[str, float]:
        """Return for each coefficient of x how its Wald statistic changes as it grows.

        Parameters
        ----------
        X, y, sample_weight, offset, exposure
            The data of the fit.

        Returns
        -------
        dict
            From the name to the derivative of ``|beta| / se`` in ``|beta|``, times the standard
            error. It is 1 where the error stays the same. Where it is negative the statistic falls
            as the coefficient grows (Hauck & Donner 1977), and Wald's p-value is not to be
            trusted: use a likelihood-ratio test.

        Raises
        ------
        ValueError
            If the rows are missing or not those of the fit.
        """
        estimate = self._estimate(Given(X, y, sample_weight, offset, exposure), rows=True)
        found = self._coefficients()
        at = [m for m, p in enumerate(found.places) if p.feature not in (None, INTERCEPT)]
        slopes = self._slopes(estimate, found, at)
        return {found.names[m]: float(own) for m, own in zip(at, slopes, strict=True)}

    # -------------------------------------------------------------------------- in common

    def _hypothesis(self, null: Any, values: Any, grown: Larger | None = None) -> Hypothesis:
        """Return what is asked, as restrictions of theta, or of that of a larger model."""
        if grown is not None:
            found, model, theta = grown.coefficients, grown.model, grown.theta
        else:
            found, model, theta = self._coefficients(), self._linear_model(), self._theta
        return hypothesis_of(
            null, values, found, model, theta, lambda name: self._chosen(found, name)
        )

    def _under(self, estimate: Estimate, asked: Hypothesis) -> tuple[Any, np.ndarray]:
        """Return the objective, and its optimum under a hypothesis."""
        objective: Any = estimate.objective
        return objective, self._refitted(objective, self._theta, asked)

    def _refitted(self, objective: Any, theta: np.ndarray, asked: Hypothesis) -> np.ndarray:
        if not asked.exact:
            raise ValueError(
                "a matrix with columns of native parameters restricts them near the estimate only, "
                "which serves Wald's test; pass their values by name"
            )
        start = partial(start_of_family, objective)
        found = at_limits.best_restricted(objective, theta, asked.rows, asked.values, start)
        if not found.converged:
            at = self._resting(asked)
            limit = f", from an estimate with {', '.join(at)} at a limit" if at else ""
            raise ValueError(
                f"the fit under the hypothesis {asked.words} did not settle{limit}; fit the "
                "smaller model and pass it to likelihood_ratio_test, test fewer coefficients at "
                "once, or use wald_test"
            )
        return found.theta

    def _resting(self, asked: Hypothesis) -> list[str]:
        """Return the parameters at a limit of their range at the estimate that are not tested."""
        model, tested = self._linear_model(), np.any(asked.rows != 0.0, axis=0)
        at = {k for k in self._at_bound if k >= len(tested) or not tested[k]}
        blocks = model.family.blocks.items()
        return [
            name
            for name, block in blocks
            if at & {model.parts[k].start for k in range(block.start, block.stop)}
        ]

    def _shares(self, asked: Hypothesis) -> np.ndarray:
        """Return the weights of the mixture of chi-squares."""
        if not asked.bounded:
            return np.array([1.0])
        if asked.df > 1:
            raise ValueError(
                f"{', '.join(asked.bounded)} at the end of its range must be tested alone, got "
                f"{asked.words}"
            )
        return np.array([0.5, 0.5])

    def _refuse_ridge(self, what: str) -> None:
        if self._model.family is not None and self._has_ridge():
            raise ValueError(
                f"{what} compares likelihoods, and a fit with alpha > 0 is at no maximum of one; "
                "fit with alpha=0"
            )

    def _has_ridge(self) -> bool:
        values = self.alpha.values() if isinstance(self.alpha, Mapping) else [self.alpha]
        return any(np.any(np.asarray(value, dtype=float) != 0.0) for value in values)

    def _against(self, other: RegressionTests) -> Outcome:
        """Return the test against a smaller regression that is fitted to the same rows."""
        check_is_fitted(other, "_theta")
        other._need_maximum("a likelihood-ratio test against it")
        other._refuse_ridge("a likelihood-ratio test against it")
        if not np.isclose(other.n_obs_, self.n_obs_, rtol=_SAME):
            raise ValueError(
                f"null must be fitted to the same data, which had {self.n_obs_:g} observations, "
                f"got {other.n_obs_:g}; fit both to the same rows and weights"
            )
        refuse_other_family(self, other)
        df = self.n_parameters_ - other.n_parameters_
        if df <= 0:
            raise ValueError(
                f"null must have fewer coefficients than the fit, got {other.n_parameters_} beside "
                f"{self.n_parameters_}; call the method of the larger model, with the smaller one "
                "as null"
            )
        for model in (self, other):
            model._refuse_jeffreys()
        return compared(self, other, inside(self, other))

    def _refuse_jeffreys(self) -> None:
        if getattr(self, "prior", None) is not None:
            raise ValueError(
                "fits with prior='jeffreys' have penalties of different sizes; pass the names of "
                "the coefficients with X and y, which compares them under one penalty"
            )

    def _slopes(self, estimate: Estimate, found: Coefficients, at: list[int]) -> np.ndarray:
        """Return the derivatives of Wald's statistics of some coefficients."""
        model = self._linear_model()
        directions = [found.direction(m, model) for m in at]
        rows, values = found.jacobian[at], found.values[at]
        return hauck_donner.slopes(estimate, values, rows, np.reshape(directions, rows.shape))

    def _with_effect(self, estimate: Estimate, at: list[int]) -> list[str]:
        """Return the coefficients with the effect of Hauck and Donner, where that costs little."""
        objective: Any = estimate.objective
        if objective is None or not at:
            return []
        if 2.0 * len(at) * objective.rows.n * len(self._theta) ** 2 > _UNASKED:
            return []
        found = self._coefficients()
        slopes = self._slopes(estimate, found, at)
        return [found.names[m] for m, own in zip(at, slopes, strict=True) if own < 0.0]

    def _notes_on(self, estimate: Estimate, coordinates: np.ndarray) -> list[str]:
        """Return what is to be said of tested coordinates; warn of Hauck and Donner's effect."""
        notes = []
        if self._has_ridge():
            notes.append("the estimate is that of a penalised likelihood, and is biased")
        found = self._coefficients()
        at = [
            m
            for m, place in enumerate(found.places)
            if place.feature not in (None, INTERCEPT) and np.any(found.jacobian[m, coordinates])
        ]
        names = self._with_effect(replace(estimate), at)
        if names:
            notes.append(said_of_effect(names))
            warn(said_of_effect(names), UserWarning)
        return notes


def said_of_effect(names: list[str]) -> str:
    """Return the sentence on coefficients with the effect of Hauck and Donner."""
    return (
        f"Wald's statistic of {', '.join(names)} falls as the coefficient grows (Hauck & Donner "
        "1977), so that its p-value and interval are not to be trusted; use likelihood_ratio_test "
        "and conf_int(method='profile')"
    )

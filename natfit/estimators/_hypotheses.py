"""Tests of hypotheses about the parameters of a fitted density."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from natfit._numbers import is_vector, one_column
from natfit._validation import answers_keywords, check_option
from natfit.distributions import Censored
from natfit.estimators._estimates import Estimates
from natfit.inference import Estimate, Outcome, chi_bar
from natfit.inference.likelihood_ratio import joined, likelihood_ratio
from natfit.inference.nested import nesting, title
from natfit.inference.null import Null, check_names
from natfit.inference.score_test import Efficient, efficient, shares
from natfit.inference.wald_test import statistic as wald_statistic
from natfit.inference.wald_test import wald
from natfit.iterate import Status

#: Ends of a fit at which the likelihood has a maximum in the range of the parameters.
_MAXIMA = (Status.CONVERGED, Status.GRADIENT_SMALL, Status.ROUNDING_FLOOR, Status.BOUNDARY)

#: Relative difference up to which sums of weights agree.
_SAME = 1e-8


class HypothesisTests(Estimates):
    """Tests of hypotheses about the parameters of a fitted density."""

    status_: Status
    statuses_: list[Status]
    message_: str

    def _covariances(
        self, cov_type: str, X: Any, sample_weight: Any, groups: Any
    ) -> tuple[list[Estimate], list[np.ndarray]]:
        raise NotImplementedError

    # -------------------------------------------------------------------------------- Wald

    @answers_keywords
    def wald_test(
        self,
        null: Any,
        *,
        cov_type: str = "observed",
        X: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> Outcome:
        """Test the values of parameters by Wald's test, which fits nothing.

        The statistic is ``(eta - eta0)' V^-1 (eta - eta0)``, with the unconstrained parameters eta
        (the logarithm of a scale, the logit of a share) and their covariance matrix V. Under the
        hypothesis it is a chi-square with as many degrees of freedom as there are values. With
        ``cov_type="robust"`` the test holds even if the data do not come from the family.

        Parameters
        ----------
        null : dict
            Native values by name; a vector (D,) gives one number per column.
        cov_type : str
            The covariance matrix, as in :meth:`cov_params`.
        X, sample_weight : optional
            The data and the weights of the fit, for types of covariance that need them.
        groups : array-like of shape (N,), optional
            The group of each row, for ``cov_type="cluster"``.

        Returns
        -------
        natfit.inference.Outcome

        Raises
        ------
        ValueError
            If the fit is at no maximum, a value is none of the parameter or is at the end of its
            range, or a tested parameter has no standard error.
        TypeError
            If ``null`` is no dict of numbers.

        Examples
        --------
        >>> import natfit
        >>> fit = natfit.fit("exponential", [1.0, 2.0, 3.0])
        >>> round(fit.wald_test({"rate": 1.0}).statistic, 3)
        1.441
        """
        self._need_maximum("Wald's test")
        self._refuse_known(null)
        nulls = self._nulls(null)
        estimates, matrices = self._covariances(cov_type, X, sample_weight, groups)
        names = self.distribution_.eta_names()
        total = sum(
            wald_statistic(e.theta, matrix, n, names)
            for e, matrix, n in zip(estimates, matrices, nulls, strict=True)
        )
        df = sum(len(n.tested) for n in nulls)
        notes = _notes(estimates, nulls)
        if getattr(self, "prior", None):
            notes.append("the estimate is the mode of a posterior density, and so is its curvature")
        return wald(total, df, _words(nulls), cov_type, notes)

    # -------------------------------------------------------------------- likelihood ratio

    @answers_keywords
    def likelihood_ratio_test(self, null: Any, X: Any = None, sample_weight: Any = None) -> Outcome:
        """Test a hypothesis by the ratio of the maximised likelihoods.

        The statistic is ``2 (l1 - l0)``, with the log-likelihood l1 of this fit and l0 of one under
        the hypothesis. It is compared with a chi-square, whose degrees of freedom are the
        difference of the numbers of estimated parameters (Wilks 1938). Where parameters are at the
        ends of their ranges under the hypothesis (a share of extra zeros that is zero, degrees of
        freedom that are infinite), it is compared with a mixture of chi-squares (Self & Liang
        1987), which ``reference`` and ``notes`` of the result say.

        Parameters
        ----------
        null : dict or fitted estimator
            Native values by name, as for ``fixed``; an end of a range may be given as what it
            stands for: ``{"df": np.inf}``, ``{"zero_prob": 0.0}``. Or a fit of a smaller family to
            the same data, such as that of a Gumbel distribution inside a GEV.
        X, sample_weight : optional
            The data and the weights of the fit, to which the model is fitted again with the values
            of a dict, from this estimate. An estimator that is already fitted needs neither.

        Returns
        -------
        natfit.inference.Outcome

        Raises
        ------
        ValueError
            If the fit is at no maximum, the values are not those of a model inside this one, X is
            not the data of the fit, or the test has no known distribution (a mixture with fewer
            components, an end of the support).
        TypeError
            If ``null`` is neither a dict nor an estimator.

        Examples
        --------
        >>> import natfit
        >>> fit = natfit.fit("exponential", [1.0, 2.0, 3.0])
        >>> round(fit.likelihood_ratio_test({"rate": 1.0}, [1.0, 2.0, 3.0]).statistic, 3)
        1.841
        """
        self._need_maximum("a likelihood-ratio test")
        self._refuse_prior("a likelihood-ratio test")
        if isinstance(X, Mapping | HypothesisTests):
            # The order of score_test.
            null, X = X, null
        if hasattr(null, "loglik_") or hasattr(null, "get_params"):
            return self._against(null, X, sample_weight)
        if X is None:
            check_names(self.distribution_, null)
            raise ValueError(
                "a likelihood-ratio test of values needs the data, to which the model is fitted "
                "with these values; pass the X and the sample_weight of the fit"
            )
        estimates, nulls = self._hypothesis(null, X, sample_weight)
        loglik, theta, notes = self._under(estimates, nulls, X, sample_weight)
        found = [_column_shares(e, n, at) for e, n, at in zip(estimates, nulls, theta, strict=True)]
        df = sum(len(n.tested) for n in nulls)
        notes = [*_notes(estimates, nulls), *notes]
        return likelihood_ratio(self.loglik_, loglik, df, _words(nulls), joined(found), notes)

    def _against(self, other: Any, X: Any, sample_weight: Any) -> Outcome:
        """Return the test against another fit, of a smaller model to the same data."""
        if not isinstance(other, HypothesisTests):
            raise TypeError(
                f"null must be a dict of values, or a fitted density such as natfit.fit(...), got "
                f"{type(other).__name__}"
            )
        check_is_fitted(other, "_eta")
        other._need_maximum("a likelihood-ratio test against it")
        other._refuse_prior("a likelihood-ratio test against it")
        if not np.isclose(other.n_obs_, self.n_obs_, rtol=_SAME):
            raise ValueError(
                f"null must be fitted to the same data, which had {self.n_obs_:g} observations, "
                f"got {other.n_obs_:g}; fit both to the same rows and weights"
            )
        mine = self._estimates(X, sample_weight)
        theirs = other._estimates(X, sample_weight)
        df = sum(e.n_estimated for e in mine) - sum(e.n_estimated for e in theirs)
        if df == 0:
            families = title(other.distribution_), title(self.distribution_)
            raise ValueError(
                f"null must have fewer parameters than the fit, got {families[0]} beside "
                f"{families[1]} with as many: not nested; use natfit.compare, which has Vuong's "
                "test"
            )
        if df < 0:
            raise ValueError(
                f"null must have fewer parameters than the fit, got {-df} more; call the method of "
                "the larger model, with the smaller one as null"
            )
        bounded, notes = self._bounded_in(other)
        if len(bounded) > 1:
            raise ValueError(
                f"null must not put more than one parameter at the end of its range, got "
                f"{', '.join(bounded)}, whose weights depend on their correlation; pass their "
                "values by name with X, which computes it"
            )
        shares = [np.array([0.5, 0.5])] * len(mine) if bounded else []
        said = f"{title(other.distribution_)} inside {title(self.distribution_)}"
        notes = [*_notes(mine, []), *notes]
        return likelihood_ratio(self.loglik_, other.loglik_, df, said, joined(shares), notes)

    def _bounded_in(self, other: HypothesisTests) -> tuple[tuple[str, ...], list[str]]:
        """Return which parameters are at an end of their range in another fit, and what to say."""
        found = nesting(self.distribution_, other.distribution_)
        mine, theirs = (dict(getattr(e, "fixed", None) or {}) for e in (self, other))
        bounded = found.bounded
        if found.known and set(theirs) <= set(self.distribution_.params):
            for name, value in mine.items():
                if not np.array_equal(np.asarray(theirs.get(name)), np.asarray(value)):
                    raise ValueError(
                        f"null must fix {name!r} at {value}, as the larger fit does, got "
                        f"{theirs.get(name)}; it is not inside the larger model"
                    )
            own = {n: np.ravel(v)[0] for n, v in theirs.items() if n not in mine}
            if own and type(self.distribution_) is type(other.distribution_):
                null = Null.of(self.distribution_, own)
                held = [n for n, b in self.distribution_.blocks.items() if n in own]
                bounded = tuple(n for n, s in zip(held, null.inward, strict=False) if s)
        notes = []
        if bounded:
            notes.append(_at_an_end(bounded))
        if not found.known:
            notes.append(
                "the chi-square holds only if the smaller family lies inside the larger one, "
                "which natfit does not know of these two"
            )
        return bounded, notes

    # ------------------------------------------------------------------------------- score

    @answers_keywords
    def score_test(
        self,
        X: Any,
        null: Any = None,
        sample_weight: Any = None,
        information: str = "expected",
    ) -> Outcome:
        """Test the values of ``fixed``, or those of a hypothesis, by Rao's score test.

        The statistic is ``U' I^-1 U``, with the efficient score U of the tested parameters at the
        estimate under the hypothesis, and its information I. The larger model is never fitted: of
        a fit with ``fixed=...`` the test needs no further fit. With ``null`` the model is fitted
        once with these values, from this estimate. At the end of a range (no extra zeros, infinite
        degrees of freedom) only a score that points into the range counts, and the reference is a
        mixture of chi-squares (Silvapulle & Silvapulle 1995).

        Parameters
        ----------
        X : array-like, Censored
            The data of the fit.
        null : dict, optional
            Native values by name; None stands for those of ``fixed``.
        sample_weight : array-like of shape (N,), optional
            The weights of the fit.
        information : {"expected", "observed"}
            The information I. The expected one is common, and never indefinite.

        Returns
        -------
        natfit.inference.Outcome

        Raises
        ------
        ValueError
            If there is nothing to test, the fit is at no maximum, X is not its data, or the
            information is singular; the message names the parameters.

        Examples
        --------
        >>> import natfit
        >>> fit = natfit.fit("gamma", [1.0, 2.0, 4.0], fixed={"shape": 1.0})
        >>> fit.score_test([1.0, 2.0, 4.0]).df
        1.0
        """
        self._need_maximum("a score test")
        self._refuse_prior("a score test")
        check_option(information, "information", ("expected", "observed"))
        if isinstance(X, Mapping):
            # The order of likelihood_ratio_test.
            X, null = null, X
        if X is None:
            raise ValueError("a score test needs the rows, got no X; write score_test(X, null)")
        if null is None:
            known = getattr(self, "fixed", None)
            if not known:
                raise ValueError(
                    "a score test needs values to test: fit with fixed={...}, which needs no "
                    "other fit, or pass null={...}, with which the model is fitted once"
                )
            estimates, nulls = self._hypothesis(known, X, sample_weight, of_fixed=True)
            theta: list[np.ndarray] = [e.theta for e in estimates]
            notes: list[str] = []
        else:
            estimates, nulls = self._hypothesis(null, X, sample_weight)
            _, theta, notes = self._under(estimates, nulls, X, sample_weight)
        found = [
            _efficient(e, n, at, information)
            for e, n, at in zip(estimates, nulls, theta, strict=True)
        ]
        pairs = list(zip(found, nulls, strict=True))
        statistic = float(sum(own.statistic(n) for own, n in pairs))
        weights = joined([own.shares(n) for own, n in pairs])
        df = sum(len(n.tested) for n in nulls)
        return Outcome(
            "score test",
            statistic,
            chi_bar.upper_tail(statistic, df, weights),
            float(df),
            _words(nulls),
            chi_bar.words(df, weights),
            (f"{information} information", *_notes([], nulls), *notes),
        )

    # ---------------------------------------------------------------------------- in common

    def _need_maximum(self, what: str) -> None:
        """Raise ValueError unless the fit ended at a maximum of the likelihood."""
        check_is_fitted(self, "_eta")
        if all(status in _MAXIMA for status in self.statuses_):
            return
        raise ValueError(
            f"{what} needs a fit at a maximum of the likelihood, got the status "
            f"{self.status_.value!r}: {self.message_}; see identifiability() for parameters that "
            "the data do not determine"
        )

    def _refuse_prior(self, what: str) -> None:
        if getattr(self, "prior", None):
            raise ValueError(
                f"{what} compares likelihoods, and a fit with a prior is at no maximum of one; fit "
                "without prior, or compare posterior intervals"
            )

    def _hypothesis(
        self, null: Any, X: Any, sample_weight: Any, of_fixed: bool = False
    ) -> tuple[list[Estimate], list[Null]]:
        """Return the estimates with their objectives, and the hypothesis about each column."""
        if not of_fixed:
            self._refuse_known(null)
        nulls = self._nulls(null)
        return self._estimates(X, sample_weight), nulls

    def _refuse_known(self, null: Any) -> None:
        """Raise ValueError if a hypothesis names a parameter that was not estimated."""
        check_names(self.distribution_, null)
        for name in getattr(self, "fixed", None) or ():
            if name in null:
                raise ValueError(
                    f"null must name parameters that were estimated, got {name!r}, which is fixed; "
                    "score_test(X) tests the values of fixed"
                )

    def _nulls(self, null: Any) -> list[Null]:
        """Return the hypothesis about each column; a vector (D,) gives one number per column."""
        family, columns = self.distribution_, len(self._eta)
        check_names(family, null)

        def of(name: str, value: Any, column: int) -> Any:
            scalar = family.params[name].shape == ()
            each = scalar and np.ndim(value) == 1 and np.size(value) == columns
            return np.asarray(value)[column] if each else value

        return [Null.of(family, {k: of(k, v, j) for k, v in null.items()}) for j in range(columns)]

    def _under(
        self, estimates: list[Estimate], nulls: list[Null], X: Any, sample_weight: Any
    ) -> tuple[float, list[np.ndarray], list[str]]:
        """Return the log-likelihood under a hypothesis, all of eta there, and what to say."""
        family = self.distribution_
        known = dict(getattr(self, "fixed", None) or {})
        names = {*known, *nulls[0].values}
        if names == set(family.params):
            theta = [e.theta.copy() for e in estimates]
            loglik = 0.0
            for e, null, at in zip(estimates, nulls, theta, strict=True):
                at[null.tested] = null.eta
                objective: Any = e.objective
                loglik += objective.log_likelihood(at, objective.value(at))
            if np.isnan(loglik):
                loglik = -np.inf
            return loglik, theta, []
        values = {
            name: np.array([n.values[name] for n in nulls])
            if family.params[name].shape == () and len(nulls) > 1
            else nulls[0].values[name]
            for name in nulls[0].values
        }
        other = self._restricted({**known, **values}, X, sample_weight)
        other._need_maximum("the test's fit under the hypothesis")
        notes = ["under the hypothesis the model was fitted again with these values"]
        if other.status_ is Status.BOUNDARY:
            notes.append(f"under the hypothesis the fit ended at a boundary: {other.message_}")
        return other.loglik_, list(other._eta), notes

    def _restricted(self, fixed: dict, X: Any, sample_weight: Any) -> Any:
        """Return an estimator like this one with known values, fitted from this estimate."""
        from natfit.estimators.mle import NaturalMLE

        other: Any = clone(self)
        if "fixed" not in other.get_params(deep=False):
            # Estimators of one family have no options that change it.
            kept = {k: v for k, v in other.get_params(deep=False).items() if k in _OPTIONS}
            other = NaturalMLE(self.distribution_, **kept)
        other.set_params(fixed=fixed, warm_start=True)
        if Censored.of(X) is None and is_vector(X):
            X = one_column(X)
        other.distribution_, other._eta = self.distribution_, self._eta
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return other.fit(X, sample_weight=sample_weight)


#: Options of a fit that all estimators of a density have.
_OPTIONS = ("metric", "solver", "step", "damping", "coordinates", "tol", "max_iter", "missing")


def _column_shares(estimate: Estimate, null: Null, theta: np.ndarray) -> np.ndarray:
    """Return the weights of a column; the correlation of several bounded parameters is asked."""
    if len(null.bounded) < 2:
        return shares(null, np.eye(len(null.tested)))
    objective: Any = estimate.objective
    # Censored rows have no expected information.
    kind = "expected" if objective.distribution.information.complete else "observed"
    return _efficient(estimate, null, theta, kind).shares(null)


def _efficient(estimate: Estimate, null: Null, theta: np.ndarray, kind: str) -> Efficient:
    objective: Any = estimate.objective
    # Those known to the fit are nuisance of neither model; those at a limit stay there.
    low, high, _ = objective.limits()
    known = {*estimate.information.known} - {*null.tested.tolist()}
    held = {*null.tested.tolist(), *known, *np.flatnonzero((theta <= low) | (theta >= high))}
    nuisance = np.array([k for k in range(len(theta)) if k not in held], dtype=int)
    return efficient(objective, theta, null, nuisance, kind)


def _words(nulls: list[Null]) -> str:
    """Return the hypothesis in words; of several columns that of each."""
    said = [null.words for null in nulls]
    if len(set(said)) == 1:
        return said[0] + (" in all columns" if len(said) > 1 else "")
    return "; ".join(f"column {j}: {words}" for j, words in enumerate(said))


def _at_an_end(names: Sequence[str]) -> str:
    return (
        f"{', '.join(names)} at the end of its range: the reference is a mixture of chi-squares "
        "(Self & Liang 1987)"
    )


def _notes(estimates: Sequence[Estimate], nulls: Sequence[Null]) -> list[str]:
    """Return what a reader must know of limits of the tested parameters and of the others."""
    notes = []
    if any(len(null.bounded) for null in nulls):
        notes.append(_at_an_end([null.words for null in nulls[:1]]))
    # At an end of its range a tested parameter may rest: the mixture counts on it.
    tested = [set(null.tested[null.bounded].tolist()) for null in nulls]
    tested = tested or [set() for _ in estimates]
    for e, own in zip(estimates, tested, strict=False):
        others = [k for k in e.at_limit if k not in own]
        if others:
            names = [list(e.family.eta_names())[k] for k in others]
            notes.append(f"{', '.join(names)} rests at a limit: the reference is approximate")
            break
    return notes

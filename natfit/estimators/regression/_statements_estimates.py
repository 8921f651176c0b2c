"""What statements about a regression rest on: its estimate, the rows, the names of coefficients."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from sklearn.utils.validation import check_is_fitted

from natfit import inference
from natfit._validation import check_option, unknown_name
from natfit.distributions.base import Distribution
from natfit.distributions.contract.frozen import Frozen
from natfit.estimators._sources import read_regression, reader_of
from natfit.estimators.regression._predictor import without_coefficients
from natfit.inference import Estimate
from natfit.inference import covariance as cov
from natfit.inference.coefficients import Coefficients
from natfit.iterate import Status
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives import Regression
from natfit.rows import Rows, rows_of, source_of

#: Relative difference of log-likelihoods, and of sums of weights, at which data are not the fit's.
_SAME = 1e-8

#: Most coefficients whose information, one gigabyte of it, is computed.
_MOST = 11_000

#: Ends of a fit at which there is no optimum, and no interval around it.
NO_OPTIMUM = (Status.UNBOUNDED, Status.NON_FINITE, Status.SINGULAR)


#: What covariances are called in statsmodels, and here.
_ELSEWHERE = {
    "NONROBUST": "'observed' is nonrobust",
    "HC0": "'robust' is HC0",
    **dict.fromkeys(("HC1", "HC2", "HC3"), "'robust' is HC0, the only one of its kind here"),
}


@dataclass(frozen=True)
class Given:
    """The data of a fit as they are passed to a statement."""

    X: Any = None
    y: Any = None
    sample_weight: Any = None
    offset: Any = None
    exposure: Any = None

    def __bool__(self) -> bool:
        """Tell whether there are rows."""
        return self.X is not None

    def check(self) -> Given:
        """Return this, or raise ValueError where a part lacks the rows it belongs to."""
        # What is in pieces may hold its y beside X.
        whole = source_of(**vars(self)) is not None
        if (self.X is None) != (self.y is None) and not whole:
            lacks, has = ("X", "y") if self.X is None else ("y", "X")
            raise ValueError(f"X and y belong together, got {has} alone; pass {lacks} too")
        for name in ("sample_weight", "offset", "exposure"):
            if self.X is None and getattr(self, name) is not None:
                raise ValueError(f"{name} belongs to X and y, got it alone; pass X and y too")
        return self


class Remembered:
    """The data of a fit while their owner keeps them; copies and pickles forget them."""

    def __init__(self, **parts: Any):
        self._parts: dict[str, Any] = {}
        self._whole = True
        for name, value in parts.items():
            try:
                self._parts[name] = None if value is None else _referred(value)
            except TypeError:
                # A list, say, of which no weak reference is possible.
                self._whole = False

    def __reduce__(self) -> tuple:
        """Leave the data behind."""
        return _forgotten, ()

    def given(self) -> Given | None:
        """Return the data, or None if any part of them is gone."""
        found: dict[str, Any] = {}
        for name, reference in self._parts.items():
            found[name] = None if reference is None else reference()
            if reference is not None and found[name] is None:
                return None
        return Given(**found) if self._whole and found.get("X") is not None else None


def _referred(value: Any) -> Any:
    """Return what gives a value back while it exists; a dict of arrays is one of references."""
    if isinstance(value, Mapping):
        each = {key: _referred(own) for key, own in value.items()}

        def all_of_them() -> dict | None:
            found = {key: own() for key, own in each.items()}
            return None if any(own is None for own in found.values()) else found

        return all_of_them
    if isinstance(value, int | float):
        return lambda: value
    return weakref.ref(value)


def _forgotten() -> Remembered:
    return Remembered(X=None)


class RegressionEstimates:
    """The part of a regression that all statements about it rest on."""

    distribution_: Distribution
    n_obs_: float
    loglik_: float
    status_: Status
    message_: str
    n_jobs: int | None
    prior: Any
    predictor: Any
    _family: Distribution
    _layout: Any
    _model: Any
    _theta: np.ndarray
    _information: inference.Information | None
    _at_bound: tuple[int, ...]
    _remembered: Remembered

    def _objective(self, rows: Rows) -> Regression:
        raise NotImplementedError

    def _data(self, X: Any, y: Any, sample_weight: Any, reset: bool) -> Any:
        raise NotImplementedError

    def _offsets(self, family: Distribution, n: int, offset: Any, exposure: Any) -> Any:
        raise NotImplementedError

    def _seen_rows(self, data: Any, y: Any) -> tuple[Distribution, np.ndarray]:
        raise NotImplementedError

    def _prior(self, family: Distribution) -> Literal["jeffreys"] | None:
        """Return the prior of the option, or raise ValueError where the family has none."""
        if self.prior is None:
            return None
        if isinstance(self.prior, str) and self.prior.lower() == "firth":
            raise ValueError("prior must be 'jeffreys', which is Firth's penalty, got 'firth'")
        check_option(self.prior, "prior", ("jeffreys",))
        if self.predictor != "linear":
            raise ValueError(
                "prior='jeffreys' needs predictor='linear', because the information of other "
                "models is singular; leave prior out"
            )
        if not (family.information.measures and family.fisher_by_rows):
            raise ValueError(
                "prior='jeffreys' needs the expected information of each row in closed form, which "
                f"{type(family).__name__} does not have; use alpha > 0"
            )
        return "jeffreys"

    def _remember(
        self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None, exposure: Any = None
    ) -> None:
        """Keep weak references to the data, if the information was not computed in the fit."""
        if self._information is None:
            self._remembered = Remembered(
                X=X, y=y, sample_weight=sample_weight, offset=offset, exposure=exposure
            )

    # ------------------------------------------------------------------------------ names

    @property
    def _features(self) -> tuple[str, ...]:
        return self._layout.names

    def _linear_model(self) -> LinearPredictors:
        check_is_fitted(self, "_theta")
        if not isinstance(self._model, LinearPredictors):
            raise ValueError(without_coefficients(self._model))
        return self._model

    def _at(self, theta: np.ndarray) -> Coefficients:
        """Return the coefficients of x with their names, at theta."""
        return Coefficients.of(self._linear_model(), theta, self._features, self._classes_of())

    def _classes_of(self) -> Any:
        """Return the classes whose logits are reported, None where eta itself is."""
        several = self._linear_model().family.contrast is not None
        return getattr(self, "classes_", None) if several else None

    def _coefficients(self) -> Coefficients:
        """Return the coefficients of x with their names, at the estimate."""
        self._linear_model()
        self._refuse_too_many()
        return self._at(self._theta)

    def _chosen(self, found: Coefficients, names: Any) -> list[int]:
        """Return the places of names, those of a feature or a variable in all their coefficients.

        A feature has one in each parameter and class that it drives, a variable one more for each
        of its categories.

        Returns
        -------
        list of int

        Raises
        ------
        ValueError
            If a name is none.
        """
        out: list[int] = []
        for name in [names] if isinstance(names, str) else list(names):
            own = [name] if name in found.index else []
            own = own or found.meant(str(name))
            if not own:
                raise ValueError(
                    unknown_name(str(name), found.names, "names must be those of coefficients")
                )
            out += [found.index[full] for full in own]
        return list(dict.fromkeys(out))

    def _chosen_one(self, found: Coefficients, name: str) -> int:
        """Return the place of a name that stands for one coefficient."""
        own = self._chosen(found, name)
        if len(own) > 1:
            words = ", ".join(found.names[m] for m in own[:6]) + (", ..." if len(own) > 6 else "")
            raise ValueError(f"{name!r} names {len(own)} coefficients; pass one of {words}")
        return own[0]

    @property
    def param_names_(self) -> list[str]:
        """Names of the rows and columns of ``cov_params``: ``loc[x1]``, ``loc[intercept]``.

        A parameter without features is reported as itself, in native units: ``scale``, ``df``.
        """
        return list(self._coefficients().names)

    @property
    def coefficients_(self) -> dict[str, float]:
        """The estimates by the names in ``param_names_``, in one flat dict.

        Coefficients of x and intercepts are on the scale of the link, as in ``coef_`` and
        ``intercept_``; a parameter without features has its native value.
        """
        found = self._coefficients()
        return dict(zip(found.names, found.values.tolist(), strict=True))

    @property
    def n_parameters_(self) -> int:
        """K of the information criteria: the number of coefficients and intercepts, P.

        A ridge penalty does not reduce it.
        """
        check_is_fitted(self, "_theta")
        return len(self._theta)

    # --------------------------------------------------------------------------- estimates

    def _theta_names(self) -> tuple[str, ...]:
        """Return a name for each coordinate of theta."""
        model, features = self._linear_model(), self._features
        family, names = model.family, []
        forms = [c.label for n, c in family.params.items() for _ in range(c.size)]
        for label, form, (chosen, has) in zip(
            model.eta_names, forms, model._predictors, strict=True
        ):
            if not len(chosen):
                names.append(form.format(label))
                continue
            names += [f"{label}[{features[j]}]" for j in chosen] + [f"{label}[intercept]"] * has
        return tuple(names)

    def _rows_of(self, given: Given) -> Rows:
        """Return the rows of data that are passed, without those of weight zero."""
        source = source_of(**vars(given))
        if source is not None:
            read = partial(read_regression, reader_of(self), True, self.distribution_)
            return source.rows(read)
        data = self._data(given.X, given.y, given.sample_weight, reset=False)
        offsets = self._offsets(self.distribution_, data.n, given.offset, given.exposure)
        if offsets is not None and data.kept is not None:
            offsets = offsets[data.kept]
        _, values = self._seen_rows(data, given.y)
        return rows_of(values, self._layout.matrix(data.X), data.weight, offsets, self.n_jobs)

    def _objective_at(self, given: Given) -> Regression:
        """Return the objective at the data of the fit; ValueError if they are others."""
        rows = self._rows_of(given)
        if not np.isclose(rows.total, self.n_obs_, rtol=_SAME):
            raise ValueError(
                f"X must be the data of the fit, which had {self.n_obs_:g} observations, got "
                f"{rows.total:g}; pass the X, y and sample_weight of the fit"
            )
        objective = self._objective(rows)
        with np.errstate(all="ignore"):
            value, _ = objective.first_order(self._theta)
        loglik = objective.log_likelihood(self._theta, value)
        if not np.isclose(loglik, self.loglik_, rtol=_SAME, atol=_SAME * self.n_obs_):
            raise ValueError(
                f"X and y must be the data of the fit, whose log-likelihood was {self.loglik_:.10g}"
                f", got data with {loglik:.10g}; pass the X, y, sample_weight, offset and exposure "
                "of the fit"
            )
        return objective

    def _estimate(self, given: Given, rows: bool = False) -> Estimate:
        """Return the estimate; with ``rows``, or where data are given, with its objective.

        Returns
        -------
        Estimate

        Raises
        ------
        ValueError
            If the data are needed and neither given nor still in memory, or not those of the fit.
        """
        labels = self._theta_names()
        found = given.check() or None
        if found is None and (rows or self._information is None):
            seen = getattr(self, "_remembered", None)
            found = None if seen is None else seen.given()
            if found is None:
                self._refuse_without_rows(rows)
        objective = None if found is None else self._objective_at(found)
        if self._information is None:
            assert objective is not None
            self._refuse_too_many()
            self._information = inference.information(
                objective, self._theta, at_limit=tuple(self._at_bound)
            )
        return Estimate(
            self._family,
            self._theta,
            self._information,
            tuple(self._at_bound),
            self.n_obs_,
            _no_single_distribution,
            objective,
            labels,
        )

    def _refuse_too_many(self) -> None:
        size = len(self._theta)
        if size > _MOST:
            raise ValueError(
                f"the information has a row and a column for each of the {size} coefficients, more "
                f"than the {_MOST} for which it is computed; fit fewer features"
            )

    def _refuse_without_rows(self, rows: bool) -> None:
        if rows:
            raise ValueError(
                "this needs the rows of the fit, because the estimator keeps none; pass X and y, "
                "and the sample_weight, offset and exposure of the fit"
            )
        raise ValueError(
            "the information of this large fit is computed when it is first asked for, and its "
            "data are no longer in memory; pass the X and y of the fit, and its sample_weight, "
            "offset and exposure"
        )

    def _covariance(
        self, cov_type: str, given: Given, groups: Any = None
    ) -> tuple[Estimate, np.ndarray]:
        """Return the estimate, and the covariance matrix (P, P) of theta."""
        if isinstance(cov_type, str) and cov_type.upper() in _ELSEWHERE:
            raise ValueError(
                f"cov_type must be one of {list(cov.COV_TYPES)}, got {cov_type!r}; "
                f"{_ELSEWHERE[cov_type.upper()]}"
            )
        check_option(cov_type, "cov_type", cov.COV_TYPES)
        if (groups is not None) != (cov_type == "cluster"):
            raise ValueError(
                "groups and cov_type='cluster' belong together, got "
                f"cov_type={cov_type!r} and groups {'given' if groups is not None else 'missing'}"
            )
        needs = cov_type in cov.OF_SCORES
        if cov_type == "expected":
            here = self._information
            needs = here is not None and here.complete and here.kind != "expected"
        estimate = self._estimate(given, rows=needs)
        codes = None if groups is None else _codes(groups, given, estimate)
        return estimate, cov.covariance(estimate, cov_type, codes)

    def _reported(
        self, found: Coefficients, estimate: Estimate, theta: np.ndarray, cov_type: str
    ) -> np.ndarray:
        """Return the covariance (M, M) of the coefficients, from that of theta by its type."""
        inverted = cov_type in ("observed", estimate.information.kind)
        return found.covariance(theta, estimate if inverted else None)

    def _need_maximum(self, what: str) -> None:
        """Raise ValueError where a fit ended at no optimum, so that it has no errors."""
        check_is_fitted(self, "_theta")
        self._linear_model()
        if self.status_ in NO_OPTIMUM:
            raise ValueError(
                f"{what} needs an optimum that the data determine, but the fit ended as "
                f"{self.message_}"
            )


def counting(values: np.ndarray, given: Given, n: int) -> np.ndarray:
    """Return the values of the n rows that count, of one for each row that was given.

    Parameters
    ----------
    values : ndarray of shape (N, ...)
        One for each row.
    given : Given
        The data of the fit.
    n : int
        Number of rows of positive weight.

    Returns
    -------
    ndarray of shape (n, ...)
    """
    if given.sample_weight is None or len(values) == n:
        return values
    weight = np.ravel(np.asarray(given.sample_weight))
    return values[weight > 0] if len(weight) == len(values) else values


def _codes(groups: Any, given: Given, estimate: Estimate) -> np.ndarray:
    """Return the groups of the rows that count, as whole numbers from 0."""
    objective: Any = estimate.objective
    values = counting(np.asarray(groups), given, objective.rows.n)
    if values.shape != (objective.rows.n,):
        raise ValueError(
            f"groups must have one entry for each of the {objective.rows.n} rows of X, got the "
            f"shape {values.shape}"
        )
    missing = np.array([g is None or g != g for g in values.tolist()])
    if missing.any():
        raise ValueError(
            f"groups must not be missing, got {int(missing.sum())} rows without one; give each "
            "row that belongs to no other a group of its own"
        )
    try:
        return np.unique(values, return_inverse=True)[1]
    except TypeError as error:
        raise ValueError(f"groups must be of one type that can be sorted: {error}") from None


def _no_single_distribution(theta: np.ndarray) -> Frozen:
    raise ValueError("a regression has a distribution for each row; use predict_dist(X)")

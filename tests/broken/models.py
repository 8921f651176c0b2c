"""Models that are wrong on purpose."""

from functools import partial

import numpy as np

from natfit import testing
from natfit.distributions.real.normal import Normal
from natfit.models.linear import Linear
from natfit.models.mlp import MLP, cut
from tests.broken import caught_by

CHECKS = testing.MODEL_CHECKS


def arguments(model):
    """The model for two features and a normal distribution, and rows for it."""
    return model.bind(2, Normal()), np.random.default_rng(0).standard_normal((7, 2))


@caught_by("eta_has_shape")
class ClaimsShared(Linear):
    """Says that all rows have the same eta."""

    shared = True


@caught_by("eta_alone_is_same")
class EtaRounds(Linear):
    """eta() is another arithmetic's, to nine digits."""

    def _map_eta(self, theta, X):
        return super()._map_eta(theta, X) * (1.0 + 1e-9)


@caught_by("start_gives_eta", args=((3,),))
class StartsElsewhere(MLP):
    """The output's bias starts at zero."""

    def _map_init(self, rng, eta0):
        return super()._map_init(rng, 0.0 * eta0)


@caught_by("names_are_unique")
class SameNames(Linear):
    """The names of the inputs are left out."""

    def _map_names(self, eta_names):
        return eta_names * (self.n_features + 1)


@caught_by("limits_have_shape")
class LimitsReversed(Linear):
    """Upper limits come first."""

    def limits(self):
        low, high, step = super().limits()
        return high, low, step


@caught_by("domain_needs_numbers")
class AnyTheta(Linear):
    """NaN is as good as any number."""

    def in_domain(self, theta):
        return True


@caught_by("copies_agree")
class BindsItself(Linear):
    """bind() changes the specification in place."""

    def bind(self, n_features, family, constant=()):
        vars(self).update(vars(super().bind(n_features, family, constant)))
        return self


@caught_by("theta_may_change", args=((3,),))
class KeepsTheta(MLP):
    """Deltas pass through weights that are still the caller's."""

    def _map_rows(self, theta, X):
        rows = super()._map_rows(theta, X)
        rows._weights = [layer[:-1] for layer in cut(theta, self._shapes)[1:]]
        return rows


@caught_by("rows_are_independent")
class Centred(Linear):
    """Takes the mean of the rows that it happens to see."""

    def _map_rows(self, theta, X):
        return super()._map_rows(theta, X - X.mean(axis=0))

    def _map_eta(self, theta, X):
        return super()._map_eta(theta, X - X.mean(axis=0))


@caught_by("refuses_other_width")
class TakesAnyShape(Linear):
    """Cuts X and theta to the width that it needs."""

    def _arguments(self, theta, X):
        return super()._arguments(theta[: self.n_params], X[:, : self.n_features])


class WrongVerb(Linear):
    """One verb of the linearization is another's."""

    def __init__(self, verb="", change=None):
        super().__init__()
        self.verb = verb
        self.change = change

    def _map_rows(self, theta, X):
        rows = super()._map_rows(theta, X)
        setattr(rows, self.verb, partial(self.change, getattr(rows, self.verb)))
        return rows


@caught_by("curvature_is_second_derivative", args=((3,),))
class NoSecondDerivative(MLP):
    """The network's curvature is left out."""

    def _map_rows(self, theta, X):
        rows = super()._map_rows(theta, X)
        rows.curvature = _zeros
        return rows


def _zeros(u):
    return np.zeros((17, 17))


def _one_percent(verb, argument):
    """1 % too much."""
    return 1.01 * verb(argument)


def _no_intercept(jvp, v):
    """The intercept's part of J v is left out."""
    return jvp(np.append(v[:-2], [0.0, 0.0]))


def _absolute(diag, c):
    """The weights are taken for positive."""
    return diag(np.abs(c))


def _by_column(pull, b):
    """All rows of the first column of B come first."""
    columns = pull(b)
    return np.swapaxes(columns.reshape(len(columns), len(b), -1), 1, 2).reshape(columns.shape)


def _by_column_twice(kernel, b):
    """The same, of rows and columns."""
    first = _by_column(kernel, b)
    return _by_column(lambda b: first.T, b)


_BUFFER = np.empty((7, 2))


def _in_a_buffer(jvp, v):
    """Every result is given in the same array."""
    found = jvp(v)
    if found.shape != _BUFFER.shape:
        return found
    _BUFFER[:] = found
    return _BUFFER


@caught_by(
    "columns_are_pulled",
    "diag_is_diagonal",
    "gram_is_sum",
    "jvp_is_derivative",
    "kernel_is_inner_products",
    "vjp_is_adjoint",
)
def no_intercept_in_jvp():
    """J v leaves the intercept's part out."""
    return WrongVerb("jvp", _no_intercept)


@caught_by("vjp_is_adjoint")
def large_vjp():
    """J' u is 1 % too much."""
    return WrongVerb("vjp", _one_percent)


@caught_by("gram_is_sum")
def large_gram():
    """gram(C) is 1 % too much."""
    return WrongVerb("gram", _one_percent)


@caught_by("diag_is_diagonal")
def absolute_diag():
    """diag(C) takes the weights for positive."""
    return WrongVerb("diag", _absolute)


@caught_by("columns_are_pulled")
def columns_by_column():
    """pull_columns(B) has all rows of the first column first."""
    return WrongVerb("pull_columns", _by_column)


@caught_by("kernel_is_inner_products")
def kernel_by_column():
    """kernel(B) has all rows of the first column first."""
    return WrongVerb("kernel", _by_column_twice)


@caught_by("results_are_kept")
def jvp_in_a_buffer():
    """J v is given in the same array every time."""
    return WrongVerb("jvp", _in_a_buffer)

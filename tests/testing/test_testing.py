"""The public entry points of natfit.testing."""

import numpy as np
import pytest

from natfit import testing
from natfit._component import Component
from natfit.coordinates.native import Native
from natfit.damping.none import NoDamping
from natfit.distributions import Normal, Positive, from_log_prob
from natfit.linops import Dense
from natfit.metrics.exact import ExactFisher
from natfit.solvers.cholesky import CholeskySolver
from natfit.steps.backtracking import BacktrackingStep
from natfit.testing._core import close, gradient, refuses, within_errors
from natfit.testing.distributions import density_normalises
from tests.broken.distributions import FisherOff
from tests.broken.metrics import Lopsided


class Unregistered(Component):
    """Of a kind that has no folder."""


@pytest.mark.slow
def test_every_entry_point_returns_what_it_skipped():
    assert testing.check_distribution(Normal()).keys() == {"log_density_outside_support"}
    assert testing.check_bijector(Positive()) == {}
    assert testing.check_operator(Dense(np.eye(2))).keys() == {
        "factor_is_root",
        "kernel_is_of_factor",
        "kronecker_has_the_layers",
    }
    assert testing.check_solver(CholeskySolver()) == {}
    assert "regularises_singular" in testing.check_damping(NoDamping())
    assert testing.check_step(BacktrackingStep()).keys() == {
        "changes_as_it_steps",
        "keeps_its_radius",
    }
    assert testing.check_coordinates(Native(), Normal()) == {}
    assert testing.check_component(Positive(low=1.0)) == {}
    assert testing.check_component(Unregistered()).keys() == {
        "set_params_changes",
        "resolves_to_itself",
    }
    assert "function: operator_is_sound" in testing.check_metric(ExactFisher())


def test_failures_are_reported_together():
    with pytest.raises(AssertionError) as error:
        testing.check_distribution(FisherOff())
    lines = str(error.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "information_is_as_declared",
        "curvature_of_rows_is_fisher",
        "score_covariance_is_fisher",
        "kl_hessian_is_fisher",
    ]


def test_check_metric_names_the_problem():
    with pytest.raises(AssertionError, match="native: operator_is_sound: symmetric"):
        testing.check_metric(Lopsided())


def test_a_family_of_ones_own():
    import autograd.numpy as anp

    def log_prob(y, rate):
        return anp.log(rate) - rate * y

    right = from_log_prob(log_prob, {"rate": Positive()}, support="non_negative")
    testing.check_distribution(right)

    def wrong(y, rate):
        return 2.0 * anp.log(rate) - rate * y

    family = from_log_prob(wrong, {"rate": Positive()}, support="non_negative")
    with pytest.raises(AssertionError, match="density_normalises: total probability"):
        testing.run_checks([density_normalises], family, testing.points(family))


def test_close_refuses_nan_and_shapes():
    close("x", [1.0, 2.0], [1.0, 2.0])
    with pytest.raises(AssertionError, match="x: got nan"):
        close("x", [np.nan], [1.0], rtol=1.0)
    with pytest.raises(AssertionError, match="shape"):
        close("x", [1.0], [1.0, 2.0])


def test_within_errors_counts_standard_errors():
    within_errors("x", [1.0], [1.4], [0.1])
    with pytest.raises(AssertionError, match="6.0 standard errors"):
        within_errors("x", [1.0], [1.6], [0.1])
    with pytest.raises(AssertionError):
        within_errors("x", [np.nan], [1.0], [0.1])


def test_gradient_is_of_fourth_order():
    found = gradient(lambda x: np.array([np.exp(x[0]) * x[1], np.sin(x[1])]), np.array([0.3, 2.0]))
    want = [[np.exp(0.3) * 2.0, np.exp(0.3)], [0.0, np.cos(2.0)]]
    np.testing.assert_allclose(found, want, atol=1e-10)


def test_refuses_wants_an_error_with_a_message():
    def silent():
        raise ValueError

    with pytest.raises(AssertionError, match="without a message"):
        refuses("it", silent)
    with pytest.raises(AssertionError, match="is accepted"):
        refuses("it", lambda: None)

"""Property checks for components, also user-supplied ones: ``check_distribution(MyFamily())``.

Each ``check_*`` runs a public list of small checks (``DISTRIBUTION_CHECKS``, ...), reports all
failures together and returns the checks that do not apply, each with its reason. A test runner can
use a list as its parameters; it should then skip a check that raises :class:`NotApplicable`.
"""

from natfit.testing._core import NotApplicable, run_checks
from natfit.testing.baselines import BASELINE_CHECKS, check_baseline
from natfit.testing.bijectors import BIJECTOR_CHECKS, check_bijector
from natfit.testing.components import COMPONENT_CHECKS, check_component, kinds
from natfit.testing.coordinates import COORDINATE_CHECKS, check_coordinates
from natfit.testing.damping import DAMPING_CHECKS, check_damping
from natfit.testing.data import points
from natfit.testing.distributions import DISTRIBUTION_CHECKS, check_distribution
from natfit.testing.environments import ENVIRONMENT_CHECKS, check_environment
from natfit.testing.metrics import METRIC_CHECKS, check_metric
from natfit.testing.models import MODEL_CHECKS, check_model
from natfit.testing.operators import OPERATOR_CHECKS, check_operator
from natfit.testing.problems import metric_problems
from natfit.testing.rows import ROWS_CHECKS, check_rows
from natfit.testing.solvers import SOLVER_CHECKS, check_solver
from natfit.testing.steps import STEP_CHECKS, check_step

__all__ = [
    "BASELINE_CHECKS",
    "BIJECTOR_CHECKS",
    "COMPONENT_CHECKS",
    "COORDINATE_CHECKS",
    "DAMPING_CHECKS",
    "DISTRIBUTION_CHECKS",
    "ENVIRONMENT_CHECKS",
    "METRIC_CHECKS",
    "MODEL_CHECKS",
    "OPERATOR_CHECKS",
    "ROWS_CHECKS",
    "SOLVER_CHECKS",
    "STEP_CHECKS",
    "NotApplicable",
    "check_baseline",
    "check_bijector",
    "check_component",
    "check_coordinates",
    "check_damping",
    "check_distribution",
    "check_environment",
    "check_metric",
    "check_model",
    "check_operator",
    "check_rows",
    "check_solver",
    "check_step",
    "kinds",
    "metric_problems",
    "points",
    "run_checks",
]

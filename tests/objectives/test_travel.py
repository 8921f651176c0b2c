"""What objectives send to where the rows are: functions, options and thetas, but no rows."""

from functools import partial

import numpy as np
import pytest

from natfit.distributions import Gamma, Normal, StudentT
from natfit.metrics import EmpiricalFisher, ExactFisher, MonteCarloFisher
from natfit.models import MLP, Constant, Linear, Predictor
from natfit.objectives import Likelihood, Penalised, PolicySurrogate, Prior
from natfit.optimize import Iterate
from natfit.testing.data import points, some_rows
from tests.suites import families
from tests.travel import MOST, Watched

#: Of which y alone takes four times what may travel.
N = 50_000

SUM = "block_sum"


def trend(theta, X):
    import autograd.numpy as anp

    return anp.stack([theta[0] + theta[1] * X[:, 0], theta[2] + 0.0 * X[:, 0]], axis=1)


MODELS = {
    "linear": Linear(),
    "mlp": MLP((4,)),
    "predictor": Predictor(trend, np.array([0.1, 0.2, 0.3])),
}


def conditional(model):
    rng = np.random.default_rng(0)
    X, weight = rng.standard_normal((N, 2)), rng.random(N) + 0.5
    return Watched(rng.standard_normal(N), X, weight), MODELS[model].bind(2, Normal())


def use(objective, theta):
    """Everything that a loop asks of an objective."""
    objective.value_and_grad(theta)
    objective.value(theta)
    objective.kl(theta, theta + 0.01)
    iterate = Iterate(theta, 0.0, theta)
    for metric in (ExactFisher(), EmpiricalFisher(), MonteCarloFisher(1, "row")):
        operator = metric.prepare(objective).at(objective, iterate, np.random.default_rng(0))
        operator @ theta
        operator.quad(theta)
        operator.diag()


@pytest.mark.parametrize("model", MODELS)
def test_a_likelihood_of_a_conditional_model(model):
    rows, bound = conditional(model)
    use(Likelihood(Normal(), bound, rows), bound.init(np.random.default_rng(1), np.zeros(2)))
    assert len(rows.sent) > 10


@pytest.mark.parametrize("model", MODELS)
def test_a_policys_surrogate(model):
    rows, bound = conditional(model)
    theta = bound.init(np.random.default_rng(1), np.zeros(2))
    surrogate = PolicySurrogate(
        Normal(), bound, rows, np.linspace(-1.0, 1.0, N), theta, entropy_bonus=0.1
    )
    use(surrogate, theta)
    surrogate.entropy(theta)
    surrogate.ratios(theta)
    assert len(surrogate.rows.sent) > 10


@pytest.mark.parametrize(
    "make",
    [Likelihood, partial(Penalised, {"df": Prior("df", ("gamma", {"shape": 2.0, "scale": 5.0}))})],
    ids=["likelihood", "penalised"],
)
def test_a_constant_model(make):
    rows = Watched(np.random.default_rng(0).standard_t(4.0, N))
    model = Constant().bind(0, StudentT())
    objective = make(StudentT(), model, rows)
    theta = np.array([0.1, 0.2, 1.5])
    use(objective, theta)
    objective.hessian(theta)
    assert rows.sent == [SUM, SUM, "outer_part"]


@pytest.mark.parametrize("name", families())
def test_every_family(name):
    family = families()[name]
    eta = points(family)[0]
    y = some_rows(family, eta, 300)
    rows = Watched(np.repeat(y, 200, axis=0))
    objective = Likelihood(family, Constant().bind(0, family), rows)
    # Over the rows, not over a summary.
    objective.summary = None
    objective.value_and_grad(eta)
    objective.observed(eta[None])
    objective.scores(eta)
    assert len(rows.sent) >= 2
    assert rows.y.nbytes > 4 * MOST


def test_the_watch_can_fail():
    rows = Watched(np.zeros(N))
    with pytest.raises(AssertionError, match="no function of a module"):
        rows.sum(lambda block: block.n)
    with pytest.raises(AssertionError, match="bytes for 50000 rows"):
        rows.sum(scaled, np.ones(N))
    held = Gamma()
    held.data = np.zeros(N)
    with pytest.raises(AssertionError, match="bytes for 50000 rows"):
        rows.sum(scaled, held)


def scaled(block, factor):
    return block.n

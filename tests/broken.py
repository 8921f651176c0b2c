"""Components that are wrong on purpose, each with the checks that must catch it.

``BROKEN[kind]`` lists (name, arguments of the kind's checks, names of the checks that fail).
tests/testing/test_broken.py asserts that these checks fail, and no others: a check that lets
its mistake through is caught here, and so is one that fails for another reason.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from natfit import bijectors, testing
from natfit._component import Component
from natfit.coordinates.native import Native
from natfit.coordinates.unconstrained import Unconstrained
from natfit.damping.base import Damping
from natfit.damping.levenberg import LevenbergDamping
from natfit.damping.relative import RelativeDamping
from natfit.distributions.positive.exponential import Exponential
from natfit.distributions.positive.gamma import Gamma
from natfit.distributions.real.normal import Normal
from natfit.linops import Dense, Diagonal
from natfit.metrics.base import Metric
from natfit.metrics.monte_carlo import MonteCarloFisher
from natfit.models.linear import Linear
from natfit.models.mlp import MLP, cut
from natfit.rl.baselines.fourier import FourierBaseline
from natfit.rl.baselines.quadratic import QuadraticBaseline
from natfit.rl.environments.drift import Drift
from natfit.rl.environments.pendulum import Pendulum
from natfit.solvers.base import SolveInfo, Solver
from natfit.solvers.cholesky import CholeskySolver
from natfit.steps.backtracking import BacktrackingStep
from natfit.steps.base import plain
from natfit.steps.fixed import FixedStep
from natfit.steps.kl import KLStep
from natfit.testing.operators import Factored
from natfit.testing.problems import metric_problems

# ---------------------------------------------------------------------------- distributions


class NotNormalised(Normal):
    """The density's constant is off by 10 %."""

    _to_scipy = None

    def _log_prob(self, y, loc, scale):
        return super()._log_prob(y, loc, scale) + 0.1


class WrongTail(Normal):
    """A density that is another one than scipy's."""

    def _to_scipy(self, loc, scale):
        from scipy.stats import norm

        return norm(loc=float(loc), scale=1.001 * float(scale))


class ScoreFactor(Normal):
    """The score is off by a factor."""

    def _score(self, y, loc, scale):
        return 1.01 * super()._score(y, loc, scale)


class ScoreShifted(Normal):
    """The score has a constant too much."""

    def _score(self, y, loc, scale):
        return super()._score(y, loc, scale) + 0.01


class ObservedSign(Normal):
    """A cross term of the observed information has the wrong sign."""

    def _observed(self, y, loc, scale):
        out = super()._observed(y, loc, scale)
        out[:, 0, 1] *= -1.0
        out[:, 1, 0] *= -1.0
        return out


class FisherOff(Normal):
    """The Fisher information is off by 2 %."""

    def _fisher(self, loc, scale):
        return 1.02 * super()._fisher(loc, scale)


class FisherIndefinite(Normal):
    """The textbook form of a Fisher information after its digits have cancelled."""

    def _fisher(self, loc, scale):
        out = super()._fisher(loc, scale)
        out[:, 1, 1] = np.where(np.abs(np.log(scale)) > 1.0, -1e-3, out[:, 1, 1])
        return out


class KLReversed(Normal):
    """KL(b || a) in place of KL(a || b): the Hessian is right, the value is not."""

    def _kl(self, loc, scale, loc2, scale2):
        return super()._kl(loc2, scale2, loc, scale)


class KLHalf(Normal):
    """Half of the divergence."""

    def _kl(self, *native):
        return 0.5 * super()._kl(*native)


class KLOffset(Normal):
    """A divergence that does not vanish at itself."""

    def _kl(self, *native):
        return super()._kl(*native) - 1e-4


class EntropyOff(Normal):
    """The entropy's constant is another one."""

    def _entropy(self, eta):
        return super()._entropy(eta) - 0.5


class EntropySlope(Normal):
    """The entropy's gradient has the wrong sign."""

    def entropy_and_grad(self, eta):
        value, slope = super().entropy_and_grad(eta)
        return value, -slope


class NoEntropy(Normal):
    """An entropy of zero in place of a refusal."""

    _entropy = None

    def entropy(self, eta):
        return np.zeros(len(eta))


class ModeOff(Normal):
    """The mode is a scale away."""

    def _mode(self, eta):
        return super()._mode(eta) + np.exp(eta[:, 1])


class SamplerScale(Normal):
    """Draws have 5 % too much spread."""

    def _sample(self, rng, n, loc, scale):
        return rng.normal(loc, 1.05 * scale, n)


class SamplerUnseeded(Normal):
    """Draws do not come from the generator."""

    def _sample(self, rng, n, loc, scale):
        return np.random.default_rng(0).normal(loc, scale, n)


class SamplerFirstRow(Normal):
    """Every row is drawn at the first row's parameters."""

    def _sample(self, rng, n, loc, scale):
        return rng.normal(loc[0], scale[0], n)


class SamplerOutside(Exponential):
    """Draws leave the support."""

    def _sample(self, rng, n, rate):
        return super()._sample(rng, n, rate) - 1e-3


class SumForgetsWeight(Normal):
    """The sum of scores ignores the weights."""

    def sum_value_and_score(self, y, weight, eta):
        value, score = super().sum_value_and_score(y, weight, eta)
        return value, score if weight is None else score / weight.mean()


class SummaryForgetsWeight(Gamma):
    """The sufficient statistics ignore the weights."""

    def sufficient(self, y, weight):
        return super().sufficient(y, None)


class SharedFisher(Normal):
    """The Fisher information of the first row is given for all."""

    def _fisher(self, loc, scale):
        return np.repeat(super()._fisher(loc[:1], scale[:1]), len(loc), axis=0)


class Lenient(Exponential):
    """The density outside the support is what the formula gives."""

    def log_density(self, y, eta):
        return self.log_prob(y, eta)


class StartOutside(Normal):
    """A start beyond the limits."""

    def initial(self, y, weight, rng):
        return np.array([0.0, 1e4])


class StartChanges(Normal):
    """A start that differs from call to call."""

    _calls = 0

    def initial(self, y, weight, rng):
        type(self)._calls += 1
        return super().initial(y, weight, rng) + 1e-6 * self._calls


class WrongEta(Normal):
    """Native values by name lead back to another eta."""

    def eta(self, **native):
        return super().eta(**native) + 1e-3


SCORE = {"score_is_gradient", "score_matches_autograd"}
OBSERVED = {"observed_is_hessian", "observed_matches_autograd"}
DISTRIBUTIONS = [
    (NotNormalised(), {"density_normalises", "entropy_is_expected"}),
    (WrongTail(), {"log_prob_matches_scipy"}),
    (
        ScoreFactor(),
        SCORE
        | {"observed_is_hessian", "score_covariance_is_fisher"}
        | {"observed_mean_is_score_covariance"},
    ),
    (
        ScoreShifted(),
        SCORE
        | {"score_mean_zero", "score_covariance_is_fisher"}
        | {"observed_mean_is_score_covariance"},
    ),
    (ObservedSign(), OBSERVED),
    (FisherOff(), {"score_covariance_is_fisher", "kl_hessian_is_fisher"}),
    (FisherIndefinite(), {"fisher_positive"}),
    (KLReversed(), {"kl_is_expected_log_ratio"}),
    (KLHalf(), {"kl_is_expected_log_ratio", "kl_hessian_is_fisher"}),
    (KLOffset(), {"kl_zero_at_itself", "kl_is_expected_log_ratio", "kl_hessian_is_fisher"}),
    (EntropyOff(), {"entropy_is_expected"}),
    (EntropySlope(), {"entropy_gradient_is_derivative"}),
    (NoEntropy(), {"entropy_is_expected"}),
    (ModeOff(), {"mode_is_most_probable"}),
    (SamplerScale(), {"sampler_moments"}),
    (SamplerUnseeded(), {"draws_follow_seed"}),
    (SamplerFirstRow(), {"draws_by_row"}),
    (SamplerOutside(), {"draws_in_support"}),
    (SumForgetsWeight(), {"sums_are_row_sums", "weights_repeat_rows", "summary_stands_for_rows"}),
    (SummaryForgetsWeight(), {"weights_repeat_rows", "summary_stands_for_rows"}),
    (SharedFisher(), {"shared_eta_is_tiled"}),
    (Lenient(), {"log_density_outside_support"}),
    (StartOutside(), {"start_is_finite"}),
    (StartChanges(), {"start_is_finite"}),
    (WrongEta(), {"native_round_trip"}),
]

# -------------------------------------------------------------------------------- bijectors


class WrongInverse(bijectors.Positive):
    """The inverse is another function's."""

    def _backward(self, native):
        return super()._backward(native) + 0.1


class WrongJacobian(bijectors.CholeskyFactor):
    """The Jacobian forgets the logarithm of the diagonal."""

    def jacobian(self, eta):
        return np.eye(self.size)


class WrongSecond(bijectors.Unit):
    """The second derivative has the wrong sign."""

    def second(self, eta):
        return -super().second(eta)


class NotDifferentiable(bijectors.Positive):
    """The map is written in plain numpy."""

    def _forward(self, eta):
        return np.exp(np.asarray(eta, dtype=float))


class AcceptsAnything(bijectors.Positive):
    """No value is refused."""

    def valid(self, native):
        return True


class Overflows(bijectors.Positive):
    """Limits beyond the range of doubles."""

    @property
    def bounds(self):
        return (-690.0, 1000.0)


class LosesEntries(bijectors.Covariance):
    """pack() forgets to mirror: unpack gives a triangle."""

    def unpack(self, free):
        return np.tril(super().unpack(free))


BIJECTORS = [
    (WrongInverse(), {"round_trip"}),
    (WrongJacobian(3), {"jacobian_is_derivative", "differentiable"}),
    (WrongSecond(), {"second_is_derivative"}),
    (NotDifferentiable(), {"differentiable"}),
    (AcceptsAnything(), {"refuses_invalid"}),
    (Overflows(), {"limits_are_finite_ground"}),
    (LosesEntries(2), {"pack_round_trip"}),
]

# -------------------------------------------------------------------------------- operators

_ROOT = np.random.default_rng(0).standard_normal((4, 2))


class WrongDiag(Dense):
    """The diagonal is another matrix's."""

    def diag(self):
        return 1.01 * super().diag()


class WrongQuad(Dense):
    """Half of the quadratic form."""

    def quad(self, v):
        return 0.5 * super().quad(v)


class WrongFactor(Factored):
    """A factor of another matrix."""

    def factor(self):
        return 1.01 * self.columns


class WrongKernel(Factored):
    """A kernel of another factor."""

    def kernel(self):
        return 1.01 * super().kernel()


class LowBound(Factored):
    """A rank bound below the rank."""

    @property
    def rank_bound(self):
        return 1


class NotDiagonal(Dense):
    """It claims to be diagonal."""

    is_diagonal = True


class Saturates(Dense):
    """Products with long vectors are cut."""

    def __matmul__(self, v):
        return super().__matmul__(np.clip(v, -3.0, 3.0))


class OtherDense(Dense):
    """dense() is another matrix."""

    def dense(self):
        return self.matrix + 0.01 * np.ones_like(self.matrix)


class Overwrites(Dense):
    """A product changes its argument."""

    def __matmul__(self, v):
        v *= 1.0 + 1e-13
        return self.matrix @ v


_SPD = _ROOT @ _ROOT.T + np.eye(4)
OPERATORS = [
    (Dense(_SPD + np.triu(np.ones((4, 4)), 1)), {"symmetric"}),
    (Dense(_SPD - 2.0 * np.eye(4)), {"positive_as_declared"}),
    (WrongDiag(_SPD), {"diag_is_diagonal", "damped_adds_diagonal", "restricted_selects_block"}),
    (WrongQuad(_SPD), {"quad_is_form"}),
    (
        WrongFactor(_ROOT),
        {"factor_is_root", "damped_adds_diagonal", "restricted_selects_block"},
    ),
    (WrongKernel(_ROOT), {"kernel_is_of_factor"}),
    (LowBound(_ROOT), {"rank_is_bounded", "damped_adds_diagonal", "restricted_selects_block"}),
    (NotDiagonal(_SPD), {"diag_is_diagonal"}),
    (
        OtherDense(_SPD),
        {"dense_is_products", "damped_adds_diagonal", "restricted_selects_block"},
    ),
    (Saturates(_SPD), {"product_is_linear"}),
    (Overwrites(_SPD), {"leaves_input_alone"}),
]

# -------------------------------------------------------------------- solvers and dampings


class IgnoresDamping(CholeskySolver):
    """Solves with F alone."""

    def solve(self, operator, g):
        return super().solve(getattr(operator, "operator", operator), g)


class Silent(CholeskySolver):
    """Takes the pseudo-inverse and does not say so."""

    def solve(self, operator, g):
        d, info = super().solve(operator, g)
        return d, SolveInfo(info.solver)


class NamesTooMany(CholeskySolver):
    """Calls every coordinate unidentified."""

    def solve(self, operator, g):
        d, info = super().solve(operator, g)
        lost = tuple(range(len(g))) if info.unidentified else ()
        return d, SolveInfo(info.solver, 0, info.residual, info.fallback, lost)


class Plain(Solver):
    """numpy's solve: climbs where F is indefinite, and fails where it is singular."""

    def solve(self, operator, g):
        return np.linalg.solve(operator.dense(), g), SolveInfo("plain")


class Rough(CholeskySolver):
    """Digits are lost, and the residual is not reported."""

    def solve(self, operator, g):
        d, info = super().solve(operator, g)
        return d * (1.0 + 1e-6), SolveInfo(info.solver, 0, 0.0, info.fallback, info.unidentified)


class LambdaIdentity(CholeskySolver):
    """Adds a small multiple of I, whatever the parameters' units."""

    def solve(self, operator, g):
        d, info = super().solve(Dense(operator.dense() + 1e-10 * np.eye(len(g))), g)
        return (d, info) if operator.is_diagonal else (d, info)


class OverwritesGradient(CholeskySolver):
    """Uses g as its work space."""

    def solve(self, operator, g):
        d, info = super().solve(operator, g)
        g *= 1.0 + 1e-13
        return d, info


class NeverZero(CholeskySolver):
    """Adds a constant where g vanishes."""

    def solve(self, operator, g):
        d, info = super().solve(operator, g)
        return (d if np.any(g) else d + 1e-300), info


SOLVERS = [
    (NeverZero(), {"solves_zero_gradient"}),
    (
        IgnoresDamping(),
        {"solves_like_numpy", "solves_badly_scaled", "damping_counts", "residual_is_true"}
        | {"solves_diagonal"},
    ),
    (Silent(), {"singular_is_recorded", "descends_where_indefinite"}),
    (NamesTooMany(), {"unidentified_are_named"}),
    (
        Plain(),
        {"singular_is_recorded", "unidentified_are_named", "descends_where_indefinite"},
    ),
    (
        Rough(),
        {"solves_like_numpy", "solves_badly_scaled", "damping_counts", "residual_is_true"}
        | {"solves_diagonal"},
    ),
    (LambdaIdentity(), {"solves_badly_scaled", "singular_is_recorded"}),
    (OverwritesGradient(), {"leaves_arguments_alone"}),
]


class Negative(RelativeDamping):
    """What is added is negative."""

    def added(self, operator, state):
        return -super().added(operator, state)


class NeedsDiagonal(RelativeDamping):
    """A zero on the diagonal is left at zero."""

    def added(self, operator, state):
        return state * operator.diag()


class NeverRises(LevenbergDamping):
    """A rejected step leaves lambda as it is."""

    def rejected(self, state):
        return state


class Undead(LevenbergDamping):
    """Lambda has no floor below which it counts as none."""

    def added(self, operator, state):
        return max(state, 1e-3) * np.abs(operator.diag()) + 1e-30


class Drifts(RelativeDamping):
    """The state changes though the damping does not adapt."""

    def accepted(self, state, ratio):
        return 0.9 * state


class HalfUnits(Damping):
    """Scales with the root of diag(F)."""

    def start(self):
        return 0.1

    def added(self, operator, state):
        return state * np.sqrt(operator.diag()) + 1e-12


class StartsNegative(RelativeDamping):
    """A negative lambda."""

    def start(self):
        return -1e-3

    def added(self, operator, state):
        return super().added(operator, abs(state))


DAMPINGS = [
    (StartsNegative(), {"starts_nonnegative"}),
    (Negative(), {"adds_nonnegative_diagonal", "regularises_singular"}),
    (NeedsDiagonal(), {"regularises_singular"}),
    (NeverRises(), {"adapts_in_order"}),
    (Undead(), {"adapts_in_order"}),
    (Drifts(), {"keeps_state"}),
    (HalfUnits(), {"invariant_to_units"}),
]

# ------------------------------------------------------------------------------------ steps


class AcceptsAscents(FixedStep):
    """Promises descent and goes its length anyway."""

    descends = True


class LeavesDomain(FixedStep):
    """Does not ask for the domain."""

    descends = False

    def step(self, local):
        direction, info = local.solve()
        theta = local.iterate.theta - direction
        value, grad = local.objective.value_and_grad(theta)
        return local.move(theta, value, grad, 1.0, info=info)


class ShortRadius(KLStep):
    """beta without the 2 of the paper's Algorithm 1."""

    descends = False

    def step(self, local):
        direction, info = local.solve()
        square = local.operator.quad(direction)
        return plain(local, direction, float(np.sqrt(self.epsilon / square)), info=info)


class Misrecords(FixedStep):
    """Reports another length than it went."""

    descends = False

    def step(self, local):
        direction, info = local.solve()
        theta = local.iterate.theta - direction
        if not local.objective.in_domain(theta):
            return super().step(local)
        value, grad = local.objective.value_and_grad(theta)
        if not np.isfinite(value):
            return super().step(local)
        return local.move(theta, value, grad, 0.5, info=info)


class HalfStep(BacktrackingStep):
    """Goes half of the way and calls it a step."""

    def step(self, local):
        after = super().step(local)
        theta = 0.5 * (after.theta + local.iterate.theta)
        if after.status is not None:
            return after
        value, grad = local.objective.value_and_grad(theta)
        return local.move(theta, value, grad, 0.5 * after.step_length, info=SolveInfo("half"))


class Stateful(BacktrackingStep):
    """Remembers the last run."""

    _count = 0

    def step(self, local):
        type(self)._count += 1
        self.shrink = 0.5 + 1e-3 * (self._count % 7)
        return super().step(local)


class Timid(BacktrackingStep):
    """Gives up before the optimum."""

    def step(self, local):
        if local.iterate.natural_norm < 1e-2:
            return local.stop("no_descent")
        return super().step(local)


STEPS = [
    (AcceptsAscents(), {"never_ascends", "stops_on_wrong_gradient"}),
    (LeavesDomain(), {"stays_in_domain", "rejects_undefined"}),
    (ShortRadius(), {"keeps_its_radius"}),
    (Misrecords(), {"records_what_it_did"}),
    (Stateful(), {"repeats"}),
    (Timid(), {"reaches_optimum"}),
    (HalfStep(), {"lands_on_optimum", "never_ascends"}),
]

# ---------------------------------------------------------------------------------- metrics


class DependsOnChunks(Metric):
    """Averages chunk means without their sizes."""

    def at(self, objective, iterate, rng):
        from natfit import rows

        y = objective.y
        means = [np.mean(np.square(y[part])) for part in rows.chunks(len(y))]
        return Diagonal(np.full(objective.n_params, np.mean(means)))


class OwnGenerator(MonteCarloFisher):
    """Draws from a generator of its own."""

    def at(self, objective, iterate, rng):
        return super().at(objective, iterate, np.random.default_rng())


class NotDeclaredRandom(MonteCarloFisher):
    """Draws, and says that it does not."""

    random = False

    def prepare(self, objective):
        return self


class Biased(MonteCarloFisher):
    """Divides by the draws less a few."""

    def at(self, objective, iterate, rng):
        operator = super().at(objective, iterate, rng)
        found = Dense(1.05 * operator.dense())
        found.standard_error = operator.standard_error
        return found


class Boasts(MonteCarloFisher):
    """Reports a tenth of its standard error."""

    def at(self, objective, iterate, rng):
        operator = super().at(objective, iterate, rng)
        operator.standard_error *= 0.1
        return operator


class Lopsided(Metric):
    """Not symmetric."""

    def at(self, objective, iterate, rng):
        return Dense(np.eye(objective.n_params) + np.triu(np.ones((objective.n_params,) * 2), 1))


class MovesTheta(Metric):
    """Changes the iterate that it is given."""

    def at(self, objective, iterate, rng):
        iterate.theta[0] += 1e-3
        return Dense(np.eye(objective.n_params))


def _problem():
    return metric_problems()["no summary"]


METRICS = [
    (DependsOnChunks(), {"ignores_chunks"}),
    (OwnGenerator(), {"follows_seed", "ignores_chunks"}),
    (NotDeclaredRandom(), {"follows_seed"}),
    (Biased(), {"random_is_unbiased"}),
    (Boasts(), {"error_is_honest"}),
    (Lopsided(), {"operator_is_sound"}),
    (MovesTheta(), {"leaves_objective_alone"}),
]

# ------------------------------------------------------------------ coordinates, components


class WrongMap(Native):
    """The inverse of another map."""

    def from_eta(self, eta):
        return super().from_eta(eta) * 1.01


class NoJacobian(Native):
    """Forgets the chain rule."""

    def jacobian(self, theta):
        return np.eye(len(theta))


class NoCurvature(Native):
    """Forgets the curvature of the coordinates."""

    def curvature(self, theta, u):
        return None


class AnyDomain(Unconstrained):
    """NaN is as good as any number."""

    def in_domain(self, theta):
        return True

    def limits(self):
        low, high, steps = super().limits()
        return high, low, steps


COORDINATES = [
    (WrongMap(), {"round_trip_eta", "direction_is_invariant"}),
    (
        NoJacobian(),
        {"jacobian_of_eta", "curvature_of_eta", "direction_is_invariant"}
        | {"hessian_bends_with_coordinates"},
    ),
    (NoCurvature(), {"curvature_of_eta", "hessian_bends_with_coordinates"}),
    (AnyDomain(), {"domain_ends_at_constraints"}),
]


class Rewrites(Component):
    """The constructor changes its argument."""

    _package = "natfit.steps"

    def __init__(self, size=(1,)):
        self.size = list(size)


class Closure(Component):
    """A lambda in the constructor: it does not pickle."""

    _package = "natfit.steps"

    def __init__(self, fun=None):
        self.fun = fun


class Nameless(FixedStep):
    """repr() hides what it is."""

    def __repr__(self):
        return "<step>"


class NeedsArguments(FixedStep):
    """The class alone cannot be called: it has no defaults."""

    def __init__(self, length):
        super().__init__(length)


COMPONENTS = [
    (Nameless(), {"repr_names_class"}),
    (NeedsArguments(1.0), {"resolves_to_itself"}),
    (Rewrites(), {"clones_equal", "set_params_changes"}),
    (Closure(lambda: 0), {"pickles_equal"}),
]

# ---------------------------------------------------------------------------- baselines


class Eager(QuadraticBaseline):
    """Predicts before it has seen anything."""

    def predict(self, state, X):
        return np.ones(len(X)) if state is None else super().predict(state, X)


class OffByAHundredth(QuadraticBaseline):
    """A constant too much."""

    def predict(self, state, X):
        return super().predict(state, X) + (0.01 if state is not None else 0.0)


class Shrunk(QuadraticBaseline):
    """A penalty that is no longer small."""

    def __init__(self):
        super().__init__(penalty=1.0)


class TiedToUnits(QuadraticBaseline):
    """Columns are compressed in their own units."""

    def fit(self, X, target, state=None, rng=None):
        return super().fit(20.0 * np.arcsinh(X / 20.0), target, state, rng)

    def predict(self, state, X):
        return super().predict(state, 20.0 * np.arcsinh(X / 20.0))


class TrustsConstants(QuadraticBaseline):
    """A column without spread gets an effect."""

    def predict(self, state, X):
        value = super().predict(state, X)
        if state is None:
            return value
        moved = (X - state.columns.mean) * ~state.columns.varies
        return np.clip(value + 1e-3 * moved.sum(axis=1), state.low, state.high)


class ExtrapolatesFreely(QuadraticBaseline):
    """Predictions are not cut, columns neither."""

    def predict(self, state, X):
        if state is None:
            return super().predict(state, X)
        z = (X - state.columns.mean) / state.columns.scale * state.columns.varies
        return self._predict(state.parts, z)


class OwnFeatures(FourierBaseline):
    """Features are not drawn from the generator that is given."""

    def _draw(self, z, before, rng):
        return super()._draw(z, before, np.random.default_rng())


class Impermanent(QuadraticBaseline):
    """The state does not pickle."""

    def _draw(self, z, before, rng):
        return {"note": lambda: None}


class OverwritesState(QuadraticBaseline):
    """The state that is gone on from is used up."""

    def fit(self, X, target, state=None, rng=None):
        after = super().fit(X, target, state, rng)
        if state is not None:
            state.parts["weight"][:] = 0.0
        return after


class OverlooksNaN(QuadraticBaseline):
    """What is not finite becomes zero in silence."""

    def fit(self, X, target, state=None, rng=None):
        clean = (np.nan_to_num(a, posinf=0.0, neginf=0.0) for a in (X, target))
        return super().fit(*clean, state, rng)


BASELINES = [
    (Eager(), {"zeros_before_fit"}),
    (OffByAHundredth(), {"reproduces_constant_targets", "fits_one_row", "stays_in_range"}),
    (Shrunk(), {"fits_linear_targets"}),
    (TiedToUnits(), {"ignores_units_of_columns"}),
    (TrustsConstants(), {"ignores_constant_columns"}),
    (ExtrapolatesFreely(), {"stays_in_range"}),
    (OwnFeatures(), {"follows_seed", "ignores_units_of_columns"}),
    (Impermanent(), {"goes_on_from_pickle"}),
    (OverwritesState(), {"leaves_arguments_alone"}),
    (OverlooksNaN(), {"refuses_bad_data"}),
]

# --------------------------------------------------------------------------------- models


class ClaimsShared(Linear):
    """Says that all rows have the same eta."""

    shared = True


class EtaRounds(Linear):
    """eta() is another arithmetic's, to nine digits."""

    def _map_eta(self, theta, X):
        return super()._map_eta(theta, X) * (1.0 + 1e-9)


class StartsElsewhere(MLP):
    """The output's bias starts at zero."""

    def _map_init(self, rng, eta0):
        return super()._map_init(rng, 0.0 * eta0)


class SameNames(Linear):
    """The names of the inputs are left out."""

    def _map_names(self, eta_names):
        return eta_names * (self.n_features + 1)


class LimitsReversed(Linear):
    """Upper limits come first."""

    def limits(self):
        low, high, step = super().limits()
        return high, low, step


class AnyTheta(Linear):
    """NaN is as good as any number."""

    def in_domain(self, theta):
        return True


class BindsItself(Linear):
    """bind() changes the specification in place."""

    def bind(self, n_features, family, constant=()):
        vars(self).update(vars(super().bind(n_features, family, constant)))
        return self


class KeepsTheta(MLP):
    """Deltas pass through weights that are still the caller's."""

    def _map_rows(self, theta, X):
        rows = super()._map_rows(theta, X)
        rows._weights = [layer[:-1] for layer in cut(theta, self._shapes)[1:]]
        return rows


class Centred(Linear):
    """Takes the mean of the rows that it happens to see."""

    def _map_rows(self, theta, X):
        return super()._map_rows(theta, X - X.mean(axis=0))

    def _map_eta(self, theta, X):
        return super()._map_eta(theta, X - X.mean(axis=0))


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


_PRODUCTS = {
    "jvp_is_derivative",
    "vjp_is_adjoint",
    "gram_is_sum",
    "diag_is_diagonal",
    "columns_are_pulled",
    "kernel_is_inner_products",
}
MODELS = [
    (ClaimsShared(), {"eta_has_shape"}),
    (EtaRounds(), {"eta_alone_is_same"}),
    (WrongVerb("jvp", _no_intercept), _PRODUCTS),
    (WrongVerb("vjp", _one_percent), {"vjp_is_adjoint"}),
    (WrongVerb("gram", _one_percent), {"gram_is_sum"}),
    (WrongVerb("diag", _absolute), {"diag_is_diagonal"}),
    (WrongVerb("pull_columns", _by_column), {"columns_are_pulled"}),
    (WrongVerb("kernel", _by_column_twice), {"kernel_is_inner_products"}),
    (WrongVerb("jvp", _in_a_buffer), {"results_are_kept"}),
    (NoSecondDerivative((3,)), {"curvature_is_second_derivative"}),
    (StartsElsewhere((3,)), {"start_gives_eta"}),
    (SameNames(), {"names_are_unique"}),
    (LimitsReversed(), {"limits_have_shape"}),
    (AnyTheta(), {"domain_needs_numbers"}),
    (BindsItself(), {"copies_agree"}),
    (KeepsTheta((3,)), {"theta_may_change"}),
    (Centred(), {"rows_are_independent"}),
    (TakesAnyShape(), {"refuses_other_width"}),
]


def _bound(model):
    """The model for two features and a normal distribution, and rows for it."""
    return model.bind(2, Normal()), np.random.default_rng(0).standard_normal((7, 2))


class RewardColumn(Drift):
    """Rewards are a column."""

    def step(self, state, action):
        new, reward, terminated = super().step(state, action)
        return new, reward[:, None], terminated


class EndsAreNumbers(Drift):
    """Ends are floats."""

    def step(self, state, action):
        new, reward, terminated = super().step(state, action)
        return new, reward, terminated.astype(float)


class Remembers(Drift):
    """The object counts its steps and rewards with the count."""

    count = 0

    def step(self, state, action):
        self.count += 1
        new, reward, terminated = super().step(state, action)
        return new, reward - self.count, terminated


class OneStart(Pendulum):
    """One start for all rows."""

    def start(self, rng, n):
        return np.repeat(super().start(rng, 1), n, axis=0)


class InPlace(Drift):
    """The state is updated in place."""

    def step(self, state, action):
        new, reward, terminated = super().step(state, action)
        state[:] = new
        return new, reward, terminated


class Aliased(Drift):
    """The observation is a view of the state."""

    def observe(self, state):
        return state[:, :1]


class RowsMix(Drift):
    """The reward is the mean of all rows'."""

    def step(self, state, action):
        new, reward, terminated = super().step(state, action)
        return new, np.full(len(new), reward.mean()), terminated


class SpaceTooSmall(Pendulum):
    """Speeds leave the declared box."""

    def observe(self, state):
        return 1.5 * super().observe(state)


class RewardNaN(Drift):
    """A logarithm of a negative action."""

    def step(self, state, action):
        new, reward, terminated = super().step(state, action)
        with np.errstate(invalid="ignore"):
            return new, np.log(action[:, 0]), terminated


class LosesParameter(Drift):
    """What is set after construction is lost in a clone."""

    def __init__(self, horizon=10):
        super().__init__(horizon)
        self.shift = 0.0

    def step(self, state, action):
        new, reward, terminated = super().step(state, action)
        return new, reward + self.shift, terminated


def _shifted():
    environment = LosesParameter()
    environment.shift = 1.0
    return environment


class Endless(Pendulum):
    """Neither a limit nor an end."""

    time_limit = None


ENVIRONMENTS = [
    (RewardColumn(), {"shapes"}),
    (EndsAreNumbers(), {"shapes", "episodes_end"}),
    (Remembers(), {"follows_generator", "rows_independent", "copies_alike"}),
    (OneStart(), {"starts_differ"}),
    (InPlace(), {"arguments_kept", "rows_independent"}),
    (Aliased(), {"arguments_kept"}),
    (RowsMix(), {"rows_independent"}),
    (SpaceTooSmall(), {"observations_in_space"}),
    # NaN equals nothing, itself included.
    (RewardNaN(), {"rewards_finite", "follows_generator", "rows_independent", "copies_alike"}),
    (_shifted(), {"copies_alike"}),
    (Drift(horizon=0), {"parameters_valid"}),
    (Endless(), {"episodes_end"}),
]

BROKEN = {
    "distribution": (
        testing.DISTRIBUTION_CHECKS,
        [(c, (c, testing.points(c)), e) for c, e in DISTRIBUTIONS],
    ),
    "bijector": (testing.BIJECTOR_CHECKS, [(c, (c,), e) for c, e in BIJECTORS]),
    "operator": (testing.OPERATOR_CHECKS, [(c, (c,), e) for c, e in OPERATORS]),
    "solver": (testing.SOLVER_CHECKS, [(c, (c,), e) for c, e in SOLVERS]),
    "damping": (testing.DAMPING_CHECKS, [(c, (c,), e) for c, e in DAMPINGS]),
    "step": (testing.STEP_CHECKS, [(c, (c,), e) for c, e in STEPS]),
    "metric": (testing.METRIC_CHECKS, [(c, (c, *_problem()), e) for c, e in METRICS]),
    "coordinates": (
        testing.COORDINATE_CHECKS,
        [(c, (c, Normal(), testing.points(Normal())), e) for c, e in COORDINATES],
    ),
    "model": (testing.MODEL_CHECKS, [(m, _bound(m), e) for m, e in MODELS]),
    "environment": (testing.ENVIRONMENT_CHECKS, [(c, (c,), e) for c, e in ENVIRONMENTS]),
    "component": (testing.COMPONENT_CHECKS, [(c, (c,), e) for c, e in COMPONENTS]),
    "baseline": (testing.BASELINE_CHECKS, [(c, (c,), e) for c, e in BASELINES]),
}

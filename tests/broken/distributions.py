"""Distributions that are wrong on purpose."""

import numpy as np

from natfit import testing
from natfit.distributions.contract.declared import InformationKind, Role, Route
from natfit.distributions.forms.joined import joined_means
from natfit.distributions.positive.exponential import Exponential
from natfit.distributions.positive.gamma import Gamma
from natfit.distributions.real.cauchy import Cauchy
from natfit.distributions.real.normal import Normal
from natfit.linops.row_curvature import Entries
from natfit.rows import Memory
from tests.broken import caught_by

CHECKS = testing.DISTRIBUTION_CHECKS


def arguments(family):
    """The family and points eta to check it at."""
    return family, testing.points(family)


@caught_by("density_normalises", "entropy_is_expected")
class NotNormalised(Normal):
    """The density's constant is off by 10 %."""

    _to_scipy = None

    def _log_prob(self, y, loc, scale):
        return super()._log_prob(y, loc, scale) + 0.1


@caught_by("log_prob_matches_scipy")
class WrongTail(Normal):
    """A density that is another one than scipy's."""

    def _to_scipy(self, loc, scale):
        from scipy.stats import norm

        return norm(loc=float(loc), scale=1.001 * float(scale))


@caught_by(
    "observed_is_hessian",
    "observed_mean_is_score_covariance",
    "score_covariance_is_fisher",
    "score_is_gradient",
    "score_matches_autograd",
)
class ScoreFactor(Normal):
    """The score is off by a factor."""

    def _score(self, y, loc, scale):
        return 1.01 * super()._score(y, loc, scale)


@caught_by(
    "information_is_as_declared",
    "observed_mean_is_score_covariance",
    "score_covariance_is_fisher",
    "score_is_gradient",
    "score_matches_autograd",
    "score_mean_zero",
)
class ScoreShifted(Normal):
    """The score has a constant too much."""

    def _score(self, y, loc, scale):
        return super()._score(y, loc, scale) + 0.01


@caught_by("observed_is_hessian", "observed_matches_autograd", "rows_have_their_own_eta")
class ObservedSign(Normal):
    """A cross term of the observed information has the wrong sign."""

    def _observed(self, y, loc, scale):
        out = super()._observed(y, loc, scale)
        out[:, 0, 1] *= -1.0
        out[:, 1, 0] *= -1.0
        return out


@caught_by(
    "information_is_as_declared",
    "kl_hessian_is_fisher",
    "score_covariance_is_fisher",
    "curvature_of_rows_is_fisher",
)
class FisherOff(Normal):
    """The Fisher information is off by 2 %."""

    def _fisher(self, loc, scale):
        return 1.02 * super()._fisher(loc, scale)


@caught_by("fisher_positive")
class FisherIndefinite(Normal):
    """The textbook form of a Fisher information after its digits have cancelled."""

    def _fisher(self, loc, scale):
        out = super()._fisher(loc, scale)
        out[:, 1, 1] = np.where(np.abs(np.log(scale)) > 1.0, -1e-3, out[:, 1, 1])
        return out


@caught_by("kl_is_expected_log_ratio")
class KLReversed(Normal):
    """KL(b || a) in place of KL(a || b): the Hessian is right, the value is not."""

    def _kl(self, loc, scale, loc2, scale2):
        return super()._kl(loc2, scale2, loc, scale)


@caught_by("kl_hessian_is_fisher", "kl_is_expected_log_ratio")
class KLHalf(Normal):
    """Half of the divergence."""

    def _kl(self, *native):
        return 0.5 * super()._kl(*native)


@caught_by("kl_hessian_is_fisher", "kl_is_expected_log_ratio", "kl_zero_at_itself")
class KLOffset(Normal):
    """A divergence that does not vanish at itself."""

    def _kl(self, *native):
        return super()._kl(*native) - 1e-4


@caught_by("entropy_is_expected")
class EntropyOff(Normal):
    """The entropy's constant is another one."""

    def _entropy(self, eta):
        return super()._entropy(eta) - 0.5


@caught_by("entropy_gradient_is_derivative")
class EntropySlope(Normal):
    """The entropy's gradient has the wrong sign."""

    def entropy_and_grad(self, eta):
        value, slope = super().entropy_and_grad(eta)
        return value, -slope


@caught_by("entropy_is_expected")
class NoEntropy(Normal):
    """An entropy of zero in place of a refusal."""

    _entropy = None

    def entropy(self, eta):
        return np.zeros(len(eta))


@caught_by("mode_is_most_probable")
class ModeOff(Normal):
    """The mode is a scale away."""

    def _mode(self, eta):
        return super()._mode(eta) + np.exp(eta[:, 1])


@caught_by("sampler_moments")
class SamplerScale(Normal):
    """Draws have 5 % too much spread."""

    def _sample(self, rng, n, loc, scale):
        return rng.normal(loc, 1.05 * scale, n)


@caught_by("draws_follow_seed")
class SamplerUnseeded(Normal):
    """Draws do not come from the generator."""

    def _sample(self, rng, n, loc, scale):
        return np.random.default_rng(0).normal(loc, scale, n)


@caught_by("draws_by_row")
class SamplerFirstRow(Normal):
    """Every row is drawn at the first row's parameters."""

    def _sample(self, rng, n, loc, scale):
        return rng.normal(loc[0], scale[0], n)


@caught_by("draws_in_support")
class SamplerOutside(Exponential):
    """Draws leave the support."""

    def _sample(self, rng, n, rate):
        return super()._sample(rng, n, rate) - 1e-3


@caught_by("summary_stands_for_rows", "summaries_join", "sums_are_row_sums", "weights_repeat_rows")
class SumForgetsWeight(Normal):
    """The sum of scores ignores the weights."""

    def sum_value_and_score(self, y, weight, eta):
        value, score = super().sum_value_and_score(y, weight, eta)
        return value, score if weight is None else score / weight.mean()


@caught_by("summary_stands_for_rows", "summaries_join", "weights_repeat_rows")
class SummaryForgetsWeight(Gamma):
    """The sufficient statistics ignore the weights."""

    def sufficient(self, rows):
        return super().sufficient(Memory(rows.y))


@caught_by("summaries_join")
class BetweenForgotten(Normal):
    """Joined spreads leave out the distance between the means of the parts."""

    def joined_summaries(self, one, weight, two, other):
        return joined_means(one, weight, two, other)


@caught_by("shared_eta_is_tiled", "curvature_of_rows_is_fisher")
class SharedFisher(Normal):
    """The Fisher information of the first row is given for all."""

    def _fisher(self, loc, scale):
        return np.repeat(super()._fisher(loc[:1], scale[:1]), len(loc), axis=0)


@caught_by("log_density_outside_support")
class Lenient(Exponential):
    """The density outside the support is what the formula gives."""

    def log_density(self, y, eta):
        return self.log_prob(y, eta)


@caught_by("start_is_finite")
class StartOutside(Normal):
    """A start beyond the limits."""

    def initial(self, few, rng):
        return np.array([0.0, 1e4])


@caught_by("start_is_finite")
class StartChanges(Normal):
    """A start that differs from call to call."""

    _calls = 0

    def initial(self, few, rng):
        type(self)._calls += 1
        return super().initial(few, rng) + 1e-6 * self._calls


@caught_by("parameters_have_roles")
class NoRoles(Normal):
    """A parameter is forgotten where the roles are declared."""

    roles = {"loc": Role.LOCATION}


@caught_by("information_is_as_declared")
class ClaimsAgreement(Cauchy):
    """The observed information is said to be the expected one at an optimum."""

    information = InformationKind(Route.CLOSED_FORM, agrees=True)


@caught_by("native_round_trip")
class WrongEta(Normal):
    """Native values by name lead back to another eta."""

    def eta(self, **native):
        return super().eta(**native) + 1e-3


@caught_by("rows_have_their_own_eta")
class ScoreOfFirstEta(Normal):
    """With an eta for each row the score is that at the first one's scale."""

    def log_prob_and_score(self, y, eta):
        value, score = super().log_prob_and_score(y, eta)
        if len(eta) > 1:
            score = score * np.exp(eta[:, 1:] - eta[:1, 1:])
        return value, score


@caught_by("curvature_of_rows_is_fisher")
class WrongEntry(Normal):
    """The entries of the information are not those of the matrix."""

    def curvature(self, eta):
        return Entries(2, {(0, 0): np.exp(-2.0 * eta[:, 1]), (1, 1): 1.0})

"""Operators that are wrong on purpose."""

import numpy as np

from natfit import testing
from natfit.linops import Dense, KroneckerFactors
from natfit.testing.operators import Factored, Layered
from tests.broken import caught_by

CHECKS = testing.OPERATOR_CHECKS


_ROOT = np.random.default_rng(0).standard_normal((4, 2))
_SPD = _ROOT @ _ROOT.T + np.eye(4)


@caught_by("damped_adds_diagonal", "diag_is_diagonal", "restricted_selects_block", args=(_SPD,))
class WrongDiag(Dense):
    """The diagonal is another matrix's."""

    def diag(self):
        return 1.01 * super().diag()


@caught_by("quad_is_form", args=(_SPD,))
class WrongQuad(Dense):
    """Half of the quadratic form."""

    def quad(self, v):
        return 0.5 * super().quad(v)


@caught_by("damped_adds_diagonal", "factor_is_root", "restricted_selects_block", args=(_ROOT,))
class WrongFactor(Factored):
    """A factor of another matrix."""

    def factor(self):
        return 1.01 * self.columns


@caught_by("kernel_is_of_factor", args=(_ROOT,))
class WrongKernel(Factored):
    """A kernel of another factor."""

    def kernel(self):
        return 1.01 * super().kernel()


@caught_by("damped_adds_diagonal", "rank_is_bounded", "restricted_selects_block", args=(_ROOT,))
class LowBound(Factored):
    """A ``rank_bound`` that is below the rank."""

    @property
    def rank_bound(self):
        return 1


@caught_by("diag_is_diagonal", args=(_SPD,))
class NotDiagonal(Dense):
    """It claims to be diagonal."""

    is_diagonal = True


@caught_by("product_is_linear", args=(_SPD,))
class Saturates(Dense):
    """Products with long vectors are cut."""

    def __matmul__(self, v):
        return super().__matmul__(np.clip(v, -3.0, 3.0))


@caught_by("damped_adds_diagonal", "dense_is_products", "restricted_selects_block", args=(_SPD,))
class OtherDense(Dense):
    """dense() is another matrix."""

    def dense(self):
        return self.matrix + 0.01 * np.ones_like(self.matrix)


@caught_by("leaves_input_alone", args=(_SPD,))
class Overwrites(Dense):
    """A product changes its argument."""

    def __matmul__(self, v):
        v *= 1.0 + 1e-13
        return self.matrix @ v


@caught_by("symmetric")
def lopsided():
    """A matrix that is not symmetric."""
    return Dense(_SPD + np.triu(np.ones((4, 4)), 1))


@caught_by("positive_as_declared")
def indefinite():
    """A negative eigenvalue of what claims to be positive."""
    return Dense(_SPD - 2.0 * np.eye(4))


@caught_by("kronecker_has_the_layers", args=(np.eye(2), _SPD))
class LosesAnInput(Layered):
    """Leaves out the last input of the layer."""

    def kronecker(self):
        ((left, right),) = super().kronecker().pairs
        return KroneckerFactors([(left[:-1, :-1], right)])

"""Natural actor-critic: advantages that are linear in the scores, A = psi' w.

psi(s, a) = grad log pi(a | s) are the compatible features (Sutton et al., 2000), (N, P) for N rows.
Regressing returns on them gives the natural gradient without an inverse of the Fisher information:
the normal equations of a regression on psi are ``F w = 1/N sum_i psi_i (target_i - baseline_i)``
with the empirical Fisher F = 1/N sum_i psi_i psi_i'. A baseline that is fitted jointly with w is
all that tells both apart. With the advantages ``A_i = psi_i' w`` the engine's direction in the
metric ``empirical``, undamped, is w.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, LinAlgWarning, lapack, lstsq, solve

from natfit.linops import LinearOperator

#: Values of ``advantage`` that this file computes.
COMPATIBLE = ("enac", "lstd_q")

#: Ridge penalty per row of a policy's update: on c as a share of the mean of psi' psi, and on v,
#: whose features are of order one.
RIDGE = 1e-3

#: Largest number of features psi, after rotation, of one regression: P or the number of rows.
MOST = 4_000

#: Pivots of a kernel below this share of the largest one are rounding.
_RANK = 1e-12

#: Singular values below this share of the largest one are zeros in a solution of least norm.
_SINGULAR = 1e-11


@dataclass(frozen=True)
class Scores:
    """The scores psi of N rows as C <= min(P, N) numbers each: psi_i' w = features_i' c.

    Where P <= N the features are psi itself and w = c. Else they are the rows of a root L of the
    Gram matrix psi psi' = L L', by Cholesky's factorisation with pivots, and w is psi' u with
    L' u = c: the w of least norm that has these products. No matrix of size P x P or N x P is made.

    Attributes
    ----------
    features : ndarray of shape (N, C)
    operator : LinearOperator
        B B' of size P with B = psi' / sqrt(N), which has ``push`` and ``pull``.
    kept : ndarray of int, shape (C,), or None
        Rows whose part of L is triangular; None where the features are psi.
    """

    features: np.ndarray
    operator: LinearOperator
    kept: np.ndarray | None = None

    @classmethod
    def of(cls, operator: LinearOperator, n: int) -> Scores:
        """Return the scores of n rows from the operator of the empirical Fisher.

        Parameters
        ----------
        operator : LinearOperator
            1/n sum_i psi_i psi_i', of size P, with one column of its factor for each row.
        n : int
            Number of rows.

        Returns
        -------
        Scores

        Raises
        ------
        ValueError
            If both n and P are so large that no regression on the scores fits into memory.
        """
        if min(operator.size, n) > MOST:
            raise ValueError(
                f"advantage='enac' and 'lstd_q' solve for as many numbers as there are parameters "
                f"or rows, of which there are {operator.size} and {n}, and at most {MOST} are "
                "possible; use a smaller batch_size, a smaller policy, or advantage='gae'"
            )
        if operator.size <= n:
            return cls(_need(operator.factor()).T * np.sqrt(n), operator)
        kernel = n * _need(operator.kernel())
        root, pivots, rank, _ = lapack.dpstrf(kernel, tol=_RANK * kernel.diagonal().max(), lower=1)
        order = pivots - 1
        features = np.zeros((n, rank))
        features[order] = np.tril(root)[:, :rank]
        return cls(features, operator, order[:rank])

    def parameters(self, c: np.ndarray) -> np.ndarray:
        """Return w (P,), the parameters of least norm with psi_i' w = features_i' c."""
        if self.kept is None:
            return c
        u = np.zeros(len(self.features))
        u[self.kept], _ = lapack.dtrtrs(self.features[self.kept], c, lower=1, trans=1)
        return self.operator.pull(u) * np.sqrt(len(u))


def _need(found: np.ndarray | None) -> np.ndarray:
    """Return a factor or a kernel, which an operator that is made of rows has."""
    if found is None:
        raise ValueError("operator must have a factor with a column for each row, got none")
    return found


def enac(
    features: np.ndarray, returns: np.ndarray, weight: np.ndarray | None = None, ridge: float = 0.0
) -> tuple[np.ndarray, float]:
    """Episodic natural actor-critic: regress the returns of episodes on their summed scores.

    ``min over c, J of sum_e weight_e (R_e - J - features_e' c)^2 + ridge |c|^2``, where features_e
    is the discounted sum ``sum_t discount^t psi_t`` of an episode and R_e its discounted return. J
    is the baseline. Undiscounted, the expected c is F^-1 grad J(theta) with the Fisher information
    F of whole episodes.

    Parameters
    ----------
    features : ndarray of shape (E, C)
        Discounted sums of the scores of E episodes.
    returns : ndarray of shape (E,)
        R_e, in the unit of the rewards.
    weight : ndarray of shape (E,), optional
        Repetitions of each episode, > 0; 1 by default.
    ridge : float, default=0.0
        Penalty, >= 0. With 0 the c of least norm is taken where several are equally good.

    Returns
    -------
    c : ndarray of shape (C,)
    baseline : float
        J.

    References
    ----------
    Peters and Schaal (2008), "Natural actor-critic", Neurocomputing 71, table 2.
    """
    share = np.ones(len(returns)) if weight is None else weight
    total = share.sum()
    centre, mean = share @ features / total, float(share @ returns / total)
    root = np.sqrt(share)
    left, right = root[:, None] * (features - centre), root * (returns - mean)
    if ridge > 0.0:
        left = np.vstack([left, np.sqrt(ridge) * np.eye(left.shape[1])])
        right = np.concatenate([right, np.zeros(left.shape[1])])
    c = lstsq(left, right, cond=_SINGULAR, check_finite=False)[0]
    return c, mean - float(centre @ c)


def lstd_q(
    features: np.ndarray,
    state: np.ndarray,
    following: np.ndarray,
    reward: np.ndarray,
    ended: np.ndarray,
    valid: np.ndarray,
    discount: float,
    lam: float,
    weight: np.ndarray | None = None,
    ridge: tuple[float, float] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """LSTD-Q(lambda) with compatible features: Q(s, a) = phi(s)' v + psi(s, a)' c.

    With ``x = (phi(s_t), psi(s_t, a_t))``, ``y = (phi(s_{t+1}), 0)``, because scores have the mean
    zero, and the trace ``z_t = discount lam z_{t-1} + x_t`` it solves
    ``sum_t z_t (x_t - discount y_t)' (v, c) = sum_t z_t r_t``. With lam = 1 the targets are returns
    to the end of the episode, and phi' v is a baseline that is fitted jointly with c.

    Parameters
    ----------
    features : ndarray of shape (T, n, C)
        psi of T steps of n episodes side by side; zeros where ``valid`` is False.
    state, following : ndarray of shape (T, n, M)
        phi of the state and of the next one, the latter zero after a terminal state.
    reward : ndarray of shape (T, n)
        r_t.
    ended, valid : ndarray of bool, shape (T, n)
        As in :func:`natfit.rl.advantages.gae`.
    discount, lam : float
        In [0, 1].
    weight : ndarray of shape (T, n), optional
        Repetitions of each step; 1 by default.
    ridge : (float, float), optional
        What is added to the diagonal for v, without its first entry, the intercept, and for c; by
        default nothing, and the solution of least norm is taken.

    Returns
    -------
    c : ndarray of shape (C,)
    v : ndarray of shape (M,)

    References
    ----------
    Peters and Schaal (2008), "Natural actor-critic", Neurocomputing 71, table 1;
    Boyan (1999), "Least-squares temporal difference learning", ICML.
    """
    inside = valid if weight is None else valid * weight
    x = np.concatenate([state, features], axis=2)
    trace = x * valid[:, :, None]
    decay = np.where(valid & ~ended, discount * lam, 0.0)
    if decay.any():
        for t in range(1, len(trace)):
            trace[t] += decay[t - 1, :, None] * trace[t - 1]
    change = x
    change[:, :, : state.shape[2]] -= discount * following
    trace *= inside[:, :, None]
    size, m = x.shape[2], state.shape[2]
    flat = trace.reshape(-1, size)
    left = flat.T @ change.reshape(-1, size)
    right = flat.T @ np.where(valid, reward, 0.0).ravel()
    if ridge is not None:
        left[np.diag_indices(size)] += np.repeat(ridge, [m, size - m])
        left[0, 0] -= ridge[0] if m else 0.0
    found = _solved(left, right, ridge is None)
    return found[m:], found[:m]


def _solved(left: np.ndarray, right: np.ndarray, least_norm: bool) -> np.ndarray:
    """Return the solution of a square system, of least norm where it is singular."""
    if not least_norm:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", LinAlgWarning)
                return np.asarray(solve(left, right, check_finite=False))
        except (LinAlgError, LinAlgWarning):
            pass
    return np.asarray(lstsq(left, right, cond=_SINGULAR, check_finite=False)[0])


def episode_sums(
    features: np.ndarray, ended: np.ndarray, valid: np.ndarray, discount: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the discounted sums of the features of each episode, and its first step.

    Parameters
    ----------
    features : ndarray of shape (T, n, C)
        Features of T steps of n episodes side by side; zeros where ``valid`` is False.
    ended, valid : ndarray of bool, shape (T, n)
        As in :func:`natfit.rl.advantages.gae`.
    discount : float
        In [0, 1].

    Returns
    -------
    sums : ndarray of shape (E, C)
        ``sum_t discount^t features_t``, with t counted from the first step of the episode.
    first : ndarray of int, shape (E,)
        Index of the episodes' first steps in the flattened arrays (T n,).
    """
    total = features * valid[:, :, None]
    going = np.where(ended, 0.0, discount)
    for t in range(len(total) - 2, -1, -1):
        total[t] += going[t, :, None] * total[t + 1]
    begins = valid.copy()
    begins[1:] &= ended[:-1] | ~valid[:-1]
    return total[begins], np.flatnonzero(begins)


def compatible_advantage(
    kind: str,
    operator: LinearOperator,
    steps: dict[str, np.ndarray],
    discount: float,
    lam: float,
) -> np.ndarray:
    """Return the advantages A = psi' w of a batch, (T n,); 0 where no action was taken.

    Parameters
    ----------
    kind : {"enac", "lstd_q"}
        The regression from which w comes.
    operator : LinearOperator
        The empirical Fisher of the valid steps, with a column of its factor for each of them.
    steps : dict of str to ndarray
        ``reward``, ``ended`` and ``valid`` of shape (T, n); for ``enac`` also ``target``, the
        returns from each step on; for ``lstd_q`` ``state`` and ``following``, phi of the states
        and of the next ones, (T, n, M).
    discount, lam : float
        In [0, 1].

    Returns
    -------
    ndarray of shape (T n,)
        In the unit of the rewards.
    """
    ended, valid = steps["ended"], steps["valid"]
    n = int(valid.sum())
    scores = Scores.of(operator, n)
    features = np.zeros((*valid.shape, scores.features.shape[1]))
    features[valid] = scores.features
    if kind == "enac":
        sums, first = episode_sums(features, ended, valid, discount)
        ridge = RIDGE * float(np.square(sums).sum())
        c, _ = enac(sums, steps["target"].ravel()[first], ridge=ridge)
    else:
        ridge = RIDGE * float(np.square(scores.features).sum())
        c, _ = lstd_q(
            features,
            steps["state"],
            steps["following"],
            steps["reward"],
            ended,
            valid,
            discount,
            lam,
            ridge=(RIDGE * n, ridge),
        )
    return features.reshape(-1, features.shape[2]) @ c

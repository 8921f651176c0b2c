"""F of a map made of layers as a Kronecker product per layer, which its factors invert.

A layer with inputs a_i (A,) and deltas D_i (R, H) has the block E[(a a') (x) (D' D)] in F, a mean
over rows. If inputs and deltas are taken to be independent, this is the product A (x) S of the
means A = E[a a'] and S = E[D' D] (Martens and Grosse, 2015). Blocks between layers are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import lapack

#: Eigenvalues of a factor with a unit diagonal that count as zero, relative to the largest.
_ZERO = 1e-12

#: A layer's factors: A of its inputs and S of its deltas.
Pair = tuple[np.ndarray, np.ndarray]


class KroneckerFactors:
    """The block-diagonal matrix of A_l (x) S_l over layers l, in the order of theta.

    Parameters
    ----------
    pairs : sequence of (ndarray of shape (A, A), ndarray of shape (H, H))
        A_l and S_l, symmetric. Layer l has A_l H_l parameters, a matrix (A_l, H_l) row by row.
    """

    def __init__(self, pairs: Sequence[Pair]):
        self.pairs = list(pairs)

    def __add__(self, other: KroneckerFactors) -> KroneckerFactors:
        """Return the factors of the rows of both."""
        both = zip(self.pairs, other.pairs, strict=True)
        return KroneckerFactors([(a + b, s + t) for (a, s), (b, t) in both])

    @property
    def size(self) -> int:
        """P, the number of parameters of all layers."""
        return sum(len(a) * len(s) for a, s in self.pairs)

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """The numbers (A_l, H_l) of inputs and outputs of each layer."""
        return [(len(a), len(s)) for a, s in self.pairs]

    def mixed(self, before: KroneckerFactors, share: float) -> KroneckerFactors:
        """Return ``share`` times the factors before plus the rest of these, a running average."""
        both = zip(before.pairs, self.pairs, strict=True)
        rest = 1.0 - share
        return KroneckerFactors(
            [(share * a + rest * b, share * s + rest * t) for (a, s), (b, t) in both]
        )

    def diag(self) -> np.ndarray:
        """Return the diagonal (P,)."""
        parts = [np.outer(np.diagonal(a), np.diagonal(s)).ravel() for a, s in self.pairs]
        return np.concatenate(parts)

    def free(self, free: np.ndarray) -> KroneckerFactors | None:
        """Return the factors of the coordinates that a mask (P,) selects.

        Returns
        -------
        KroneckerFactors or None
            None where what is selected of a layer is no Kronecker product.
        """
        out, start = [], 0
        for a, s in self.pairs:
            kept = free[start : start + len(a) * len(s)].reshape(len(a), len(s))
            start += kept.size
            rows, columns = kept.any(axis=1), kept.any(axis=0)
            if not np.array_equal(kept, np.outer(rows, columns)):
                return None
            if kept.any():
                out.append((a[np.ix_(rows, rows)], s[np.ix_(columns, columns)]))
        return KroneckerFactors(out)

    def inverse(self, shift: np.ndarray | None = None, least: float = 0.0) -> KroneckerInverse:
        """Return about (F + diag(shift))^-1, with the damping split between the factors.

        The shift of a layer, a matrix (A, H), becomes u v', the product of its means over columns
        and over rows, which is exact for lambda I. With U = diag(u) and V = diag(v), the inverse is
        that of (A + pi U) (x) (S + V / pi), where pi^2 = (tr A / A) / (tr S / H), which balances
        the two terms that the split adds (Martens and Grosse, 2015, section 6.3).

        Parameters
        ----------
        shift : ndarray of shape (P,), optional
            Non-negative numbers that are added to the diagonal.
        least : float, default=0
            Share of diag(A) (x) diag(S) that the shift is at least, so that no factor is singular.

        Returns
        -------
        KroneckerInverse
            A function of g (P,).
        """
        inverses, start, whole = [], 0, True
        for a, s in self.pairs:
            end = start + len(a) * len(s)
            own = np.zeros(len(a) * len(s)) if shift is None else shift[start:end]
            own = own.reshape(len(a), len(s))
            if least:
                floor = least * np.outer(np.diagonal(a), np.diagonal(s))
                # What has no diagonal, such as an input that is always zero, gets that of others.
                own = np.maximum(own, np.where(floor > 0, floor, floor.mean() or least))
            left, right = _split(a, s, own)
            (left, one), (right, two) = _inverted(left), _inverted(right)
            inverses.append((left, right))
            start, whole = end, whole and one and two
        return KroneckerInverse(inverses, whole)


class KroneckerInverse:
    """The product with the inverse of a :class:`KroneckerFactors`.

    Parameters
    ----------
    pairs : sequence of (ndarray, ndarray)
        Inverses of the factors of each layer.
    regular : bool
        Whether no factor was singular or indefinite.
    """

    def __init__(self, pairs: Sequence[Pair], regular: bool):
        self.pairs = pairs
        self.regular = regular

    def __call__(self, g: np.ndarray) -> np.ndarray:
        """Return A_l^-1 G_l S_l^-1 of every layer, (P,), for g (P,)."""
        out, start = np.empty_like(g), 0
        for a, s in self.pairs:
            end = start + len(a) * len(s)
            out[start:end] = (a @ g[start:end].reshape(len(a), -1) @ s).ravel()
            start = end
        return out


def _split(a: np.ndarray, s: np.ndarray, shift: np.ndarray) -> Pair:
    """Return A + pi U and S + V / pi, where U (x) V is about the diagonal ``shift`` (A, H)."""
    mean = float(shift.mean())
    if not mean > 0:
        return a, s
    sizes = abs(float(np.trace(a))) / len(a), abs(float(np.trace(s))) / len(s)
    ratio = np.sqrt(sizes[0] / sizes[1]) if min(sizes) > 0 else 1.0
    root = np.sqrt(mean)
    left, right = a.copy(), s.copy()
    left[np.diag_indices_from(left)] += ratio * shift.mean(axis=1) / root
    right[np.diag_indices_from(right)] += shift.mean(axis=0) / (root * ratio)
    return left, right


def _inverted(matrix: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the inverse of a symmetric matrix, and whether it is regular and positive.

    It is scaled to a unit diagonal first. Of another matrix only the eigenvalues that are not zero
    are inverted, with their absolute values.

    Returns
    -------
    inverse : ndarray
        Symmetric.
    regular : bool
    """
    size = np.abs(np.diagonal(matrix))
    scale = 1.0 / np.sqrt(np.where(size > 0, size, 1.0))
    scaled = matrix * np.outer(scale, scale)
    root, failed = lapack.dpotrf(scaled, lower=1, clean=0)
    if not failed:
        rcond, _ = lapack.dpocon(root, np.abs(scaled).sum(axis=0).max(), uplo="L")
        failed = not rcond > _ZERO
    if not failed:
        low, failed = lapack.dpotri(root, lower=1)
    if not failed:
        inverse = np.tril(low)
        inverse += np.tril(low, -1).T
        return inverse * np.outer(scale, scale), True
    if not np.isfinite(scaled).all():
        return np.full_like(matrix, np.nan), False
    values, vectors = np.linalg.eigh(scaled)
    size = np.abs(values)
    keep = size > _ZERO * size.max()
    inner = np.where(keep, 1.0 / np.where(keep, size, 1.0), 0.0)
    return (vectors * inner) @ vectors.T * np.outer(scale, scale), False

"""An information that is kept from one iterate to the next, with its inverse and its secants."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import get_blas_funcs, get_lapack_funcs
from scipy.linalg.blas import daxpy

from natfit.linops import LinearOperator

#: Eigenvalues of the matrix with a unit diagonal below this share of the largest count as zero.
_SINGULAR = 1e-12

#: Size of a coordinate in the null space, as a share of the largest one, from which it counts as
#: unidentified: a member of a relation among columns has some of it, rounding far less.
_PARTICIPATION = 1e-3

#: Relative distance from the direction up to which a step is a multiple of it: a difference of two
#: points is rounded.
_ALONG = 1e-8


class Inverse:
    """A positive definite matrix (P, P) and its inverse, by Cholesky in the scale of its diagonal.

    Parameters
    ----------
    matrix : ndarray of shape (P, P)
        Symmetric, in double or single precision, which is that of the factor that takes its place.
        If it is singular, its inverse is that on the directions that it determines, and ``lost``
        has the coordinates of the others; ``positive`` is False if it is indefinite.
    least : float, optional
        Reciprocal condition number below which the matrix is not inverted at all: ``positive`` is
        then False. Without it, that is done on the directions that the matrix determines.
    """

    def __init__(self, matrix: np.ndarray, least: float | None = None):
        self.lost: tuple[int, ...] = ()
        self.positive = True
        self._type = matrix.dtype
        size = np.abs(np.diagonal(matrix))
        self._scale = 1.0 / np.sqrt(np.where(size > 0, size, 1.0))
        self._part: np.ndarray | None = None
        lange, potrf, pocon = get_lapack_funcs(("lange", "potrf", "pocon"), (matrix,))
        scaled = np.ascontiguousarray(matrix)
        scaled *= self._scale
        scaled *= self._scale[:, None]
        diagonal = np.diagonal(scaled).copy()
        norm = lange("1", scaled.T)
        # The factor takes the place of the matrix: there may be room for few such arrays.
        self._factor, failed = potrf(scaled.T, lower=1, clean=0, overwrite_a=1)
        digits = 0.0 if failed else pocon(self._factor, norm, uplo="L")[0]
        if not digits > (_SINGULAR if least is None else least):
            if least is None:
                # What lies above the diagonal is as it was.
                scaled = np.triu(self._factor, 1)
                scaled += scaled.T
                np.fill_diagonal(scaled, diagonal)
                self._truncate(scaled)
            else:
                self.positive = False

    def _truncate(self, scaled: np.ndarray) -> None:
        self._factor = scaled
        if not np.isfinite(scaled).all():
            self.positive = False
            self._part = np.full_like(scaled, np.nan)
            return
        values, vectors = np.linalg.eigh(scaled)
        keep = np.abs(values) > _SINGULAR * np.abs(values).max()
        self.positive = not bool((values[keep] < 0).any())
        null = np.sqrt(np.square(vectors[:, ~keep]).sum(axis=1))
        found = null > _PARTICIPATION * null.max(initial=0.0)
        self.lost = tuple(np.flatnonzero(found).tolist())
        known = vectors[:, keep]
        # What has no curvature at all has no part in the others, not one by rounding.
        known[np.diagonal(scaled) == 0] = 0.0
        self._part = (known / np.abs(values[keep])) @ known.T

    def __call__(self, g: np.ndarray) -> np.ndarray:
        """Return the product of the inverse with a vector (P,) or with columns (P, M)."""
        right, size = self._in_range((self._scale * g.T).T)
        if self._part is not None:
            found = self._part @ right
        else:
            (potrs,) = get_lapack_funcs(("potrs",), (self._factor,))
            found, _ = potrs(self._factor, right, lower=1)
        return (self._scale * found.T).T * size

    def times(self, v: np.ndarray) -> np.ndarray:
        """Return the product of the matrix with a vector (P,)."""
        small, size = self._in_range(v / self._scale)
        if self._part is not None:
            found = self._factor @ small
        else:
            (trmv,) = get_blas_funcs(("trmv",), (self._factor,))
            found = trmv(self._factor, trmv(self._factor, small, lower=1, trans=1), lower=1)
        return found / self._scale * size

    def dense(self) -> np.ndarray:
        """Return the matrix (P, P) in double precision."""
        scaled = self._factor
        if self._part is None:
            root = np.tril(scaled).astype(np.float64)
            scaled = root @ root.T
        return scaled / np.outer(self._scale, self._scale)

    def diag(self) -> np.ndarray:
        """Return the diagonal (P,) of the matrix."""
        scaled = np.diagonal(self._factor)
        if self._part is None:
            scaled = np.square(np.tril(self._factor)).sum(axis=1)
        return scaled / np.square(self._scale)

    def _in_range(self, v: np.ndarray) -> tuple[np.ndarray, float]:
        """Return a vector in the matrix's precision, and the number by which it is divided."""
        if self._type == np.float64:
            return v, 1.0
        size = float(np.abs(v).max(initial=0.0)) or 1.0
        return (v / size).astype(self._type), size


class Product:
    """C (x) M (P, P) and its inverse, by those of its factors: no array of P x P numbers is made.

    Parameters
    ----------
    inner : ndarray of shape (K, K)
        C.
    gram : ndarray of shape (A, A)
        M.
    least : float
        As that of :class:`Inverse`, for each of both.
    """

    lost: tuple[int, ...] = ()

    def __init__(self, inner: np.ndarray, gram: np.ndarray, least: float):
        self._inner, self._gram = inner, gram
        self._inverses = Inverse(inner.copy(), least), Inverse(gram.copy(), least)
        self.positive = all(part.positive for part in self._inverses)

    def __call__(self, g: np.ndarray) -> np.ndarray:
        """Return the product of the inverse with a vector (P,)."""
        inner, gram = self._inverses
        return inner(gram(g.reshape(len(self._inner), -1).T).T).ravel()

    def times(self, v: np.ndarray) -> np.ndarray:
        """Return the product of the matrix with a vector (P,)."""
        return (self._inner @ v.reshape(len(self._inner), -1) @ self._gram).ravel()

    def dense(self) -> np.ndarray:
        """Return the matrix (P, P)."""
        return np.kron(self._inner, self._gram)

    def diag(self) -> np.ndarray:
        """Return the diagonal (P,) of the matrix."""
        return np.kron(np.diagonal(self._inner), np.diagonal(self._gram))


class DiagonalInverse:
    """A positive diagonal matrix and its inverse, as :class:`Inverse` of a full one.

    Parameters
    ----------
    diag : ndarray of shape (P,)
        The diagonal; what is not positive counts as 1.
    """

    lost: tuple[int, ...] = ()

    def __init__(self, diag: np.ndarray):
        self._diag = np.where(diag > 0, diag, 1.0)

    def __call__(self, g: np.ndarray) -> np.ndarray:
        """Return the product of the inverse with a vector (P,)."""
        return g / self._diag

    def times(self, v: np.ndarray) -> np.ndarray:
        """Return the product of the matrix with a vector (P,)."""
        return self._diag * v

    def diag(self) -> np.ndarray:
        """Return the diagonal (P,)."""
        return self._diag

    def dense(self) -> np.ndarray:
        """Return the matrix (P, P)."""
        return np.diag(self._diag)


@dataclass(frozen=True)
class Secant:
    """What one step has shown: the curvature along s is y's.

    Attributes
    ----------
    s : ndarray of shape (P,)
        The step.
    y : ndarray of shape (P,)
        How the gradient changed.
    """

    s: np.ndarray
    y: np.ndarray

    @cached_property
    def product(self) -> float:
        """The product s'y, the curvature along the step."""
        return float(self.s @ self.y)


class Kept(LinearOperator):
    """F as it was kept, corrected by secants: a multiple of the matrix of the BFGS method.

    Parameters
    ----------
    base : object
        A positive definite matrix: ``base(g)`` is its inverse times g, ``base.times(v)`` the matrix
        times v.
    secants : sequence of Secant
        Corrections, the oldest first.
    size : int
        P.
    scale : float, default=1.0
        The multiple.
    """

    def __init__(
        self,
        base: Inverse | Product | DiagonalInverse,
        secants: list[Secant],
        size: int,
        scale: float = 1.0,
    ):
        self.base = base
        self.secants = list(secants)
        self.size = size
        self.scale = scale
        self._last: tuple[np.ndarray, np.ndarray] | None = None

    def solved(self, g: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
        """Return F^-1 g (P,) by the two loops of the BFGS method, and what F does not determine."""
        if self._last is not None and self._last[1] is g:
            return self._last[0].copy(), self.base.lost
        self._last = self.inverse(g), g
        return self._last[0].copy(), self.base.lost

    def inverse(self, g: np.ndarray) -> np.ndarray:
        """Return F^-1 g (P,), of which nothing is kept: g may be changed afterwards."""
        shares, right = [], g.copy()
        for pair in reversed(self.secants):
            share = float(pair.s @ right) / pair.product
            shares.append(share)
            right = daxpy(pair.y, right, a=-share)
        d = self.base(right)
        for pair, share in zip(self.secants, reversed(shares), strict=True):
            d = daxpy(pair.s, d, a=share - float(pair.y @ d) / pair.product)
        if self.scale != 1.0:
            d /= self.scale
        return d

    def __matmul__(self, v: np.ndarray) -> np.ndarray:
        """Return F v, (P,)."""
        if self._last is not None:
            # A step along the direction needs no product: F d = g.
            d, g = self._last
            square = float(d @ d)
            length = float(v @ d) / square if square > 0 else 0.0
            if float(np.linalg.norm(v - length * d)) <= _ALONG * abs(length) * np.sqrt(square):
                return length * g
        out = self.base.times(v)
        for pair, before in zip(self.secants, self._befores, strict=True):
            out += pair.y * (float(pair.y @ v) / float(pair.y @ pair.s))
            out -= before * (float(before @ v) / float(before @ pair.s))
        return out if self.scale == 1.0 else self.scale * out

    @cached_property
    def _befores(self) -> list[np.ndarray]:
        """B s of each secant, with the matrix B before it."""
        found: list[np.ndarray] = []
        for number, pair in enumerate(self.secants):
            out = self.base.times(pair.s)
            for other, before in zip(self.secants[:number], found, strict=True):
                out += other.y * (float(other.y @ pair.s) / float(other.y @ other.s))
                out -= before * (float(before @ pair.s) / float(before @ other.s))
            found.append(out)
        return found

    def diag(self) -> np.ndarray:
        """Return the diagonal (P,)."""
        out = np.array(self.base.diag())
        for pair, before in zip(self.secants, self._befores, strict=True):
            out += np.square(pair.y) / float(pair.y @ pair.s)
            out -= np.square(before) / float(before @ pair.s)
        return self.scale * out

    def dense(self) -> np.ndarray:
        """Return the matrix (P, P)."""
        out = self.base.dense()
        for pair, before in zip(self.secants, self._befores, strict=True):
            out += np.outer(pair.y, pair.y / float(pair.y @ pair.s))
            out -= np.outer(before, before / float(before @ pair.s))
        return self.scale * out

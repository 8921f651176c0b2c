"""Adam: steps by running means of the gradient and of its squares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from natfit._validation import check_number
from natfit.iterate import Iterate, Local
from natfit.steps.base import Step, plain


@dataclass(eq=False)
class Moments:
    """The memory of Adam: running means of g and of g^2, (P,) each, and the number of steps."""

    first: np.ndarray
    second: np.ndarray
    count: int = 0


class AdamStep(Step):
    """theta <- theta - rate m_hat / (sqrt(v_hat) + eps), entry by entry.

    With the direction g = G^-1 grad f of step t = 1, 2, ...::

        m = beta1 m + (1 - beta1) g          m_hat = m / (1 - beta1^t)
        v = beta2 v + (1 - beta2) g^2        v_hat = v / (1 - beta2^t)

    The published rule has ``metric="euclidean"``, where g is the gradient. m, v and t are carried
    by the iterates: updates of a policy and batches of a fit go on with them, and so does a warm
    start of a policy; a new fit begins with zeros. Steps are of about the size of the rate
    whatever the gradient is, so that a fit does not converge and gives no warning at ``max_iter``.
    A step that would leave the domain (such as sigma > 0) is halved until it stays inside.

    Parameters
    ----------
    learning_rate : float, default=1e-3
        The rate, > 0, in the unit of theta.
    betas : (float, float), default=(0.9, 0.999)
        beta1 and beta2, in [0, 1).
    eps : float, default=1e-8
        Added to the root, > 0, in the unit of the gradient.
    max_grad_norm : float, optional
        Euclidean norm, > 0, to which a longer g is shortened before anything else; by default it
        is not.

    References
    ----------
    Kingma and Ba (2015), "Adam: a method for stochastic optimization", ICLR, algorithm 1. The
    names of the options are those of torch.optim.Adam.
    """

    converges = False
    descends = False
    remembers = True
    blind = True

    def __init__(
        self,
        learning_rate: float = 1e-3,
        betas: Sequence[float] = (0.9, 0.999),
        eps: float = 1e-8,
        max_grad_norm: float | None = None,
    ):
        self.learning_rate = learning_rate
        self.betas = betas
        self.eps = eps
        self.max_grad_norm = max_grad_norm

    def check(self) -> None:
        """Raise ValueError or TypeError for an option outside its range."""
        for name, hint in (("learning_rate", "1e-3"), ("eps", "1e-8")):
            check_number(getattr(self, name), f"step__{name}", low=0.0, closed_low=False, hint=hint)
        if isinstance(self.betas, str) or not hasattr(self.betas, "__len__"):
            raise TypeError(
                f"step__betas must be two numbers in [0, 1), got {self.betas!r}; try (0.9, 0.999)"
            )
        if len(self.betas) != 2:
            raise ValueError(
                f"step__betas must be two numbers in [0, 1), got {self.betas!r}; try (0.9, 0.999)"
            )
        for beta in self.betas:
            check_number(
                beta, "step__betas", low=0.0, high=1.0, closed_high=False, hint="(0.9, 0.999)"
            )
        if self.max_grad_norm is not None:
            check_number(
                self.max_grad_norm, "step__max_grad_norm", low=0.0, closed_low=False, hint="0.5"
            )

    def begin(self, memory: Any, size: int) -> Moments:
        """Return a copy of the moments, or zeros where there are none for P = ``size``."""
        if isinstance(memory, Moments) and memory.first.size == size:
            return Moments(memory.first.copy(), memory.second.copy(), memory.count)
        return Moments(np.zeros(size), np.zeros(size))

    def change(self, direction: np.ndarray, memory: Moments, out: np.ndarray) -> float:
        """Update the moments, write delta (P,) to ``out``, and return the rate."""
        beta1, beta2 = (float(beta) for beta in self.betas)
        factor = self._factor(direction)
        memory.count += 1
        np.multiply(direction, (1.0 - beta1) * factor, out=out)
        memory.first *= beta1
        memory.first += out
        np.multiply(direction, factor, out=out)
        np.square(out, out=out)
        out *= 1.0 - beta2
        memory.second *= beta2
        memory.second += out
        # m_hat / (sqrt(v_hat) + eps) = m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)
        np.sqrt(memory.second, out=out)
        out /= math.sqrt(1.0 - beta2**memory.count)
        out += self.eps
        np.divide(memory.first, out, out=out)
        out *= -float(self.learning_rate) / (1.0 - beta1**memory.count)
        return float(self.learning_rate)

    def _factor(self, direction: np.ndarray) -> float:
        """Return what a direction is multiplied by, so that it is no longer than allowed."""
        if self.max_grad_norm is None:
            return 1.0
        norm = math.sqrt(float(direction @ direction))
        return 1.0 if norm <= self.max_grad_norm else float(self.max_grad_norm) / norm

    def step(self, local: Local) -> Iterate:
        """Return the next iterate, which carries the moments after this step."""
        direction, info = local.inward()
        memory, delta = self.begin(local.iterate.memory, len(direction)), np.empty(len(direction))
        rate = self.change(direction, memory, delta)
        delta /= -rate
        found = plain(local, delta, rate, info=info)
        return found if found.status is not None else replace(found, memory=memory)

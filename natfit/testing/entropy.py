"""Property checks of closed-form entropies."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.testing._core import NotApplicable, close, gradient, refuses
from natfit.testing._quadrature import rule


def entropy_is_expected(family: Any, etas: np.ndarray) -> None:
    """The entropy is E[-log p], by quadrature; a family without one refuses it."""
    if not family.has_entropy:
        refuses("an entropy without a closed form", lambda: family.entropy(etas))
        raise NotApplicable("the family has no closed-form entropy")
    nodes = [rule(family, eta) for eta in etas]
    want = [-n.mean(family.log_prob(n.y, e[None])) for n, e in zip(nodes, etas, strict=True)]
    close("entropy against quadrature", family.entropy(etas), want, rtol=1e-6)


def entropy_gradient_is_derivative(family: Any, etas: np.ndarray) -> None:
    """entropy_and_grad gives the entropy and its derivative, by central differences."""
    if not family.has_entropy:
        raise NotApplicable("the family has no closed-form entropy")
    value, slope = family.entropy_and_grad(etas)
    close("entropy_and_grad's values", value, family.entropy(etas), rtol=1e-12)
    want = [gradient(lambda e: family.entropy(e[None])[0], eta) for eta in etas]
    close("entropy's gradient against differences", slope, want, rtol=1e-8)


#: Checks of entropies, each called with (family, etas).
ENTROPY_CHECKS = [entropy_is_expected, entropy_gradient_is_derivative]

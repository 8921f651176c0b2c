"""PPO's surrogate, which gains nothing from importance ratios beyond a range."""

from __future__ import annotations

from typing import Any

from natfit._validation import check_number
from natfit.objectives.surrogate import PolicySurrogate


class ClippedSurrogate(PolicySurrogate):
    """f(theta) = -1/W sum_i w_i (min(rho_i A_i, clip(rho_i, 1 - c, 1 + c) A_i) + bonus H(eta_i)).

    A row is beyond the range where rho_i > 1 + c and A_i > 0, or rho_i < 1 - c and A_i < 0: its
    ratio has gone further than c in the direction that its advantage asks for. Its gain is then
    constant, and its gradient zero. At theta_old all ratios are 1, and f and its gradient are those
    of :class:`natfit.objectives.surrogate.PolicySurrogate`. The Fisher information and the
    divergence are the same at every theta, so that natural-gradient steps can be taken on f.

    Parameters
    ----------
    *args, **options
        As :class:`natfit.objectives.surrogate.PolicySurrogate` takes them.
    clip_range : float, default=0.2
        c, in (0, 1).

    Raises
    ------
    ValueError
        If ``clip_range`` is not in (0, 1).

    Notes
    -----
    Schulman et al. (2017), Proximal policy optimization algorithms, equation 7.
    """

    def __init__(self, *args: Any, clip_range: float = 0.2, **options: Any):
        self.clip = checked_range(clip_range)
        super().__init__(*args, **options)


def checked_range(clip_range: Any) -> float:
    """Return the range of the ratios as a float; raise ValueError unless it is in (0, 1)."""
    return check_number(
        clip_range,
        "clip_range",
        low=0.0,
        high=1.0,
        closed_low=False,
        closed_high=False,
        hint="0.2",
    )

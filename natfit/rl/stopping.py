"""Why a training ended, and what to do about it."""

from __future__ import annotations

from enum import StrEnum


class TrainingStatus(StrEnum):
    """The reason why a training ended; a string, so that ``status_ == "max_iter"`` holds."""

    TARGET_RETURN = "target_return"
    MAX_ITER = "max_iter"
    MAX_ENV_STEPS = "max_env_steps"
    STOPPED_BY_CALLBACK = "stopped_by_callback"
    INTERRUPTED = "interrupted"
    FEW_EFFECTIVE = "few_effective"
    NO_STEP = "no_step"

    @property
    def remedy(self) -> str:
        """What the user can do about this status, in words."""
        return _REMEDIES[self]


_GO_ON = "and fit again with warm_start=True to go on"

_REMEDIES = {
    TrainingStatus.TARGET_RETURN: "nothing to do",
    TrainingStatus.MAX_ITER: f"if the return still rises, raise max_iter {_GO_ON}",
    TrainingStatus.MAX_ENV_STEPS: f"if the return still rises, raise max_env_steps {_GO_ON}",
    TrainingStatus.STOPPED_BY_CALLBACK: "fit again with warm_start=True to go on",
    TrainingStatus.INTERRUPTED: (
        "fit again with warm_start=True to go on from the last complete update"
    ),
    TrainingStatus.FEW_EFFECTIVE: (
        "the policy has moved as far as the logged data reach; log more episodes, or episodes of "
        "this policy"
    ),
    TrainingStatus.NO_STEP: (
        "no step raises the surrogate: all rewards may be equal, or the policy is the best "
        "that the logged data can tell"
    ),
}

"""Distributions: one file a family. See :mod:`natfit.distributions.base` for the contract."""

from natfit._component import lazy_package


def _base() -> type:
    from natfit.distributions.base import Distribution

    return Distribution


__getattr__, __dir__ = lazy_package(
    __name__,
    _base,
    {
        "from_log_prob": "_custom",
        "from_scipy": "_scipy",
        "Censored": "_censored",
        "ExponentialFamily": "_exponential_family",
        "Support": "_support",
        **dict.fromkeys(
            ("Real", "Positive", "Reciprocal", "Unit", "Simplex", "CholeskyFactor", "Covariance"),
            "_constraints",
        ),
    },
)

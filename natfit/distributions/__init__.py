"""Distributions: one file a family. See :mod:`natfit.distributions.base` for the contract."""

from natfit._component import lazy_package


def _base() -> type:
    from natfit.distributions.base import Distribution

    return Distribution


__getattr__, __dir__ = lazy_package(
    __name__,
    _base,
    {
        "from_log_prob": "natfit.distributions.custom.from_log_prob",
        "from_scipy": "natfit.distributions.custom.from_scipy",
        "Censored": "natfit.distributions.contract.censored",
        "ExponentialFamily": "natfit.distributions.forms.exponential_family",
        "Support": "natfit.distributions.contract.support",
        **dict.fromkeys(
            ("InformationKind", "Role", "Route", "Width", "Yardstick"),
            "natfit.distributions.contract.declared",
        ),
        **dict.fromkeys(
            ("Real", "Positive", "Reciprocal", "Unit", "Simplex", "CholeskyFactor", "Covariance"),
            "natfit.bijectors",
        ),
    },
)

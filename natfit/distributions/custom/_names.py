"""What the usual names of parameters mean, for densities that come without declared roles.

This is the only place where the name of a parameter has a meaning. It is read when a user-supplied
density, or one of ``scipy.stats``, becomes a family; after that only the roles count.

============================ ========
name                         role
============================ ========
loc, location                location
mean, mu                     mean
scale, sigma, sd, std        scale
rate, rates                  rate
any other                    shape
============================ ========
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from natfit.distributions.contract.declared import Role

_USUAL = {
    **dict.fromkeys(("loc", "location"), Role.LOCATION),
    **dict.fromkeys(("mean", "mu"), Role.MEAN),
    **dict.fromkeys(("scale", "sigma", "sd", "std"), Role.SCALE),
    **dict.fromkeys(("rate", "rates"), Role.RATE),
}


def usual_roles(names: Iterable[str], declared: Mapping[str, Role] | None = None) -> dict:
    """Name to role: as declared, else by the table above."""
    return {name: _USUAL.get(name, Role.SHAPE) for name in names} | dict(declared or {})

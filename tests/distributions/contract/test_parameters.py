"""Native parameters by name: what is refused."""

import pytest

from natfit.distributions import (
    MultivariateNormal,
    Normal,
)


def test_bad_native_values_are_named():
    with pytest.raises(ValueError, match=r"scale must be Positive \(> 0\), got -1.0"):
        Normal().eta(loc=0.0, scale=-1.0)
    with pytest.raises(ValueError, match=r"parameters must be \['loc', 'scale'\]"):
        Normal().eta(mu=0.0, sigma=1.0)
    with pytest.raises(ValueError, match="loc must have shape"):
        MultivariateNormal("diag", 2).eta(loc=[0.0, 1.0, 2.0], scale=[1.0, 1.0])

"""The Rice distribution by its root mean square: the case, and scipy's parameters."""

import numpy as np
import pytest
from scipy import stats

from natfit.distributions.positive.rice import Rice
from tests.cases import Case
from tests.oracles import polished


def frozen(rms, shape):
    return stats.rice(shape, scale=rms / np.sqrt(2.0 + shape**2))


#: Steps of a fixed length are cut short where the shape nears its limit, the Rayleigh.
CASE = Case(
    data=frozen(3.0, 2.0).rvs(200, random_state=0),
    optimum=lambda y: polished(frozen, y, [np.sqrt(np.mean(y**2)), 2.0]),
    edged=True,
)


@pytest.mark.parametrize(("shape", "scale"), [(0.3, 2.0), (1.5, 1e-6), (12.0, 3e5)])
def test_rms_and_shape_are_scipys_b_and_scale(shape, scale):
    y = scale * np.array([0.2, 1.0, 3.0, 11.0])
    rms = scale * np.sqrt(2.0 + shape**2)
    assert rms == pytest.approx(np.sqrt(stats.rice(shape, scale=scale).moment(2)))
    found = Rice().log_prob(y, Rice().eta(rms=rms, shape=shape)[None])
    np.testing.assert_allclose(found, stats.rice(shape, scale=scale).logpdf(y), rtol=1e-10)

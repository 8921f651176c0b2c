"""Constraints on parameters: maps from unconstrained to native values.

A distribution declares ``params = {"loc": Real(), "scale": Positive()}``. Each constraint maps
constraint              native values         map
======================  ====================  =========================================
``Real(shape)``         real                  identity
``Positive(shape)``     > 0                   exp
``Reciprocal(shape)``   > 0, infinity at 0    1 / sinh
``Unit(shape)``         in (0, 1)             logistic function
``Simplex(n)``          n numbers, sum 1      softmax relative to the last class
``CholeskyFactor(d)``   lower triangular      exp on the diagonal
``Covariance(d)``       positive definite     L L' of the Cholesky factor
``Between(low, high)``  in (low, high)        logistic function, exp with one end
``Cubic(shape)``        real                  cube root of sinh
``Limited(inner, ..)``  as inner, limited     as inner
``Share(shape)``        in [0, 1)             sinh / (1 + sinh)
``Weights(n)``          n numbers, sum 1      softmax, limited at 1e-8
``CutPositive(..)``     > 0, each limited     exp
``CutCovariance(..)``   positive definite     L L', the diagonal of L limited
======================  ====================  =========================================
=======
a block of the unconstrained vector eta to the native value, here ``scale = exp(eta)``. Each is a
file of this folder, whose class states the map; the page of components lists them all.

All maps are written in ``autograd.numpy`` and take a leading axis of rows.
"""

from natfit._component import lazy_package


def _base() -> type:
    from natfit.bijectors.base import Bijector

    return Bijector


__getattr__, __dir__ = lazy_package(__name__, _base, {})

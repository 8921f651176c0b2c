"""What all tests share."""

import numpy  # noqa: F401
import scipy.linalg  # noqa: F401
from threadpoolctl import threadpool_limits

# The matrices here are small: on shared cores a BLAS that spins up threads for each of them
# takes ten times as long. The limit reaches what is loaded already: numpy's and scipy's.
threadpool_limits(limits=1)

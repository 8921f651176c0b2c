"""What all tests share."""

from threadpoolctl import threadpool_limits

# The matrices here are small: on shared cores a BLAS that spins up threads for each of them
# takes ten times as long.
threadpool_limits(limits=1)

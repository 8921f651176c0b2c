"""The contract of a distribution: parameters, support, what follows from a log-density, starts."""

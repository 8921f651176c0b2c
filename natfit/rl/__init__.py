"""Environments for policies: spaces, built-in dynamics, and adapters for Gymnasium."""

from natfit.rl._checks import EnvironmentFailure
from natfit.rl.actions import Squashed
from natfit.rl.adapters import OneByOne
from natfit.rl.batched import Batched
from natfit.rl.environments.base import Environment
from natfit.rl.make import make_environment
from natfit.rl.spaces import Box, Discrete, MultiBinary, MultiDiscrete, Space
from natfit.rl.vector import Simulated, Step, VectorEnvironment

__all__ = [
    "Batched",
    "Box",
    "Discrete",
    "Environment",
    "EnvironmentFailure",
    "MultiBinary",
    "MultiDiscrete",
    "OneByOne",
    "Simulated",
    "Space",
    "Squashed",
    "Step",
    "VectorEnvironment",
    "make_environment",
]

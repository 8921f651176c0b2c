"""Environments for policies, adapters for Gymnasium, and callbacks of trainings."""

from natfit.rl._checks import EnvironmentFailure
from natfit.rl.actions import Squashed
from natfit.rl.adapters import OneByOne
from natfit.rl.batched import Batched
from natfit.rl.callbacks import EvaluateEvery, KeepBest, StopOnNoImprovement
from natfit.rl.checkpoints import Checkpoint, restore
from natfit.rl.composites import Dict, Tuple
from natfit.rl.environments.base import Environment
from natfit.rl.make import make_environment
from natfit.rl.spaces import Box, Discrete, MultiBinary, MultiDiscrete, Space
from natfit.rl.vector import Simulated, Step, VectorEnvironment

__all__ = [
    "Batched",
    "Box",
    "Checkpoint",
    "Dict",
    "Discrete",
    "Environment",
    "EnvironmentFailure",
    "EvaluateEvery",
    "KeepBest",
    "MultiBinary",
    "MultiDiscrete",
    "OneByOne",
    "Simulated",
    "Space",
    "Squashed",
    "Step",
    "StopOnNoImprovement",
    "Tuple",
    "VectorEnvironment",
    "make_environment",
    "restore",
]

"""Sphinx configuration. The lists of the API reference come from the registries."""

import importlib
import re
from pathlib import Path
from typing import Any

import natfit
from natfit._component import Component, available, component_class
from natfit.distributions.base import Distribution
from natfit.testing import kinds

project = "natfit"
author = "natfit developers"
copyright = author
version = release = natfit.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
templates_path = ["_templates"]
html_theme = "alabaster"
html_theme_options = {"description": "Probabilistic models on the natural gradient"}
autosummary_generate = True
# The class template lists the members that a class defines itself.
numpydoc_show_class_members = False
# Methods of metadata routing, whose docstrings refer to scikit-learn's own manual.
_ROUTING = ("fit", "score", "predict", "predict_proba")
autodoc_default_options = {
    "exclude-members": ", ".join(f"set_{name}_request" for name in _ROUTING)
    + ", get_metadata_routing"
}

TOP = [
    "Censored",
    "NaturalMLE",
    "NaturalGaussianMLE",
    "NaturalPolicyEstimator",
    "compare",
    "fit",
    "minimize",
    "natural_gradient",
    "power_law_tail",
    "Status",
]


def _classes(base: type[Component]) -> list[str]:
    """Return the dotted names of the base and of what its registry finds."""
    found = [component_class(name, base) for name in available(base)]
    return [f"{cls.__module__}.{cls.__qualname__}" for cls in (base, *found)]


def _section(title: str, names: list[str]) -> str:
    lines = [title, "-" * len(title), "", ".. autosummary::", "   :toctree: api", ""]
    return "\n".join([*lines, *(f"   {name}" for name in names), "", ""])


def _write_reference() -> None:
    """Write api.rst, which lists what the package exports and what the registries hold."""
    parts = ["API reference\n=============\n\n"]
    parts.append(_section("Top level", [f"natfit.{name}" for name in TOP]))
    for base in kinds():
        names = _classes(base)
        if base is Distribution:
            names.append("natfit.distributions.custom.from_log_prob.from_log_prob")
            names.append("natfit.distributions.custom.from_scipy.from_scipy")
        parts.append(_section(base.__name__, names))
    display = importlib.import_module("natfit.display")
    parts.append(_section("Displays", [f"natfit.display.{name}" for name in display.__all__]))
    rl = ["history.PolicyHistory", "history.LoggedHistory", "stopping.TrainingStatus"]
    rl += ["policy.Policy", "evaluation.Evaluation", "make.make_environment"]
    rl += ["vector.VectorEnvironment", "vector.Simulated", "vector.Step", "EnvironmentFailure"]
    rl += ["Box", "Discrete", "MultiBinary", "MultiDiscrete", "advantages.gae"]
    parts.append(_section("Policies", [f"natfit.rl.{name}" for name in rl]))
    engine = ["optimize.run.run", "optimize.loop.descend", "optimize.loop.advance"]
    engine += ["optimize.engine.Engine", "optimize.run.Fit", "optimize.messages.Verdict"]
    engine += ["optimize.history.History", "iterate.iterate.Iterate", "iterate.local.Local"]
    engine += ["iterate.trial.Trial", "iterate.trial.Why"]
    parts.append(_section("The loop", [f"natfit.{name}" for name in engine]))
    testing = getattr(importlib.import_module("natfit.testing"), "__all__", [])
    if testing:
        parts.append(_section("Testing", [f"natfit.testing.{name}" for name in testing]))
    Path(__file__).with_name("api.rst").write_text("".join(parts), encoding="utf-8")


#: Literals, which are not changed, and the characters that formulas in prose share with markup.
_LITERAL_OR_MARKUP = re.compile(r"(``.+?``|:\w+:`.+?`)|(?<!\\)([*|])")


def _escape(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Escape * and | in prose, because the docstrings here have formulas but no emphasis."""
    literal = False
    for i, line in enumerate(lines):
        # An indented block after a double colon is literal.
        if literal and line and not line.startswith(" "):
            literal = False
        if not literal and not line.startswith((">>>", "...")):
            lines[i] = _LITERAL_OR_MARKUP.sub(lambda m: m[1] if m[1] else "\\" + m[2], line)
        literal = literal or line.endswith("::")


def setup(app: Any) -> None:
    """Run before numpydoc rewrites the docstrings."""
    app.connect("autodoc-process-docstring", _escape, priority=100)


_write_reference()

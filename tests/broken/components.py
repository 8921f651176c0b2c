"""Components of any kind that are wrong on purpose."""

from natfit import testing
from natfit._component import Component
from natfit.steps.fixed import FixedStep
from tests.broken import caught_by

CHECKS = testing.COMPONENT_CHECKS


@caught_by("clones_equal", "set_params_changes")
class Rewrites(Component):
    """The constructor changes its argument."""

    _package = "natfit.steps"

    def __init__(self, size=(1,)):
        self.size = list(size)


@caught_by("pickles_equal", args=(lambda: 0,))
class Closure(Component):
    """A lambda in the constructor: it does not pickle."""

    _package = "natfit.steps"

    def __init__(self, fun=None):
        self.fun = fun


@caught_by("repr_names_class")
class Nameless(FixedStep):
    """repr() hides what it is."""

    def __repr__(self):
        return "<step>"


@caught_by("resolves_to_itself", args=(1.0,))
class NeedsArguments(FixedStep):
    """The class alone cannot be called: it has no defaults."""

    def __init__(self, length):
        super().__init__(length)

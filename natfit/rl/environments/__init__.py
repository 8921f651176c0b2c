"""Built-in environments: vectorised dynamics, one file each; ``start``, ``step``, ``observe``."""

from natfit._component import lazy_package


def _base() -> type:
    from natfit.rl.environments.base import Environment

    return Environment


__getattr__, __dir__ = lazy_package(__name__, _base, {})

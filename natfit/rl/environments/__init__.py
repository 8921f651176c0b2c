"""Built-in environments, one file each: vectorised ``start``, ``step`` and ``observe``."""

from natfit._component import lazy_package


def _base() -> type:
    from natfit.rl.environments.base import Environment

    return Environment


__getattr__, __dir__ = lazy_package(__name__, _base, {})

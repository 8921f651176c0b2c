"""TensorBoard's event files, written by its own package without any framework."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from typing import Any

from natfit._extras import missing

#: Columns of times, and the folder of TensorBoard in which a column is shown.
_FOLDERS = {"seconds": "time", "info": "info", "mean": "rollout", "std": "rollout"}


class EventWriter:
    """Writes scalars to one new event file in a directory; ``close`` or a ``with`` block ends it.

    Parameters
    ----------
    path : str or path-like
        The directory of the run.

    Raises
    ------
    ImportError
        If the package tensorboard is not installed.
    """

    def __init__(self, path: Any):
        try:
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError:
            raise ImportError(
                missing("writing for TensorBoard", "tensorboard", "tensorboard")
            ) from None
        self._event, self._summary = event_pb2.Event, summary_pb2.Summary
        self._writer = EventFileWriter(os.fspath(path))

    def write(self, scalars: Mapping[str, float], step: int) -> None:
        """Add numbers by their names at a step; those that are not finite are left out."""
        values = [
            self._summary.Value(tag=_tag(name), simple_value=float(value))
            for name, value in scalars.items()
            if math.isfinite(value)
        ]
        event = self._event(
            wall_time=time.time(), step=int(step), summary=self._summary(value=values)
        )
        self._writer.add_event(event)

    def close(self) -> None:
        """Write what is still in memory, and close the file."""
        self._writer.close()

    def __enter__(self) -> EventWriter:
        """Return the writer, which is closed at the end of the block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file, also after an error."""
        self.close()


def write_history(history: Mapping[str, Any], path: Any) -> None:
    """Write every row of a history of updates at the number of steps played so far.

    Parameters
    ----------
    history : PolicyHistory
        Columns by name; without ``env_steps`` rows are numbered.
    path : str or path-like
        The directory of the run.

    Raises
    ------
    ImportError
        If the package tensorboard is not installed.
    """
    columns = {name: list(history[name]) for name in history if name != "env_steps"}
    n = len(next(iter(columns.values()), []))
    steps = list(history["env_steps"]) if "env_steps" in history else list(range(n))
    with EventWriter(path) as writer:
        for row in range(n):
            writer.write({name: values[row] for name, values in columns.items()}, steps[row])


def _tag(name: str) -> str:
    """Return the name of a column in TensorBoard: its folder and itself."""
    return f"{_FOLDERS.get(name.split('_')[0], 'train')}/{name}"

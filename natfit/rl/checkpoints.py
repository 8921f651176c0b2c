"""Checkpoints: a training is stored while it runs, and goes on from the file bit for bit."""

from __future__ import annotations

import json
import os
import pickle
import uuid
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from natfit._stored import heading
from natfit._validation import answers_keywords, check_number
from natfit.rl.callbacks import UpdateCallback, fit_of

#: The first bytes of a checkpoint; a line of JSON and the pickled estimator follow.
_MAGIC = b"natfit checkpoint\n"


class Checkpoint(UpdateCallback[dict]):
    """Store the estimator every ``every`` updates, and at the end of the fit.

    A file is written beside its place and then moved there, so that a training that is killed
    leaves a complete one. :func:`restore` reads it. Within a grid search, where there are several
    fits, the numbers of a fit's tasks are put before the ending: ``agent.2.0.pkl``.

    Parameters
    ----------
    path : str or path
        The file of the newest checkpoint; its folder is made if it does not exist.
    every : int, default=10
        Number of updates from one checkpoint to the next, >= 1.
    keep_last : int, default=1
        Number of checkpoints that are kept, >= 1. Above 1 each is also written under a name with
        its number of updates, ``agent-00000010.pkl``.

    Raises
    ------
    ValueError, TypeError
        If an option cannot be used, or, when the fit begins, if the path is a folder.
    pickle.PicklingError
        When the fit begins, if the estimator cannot be stored, for instance for a lambda as env.
    """

    @answers_keywords
    def __init__(self, path: Any, every: int = 10, *, keep_last: int = 1):
        super().__init__()
        if not isinstance(path, str | os.PathLike) or not os.fspath(path):
            raise TypeError(
                f"path must be the name of a file, such as 'agent.pkl', got {path!r}; pass a str "
                "or a pathlib.Path"
            )
        self.path = Path(path)
        self.every = int(check_number(every, "every", low=1, integer=True, unit="updates"))
        self.keep_last = int(check_number(keep_last, "keep_last", low=1, integer=True))

    @property
    def paths(self) -> list[Path]:
        """The files of the last fit that are kept, the newest last."""
        return list(self._latest()["paths"])

    def setup(self, estimator: Any, context: Any) -> None:
        """Check, before a fit, that the estimator and the path can be used."""
        super().setup(estimator, context)
        if self.path.is_dir():
            raise ValueError(f"path must be a file, got the folder {str(self.path)!r}")
        pickle.dumps(estimator)
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        """Store the estimator after an update, if it is time, or after the fit."""
        if fitted_estimator is None:
            return
        kept, n = self._run(estimator, context), fitted_estimator.n_iter_
        due = n % self.every == 0 or context.task_name != "iteration"
        if due and kept["n_iter"] != n:
            self._store(kept, fit_of(context)[2:], fitted_estimator)
            kept["n_iter"] = n

    def _new(self) -> dict:
        return {"n_iter": None, "paths": ()}

    def _store(self, kept: dict, numbers: tuple, fitted: Any) -> None:
        """Write a checkpoint, and delete the oldest one beyond those that are kept."""
        within = "".join(f".{number}" for number in numbers)
        place = self.path.with_name(f"{self.path.stem}{within}{self.path.suffix}")
        content = _packed(fitted)
        paths = list(kept["paths"])
        if self.keep_last > 1:
            paths.append(place.with_name(f"{place.stem}-{fitted.n_iter_:08d}{place.suffix}"))
            _write(paths[-1], content)
        else:
            paths = [place]
        _write(place, content)
        for old in paths[: -self.keep_last]:
            with suppress(FileNotFoundError):
                old.unlink()
        kept["paths"] = tuple(paths[-self.keep_last :])


def _packed(fitted: Any) -> bytes:
    """Return the bytes of a checkpoint."""
    stored = pickle.dumps(fitted)
    head = {**heading(type(fitted).__name__), "bytes": len(stored), "crc32": zlib.crc32(stored)}
    return _MAGIC + json.dumps(head).encode() + b"\n" + stored


def _write(path: Path, content: bytes) -> None:
    """Write a file that is complete whenever it can be seen under its name."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()


def restore(path: Any) -> Any:
    """Return the estimator of a checkpoint, with ``warm_start=True``, so that ``fit`` goes on.

    The fit goes on bit for bit as if it had not stopped, if the running episodes could be stored.
    It has no callbacks. Set ``max_iter`` or ``max_env_steps``, which are totals, to go on further.
    As with any pickle, reading runs what the file says: read only files that you trust.

    Parameters
    ----------
    path : str or path
        A file that :class:`Checkpoint` has written.

    Returns
    -------
    NaturalPolicyEstimator
        The estimator after its last update.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no checkpoint, is damaged, was written by another version of natfit, or needs
        classes that cannot be imported.

    Examples
    --------
    >>> import tempfile
    >>> from natfit import NaturalPolicyEstimator
    >>> from natfit.rl import Checkpoint, restore
    >>> folder = tempfile.TemporaryDirectory()
    >>> agent = NaturalPolicyEstimator("cartpole", max_iter=4, random_state=0)
    >>> _ = agent.set_callbacks(Checkpoint(f"{folder.name}/agent.pkl", every=2)).fit()
    >>> longer = restore(f"{folder.name}/agent.pkl").set_params(max_iter=6).fit()
    >>> longer.n_iter_
    6
    >>> folder.cleanup()
    """
    content = Path(path).read_bytes()
    name, parts = os.fspath(path), content.split(b"\n", 2)
    if not content.startswith(_MAGIC) or len(parts) < 3:
        raise ValueError(
            f"path must be a file that natfit.rl.Checkpoint has written, got {name!r}, which is "
            "not; read other pickles with pickle.load or joblib.load"
        )
    try:
        head, stored = json.loads(parts[1]), parts[2]
        whole = (len(stored), zlib.crc32(stored)) == (head["bytes"], head["crc32"])
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise ValueError(
            f"checkpoint {name!r} is damaged or not complete; restore another one, such as an "
            "older one that keep_last has kept"
        )
    version = heading("")["natfit"]
    if head["natfit"] != version:
        raise ValueError(
            f"checkpoint {name!r} was written by natfit {head['natfit']}, and this is natfit "
            f"{version}; install that version to go on bit for bit"
        )
    try:
        estimator = pickle.loads(stored)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"checkpoint {name!r} needs what cannot be imported here ({error}); make the modules "
            "of the environment and of the components importable"
        ) from error
    return estimator.set_params(warm_start=True)

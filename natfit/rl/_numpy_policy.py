"""A trained policy in numpy alone; this text travels with the policies that it describes."""

from typing import Any

import numpy as np


class NumpyPolicy:
    """A policy as a function of observations; it needs numpy and nothing else.

    Parameters
    ----------
    parts : dict of str to ndarray
        Spaces, normaliser, weights and limits; ``save`` writes them.
    source : str
        The text of this file, which a stored policy carries along.
    """

    def __init__(self, parts: Any, source: Any):
        """Keep the arrays, and the text of this file."""
        self.parts = {name: np.asarray(value) for name, value in parts.items()}
        self.source = str(source)

    def __repr__(self) -> str:
        """Return the shape of an observation and the kind of actions."""
        shape, kind = self.parts["observation_shape"].tolist(), self.parts["actions"]
        return f"NumpyPolicy(observation_shape={tuple(shape)}, actions={str(kind)!r})"

    def __call__(self, observations: Any) -> np.ndarray:
        """Return the most probable actions; see :meth:`predict`."""
        return self.predict(observations)

    def predict(self, observations: Any) -> np.ndarray:
        """Return the most probable action of each observation (n, *shape), or of one (*shape)."""
        eta, rows = self._eta(observations)
        kind = str(self.parts["actions"])
        if kind == "box":
            return self._decoded(self._middle(eta))[rows]
        if kind == "multi_binary":
            return self._decoded((eta > 0).astype(np.int8))[rows]
        return self._decoded(np.stack([p.argmax(axis=1) for p in self._logits(eta)], axis=1))[rows]

    def sample(self, observations: Any, rng: Any = None) -> np.ndarray:
        """Return an action drawn for each observation, by ``rng``, a seed or a Generator."""
        rng = np.random.default_rng(rng)
        eta, rows = self._eta(observations)
        kind = str(self.parts["actions"])
        if kind == "box":
            loc, spread = self._middle(eta), self._spread(eta)
            if self.parts["beta"]:
                return self._decoded(rng.beta(1.0 + loc * spread, 1.0 + (1.0 - loc) * spread))[rows]
            return self._decoded(loc + spread * rng.standard_normal(loc.shape))[rows]
        if kind == "multi_binary":
            return self._decoded((rng.random(eta.shape) < _sigmoid(eta)).astype(np.int8))[rows]
        drawn = [
            np.minimum((rng.random((len(p), 1)) >= p.cumsum(axis=1)).sum(axis=1), p.shape[1] - 1)
            for p in map(_softmax, self._logits(eta))
        ]
        return self._decoded(np.stack(drawn, axis=1))[rows]

    def predict_proba(self, observations: Any) -> np.ndarray:
        """Return the probability of every discrete action, (n, classes), or (classes,) of one."""
        eta, rows = self._eta(observations)
        kind = str(self.parts["actions"])
        if kind == "box":
            raise AttributeError("predict_proba needs discrete actions; this policy's are real")
        if kind == "multi_binary":
            return _sigmoid(eta)[rows]
        return np.concatenate([_softmax(p) for p in self._logits(eta)], axis=1)[rows]

    def save(self, path: Any) -> None:
        """Write the arrays and the text of this file to an .npz, which needs no natfit to be read.

        To read it::

            data = dict(numpy.load(path))
            code = {}
            exec(str(data.pop("source")), code)
            policy = code["NumpyPolicy"](data, "")
        """
        arrays: Any = {"source": np.array(self.source), **self.parts}
        np.savez(path, **arrays)

    def __reduce__(self) -> Any:
        """Pickle with the text of this file, so that natfit is not needed to load."""
        build = "(lambda code: (exec(source, code), code['NumpyPolicy'](parts, source))[1])({})"
        return eval, (build, {"source": self.source, "parts": self.parts})

    # ------------------------------------------------------------------------------ steps

    def _eta(self, observations: Any) -> tuple[np.ndarray, Any]:
        """Return what the distribution of actions is given, (n, K), and which rows to return."""
        parts = self.parts
        values, shape = np.asarray(observations), tuple(parts["observation_shape"].tolist())
        rows: Any = slice(None)
        if values.shape == shape:
            values, rows = values[None], 0
        if values.ndim != 1 + len(shape) or values.shape[1:] != shape:
            raise ValueError(f"observations must have shape (n, *{shape}), got {values.shape}")
        x = self._encoded(values.reshape(len(values), -1))
        if not np.isfinite(x).all():
            raise ValueError("observations must be finite")
        if "mean" in parts:
            x = np.clip((x - parts["mean"]) / parts["scale"], -parts["limit"], parts["limit"])
        if "eta" in parts:
            return np.repeat(parts["eta"][None], len(x), axis=0), rows
        for k in range(int(parts["layers"])):
            if k:
                x = _ACTIVATIONS[str(parts["activation"])](x)
            x = x @ parts[f"layer{k}"][:-1] + parts[f"layer{k}"][-1]
        eta = np.empty((len(x), len(parts["varying"]) + len(parts["constant"])))
        eta[:, parts["varying"]], eta[:, parts["constant"]] = x, parts["constants"]
        return eta, rows

    def _encoded(self, values: np.ndarray) -> np.ndarray:
        """Return observations (n, size) as features (n, D): indicators of whole numbers."""
        parts = self.parts
        if "observation_counts" not in parts:
            return values.astype(np.float64)
        counts = parts["observation_counts"]
        index = values - parts["observation_start"]
        if not ((index >= 0) & (index < counts) & (index == np.floor(index))).all():
            raise ValueError("observations must lie in their space")
        columns = np.repeat(np.arange(len(counts)), counts)
        each = np.concatenate([np.arange(k) for k in counts])
        return (index[:, columns] == each).astype(np.float64)

    def _logits(self, eta: np.ndarray) -> list[np.ndarray]:
        """Return log odds (n, classes) of every element of the actions, the last class at 0."""
        counts = self.parts["action_counts"]
        ends = np.cumsum(counts - 1)
        zero = np.zeros((len(eta), 1))
        blocks = zip(ends - (counts - 1), ends, strict=True)
        return [np.hstack([eta[:, start:end], zero]) for start, end in blocks]

    def _middle(self, eta: np.ndarray) -> np.ndarray:
        """Return the most probable z (n, A) of real actions."""
        loc = eta[:, self.parts["loc"]]
        return _sigmoid(loc) if self.parts["beta"] else loc

    def _spread(self, eta: np.ndarray) -> np.ndarray:
        """Return deviations, or concentrations of beta distributions, (n, A)."""
        logs, parts = eta[:, self.parts["log_spread"]], self.parts
        if "spread_half" in parts:
            half = parts["spread_half"]
            logs = parts["spread_middle"] + half * np.tanh(logs / half)
        return np.exp(logs)

    def _decoded(self, values: np.ndarray) -> np.ndarray:
        """Return values (n, A) as actions (n, *shape), in their unit and cut to their limits."""
        parts = self.parts
        shape = (len(values), *parts["action_shape"].tolist())
        if str(parts["actions"]) == "box":
            z = np.tanh(values) if parts["squashed"] else values
            actions = parts["origin"] + parts["unit"] * z
            return np.clip(actions, parts["low"], parts["high"]).reshape(shape)
        if str(parts["actions"]) == "multi_binary":
            return values.reshape(shape)
        return (values + parts["action_start"]).reshape(shape)


def _sigmoid(z: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-z))."""
    return np.exp(-np.logaddexp(0.0, -z))


def _softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities (n, classes)."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


_ACTIVATIONS: dict[str, Any] = {
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
    "softplus": lambda z: np.logaddexp(0.0, z),
    "sigmoid": _sigmoid,
    "identity": lambda z: z,
}

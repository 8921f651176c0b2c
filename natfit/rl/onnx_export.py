"""Export of policies as graphs of ONNX, made from the same parts as the function of numpy alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from natfit._extras import missing
from natfit.rl.export import to_numpy

if TYPE_CHECKING:
    from natfit.rl.policy import Policy

#: Version of the operators and of the format: old ones, which any runtime since 2021 can read.
_OPSET, _IR_VERSION = 13, 7

_ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu", "sigmoid": "Sigmoid"}


def to_onnx(policy: Policy, path: Any = None) -> Any:
    """Return a policy as a graph of ONNX, for runtimes without Python.

    Input ``observations`` (n, *shape) in double, as the environment gives them; output ``actions``
    (n, *action shape), the most probable ones, in double, or whole numbers for discrete spaces.
    The graph checks nothing: observations that are not finite or not in a discrete space are
    refused by ``to_numpy`` alone.

    Parameters
    ----------
    policy : Policy
        The policy of a fitted estimator.
    path : str or path-like, optional
        File to write the graph to.

    Returns
    -------
    onnx.ModelProto
        The graph, as checked by ``onnx.checker``.

    Raises
    ------
    ImportError
        If the package onnx (the extra ``onnx``) is not installed.
    TypeError
        If path is not a path.
    ValueError
        If the policy's model, distribution or spaces cannot be exported.

    Notes
    -----
    All numbers are double, so that the actions are the policy's up to rounding.
    """
    if path is not None and (not isinstance(path, str | os.PathLike) or not os.fspath(path)):
        raise TypeError(
            f"path must be the name of a file, such as 'policy.onnx', or None, got {path!r}; pass "
            "a str or a pathlib.Path"
        )
    try:
        import onnx
    except ImportError:
        raise ImportError(missing("to_onnx", "onnx", "onnx")) from None
    parts = to_numpy(policy).parts
    graph = _Graph(onnx)
    x = _decoded(graph, parts, graph.layers(_normalised(graph, parts), parts))
    graph.add("Identity", x, out="actions")
    model = graph.model(parts)
    onnx.checker.check_model(model, full_check=True)
    if path is not None:
        onnx.save(model, os.fspath(path))
    return model


def _normalised(graph: _Graph, parts: dict[str, np.ndarray]) -> str:
    """Add what encodes and standardises observations: (n, *shape) to (n, D)."""
    # A 0 keeps the number of rows.
    x = graph.add("Reshape", "observations", np.array([0, parts["observation_shape"].prod()]))
    if "observation_counts" in parts:
        counts, start = parts["observation_counts"], parts["observation_start"]
        columns = np.repeat(np.arange(len(counts)), counts)
        values = np.concatenate(
            [first + np.arange(k) for first, k in zip(start, counts, strict=True)]
        )
        x = graph.add("Gather", x, columns, axis=1)
        x = graph.add("Cast", graph.add("Equal", x, values.astype(np.float64)), to=graph.double)
    if "mean" in parts:
        x = graph.add("Div", graph.add("Sub", x, parts["mean"]), parts["scale"])
        x = graph.add("Clip", x, -parts["limit"].astype(float), parts["limit"].astype(float))
    return x


def _last(parts: dict[str, np.ndarray], width: int) -> np.ndarray:
    """Return the last layer (width + 1, columns), of what actions need of eta."""
    # What does not depend on observations is a bias with weights 0; so is a last class, at 0.
    if "eta" in parts:
        full = np.vstack([np.zeros((width, len(parts["eta"]))), parts["eta"]])
    else:
        layer = parts[f"layer{int(parts['layers']) - 1}"]
        full = np.zeros((len(layer), len(parts["varying"]) + len(parts["constant"])))
        full[:, parts["varying"]], full[-1, parts["constant"]] = layer, parts["constants"]
    kind = str(parts["actions"])
    if kind == "box":
        return full[:, parts["loc"]]
    if kind == "multi_discrete":
        return np.insert(full, np.cumsum(parts["action_counts"] - 1), 0.0, axis=1)
    return full


def _decoded(graph: _Graph, parts: dict[str, np.ndarray], x: str) -> str:
    """Add what makes actions (n, *shape) of the last layer's outputs."""
    kind, counts = str(parts["actions"]), parts.get("action_counts")
    if counts is not None:
        blocks = np.split(np.arange(counts.sum()), np.cumsum(counts)[:-1])
        each = [graph.add("ArgMax", graph.add("Gather", x, b, axis=1), axis=1) for b in blocks]
        x = graph.add("Concat", *each, axis=1)
        x = graph.add("Add", x, parts["action_start"].astype(np.int64))
    elif kind == "multi_binary":
        x = graph.add("Cast", graph.add("Greater", x, np.array(0.0)), to=graph.int8)
    else:
        if parts["beta"]:
            x = graph.add("Sigmoid", x)
        if parts["squashed"]:
            x = graph.add("Tanh", x)
        x = graph.add("Add", graph.add("Mul", x, parts["unit"]), parts["origin"])
        # Clip has one limit for all columns.
        x = graph.add("Min", graph.add("Max", x, parts["low"]), parts["high"])
    return graph.add("Reshape", x, np.array([0, *parts["action_shape"].tolist()]))


class _Graph:
    """Nodes and arrays of a graph in the order in which they are added."""

    def __init__(self, onnx: Any):
        """Start an empty graph."""
        self._onnx, self._nodes, self._arrays = onnx, [], []  # type: ignore[var-annotated]
        self.double, self.int8 = onnx.TensorProto.DOUBLE, onnx.TensorProto.INT8

    def add(self, operator: str, *inputs: Any, out: str = "", **attributes: Any) -> str:
        """Add a node whose inputs are names or arrays, and return the name of its output."""
        names = [x if isinstance(x, str) else self._array(np.asarray(x)) for x in inputs]
        out = out or f"{operator.lower()}{len(self._nodes)}"
        node = self._onnx.helper.make_node(operator, names, [out], **attributes)
        self._nodes.append(node)
        return out

    def layers(self, x: str, parts: dict[str, np.ndarray]) -> str:
        """Add the layers of a model on features named x."""
        inner = max(int(parts.get("layers", 1)) - 1, 0)
        for k in range(inner):
            layer = parts[f"layer{k}"]
            x = self._activated(self.add("Gemm", x, layer[:-1], layer[-1]), parts)
        last = _last(parts, _width(parts))
        return self.add("Gemm", x, last[:-1], last[-1])

    def model(self, parts: dict[str, np.ndarray]) -> Any:
        """Return the graph with its input and output."""
        make, types = self._onnx.helper, self._onnx.TensorProto
        kinds = {"box": types.DOUBLE, "multi_binary": types.INT8, "multi_discrete": types.INT64}
        ends = [
            make.make_tensor_value_info(name, kind, ["n", *shape.tolist()])
            for name, kind, shape in (
                ("observations", types.DOUBLE, parts["observation_shape"]),
                ("actions", kinds[str(parts["actions"])], parts["action_shape"]),
            )
        ]
        graph = make.make_graph(self._nodes, "policy", ends[:1], ends[1:], self._arrays)
        opset = [make.make_opsetid("", _OPSET)]
        options = {"ir_version": _IR_VERSION, "producer_name": "natfit"}
        return make.make_model(graph, opset_imports=opset, **options)

    def _activated(self, x: str, parts: dict[str, np.ndarray]) -> str:
        """Add the activation of hidden units."""
        name = str(parts["activation"])
        if name == "softplus":
            # Runtimes have Softplus in single precision alone: max(z, 0) + log(1 + exp(-|z|)).
            small = self.add("Exp", self.add("Neg", self.add("Abs", x)))
            small = self.add("Log", self.add("Add", small, np.array(1.0)))
            return self.add("Add", self.add("Relu", x), small)
        return x if name == "identity" else self.add(_ACTIVATIONS[name], x)

    def _array(self, value: np.ndarray) -> str:
        """Keep an array, and return its name."""
        name = f"array{len(self._arrays)}"
        value = np.ascontiguousarray(value).reshape(value.shape)
        self._arrays.append(self._onnx.numpy_helper.from_array(value, name))
        return name


def _width(parts: dict[str, np.ndarray]) -> int:
    """Return the number D of features."""
    counts = parts.get("observation_counts")
    return int(parts["observation_shape"].prod() if counts is None else counts.sum())

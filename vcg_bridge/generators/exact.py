"""The tie rule: doubtful views are drawn again in double precision (docs/adr/0001-ties.md).

float32 sums depend on the machine, the batch size and the number of threads. Where the best two classes of a pixel are
closer than TAU times the largest logit around it, far more than that noise, the view is evaluated here with numpy in
float64; there the best class wins, and of those within TIE of it the lowest. So the classes do not depend on how a view
was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from vcg_bridge.contract.errors import BundleError
from vcg_bridge.contract.manifest import Network
from vcg_bridge.generators.graph import attribute_value, broken, check_sizes, read_graph, tensor_array
from vcg_bridge.generators.operators import OPERATORS, Array, Operator

TAU = 5.5e-5
"""Share of the largest absolute logit around a pixel; where its best two classes are closer, the view is drawn again.

More than 10 times the largest error of float32 that was measured."""

TIE = 1e-9
"""The same in float64: classes that close count as equal. Far above float64's noise, far below what a network means."""

AROUND = 2
"""Pixels each way that "around" reaches: convolutions of the last layers share what those pixels are made of."""

_Step = tuple[Operator, dict[str, Any], list[str], list[str]]
"""An operator, its attributes, the names of its inputs and outputs."""


class ExactNetwork:
    """A float64 evaluator of one ONNX graph of our kind. Immutable after construction; safe in threads."""

    def __init__(self, network: Network, data: bytes, source: str) -> None:
        """`data`: the .onnx file, `source`: its path for messages. Raises BundleError for anything it cannot evaluate."""
        self._network, self._source = network, source
        graph = read_graph(data, source)
        self._constants: dict[str, Array] = {}
        self._prepare: list[_Step] = []  # of constants alone: casts of half-precision weights
        self._steps: list[_Step] = []
        self._prepared: set[str] = set()
        for tensor in graph.initializer:
            self._constants[tensor.name] = tensor_array(tensor, source)
        for node in graph.node:
            self._add(node)
        known = {network.code_input, network.view_input, *self._constants}
        for _, _, inputs, outputs in (*self._prepare, *self._steps):
            missing = [x for x in inputs if x and x not in known]
            if missing:
                broken(source, f"the graph uses {missing[0]!r} before anything makes it")
            known.update(outputs)
        if network.output not in known:
            broken(source, f"the graph has no output {network.output!r}")
        check_sizes(data, source)

    def _add(self, node: NodeProto) -> None:
        attributes = {x.name: attribute_value(x, self._source) for x in node.attribute}
        if node.op_type == "Constant" and node.output:
            value = np.array(next(iter(attributes.values()), 0))
            if value.dtype.kind not in "fiub":
                broken(self._source, f"the constant {node.output[0]!r} is no number")
            self._constants[node.output[0]] = value
            return
        operator = OPERATORS.get(node.op_type)
        if operator is None or node.domain not in ("", "ai.onnx"):
            raise BundleError(
                f"{self._source}: VCG Bridge does not draw with the operator {node.op_type!r}",
                hint=f"export the network with {', '.join(sorted(OPERATORS))}",
            )
        step = (operator, attributes, list(node.input), list(node.output))
        if all(x in self._constants or x in self._prepared for x in node.input):
            self._prepare.append(step)
            self._prepared.update(node.output)
        else:
            self._steps.append(step)

    @np.errstate(all="ignore")  # numbers that are not finite are told of by who draws
    def logits(self, codes: NDArray[np.float32], views: NDArray[np.int64]) -> NDArray[np.float64]:
        """float32 [N, z_dim], int64 [N] -> float64 [N, classes, height, width]. Each row is computed on its own."""
        # Weights are kept as they are in the file and widened for each call: calls are rare, memory is not free.
        weights = {k: v.astype(np.float64) if v.dtype.kind == "f" else v for k, v in self._constants.items()}
        network, rows = self._network, []
        try:
            _run(self._prepare, weights)
            for i in range(len(views)):
                values = weights | {network.code_input: codes[i : i + 1].astype(np.float64)}
                values[network.view_input] = views[i : i + 1]
                _run(self._steps, values)
                rows.append(values[network.output])
            result: NDArray[np.float64] = np.concatenate(rows)
        except (ValueError, IndexError, KeyError, TypeError, AttributeError, MemoryError) as error:
            broken(self._source, f"the graph cannot be evaluated ({error})")
        return result


def _run(steps: list[_Step], values: dict[str, Array]) -> None:
    """Run the steps in order on named values."""
    for operator, attributes, inputs, outputs in steps:
        made = operator(attributes, *(values[x] if x else None for x in inputs))
        values.update(zip(outputs, made if isinstance(made, list) else [made], strict=True))


@dataclass(frozen=True)
class Decision:
    """What the logits of some views say."""

    classes: NDArray[np.uint8]  # [N, h, w]
    margin: NDArray[np.float64]  # [N]: smallest distance of best and second-best logit over a view's pixels
    doubtful: NDArray[np.bool_]  # [N]: float32 cannot be relied upon


def decide(logits: NDArray[np.floating[Any]], classes: int, exact: bool = False) -> Decision:
    """The class of each pixel, of the first `classes` ones, from logits [N, >= classes, h, w].

    The largest logit wins, of equal ones the lowest class. With `exact`, those within TIE of the largest are equal.
    """
    best, size = logits[:, 0].copy(), np.abs(logits[:, 0])
    second = np.full_like(best, -np.inf)
    for c in range(1, classes):
        plane = logits[:, c]
        np.maximum(second, np.minimum(best, plane), out=second)
        np.maximum(best, plane, out=best)
        np.maximum(size, np.abs(plane), out=size)
    scale = largest_around(size)
    edge = best - TIE * scale if exact else best
    chosen = np.zeros(best.shape, np.uint8)
    for c in reversed(range(classes)):
        chosen[logits[:, c] >= edge] = c
    lead = best - second
    doubtful: NDArray[np.bool_] = np.any(lead < TAU * scale, axis=(1, 2))
    return Decision(chosen, lead.min(axis=(1, 2)).astype(np.float64), doubtful)


def largest_around(size: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """The maximum over the square of AROUND pixels each way, [N, h, w] -> [N, h, w]."""
    for axis in (1, 2):
        lines, widest = np.moveaxis(size, axis, 0), np.moveaxis(size.copy(), axis, 0)
        for step in range(1, AROUND + 1):
            np.maximum(widest[step:], lines[:-step], out=widest[step:])
            np.maximum(widest[:-step], lines[step:], out=widest[:-step])
        size = np.moveaxis(widest, 0, axis)
    return size

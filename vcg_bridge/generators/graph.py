"""The graph of an .onnx file, checked before anything of it is run: a bundle comes from somewhere else.

ONNX can hold loops, data in other files, functions, and graphs that are small in the file and endless in memory. Ours are
plain chains of operators, so whatever else is there is refused, and the size of every intermediate value and the work of
drawing one view are known from the file.
"""

from __future__ import annotations

from math import prod
from typing import Any, NoReturn

import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, GraphProto, ModelProto, TensorProto, helper, numpy_helper, shape_inference

from vcg_bridge.contract.errors import BundleError

MOST_ELEMENTS = 1 << 24
"""Of one intermediate value, for one view. The shipped networks have at most 170,000."""

MOST_WORK = 1 << 33
"""Multiplications of one view: seconds. The shipped networks need at most 35 million."""

_PLAIN = (AttributeProto.FLOAT, AttributeProto.INT, AttributeProto.STRING, AttributeProto.FLOATS, AttributeProto.INTS)


def read_graph(data: bytes, source: str) -> GraphProto:
    """The graph of an .onnx file. `source`: its path, for messages. Raises BundleError for what is not a graph of our kind."""
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:  # protobuf's DecodeError has no public name
        broken(source, f"is not an ONNX file ({error})")
    foreign = {x.domain for x in model.opset_import} - {"", "ai.onnx"}
    if foreign or model.functions:
        broken(source, f"uses operators beyond ONNX's own: {', '.join(sorted(foreign))}")
    if model.graph.sparse_initializer:
        broken(source, "has sparse tensors")
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.type not in _PLAIN and (node.op_type, attribute.type) != ("Constant", AttributeProto.TENSOR):
                broken(source, f"{node.op_type!r} has an attribute {attribute.name!r} that is no plain number or text")
    return model.graph


def attribute_value(attribute: AttributeProto, source: str) -> Any:
    """Its value: int, float, bytes, a list of the first two, or an array. Raises BundleError."""
    if attribute.type == AttributeProto.TENSOR:
        return tensor_array(attribute.t, source)
    return helper.get_attribute_value(attribute)


def tensor_array(tensor: TensorProto, source: str) -> NDArray[Any]:
    """The tensor's numbers. Data outside the file is refused: it could be any file of this machine. Raises BundleError."""
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        broken(source, f"the tensor {tensor.name!r} lies in another file")
    try:
        array = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, OverflowError, MemoryError, AttributeError) as error:
        broken(source, f"the tensor {tensor.name!r} is damaged ({error})")
    if array.dtype.kind not in "fiub":
        broken(source, f"the tensor {tensor.name!r} holds {array.dtype}, not plain numbers")
    return array


def check_sizes(data: bytes, source: str) -> None:
    """Raise BundleError unless every value's shape follows from the file and is bounded, and so is the work of one view."""
    model = onnx.load_model_from_string(data)
    for value in model.graph.input:
        if value.type.tensor_type.shape.dim:
            value.type.tensor_type.shape.dim[0].Clear()
            value.type.tensor_type.shape.dim[0].dim_value = 1
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]  # what the file says of itself
    shapes = _shapes(model, source)
    work = 0
    for node in model.graph.node:
        for name in node.output:
            if prod(shapes.get(name, (MOST_ELEMENTS + 1,))) > MOST_ELEMENTS:
                broken(source, f"the value {name!r} is too large, or of no size that can be known")
        if node.op_type in ("Conv", "Gemm", "MatMul") and len(node.input) > 1:
            made, weights = shapes[node.output[0]], shapes.get(node.input[1], ())
            work += prod(made) * prod(weights) // max(1, made[1] if len(made) > 1 else 1)
    if work > MOST_WORK:
        broken(source, f"one view takes {work:.1e} multiplications, {MOST_WORK:.1e} is the most")


def _shapes(model: ModelProto, source: str) -> dict[str, tuple[int, ...]]:
    """Name -> shape, of every value whose shape is known."""
    try:
        inferred = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    except Exception as error:  # its own error, or what protobuf says of a model that it cannot pass on
        broken(source, f"its shapes do not fit together ({str(error).splitlines()[0] if str(error) else error!r})")
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    for value in (*inferred.input, *inferred.value_info, *inferred.output):
        dims = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(d.HasField("dim_value") and d.dim_value >= 0 for d in dims):
            shapes[value.name] = tuple(d.dim_value for d in dims)
    return shapes


def broken(source: str, problem: str) -> NoReturn:
    """Raise BundleError."""
    raise BundleError(f"{source}: {problem}", hint="get the bundle again, or export it again")

"""Generator -> the bytes of an ONNX file: opset 15, half-precision weights, only operators that game engines know."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from training.layers.networks import LayerGenerator

OPSET = 15
OPERATORS = frozenset(
    ["Gather", "Gemm", "Add", "Mul", "LeakyRelu", "Reshape", "Conv", "DepthToSpace", "Concat", "Unsqueeze", "Cast"]
)
"""What an exported file may contain: all known to Unity's Inference Engine and to vcg_bridge.generators.exact."""

HALF_FROM = 257
"""Weights of at least so many numbers are stored in half precision and cast when the file is loaded."""


def onnx_bytes(generator: LayerGenerator) -> bytes:
    """Export `generator`. Raises ValueError if an operator appears that some engine would not run."""
    shape = generator.shape
    code, view = torch.zeros(2, shape.z_dim), torch.zeros(2, dtype=torch.int64)
    batch = torch.export.Dim("batch", min=1, max=65536)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about torchvision, which is not needed here
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            generator,
            (code, view),
            dynamo=True,
            # The exporter has no way down from 18 (asking for 15 silently leaves 18): export at 18, then relabel. Every operator
            # in OPERATORS means the same at both, which the checker and the parity test confirm.
            opset_version=18,
            input_names=["code", "view"],
            output_names=["logits"],
            dynamic_shapes=({0: batch}, {0: batch}),
            external_data=False,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    strange = {node.op_type for node in model.graph.node} - OPERATORS
    if strange:
        raise ValueError(f"the exported graph contains {', '.join(sorted(strange))}, which not every engine runs")
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", OPSET))
    model.ir_version = 8
    model.producer_version = ""
    _halve(model)
    for node in model.graph.node:
        del node.metadata_props[:]  # source lines of this machine
        node.doc_string = ""
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _halve(model: onnx.ModelProto) -> None:
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= HALF_FROM:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), name + ".half"))
            casts.append(helper.make_node("Cast", [name + ".half"], [name], to=TensorProto.FLOAT))
    nodes = casts + list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.graph.value_info[:]
    del model.metadata_props[:]

"""Every shipped network beside what Unity's inference package documents of ONNX files.

tests/unity/inference/supported.json says which pages, and of which versions. There is no Unity here: this test finds what
its documentation forbids, not what its importer gets wrong.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper, numpy_helper, shape_inference

from vcg_bridge.generators.bundle import Bundle, open_bundle

SUPPORTED = json.loads((Path(__file__).parent / "inference" / "supported.json").read_text(encoding="utf-8"))
BUNDLE = open_bundle()
FILES = [network.file for network in BUNDLE.manifest.networks]


def problems(model: onnx.ModelProto) -> Iterator[str]:
    """What breaks a documented rule of any of the versions."""
    opsets = {x.domain: x.version for x in model.opset_import}
    if set(opsets) != {""}:
        yield f"operator sets {sorted(opsets)}"
    for name, version in SUPPORTED["versions"].items():
        if not version["opset_least"] <= opsets.get("", 0) <= version["opset_most"]:
            yield f"opset {opsets.get('')}: {name} supports {version['opset_least']} to {version['opset_most']}"
    yield from _tensor_problems(model)
    names = set(SUPPORTED["operators"])
    for without in SUPPORTED["not_in"].values():
        names -= set(without)
    kinds = _kinds(model)
    for node in model.graph.node:
        if node.op_type not in names:
            yield f"operator {node.op_type}"
            continue
        kind = kinds.get(node.input[0], "?")
        if kind not in SUPPORTED["types"].get(node.op_type, ()):
            yield f"{node.op_type} of {kind}"
        known = SUPPORTED["importer"]["attributes"].get(node.op_type)
        if known is None:
            yield f"{node.op_type}: its attributes are not in supported.json"
        for attribute in node.attribute if known is not None else ():
            if attribute.name not in known:
                yield f"{node.op_type}: attribute {attribute.name}"
            if attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS, AttributeProto.SPARSE_TENSOR):
                yield f"{node.op_type}: attribute {attribute.name} is a graph or sparse"
    if model.functions:
        yield "functions"


def _tensor_problems(model: onnx.ModelProto) -> Iterator[str]:
    graph = shape_inference.infer_shapes(model, strict_mode=True).graph
    most = min(x["dimensions_most"] for x in SUPPORTED["versions"].values())
    for value in [*graph.input, *graph.output, *graph.value_info]:
        if len(value.type.tensor_type.shape.dim) > most:
            yield f"{value.name}: more than {most} dimensions"
    for tensor in graph.initializer:
        name = TensorProto.DataType.Name(tensor.data_type)
        if name not in SUPPORTED["element_types"]:
            yield f"{tensor.name}: element type {name}"
        if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
            yield f"{tensor.name}: lies in another file"
        if len(tensor.dims) > most:
            yield f"{tensor.name}: more than {most} dimensions"
        if name == "FLOAT16" and not tensor.raw_data:
            yield f"{tensor.name}: halves outside raw_data, which the importer takes for integers"
        if name == "INT64" and np.abs(numpy_helper.to_array(tensor)).max() > 2**31 - 1:
            yield f"{tensor.name}: integers that do not fit 32 bits"
    if graph.sparse_initializer:
        yield "sparse weights"


def _kinds(model: onnx.ModelProto) -> dict[str, str]:
    """Name of a value -> float or int, as the importer makes of it."""
    graph = shape_inference.infer_shapes(model, strict_mode=True).graph
    types = {x.name: x.type.tensor_type.elem_type for x in [*graph.input, *graph.output, *graph.value_info]}
    types |= {x.name: x.data_type for x in graph.initializer}
    return {k: SUPPORTED["element_types"].get(TensorProto.DataType.Name(v), "?") for k, v in types.items()}


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return BUNDLE


@pytest.mark.parametrize("file", FILES)
def test_a_shipped_network_breaks_no_documented_rule(bundle: Bundle, file: str) -> None:
    assert list(problems(onnx.load(bundle.folder / file))) == []


def test_inputs_and_output_are_what_the_plugin_gives_and_takes(bundle: Bundle) -> None:
    """The plugin finds them by name, gives floats and 32-bit integers, and any number of views at once."""
    for network in bundle.manifest.networks:
        graph = onnx.load(bundle.folder / network.file).graph
        found = {
            x.name: (x.type.tensor_type.elem_type, [d.dim_param or d.dim_value for d in x.type.tensor_type.shape.dim])
            for x in [*graph.input, *graph.output]
        }
        batch = found[network.code_input][1][0]
        assert isinstance(batch, str)
        assert found == {
            network.code_input: (TensorProto.FLOAT, [batch, bundle.manifest.z_dim]),
            network.view_input: (TensorProto.INT64, [batch]),
            network.output: (TensorProto.FLOAT, [batch, network.classes, network.height, network.width]),
        }


def test_half_precision_weights_are_only_ever_cast_to_floats(bundle: Bundle) -> None:
    """The importer widens them when it reads them: the cast is then of floats to floats, and every number the same."""
    for file in FILES:
        graph = onnx.load(bundle.folder / file).graph
        halves = {x.name for x in graph.initializer if x.data_type == TensorProto.FLOAT16}
        users = [node for node in graph.node if halves & set(node.input)]
        assert len(users) == len(halves)
        assert {(n.op_type, helper.get_node_attr_value(n, "to")) for n in users} == {("Cast", TensorProto.FLOAT)}


def test_the_list_is_whole() -> None:
    assert len(SUPPORTED["operators"]) == len(set(SUPPORTED["operators"]))
    assert not set(SUPPORTED["operators"]) & set(SUPPORTED["unsupported"])
    for version in SUPPORTED["versions"].values():
        assert version["operators"].startswith("https://docs.unity3d.com/Packages/")


def _opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 18


def _operator(model: onnx.ModelProto) -> None:
    model.graph.node[-1].op_type = "GroupNormalization"


def _attribute(model: onnx.ModelProto) -> None:
    model.graph.node[-1].attribute.append(helper.make_attribute("colour", 1))


def _type(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[-1]
    tensor.CopyFrom(numpy_helper.from_array(np.array([2, 3], np.uint16), tensor.name))


def _halves(model: onnx.ModelProto) -> None:
    tensor = next(x for x in model.graph.initializer if x.data_type == TensorProto.FLOAT16)
    tensor.int32_data.extend(np.frombuffer(tensor.raw_data, np.uint16).tolist())
    tensor.ClearField("raw_data")


def _large(model: onnx.ModelProto) -> None:
    tensor = next(x for x in model.graph.initializer if x.name == "val_15")
    tensor.CopyFrom(numpy_helper.from_array(np.array([-1, 4, 2**40, 26], np.int64), tensor.name))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_opset, "opset 18"),
        (_operator, "operator GroupNormalization"),
        (_attribute, "attribute colour"),
        (_type, "element type UINT16"),
        (_halves, "halves outside raw_data"),
        (_large, "do not fit 32 bits"),
    ],
)
def test_what_breaks_a_rule_is_found(
    bundle: Bundle, change: Callable[[Any], None], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = copy.deepcopy(onnx.load(bundle.folder / FILES[-1]))
    change(model)
    # ONNX's own inference stops at some of these before our list is asked
    monkeypatch.setattr(shape_inference, "infer_shapes", lambda x, **_: x)
    assert any(problem in x for x in problems(model))

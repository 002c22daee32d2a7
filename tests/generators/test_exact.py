"""The tie rule: double precision agrees with ONNX Runtime, doubtful views are found, and ties go to the lowest class."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.support.tiny_bundle import NETWORKS, Z_DIM, tiny_manifest, tiny_network
from vcg_bridge.contract.errors import BundleError
from vcg_bridge.contract.manifest import Network
from vcg_bridge.generators.exact import AROUND, TAU, TIE, ExactNetwork, decide
from vcg_bridge.generators.session import LoadedNetwork

BODY = NETWORKS[0]


def inputs(network: Network, count: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    return rng.uniform(-4, 4, (count, Z_DIM)).astype(np.float32), rng.integers(0, network.views, count)


def runtime(data: bytes, network: Network, codes: NDArray[np.float32], views: NDArray[np.int64]) -> NDArray[np.float32]:
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    result: NDArray[np.float32] = session.run(None, {network.code_input: codes, network.view_input: views})[0]
    return result


@pytest.mark.parametrize("network", NETWORKS, ids=lambda x: x.id)
def test_double_precision_agrees_with_onnx_runtime(network: Network) -> None:
    data = tiny_network(network, seed=3).SerializeToString()
    codes, views = inputs(network, 40)
    exact = ExactNetwork(network, data, "test").logits(codes, views)
    assert exact.dtype == np.float64
    rough = runtime(data, network, codes, views)
    # what decides is the error of differences of logits, beside the largest logit around
    error = np.ptp(rough - exact, axis=1)
    reach = np.pad(np.abs(exact).max(axis=1), ((0, 0), (AROUND, AROUND), (AROUND, AROUND)))
    window = (2 * AROUND + 1, 2 * AROUND + 1)
    scale = np.lib.stride_tricks.sliding_window_view(reach, window, axis=(1, 2)).max(axis=(3, 4))
    assert (error < TAU * scale / 10).all()  # the threshold has a wide margin of safety
    sure = ~decide(rough, network.classes).doubtful
    np.testing.assert_array_equal(
        decide(rough, network.classes).classes[sure], decide(exact, network.classes, exact=True).classes[sure]
    )


def reference(
    op: str, *arrays: NDArray[np.float32] | NDArray[np.int64], **attributes: object
) -> list[NDArray[np.float64]]:
    """What ONNX's own reference evaluator says of one node."""
    from onnx.reference import ReferenceEvaluator

    names = [f"x{i}" for i in range(len(arrays))]
    count = 2 if op == "Split" else 1
    node = helper.make_node(op, names, [f"y{i}" for i in range(count)], **attributes)
    values = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for n, a in zip(names, arrays, strict=True)
    ]
    outputs = [helper.make_tensor_value_info(f"y{i}", TensorProto.UNDEFINED, None) for i in range(count)]
    graph = helper.make_graph([node], "g", values, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)])
    result: list[NDArray[np.float64]] = ReferenceEvaluator(model).run(None, dict(zip(names, arrays, strict=True)))
    return result


def r(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def i(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


@pytest.mark.parametrize(
    ("op", "arrays", "attributes"),
    [
        ("Gather", [r(5, 3), i(4, 0, 4)], {}),
        ("Gather", [r(5, 3), i(2, 1)], {"axis": 1}),
        ("Gemm", [r(2, 3), r(4, 3), r(4)], {"transB": 1}),
        ("Gemm", [r(3, 2), r(3, 4), r(4)], {"transA": 1, "alpha": 0.5, "beta": 2.0}),
        ("MatMul", [r(2, 3), r(3, 4)], {}),
        ("Add", [r(2, 3, 4, 4), r(2, 3, 1, 1)], {}),
        ("Sub", [r(2, 3), r(3)], {}),
        ("Mul", [r(2, 3, 4, 4), r(2, 3, 1, 1)], {}),
        ("LeakyRelu", [r(4, 4)], {"alpha": 0.2}),
        ("LeakyRelu", [r(4, 4)], {}),
        ("Reshape", [r(2, 12), i(-1, 3, 4)], {}),
        ("Reshape", [r(2, 12), i(0, 4, -1)], {}),
        ("Conv", [r(2, 3, 6, 5), r(4, 3, 3, 3), r(4)], {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}),
        ("Conv", [r(2, 3, 6, 5), r(4, 3, 1, 1)], {}),
        ("DepthToSpace", [r(2, 8, 3, 2)], {"blocksize": 2, "mode": "CRD"}),
        ("DepthToSpace", [r(2, 8, 3, 2)], {"blocksize": 2}),
        ("Concat", [r(2, 3), r(2, 4)], {"axis": 1}),
        ("Unsqueeze", [r(2, 3), i(2, 3)], {}),
        ("Squeeze", [r(2, 1, 3, 1), i(1, 3)], {}),
        ("Squeeze", [r(2, 1, 3, 1)], {}),
        ("Slice", [r(4, 6), i(1), i(5), i(1)], {}),
        ("Slice", [r(4, 6), i(0, -4), i(3, 9223372036854775807), i(0, 1), i(1, 2)], {}),
        ("Split", [r(2, 5), i(2, 3)], {"axis": 1}),
        ("Cast", [r(3, 3)], {"to": TensorProto.INT64}),
        ("Transpose", [r(2, 3, 4)], {"perm": [0, 2, 1]}),
        ("Transpose", [r(2, 3)], {}),
        ("Clip", [r(3, 3), np.float32(-0.5), np.float32(0.5)], {}),
        ("Identity", [r(3, 3)], {}),
    ],
)  # fmt: skip
def test_each_operator_is_the_one_of_the_standard(
    op: str, arrays: list[NDArray[np.float32]], attributes: dict[str, object]
) -> None:
    from vcg_bridge.generators.operators import OPERATORS

    node = helper.make_node(op, [], [], **attributes)
    given = {x.name: helper.get_attribute_value(x) for x in node.attribute}
    wide = [np.asarray(x, np.float64) if np.asarray(x).dtype == np.float32 else x for x in arrays]
    found = OPERATORS[op](given, *wide)
    for mine, theirs in zip(
        found if isinstance(found, list) else [found],
        reference(op, *map(np.asarray, arrays), **attributes),
        strict=True,
    ):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


def crafted(edge: float) -> bytes:
    """The body network with class 2 made class 1 plus `edge`: on every pixel where class 1 leads, 2 leads by `edge`."""
    model = tiny_network(BODY, seed=1)
    for tensor in model.graph.initializer:
        if tensor.name in ("out.w", "out.b"):
            values = numpy_helper.to_array(tensor).copy()
            values[8:12] = values[4:8]  # four sub-pixels a class
            if tensor.name == "out.b":
                values[8:12] += np.float32(edge)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return model.SerializeToString()


def test_exact_ties_go_to_the_lowest_class() -> None:
    data = crafted(0.0)
    codes, views = inputs(BODY, 30)
    rough = decide(runtime(data, BODY, codes, views), BODY.classes)
    tied = (rough.classes == 1).any(axis=(1, 2)) | (rough.classes == 2).any(axis=(1, 2))
    assert tied.sum() > 20
    assert rough.doubtful[tied].all()
    exact = decide(ExactNetwork(BODY, data, "test").logits(codes, views), BODY.classes, exact=True)
    assert (exact.classes == 1).any()
    assert not (exact.classes == 2).any()


def test_differences_below_float32_noise_are_seen() -> None:
    """Class 2 leads class 1 by less than float32 can tell: rounding decides there, double precision knows."""
    edge = 3e-6
    data = crafted(edge)
    codes, views = inputs(BODY, 60)
    rough = decide(runtime(data, BODY, codes, views), BODY.classes)
    exact = decide(ExactNetwork(BODY, data, "test").logits(codes, views), BODY.classes, exact=True)
    assert edge > TIE * np.abs(runtime(data, BODY, codes, views)).max()
    assert (rough.classes == 1).any()  # wrong
    assert not (exact.classes == 1).any()
    assert (exact.classes == 2).any()
    assert rough.doubtful[(rough.classes != exact.classes).any(axis=(1, 2))].all()


def test_decide_on_numbers_that_are_known() -> None:
    logits = np.array([1.0, 5.0, 5.0, 9.0]).reshape(1, 4, 1, 1)
    some = decide(logits, 3)
    assert some.classes.item() == 1  # the first of equals; class 3 does not take part
    assert some.margin.item() == 0
    every = decide(logits, 4)
    assert (every.classes.item(), every.margin.item()) == (3, 4)
    close = np.array([-1.0, 5.0, 5.0 + 1e-9, -100.0]).reshape(1, 4, 1, 1)
    assert decide(close, 4).classes.item() == 2
    assert decide(close, 4, exact=True).classes.item() == 1
    assert decide(close, 4).doubtful.all()
    wide = np.zeros((2, 2, 1, 6))
    wide[:, 0] = 1.0
    wide[1, :, 0, 0] = 1e6  # a logit of a million: two pixels away a lead of 1 may be noise, three away not
    wide[1, 0, 0, 0] += 1e6
    wide[1, 0, 0, 1:3] = 1000.0
    assert decide(wide, 2).doubtful.tolist() == [False, False]
    wide[1, 0, 0, 2] = 1.0
    assert decide(wide, 2).doubtful.tolist() == [False, True]


def edited(edit: Callable[[onnx.ModelProto], None]) -> bytes:
    model = tiny_network(BODY, seed=1)
    edit(model)
    return model.SerializeToString()


def foreign_node(model: onnx.ModelProto) -> None:
    model.graph.node[-2].op_type = "Softmax"


def foreign_domain(model: onnx.ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("com.example", 1))


def dilated(model: onnx.ModelProto) -> None:
    node = next(x for x in model.graph.node if x.op_type == "Conv")
    del node.attribute[:]
    node.attribute.extend([helper.make_attribute("dilations", [2, 2]), helper.make_attribute("pads", [2] * 4)])


def stride(model: onnx.ModelProto) -> None:
    node = next(x for x in model.graph.node if x.op_type == "Conv")
    node.attribute.append(helper.make_attribute("strides", [2, 2]))


def half_a_number(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].raw_data += b"x"


def larger_than_its_data(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[0] = 1 << 62


def of_an_unknown_kind(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].data_type = 128


def of_texts(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].CopyFrom(helper.make_tensor("mix.w", TensorProto.STRING, [1], [b"x"]))


def sparse(model: onnx.ModelProto) -> None:
    values = helper.make_tensor("mix.w", TensorProto.FLOAT, [1], [1.0])
    places = helper.make_tensor("places", TensorProto.INT64, [1], [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [1 << 40]))


def subgraph(model: onnx.ModelProto) -> None:
    model.graph.node[0].attribute.append(helper.make_attribute("body", helper.make_graph([], "b", [], [])))


def doubling(model: onnx.ModelProto) -> None:
    """Forty nodes, 2^40 times the size."""
    name = model.graph.node[0].output[0]
    for i in range(40):
        model.graph.node.insert(1 + i, helper.make_node("Concat", [name, name], [f"d{i}"], axis=1))
        name = f"d{i}"


def laborious(model: onnx.ModelProto) -> None:
    """Every value is small; the multiplications of one view would take minutes."""
    wide = numpy_helper.from_array(np.zeros((2000, 2000), np.float32), "wide")
    model.graph.initializer.extend([wide, numpy_helper.from_array(np.zeros(1, np.float32), "one")])
    model.graph.node.insert(0, helper.make_node("Mul", ["wide", "one"], ["w0"]))
    for i in range(3):
        model.graph.node.insert(1 + i, helper.make_node("MatMul", [f"w{i}", "wide"], [f"w{i + 1}"]))


def of_no_known_size(model: onnx.ModelProto) -> None:
    model.graph.node.insert(0, helper.make_node("Reshape", ["code", "view"], ["who-knows"]))


def external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def loop(model: onnx.ModelProto) -> None:
    body = helper.make_graph([], "b", [], [])
    model.graph.node.insert(0, helper.make_node("Loop", ["", ""], ["never"], body=body))


def dangling(model: onnx.ModelProto) -> None:
    model.graph.node[-1].input[0] = "nothing"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"not protobuf", "is not an ONNX file|no output"),
        (b"", "no output"),
        (edited(foreign_node), "does not draw with the operator 'Softmax'"),
        (edited(foreign_domain), "operators beyond ONNX's own: com.example"),
        (edited(loop), "'Loop' has an attribute 'body'"),
        (edited(external), "lies in another file"),
        (edited(dangling), "'nothing' before anything makes it"),
        (edited(stride), "shapes do not fit together"),
        (edited(half_a_number), "'.*' is damaged"),
        (edited(larger_than_its_data), "'.*' is damaged"),
        (edited(of_an_unknown_kind), "'.*' is damaged"),
        (edited(of_texts), "not plain numbers"),
        (edited(sparse), "sparse tensors"),
        (edited(subgraph), "attribute 'body'"),
        (edited(doubling), "too large"),
        (edited(laborious), "multiplications"),
        (edited(of_no_known_size), "no size that can be known"),
    ],
    ids=lambda x: "" if isinstance(x, bytes) else x,
)
def test_graphs_that_are_not_ours_are_refused(data: bytes, problem: str) -> None:
    with pytest.raises(BundleError, match=problem) as caught:
        ExactNetwork(BODY, data, "folder/body.onnx")
    assert "folder/body.onnx" in str(caught.value)


def test_what_cannot_be_evaluated_is_a_bundle_error(tmp_path: Path) -> None:
    codes, views = inputs(BODY, 1)
    with pytest.raises(BundleError, match="stride 1"):
        ExactNetwork(BODY, edited(dilated), "x").logits(codes, views)
    with pytest.raises(BundleError, match="cannot be evaluated"):
        ExactNetwork(BODY, edited(lambda _: None), "x").logits(codes, views + 99)


def test_a_name_that_is_no_text_is_a_bundle_error(tmp_path: Path) -> None:
    """ONNX Runtime loads it; its names cannot be asked for."""
    start, _, end = edited(lambda _: None).rpartition(b"\x12\x01N")  # the output's first dimension
    data = start + b"\x12\x01\xaa" + end
    (tmp_path / BODY.file).write_bytes(data)
    manifest = replace(tiny_manifest(), files={BODY.file: hashlib.sha256(data).hexdigest()})
    with pytest.raises(BundleError, match="no text"):
        LoadedNetwork(tmp_path, manifest, BODY, "cpu")

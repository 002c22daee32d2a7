"""The managed networks beside Python's double-precision evaluator, and the generator with several threads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.support.tiny_bundle import write_tiny_bundle
from tests.unity.local_runs import Runner, compile_runner
from tests.unity.mono import Mono
from vcg_bridge.contract.manifest import Network
from vcg_bridge.contract.manifest_io import load_manifest
from vcg_bridge.contract.recipe_io import recipe_bytes
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.exact import ExactNetwork
from vcg_bridge.generators.generator import Generator, all_poses
from vcg_bridge.generators.operators import OPERATORS

pytestmark = pytest.mark.unity

VIEWS, CODE = 6, 5


@pytest.fixture(scope="module")
def runner(mono: Mono) -> Runner:
    return compile_runner(mono)


class Graph:
    """A graph from code and view to logits, node by node."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def weight(self, *shape: int, half: bool = False) -> str:
        name = f"w{len(self.weights)}"
        values = self.rng.normal(0, 0.5, shape).astype(np.float16 if half else np.float32)
        self.weights.append(numpy_helper.from_array(values, name))
        return self.node("Cast", name, to=TensorProto.FLOAT) if half else name

    def ints(self, *values: int) -> str:
        self.weights.append(numpy_helper.from_array(np.array(values, np.int64), f"w{len(self.weights)}"))
        return self.weights[-1].name

    def number(self, value: float) -> str:
        self.weights.append(numpy_helper.from_array(np.array(value, np.float32), f"w{len(self.weights)}"))
        return self.weights[-1].name

    def node(self, operator: str, *inputs: str, outputs: int = 1, **attributes: object) -> str:
        names = [f"v{len(self.nodes)}.{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, **attributes))
        return names[0]

    def picture(self, channels: int, height: int, width: int) -> str:
        """[1, channels, height, width] from code and view, in half-precision weights."""
        rows = self.node("Gather", self.weight(VIEWS, 7, half=True), "view")
        joined = self.node("Concat", "code", rows, axis=1)
        size = channels * height * width
        flat = self.node("Gemm", joined, self.weight(size, CODE + 7, half=True), self.weight(size), transB=1)
        return self.node("Reshape", flat, self.ints(-1, channels, height, width))

    def conv(self, x: str, inputs: int, outputs: int, size: int, bias: bool = True) -> str:
        kernel = [self.weight(outputs, inputs, size, size)] + ([self.weight(outputs)] if bias else [])
        return self.node("Conv", x, *kernel, kernel_shape=[size, size], pads=[size // 2] * 4)

    def write(self, path: Path, result: str, network: Network) -> None:
        self.node("Identity", result)
        self.nodes[-1].output[0] = "logits"
        inputs = [
            helper.make_tensor_value_info("code", TensorProto.FLOAT, ["N", CODE]),
            helper.make_tensor_value_info("view", TensorProto.INT64, ["N"]),
        ]
        shape = ["N", network.classes, network.height, network.width]
        output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape)
        graph = helper.make_graph(self.nodes, "g", inputs, [output], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
        path.write_bytes(model.SerializeToString())


def convolutions(channels: int, outputs: int, size: int, height: int, width: int) -> Callable[[Graph], str]:
    return lambda g: g.conv(g.picture(channels, height, width), channels, outputs, size)


def elementwise(g: Graph) -> str:
    x = g.node("LeakyRelu", g.picture(4, 3, 5), alpha=0.2)
    x = g.node("Add", x, g.node("Mul", x, g.weight(1, 4, 1, 1)))
    x = g.node("Sub", g.weight(3, 5), x)
    x = g.node("Mul", x, g.node("Unsqueeze", g.node("MatMul", "code", g.weight(CODE, 4)), g.ints(2, -1)))
    x = g.node("Clip", x, g.number(-0.7), g.number(0.9))
    return g.node("Clip", x, "", g.number(0.8))


def shapes(g: Graph) -> str:
    x = g.node("Transpose", g.picture(4, 3, 5), perm=[0, 2, 3, 1])  # [1, 3, 5, 4]
    left = g.node("Split", x, g.ints(1, 2), outputs=2, axis=1)
    right = left.removesuffix("0") + "1"
    x = g.node("Concat", right, left, axis=1)
    x = g.node("Squeeze", x, g.ints(0))  # [3, 5, 4]
    x = g.node("Slice", x, g.ints(0, -4), g.ints(99, 5), g.ints(2, 1), g.ints(2, 1))  # [3, 4, 2]
    x = g.node("Slice", x, g.ints(1), g.ints(3))  # [2, 4, 2]
    x = g.node("Reshape", x, g.ints(0, -1))
    x = g.node("Transpose", x)
    return g.node("Reshape", x, g.ints(1, 4, 2, 2), allowzero=1)


def depth(mode: str) -> Callable[[Graph], str]:
    return lambda g: g.node("DepthToSpace", g.picture(12, 3, 5), blocksize=2, mode=mode)


def linear(g: Graph) -> str:
    x = g.node("Gemm", "code", g.weight(CODE, 6), g.weight(6), alpha=0.5, beta=-2.0)
    x = g.node("Gemm", x, g.weight(12, 6), transB=1)
    return g.node("Reshape", x, g.ints(1, 3, 2, 2))


CASES: dict[str, tuple[Callable[[Graph], str], tuple[int, int, int]]] = {
    "conv3": (convolutions(8, 4, 3, 6, 8), (4, 6, 8)),
    "conv3-odd": (convolutions(5, 3, 3, 7, 9), (3, 7, 9)),
    "conv3-thin": (convolutions(3, 6, 3, 1, 5), (6, 1, 5)),
    "conv3-wide": (convolutions(2, 2, 3, 20, 30), (2, 20, 30)),
    "conv1": (convolutions(6, 7, 1, 4, 3), (7, 4, 3)),
    "conv5": (convolutions(3, 2, 5, 6, 4), (2, 6, 4)),
    "conv7-larger-than-the-picture": (convolutions(2, 5, 7, 2, 3), (5, 2, 3)),
    "elementwise": (elementwise, (4, 3, 5)),
    "shapes": (shapes, (4, 2, 2)),
    "depth-crd": (depth("CRD"), (3, 6, 10)),
    "depth-dcr": (depth("DCR"), (3, 6, 10)),
    "linear": (linear, (3, 2, 2)),
}


def test_every_operator_gives_what_python_gives(runner: Runner, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    codes = rng.normal(size=(VIEWS, CODE)).astype(np.float32)
    (tmp_path / "codes").write_bytes(codes.tobytes())
    commands: list[list[object]] = []
    networks, used = {}, set()
    for i, (name, (build, (classes, height, width))) in enumerate(CASES.items()):
        networks[name] = Network(name, f"{name}.onnx", VIEWS, classes, height, width)
        graph = Graph(i)
        graph.write(tmp_path / f"{name}.onnx", build(graph), networks[name])
        used |= {node.op_type for node in graph.nodes}
        path = tmp_path / f"{name}.onnx"
        commands.append(["evaluate", path, classes, height, width, CODE, tmp_path / "codes", tmp_path / f"{name}.out"])
    assert used | {"Constant"} >= OPERATORS.keys()
    for (name, network), answer in zip(networks.items(), runner.run(commands), strict=True):
        assert answer == ["ok", "evaluated"], (name, answer)
        found = np.fromfile(tmp_path / f"{name}.out", "<f8")
        exact = ExactNetwork(network, (tmp_path / f"{name}.onnx").read_bytes(), name)
        right = exact.logits(codes, np.arange(VIEWS, dtype=np.int64))
        assert error(found, right) < 1e-13, name


def error(found: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """The largest, beside the largest number there is."""
    assert right.size
    return float(np.abs(found.reshape(right.shape) - right).max() / np.abs(right).max())


def test_shipped_networks_are_exact_to_a_millionth_of_what_counts_as_a_tie(runner: Runner, tmp_path: Path) -> None:
    bundle = open_bundle()
    codes = np.random.default_rng(2).normal(0, 1, (2, bundle.manifest.z_dim)).astype(np.float32)
    (tmp_path / "codes").write_bytes(codes.tobytes())
    commands = [
        ["evaluate", bundle.folder / n.file, n.classes, n.height, n.width, bundle.manifest.z_dim, tmp_path / "codes", tmp_path / n.id]
        for n in bundle.manifest.networks
    ]  # fmt: skip
    for network, answer in zip(bundle.manifest.networks, runner.run(commands), strict=True):
        assert answer == ["ok", "evaluated"]
        exact = ExactNetwork(network, (bundle.folder / network.file).read_bytes(), network.id)
        right = exact.logits(codes, np.arange(2, dtype=np.int64))
        assert error(np.fromfile(tmp_path / network.id, "<f8"), right) < 1e-14, network.id


def test_constants_of_a_graph_are_taken(runner: Runner, tmp_path: Path) -> None:
    graph = Graph(1)
    value = numpy_helper.from_array(np.array([2.0, -3.0, 0.5], np.float32).reshape(1, 3, 1, 1))
    x = graph.node("Mul", graph.picture(3, 2, 2), graph.node("Constant", value=value))
    graph.node("Constant", value_ints=[1, 3, 4, 1])
    x = graph.node("Reshape", x, graph.nodes[-1].output[0])
    network = Network("n", "n.onnx", VIEWS, 3, 4, 1)
    graph.write(tmp_path / "n.onnx", x, network)
    codes = np.ones((2, CODE), np.float32)
    (tmp_path / "codes").write_bytes(codes.tobytes())
    answer = runner.one("evaluate", tmp_path / "n.onnx", 3, 4, 1, CODE, tmp_path / "codes", tmp_path / "out")
    assert answer == ["ok", "evaluated"]
    exact = ExactNetwork(network, (tmp_path / "n.onnx").read_bytes(), "n").logits(codes, np.arange(2, dtype=np.int64))
    assert error(np.fromfile(tmp_path / "out", "<f8"), exact) < 1e-14


def test_several_threads_and_a_tiny_cache_change_nothing(runner: Runner, tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny")
    recipe = tmp_path / "r.vcg.json"
    worn = design(load_manifest(folder), DesignSpec(seed=2, archetype="guard", novelty=1.0))
    recipe.write_bytes(recipe_bytes(worn))
    with Generator(open_bundle(folder), device="cpu", threads=1) as generator:
        networks = len({k.network for k in generator.needed_views(worn, all_poses(generator.manifest))})
    assert runner.run([["together", folder, recipe], ["cancel", folder, recipe]]) == [
        ["ok", "same"],
        ["ok", f"cancelled drawn cancelled disposed={networks}"],
    ]


def test_an_engine_that_cannot_open_a_network_is_one_clear_error_each_time(runner: Runner, tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny")
    recipe = tmp_path / "r.vcg.json"
    recipe.write_bytes(recipe_bytes(design(load_manifest(folder), DesignSpec(seed=2))))
    problem = "Vcg.Bridge.VcgException: no engine"
    assert runner.one("unopened", folder, recipe) == ["ok", f"{problem} / {problem}"]

"""The two models that are served: a small network and a text classifier, as bundles, built without training them."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

TOKENS, WIDTH, HEADS, LAYERS, VOCABULARY, CLASSES = 64, 256, 4, 6, 8000, 4


class Graph:
    """Nodes and weights as they come."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self._dice = np.random.default_rng(0)

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """The name of the output of one more node."""
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, array: NDArray[Any]) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def linear(self, x: str, wide: int, out: int) -> str:
        weight = self._dice.normal(size=(wide, out)).astype(np.float32) / math.sqrt(wide)
        bias = self.constant(np.zeros(out, np.float32))
        return self.op("Add", self.op("MatMul", x, self.constant(weight)), bias)

    def normalised(self, x: str) -> str:
        ones, zeros = self.constant(np.ones(WIDTH, np.float32)), self.constant(np.zeros(WIDTH, np.float32))
        return self.op("LayerNormalization", x, ones, zeros)

    def sizes(self, *sizes: int) -> str:
        return self.constant(np.array(sizes, np.int64))

    def save(
        self, folder: Path, out: str, *, name: str, given: tuple[str, int, str, list[int]], classes: int, example: Any
    ) -> Path:
        """Write model.onnx and bundle.json. given: the input's name, ONNX type, OIP datatype and shape."""
        folder.mkdir(parents=True)
        self.nodes.append(helper.make_node("Softmax", [out], ["probabilities"], axis=-1))
        shape = ["n", *given[3]]
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info(given[0], given[1], shape)],
            [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", classes])],
            self.weights,
        )
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), folder / "model.onnx")
        bundle = {
            "format": 1,
            "name": name,
            "task": "classification",
            "inputs": [{"name": given[0], "datatype": given[2], "shape": [-1, *given[3]]}],
            "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, classes]}],
            "labels": [str(label) for label in range(classes)],
            "kind": name,
            "variant": "fp32",
            "example": example,
        }
        (folder / "bundle.json").write_text(json.dumps(bundle))
        return folder


def mlp(folder: Path) -> Path:
    """784-128-64-10 with ReLU."""
    graph = Graph()
    x = graph.op("Flatten", "input", axis=1)
    x = graph.op("Relu", graph.linear(x, 784, 128))
    x = graph.op("Relu", graph.linear(x, 128, 64))
    out = graph.linear(x, 64, 10)
    given = ("input", TensorProto.FLOAT, "FP32", [28, 28])
    return graph.save(folder, out, name="mlp", given=given, classes=10, example=[[0] * 28] * 28)


def text(folder: Path) -> Path:
    """A transformer encoder, 6 layers, width 256, 64 tokens: 6.8 M parameters, as in the notes on peers."""
    graph = Graph()
    table = graph.constant(np.random.default_rng(1).normal(size=(VOCABULARY, WIDTH)).astype(np.float32) / 16)
    x = graph.op("Gather", table, "input")
    for _ in range(LAYERS):
        x = graph.op("Add", x, _attention(graph, graph.normalised(x)))
        hidden = _gelu(graph, graph.linear(graph.normalised(x), WIDTH, 4 * WIDTH))
        x = graph.op("Add", x, graph.linear(hidden, 4 * WIDTH, WIDTH))
    pooled = graph.op("ReduceMean", graph.normalised(x), axes=[1], keepdims=0)
    out = graph.linear(pooled, WIDTH, CLASSES)
    given = ("input", TensorProto.INT64, "INT64", [TOKENS])
    return graph.save(folder, out, name="text", given=given, classes=CLASSES, example=[1] * TOKENS)


def _attention(graph: Graph, x: str) -> str:
    split = graph.sizes(0, TOKENS, HEADS, WIDTH // HEADS)
    q, k, v = (graph.op("Reshape", graph.linear(x, WIDTH, WIDTH), split) for _ in range(3))
    q, v = (graph.op("Transpose", part, perm=[0, 2, 1, 3]) for part in (q, v))
    k = graph.op("Transpose", k, perm=[0, 2, 3, 1])
    scale = graph.constant(np.float32(1 / math.sqrt(WIDTH / HEADS)))
    weights = graph.op("Softmax", graph.op("Mul", graph.op("MatMul", q, k), scale), axis=-1)
    mixed = graph.op("Transpose", graph.op("MatMul", weights, v), perm=[0, 2, 1, 3])
    return graph.linear(graph.op("Reshape", mixed, graph.sizes(0, TOKENS, WIDTH)), WIDTH, WIDTH)


def _gelu(graph: Graph, x: str) -> str:
    inner = graph.op("Erf", graph.op("Mul", x, graph.constant(np.float32(1 / math.sqrt(2)))))
    return graph.op(
        "Mul", graph.op("Mul", x, graph.constant(np.float32(0.5))), graph.op("Add", inner, graph.constant(np.float32(1)))
    )


def request_body(folder: Path) -> bytes:
    """One sample as an OIP v2 body: 784 numbers 0..255, four of five of them 0, or 64 token ids."""
    bundle = json.loads((folder / "bundle.json").read_text())
    spec = bundle["inputs"][0]
    dice = np.random.default_rng(0)
    if spec["datatype"] == "FP32":
        data = np.where(dice.random(784) < 0.8, 0, dice.integers(0, 256, 784)).tolist()
    else:
        data = dice.integers(0, VOCABULARY, TOKENS).tolist()
    row = {"name": "input", "shape": [1, *spec["shape"][1:]], "datatype": spec["datatype"], "data": data}
    return json.dumps({"inputs": [row]}, separators=(",", ":")).encode()

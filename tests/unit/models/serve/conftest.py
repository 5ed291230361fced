"""Small ONNX bundles, and replicas as real processes."""

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import orjson
import pytest
from onnx import TensorProto, helper, numpy_helper

from datahall.platform.gateway import wire


def save(folder: Path, nodes, inputs, outputs, weights=(), **described) -> Path:
    """A bundle of a graph: inputs and outputs as (name, ONNX type, OIP datatype, shape)."""
    folder.mkdir(parents=True, exist_ok=True)
    sides = [
        [
            helper.make_tensor_value_info(name, kind, ["n" if size == -1 else size for size in shape])
            for name, kind, _, shape in side
        ]
        for side in (inputs, outputs)
    ]
    graph = helper.make_graph(nodes, "g", *sides, list(weights))
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), folder / "model.onnx")
    tensors = [
        [{"name": name, "datatype": datatype, "shape": list(shape)} for name, _, datatype, shape in side]
        for side in (inputs, outputs)
    ]
    document = {"format": 1, "name": "m", "task": "classification", "inputs": tensors[0], "outputs": tensors[1]} | described
    (folder / "bundle.json").write_bytes(orjson.dumps(document))
    return folder


def sums_bundle(folder: Path) -> Path:
    """[n, 2, 3] -> softmax over (sum of the row, 0, 0): which label wins depends on the sum's sign."""
    weights = np.zeros((6, 3), np.float32)
    weights[:, 0] = 1
    nodes = [
        helper.make_node("Flatten", ["input"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["z"]),
        helper.make_node("Softmax", ["z"], ["probabilities"]),
    ]
    return save(
        folder,
        nodes,
        [("input", TensorProto.FLOAT, "FP32", (-1, 2, 3))],
        [("probabilities", TensorProto.FLOAT, "FP32", (-1, 3))],
        [numpy_helper.from_array(weights, "w")],
        labels=["plus", "b", "c"],
        example=[[1, 2, 3], [4, 5, 6]],
    )


def lookup_bundle(folder: Path) -> Path:
    """[n] of INT64 -> the row of a table of ten: an index beyond it makes ONNX Runtime fail at run time."""
    table = np.arange(20, dtype=np.float32).reshape(10, 2)
    return save(
        folder,
        [helper.make_node("Gather", ["table", "index"], ["row"])],
        [("index", TensorProto.INT64, "INT64", (-1,))],
        [("row", TensorProto.FLOAT, "FP32", (-1, 2))],
        [numpy_helper.from_array(table, "table")],
        task="lookup",
    )


def slow_bundle(folder: Path) -> Path:
    """[n, 1] -> a number, by products of large matrices: a tenth of a second a row or more."""
    nodes = [helper.make_node("Expand", ["input3", "size"], ["m0"])]
    nodes += [helper.make_node("MatMul", [f"m{at}", f"m{at}"], [f"m{at + 1}"]) for at in range(3)]
    nodes += [helper.make_node("ReduceMean", ["m3"], ["mean"], axes=[1, 2], keepdims=0)]
    unsqueeze = helper.make_node("Unsqueeze", ["input", "axis"], ["input3"])
    constants = [numpy_helper.from_array(np.array([1, 1600, 1600]), "size"), numpy_helper.from_array(np.array([2]), "axis")]
    return save(
        folder,
        [unsqueeze, *nodes],
        [("input", TensorProto.FLOAT, "FP32", (-1, 1))],
        [("mean", TensorProto.FLOAT, "FP32", (-1,))],
        constants,
        task="regression",
    )


class Asker:
    """A plain blocking client of one replica's socket."""

    def __init__(self, path: Path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._frames = []
        self._reader = wire.FrameReader(
            lambda kind, number, status, headers, body: self._frames.append((kind, number, status, headers, body))
        )

    def send(self, *frames: bytes):
        self._socket.sendall(b"".join(frames))

    def receive(self):
        """The next frame: kind, request, status, headers, body; None when the replica hung up."""
        while not self._frames:
            data = self._socket.recv(1 << 16)
            if not data:
                return None
            self._reader.feed(data)
        return self._frames.pop(0)

    def ask(self, kind: int, body, **headers):
        """Status and body of one answer."""
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        self.send(wire.frame(kind, 1, data, headers=wire.packed_headers(headers)))
        _, _, status, _, answer = self.receive()
        return status, answer

    def close(self):
        self._socket.close()


@pytest.fixture
def bundles(tmp_path: Path) -> dict[str, Path]:
    """Folders of the bundles by name."""
    makers = {"sums": sums_bundle, "lookup": lookup_bundle, "slow": slow_bundle}
    return {name: make(tmp_path / name) for name, make in makers.items()}


@pytest.fixture
def short_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="dh-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def run_replica(short_folder: Path):
    """Starts a replica process on a bundle; gives the process and a connected client."""

    @contextlib.contextmanager
    def started(bundle: Path, *arguments: str):
        path = short_folder / "r.sock"
        command = [sys.executable, "-m", "datahall.models.serve.replica", "--bundle", str(bundle), "--socket", str(path)]
        process = subprocess.Popen([*command, "--name", "m", "--version", "3", *arguments], stderr=subprocess.PIPE)
        asker = None
        try:
            asker = connected(path, process)
            yield process, asker
        finally:
            if asker is not None:
                asker.close()
            process.kill()
            process.communicate()

    return started


def connected(path: Path, process: subprocess.Popen) -> Asker | None:
    """A client once the replica listens; None when it ended instead."""
    while process.poll() is None:
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            return Asker(path)
        time.sleep(0.01)
    return None

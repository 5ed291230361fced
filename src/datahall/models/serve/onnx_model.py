"""A bundle's ONNX graph, run by ONNX Runtime."""

import warnings
from collections.abc import Sequence

import numpy as np
import onnxruntime

from datahall.foundation.errors import Problem, Refused, Unprocessable
from datahall.models.serve.bundle import MODEL_FILE, Bundle, TensorSpec
from datahall.models.serve.tensors import DATATYPES, Array

_ORT_TYPES = {
    "FP32": "tensor(float)",
    "FP64": "tensor(double)",
    "FP16": "tensor(float16)",
    "BOOL": "tensor(bool)",
    "BYTES": "tensor(string)",
}
_SILENT = 4


class OnnxModel:
    """Runs the graph on whole batches; one thread unless told otherwise (replicas, not threads, fill the cores)."""

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        """Raises Refused when the graph cannot be loaded or is not the one that the bundle describes."""
        self.bundle = bundle
        self._session = _session(bundle, threads)
        self._inputs = [spec.name for spec in bundle.inputs]
        self._outputs = [spec.name for spec in bundle.outputs]
        _check_tensors(bundle.inputs, self._session.get_inputs(), bundle, "input")
        _check_tensors(bundle.outputs, self._session.get_outputs(), bundle, "output")

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """The outputs for one batch, in the bundle's order. Raises Unprocessable when the graph refuses these values."""
        try:
            outputs: list[Array] = self._session.run(self._outputs, dict(zip(self._inputs, arrays, strict=True)))
        except Exception as error:  # noqa: BLE001 - ONNX Runtime raises a dozen types without a common base but Exception
            what = f"the model cannot run on these values: {_first_line(error)}"
            raise Unprocessable(
                Problem("SERVE-030", "body", what, "check the values' ranges against the model's data card")
            ) from None
        return outputs

    def sample(self) -> list[Array]:
        """One row of zeros, to warm the model up and to see how fast it is."""
        shapes = [[1 if size == -1 else size for size in spec.shape] for spec in self.bundle.inputs]
        arrays = [
            np.zeros(shape, DATATYPES[spec.datatype].dtype) for shape, spec in zip(shapes, self.bundle.inputs, strict=True)
        ]
        for array in arrays:
            if array.dtype.kind == "O":
                array[...] = ""
        return arrays


def _session(bundle: Bundle, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = _SILENT
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    path = bundle.folder / MODEL_FILE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - as above
        what = f"ONNX Runtime cannot load it: {_first_line(error)}"
        raise Refused(Problem("SERVE-022", str(path), what, "package the model again with `datahall run`")) from None


def _check_tensors(specs: Sequence[TensorSpec], nodes: Sequence[onnxruntime.NodeArg], bundle: Bundle, role: str) -> None:
    found = {node.name: node for node in nodes}
    problems = []
    for spec in specs:
        node = found.get(spec.name)
        wanted = _ORT_TYPES.get(spec.datatype, f"tensor({spec.datatype.lower()})")
        if node is None:
            problems.append(f"the graph has no {role} `{spec.name}`, only {', '.join(found)}")
        elif node.type != wanted:
            problems.append(f"{role} `{spec.name}` is {node.type} in the graph, but {spec.datatype} in bundle.json")
    if role == "input" and (extra := set(found) - {spec.name for spec in specs}):
        problems.append(f"the graph needs the input `{sorted(extra)[0]}`, which bundle.json does not name")
    if problems:
        where, fix = str(bundle.folder), "package the model again with `datahall run`"
        raise Refused([Problem("SERVE-023", where, what, fix) for what in problems])


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__

"""A model's outputs as answers: OIP v2 (JSON or binary tensors), or label and probability for people."""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from datahall.models.serve.bundle import Bundle, TensorSpec
from datahall.models.serve.questions import Question
from datahall.models.serve.tensors import DATATYPES, Array
from datahall.platform.gateway.wire import JSON_BYTES, packed_headers

_NUMPY = orjson.OPT_SERIALIZE_NUMPY


class AnswerWriter:
    """Writes the answers of one model version."""

    def __init__(self, bundle: Bundle, *, name: str, version: int) -> None:
        self._bundle, self._name, self._version = bundle, name, version
        self._outputs = {spec.name: (at, spec) for at, spec in enumerate(bundle.outputs)}
        self._all = tuple((spec.name, False) for spec in bundle.outputs)

    def infer(self, question: Question, outputs: Sequence[Array]) -> tuple[bytes, bytes]:
        """Header block and body of an OIP v2 answer."""
        rows, tail = [], []
        for name, is_binary in question.wanted or self._all:
            at, spec = self._outputs[name]
            row: dict[str, Any] = {"name": name, "datatype": spec.datatype, "shape": outputs[at].shape}
            if is_binary:
                tail.append(_bytes_of(outputs[at], spec))
                row["parameters"] = {"binary_data_size": len(tail[-1])}
            else:
                row["data"] = _plain_list(outputs[at])
            rows.append(row)
        answer: dict[str, Any] = {"model_name": self._name, "model_version": str(self._version), "outputs": rows}
        if question.id is not None:
            answer["id"] = question.id
        body = orjson.dumps(answer, option=_NUMPY)
        return (packed_headers({JSON_BYTES: len(body)}), body + b"".join(tail)) if tail else (b"", body)

    def predict(self, question: Question, outputs: Sequence[Array]) -> tuple[bytes, bytes]:
        """Header block and body of a plain answer: one prediction per sample."""
        scores = outputs[0]
        if self._bundle.task == "classification" and scores.ndim == 2 and scores.dtype.kind == "f":
            predictions = [self._top(row, question.top_k) for row in scores]
        else:
            predictions = [self._values(outputs, at) for at in range(question.rows)]
        return b"", orjson.dumps({"model": self._name, "version": self._version, "predictions": predictions}, option=_NUMPY)

    def _top(self, scores: Array, top_k: int) -> dict[str, Any]:
        labels = self._bundle.labels
        order = np.argsort(-scores, kind="stable")[:top_k]
        top = [
            {"label": labels[at] if at < len(labels) else str(at), "probability": float(scores[at])} for at in order.tolist()
        ]
        return {**top[0], "top": top}

    def _values(self, outputs: Sequence[Array], at: int) -> dict[str, Any]:
        parts = [output[at] if self._bundle.is_batched else output for output in outputs]
        return {spec.name: _json_value(part) for spec, part in zip(self._bundle.outputs, parts, strict=True)}


def _json_value(part: Any) -> Any:
    return part.tolist() if hasattr(part, "tolist") else part


def _plain_list(array: Array) -> Any:
    if array.dtype.kind == "O":
        return [text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in array.ravel().tolist()]
    return np.ascontiguousarray(array).reshape(-1)


def _bytes_of(array: Array, spec: TensorSpec) -> bytes:
    if array.dtype.kind != "O":
        return np.ascontiguousarray(array, DATATYPES[spec.datatype].dtype).tobytes()
    texts = [text if isinstance(text, bytes) else str(text).encode() for text in array.ravel().tolist()]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)

"""Bodies as questions to a model: the Open Inference Protocol (JSON and binary tensors) and the plain `/predict` body."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from datahall.foundation.errors import Problem, Refused
from datahall.models.serve.bundle import Bundle, TensorSpec
from datahall.models.serve.tensors import DATATYPES, Array, array_of, bytes_tensor, fits, flattened, is_finite

DEFAULT_TOP_K = 3


@dataclass(slots=True)
class Question:
    """What one request asks: arrays in the model's order of inputs, and how the answer should look."""

    arrays: tuple[Array, ...]
    rows: int
    id: str | None = None
    wanted: tuple[tuple[str, bool], ...] | None = None
    """Names of outputs, each with whether it should come as bytes; None asks for all as JSON."""
    top_k: int = DEFAULT_TOP_K


def infer_question(body: bytes, json_bytes: int | None, bundle: Bundle) -> Question:
    """The question in an OIP v2 body. json_bytes: length of its JSON part when binary tensors follow. Raises Refused."""
    data = _json_object(body if json_bytes is None else _json_part(body, json_bytes))
    given = _given_inputs(data, bundle)
    tail = _Tail(b"" if json_bytes is None else body[json_bytes:])
    arrays = {name: _tensor(row, spec, where, tail) for name, (row, spec, where) in given.items()}
    tail.check_empty()
    ordered = tuple(arrays[spec.name] for spec in bundle.inputs)
    return Question(ordered, _rows(ordered, bundle), _text_or_none(data.get("id")), _wanted(data, bundle))


def predict_question(body: bytes, bundle: Bundle) -> Question:
    """The question in a plain body: `{"input": sample or batch, "top_k": 3}` or `{"instances": batch}`. Raises Refused."""
    data = _json_object(body)
    if unknown := set(data) - {"input", "instances", "top_k"}:
        what = f"there is no field {_names(unknown)}"
        raise Refused(Problem("SERVE-003", "body", what, "send `input` (or `instances`), and `top_k` if you like"))
    if ("input" in data) == ("instances" in data):
        what = "needs either `input` or `instances`"
        raise Refused(Problem("SERVE-003", "body", what, 'send {"input": ...}; GET the same path for an example'))
    field = "input" if "input" in data else "instances"
    values = data[field]
    if len(bundle.inputs) == 1 and not isinstance(values, dict):
        values = {bundle.inputs[0].name: values}
    arrays = _plain_arrays(values, bundle, f"body.{field}")
    return Question(arrays, _rows(arrays, bundle), top_k=_top_k(data.get("top_k", DEFAULT_TOP_K)))


def _json_part(body: bytes, json_bytes: int) -> bytes:
    if not 0 < json_bytes <= len(body):
        what = f"Inference-Header-Content-Length is {json_bytes}, but the body has {len(body)} bytes"
        raise Refused(Problem("SERVE-010", "headers", what, "set it to the length of the JSON part in bytes"))
    return body[:json_bytes]


def _json_object(body: bytes) -> dict[str, Any]:
    if not body:
        raise Refused(Problem("SERVE-001", "body", "is empty", "send a JSON body; GET /predict/NAME shows an example"))
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(Problem("SERVE-002", "body", f"is not JSON: {error}", "send valid JSON, UTF-8")) from None
    if not isinstance(data, dict):
        what = f"is a JSON {type(data).__name__}, but an object is needed"
        raise Refused(Problem("SERVE-003", "body", what, 'start it with `{"inputs": [...` or `{"input": ...`'))
    return data


Given = dict[str, tuple[dict[str, Any], TensorSpec, str]]


def _given_inputs(data: dict[str, Any], bundle: Bundle) -> Given:
    rows = data.get("inputs")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        what = "needs `inputs`, a list of tensors"
        fix = 'send {"inputs": [{"name": ..., "shape": [...], "datatype": ..., "data": [...]}]}'
        raise Refused(Problem("SERVE-003", "body", what, fix))
    known = {spec.name: spec for spec in bundle.inputs}
    given: Given = {}
    problems = []
    for at, row in enumerate(rows):
        name, where = row.get("name"), f"body.inputs[{at}]"
        if not isinstance(name, str) or name not in known or name in given:
            problems.append(_name_problem(name, f"{where}.name", known))
        else:
            given[name] = (row, known[name], where)
    problems += [
        Problem("SERVE-005", "body.inputs", f"lacks the input `{name}`", f"the model's inputs are {_names(known)}; send all")
        for name in known
        if name not in given
    ]
    if problems:
        raise Refused(problems)
    return given


def _name_problem(name: object, where: str, known: Mapping[str, TensorSpec]) -> Problem:
    if isinstance(name, str) and name in known:
        return Problem("SERVE-004", where, f"`{name}` is given twice", "send each input once")
    shown = f"`{name[:80]}`" if isinstance(name, str) else "an input without a name"
    return Problem("SERVE-004", where, f"the model has no input {shown}", f"its inputs are {_names(known)}")


class _Tail:
    """The bytes after the JSON part, taken tensor by tensor."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: object, where: str) -> bytes:
        left = len(self._data) - self._at
        if not isinstance(size, int) or not 0 <= size <= left:
            what = f"binary_data_size is {size}, but {left} bytes are left in the body"
            raise Refused(Problem("SERVE-010", where, what, "set it to the length of this tensor in bytes"))
        self._at += size
        return self._data[self._at - size : self._at]

    def check_empty(self) -> None:
        if left := len(self._data) - self._at:
            what = f"{left} bytes follow the last binary tensor"
            raise Refused(Problem("SERVE-010", "body", what, "give each binary tensor its `binary_data_size`"))


def _tensor(row: dict[str, Any], spec: TensorSpec, where: str, tail: _Tail) -> Array:
    datatype = _datatype(row.get("datatype"), spec, f"{where}.datatype")
    shape = _shape(row.get("shape"), spec, f"{where}.shape")
    parameters = row.get("parameters")
    if isinstance(parameters, dict) and "binary_data_size" in parameters:
        array = _binary(tail.take(parameters["binary_data_size"], where), datatype, spec.datatype, where)
    elif "data" in row:
        array = array_of(flattened(row["data"], f"{where}.data")[0], spec.datatype, f"{where}.data")
    else:
        raise Refused(Problem("SERVE-003", where, "has neither `data` nor `binary_data_size`", "send the tensor's values"))
    if array.size != math.prod(shape):
        what = f"has {array.size} values, but shape {list(shape)} holds {math.prod(shape)}"
        raise Refused(Problem("SERVE-008", f"{where}.data", what, "send as many values as the shape holds"))
    return _finite(array, f"{where}.data").reshape(shape)


def _datatype(given: object, spec: TensorSpec, where: str) -> str:
    if isinstance(given, str) and given in DATATYPES and _converts(given, spec.datatype):
        return given
    what = f"input `{spec.name}` has datatype {str(given)[:40]}, but the model expects {spec.datatype}"
    raise Refused(
        Problem("SERVE-006", where, what, f"send {spec.datatype}, or a datatype that converts to it without loss of kind")
    )


def _converts(given: str, wanted: str) -> bool:
    if given == wanted:
        return True
    if "BYTES" in (given, wanted):
        return False
    source, target = DATATYPES[given].dtype, DATATYPES[wanted].dtype
    both_integers = source.kind in "iu" and target.kind in "iu"
    return both_integers or np.can_cast(source, target, "same_kind")


def _shape(given: object, spec: TensorSpec, where: str) -> tuple[int, ...]:
    if not isinstance(given, list) or not all(type(size) is int and size >= 0 for size in given):
        raise Refused(Problem("SERVE-007", where, "is not a list of sizes", f"the model expects {list(spec.shape)}"))
    if not fits(given, spec.shape):
        raise Refused(_shape_problem(given, spec, where))
    return tuple(given)


def _shape_problem(seen: list[int], spec: TensorSpec, where: str) -> Problem:
    what = f"input `{spec.name}` has shape {seen}, but the model expects {list(spec.shape)}"
    if fits(seen, spec.shape[1:]):
        return Problem("SERVE-007", where, what, f"put the batch dimension in front: {[1, *seen]}")
    return Problem("SERVE-007", where, what, "send that shape; -1 stands for any size")


def _binary(data: bytes, given: str, wanted: str, where: str) -> Array:
    if given == "BYTES":
        return bytes_tensor(data, where)
    source, target = DATATYPES[given].dtype, DATATYPES[wanted].dtype
    if len(data) % source.itemsize:
        what = f"{len(data)} bytes are not a whole number of {given} values"
        raise Refused(Problem("SERVE-010", where, what, f"each {given} value takes {source.itemsize} bytes"))
    array = np.frombuffer(data, source)
    if source == target:
        return array
    with np.errstate(over="ignore"):  # an overflow becomes infinite and is refused by name below
        converted = array.astype(target)
    if target.kind in "iu" and not np.array_equal(converted, array):
        what = f"a value of {given} does not fit into {wanted}"
        raise Refused(Problem("SERVE-014", where, what, f"send values within the range of {wanted}"))
    return converted


def _finite(array: Array, where: str) -> Array:
    if is_finite(array):
        return array
    at = int(np.flatnonzero(~np.isfinite(array))[0])
    what = f"value {at} is {array[at]}"
    raise Refused(Problem("SERVE-011", where, what, "send finite numbers; fill missing values before asking"))


def _plain_arrays(values: object, bundle: Bundle, where: str) -> tuple[Array, ...]:
    known = [spec.name for spec in bundle.inputs]
    if not isinstance(values, dict) or set(values) != set(known):
        seen = _names(values) if isinstance(values, dict) else f"a JSON {type(values).__name__}"
        what = f"needs the inputs {_names(known)}, but has {seen}"
        raise Refused(Problem("SERVE-005", where, what, "send an object with exactly these names"))
    prefix = where if len(known) == 1 else f"{where}."
    return tuple(_plain(values[spec.name], spec, prefix if len(known) == 1 else prefix + spec.name) for spec in bundle.inputs)


def _plain(values: object, spec: TensorSpec, where: str) -> Array:
    flat, shape = flattened(values, where)
    array = _finite(array_of(flat, spec.datatype, where), where)
    sample = spec.shape[1:]
    if fits(shape, spec.shape):
        return array.reshape(shape)
    if fits(shape, sample):
        return array.reshape(1, *shape)
    size = math.prod(sample)
    if -1 not in sample and shape in ((size,), (*shape[:1], size)):
        return array.reshape(-1, *sample)
    raise Refused(_plain_shape_problem(shape, spec, where))


def _plain_shape_problem(seen: tuple[int, ...], spec: TensorSpec, where: str) -> Problem:
    what = f"input `{spec.name}` has shape {list(seen)}, but the model expects {list(spec.shape)}"
    fix = f"send one sample of shape {list(spec.shape[1:])}, or a list of such samples"
    return Problem("SERVE-007", where, what, fix)


def _rows(arrays: tuple[Array, ...], bundle: Bundle) -> int:
    if not bundle.is_batched:
        return 1
    counts = {len(array) for array in arrays}
    if len(counts) > 1 or 0 in counts:
        what = "has no samples" if counts == {0} else f"inputs have {' and '.join(map(str, sorted(counts)))} samples"
        raise Refused(Problem("SERVE-007", "body", what, "send the same number of samples, at least one, for each input"))
    return counts.pop()


def _top_k(value: object) -> int:
    if type(value) is int and value >= 1:
        return value
    raise Refused(
        Problem("SERVE-003", "body.top_k", f"is {str(value)[:40]}, but a count of at least 1 is needed", "send a count")
    )


def _wanted(data: dict[str, Any], bundle: Bundle) -> tuple[tuple[str, bool], ...] | None:
    all_binary = _flag(data.get("parameters"), "binary_data_output")
    rows = data.get("outputs")
    if not rows:
        return tuple((spec.name, True) for spec in bundle.outputs) if all_binary else None
    known = {spec.name for spec in bundle.outputs}
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Refused(Problem("SERVE-003", "body.outputs", "is not a list of outputs", 'send [{"name": ...}], or leave it out'))
    for at, row in enumerate(rows):
        if not isinstance(row.get("name"), str) or row["name"] not in known:
            what = f"the model has no output `{str(row.get('name'))[:80]}`"
            raise Refused(Problem("SERVE-012", f"body.outputs[{at}].name", what, f"its outputs are {_names(known)}"))
    return tuple((row["name"], all_binary or _flag(row.get("parameters"), "binary_data")) for row in rows)


def _flag(parameters: object, name: str) -> bool:
    return isinstance(parameters, dict) and parameters.get(name) is True


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _names(names: Any) -> str:
    return ", ".join(f"`{str(name)[:40]}`" for name in sorted(names)) or "nothing"

"""Bodies read strictly: what is wrong is named, with what was expected."""

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahall.foundation.errors import DatahallError, Refused
from datahall.models.serve.bundle import Bundle, TensorSpec
from datahall.models.serve.questions import infer_question, predict_question


def bundle_of(*inputs, outputs=(("p", "FP32", (-1, 3)),)):
    specs = [tuple(TensorSpec(*row) for row in rows) for rows in (inputs, outputs)]
    return Bundle(None, "m", "classification", *specs, labels=("a", "b", "c"), kind="", variant="", example=None)


IMAGE = bundle_of(("input", "FP32", (-1, 2, 3)))
IDS = bundle_of(("ids", "INT64", (-1, 4)), ("mask", "BOOL", (-1, 4)))


def tensor(**changes):
    return {"name": "input", "shape": [1, 2, 3], "datatype": "FP32", "data": [1, 2, 3, 4, 5, 6]} | changes


def asked(*inputs, **more):
    return orjson.dumps({"inputs": list(inputs), **more})


@pytest.mark.parametrize("data", [[1, 2, 3, 4, 5, 6], [[[1, 2, 3], [4, 5, 6]]], [1.0, 2, 3, 4.0, 5, 6]])
def test_values_may_be_flat_or_nested(data):
    """Given six numbers, flat or nested, whole or not, the model gets the same [1, 2, 3] array."""
    question = infer_question(asked(tensor(data=data), id="q1"), None, IMAGE)
    assert question.arrays[0].tolist() == [[[1, 2, 3], [4, 5, 6]]]
    assert (question.arrays[0].dtype, question.rows, question.id) == (np.float32, 1, "q1")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "body: SERVE-001 is empty"),
        (b"input=1", "SERVE-002 is not JSON"),
        (b"[" * 100_000, "SERVE-002 is not JSON"),
        (b"[1]", "SERVE-003 is a JSON list, but an object is needed"),
        (b"{}", "SERVE-003 needs `inputs`"),
        (b'{"inputs": 5}', "SERVE-003 needs `inputs`"),
        (asked(tensor(name="pixels")), "SERVE-004 the model has no input `pixels`. Its inputs are `input`"),
        (asked(tensor(), tensor()), r"inputs\[1\].name: SERVE-004 `input` is given twice"),
        (asked(), "SERVE-005 lacks the input `input`"),
        (asked(tensor(datatype="BYTES")), "SERVE-006 input `input` has datatype BYTES, but the model expects FP32"),
        (asked(tensor(datatype=None)), "SERVE-006 input `input` has datatype None"),
        (asked(tensor(shape=[1, 3, 2])), r"SERVE-007 input `input` has shape \[1, 3, 2\], but the model expects \[-1, 2, 3\]"),
        (asked(tensor(shape=[2, 3])), r"SERVE-007 .* Put the batch dimension in front: \[1, 2, 3\]"),
        (asked(tensor(shape="1")), "SERVE-007 is not a list of sizes"),
        (asked(tensor(shape=[-1, 2, 3])), "SERVE-007 is not a list of sizes"),
        (asked(tensor(shape=[0, 2, 3], data=[])), "SERVE-007 has no samples"),
        (asked(tensor(data=[1, 2])), r"SERVE-008 has 2 values, but shape \[1, 2, 3\] holds 6"),
        (asked(tensor(data=[[1, 2, 3], [4, 5]])), "SERVE-013 the nested lists are ragged: rows of 2 and of 3"),
        (asked(tensor(data=[[1, 2, 3], 4])), "SERVE-013 the nested lists are ragged: numbers and lists are mixed"),
        (asked(tensor(data=[1, 2, "3", 4, 5, 6])), "SERVE-009 not all values are FP32: value 2 is '3'"),
        (asked(tensor(data=[1, 2, None, 4, 5, 6])), "SERVE-009 not all values are FP32: value 2 is null"),
        (asked(tensor(data=[1, 2, {}, 4, 5, 6])), "SERVE-009 not all values are FP32: value 2 is {}"),
        (asked(tensor(data=[1, 2, 1e39, 4, 5, 6])), "SERVE-009 .* value 2 is 1e\\+39: float too large"),
        (b'{"inputs":[{"name":"input","shape":[1,2,3],"datatype":"FP32","data":[NaN,1,2,3,4,5]}]}', "SERVE-002 is not JSON"),
        (asked({"name": "input", "shape": [1, 2, 3], "datatype": "FP32"}), "SERVE-003 has neither `data` nor"),
        (asked(tensor(), outputs=[{"name": "q"}]), "SERVE-012 the model has no output `q`. Its outputs are `p`"),
    ],
)
def test_a_wrong_body_is_named(body, says):
    """Given a body that the model cannot take, the Problem says where, what was seen and what is expected."""
    with pytest.raises(Refused, match=says):
        infer_question(body, None, IMAGE)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"data": [1, 2, 3, 4.5]}, "SERVE-009 not all values are INT64: value 3 is 4.5"),
        ({"datatype": "FP32"}, "SERVE-006 input `ids` has datatype FP32, but the model expects INT64"),
        ({"data": [1, 2, 3, 2**63]}, "SERVE-009 not all values are INT64: value 3 is 9223372036854775808"),
    ],
)
def test_whole_numbers_are_not_cut_off(changes, says):
    """Given fractions or too large numbers for an integer input, nothing is rounded in silence."""
    ids = {"name": "ids", "shape": [1, 4], "datatype": "INT64", "data": [1, 2, 3, 4]} | changes
    mask = {"name": "mask", "shape": [1, 4], "datatype": "BOOL", "data": [True, False, 1, 0]}
    with pytest.raises(Refused, match=says):
        infer_question(asked(ids, mask), None, IDS)


def test_all_names_are_checked_at_once():
    """Given one unknown and two missing inputs, all three are said."""
    with pytest.raises(Refused) as caught:
        infer_question(asked(tensor(name="x")), None, IDS)
    assert [problem.code for problem in caught.value.problems] == ["SERVE-004", "SERVE-005", "SERVE-005"]


def test_inputs_must_have_equally_many_samples():
    """Given two rows of ids and one of mask, the count of each is said."""
    ids = {"name": "ids", "shape": [2, 4], "datatype": "INT64", "data": [1] * 8}
    mask = {"name": "mask", "shape": [1, 4], "datatype": "BOOL", "data": [True] * 4}
    with pytest.raises(Refused, match="SERVE-007 inputs have 1 and 2 samples"):
        infer_question(asked(ids, mask), None, IDS)


# --- binary tensors ------------------------------------------------------------------------------------------------


def binary(array, *, datatype="FP32", size=None, tail=b"", shape=(1, 2, 3)):
    row = {
        "name": "input",
        "shape": list(shape),
        "datatype": datatype,
        "parameters": {"binary_data_size": size or array.nbytes},
    }
    head = asked(row)
    return head + array.tobytes() + tail, len(head)


@pytest.mark.parametrize(("datatype", "dtype"), [("FP32", "<f4"), ("FP64", "<f8"), ("INT32", "<i4"), ("UINT8", "<u1")])
def test_binary_tensors_are_converted_without_loss_of_kind(datatype, dtype):
    """Given raw bytes of a convertible datatype, the model gets FP32."""
    body, json_bytes = binary(np.arange(6, dtype=dtype), datatype=datatype)
    array = infer_question(body, json_bytes, IMAGE).arrays[0]
    assert (array.dtype, array.ravel().tolist()) == (np.float32, [0, 1, 2, 3, 4, 5])


FLOATS = np.arange(6, dtype="<f4")


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (binary(np.array([1, np.nan, 3, 4, 5, 6], "<f4")), "SERVE-011 value 1 is nan"),
        (binary(np.array([1, 2, 3, 4, 5, 1e300], "<f8"), datatype="FP64"), "SERVE-011 value 5 is inf"),
        (binary(FLOATS, size=20), "SERVE-008 has 5 values"),
        (binary(FLOATS, size=23), "SERVE-010 23 bytes are not a whole number of FP32 values"),
        (binary(FLOATS, size=100), "SERVE-010 binary_data_size is 100, but 24 bytes are left"),
        (binary(FLOATS, tail=b"more"), "SERVE-010 4 bytes follow the last binary tensor"),
        ((binary(FLOATS)[0], 5000), "SERVE-010 Inference-Header-Content-Length is 5000"),
        ((binary(FLOATS)[0], 0), "SERVE-010 Inference-Header-Content-Length is 0"),
    ],
)
def test_wrong_binary_tensors_are_named(made, says):
    """Given raw bytes that do not fit their description, or are not finite, the Problem says which."""
    body, json_bytes = made
    with pytest.raises(Refused, match=says):
        infer_question(body, json_bytes, IMAGE)


def test_binary_texts_carry_their_lengths():
    """Given two texts with their lengths before them, the model gets the texts; a wrong length is said."""
    texts = bundle_of(("text", "BYTES", (-1,)))
    row = {"name": "text", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": 14}}
    head, tail = asked(row), b"\x03\x00\x00\x00abc\x03\x00\x00\x00def"
    assert infer_question(head + tail, len(head), texts).arrays[0].tolist() == ["abc", "def"]
    with pytest.raises(Refused, match="SERVE-010 the binary texts do not end where"):
        infer_question(head + tail[:7] + b"\x09\x00\x00\x00def", len(head), texts)


# --- the plain body ------------------------------------------------------------------------------------------------

SAMPLE = [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ({"input": SAMPLE}, 1),
        ({"input": [SAMPLE, SAMPLE]}, 2),
        ({"input": [1, 2, 3, 4, 5, 6]}, 1),
        ({"input": [[1, 2, 3, 4, 5, 6]] * 3}, 3),
        ({"instances": [SAMPLE]}, 1),
        ({"input": {"input": SAMPLE}, "top_k": 1}, 1),
    ],
)
def test_a_person_may_send_a_sample_as_it_comes(body, rows):
    """Given one sample or several, shaped or flat, the model gets [rows, 2, 3]."""
    question = predict_question(orjson.dumps(body), IMAGE)
    assert (question.rows, question.arrays[0][0].tolist()) == (rows, SAMPLE)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "SERVE-003 needs either `input` or `instances`"),
        ({"input": SAMPLE, "instances": [SAMPLE]}, "SERVE-003 needs either"),
        ({"inputs": SAMPLE}, "SERVE-003 there is no field `inputs`"),
        ({"input": [1, 2]}, r"SERVE-007 input `input` has shape \[2\].* Send one sample of shape \[2, 3\]"),
        ({"input": 7}, r"SERVE-007 input `input` has shape \[\]"),
        ({"input": []}, "SERVE-007 input `input` has shape"),
        ({"input": {"pixels": SAMPLE}}, "SERVE-005 needs the inputs `input`, but has `pixels`"),
        ({"input": SAMPLE, "top_k": 0}, "SERVE-003 is 0, but a count of at least 1"),
        ({"input": SAMPLE, "top_k": "3"}, "SERVE-003 is 3, but a count"),
    ],
)
def test_a_wrong_plain_body_is_named(body, says):
    """Given a plain body that does not fit, the Problem shows the shape that would."""
    with pytest.raises(Refused, match=says):
        predict_question(orjson.dumps(body), IMAGE)


def test_several_inputs_go_by_name():
    """Given a model with two inputs, a sample is an object with both."""
    question = predict_question(orjson.dumps({"input": {"mask": [1, 0, 1, 1], "ids": [1, 2, 3, 4]}}), IDS)
    assert [array.tolist() for array in question.arrays] == [[[1, 2, 3, 4]], [[True, False, True, True]]]
    with pytest.raises(Refused, match="SERVE-005 needs the inputs `ids`, `mask`, but has a JSON list"):
        predict_question(b'{"input": [1, 2, 3, 4]}', IDS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["name", "shape", "data", "inputs"]), inner),
    max_leaves=12,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.just("input") | JSON,
        "shape": st.just([1, 2, 3]) | JSON,
        "datatype": st.sampled_from(["FP32", "INT64", "BOOL"]) | JSON,
        "data": JSON,
        "parameters": JSON,
    },
)


@given(rows=st.lists(FIELDS, max_size=2), outputs=JSON, value=JSON, top_k=JSON)
def test_no_json_breaks_the_reader(rows, outputs, value, top_k):
    """Given any JSON in any field, the reader takes it or refuses it with Problems; it never falls over."""
    for read, body in (
        (lambda data: infer_question(data, None, IMAGE), {"inputs": rows, "outputs": outputs, "parameters": value}),
        (lambda data: predict_question(data, IMAGE), {"input": value, "top_k": top_k}),
    ):
        try:
            question = read(orjson.dumps(body))
        except DatahallError as error:
            assert error.http_status == 400
            continue
        assert question.arrays[0].shape[1:] == (2, 3)

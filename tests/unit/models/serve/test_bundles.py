"""Bundles that cannot be served are named, with what is wrong in them."""

import orjson
import pytest

from datahall.foundation.errors import Missing, Refused, Unprocessable
from datahall.models.serve.bundle import read_bundle
from datahall.models.serve.onnx_model import OnnxModel


def described(folder, **changes):
    """Change fields of bundle.json; None takes one away."""
    path = folder / "bundle.json"
    document = orjson.loads(path.read_bytes()) | changes
    path.write_bytes(orjson.dumps({key: value for key, value in document.items() if value is not None}))
    return folder


def test_a_whole_bundle_is_read(bundles):
    """Given a bundle, its tensors and labels are known and rows may run together."""
    bundle = read_bundle(bundles["sums"])
    assert (bundle.inputs[0].shape, bundle.labels, bundle.is_batched) == ((-1, 2, 3), ("plus", "b", "c"), True)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": None}, "SERVE-021 is not a bundle: it lacks 'name'"),
        ({"format": 9}, "format 9, but this version reads format 1"),
        ({"inputs": []}, "a model needs at least one input"),
        ({"inputs": [{"name": "input", "datatype": "FP8", "shape": [-1]}]}, "datatype 'FP8' is none of FP32, FP64"),
        ({"inputs": [{"name": "input", "datatype": "FP32", "shape": ["n"]}]}, "SERVE-021 is not a bundle: invalid literal"),
    ],
)
def test_a_wrong_description_is_named(bundles, changes, says):
    """Given a bundle.json that lacks or contradicts something, the Problem says what."""
    with pytest.raises(Refused, match=says):
        read_bundle(described(bundles["sums"], **changes))


def test_a_missing_file_is_named(bundles):
    """Given a bundle without model.onnx, the Problem names the file."""
    (bundles["sums"] / "model.onnx").unlink()
    with pytest.raises(Missing, match=r"model\.onnx: SERVE-020 the bundle lacks this file"):
        read_bundle(bundles["sums"])


@pytest.mark.parametrize("data", [b"", b"not onnx", b"\x08\x01"])
def test_a_corrupt_model_is_named(bundles, data):
    """Given a model.onnx that is empty or damaged, the Problem says what ONNX Runtime found."""
    (bundles["sums"] / "model.onnx").write_bytes(data)
    with pytest.raises(Refused, match="SERVE-022 ONNX Runtime cannot load it"):
        OnnxModel(read_bundle(bundles["sums"]))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"inputs": [{"name": "pixels", "datatype": "FP32", "shape": [-1, 2, 3]}]},
            "the graph has no input `pixels`, only input",
        ),
        (
            {"inputs": [{"name": "input", "datatype": "INT64", "shape": [-1, 2, 3]}]},
            r"is tensor\(float\) in the graph, but INT64",
        ),
        ({"outputs": [{"name": "logits", "datatype": "FP32", "shape": [-1, 3]}]}, "the graph has no output `logits`"),
    ],
)
def test_a_graph_that_is_not_the_described_one_is_named(bundles, changes, says):
    """Given tensors in bundle.json that the graph does not have, the Problem says which."""
    with pytest.raises(Refused, match=f"SERVE-023 .*{says}"):
        OnnxModel(read_bundle(described(bundles["sums"], **changes)))


def test_values_that_the_graph_refuses_are_the_senders(bundles):
    """Given an index beyond the table, the error is 422 with ONNX Runtime's reason."""
    import numpy as np

    model = OnnxModel(read_bundle(bundles["lookup"]))
    with pytest.raises(Unprocessable, match=r"SERVE-030 the model cannot run on these values.*out of data bounds"):
        model.run([np.array([99])])

import numpy as np
import onnx
import pytest

from datahall.foundation.errors import Unprocessable
from datahall.models.compress import export, quantise
from datahall.models.compress.export import export_onnx
from datahall.models.compress.measure import Session
from datahall.models.data.normaliser import Normaliser
from datahall.models.evaluate.predict import probabilities
from datahall.models.families.build import build
from datahall.models.families.spec import MlpSpec
from datahall.models.families.trained import TrainedCard


def network_and_card(row_shape, normaliser, **spec):
    """A fresh network of four classes and its card."""
    model = MlpSpec(family="mlp", hidden=(9, 5), **spec)
    network = build(model, row_shape=row_shape, classes=4, seed=2).eval()
    shape = {"model": model, "row_shape": row_shape, "labels": ("a", "b", "c", "d")}
    return network, TrainedCard(**shape, normaliser=normaliser.as_dict())


@pytest.mark.parametrize(
    ("row_shape", "normaliser", "spec"),
    [
        ((6, 5), Normaliser("standard", 127.5, 1 / 64), {"activation": "gelu", "batch_norm": True}),
        ((4, 4, 3), Normaliser("unit", 0.0, 1 / 255), {"activation": "elu", "dropout_ratio": 0.5}),
        ((3,), Normaliser("standard", [1.0, -2.0, 50.0], [0.5, 3.0, 0.01]), {"activation": "softplus"}),
    ],
)
def test_raw_rows_give_the_trained_models_probabilities(tmp_path, row_shape, normaliser, spec):
    """Given raw rows of an image or a table, the file normalises them itself and answers as the network does, in any batch."""
    network, card = network_and_card(row_shape, normaliser, **spec)
    export_onnx(network, card, tmp_path / "m.onnx")
    x = np.random.default_rng(0).integers(0, 256, (5, *row_shape)).astype(np.uint8)
    session = Session(tmp_path / "m.onnx")
    expected = probabilities(network, x, normaliser=normaliser)
    np.testing.assert_allclose(session.probabilities(x), expected, atol=1e-6)
    np.testing.assert_allclose(session.run(x[:1].astype(np.float32)), expected[:1], atol=1e-6)


def test_names_types_and_shapes_are_the_documented_ones(tmp_path):
    """Given 6x5 images of four classes, input is FP32 [batch, 6, 5] and output FP32 [batch, 4]."""
    export_onnx(*network_and_card((6, 5), Normaliser("none", 0.0, 1.0)), tmp_path / "m.onnx")
    graph = onnx.load(tmp_path / "m.onnx").graph
    described = [
        (v.name, v.type.tensor_type.elem_type, [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim])
        for v in (*graph.input, *graph.output)
    ]
    assert described == [("input", 1, ["batch", 6, 5]), ("probabilities", 1, ["batch", 4])]


def test_the_file_repeats_and_names_no_path_of_this_machine(tmp_path):
    """Given one network exported twice, the bytes are equal, and no folder of this machine is among them."""
    network, card = network_and_card((3,), Normaliser("none", 0.0, 1.0))
    for name in ("a.onnx", "b.onnx"):
        export_onnx(network, card, tmp_path / name)
    data = (tmp_path / "a.onnx").read_bytes()
    assert data == (tmp_path / "b.onnx").read_bytes()
    assert b"site-packages" not in data and b".py" not in data


def test_a_network_larger_than_a_file_is_refused(tmp_path, monkeypatch):
    """Given a limit of 100 bytes, the problem states both sizes, and no file is left."""
    monkeypatch.setattr(export, "MAX_FILE_BYTES", 100)
    with pytest.raises(Unprocessable, match=r"COMP-004 the weights take .* an ONNX file holds at most 100"):
        export_onnx(*network_and_card((3,), Normaliser("none", 0.0, 1.0)), tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_layer_that_onnx_does_not_know_is_refused(tmp_path):
    """Given a network that asks for a different path for each value, the problem says that it cannot be exported."""
    from torch import nn

    class Forked(nn.Module):
        def forward(self, x):
            return x.flatten(1) if float(x.sum()) > 0 else -x.flatten(1)

    _, card = network_and_card((4,), Normaliser("none", 0.0, 1.0))
    with pytest.raises(Unprocessable, match="COMP-003 cannot be exported to ONNX"):
        export_onnx(Forked(), card, tmp_path / "m.onnx")


@pytest.mark.parametrize("make", [quantise.dynamic_int8, lambda a, b: quantise.static_int8(a, b, np.ones((4, 3), np.float32))])
def test_a_network_without_hidden_layers_is_quantised_too(tmp_path, make):
    """Given plain logistic regression on a table, int8 answers within 0.05 of float32."""
    model = MlpSpec(family="mlp", hidden=())
    network = build(model, row_shape=(3,), classes=4, seed=2).eval()
    normaliser = Normaliser("none", 0.0, 1.0)
    labels = ("a", "b", "c", "d")
    card = TrainedCard(model=model, row_shape=(3,), labels=labels, normaliser=normaliser.as_dict())
    export_onnx(network, card, tmp_path / "m.onnx")
    make(tmp_path / "m.onnx", tmp_path / "i.onnx")
    x = np.array([[1.0, 0.5, -0.5], [0.0, 1.0, 1.0]], np.float32)
    full, small = (Session(tmp_path / name).run(np.abs(x)) for name in ("m.onnx", "i.onnx"))
    np.testing.assert_allclose(small, full, atol=0.05)

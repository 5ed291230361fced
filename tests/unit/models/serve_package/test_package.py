import json
import subprocess
import sys

import numpy as np
import pytest

from datahall.foundation.errors import Refused
from datahall.models.compress.step import run as compress
from datahall.models.evaluate.step import run as evaluate
from datahall.models.serve.bundle import read_bundle
from datahall.models.serve.onnx_model import OnnxModel
from datahall.models.serve.package import run


@pytest.fixture
def package(make_step):
    """`package(life, int8="static")`: the package step of a trained life, evaluated and compressed, ready to run."""

    def make(life, **spec):
        inputs = {name: life / name for name in ("data", "train")}
        first = make_step("evaluate", {"evaluate": {"bootstrap_samples": 50}, "description": "Reads a digit."}, inputs=inputs)
        evaluate(first)
        second = make_step("compress", {"compress": spec}, inputs={**inputs, "evaluate": first.outputs})
        compress(second)
        seen = {"train": life / "train", "evaluate": first.outputs, "compress": second.outputs}
        return make_step("package", {}, inputs=seen)

    return make


def test_the_bundle_serves_its_own_example(digits_life, package):
    """Given digits, the bundle is the documented one, and ONNX Runtime answers its example from it."""
    step = package(digits_life, serve="int8", max_accuracy_drop_ratio=0.05)
    run(step)
    bundle = read_bundle(step.outputs)
    assert (bundle.name, bundle.kind, bundle.variant, bundle.task) == ("digits", "image", "int8", "classification")
    assert bundle.inputs[0].as_dict() == {"name": "input", "datatype": "FP32", "shape": [-1, 8, 8]}
    assert bundle.outputs[0].as_dict() == {"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}
    assert bundle.labels == tuple("0123456789") and bundle.is_batched
    [p_NK] = OnnxModel(bundle).run([np.repeat([bundle.example], 3, axis=0).astype(np.float32)])
    assert p_NK.shape == (3, 10)
    assert {path.name for path in step.outputs.iterdir()} == {
        "model.onnx",
        "bundle.json",
        "card.json",
        "evaluation.json",
        "report.html",
    }


def test_every_figure_says_whose_it_is(digits_life, package):
    """Given digits packaged as int8, bundle.json has the int8 variant's scores beside the trained model's, and the card and the
    report name both."""
    step = package(digits_life, serve="int8", max_accuracy_drop_ratio=0.5)
    run(step)
    metrics = json.loads((step.outputs / "bundle.json").read_text())["metrics"]
    variants = json.loads((step.input("compress") / "compression.json").read_text())["variants"]
    int8 = next(row for row in variants if row["name"] == "int8")
    trained = json.loads((step.outputs / "evaluation.json").read_text())["metrics"]
    for name in ("accuracy", "f1_macro", "log_loss", "brier", "calibration_error"):
        assert (metrics[name], metrics[f"trained_{name}"]) == (int8["metrics"][name], trained[name])
    [limit] = [text for text in json.loads((step.outputs / "card.json").read_text())["limits"] if "int8" in text]
    assert f"is {int8['accuracy']:.4f}, the trained model's {trained['accuracy']:.4f}" in limit
    page = (step.outputs / "report.html").read_text()
    assert "Test accuracy of the trained model" in page and "packaged is its int8 variant, right for" in page


def test_card_and_report_tell_the_whole_story(digits_life, package):
    """Given digits, the card has use, limits and the command, and the report gains the section on size and speed."""
    step = package(digits_life)
    run(step)
    card = json.loads((step.outputs / "card.json").read_text())
    assert card["intended_use"] == "Reads a digit."
    assert card["architecture"]["layers"] == "64 → 32 → 10"
    assert card["reproduce"] == "datahall run recipes/digits.yaml"
    assert any("always answers with one of its 10 labels" in sentence for sentence in card["limits"])
    page = (step.outputs / "report.html").read_text()
    assert "Size and speed" in page and "model.onnx" not in page.split("<main>")[0]


def test_a_table_is_packaged_with_its_columns(wine_life, package):
    """Given wine, the input is 13 numbers a row and bundle.json names them."""
    step = package(wine_life, int8="none")
    run(step)
    data = json.loads((step.outputs / "bundle.json").read_text())
    assert data["inputs"][0]["shape"] == [-1, 13] and data["columns"][0] == "alcohol"
    assert data["variant"] == "float32" and 0.8 < data["metrics"]["accuracy"] <= 1


def test_a_variant_that_is_not_there_is_refused(digits_life, package):
    """Given compression.json that chose a file which is gone, or a name it does not list, the problem says so."""
    step = package(digits_life, int8="none")
    (step.input("compress") / "model.float32.onnx").unlink()
    with pytest.raises(Refused, match=r"model.float32.onnx: PACK-001 cannot be read: No such file"):
        run(step)
    path = step.input("compress") / "compression.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"chosen": "int4"}))
    with pytest.raises(Refused, match=r"PACK-001 chose 'int4', which is none of its variants"):
        run(step)


def test_packaging_needs_no_torch():
    """Given a fresh Python, importing the step loads neither torch nor scikit-learn: it starts in a fraction of a second."""
    code = "import sys, datahall.models.serve.package; print('torch' in sys.modules, 'sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]

import json

import numpy as np
import pytest

from datahall.foundation.errors import Conflict, Refused
from datahall.models.compress import measure
from datahall.models.compress.measure import Session, latencies_s
from datahall.models.compress.step import run
from datahall.models.evaluate.step import run as evaluate


@pytest.fixture
def compress(digits_life, make_step):
    """`compress(int8="dynamic", …)`: the step over digits, evaluated, ready to run."""
    inputs = {"data": digits_life / "data", "train": digits_life / "train"}
    before = make_step("evaluate", {"evaluate": {"bootstrap_samples": 0}}, inputs=inputs)
    evaluate(before)

    def make(**spec):
        return make_step("compress", {"compress": spec}, inputs={**inputs, "evaluate": before.outputs})

    return make


@pytest.mark.parametrize("method", ["static", "dynamic"])
def test_int8_is_smaller_and_answers_alike(compress, method):
    """Given digits, int8 takes under 0.75 of float32's bytes (tiny layers, so names weigh much) and agrees on 97 % of rows."""
    step = compress(int8=method)
    run(step)
    document = json.loads((step.outputs / "compression.json").read_text())
    full, small = document["variants"]
    assert (full["name"], small["name"], document["int8"]) == ("float32", "int8", method)
    assert small["size_bytes"] == (step.outputs / "model.int8.onnx").stat().st_size < full["size_bytes"] * 0.75
    assert full["agreement"] == 1.0 and small["agreement"] > 0.97
    assert document["parity"]["max_difference"] < 1e-5
    assert all(seconds > 0 for row in document["variants"] for seconds in row["latency_s"].values())
    assert document["chosen"] in ("float32", "int8") and document["why"]


def test_without_int8_only_float32_is_left(compress):
    """Given int8: none, there is one variant and one ONNX file."""
    step = compress(int8="none")
    run(step)
    assert {path.name for path in step.outputs.iterdir()} == {"model.float32.onnx", "compression.json"}


def test_an_int8_that_loses_too_much_stops_the_run(compress):
    """Given int8 calibrated on blank images, serve: int8 ends with a problem; auto falls back to float32 and says so."""
    steps = [compress(serve=serve) for serve in ("int8", "auto")]
    for step in steps:
        path = step.input("data") / "x_train.npy"
        np.save(path, np.zeros_like(np.load(path)))
    with pytest.raises(Conflict, match=r"COMP-002 int8 loses \d+\.\d\d points of accuracy .* but the limit is 1\.00"):
        run(steps[0])
    run(steps[1])
    document = json.loads((steps[1].outputs / "compression.json").read_text())
    assert document["chosen"] == "float32" and "so float32 is packaged" in document["why"]


def without(folder, part):
    """Empty a part of the data in place."""
    for name in (f"x_{part}", f"y_{part}", f"rows_{part}"):
        np.save(folder / f"{name}.npy", np.load(folder / f"{name}.npy")[:0])


def test_the_test_rows_decide_nothing(compress):
    """Given test rows whose classes are all wrong, which variant is packaged, and why, stays the same but for the speed: it is
    decided on the validation rows, and the test rows are only reported."""
    honest, twisted = compress(serve="int8", max_accuracy_drop_ratio=0.5), compress(serve="int8", max_accuracy_drop_ratio=0.5)
    path = twisted.input("data") / "y_test.npy"
    np.save(path, (np.load(path) + 1) % 10)
    first, second = (decided(step) for step in (honest, twisted))
    assert first["why"] == second["why"] and first["decided_on"].endswith(" validation rows")
    for one, other in zip(first["variants"], second["variants"], strict=True):
        assert one["decision_accuracy"] == other["decision_accuracy"]
        assert one["accuracy"] == one["metrics"]["accuracy"] > other["accuracy"]


def test_without_validation_rows_training_rows_decide_and_it_is_said(compress):
    """Given no validation rows, a fifth of the training rows decides, which int8 was not calibrated on."""
    step = compress(serve="int8", max_accuracy_drop_ratio=0.5)
    without(step.input("data"), "validation")
    rows = len(np.load(step.input("data") / "y_train.npy"))
    found = decided(step)
    assert found["decided_on"] == f"{rows // 5} training rows" and f"on {rows // 5} training rows" in found["why"]


def decided(step):
    """compression.json after the step."""
    run(step)
    return json.loads((step.outputs / "compression.json").read_text())


def test_a_model_that_is_not_the_evaluated_one_fails_parity(compress):
    """Given probabilities of other weights, the export is not packaged."""
    step = compress()
    path = step.input("evaluate") / "probabilities.npy"
    np.save(path, np.roll(np.load(path), 1, axis=1))
    with pytest.raises(Conflict, match="COMP-001"):
        run(step)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda p: p.write_bytes(b"x"), "cannot be read"),
        (lambda p: np.save(p, np.zeros((2, 10))), "holds 2 rows, the test part has"),
    ],
)
def test_damaged_probabilities_are_refused(compress, damage, words):
    """Given a broken or foreign probabilities.npy, the problem names the file and the step to run again."""
    step = compress()
    damage(step.input("evaluate") / "probabilities.npy")
    with pytest.raises(Refused, match=rf"probabilities.npy: COMP-005 {words}.*Run the evaluate step again"):
        run(step)


def test_a_batch_longer_than_the_rows_is_filled_by_repeating(compress):
    """Given 3 rows and a batch of 64, latency is measured all the same."""
    step = compress(int8="none")
    run(step)
    session = Session(step.outputs / "model.float32.onnx")
    assert latencies_s({"float32": session}, np.zeros((3, 8, 8), np.uint8), batch=64)["float32"] > 0


def test_a_slow_model_is_timed_fewer_times(monkeypatch):
    """Given no patience at all, each session still gets one warm-up and one measured turn."""

    class Counted:
        turns = 0

        def run(self, _rows):
            self.turns += 1

    session = Counted()
    monkeypatch.setattr(measure, "MAX_MEASURE_S", 0)
    assert latencies_s({"slow": session}, np.zeros((1, 4), np.float32), batch=1)["slow"] >= 0
    assert session.turns == 2

import json
import subprocess
import sys

import numpy as np
import pytest

from datahall.foundation.errors import Conflict, Refused
from datahall.models.evaluate.step import run


def config(**spec):
    return {"evaluate": spec, "description": "Reads one handwritten digit."}


def test_the_step_leaves_what_later_steps_need(digits_life, make_step):
    """Given a network trained on digits, accuracy is above 0.9 and each document and array is there and consistent."""
    inputs = {"data": digits_life / "data", "train": digits_life / "train"}
    step = make_step("evaluate", config(bootstrap_samples=200), inputs=inputs)
    run(step)
    document, about = (json.loads((step.outputs / name).read_text()) for name in ("evaluation.json", "report.json"))
    p_NK = np.load(step.outputs / "probabilities.npy")
    assert document["metrics"]["accuracy"] > 0.9
    assert p_NK.shape == (document["rows"], 10) and p_NK.dtype == np.float32
    assert np.shape(about["example"]) == (8, 8)
    assert np.load(step.outputs / "mistakes.npy").shape == (len(about["mistakes"]), 8, 8)
    assert (step.outputs / "report.html").read_text().startswith("<!doctype html>")


def test_two_runs_leave_the_same_bytes(digits_life, make_step):
    """Given the same inputs and seed, all five files repeat byte by byte, so that the cache can trust them."""
    inputs = {"data": digits_life / "data", "train": digits_life / "train"}
    steps = [make_step("evaluate", config(), inputs=inputs) for _ in range(2)]
    for step in steps:
        run(step)
    for path in steps[0].outputs.iterdir():
        assert path.read_bytes() == (steps[1].outputs / path.name).read_bytes(), path.name


def test_below_the_recipes_accuracy_the_step_fails(wine_life, make_step):
    """Given min_accuracy_ratio 1, which this model misses, the step ends with exit code 1 and says by how much."""
    inputs = {"data": wine_life / "data", "train": wine_life / "train"}
    step = make_step("evaluate", config(min_accuracy_ratio=1.0), inputs=inputs)
    labels = np.load(step.input("data") / "y_test.npy")
    np.save(step.input("data") / "y_test.npy", (labels + (np.arange(len(labels)) == 0)) % 3)  # one label is surely wrong now
    with pytest.raises(
        Conflict, match=r"evaluate.min_accuracy_ratio: EVAL-001 test accuracy is 0\.\d+.*at least 1\.0"
    ) as raised:
        run(step)
    assert raised.value.exit_code == 1


def test_an_empty_test_part_is_refused(wine_life, make_step):
    """Given a dataset without test rows, the step says how to get some."""
    step = make_step("evaluate", config(), inputs={"data": wine_life / "data", "train": wine_life / "train"})
    for name in ("x_test", "y_test", "rows_test"):
        path = step.input("data") / f"{name}.npy"
        np.save(path, np.load(path)[:0])
    with pytest.raises(Refused, match="EVAL-002 the test part is empty"):
        run(step)


def test_the_process_ends_with_one_and_the_problem_on_stderr(wine_life, make_step):
    """Given the step run as the platform runs it, a missed limit is exit code 1 and one line, not a traceback."""
    inputs = {"data": wine_life / "data", "train": wine_life / "train"}
    step = make_step("evaluate", config(), inputs=inputs)
    labels = np.load(step.input("data") / "y_test.npy")
    np.save(step.input("data") / "y_test.npy", (labels + 1) % 3)
    asked = {**step.config, "evaluate": {"min_accuracy_ratio": 0.9}}
    (step.folder / "step.json").write_text(json.dumps({"step": "evaluate", "config": asked}))
    done = subprocess.run(
        [sys.executable, "-m", "datahall.models.steps"], cwd=step.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("evaluate.min_accuracy_ratio: EVAL-001 test accuracy is 0.") and done.stderr.count("\n") == 1
    assert "the recipe asks for at least 0.9000" in done.stderr

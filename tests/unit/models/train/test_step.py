import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from datahall.models.families.trained import load_trained
from datahall.models.steps import STOPPED_EXIT_CODE, Stopped
from datahall.models.train.step import run

PROCESS = [sys.executable, "-c", "import sys; from datahall.models.steps import main; sys.exit(main())"]


def test_the_outputs_tell_all_that_the_later_steps_need(step_in, history):
    """Given a small run, the network, its card, its history and how it was made lie in the outputs folder."""
    step = step_in(epochs=3)
    run(step)
    network, card = load_trained(step.outputs)
    assert card.labels == ("a", "b", "c")
    assert card.normaliser == {"method": "unit", "offset": 0.0, "scale": 1 / 255}
    assert network(torch.zeros(2, 6, 6)).shape == (2, 3)
    assert [epoch["epoch"] for epoch in history(step)] == [1, 2, 3]
    training = json.loads((step.outputs / "training.json").read_text())
    assert training["stopped_because"] == "all 3 epochs are done"
    assert (training["parameters"], training["threads"], training["device"]) == (
        36 * 12 + 12 + 12 * 7 + 7 + 7 * 3 + 3,
        1,
        "cpu",
    )
    assert training["energy"]["joules"] > 0
    assert set(training["energy"]) == {"joules", "measured", "source"}
    assert set(training["versions"]) == {"python", "torch", "numpy", "datahall"}


def test_metrics_are_logged_live_by_epoch(step_in):
    """Given a run of two epochs, the metrics file has one line for each, with all five values."""
    step = step_in(epochs=2)
    run(step)
    step.metrics.close()
    points = [json.loads(line) for line in (step.folder / "metrics.jsonl").read_text().splitlines()]
    assert [point["step"] for point in points] == [1, 2]
    assert set(points[0]["values"]) == {"train_loss", "validation_loss", "validation_accuracy", "learning_rate", "seconds"}


def test_energy_adds_up_over_attempts(step_in, stops_at):
    """Given a run stopped half-way, the joules of the first attempt are in the total of the second."""
    step = step_in("work", kind=stops_at)
    step.at = 6
    with pytest.raises(Stopped):
        run(step)
    record = json.loads(next(step.state.glob("*.json")).read_text())
    first_j = record["progress"]["energy"]["joules"]
    again = step_in("work")
    run(again)
    assert json.loads((again.outputs / "training.json").read_text())["energy"]["joules"] > first_j > 0


def test_same_seed_same_weights(finish):
    """Given the same recipe and seed twice, the weights are equal; with another seed they are not."""
    weights = [(finish(str(n), seed=seed).outputs / "model.safetensors").read_bytes() for n, seed in enumerate((1, 1, 2))]
    assert weights[0] == weights[1] != weights[2]


@pytest.mark.parametrize("blow", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_that_is_stopped_or_killed_goes_on_in_the_next(step_in, finish, history, blow):
    """Given a training process that gets SIGTERM or SIGKILL in mid-run, the next one ends with the same weights."""
    fields = {"epochs": 300, "checkpoint_interval": 0.01, "rows": 800, "model": {"dropout_ratio": 0.2}}
    step = step_in("work", **fields)
    (step.folder / "step.json").write_text(json.dumps({"step": "train", "config": step.config}))
    first = subprocess.Popen(PROCESS, cwd=step.folder, stdout=subprocess.DEVNULL)
    while not list(step.state.glob("*.json")) and first.poll() is None:
        time.sleep(0.005)
    os.kill(first.pid, blow)
    assert first.wait(60) == (STOPPED_EXIT_CODE if blow == signal.SIGTERM else -signal.SIGKILL)
    assert not (step.outputs / "model.json").exists()
    second = subprocess.run(
        PROCESS,
        cwd=step.folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert second.stdout.startswith("Going on from the checkpoint at update ")
    whole = finish("whole", **{**fields, "checkpoint_interval": 60})
    assert history(step) == history(whole)
    assert (step.outputs / "model.safetensors").read_bytes() == (whole.outputs / "model.safetensors").read_bytes()

"""Interrupted and resumed equals uninterrupted, bit for bit: weights, history, and how the run ended."""

import pytest

from datahall.models.steps import Stopped
from datahall.models.train.step import run

ONE_CYCLE = {"schedule": {"name": "one_cycle"}, "optimiser": {"learning_rate": 0.01}}
RUNS = {
    "one cycle": ONE_CYCLE,
    "dropout": {**ONE_CYCLE, "model": {"dropout_ratio": 0.3}},
    "batch norm, dropout": {**ONE_CYCLE, "model": {"batch_norm": True, "dropout_ratio": 0.3, "activation": "gelu"}, "rows": 49},
    "augmentation": {**ONE_CYCLE, "augment": {"rotate_deg": 20, "shift_ratio": 0.1}, "model": {"dropout_ratio": 0.2}},
    "momentum, cosine, penalties": {
        "optimiser": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
        "schedule": {"name": "cosine", "warmup_ratio": 0.2},
        "l1": 1e-4,
        "l2": 1e-3,
        "label_smoothing_ratio": 0.1,
    },
    "adamw, early stop": {
        "optimiser": {"name": "adamw", "learning_rate": 0.2, "weight_decay": 0.1},
        "early_stop": {"patience_epochs": 1},
    },
}


@pytest.mark.parametrize("fields", RUNS.values(), ids=RUNS.keys())
def test_stopped_at_any_batch_it_ends_the_same(finish, history, fields):
    """Given a run of four batches an epoch, stopping after batch 1, 2, … 9 or at all of several changes no bit."""
    whole = finish("whole", **fields)
    weights = (whole.outputs / "model.safetensors").read_bytes()
    for cuts in ([1], [2], [3], [4], [5], [6], [1, 1, 1], [3, 2], [2, 3, 1]):
        cut = finish(f"cut {cuts}", cuts=cuts, **fields)
        assert (cut.outputs / "model.safetensors").read_bytes() == weights, cuts
        assert history(cut) == history(whole), cuts


def test_a_finished_run_that_is_started_again_only_writes_its_outputs(finish, step_in, stops_at):
    """Given a run that ended before its outputs were taken, a retry trains nothing and writes them again."""
    first = finish("work")
    weights = (first.outputs / "model.safetensors").read_bytes()
    (first.outputs / "model.safetensors").unlink()
    again = step_in("work", kind=stops_at)
    run(again)
    assert again.seen == 0
    assert (again.outputs / "model.safetensors").read_bytes() == weights


def test_the_threads_of_the_first_attempt_are_kept(step_in, stops_at, monkeypatch):
    """Given a run that measured two threads, a resume uses two and measures nothing."""
    import torch

    from datahall.models.train import step as module

    monkeypatch.setattr(module, "fastest_threads", lambda *_: module.use_threads(2))
    step = step_in("work", kind=stops_at, threads="measure")
    step.at = 3
    with pytest.raises(Stopped):
        run(step)
    torch.set_num_threads(1)
    monkeypatch.setattr(module, "fastest_threads", None)
    run(step_in("work", threads="measure"))
    assert torch.get_num_threads() == 2

import json
import math

import pytest
import torch

from datahall.foundation.errors import Unprocessable
from datahall.models.families.build import build
from datahall.models.families.spec import MlpSpec
from datahall.models.train.batches import Batches
from datahall.models.train.spec import TrainSpec
from datahall.models.train.training import Outside, Training


class Clock:
    """Each look at it takes a second."""

    now_s = 0.0

    def __call__(self):
        self.now_s += 1
        return self.now_s


def outside(**changes):
    silent = {
        "stop_requested": lambda: False,
        "checkpoint": lambda _: None,
        "stop": lambda _: None,
        "epoch_done": lambda _: None,
    }
    return Outside(**silent | changes)


def training(*, rows=40, validation=True, model=None, **fields):
    """Four clusters of points, easy to tell apart."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(rows) % 4
    x = torch.nn.functional.one_hot(y, 4).float() + 0.3 * torch.randn(rows, 4, generator=generator)
    network = build(MlpSpec(family="mlp", hidden=(8,), **(model or {})), row_shape=(4,), classes=4, seed=0)
    spec = TrainSpec(**{"batch_size": 10, "epochs": 5, "optimiser": {"learning_rate": 0.02}} | fields)
    return Training(
        network, spec, batches=Batches(x, y, batch_size=spec.batch_size, seed=0), validation=(x, y) if validation else None
    )


def test_it_learns():
    """Given separable points, the loss falls and accuracy nears one."""
    run = training(epochs=30)
    run.run(outside())
    first, *_, last = run.progress.history
    assert last.train_loss < first.train_loss / 3
    assert last.validation_accuracy >= 0.95
    assert run.progress.stopped_because == "all 30 epochs are done"


def test_epochs_report_their_rate_losses_and_updates():
    """Given two epochs of four batches, each record says where it stood; the log leaves out what it is indexed by."""
    run = training(epochs=2, schedule={"name": "cosine"})
    run.run(outside())
    first, second = run.progress.history
    assert (first.epoch, first.updates, second.updates) == (1, 4, 8)
    assert first.learning_rate == pytest.approx(0.02 * (1 + math.cos(math.pi * 3 / 8)) / 2)
    assert set(first.metrics()) == {"train_loss", "validation_loss", "validation_accuracy", "learning_rate", "seconds"}
    assert first.line().startswith("epoch 1: training loss ")


def test_the_training_loss_is_the_mean_over_batches():
    """Given a rate too small to matter, the epoch's loss is the plain mean cross-entropy over all rows."""
    run = training(epochs=1, optimiser={"learning_rate": 1e-12})
    run.run(outside())
    [record] = run.progress.history
    assert record.train_loss == pytest.approx(record.validation_loss, abs=1e-5)


def test_early_stop_keeps_the_best_weights():
    """Given a rate that ruins the network after a while, the run stops and goes back to its best epoch."""
    run = training(epochs=60, optimiser={"name": "sgd", "learning_rate": 12.0}, early_stop={"patience_epochs": 3})
    run.run(outside())
    losses = [record.validation_loss for record in run.progress.history]
    best = losses.index(min(losses)) + 1
    assert run.progress.best_epoch == best
    assert len(losses) == best + 3
    from datahall.models.train.validation import validate

    assert validate(run.step.logits, *run.validation).loss == pytest.approx(min(losses))
    assert run.progress.stopped_because == f"validation_loss did not improve for 3 epochs; epoch {best} is kept"


def test_accuracy_can_be_watched_with_a_least_improvement():
    """Given accuracy as the metric and an improvement that is out of reach, it stops after the patience."""
    run = training(epochs=60, early_stop={"metric": "validation_accuracy", "patience_epochs": 2, "min_improvement": 1.0})
    run.run(outside())
    assert (run.progress.best_epoch, len(run.progress.history)) == (1, 3)


def test_a_loss_threshold_ends_the_run():
    """Given a threshold, the first epoch whose mean loss is below it is the last."""
    run = training(epochs=200, loss_threshold=0.5)
    run.run(outside())
    losses = [record.train_loss for record in run.progress.history]
    assert losses[-1] < 0.5 < min(losses[:-1])
    assert run.progress.stopped_because.endswith("is below 0.5")


def test_minutes_end_the_run_in_the_middle_of_an_epoch():
    """Given a tenth of a minute and a clock that ticks a second a look, the epoch is cut short and still recorded."""
    run = training(epochs=100, max_minutes=0.1)
    run.run(outside(clock_s=Clock()))
    assert run.progress.stopped_because == "0.1 minutes are over"
    assert 6 <= run.progress.seconds <= 9
    assert run.progress.history[-1].updates == run.progress.updates < 400


def test_checkpoints_are_asked_for_at_their_interval_whatever_an_epoch_takes():
    """Given a clock that ticks a second a look, epochs of six seconds and an interval of ten, one in two epochs is saved."""
    saved = []
    run = training(epochs=12, checkpoint_interval=10)
    run.run(outside(clock_s=Clock(), checkpoint=lambda t: saved.append(t.progress.epoch)))
    assert 5 <= len(saved) <= 8
    assert len(set(saved)) == len(saved)


@pytest.mark.parametrize("schedule", [{}, {"name": "constant", "warmup_ratio": 0.01}], ids=["constant", "warm-up"])
def test_a_diverging_loss_says_where_and_what_to_try(schedule):
    """Given a rate of 100 and tall inputs, the problem names the update, the rate and the ways out."""
    run = training(optimiser={"name": "sgd", "learning_rate": 100.0}, model={"activation": "identity"}, schedule=schedule)
    run.batches._x_ND.mul_(1e6)
    with pytest.raises(
        Unprocessable, match=r"train: epoch 1, update \d: TRAIN-010 the loss became (nan|inf) at learning"
    ) as caught:
        run.run(outside())
    [problem] = caught.value.problems
    assert "lower optimiser.learning_rate (try 10)" in problem.fix
    assert ("warmup_ratio" in problem.fix) is (not schedule)


def test_a_validation_loss_that_is_no_number_is_reported_too():
    """Given validation rows with an infinite feature, the problem says that it was the validation loss."""
    run = training()
    run.validation = (torch.full((2, 4), float("inf")), torch.tensor([0, 1]))
    with pytest.raises(Unprocessable, match="TRAIN-010 the validation loss became"):
        run.run(outside())


def test_no_checkpoint_is_written_of_a_run_that_diverged():
    """Given a loss that is not a number, asking for the state raises instead of overwriting a good checkpoint."""
    run = training()
    run.losses[2] = float("nan")
    run.progress.batch = run.progress.updates = 4
    with pytest.raises(Unprocessable, match=r"train: epoch 1, update 3: TRAIN-010 the loss became nan"):
        run.state()


def test_without_validation_only_the_training_loss_is_reported():
    """Given no validation part, records leave its values out."""
    run = training(validation=False, epochs=1)
    run.run(outside())
    assert set(run.progress.history[0].metrics()) == {"train_loss", "learning_rate", "seconds"}
    json.dumps(run.progress.model_dump())

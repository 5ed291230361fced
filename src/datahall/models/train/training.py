"""The training loop. All that decides a run's future is in `state()` and `progress`, so that it can stop anywhere."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from datahall.foundation.dice import stream_seed
from datahall.foundation.errors import Problem, Unprocessable
from datahall.models.train import rules
from datahall.models.train.batches import Batches
from datahall.models.train.progress import EpochRecord, Progress
from datahall.models.train.schedule import rate_ratio
from datahall.models.train.spec import TrainSpec
from datahall.models.train.updates import training_step
from datahall.models.train.validation import Measured, validate


@dataclass(frozen=True, slots=True)
class Outside:
    """What the loop asks and tells. `checkpoint` may raise to end the run."""

    stop_requested: Callable[[], bool]
    checkpoint: Callable[["Training"], None]
    stop: Callable[["Training"], None]
    """Called after a batch when a stop was requested; saves and raises."""
    epoch_done: Callable[[EpochRecord], None]
    clock_s: Callable[[], float] = time.perf_counter


class Training:
    """One run: a network, its batches and rule, and where it stands."""

    def __init__(
        self,
        network: nn.Module,
        spec: TrainSpec,
        *,
        batches: Batches,
        validation: tuple[Tensor, Tensor] | None = None,
        autocast: torch.dtype | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.network, self.spec, self.batches, self.validation = network.train(), spec, batches, validation
        self.progress = progress or Progress()
        self.rule = rules.update_rule(network, spec)
        self.step = training_step(network, self.rule, spec, autocast=autocast, kernels=self.progress.kernels)
        self.progress.kernels = self.step.kernels
        self.precision = "float32" if autocast is None else str(autocast).removeprefix("torch.")
        self.losses = torch.zeros(len(batches), device=batches.y_N.device)
        self._loss_of = self.losses.unbind()
        self._best: dict[str, Tensor] = {}
        self._last_tick_s = self._saved_s = 0.0

    def run(self, outside: Outside) -> None:
        """Train until the spec says stop; the best weights are in the network at the end if it asks for early stopping.

        Raises Unprocessable when the loss stops being a number, and whatever `outside` raises.
        """
        self._last_tick_s = self._saved_s = outside.clock_s()
        while self.progress.stopped_because is None:
            self._deal()
            self._pass_over_batches(outside)
            self._close_epoch(outside)
        if self._best:
            self.network.load_state_dict(self._best)

    def rate(self, update: int) -> float:
        """Learning rate at `update`, from 0."""
        per_epoch = len(self.batches)
        updates = self.spec.epochs * per_epoch
        ratio = rate_ratio(self.spec.schedule, update, updates=updates, updates_per_epoch=per_epoch)
        return self.spec.optimiser.learning_rate * ratio

    def state(self) -> dict[str, Tensor]:
        """Every tensor that decides the future of the run, by name. Raises Unprocessable if a loss is not a number."""
        self._check_losses(self.progress.batch)
        random = {"random.cpu": torch.get_rng_state()}
        if self.losses.device.type == "cuda":
            random["random.cuda"] = torch.cuda.get_rng_state(self.losses.device)
        parts = {"network": self.network.state_dict(), "rule": self.rule.state(), "best": self._best}
        named = {f"{part}.{name}": tensor for part, tensors in parts.items() for name, tensor in tensors.items()}
        return named | random | {"losses": self.losses}

    def restore(self, saved: Mapping[str, Tensor]) -> None:
        """Put a `state()` back. Raises KeyError or RuntimeError when it is another network's."""
        self.network.load_state_dict(_part(saved, "network"))
        rules.restore(self.rule, _part(saved, "rule"))
        self._best = {name: tensor.to(self.losses.device) for name, tensor in _part(saved, "best").items()}
        self.losses.copy_(saved["losses"])
        torch.set_rng_state(saved["random.cpu"])
        if "random.cuda" in saved and self.losses.device.type == "cuda":
            torch.cuda.set_rng_state(saved["random.cuda"], self.losses.device)

    def _deal(self) -> None:
        self.batches.deal(self.progress.epoch)
        if self.progress.batch == 0:
            torch.manual_seed(stream_seed(self.batches.seed, f"noise/{self.progress.epoch}"))

    def _pass_over_batches(self, outside: Outside) -> None:
        first, before = self.progress.batch, self.progress.updates
        due_s = self._due_s()
        for index in range(first, len(self.batches)):
            x, y_B = self.batches[index]
            rate = self.rate(before + index - first)
            self.step(x, y_B, learning_rate=rate, loss=self._loss_of[index])
            if outside.stop_requested() or outside.clock_s() >= due_s:
                self._stand_at(index + 1, before + index + 1 - first, outside)
                if self._pause(outside):
                    return
                due_s = self._due_s()
        self._stand_at(len(self.batches), before + len(self.batches) - first, outside)

    def _stand_at(self, batch: int, updates: int, outside: Outside) -> None:
        now_s = outside.clock_s()
        self.progress.batch, self.progress.updates = batch, updates
        self.progress.seconds += now_s - self._last_tick_s
        self.progress.epoch_seconds += now_s - self._last_tick_s
        self._last_tick_s = now_s

    def _due_s(self) -> float:
        """When to look up from the batches next: at the checkpoint or at the end of the time allowed."""
        left_s = float("inf") if self.spec.max_minutes is None else 60 * self.spec.max_minutes - self.progress.seconds
        return min(self._saved_s + self.spec.checkpoint_interval, self._last_tick_s + left_s)

    def _out_of_time(self) -> bool:
        return self.spec.max_minutes is not None and self.progress.seconds >= 60 * self.spec.max_minutes

    def _pause(self, outside: Outside) -> bool:
        """Stop or save, between two batches; True when the time allowed is over."""
        if outside.stop_requested():
            outside.stop(self)
        if self._out_of_time():
            return True
        outside.checkpoint(self)
        self._saved_s = outside.clock_s()
        return False

    def _close_epoch(self, outside: Outside) -> None:
        done = self.progress.batch
        self._check_losses(done)
        measured = validate(self.step.logits, *self.validation) if self.validation else None
        if measured is not None:
            self._check_validation(measured)
        self._stand_at(done, self.progress.updates, outside)
        record = self._record(done, measured)
        if self.progress.note(record, self.spec.early_stop):
            self._best = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}
        self.progress.epoch, self.progress.batch, self.progress.epoch_seconds = record.epoch, 0, 0.0
        self.progress.stopped_because = self._reason_to_stop(record)
        outside.epoch_done(record)

    def _record(self, batches: int, measured: Measured | None) -> EpochRecord:
        return EpochRecord(
            epoch=self.progress.epoch + 1,
            updates=self.progress.updates,
            train_loss=self.losses[:batches].double().mean().item(),
            validation_loss=measured.loss if measured else None,
            validation_accuracy=measured.accuracy if measured else None,
            learning_rate=self.rate(self.progress.updates - 1),
            seconds=self.progress.epoch_seconds,
        )

    def _reason_to_stop(self, record: EpochRecord) -> str | None:
        early, threshold = self.spec.early_stop, self.spec.loss_threshold
        if early is not None and self.progress.epochs_without_gain() >= early.patience_epochs:
            return (
                f"{early.metric} did not improve for {early.patience_epochs} epochs; epoch {self.progress.best_epoch} is kept"
            )
        if threshold is not None and record.train_loss < threshold:
            return f"the training loss {record.train_loss:.4g} is below {threshold:.4g}"
        if self._out_of_time():
            return f"{self.spec.max_minutes:g} minutes are over"
        return f"all {self.spec.epochs} epochs are done" if record.epoch >= self.spec.epochs else None

    def _check_losses(self, batches: int) -> None:
        bad = torch.isfinite(self.losses[:batches]).logical_not().nonzero()
        if len(bad):
            index = int(bad[0])
            update = self.progress.updates - batches + index
            raise Unprocessable(_diverged(f"the loss became {self.losses[index]:.3g}", update, self.rate(update), self))

    def _check_validation(self, measured: Measured) -> None:
        if not math.isfinite(measured.loss):
            update = self.progress.updates - 1
            raise Unprocessable(_diverged(f"the validation loss became {measured.loss:.3g}", update, self.rate(update), self))


def _diverged(what: str, update: int, rate: float, training: Training) -> Problem:
    clipped = "" if training.spec.schedule.warmup_ratio else ", add schedule.warmup_ratio: 0.1"
    return Problem(
        "TRAIN-010",
        f"train: epoch {training.progress.epoch + 1}, update {update + 1}",
        f"{what} at learning rate {rate:.3g}",
        f"lower optimiser.learning_rate (try {rate / 10:.2g}){clipped}, normalise the data (`normalise: standard`)",
    )


def _part(saved: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    prefix = f"{part}."
    return {name.removeprefix(prefix): tensor for name, tensor in saved.items() if name.startswith(prefix)}

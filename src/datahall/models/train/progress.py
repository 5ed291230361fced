"""Where a training run stands: plain values that go into every checkpoint."""

from pydantic import BaseModel

from datahall.models.train.spec import EarlyStop


class EpochRecord(BaseModel):
    """What one epoch came to."""

    epoch: int
    """From 1."""
    updates: int
    """Batches of the whole run so far."""
    train_loss: float
    """Mean cross-entropy of its batches, each before its own update; without penalties."""
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    learning_rate: float
    """At its last update."""
    seconds: float

    def metrics(self) -> dict[str, float]:
        """What is logged for it, by name; without a validation part there are fewer."""
        return {name: value for name, value in self if name not in ("epoch", "updates") and value is not None}

    def line(self) -> str:
        """One line for the job's log."""
        checked = (
            f", validation loss {self.validation_loss:.4f}, accuracy {self.validation_accuracy:.4f}"
            if self.validation_loss is not None and self.validation_accuracy is not None
            else ""
        )
        return f"epoch {self.epoch}: training loss {self.train_loss:.4f}{checked}, {self.seconds:.2f} s"


class EnergyRecord(BaseModel):
    """Energy of the training process."""

    joules: float
    measured: bool
    """Read from a meter; otherwise estimated."""
    source: str


class Progress(BaseModel):
    """All that decides the future of a run, apart from tensors."""

    epoch: int = 0
    """Epochs done."""
    batch: int = 0
    """Batches done of the epoch under way."""
    updates: int = 0
    seconds: float = 0.0
    """Spent training, over all attempts."""
    epoch_seconds: float = 0.0
    history: list[EpochRecord] = []
    best_epoch: int | None = None
    best_value: float | None = None
    stopped_because: str | None = None
    """Set when the run is over."""
    energy: EnergyRecord | None = None
    """Taken so far, over all attempts."""
    threads: int = 1
    kernels: dict[str, str] = {}

    def note(self, record: EpochRecord, early: EarlyStop | None) -> bool:
        """Add an epoch; True when it is the best so far by the metric of `early`."""
        self.history.append(record)
        if early is None:
            return False
        value = getattr(record, early.metric)
        better = self.best_value is None or _gain(value, self.best_value, early.metric) > early.min_improvement
        if better:
            self.best_epoch, self.best_value = record.epoch, value
        return better

    def epochs_without_gain(self) -> int:
        """Epochs since the best one."""
        return len(self.history) - (self.best_epoch or 0)


def _gain(value: float, best: float, metric: str) -> float:
    return best - value if metric.endswith("loss") else value - best

"""What a recipe says about training."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from datahall.foundation.spec import Spec
from datahall.foundation.units import Seconds


class Optimiser(Spec):
    """Which rule turns gradients into steps."""

    name: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0, le=100)
    """The peak, for schedules that move it."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.999, ge=0, lt=1)
    epsilon: float = Field(default=1e-8, gt=0)
    momentum: float = Field(default=0.0, ge=0, lt=1)
    """SGD only."""
    nesterov: bool = False
    weight_decay: float = Field(default=0.0, ge=0)
    """Decoupled (AdamW), on weights only; for Adam and SGD say `l2` instead."""

    @model_validator(mode="after")
    def _belongs_together(self) -> "Optimiser":
        if self.weight_decay and self.name != "adamw":
            raise ValueError(f"weight_decay belongs to adamw; with {self.name} write `l2` in `train`")
        if self.momentum and self.name != "sgd":
            raise ValueError(f"momentum belongs to sgd; {self.name} has beta1")
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")
        return self


class Schedule(Spec):
    """How the learning rate moves with the steps."""

    name: Literal["constant", "step", "cosine", "one_cycle"] = "constant"
    warmup_ratio: float | None = Field(default=None, ge=0, lt=1)
    """Share of all steps in which the rate climbs: in a line from zero, for one-cycle along a cosine from 1/25 of the peak.
    Without it, 0.3 for one-cycle and 0 for the others."""
    final_ratio: float = Field(default=0.0, ge=0, le=1)
    """Rate at the end over the peak (cosine, one-cycle)."""
    step_epochs: float = Field(default=10, gt=0)
    """Step only: after each of this many epochs …"""
    step_factor: float = Field(default=0.1, gt=0, le=1)
    """… the rate is multiplied by this."""


class EarlyStop(Spec):
    """Stop when validation no longer improves; the best weights are kept."""

    metric: Literal["validation_loss", "validation_accuracy"] = "validation_loss"
    patience_epochs: int = Field(default=5, ge=1)
    min_improvement: float = Field(default=0.0, ge=0)


class TrainSpec(Spec):
    """The training loop: until `epochs`, `max_minutes` or `loss_threshold`, whichever comes first."""

    epochs: int = Field(default=10, ge=1, le=100_000)
    max_minutes: float | None = Field(default=None, gt=0)
    loss_threshold: float | None = Field(default=None, gt=0)
    """Stop once an epoch's mean training loss is below this."""
    batch_size: int = Field(default=128, ge=1, le=1_000_000)
    optimiser: Optimiser = Optimiser()
    schedule: Schedule = Schedule()
    l1: float = Field(default=0.0, ge=0)
    l2: float = Field(default=0.0, ge=0)
    """Half of this times the squared weights is added to the loss (`l1`: this times their size); biases and norms are
    left out. Reported losses are without both, so that training and validation compare."""
    label_smoothing_ratio: float = Field(default=0.0, ge=0, lt=1)
    early_stop: EarlyStop | None = None
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto` is bfloat16 on an accelerator that has it, float32 otherwise."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    threads: Annotated[int, Field(ge=1, le=1024)] | Literal["measure"] = "measure"
    """CPU threads; `measure` times one and all of the job's CPUs on real steps and keeps the faster."""
    checkpoint_interval: Seconds = 60
    """At least this long between checkpoints; one is always written at the end of the run and when it is asked to stop."""

"""What a job does, as far as a predictor needs it: the model, how much of it, and how it is spread."""

from pydantic import Field

from datahall.foundation.spec import Name, Spec


class TrainingWork(Spec):
    """A training run that can be predicted before it starts, and held against the prediction once it has ended."""

    model: str = Field(min_length=1, max_length=128)
    """A catalogued architecture, such as `llama3-8b`."""
    tokens: float = Field(gt=0, le=1e18)
    """Of the whole job."""
    sequence: int = Field(ge=1)
    """Tokens of one sequence."""
    global_batch: int = Field(ge=1)
    """Sequences in one step."""
    accelerator: str = Field(default="", max_length=128)
    """Which kind it runs on; empty: the hall's."""
    stack: str = Field(default="", max_length=128)
    """The software, by the name of a stack; empty: the usual one."""
    plan: dict[Name, int | str | bool] = Field(default={}, max_length=32)
    """How it is spread: fields of a training plan, such as `tensor: 8`. Data ranks follow from the job's accelerators."""

    @property
    def steps(self) -> float:
        """Optimiser steps of the job; a part where the last is not full."""
        return self.tokens / (self.sequence * self.global_batch)

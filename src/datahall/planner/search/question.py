"""What a search is asked, and what it may vary."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from datahall.foundation.errors import Problem, Refused
from datahall.models.cost.spec import Architecture
from datahall.models.parallel.communication import Cluster
from datahall.models.parallel.spec import Precision, TrainPlan
from datahall.models.parallel.stack import Stack

RESERVE_RATIO = 0.05
"""Of an accelerator's memory, left free by plans that are proposed: what is known of memory is no better than that, and a run
that is 1 % faster at the last byte stops at the first longer message. A choice, not a measurement."""
ASKED = ("global_batch", "sequence", "precision")
NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True)
class Question:
    """One training step, and the accelerators that there are for it. Raises Refused where a pinned field cannot be one."""

    architecture: Architecture
    cluster: Cluster
    accelerators: int
    sequence: int
    """Tokens."""
    global_batch: int
    """Sequences in a step."""
    precision: Precision = "bf16"
    stack: Stack = field(default_factory=Stack)
    pinned: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    """Fields of the plan that are given; what is neither given nor searched keeps its default."""
    memory_bytes: float | None = None
    """Of one accelerator; without it, as the catalogue has it."""
    reserve_ratio: float = RESERVE_RATIO
    """Share of it that stays free, 0 to 1."""
    schedules: tuple[str, ...] = ()
    """Of the pipeline, those that the training software runs; none: all that are modelled."""
    fewer: bool = True
    """Whether plans that leave accelerators idle count, too: they win where all of them do not divide well."""

    def __post_init__(self) -> None:
        if self.accelerators < 1 or not 0 <= self.reserve_ratio < 1:
            what = f"accelerators={self.accelerators}, reserve_ratio={self.reserve_ratio:g}"
            raise Refused(Problem("SEARCH-001", "question", what, "accelerators from 1, reserve_ratio from 0 to below 1"))
        if problems := list(_faults(self)):
            raise Refused(problems)

    @property
    def device_bytes(self) -> float:
        """Memory of one accelerator."""
        return float(self.memory_bytes or self.cluster.device.memory_bytes)

    @property
    def limit_bytes(self) -> float:
        """What a plan may take of it."""
        return self.device_bytes * (1 - self.reserve_ratio)

    def plan(self, **chosen: Any) -> TrainPlan:
        """The plan of these choices; what is pinned wins over a default, not over a choice."""
        fields = {"global_batch": self.global_batch, "sequence": self.sequence, "precision": self.precision}
        return TrainPlan.model_validate({**fields, **self.pinned, **chosen})


def _faults(question: Question) -> Iterator[Problem]:
    """SEARCH-001: what is pinned is a field of the plan that is not asked for by itself, with a value that it takes."""
    known = [name for name in TrainPlan.model_fields if name not in ASKED]
    for name in question.pinned:
        if name not in known:
            what = f"`{name}` is pinned, but is {'asked for by itself' if name in ASKED else 'no field of a plan'}"
            yield Problem("SEARCH-001", f"pinned.{name}", what, f"pin one of {', '.join(known)}")
    try:
        question.plan()
    except ValidationError as error:
        for fault in error.errors():
            name, value = ".".join(map(str, fault["loc"])), fault["input"]
            if name in known or name in ASKED:
                where = f"pinned.{name}" if name in known else name
                yield Problem("SEARCH-001", where, f"{name}={value!r}: {fault['msg']}", "give a value that the plan takes")

"""A search on some cluster and what comes of its best plan: what points and what-ifs are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from datahall.foundation.errors import DatahallError
from datahall.models.parallel.communication import Cluster
from datahall.models.parallel.spec import Precision
from datahall.models.parallel.stack import Stack
from datahall.planner.training.candidates import Found, Question, search
from datahall.planner.training.outcome import Outcome, Setting, outcome_of


@dataclass(frozen=True)
class Trial:
    """The question of a run, to be asked again with one thing changed."""

    setting: Setting
    cluster: Cluster
    accelerators: int
    precision: Precision
    stack: Stack
    pinned: Mapping[str, object]
    memory_bytes: float

    def search(self, *, top: int = 1) -> Found:
        """Raises Refused where what is pinned cannot be."""
        batch = self.setting.batch
        question = Question(
            self.setting.architecture,
            self.cluster,
            self.accelerators,
            batch.sequence,
            batch.sequences,
            precision=self.precision,
            stack=self.stack,
            pinned=self.pinned,
            memory_bytes=self.memory_bytes,
        )
        return search(question, top=top)

    def outcome(self, **changes: Any) -> Outcome | None:
        """The run by the best plan once some fields are changed; None where no plan fits, or the run never ends."""
        storage_factor = changes.pop("storage_factor", 1.0)
        tried = replace(self, **changes)
        try:
            best = tried.search().best
        except DatahallError:
            return None
        found = outcome_of(tried.setting, best[0], storage_factor=storage_factor) if best else None
        return found if found is not None and isfinite(found.seconds) else None


def choices(outcome: Outcome) -> dict[str, Any]:
    """Fields of the plan that are not left at their defaults."""
    found: dict[str, Any] = outcome.candidate.plan.model_dump(exclude_defaults=True)
    return found

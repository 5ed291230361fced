"""A search on some cluster and what comes of its best plan: what points and what-ifs are made of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite
from typing import Any

from datahall.foundation.errors import DatahallError, Refused
from datahall.models.parallel.communication import Cluster
from datahall.models.parallel.correction import Correction
from datahall.models.parallel.spec import Precision, TrainPlan
from datahall.models.parallel.stack import Stack
from datahall.models.parallel.step import step_of
from datahall.planner.search.found import Candidate, Found
from datahall.planner.search.pieces import pieces_of
from datahall.planner.search.question import RESERVE_RATIO, Question
from datahall.planner.search.search import search
from datahall.planner.training.outcome import Outcome, Setting, outcome_of

SCHEDULES = ("1f1b", "interleaved")
"""What Megatron-LM and torchtitan run as it is forecast here; the others are forecast where they are pinned."""
EXHAUSTIVE = 4096
"""Accelerators up to which every smaller number is tried, too: beyond, that takes longer than it helps."""
ALIKE = ("tensor", "context", "expert", "zero", "sequence_parallel")
"""Fields that points and what-ifs keep from the best plan; all others are searched again."""


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
    reserve_ratio: float = RESERVE_RATIO
    """Of the memory, left free by the plans that are proposed."""
    correction: Correction | None = None
    """What measured runs said of the accelerators with this software."""
    pool: tuple[Candidate, ...] = field(default=(), repr=False)
    """The best plans of the run: what is timed anew where only the network changes."""

    def search(self, *, top: int = 1) -> Found:
        """The best plans. Raises Refused where none is possible.

        Up to EXHAUSTIVE accelerators with every number of them that divides; beyond that with `counts_below`, where fewer
        accelerators must beat what was found with more.
        """
        if self.accelerators <= EXHAUSTIVE:
            return search(self._question(self.accelerators, fewer=True), top=top)
        found, refused = list[Found](), list[Refused]()
        pieces = pieces_of(self._question(self.accelerators, fewer=False))
        for count in counts_below(self.accelerators):
            try:
                question, limit_s = self._question(count, fewer=False), _worst_s(found, top)
                found.append(search(question, top=top, limit_s=limit_s, pieces=pieces))
            except Refused as error:
                refused.append(error)
        if not found:
            raise refused[0]
        return together(found, top=top)

    def _question(self, accelerators: int, *, fewer: bool) -> Question:
        batch, architecture = self.setting.batch, self.setting.architecture
        return Question(
            architecture,
            self.cluster,
            accelerators,
            batch.sequence,
            batch.sequences,
            precision=self.precision,
            stack=self.stack,
            pinned=self.pinned,
            schedules=() if "schedule" in self.pinned else SCHEDULES,
            memory_bytes=self.memory_bytes,
            reserve_ratio=self.reserve_ratio,
            fewer=fewer,
        )

    def around(self, plan: TrainPlan) -> "Trial":
        """The same where what binds ranks to a domain is kept as in the plan, and what divides layers and batch is free."""
        return replace(self, pinned={**self.pinned, **{name: getattr(plan, name) for name in ALIKE}})

    def outcome(self, **changes: Any) -> Outcome | None:
        """The run by the best plan once some fields are changed; None where no plan fits, or the run never ends."""
        tried = replace(self, **changes)
        try:
            best = tried.search().best
        except DatahallError:
            return None
        return finite(outcome_of(tried.setting, best[0])) if best else None

    def timed_on(self, cluster: Cluster) -> Outcome | None:
        """The fastest of the pool on another network."""
        setting, architecture = self.setting, self.setting.architecture
        found = [replace(c, step=step_of(architecture, c.plan, cluster, self.stack)) for c in self.pool]
        return finite(outcome_of(setting, min(found, key=lambda c: c.step.seconds))) if found else None


def finite(outcome: Outcome) -> Outcome | None:
    return outcome if isfinite(outcome.seconds) else None


def counts_below(accelerators: int) -> list[int]:
    """All of them, and the numbers of 4, 5, 6, 7 times a power of two from half of them on: what batches and layers divide."""
    whole = 1 << max(0, accelerators.bit_length() - 3)
    even = {k * unit for unit in (whole, whole // 2) for k in range(4, 8)}
    return sorted({accelerators, *(count for count in even if accelerators / 2 < count < accelerators)}, reverse=True)


def _worst_s(found: Sequence[Found], top: int) -> float:
    """Of the best plans of all searches so far, s; infinite while there are too few."""
    seconds = sorted(candidate.seconds for part in found for candidate in part.best)
    return seconds[top - 1] if len(seconds) >= top else inf


def together(found: Iterable[Found], *, top: int) -> Found:
    """Several searches as one: the best of all, counts added up."""
    parts = list(found)
    best = sorted((candidate for part in parts for candidate in part.best), key=lambda candidate: candidate.seconds)
    nearest = [part.nearest_fit for part in parts if part.nearest_fit is not None]
    return Found(
        tuple(best[:top]),
        possible=sum(part.possible for part in parts),
        evaluated=sum(part.evaluated for part in parts),
        fitting=sum(part.fitting for part in parts),
        seconds=sum(part.seconds for part in parts),
        nearest_fit=None if best else min(nearest, key=lambda near: near.missing_bytes, default=None),
    )


def choices(outcome: Outcome) -> dict[str, Any]:
    """Fields of the plan that are not left at their defaults."""
    found: dict[str, Any] = outcome.candidate.plan.model_dump(exclude_defaults=True)
    return found

"""Whether a plan fits an accelerator, by how much it does not, and which changes would make it fit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from datahall.foundation.readable import significant
from datahall.models.cost.spec import Architecture
from datahall.models.parallel.checks import problems_of_plan
from datahall.models.parallel.memory import Memory, memory_of
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Recomputed

GIB = 2**30
Change = dict[str, Any]


def _gib(value: float) -> str:
    return significant(value / GIB)


@dataclass(frozen=True, slots=True)
class Remedy:
    """One change of a plan that lowers its memory."""

    what: str
    plan: TrainPlan
    saves_bytes: float
    fits: bool

    def sentence(self) -> str:
        return f"{self.what} saves {_gib(self.saves_bytes)} GiB{', and then it fits' if self.fits else ''}"


@dataclass(frozen=True, slots=True)
class Fit:
    """A plan on a device."""

    memory: Memory
    device_bytes: float
    remedies: tuple[Remedy, ...]
    """Single changes, those that make it fit first, then by what they save; none where it fits."""
    together: Remedy | None
    """Several changes, where no single one is enough; None where no combination was found, or none is needed."""

    @property
    def fits(self) -> bool:
        return self.memory.fits(self.device_bytes)

    @property
    def missing_bytes(self) -> float:
        """By how much it is too large; below 0 what is left."""
        return self.memory.needed - self.device_bytes

    def sentences(self) -> list[str]:
        """The verdict, the largest parts, then the ways out."""
        size, device, stage = _gib(self.memory.needed), _gib(self.device_bytes), self.memory.stage
        if self.fits:
            return [f"it fits: stage {stage} takes {size} of {device} GiB, {_gib(-self.missing_bytes)} GiB are left"]
        parts = sorted(self.memory.parts().items(), key=lambda part: -part[1])[:3]
        largest = ", ".join(f"{name} {_gib(value)}" for name, value in parts)
        found = [
            f"it is {_gib(self.missing_bytes)} GiB too large: stage {stage} takes {size} of {device} GiB",
            f"most of it is {largest} GiB",
            *(remedy.sentence() for remedy in self.remedies[:5]),
        ]
        if self.together is not None:
            found.append(self.together.sentence())
        elif not any(remedy.fits for remedy in self.remedies):
            found.append("no change of this plan is enough: more accelerators, or some with more memory, are needed")
        return found


def fit_of(architecture: Architecture, plan: TrainPlan, device_bytes: float, recomputed: Sequence[Recomputed] = ()) -> Fit:
    """The verdict, and where it is no, what would make it fit. The plan must be possible.

    recomputed: parts of a layer that the stack computes again besides what the plan says."""
    asked = _Asked(architecture, device_bytes, tuple(recomputed))
    memory = asked.memory_of(plan)
    if memory.fits(device_bytes):
        return Fit(memory, device_bytes, (), None)
    found = sorted(_remedies(asked, plan, memory), key=lambda r: (not r.fits, -r.saves_bytes))
    together = None if any(remedy.fits for remedy in found) else _together(asked, plan, memory)
    return Fit(memory, device_bytes, tuple(found), together)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What does not change while a plan is changed."""

    architecture: Architecture
    device_bytes: float
    recomputed: tuple[Recomputed, ...]

    def memory_of(self, plan: TrainPlan) -> Memory:
        return memory_of(self.architecture, plan, self.recomputed)


def _remedies(asked: _Asked, plan: TrainPlan, memory: Memory) -> Iterator[Remedy]:
    for what, change in _changes(plan):
        changed = plan.model_copy(update=change)
        if not problems_of_plan(asked.architecture, changed):
            new = asked.memory_of(changed)
            if new.needed < memory.needed:
                yield Remedy(what, changed, memory.needed - new.needed, new.fits(asked.device_bytes))


def _together(asked: _Asked, plan: TrainPlan, memory: Memory) -> Remedy | None:
    """The change that saves most, then the next, until it fits; None where they run out before."""
    whats, current, held = list[str](), plan, memory
    while not held.fits(asked.device_bytes):
        best = max(_remedies(asked, current, held), key=lambda r: (r.fits, r.saves_bytes), default=None)
        if best is None or len(whats) > 12:
            return None
        whats.append(best.what)
        current, held = best.plan, asked.memory_of(best.plan)
    return Remedy(" with ".join(whats), current, memory.needed - held.needed, fits=True)


def _changes(plan: TrainPlan) -> Iterator[tuple[str, Change]]:
    """Single steps on the same accelerators, each with its words; none whose time `step_of` does not know."""
    if plan.data * plan.context > 1 and plan.zero < 3:
        for stage in range(plan.zero + 1, 4 if plan.pipeline == 1 else 2):
            yield f"zero={stage}", {"zero": stage}
    if plan.shard is not None and plan.shard < plan.data:
        yield f"shard={plan.data}", {"shard": plan.data}
    kinds = ("none", "selective", "operators", "full")
    for kind in kinds[kinds.index(plan.recompute) + 1 :]:
        if kind != "selective" or not plan.flash_attention:
            yield f"recompute={kind}", {"recompute": kind}
    if not plan.flash_attention:
        yield "flash_attention=true", {"flash_attention": True}
    if not plan.sequence_parallel and plan.tensor > 1:
        yield "sequence_parallel=true", {"sequence_parallel": True}
    if plan.micro_batch > 1 and plan.micro_batch % 2 == 0:
        yield f"micro_batch={plan.micro_batch // 2}", {"micro_batch": plan.micro_batch // 2}
    if plan.data % 2 == 0:
        half = plan.data // 2
        for field in ("tensor", "pipeline", "context"):
            doubled = 2 * getattr(plan, field)
            if field != "tensor" or doubled <= 16:
                yield f"{field}={doubled} and data={half}", {field: doubled, "data": half} | _shard(plan, half)


def _shard(plan: TrainPlan, data: int) -> Change:
    return {} if plan.shard is None else {"shard": min(plan.shard, data)}

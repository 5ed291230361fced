"""What a search found."""

from dataclasses import dataclass

from datahall.foundation.readable import significant
from datahall.models.parallel.fit import GIB, Fit
from datahall.models.parallel.memory import Memory
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.step import Step


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plan with its predicted step and memory."""

    plan: TrainPlan
    step: Step
    memory: Memory

    @property
    def seconds(self) -> float:
        return float(self.step.seconds)


@dataclass(frozen=True, slots=True)
class NearestFit:
    """Where nothing fits: the plan that comes nearest, and what would make it fit."""

    plan: TrainPlan
    fit: Fit
    """By how much it is too large, and changes of this plan; the search tried all combinations of those that it varies."""
    accelerators: int | None
    """The fewest, doubling, with which some plan fits; None where none was found up to 64 times as many."""
    memory_bytes: float
    """Of one accelerator, with which this plan would fit, the reserve included."""

    @property
    def missing_bytes(self) -> float:
        """By how much the plan is too large for what it may take."""
        return self.fit.missing_bytes

    def sentences(self) -> list[str]:
        found = [
            f"nothing fits; nearest comes {says(self.plan)}: {_gib(self.missing_bytes)} GiB too large",
            *self.fit.sentences()[1:],
            f"with {_gib(self.memory_bytes)} GiB on each accelerator it would fit",
        ]
        if self.accelerators is not None:
            found.append(f"with {self.accelerators:,} accelerators of this kind some plan fits")
        return found


@dataclass(frozen=True, slots=True)
class Found:
    """The best plans, and how they were found.

    A configuration is one plan that problems_of_plan has nothing against and that differs from every other counted in what it
    does: with one pipeline stage the schedule is not counted again, nor is `shard` where nothing is sharded. See `Space`.
    """

    best: tuple[Candidate, ...]
    """Fastest first; plans within 0.1 % of each other rank by simplicity. Empty where nothing fits."""
    possible: int
    """Configurations in the space."""
    evaluated: int
    """Of them, those whose time and memory both were computed; bounds and memory decided the others."""
    fitting: int
    """Of those evaluated, those that fit."""
    seconds: float
    """That the search took."""
    nearest_fit: NearestFit | None = None
    notes: tuple[str, ...] = ()


def says(plan: TrainPlan) -> str:
    """The choices of a plan that are not the simplest, in a line."""
    names = ("tensor", "pipeline", "chunks", "context", "expert", "expert_tensor", "data", "micro_batch", "zero", "shard")
    simple = dict.fromkeys(names, 1) | {"zero": 0, "shard": None, "expert_tensor": None}
    found = [f"{name}={getattr(plan, name)}" for name in names if getattr(plan, name) != simple[name]]
    found += [f"recompute={plan.recompute}"] * (plan.recompute != "none")
    found += [f"schedule={plan.schedule}"] * (plan.schedule != "1f1b")
    found += ["sequence_parallel=false"] * (not plan.sequence_parallel and plan.tensor > 1)
    return " ".join(found) or "one accelerator"


def _gib(value: float) -> str:
    return significant(value / GIB)

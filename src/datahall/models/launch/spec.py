"""What is launched, and how the fields of a plan are turned into settings of a trainer, none of them dropped."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from datahall.foundation.errors import Problem, Refused
from datahall.models.cost.spec import Architecture
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack

Value = str | int | float | bool | list[str] | list[list[str]]


@dataclass(frozen=True, slots=True)
class Launch:
    """A run that is to be started."""

    architecture: Architecture
    plan: TrainPlan
    steps: int
    per_node: int
    """Accelerators of one server: processes that torchrun starts there."""
    stack: Stack
    """What the forecast assumed of the software."""
    checkpoint_steps: int | None = None
    """Steps between two checkpoints; None: none are asked for."""

    @property
    def nodes(self) -> int:
        return max(1, self.plan.accelerators // self.per_node)

    @property
    def processes(self) -> int:
        """On each node."""
        return min(self.per_node, self.plan.accelerators)


@dataclass(frozen=True, slots=True)
class Setting:
    """An option with its value; True is an option without one."""

    name: str
    value: Value = True


@dataclass(frozen=True, slots=True)
class Note:
    """What the trainer does whatever is asked, and how that differs from the plan."""

    text: str


Told = Setting | Note | Problem
Field = Callable[[Launch], Iterator[Told]]
"""What one field of the plan, or one trait of the model, becomes."""


def gathered(launch: Launch, fields: Iterable[Field]) -> tuple[list[Setting], list[Note]]:
    """All settings and notes, in the order of the fields. Raises Refused with everything that cannot be expressed."""
    told = [one for field in fields for one in field(launch)]
    problems = [one for one in told if isinstance(one, Problem)]
    if problems := [*problems, *_nodes(launch)]:
        raise Refused(problems)
    return [one for one in told if isinstance(one, Setting)], [one for one in told if isinstance(one, Note)]


def _nodes(launch: Launch) -> Iterator[Problem]:
    count, each = launch.plan.accelerators, launch.per_node
    if count > each and count % each:
        what = f"{count:,} accelerators are not whole servers of {each}: torchrun starts the same number on each"
        yield Problem("LAUNCH-003", "plan", what, f"plan {count // each * each:,} or {(count // each + 1) * each:,} of them")


def plan_refused(trainer: str, field: str, seen: object, why: str, fix: str) -> Problem:
    """LAUNCH-001: a field of the plan that the trainer has no option for."""
    shown = str(seen).lower() if isinstance(seen, bool) else seen
    return Problem("LAUNCH-001", f"plan.{field}", f"{field}={shown}: {trainer} {why}", fix)


def model_refused(trainer: str, field: str, why: str, fix: str) -> Problem:
    """LAUNCH-002: a model that the trainer does not build."""
    return Problem("LAUNCH-002", f"architecture.{field}", f"{trainer} {why}", fix)


def torchrun(launch: Launch) -> str:
    """How torchrun starts the processes, on every node alike. Source: PyTorch, torch.distributed.run, "Usage"."""
    return (
        f"torchrun --nnodes={launch.nodes} --nproc-per-node={launch.processes} --rdzv-backend=c10d "
        '--rdzv-endpoint="${HEAD:?the first server, as host:port}"'
    )

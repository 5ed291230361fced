"""What happens on the platform. Each is recorded once; state is what they add up to."""

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from datahall.foundation.events import Event as Event
from datahall.platform.lifecycle import Ending
from datahall.platform.resources import Resources
from datahall.platform.spec import JobSpec


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one worker of a gang sits."""

    node: str
    accelerators: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """What an attempt used, all its workers together."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_memory_bytes: int = 0
    energy_j: float = 0.0
    energy_measured: bool = False
    energy_source: str = ""


@dataclass(frozen=True, slots=True)
class StoredOutput:
    """An artifact that an attempt left behind."""

    key: str
    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent(Event):
    """Something that happened to a job."""

    job_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSubmitted(JobEvent):
    """A job was accepted."""

    kind: ClassVar[str] = "job_submitted"
    spec: JobSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarting(JobEvent):
    """The scheduler gave the job its places; written before the first process is made."""

    kind: ClassVar[str] = "attempt_starting"
    attempt: int
    placements: tuple[Placement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRunning(JobEvent):
    """All workers of the attempt have been started."""

    kind: ClassVar[str] = "attempt_running"
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded(JobEvent):
    """All workers of the attempt have ended."""

    kind: ClassVar[str] = "attempt_ended"
    attempt: int
    ending: Ending
    code: int | None = None
    detail: str = ""
    usage: Usage = Usage()
    outputs: tuple[StoredOutput, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRequested(JobEvent):
    """Someone, or the scheduler, wants the job to end."""

    kind: ClassVar[str] = "stop_requested"
    reason: str = "cancelled on request"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRequested(JobEvent):
    """Someone wants an ended job to run again."""

    kind: ClassVar[str] = "retry_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityChanged(JobEvent):
    """A waiting job moves in the queue."""

    kind: ClassVar[str] = "priority_changed"
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeJoined(Event):
    """A node can take work."""

    kind: ClassVar[str] = "node_joined"
    node: str
    capacity: Resources
    accelerators: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken(Event):
    """Time for another look, asked for by a policy or by a back-off. Not recorded."""

    kind: ClassVar[str] = "woken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed(Event):
    """A change outside the queue, for the record: a token made, a tenant's quota set, an endpoint deployed."""

    kind: ClassVar[str] = "changed"
    subject: str
    what: str
    tenant: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def record_of(event: Event) -> dict[str, Any]:
    """The event's own fields as JSON-ready data, without time and actor."""
    if isinstance(event, JobSubmitted):
        return {"job_id": event.job_id, "spec": event.spec.model_dump(mode="json", exclude_defaults=True)}
    data = asdict(event)
    del data["at_s"], data["actor"]
    return data


def subject_of(event: Event) -> str:
    """What the event is about: `job/17`, `node/n1`, `token/3`."""
    if isinstance(event, JobEvent):
        return f"job/{event.job_id}"
    if isinstance(event, NodeJoined):
        return f"node/{event.node}"
    return event.subject if isinstance(event, Changed) else "platform"


def kind_of(event: Event) -> str:
    """The word under which the event is recorded."""
    return event.what if isinstance(event, Changed) else event.kind

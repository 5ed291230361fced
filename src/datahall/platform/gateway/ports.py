"""What the gateway needs from the rest of the platform: who is asking, and a place to run replicas."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

REPLICA_MODULE = "datahall.models.serve.replica"
"""Run by name, never imported: models are a floor above."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request."""

    name: str
    tenant: str
    sees_all_tenants: bool = False
    """True for administrators and operators."""

    def may_use(self, tenant: str) -> bool:
        """What `tenant` owns is theirs to call."""
        return self.sees_all_tenants or self.tenant == tenant


class Authenticate(Protocol):
    """Tells who holds a token. The gateway keeps an answer for some seconds."""

    async def caller(self, token: str) -> Caller:
        """The token's holder. Raises Unauthenticated when it is unknown, revoked or expired."""
        ...


@dataclass(frozen=True, slots=True)
class ReplicaPlan:
    """One replica to run. `replica` names it for good: the runner, the socket and the log use it."""

    replica: str
    endpoint: str
    tenant: str
    version: int
    bundle: str
    """Artifact id of the bundle's folder."""
    socket: str
    max_batch: int
    cpus: float
    memory_bytes: int

    def arguments(self, bundle_folder: Path) -> tuple[str, ...]:
        """What follows the Python interpreter on the replica's command line."""
        return (
            *("-m", REPLICA_MODULE, "--bundle", str(bundle_folder), "--socket", self.socket),
            *("--name", self.endpoint, "--version", str(self.version)),
            *("--max-batch", str(self.max_batch), "--threads", str(max(1, int(self.cpus)))),
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON for the runner's own records; `ReplicaPlan(**record)` reads it back."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ReplicaReport:
    """What the runner knows about a replica's process."""

    phase: Literal["starting", "running", "ended"]
    reason: str = ""
    """Why it waits or how it ended, best its last words on standard error."""


class ReplicaRunner(Protocol):
    """Runs replica processes. A replica that was never started, or is forgotten, is `ended`."""

    async def start(self, plan: ReplicaPlan) -> None:
        """Begin to start it; does not wait for it. Raises DatahallError when it cannot be tried at all."""
        ...

    async def stop(self, replica: str, *, kill: bool = False) -> None:
        """Ask it to end (SIGTERM: it answers what it has), or end it now (SIGKILL). Quiet when it has ended."""
        ...

    async def report(self, replica: str) -> ReplicaReport: ...

    async def survivors(self) -> Sequence[ReplicaPlan]:
        """Replicas that still run although the control plane was started anew."""
        ...

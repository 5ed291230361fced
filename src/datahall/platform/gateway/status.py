"""What an endpoint is doing, in numbers and in a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from datahall.platform.gateway.endpoint import NO_VERSION, LiveEndpoint
from datahall.platform.gateway.link import ReplicaLink
from datahall.platform.gateway.meter import Meter, quantile_s
from datahall.platform.gateway.ports import ReplicaPlan
from datahall.platform.gateway.reconcile import Phase


class Replica(Protocol):
    """What a status shows of a replica."""

    plan: ReplicaPlan
    link: ReplicaLink
    phase: Phase
    waits_for: str


@dataclass(frozen=True, slots=True)
class EndpointStatus:
    """An endpoint now. state: ready, starting, rolling out, or failing."""

    state: str
    sentence: str
    replicas: tuple[dict[str, Any], ...]
    """Each: replica, version, phase, in_flight, pid."""
    versions: tuple[dict[str, Any], ...]
    """Each: version, share, wanted, ready, requests, errors, p50_s, p99_s."""
    in_flight: int
    requests: int
    errors: int
    """Answers of 500 and above: ours, not the client's."""
    p50_s: float | None
    p99_s: float | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def status_of(
    endpoint: LiveEndpoint,
    replicas: Sequence[Replica],
    *,
    wanted: Mapping[int, int],
    faults: Mapping[int, str | None],
) -> EndpointStatus:
    """The status of an endpoint with these replicas. wanted: replicas per version. faults: why versions cannot start."""
    ready = {version: sum(_is_ready(r) for r in replicas if r.plan.version == version) for version in wanted}
    state, sentence = _judged(endpoint, replicas, wanted, ready, faults)
    meters = dict(endpoint.meters)
    served = [meter for version, meter in meters.items() if version != NO_VERSION]
    classes = [sum(column) for column in zip(*(meter.classes for meter in served), strict=True)]
    return EndpointStatus(
        state=state,
        sentence=sentence,
        replicas=tuple(_replica_row(replica) for replica in replicas),
        versions=tuple(_version_row(endpoint, v, wanted[v], ready[v]) for v in sorted(wanted)),
        in_flight=endpoint.under_way,
        requests=sum(meter.count for meter in meters.values()),
        errors=sum(_errors(meter) for meter in meters.values()),
        p50_s=quantile_s(classes, 0.5),
        p99_s=quantile_s(classes, 0.99),
    )


def _judged(
    endpoint: LiveEndpoint,
    replicas: Sequence[Replica],
    wanted: Mapping[int, int],
    ready: Mapping[int, int],
    faults: Mapping[int, str | None],
) -> tuple[str, str]:
    if broken := [f"version {version}: {fault}" for version, fault in faults.items() if fault]:
        still = "; requests are answered by the versions before" if endpoint.is_ready else "; nothing is served"
        return "failing", " ".join(broken) + still
    counts = f"{sum(ready.values())} of {sum(wanted.values())} replicas are ready"
    routed, new = {row.version for row in endpoint.routed}, set(wanted)
    if routed != new and endpoint.is_ready:
        names = ", ".join(str(version) for version in sorted(new - routed)) or "the earlier set"
        return "rolling out", f"version {names} is starting and gets traffic once it is ready: {counts}"
    if endpoint.is_ready:
        return "ready", counts
    waits = next((replica.waits_for for replica in replicas if replica.waits_for), "the first replica is starting")
    return "starting", f"{counts}: {waits}"


def _is_ready(replica: Replica) -> bool:
    return replica.phase is Phase.READY and replica.link.is_open


def _replica_row(replica: Replica) -> dict[str, Any]:
    return {
        "replica": replica.plan.replica,
        "version": replica.plan.version,
        "phase": str(replica.phase),
        "in_flight": len(replica.link.calls),
        "pid": replica.link.health.get("pid"),
    }


def _version_row(endpoint: LiveEndpoint, version: int, wanted: int, ready: int) -> dict[str, Any]:
    meter = endpoint.meters.get(version, Meter())
    weights = {row.version: row.weight for row in endpoint.routed}
    return {
        "version": version,
        "share": weights.get(version, 0.0) / (sum(weights.values()) or 1.0),
        "wanted": wanted,
        "ready": ready,
        "requests": meter.count,
        "errors": _errors(meter),
        "p50_s": meter.quantile_s(0.5),
        "p99_s": meter.quantile_s(0.99),
    }


def _errors(meter: Meter) -> int:
    return sum(count for status, count in list(meter.codes.items()) if status >= 500)

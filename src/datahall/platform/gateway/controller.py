"""Makes endpoints what is wanted: compares once a second and on every change, and takes one step at a time."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from datahall.foundation.errors import DatahallError
from datahall.platform.gateway.app import Gateway
from datahall.platform.gateway.endpoint import LiveEndpoint
from datahall.platform.gateway.fleet import Fleet
from datahall.platform.gateway.ports import ReplicaRunner
from datahall.platform.gateway.reconcile import Phase, decide
from datahall.platform.gateway.scaling import Scale, replica_counts, scaled
from datahall.platform.gateway.spec import EndpointSpec
from datahall.platform.gateway.status import EndpointStatus, status_of

log = logging.getLogger(__name__)

INTERVAL_S = 1.0
_LATE_S = 2.5
"""Our own loop was held up for so long: a health check may be answered but unread, so nobody is judged this time."""


@dataclass(slots=True)
class _Load:
    scale: Scale
    busy_s: float = 0.0
    in_flight: int = 0
    since_s: float = 0.0


class EndpointController:
    """One task that keeps endpoints, replicas and routes as wanted."""

    def __init__(
        self, gateway: Gateway, runner: ReplicaRunner, *, folder: Path, wanted: Callable[[], Iterable[EndpointSpec]]
    ) -> None:
        """folder: where replicas listen (see `run_folder`). wanted: every endpoint's spec now; read at each comparison."""
        self._gateway, self._wanted = gateway, wanted
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._loads: dict[str, _Load] = {}
        self._specs: dict[str, EndpointSpec] = {}
        self._turned_s = time.monotonic()
        self._is_stopping = False
        self.fleet = Fleet(gateway, runner, folder=folder, on_change=self._wake.set)
        gateway.on_change = self._wake.set

    async def start(self) -> None:
        """Take over the replicas that still run, then keep everything as wanted until `stop`."""
        self._loop = asyncio.get_running_loop()
        self._read_wanted()
        await self.fleet.adopt()
        self._route_survivors()
        self._task = self._loop.create_task(self._run(), name="endpoints")

    async def stop(self) -> None:
        """Stop comparing and hang up; the replicas run on for the next control plane to adopt."""
        self._is_stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task  # not cancelled: a replica that is just being started must not be lost
        await self.fleet.close()

    def changed(self) -> None:
        """Read `wanted` again and act on it. From any thread: what the thread then tells the loop comes after it."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._look)

    def status(self, name: str) -> EndpointStatus:
        """What an endpoint is doing, with a sentence. Raises KeyError for an endpoint that is not wanted."""
        spec = self._specs[name]
        endpoint = self._gateway.endpoints[name]
        load = self._loads.get(name)
        wanted = replica_counts(spec.versions, load.scale.replicas if load else spec.min_replicas)
        faults = {row.version: self.fleet.fault(name, row) for row in spec.versions}
        members = [member for member in self.fleet.members.values() if member.plan.endpoint == name]
        return status_of(endpoint, members, wanted=wanted, faults=faults)

    def statuses(self) -> dict[str, EndpointStatus]:
        """All endpoints' statuses by name."""
        return {name: self.status(name) for name in self._specs if name in self._gateway.endpoints}

    async def turn(self) -> None:
        """Compare once and take the next step."""
        now_s = time.monotonic()
        was_late, self._turned_s = now_s - self._turned_s > _LATE_S, now_s
        self._read_wanted()
        await self.fleet.tick(self._specs, may_judge=not was_late)
        for spec in list(self._specs.values()):
            if self._specs.get(spec.name) == spec:  # while we waited for another endpoint's replicas it may have gone
                await self._step(spec, self._scale(spec, now_s))
        for replica in [r.plan.replica for r in self.fleet.members.values() if r.plan.endpoint not in self._specs]:
            if self.fleet.members[replica].phase in (Phase.STARTING, Phase.READY):
                self.fleet.drain(replica)

    def _route_survivors(self) -> None:
        """A roll-out that the last control plane did not finish: the old versions serve until the new ones are ready."""
        alive = {(member.plan.endpoint, member.plan.version) for member in self.fleet.members.values()}
        for spec in self._specs.values():
            new, old = ([(spec.name, row.version) in alive for row in rows] for rows in (spec.versions, spec.previous))
            if not any(new) and any(old):
                self._gateway.route(spec.name, spec.previous)

    async def _run(self) -> None:
        while not self._is_stopping:
            self._wake.clear()
            try:
                await self.turn()
            except DatahallError as error:
                log.warning("endpoints: %s", error)
            except Exception:
                log.exception("a fault of ours while comparing endpoints; trying again in a second")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0 if self._is_stopping else INTERVAL_S):
                    await self._wake.wait()

    def _look(self) -> None:
        self._read_wanted()
        self._wake.set()

    def _read_wanted(self) -> None:
        wanted = {spec.name: spec for spec in self._wanted()}
        for name in list(self._specs):
            if name not in wanted or not self._gateway.endpoints[name].is_followed_by(wanted[name]):
                self._remove(name)
        for name, spec in wanted.items():
            if self._specs.get(name) != spec:
                self._gateway.put(spec)
        self._specs = wanted

    def _remove(self, name: str) -> None:
        self._gateway.remove(name)
        self._loads.pop(name, None)
        self._specs.pop(name, None)
        self.fleet.forget(name)

    def _scale(self, spec: EndpointSpec, now_s: float) -> int:
        endpoint = self._gateway.endpoints[spec.name]
        load = self._loads.setdefault(spec.name, _Load(Scale(spec.min_replicas), since_s=now_s))
        elapsed_s = now_s - load.since_s
        if elapsed_s < INTERVAL_S:  # a change woke us: too short to measure a load
            return load.scale.replicas
        busy_s, in_flight = endpoint.busy_s(), endpoint.under_way
        # Little's law over what was answered; what hangs unanswered shows in two looks in a row.
        mean = max((busy_s - load.busy_s) / elapsed_s, min(in_flight, load.in_flight))
        load.scale = scaled(load.scale, spec, in_flight=mean, elapsed_s=elapsed_s)
        load.busy_s, load.in_flight, load.since_s = busy_s, in_flight, now_s
        return load.scale.replicas

    async def _step(self, spec: EndpointSpec, replicas: int) -> None:
        endpoint = self._gateway.endpoints[spec.name]
        wanted, served = replica_counts(spec.versions, replicas), replica_counts(endpoint.routed, replicas)
        decision = decide(wanted, served, self.fleet.seen(spec))
        rows = {row.version: row for row in (*endpoint.routed, *spec.versions)}
        if decision.moves_traffic and endpoint.routed != spec.versions:
            self._gateway.route(spec.name, spec.versions)
        for version, count in decision.start.items():
            for _ in range(count):
                await self.fleet.start(spec, rows[version])
        for replica in decision.drain:
            self.fleet.drain(replica)
        if self._specs.get(spec.name) == spec:
            self._tidy(spec, endpoint)

    def _tidy(self, spec: EndpointSpec, endpoint: LiveEndpoint) -> None:
        known = {row.version for row in (*spec.versions, *endpoint.routed)}
        known |= {replica.version for replica in self.fleet.seen(spec)}
        for row in (*endpoint.routed, *spec.versions):
            if row.version in endpoint.pools:
                endpoint.pools[row.version].declare(self.fleet.fault(spec.name, row))
        for version in list(endpoint.pools):
            if version not in known:
                self._gateway.drop_version(spec.name, version)

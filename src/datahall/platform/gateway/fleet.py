"""The replicas of all endpoints: started, connected, drained, ended, and replaced when they die or hang."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from datahall.foundation.errors import DatahallError
from datahall.platform.gateway.app import Gateway
from datahall.platform.gateway.backoff import STABLE_S, Ends
from datahall.platform.gateway.link import ReplicaLink
from datahall.platform.gateway.ports import ReplicaPlan, ReplicaRunner
from datahall.platform.gateway.reconcile import Phase, Seen
from datahall.platform.gateway.sockets import socket_path
from datahall.platform.gateway.spec import EndpointSpec, VersionSpec

log = logging.getLogger(__name__)

Deployed = tuple[str, int, str]
"""Endpoint, version and bundle: the number alone comes back when an endpoint was removed and is deployed anew."""
HEALTH_TIMEOUT_S = 5.0
LISTEN_TIMEOUT_S = 60.0
"""A process that runs but does not listen for so long hangs."""
END_GRACE_S = 5.0
"""After the longest request could have ended, a replica that was told to end is killed."""
_CONNECT_INTERVAL_S, _REPORT_INTERVAL_S = 0.02, 0.25


@dataclass(slots=True)
class Member:
    """One replica and what we know of it."""

    plan: ReplicaPlan
    link: ReplicaLink
    started_s: float
    phase: Phase = Phase.STARTING
    ready_s: float | None = None
    runs_since_s: float | None = None
    waits_for: str = ""
    """Why it has not started yet, in the runner's words."""
    told_s: float | None = None
    """When it was told to end."""
    is_killed: bool = False
    left_by_itself: bool = False
    """It went without being told: how it ended is still to be heard."""
    connecting: "asyncio.Task[None] | None" = field(default=None, repr=False)

    def seen(self, spec: EndpointSpec, now_s: float) -> Seen:
        plan = self.plan
        bundles = {row.version: row.bundle for row in spec.versions}
        started_as = (plan.tenant, plan.bundle, plan.max_batch, plan.cpus, plan.memory_bytes)
        wanted = (spec.tenant, bundles.get(plan.version, plan.bundle), *_room(spec))
        return Seen(plan.replica, plan.version, self.phase, len(self.link.calls), now_s - self.started_s, started_as == wanted)


def _room(spec: EndpointSpec) -> tuple[int, float, int]:
    return spec.max_batch, spec.replica_cpus, spec.replica_memory_bytes


class Fleet:
    """Carries out what the controller decides."""

    def __init__(self, gateway: Gateway, runner: ReplicaRunner, *, folder: Path, on_change: Callable[[], None]) -> None:
        """folder: where replicas listen (see `run_folder`). on_change: called when a replica became ready or ended."""
        self._gateway, self._runner, self._folder, self._on_change = gateway, runner, folder, on_change
        self.members: dict[str, Member] = {}
        self._ends: dict[Deployed, Ends] = {}

    async def adopt(self) -> None:
        """Find the replicas that outlived the last control plane; their sockets are where their plans say."""
        plans = await self._runner.survivors()
        known = {plan.socket for plan in plans}
        for stale in await asyncio.to_thread(lambda: [path for path in self._folder.glob("*.sock") if str(path) not in known]):
            stale.unlink(missing_ok=True)
        for plan in plans:
            self._watch(plan)

    async def start(self, spec: EndpointSpec, row: VersionSpec) -> None:
        """Start one replica, unless replicas of this version just ended and it is too early."""
        deployed = (spec.name, row.version, row.bundle)
        if time.monotonic() < self._ends_of(deployed).not_before_s:
            return
        try:
            plan = self._plan(spec, row)
            await self._runner.start(plan)
        except DatahallError as error:
            self._note_end(deployed, str(error), served_s=0.0)
            return
        self._watch(plan)

    def drain(self, replica: str) -> None:
        """Send it nothing new; `tick` ends it once it is idle."""
        member = self.members.get(replica)
        if member is None:
            return
        member.phase, member.told_s = Phase.DRAINING, time.monotonic()
        if member.link.owner is not None:
            member.link.owner.leaving(member.link)

    async def tick(self, specs: dict[str, EndpointSpec], *, may_judge: bool) -> None:
        """Check health, end what is drained, forget what has ended. may_judge: our own loop was not late."""
        for member in list(self.members.values()):
            try:
                await self._turn(member, specs.get(member.plan.endpoint), may_judge=may_judge)
            except DatahallError as error:
                log.warning("replica %s: %s", member.plan.replica, error)

    async def close(self) -> None:
        """Hang up. The replicas run on."""
        for member in self.members.values():
            if member.connecting is not None:
                member.phase = Phase.ENDING
                member.connecting.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await member.connecting
            if member.link.owner is not None:
                member.link.owner.leaving(member.link)
            member.link.close()
        self.members.clear()
        await asyncio.sleep(0)

    def seen(self, spec: EndpointSpec) -> list[Seen]:
        """The endpoint's replicas now."""
        now_s = time.monotonic()
        return [member.seen(spec, now_s) for member in self.members.values() if member.plan.endpoint == spec.name]

    def fault(self, endpoint: str, row: VersionSpec) -> str | None:
        """Why replicas of this version keep ending, while they do."""
        return self._ends_of((endpoint, row.version, row.bundle)).fault(time.monotonic())

    def forget(self, endpoint: str) -> None:
        """The endpoint is gone: what became of its replicas says nothing about the next one of its name."""
        self._ends = {deployed: ends for deployed, ends in self._ends.items() if deployed[0] != endpoint}

    def _plan(self, spec: EndpointSpec, row: VersionSpec) -> ReplicaPlan:
        replica = f"{spec.name[:40]}-v{row.version}-{secrets.token_hex(4)}"
        max_batch, cpus, memory_bytes = _room(spec)
        return ReplicaPlan(
            replica=replica,
            endpoint=spec.name,
            tenant=spec.tenant,
            version=row.version,
            bundle=row.bundle,
            socket=socket_path(self._folder, replica),
            max_batch=max_batch,
            cpus=cpus,
            memory_bytes=memory_bytes,
        )

    def _watch(self, plan: ReplicaPlan) -> None:
        member = Member(plan, ReplicaLink(plan.replica), time.monotonic())
        self.members[plan.replica] = member
        member.connecting = asyncio.get_running_loop().create_task(self._connect(member), name=f"connect {plan.replica}")

    async def _connect(self, member: Member) -> None:
        reported_s = 0.0
        while member.phase is Phase.STARTING:
            try:
                async with asyncio.timeout(LISTEN_TIMEOUT_S):
                    await member.link.connect(member.plan.socket)
            except TimeoutError:
                await self._kill(member, f"it did not say what it serves within {LISTEN_TIMEOUT_S:.0f} s")
            except OSError:
                await asyncio.sleep(_CONNECT_INTERVAL_S)
            except DatahallError:  # it ended in the middle of a word; the next report says why
                member.link = ReplicaLink(member.plan.replica)
            else:
                self._ready(member)
                return
            if time.monotonic() - reported_s > _REPORT_INTERVAL_S:
                reported_s = time.monotonic()
                await self._look(member)

    def _ready(self, member: Member) -> None:
        endpoint = self._gateway.endpoints.get(member.plan.endpoint)
        if member.phase is not Phase.STARTING or endpoint is None:
            return
        if not endpoint.serves(member.plan):
            self.drain(member.plan.replica)  # of an endpoint of this name that was removed while it started
            return
        member.phase, member.ready_s = Phase.READY, time.monotonic()
        endpoint.pool(member.plan.version).join(member.link)
        self._on_change()

    async def _look(self, member: Member) -> None:
        """Ask the runner about a replica that we cannot talk to."""
        report = await self._runner.report(member.plan.replica)
        now_s = time.monotonic()
        if report.phase == "ended":
            self._gone(member, report.reason)
        elif report.phase == "starting":
            member.waits_for = report.reason
        elif member.runs_since_s is None:
            member.runs_since_s = now_s
        elif member.phase is Phase.STARTING and now_s - member.runs_since_s > LISTEN_TIMEOUT_S:
            await self._kill(member, f"it did not listen within {LISTEN_TIMEOUT_S:.0f} s")

    async def _turn(self, member: Member, spec: EndpointSpec | None, *, may_judge: bool) -> None:
        now_s = time.monotonic()
        if member.phase is Phase.READY:
            await self._check_health(member, now_s, may_judge=may_judge)
            return
        if member.phase is Phase.STARTING or member.told_s is None:
            return
        grace_s = END_GRACE_S + (spec.timeout_s if spec is not None else 0.0)
        if member.phase is Phase.DRAINING and (not member.link.calls or now_s - member.told_s > grace_s):
            member.phase, member.told_s = Phase.ENDING, now_s
            await self._runner.stop(member.plan.replica)
        elif member.phase is Phase.ENDING:
            if now_s - member.told_s > grace_s and not member.is_killed:
                member.is_killed = True
                await self._runner.stop(member.plan.replica, kill=True)
            await self._look(member)

    async def _check_health(self, member: Member, now_s: float, *, may_judge: bool) -> None:
        link = member.link
        if self._served_s(member) >= STABLE_S:
            self._ends.pop(_deployed(member), None)
        if not link.is_open:
            await self._look_after_loss(member)
        elif link.pinged_s is None:
            link.ping(now_s)
        elif may_judge and now_s - link.pinged_s > HEALTH_TIMEOUT_S:
            await self._kill(member, f"it did not answer health checks for {HEALTH_TIMEOUT_S:g} s")

    async def _look_after_loss(self, member: Member) -> None:
        """The connection is gone or the replica said goodbye: find out how it ended."""
        await self._look(member)
        if member.plan.replica in self.members:
            member.left_by_itself = True
            self._note_end(_deployed(member), "it hung up", served_s=self._served_s(member))
            self.drain(member.plan.replica)

    async def _kill(self, member: Member, reason: str) -> None:
        log.warning("replica %s is replaced: %s", member.plan.replica, reason)
        self._note_end(_deployed(member), reason, served_s=self._served_s(member))
        member.phase, member.told_s, member.is_killed = Phase.ENDING, time.monotonic(), True
        member.link.close()  # what was under way goes to others now
        await self._runner.stop(member.plan.replica, kill=True)
        self._on_change()

    def _gone(self, member: Member, reason: str) -> None:
        self.members.pop(member.plan.replica, None)
        if member.phase in (Phase.STARTING, Phase.READY):
            log.warning("replica %s ended: %s", member.plan.replica, reason)
            self._note_end(_deployed(member), reason or "it left no word", served_s=self._served_s(member))
        elif member.left_by_itself and reason:
            self._ends[_deployed(member)] = replace(self._ends_of(_deployed(member)), reason=reason)
        member.phase = Phase.ENDING
        member.link.close()
        self._on_change()

    def _served_s(self, member: Member) -> float:
        return 0.0 if member.ready_s is None else time.monotonic() - member.ready_s

    def _ends_of(self, deployed: Deployed) -> Ends:
        return self._ends.get(deployed, Ends())

    def _note_end(self, deployed: Deployed, reason: str, *, served_s: float) -> None:
        if deployed[0] in self._gateway.endpoints:
            self._ends[deployed] = self._ends_of(deployed).after(reason, served_s=served_s, now_s=time.monotonic())


def _deployed(member: Member) -> Deployed:
    return member.plan.endpoint, member.plan.version, member.plan.bundle

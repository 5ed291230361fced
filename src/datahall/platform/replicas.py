"""Replicas of endpoints as service jobs of the same queue: counted, limited, logged and adopted like any other."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from datahall.foundation.errors import Conflict, DatahallError
from datahall.platform.gateway.ports import ReplicaPlan, ReplicaReport
from datahall.platform.identity import DEFAULT_TENANT, Principal, Role
from datahall.platform.lifecycle import JobState
from datahall.platform.logs import read_log
from datahall.platform.service import Scheduler
from datahall.platform.spec import JobSpec
from datahall.platform.state import Job
from datahall.platform.store import queries

CONTROLLER = Principal("endpoints", DEFAULT_TENANT, Role.OPERATOR)
REPLICA, PLAN = "replica", "replica-plan"
PRIORITY = 1000
"""A missing replica is downtime: it goes before batch work."""


class ServiceReplicas:
    """The gateway's `ReplicaRunner` over the scheduler."""

    def __init__(self, scheduler: Scheduler, jobs: Path) -> None:
        self._scheduler, self._folder = scheduler, jobs
        self._numbers: dict[str, int] = {}

    async def start(self, plan: ReplicaPlan) -> None:
        """Raises Refused when it does not fit into the hall."""
        spec = JobSpec(
            name=f"replica-{plan.endpoint[:40]}-v{plan.version}",
            command=(sys.executable, *plan.arguments(Path("inputs/bundle"))),
            tenant=plan.tenant,
            cpus=plan.cpus,
            memory=plan.memory_bytes,
            priority=PRIORITY,
            inputs={"bundle": f"sha256:{plan.bundle}"},
            service=True,
            annotations={REPLICA: plan.replica, PLAN: json.dumps(plan.as_dict())},
        )
        self._numbers[plan.replica] = (await asyncio.to_thread(self._scheduler.submit, CONTROLLER, spec))[0]

    async def stop(self, replica: str, *, kill: bool = False) -> None:
        number = self._numbers.get(replica)
        if number is None:
            return
        try:
            if kill:
                await asyncio.to_thread(self._scheduler.engine.kill, number)
            await asyncio.to_thread(self._scheduler.cancel, CONTROLLER, number)
        except Conflict:
            return  # it has ended meanwhile

    async def report(self, replica: str) -> ReplicaReport:
        number = self._numbers.get(replica)
        if number is None:
            return ReplicaReport("ended", "it was never started")
        return await asyncio.to_thread(self._report, number)

    def _report(self, number: int) -> ReplicaReport:
        job = self._scheduler.state.jobs.get(number)
        if job is not None and job.state is JobState.RUNNING:
            return ReplicaReport("running")
        if job is not None and not job.state.is_final:
            why = self._scheduler.why(number)
            return ReplicaReport("starting", why["sentence"] if why else "")
        row = queries.job_row(self._scheduler.journal.engine, number)
        return ReplicaReport("ended", self._last_words(number, row.attempt) or row.reason if row else "it is unknown")

    def _last_words(self, number: int, attempt: int) -> str:
        try:
            data, _ = read_log(self._folder / str(number), attempt=attempt, rank=0, offset=-2000)
        except (OSError, DatahallError):
            return ""
        lines = data.decode(errors="replace").strip().splitlines()
        return lines[-1][:500] if lines else ""

    async def survivors(self) -> Sequence[ReplicaPlan]:
        with self._scheduler.lock:
            jobs = [job for job in self._scheduler.state.jobs.values() if REPLICA in job.spec.annotations and not job.cancelled]
        plans = [self._known(job) for job in jobs]
        return [plan for plan in plans if plan is not None]

    def _known(self, job: Job) -> ReplicaPlan | None:
        try:
            plan = ReplicaPlan(**json.loads(job.spec.annotations[PLAN]))
        except (KeyError, TypeError, ValueError):
            return None
        if plan.replica != job.spec.annotations[REPLICA] or plan.tenant != job.spec.tenant:
            return None
        self._numbers[plan.replica] = job.id
        return plan

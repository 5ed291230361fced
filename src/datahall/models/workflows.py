"""Workflows on a running platform: started, looked at, and deployed once their last step has succeeded."""

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, insert, select, update

from datahall.foundation.clock import Clock
from datahall.foundation.errors import DatahallError, Missing, Problem
from datahall.models.data.places import shared_by_caller
from datahall.models.recipe import PlannedStep, Recipe
from datahall.models.serve.spec import DeploySpec
from datahall.models.tracking.requests import WorkflowRequest, leave_request
from datahall.models.workflow import Owner, jobs_of, steps_of
from datahall.platform.catalogue import Catalogue
from datahall.platform.events import AttemptEnded, Changed, Event, StopRequested
from datahall.platform.identity import Principal, Right
from datahall.platform.lifecycle import JobState
from datahall.platform.service import Scheduler
from datahall.platform.state import Job
from datahall.platform.store import queries, schema

log = logging.getLogger(__name__)
PACKAGE, ERROR = "package", "error"
NOT_MADE = (JobState.FAILED, JobState.CANCELLED)


class Deployer(Protocol):
    """Puts a bundle behind an endpoint."""

    def deploy(self, deploy: DeploySpec, *, tenant: str, model: str, bundle: str, by: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Workflow:
    """One run of a recipe. steps: name, key, and the job that makes it (0: it was there already)."""

    id: int
    tenant: str
    name: str
    steps: list[dict[str, Any]]
    deploy: dict[str, Any] | None
    """The recipe's section; with `error`, a problem, once it was given up."""
    deployed_s: float | None

    @property
    def deploy_error(self) -> dict[str, str] | None:
        """Why it was not deployed and will not be."""
        return self.deploy.get(ERROR) if self.deploy else None

    @property
    def awaits_deployment(self) -> bool:
        return self.deploy is not None and self.deployed_s is None and self.deploy_error is None

    @property
    def package(self) -> dict[str, Any] | None:
        """The step whose output is deployed."""
        return next((step for step in self.steps if step["name"] == PACKAGE), None)


class Workflows:
    """Starts recipes as jobs and deploys what they package."""

    def __init__(self, scheduler: Scheduler, catalogue: Catalogue, clock: Clock, deployer: Deployer, *, home: Path) -> None:
        """home: where the tracking finds its requests."""
        self._home = home
        self._scheduler, self._catalogue, self._clock, self._deployer = scheduler, catalogue, clock, deployer
        self._engine = scheduler.journal.engine
        self._awaited: dict[int, frozenset[int]] = {}
        """Workflows to be deployed, each with the jobs that it waits for: what else ends does not concern us."""
        self._starting, self._deploying = threading.Lock(), threading.Lock()
        scheduler.listeners.append(self._on_events)

    def start(self, who: Principal, recipe: Recipe, folder: Path, *, file: str = "", shared: str = "") -> int:
        """Queue what the recipe still needs. Raises Refused, Missing, Denied, Busy; then nothing was queued.

        file: what its user named the recipe. shared: the user's DATAHALL_SHARED, where it is not ours.
        """
        who.require(Right.WRITE, tenant=who.tenant)
        with shared_by_caller(shared):
            steps = steps_of(recipe, folder, file=file)
        environment = {"DATAHALL_HOME": str(self._home)} | ({"DATAHALL_SHARED": shared} if shared else {})
        known = _Known(self._catalogue, self._scheduler, who.tenant)
        words = {"workflow-key": steps[-1].key[:16]} | ({"alias": recipe.deploy.alias} if recipe.deploy else {})
        with self._starting:  # two that start at once share their jobs: the second must see those of the first
            specs, numbers = jobs_of(recipe, steps, known, Owner(who.tenant, words, environment))
            made = self._scheduler.submit(who, *specs) if specs else []
        rows = [_step_row(step, numbers[step.name], made) for step in steps]
        number = self._enter(who, recipe, rows)
        self._tell_tracking(who, recipe, words["workflow-key"])
        if recipe.deploy is not None:
            self._await(number)
        return number

    def _tell_tracking(self, who: Principal, recipe: Recipe, key: str) -> None:
        request = WorkflowRequest(
            workflow=key, tenant=who.tenant, recipe=recipe.name, parameters=recipe.model_dump(mode="json")
        )
        leave_request(self._home, request)

    def _enter(self, who: Principal, recipe: Recipe, steps: list[dict[str, Any]]) -> int:
        now_s = self._clock.now_s()
        row = {
            "tenant": who.tenant,
            "name": recipe.name,
            "recipe": recipe.model_dump_json(),
            "steps": steps,
            "deploy": recipe.deploy.model_dump(mode="json") if recipe.deploy else None,
            "made_s": now_s,
            "made_by": who.name,
        }
        event = Changed(
            at_s=now_s,
            actor=who.name,
            subject=f"recipe/{recipe.name}",
            what="workflow_started",
            tenant=who.tenant,
            data={"jobs": [step["job"] for step in steps if step["job"]]},
        )

        def statements(connection: Connection) -> int:
            return int(connection.execute(insert(schema.workflows).returning(schema.workflows.c.id), row).scalar_one())

        return int(self._scheduler.journal.change(event, statements))

    # --- looking -------------------------------------------------------------------------------------------

    def get(self, who: Principal, number: int) -> dict[str, Any]:
        """A workflow with the state of each step. Raises Missing."""
        workflow = self._read(number)
        if workflow is None or who.scope not in (None, workflow.tenant):
            raise Missing(Problem("FLOW-001", f"workflow {number}", "there is no such workflow", "see `datahall workflows`"))
        steps = [self._step_state(workflow.tenant, step) for step in workflow.steps]
        return {
            "id": workflow.id,
            "name": workflow.name,
            "tenant": workflow.tenant,
            "steps": steps,
            "deploy": workflow.deploy and {name: value for name, value in workflow.deploy.items() if name != ERROR},
            "deployed_s": workflow.deployed_s,
            "deploy_error": workflow.deploy_error,
        }

    def page(self, who: Principal, *, limit: int = 50) -> list[dict[str, Any]]:
        """Newest first."""
        table = schema.workflows
        query = select(table.c.id, table.c.name, table.c.tenant, table.c.made_s, table.c.deployed_s, table.c.made_by)
        query = query.order_by(table.c.id.desc()).limit(limit)
        if who.scope is not None:
            query = query.where(table.c.tenant == who.scope)
        with queries.reading(self._engine) as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def _step_state(self, tenant: str, step: dict[str, Any]) -> dict[str, Any]:
        row = queries.job_row(self._engine, step["job"]) if step["job"] else None
        artifact = self._catalogue.find(tenant, f"key:{step['key']}")
        state = row.state if row else "cached"
        reason = row.reason if row else ""
        return step | {"state": state, "reason": reason, "digest": artifact["digest"] if artifact else None}

    def _read(self, number: int) -> Workflow | None:
        table = schema.workflows
        with queries.reading(self._engine) as connection:
            row = connection.execute(select(table).where(table.c.id == number)).first()
        return Workflow(row.id, row.tenant, row.name, row.steps, row.deploy, row.deployed_s) if row else None

    # --- deploying -----------------------------------------------------------------------------------------

    def resume(self) -> None:
        """At start-up: deploy what was packaged while nobody was there to do it."""
        table = schema.workflows
        query = select(table.c.id).where(table.c.deploy.is_not(None) & table.c.deployed_s.is_(None)).order_by(table.c.id)
        with queries.reading(self._engine) as connection:
            numbers = list(connection.execute(query).scalars())
        for number in numbers:
            self._await(number)

    def _await(self, number: int) -> None:
        """Deploy the workflow now, or when its package is made."""
        workflow = self._read(number)
        if workflow is not None and workflow.awaits_deployment:
            self._awaited[number] = frozenset(step["job"] for step in workflow.steps)
            self._settle(number)  # after it is awaited: what ended before that is seen here, what ends later by `_on_events`

    def _on_events(self, events: Sequence[Event]) -> None:
        ended = {event.job_id for event in events if isinstance(event, AttemptEnded | StopRequested)}
        for number, jobs in list(self._awaited.items()) if ended else ():
            if not jobs.isdisjoint(ended):
                self._settle(number)

    def _settle(self, number: int) -> None:
        """Deploy the workflow if its package is there; give it up if it will not be, or if it cannot be deployed."""
        with self._deploying:
            workflow = self._read(number)
            if workflow is None or not workflow.awaits_deployment:
                self._awaited.pop(number, None)
                return
            package = workflow.package
            artifact = self._catalogue.find(workflow.tenant, f"key:{package['key']}") if package else None
            if artifact is not None and package is not None and self._made(package["job"]):
                self._deploy(workflow, artifact["digest"])
            elif (problem := self._why_not_made(workflow)) is not None:
                self._give_up(workflow, problem)

    def _made(self, job: int) -> bool:
        """Whether the step has its result: one that is there from before may be damaged, and is then being made again."""
        row = queries.job_row(self._engine, job) if job else None
        return row is None or JobState(row.state) is JobState.SUCCEEDED

    def _why_not_made(self, workflow: Workflow) -> Problem | None:
        fix = "mend what failed, then run the recipe again"
        if workflow.package is None:  # of an older version, which let such recipes pass
            return Problem("FLOW-003", f"workflow {workflow.id}", "its recipe makes no package", fix)
        number = workflow.package["job"]
        row = queries.job_row(self._engine, number) if number else None
        if row is None or JobState(row.state) not in NOT_MADE:
            return None
        what = f"its package was not made: job {number} is {row.state}" + (f", {row.reason}" if row.reason else "")
        return Problem("FLOW-003", f"workflow {workflow.id}", what, fix)

    def _deploy(self, workflow: Workflow, bundle: str) -> None:
        deploy = DeploySpec.model_validate_json(json.dumps(workflow.deploy))
        try:
            self._deployer.deploy(
                deploy, tenant=workflow.tenant, model=workflow.name, bundle=bundle, by=f"workflow/{workflow.id}"
            )
        except DatahallError as error:
            log.warning("workflow %s could not be deployed: %s", workflow.id, error)
            self._give_up(workflow, error.problems[0])
            return
        self._note(workflow, "workflow_deployed", {"deployed_s": self._clock.now_s()})

    def _give_up(self, workflow: Workflow, problem: Problem) -> None:
        """For good: who removes the endpoint meanwhile must not find it there again much later."""
        error = {name: str(value) for name, value in asdict(problem).items()}
        self._note(workflow, "workflow_not_deployed", {"deploy": (workflow.deploy or {}) | {ERROR: error}}, data=error)

    def _note(self, workflow: Workflow, what: str, values: dict[str, Any], *, data: dict[str, str] | None = None) -> None:
        table = schema.workflows
        statement = update(table).where(table.c.id == workflow.id).values(values)
        event = Changed(
            at_s=self._clock.now_s(),
            actor=f"workflow/{workflow.id}",
            subject=f"endpoint/{(workflow.deploy or {})['endpoint']}",
            what=what,
            tenant=workflow.tenant,
            data=data or {},
        )
        self._scheduler.journal.change(event, lambda connection: connection.execute(statement))
        self._awaited.pop(workflow.id, None)


class _Known:
    def __init__(self, catalogue: Catalogue, scheduler: Scheduler, tenant: str) -> None:
        self._catalogue, self._scheduler, self._tenant = catalogue, scheduler, tenant

    def artifact(self, key: str) -> bool:
        """A result that is there and whole; a damaged one is made again."""
        row = self._catalogue.find(self._tenant, f"key:{key}")
        if row is None:
            return False
        try:
            for entry in self._catalogue.artifacts.tree_files(row["digest"]).values():
                self._catalogue.artifacts.verify(str(entry["digest"]))
        except DatahallError as error:
            log.warning("a cached result is not usable and is made again: %s", error)
            return False
        return True

    def job(self, key: str) -> int | None:
        """The live job that will make it; not one that is being cancelled, or will be with what it needs."""
        with self._scheduler.between_turns():
            jobs = self._scheduler.state.jobs
            live = [job for job in jobs.values() if job.spec.output_key == key and job.spec.tenant == self._tenant]
            return min((job.id for job in live if not _doomed(job, jobs)), default=None)


def _doomed(job: Job, jobs: Mapping[int, Job]) -> bool:
    todo, seen = [job], set[int]()
    while todo:
        looked_at = todo.pop()
        if looked_at.cancelled:
            return True
        seen.add(looked_at.id)
        todo += [jobs[needed] for needed in looked_at.unmet if needed in jobs and needed not in seen]
    return False


def _step_row(step: PlannedStep, number: int, made: Sequence[int]) -> dict[str, Any]:
    job = made[-number - 1] if number < 0 else number
    return {"name": step.name, "key": step.key, "job": job}

"""Workflows on a running platform: started, looked at, and deployed once their last step has succeeded."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
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
from datahall.platform.events import AttemptEnded, Changed, Event
from datahall.platform.identity import Principal, Right
from datahall.platform.service import Scheduler
from datahall.platform.store import queries, schema

log = logging.getLogger(__name__)
PACKAGE = "package"


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
    deployed_s: float | None


class Workflows:
    """Starts recipes as jobs and deploys what they package."""

    def __init__(self, scheduler: Scheduler, catalogue: Catalogue, clock: Clock, deployer: Deployer, *, home: Path) -> None:
        """home: where the tracking finds its requests."""
        self._home = home
        self._scheduler, self._catalogue, self._clock, self._deployer = scheduler, catalogue, clock, deployer
        self._engine = scheduler.journal.engine
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
        specs, numbers = jobs_of(recipe, steps, known, Owner(who.tenant, words, environment))
        made = self._scheduler.submit(who, *specs) if specs else []
        rows = [_step_row(step, numbers[step.name], made) for step in steps]
        number = self._enter(who, recipe, rows)
        self._tell_tracking(who, recipe, words["workflow-key"])
        self._deploy_if_ready(number)
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
            "deploy": workflow.deploy,
            "deployed_s": workflow.deployed_s,
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
        for number in self._undeployed():
            self._deploy_if_ready(number)

    def _undeployed(self) -> Sequence[int]:
        table = schema.workflows
        query = select(table.c.id).where(table.c.deploy.is_not(None) & table.c.deployed_s.is_(None)).order_by(table.c.id)
        with queries.reading(self._engine) as connection:
            return list(connection.execute(query).scalars())

    def _on_events(self, events: Sequence[Event]) -> None:
        packaged = [event for event in events if isinstance(event, AttemptEnded) and event.outputs]
        if packaged:
            keys = {output.key for event in packaged for output in event.outputs}
            for number in self._undeployed():
                workflow = self._read(number)
                if workflow is not None and any(step["key"] in keys for step in workflow.steps if step["name"] == PACKAGE):
                    self._deploy_if_ready(number)

    def _deploy_if_ready(self, number: int) -> None:
        workflow = self._read(number)
        if workflow is None or workflow.deploy is None or workflow.deployed_s is not None:
            return
        package = next((step for step in workflow.steps if step["name"] == PACKAGE), None)
        artifact = self._catalogue.find(workflow.tenant, f"key:{package['key']}") if package else None
        if artifact is None:
            return
        deploy = DeploySpec.model_validate_json(json.dumps(workflow.deploy))
        try:
            self._deployer.deploy(
                deploy, tenant=workflow.tenant, model=workflow.name, bundle=artifact["digest"], by=f"workflow/{number}"
            )
        except DatahallError:
            log.exception("workflow %s could not be deployed", number)
            return
        table = schema.workflows
        statement = update(table).where(table.c.id == number).values(deployed_s=self._clock.now_s())
        event = Changed(
            at_s=self._clock.now_s(),
            actor=f"workflow/{number}",
            subject=f"endpoint/{deploy.endpoint}",
            what="workflow_deployed",
            tenant=workflow.tenant,
        )
        self._scheduler.journal.change(event, lambda connection: connection.execute(statement))


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
        with self._scheduler.between_turns():
            live = [job for job in self._scheduler.state.jobs.values() if job.spec.output_key == key]
            mine = [job.id for job in live if job.spec.tenant == self._tenant and not job.cancelled]
        return min(mine, default=None)


def _step_row(step: PlannedStep, number: int, made: Sequence[int]) -> dict[str, Any]:
    job = made[-number - 1] if number < 0 else number
    return {"name": step.name, "key": step.key, "job": job}

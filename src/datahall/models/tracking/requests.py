"""Requests to the tracking: the control plane leaves a file, the taking-in process reads it. Light: no MLflow here."""

import json
import time
from pathlib import Path

from pydantic import Field, ValidationError

from datahall.foundation import files
from datahall.foundation.digest import digest_of
from datahall.foundation.document import problems_of
from datahall.foundation.errors import Problem, Refused
from datahall.foundation.spec import Name, Spec
from datahall.models.ports import About, ModelRegistry, Registration, Tracker
from datahall.models.tracking.names import run_key
from datahall.models.tracking.step_jobs import parameters


class RegisterRequest(Spec):
    """A new version of a model, and the alias that moves to it."""

    name: Name
    tenant: Name = "default"
    bundle: str = Field(min_length=1, max_length=500)
    """The packaged model: an artifact's digest or an address."""
    alias: Name | None = None
    workflow: str | None = None
    """The workflow that made it."""
    metrics: dict[str, float] = Field(default={}, max_length=1000)
    tags: dict[str, str] = Field(default={}, max_length=1000)


class WorkflowRequest(Spec):
    """A recipe that was started: its run shows all its parameters, also those of steps that were there already."""

    workflow: str = Field(min_length=1, max_length=200)
    tenant: Name = "default"
    recipe: Name
    parameters: dict[str, object] = Field(default={})
    """The recipe as JSON."""


KINDS: dict[str, type[RegisterRequest] | type[WorkflowRequest]] = {"register": RegisterRequest, "workflow": WorkflowRequest}


def leave_request(home: Path, request: RegisterRequest | WorkflowRequest) -> Path:
    """Leave the request for the taking-in process; it is kept until it was carried out. Raises Unavailable."""
    kind = "register" if isinstance(request, RegisterRequest) else "workflow"
    data = {"kind": kind, "at_ms": int(time.time() * 1000), **request.model_dump(mode="json")}
    path = requests_folder(home) / f"{time.time_ns():020d}-{digest_of(data)[:16]}.json"
    files.write_text(path, json.dumps(data), mode=0o600)
    return path


def requests_folder(home: Path) -> Path:
    return home / "tracking" / "requests"


def waiting_requests(home: Path) -> list[Path]:
    """In the order in which they were left."""
    return sorted(path for path in requests_folder(home).glob("*.json") if not path.name.startswith("."))


def carry_out(path: Path, tracker: Tracker, registry: ModelRegistry) -> None:
    """Carry the request out, then remove it. Raises Refused when it is not one."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        kind, at_ms = data.pop("kind"), int(data.pop("at_ms"))
        request = KINDS[kind].model_validate(data)
    except ValidationError as error:
        raise Refused(problems_of(error, KINDS[kind])) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        fix = "leave requests with datahall.models.tracking.requests.leave_request"
        raise Refused(Problem("TRACK-002", str(path), f"is not a request: {error}", fix)) from None
    if isinstance(request, RegisterRequest):
        registry.register(_registration(path.stem, request))
    else:
        _begin(request, at_ms, tracker)
    path.unlink()


def _registration(name: str, request: RegisterRequest) -> Registration:
    tags = request.tags | {f"metric.{metric}": repr(value) for metric, value in request.metrics.items()}
    key = run_key(request.tenant, request.workflow, "") if request.workflow else None
    return Registration(name, request.tenant, request.name, request.bundle, request.alias, key, tags)


def _begin(request: WorkflowRequest, at_ms: int, tracker: Tracker) -> None:
    key = run_key(request.tenant, request.workflow, "")
    tags = {"datahall.workflow": request.workflow, "datahall.recipe": request.recipe}
    run = tracker.run(About(key, request.tenant, request.recipe, f"{request.recipe}-{request.workflow[:8]}", at_ms, tags))
    tracker.log(run, params=parameters(request.parameters))

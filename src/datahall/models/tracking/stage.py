"""The stage of jobs whose runs are tracked: says whose a job is, gives it a store of its own, has packages registered."""

import json
import logging
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from datahall.foundation import files
from datahall.foundation.document import problems_of
from datahall.models.tracking.job_folder import read_json
from datahall.models.tracking.requests import RegisterRequest, leave_request
from datahall.models.tracking.template import ENVIRONMENT, place_store, template_path
from datahall.platform.events import StoredOutput
from datahall.platform.home import Home
from datahall.platform.ports import Stage
from datahall.platform.spec import JobSpec

log = logging.getLogger(__name__)
SCRIPTS = (".py", ".ipynb", ".sh")


class TrackedStage:
    """Wraps the platform's stage. A user's script logs to `sqlite:///<work>/mlflow.db`; the tracking takes it in from there."""

    def __init__(self, inner: Stage, home: Home) -> None:
        self._inner, self._home = inner, home

    def prepare(self, spec: JobSpec, work: Path) -> None:
        told: dict[str, Any] = {"tenant": spec.tenant, "name": spec.name, "annotations": spec.annotations}
        told |= {"command": spec.command} if is_script(spec) else {}
        files.write_text(work.parent / "job.json", json.dumps(told), mode=0o600)
        self._inner.prepare(spec, work)
        if is_script(spec) and _runs_our_python(spec):
            place_store(template_path(self._home.root), work)

    def collect(self, spec: JobSpec, work: Path) -> tuple[StoredOutput, ...]:
        outputs = self._inner.collect(spec, work)
        if spec.annotations.get("step") == "package":
            for output in outputs:
                self._have_registered(spec, work, output)
        return outputs

    def _have_registered(self, spec: JobSpec, work: Path, output: StoredOutput) -> None:
        """Annotations are the user's: what they make no model of costs the job nothing but its place among the models."""
        try:
            request = _registration(spec, work, output)
        except ValidationError as error:
            for problem in problems_of(error, RegisterRequest):
                log.warning("an output of job %s is not registered as a model: %s", work.parent.name, problem)
        else:
            leave_request(self._home.root, request)

    def environment(self, spec: JobSpec, work: Path) -> dict[str, str]:
        given = self._inner.environment(spec, work)
        mine = {name: value.replace("{work}", str(work)) for name, value in ENVIRONMENT.items() if name not in spec.environment}
        return mine | given if is_script(spec) else given

    def secret_names(self, tenant: str) -> list[str]:
        return self._inner.secret_names(tenant)


def is_script(spec: JobSpec) -> bool:
    """Whether a user's own program runs: a script, a notebook, a module of Python's; not a step, a service or one line."""
    if spec.service or "step" in spec.annotations:
        return False
    is_module = Path(spec.command[0]).name.startswith("python") and "-m" in spec.command[1:3]
    return is_module or any(word.endswith(SCRIPTS) for word in spec.command)


def _runs_our_python(spec: JobSpec) -> bool:
    """Another Python may bring another MLflow, which refuses our store; without one it makes its own."""
    return Path(spec.command[0]).parent == Path(sys.executable).parent


def _registration(spec: JobSpec, work: Path, output: StoredOutput) -> RegisterRequest:
    """Raises ValidationError when the annotations name no model."""
    return RegisterRequest.model_validate(
        {
            "name": spec.annotations.get("recipe", ""),
            "tenant": spec.tenant,
            "bundle": output.digest,
            "alias": spec.annotations.get("alias"),
            "workflow": spec.annotations.get("workflow-key"),
            "metrics": _metrics(work / "outputs" / "bundle.json"),
        }
    )


def _metrics(bundle: Path) -> dict[str, float]:
    """The finite figures of the bundle; whatever else the job may have written there is passed over."""
    metrics = read_json(bundle).get("metrics")
    found = metrics if isinstance(metrics, dict) else {}
    return {name: value for name, value in found.items() if isinstance(value, int | float) and abs(value) <= sys.float_info.max}

"""The stage of jobs whose runs are tracked: says whose a job is, gives it a store of its own, has packages registered."""

import json
import sys
from pathlib import Path
from typing import Any

from datahall.foundation import files
from datahall.models.tracking.requests import RegisterRequest, leave_request
from datahall.models.tracking.template import ENVIRONMENT, place_store, template_path
from datahall.platform.events import StoredOutput
from datahall.platform.home import Home
from datahall.platform.ports import Stage
from datahall.platform.spec import JobSpec

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
                leave_request(self._home.root, _registration(spec, work, output))
        return outputs

    def environment(self, spec: JobSpec) -> dict[str, str]:
        given = self._inner.environment(spec)
        mine = {name: value for name, value in ENVIRONMENT.items() if name not in spec.environment}
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
    return RegisterRequest(
        name=spec.annotations["recipe"],
        tenant=spec.tenant,
        bundle=output.digest,
        alias=spec.annotations.get("alias"),
        workflow=spec.annotations.get("workflow-key"),
        metrics=_metrics(work / "outputs" / "bundle.json"),
    )


def _metrics(bundle: Path) -> dict[str, float]:
    try:
        metrics = json.loads(bundle.read_text(encoding="utf-8")).get("metrics", {})
    except (OSError, ValueError, AttributeError):
        return {}
    return {name: float(value) for name, value in metrics.items() if isinstance(value, int | float)}

"""The stage of jobs whose runs are tracked: says whose a job is, gives it a store of its own, has packages registered."""

import json
from pathlib import Path

from datahall.foundation import files
from datahall.models.tracking.requests import RegisterRequest, leave_request
from datahall.models.tracking.template import ENVIRONMENT, place_store, template_path
from datahall.platform.events import StoredOutput
from datahall.platform.home import Home
from datahall.platform.ports import Stage
from datahall.platform.spec import JobSpec

SCRIPTS = (".py", ".ipynb")


class TrackedStage:
    """Wraps the platform's stage. A user's script logs to `sqlite:///<work>/mlflow.db`; the tracking takes it in from there."""

    def __init__(self, inner: Stage, home: Home) -> None:
        self._inner, self._home = inner, home

    def prepare(self, spec: JobSpec, work: Path) -> None:
        told = {"tenant": spec.tenant, "name": spec.name, "annotations": spec.annotations}
        files.write_text(work.parent / "job.json", json.dumps(told), mode=0o600)
        self._inner.prepare(spec, work)
        if _is_script(spec):
            place_store(template_path(self._home.root), work)

    def collect(self, spec: JobSpec, work: Path) -> tuple[StoredOutput, ...]:
        outputs = self._inner.collect(spec, work)
        if spec.annotations.get("step") == "package":
            for output in outputs:
                leave_request(self._home.root, _registration(spec, work, output))
        return outputs

    def environment(self, spec: JobSpec) -> dict[str, str]:
        return self._inner.environment(spec) | (ENVIRONMENT if _is_script(spec) else {})

    def secret_names(self, tenant: str) -> list[str]:
        return self._inner.secret_names(tenant)


def _is_script(spec: JobSpec) -> bool:
    return any(word.endswith(SCRIPTS) for word in spec.command)


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

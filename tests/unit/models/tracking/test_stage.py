"""The stage that tells the tracking whose a job is."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datahall.models.tracking.job_folder import job_of
from datahall.models.tracking.requests import RegisterRequest, waiting_requests
from datahall.models.tracking.stage import TrackedStage
from datahall.models.tracking.template import template_path
from datahall.platform.events import StoredOutput
from datahall.platform.home import Home
from datahall.platform.spec import JobSpec


class Inner:
    """A stage that lays out nothing and finds one output."""

    def prepare(self, spec: JobSpec, work: Path) -> None:
        """Nothing to lay out."""

    def collect(self, spec: JobSpec, work: Path) -> tuple[StoredOutput, ...]:
        return (StoredOutput("k", "abc", 3),)

    def environment(self, spec: JobSpec) -> dict[str, str]:
        return {"A": "b"}

    def secret_names(self, tenant: str) -> list[str]:
        return []


@pytest.fixture
def staged(home: Path, template: Path) -> Callable[..., tuple[TrackedStage, JobSpec, Path]]:
    """A stage, a job and its working folder."""
    template_path(home).parent.mkdir()
    shutil.copyfile(template, template_path(home))
    work = home / "jobs" / "7" / "work"
    work.mkdir(parents=True)
    return lambda **words: (TrackedStage(Inner(), Home(home)), JobSpec(**words), work)


def test_a_script_gets_a_store_and_its_job_an_owner(staged: Callable[..., Any]) -> None:
    """Given a tenant's Python script, it finds a store of its own, and the folder says whose the job is."""
    stage, spec, work = staged(command=("python", "train.py"), tenant="vision", name="mine", annotations={"workflow-key": "w"})
    stage.prepare(spec, work)
    job = job_of(work.parent)
    assert job is not None and (job.id, job.tenant, job.name, job.workflow) == ("7", "vision", "mine", "w")
    assert (work / "mlflow.db").is_file()
    assert stage.environment(spec)["MLFLOW_TRACKING_URI"] == "sqlite:///{work}/mlflow.db"


def test_other_commands_get_none(staged: Callable[..., Any]) -> None:
    """Given a command that is no script, no store is put there and no variable is set."""
    stage, spec, work = staged(command=("sleep", "1"))
    stage.prepare(spec, work)
    assert not (work / "mlflow.db").exists() and stage.environment(spec) == {"A": "b"}


def test_a_package_is_registered_with_its_figures(staged: Callable[..., Any], home: Path) -> None:
    """Given a package step that left a bundle, a request for its registration waits; another step leaves none."""
    words: dict[str, Any] = {"command": ("x",), "tenant": "vision"}
    stage, spec, work = staged(
        **words, annotations={"step": "package", "recipe": "digits", "alias": "champion", "workflow-key": "w"}
    )
    (work / "outputs").mkdir()
    (work / "outputs" / "bundle.json").write_text(json.dumps({"metrics": {"accuracy": 0.97, "note": "good"}}))
    stage.collect(spec, work)
    [path] = waiting_requests(home)
    told = json.loads(path.read_text())
    wanted = RegisterRequest(
        name="digits", tenant="vision", bundle="abc", alias="champion", workflow="w", metrics={"accuracy": 0.97}
    )
    assert wanted.model_dump() == {name: value for name, value in told.items() if name not in ("kind", "at_ms")}
    path.unlink()
    stage.collect(JobSpec(**words, annotations={"step": "train", "recipe": "digits"}), work)
    assert waiting_requests(home) == []

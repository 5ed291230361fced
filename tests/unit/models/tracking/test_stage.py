"""The stage that tells the tracking whose a job is."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datahall.models.tracking.job_folder import job_of
from datahall.models.tracking.requests import RegisterRequest, waiting_requests
from datahall.models.tracking.stage import TrackedStage, is_script
from datahall.models.tracking.template import template_path
from datahall.platform.events import StoredOutput
from datahall.platform.home import Home
from datahall.platform.spec import JobSpec

OURS = (sys.executable, "train.py")


class Inner:
    """A stage that lays out nothing and finds one output."""

    def prepare(self, spec: JobSpec, work: Path) -> None:
        """Nothing to lay out."""

    def collect(self, spec: JobSpec, work: Path) -> tuple[StoredOutput, ...]:
        return (StoredOutput("k", "abc", 3),)

    def environment(self, spec: JobSpec, work: Path) -> dict[str, str]:
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
    stage, spec, work = staged(
        command=(sys.executable, "train.py"), tenant="vision", name="mine", annotations={"workflow-key": "w"}
    )
    stage.prepare(spec, work)
    job = job_of(work.parent)
    assert job is not None and (job.id, job.tenant, job.name, job.workflow) == ("7", "vision", "mine", "w")
    assert (work / "mlflow.db").is_file()
    assert job.command == OURS
    assert stage.environment(spec, work)["MLFLOW_TRACKING_URI"] == f"sqlite:///{work}/mlflow.db"


def test_another_python_makes_its_own_store(staged: Callable[..., Any]) -> None:
    """Given a script in another environment, whose MLflow may be another, it finds the address but not our store."""
    stage, spec, work = staged(command=("/opt/py/bin/python", "-m", "train"))
    stage.prepare(spec, work)
    assert not (work / "mlflow.db").exists() and "MLFLOW_TRACKING_URI" in stage.environment(spec, work)


def test_an_address_of_the_users_own_is_kept(staged: Callable[..., Any]) -> None:
    """Given a user's MLFLOW_TRACKING_URI, the stage leaves it."""
    stage, spec, work = staged(command=("python", "train.py"), environment={"MLFLOW_TRACKING_URI": "http://mine"})
    assert "MLFLOW_TRACKING_URI" not in stage.environment(spec, work)


@pytest.mark.parametrize(
    ("words", "is_one"),
    [
        ({"command": ("torchrun", "train.py")}, True),
        ({"command": ("bash", "run.sh")}, True),
        ({"command": ("python3.11", "-u", "-m", "package.train")}, True),
        ({"command": ("python", "-c", "print()")}, False),
        ({"command": ("sleep", "1")}, False),
        ({"command": ("python", "serve.py"), "service": True}, False),
        ({"command": ("python", "step.py"), "annotations": {"step": "train"}}, False),
    ],
)
def test_a_script_is_a_program_of_the_users(words: dict[str, Any], is_one: bool) -> None:
    """Given scripts, modules, one-liners, services and steps of recipes, only a user's programs are scripts."""
    assert is_script(JobSpec(**words)) is is_one


def test_other_commands_get_none(staged: Callable[..., Any]) -> None:
    """Given a command that is no script, no store is put there and no variable is set."""
    stage, spec, work = staged(command=("sleep", "1"))
    stage.prepare(spec, work)
    assert not (work / "mlflow.db").exists() and stage.environment(spec, work) == {"A": "b"}


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


@pytest.mark.parametrize("annotations", [{}, {"recipe": "not a name!"}, {"recipe": "digits", "alias": "../up"}])
def test_a_users_job_that_calls_itself_a_package_keeps_its_result(
    staged: Callable[..., Any], home: Path, caplog: Any, annotations: dict[str, str]
) -> None:
    """Given a user's job with `step: package` that names no model, its outputs are collected, and the log says why no more."""
    stage, spec, work = staged(command=("sh", "run.sh"), annotations={"step": "package"} | annotations)
    assert stage.collect(spec, work) == (StoredOutput("k", "abc", 3),)
    assert waiting_requests(home) == []
    [line] = caplog.messages
    assert "job 7 is not registered as a model" in line


@pytest.mark.parametrize("metrics", ["[1]", '{"accuracy": NaN, "huge": 1e999}', "9" * 5000, '{"big": 1%s}' % ("0" * 400)])
def test_figures_that_are_none_are_passed_over(staged: Callable[..., Any], home: Path, metrics: str) -> None:
    """Given a bundle whose metrics are a list, not finite, or beyond every number, the model is registered without them."""
    stage, spec, work = staged(command=("x",), annotations={"step": "package", "recipe": "digits"})
    (work / "outputs").mkdir()
    (work / "outputs" / "bundle.json").write_text(f'{{"metrics": {metrics}}}')
    stage.collect(spec, work)
    [path] = waiting_requests(home)
    assert json.loads(path.read_text())["metrics"] == {}

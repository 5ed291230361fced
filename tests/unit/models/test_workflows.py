"""What becomes of a recipe's deployment: done once, or given up for good and said. The platform is a real one; the steps are
one-liners."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from datahall.foundation.errors import Conflict, Problem
from datahall.interfaces.bootstrap import Platform, build
from datahall.models.recipe import Recipe
from datahall.models.serve.spec import DeploySpec
from datahall.platform.home import Home
from datahall.platform.identity import LOCAL_ADMIN
from datahall.platform.spec import JobSpec

PATIENCE_S = 30.0


class Deployer:
    """Notes what it is asked for; refuses while it has a `problem`."""

    def __init__(self) -> None:
        self.deployed: list[str] = []
        self.asked = 0
        self.problem: Problem | None = None

    def deploy(self, deploy: DeploySpec, *, tenant: str, model: str, bundle: str, by: str) -> int:
        self.asked += 1
        if self.problem is not None:
            raise Conflict(self.problem)
        self.deployed.append(deploy.endpoint)
        return len(self.deployed)


@pytest.fixture
def deployer() -> Deployer:
    return Deployer()


@pytest.fixture
def platform(tmp_path: Path, scripts: dict[str, str], deployer: Deployer) -> Iterator[Platform]:
    made = build(Home(tmp_path / "home"))
    made.workflows._deployer = deployer
    made.start()
    yield made
    made.stop(suspend=True)


def recipe(**words: Any) -> Recipe:
    about = {"name": "digits", "data": {"source": {"kind": "digits"}}, "model": {"family": "mlp"}}
    return Recipe.model_validate(about | {"deploy": {"endpoint": "digits"}} | words)


def settled(platform: Platform, number: int, done: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """The workflow once `done` holds for it."""
    deadline = time.monotonic() + PATIENCE_S
    while not done(found := platform.workflows.get(LOCAL_ADMIN, number)):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def test_what_is_packaged_is_deployed_once(platform: Platform, deployer: Deployer) -> None:
    """Given a recipe that is run twice, it is deployed once for each run, the second time without a job."""
    for run in (1, 2):
        number = platform.workflows.start(LOCAL_ADMIN, recipe(), Path("/"))
        found = settled(platform, number, lambda flow: flow["deployed_s"])
        assert (len(deployer.deployed), found["deploy_error"]) == (run, None)
    assert {step["state"] for step in found["steps"]} == {"cached"}
    platform.workflows.resume()
    assert deployer.asked == 2


def test_a_deployment_that_fails_is_said_and_not_tried_again(platform: Platform, deployer: Deployer) -> None:
    """Given an endpoint of another tenant, the workflow says why it is not served, also in the record, and a restart does not
    try again; the same recipe run later does."""
    deployer.problem = Problem("EP-003", "endpoint digits", "is another tenant's", "choose another name")
    number = platform.workflows.start(LOCAL_ADMIN, recipe(), Path("/"))
    found = settled(platform, number, lambda flow: flow["deploy_error"])
    assert found["deploy_error"] == deployer.problem.as_dict()
    assert (found["deployed_s"], found["deploy"]["endpoint"], "error" in found["deploy"]) == (None, "digits", False)
    events = platform.scheduler.events(LOCAL_ADMIN, subject="endpoint/digits", after=0, limit=10)
    assert [(event["kind"], event["data"]["data"]["code"]) for event in events] == [("workflow_not_deployed", "EP-003")]
    deployer.problem = None
    platform.workflows.resume()
    assert deployer.asked == 1
    again = platform.workflows.start(LOCAL_ADMIN, recipe(), Path("/"))
    assert platform.workflows.get(LOCAL_ADMIN, again)["deployed_s"] and deployer.deployed == ["digits"]


@pytest.mark.parametrize("ends", ["failed", "cancelled"])
def test_a_workflow_whose_package_was_not_made_is_given_up(
    platform: Platform, deployer: Deployer, scripts: dict[str, str], tmp_path: Path, ends: str
) -> None:
    """Given training that fails or is cancelled, the workflow is given up: when the steps are retried much later and succeed,
    nothing is put behind an endpoint that its user may have removed since."""
    gate = tmp_path / "gate"
    otherwise = "false" if ends == "failed" else "sleep 60"
    scripts["train"] = f"(test -e {gate} || {otherwise}) && echo x > outputs/y"
    number = platform.workflows.start(LOCAL_ADMIN, recipe(), Path("/"))
    jobs = {step["name"]: step["job"] for step in platform.workflows.get(LOCAL_ADMIN, number)["steps"]}
    if ends == "cancelled":
        settled(platform, number, lambda flow: flow["steps"][1]["state"] == "running")
        platform.scheduler.cancel(LOCAL_ADMIN, jobs["train"])
    error = settled(platform, number, lambda flow: flow["deploy_error"])["deploy_error"]
    assert error["code"] == "FLOW-003" and f"job {jobs['package']} is cancelled, it needs job" in error["what"]
    gate.write_text("")
    for name in ("train", "evaluate", "compress", "package"):
        platform.scheduler.retry(LOCAL_ADMIN, jobs[name])
    settled(platform, number, lambda flow: flow["steps"][-1]["state"] == "succeeded")
    platform.workflows.resume()
    assert deployer.asked == 0


def test_other_jobs_outputs_read_no_workflow(platform: Platform, scripts: dict[str, str], monkeypatch: Any) -> None:
    """Given a workflow that waits, the end of a job that is none of its steps reads nothing in the scheduler's thread."""
    scripts["data"] = "sleep 60"
    platform.workflows.start(LOCAL_ADMIN, recipe(), Path("/"))
    reads: list[int] = []
    monkeypatch.setattr(platform.workflows, "_read", reads.append)
    spec = JobSpec(command=("sh", "-c", "echo x > outputs/y"), cpus=0.1, output_key="other")
    [job] = platform.scheduler.submit(LOCAL_ADMIN, spec)
    deadline = time.monotonic() + PATIENCE_S
    while platform.scheduler.job(LOCAL_ADMIN, job)["state"] != "succeeded":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert reads == []


def test_what_was_packaged_while_nobody_was_there_is_deployed_at_the_start(platform: Platform, deployer: Deployer) -> None:
    """Given a workflow whose package was made without anyone to deploy it, the next start does."""
    on_events = platform.scheduler.listeners.pop()
    number = platform.workflows.start(LOCAL_ADMIN, recipe(), Path("/"))
    settled(platform, number, lambda flow: flow["steps"][-1]["state"] == "succeeded")
    assert deployer.asked == 0
    platform.scheduler.listeners.append(on_events)
    platform.workflows.resume()
    assert platform.workflows.get(LOCAL_ADMIN, number)["deployed_s"] and deployer.deployed == ["digits"]

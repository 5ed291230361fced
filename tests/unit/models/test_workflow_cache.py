"""What is known is not made again: by key, over restarts, shared while it is being made, and again when it is damaged."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from datahall.interfaces.bootstrap import Platform, build
from datahall.models.recipe import Recipe
from datahall.models.serve.spec import DeploySpec
from datahall.platform.home import Home
from datahall.platform.identity import LOCAL_ADMIN, Principal, Role
from datahall.platform.store import queries

PATIENCE_S = 30.0
STEPS = ["data", "train", "evaluate", "compress", "package"]
FOLDER = Path("/")


class Deployer:
    """Notes which bundles it was asked to serve."""

    def __init__(self) -> None:
        self.bundles: list[str] = []

    def deploy(self, deploy: DeploySpec, *, tenant: str, model: str, bundle: str, by: str) -> int:
        self.bundles.append(bundle)
        return len(self.bundles)


@pytest.fixture
def new_platform(tmp_path: Path, scripts: dict[str, str]) -> Iterator[Callable[[], Platform]]:
    """Starts a platform on the home of this test; the one before must have been stopped."""
    started: list[Platform] = []

    def make() -> Platform:
        made = build(Home(tmp_path / "home"))
        made.workflows._deployer = Deployer()
        made.start()
        started.append(made)
        return made

    yield make
    if started and started[-1].home.in_use():
        started[-1].stop(suspend=True)


@pytest.fixture
def platform(new_platform: Callable[[], Platform]) -> Platform:
    return new_platform()


def recipe(**words: Any) -> Recipe:
    about = {"name": "digits", "data": {"source": {"kind": "digits"}}, "model": {"family": "mlp"}}
    return Recipe.model_validate(about | words)


def finished(platform: Platform, number: int) -> dict[str, dict[str, Any]]:
    """The steps of a workflow by name, once all of them are over."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        steps = platform.workflows.get(LOCAL_ADMIN, number)["steps"]
        if all(step["state"] in {"succeeded", "cached", "failed", "cancelled"} for step in steps):
            return {step["name"]: step for step in steps}
        assert time.monotonic() < deadline, steps
        time.sleep(0.01)


def run(platform: Platform, wanted: Recipe) -> dict[str, str]:
    """Step -> cached or succeeded, after a run."""
    steps = finished(platform, platform.workflows.start(LOCAL_ADMIN, wanted, FOLDER))
    return {name: step["state"] for name, step in steps.items()}


def damage(platform: Platform, key: str, *, whole_tree: bool = False) -> None:
    """Change the bytes of a cached result's file, or of the list of its files, on disk."""
    artifacts = platform.catalogue.artifacts
    digest = platform.catalogue.require("default", f"key:{key}")["digest"]
    path = artifacts.path_of(digest if whole_tree else str(artifacts.tree_files(digest)["result"]["digest"]))
    path.chmod(0o600)
    path.write_bytes(b"rotten")


def test_the_second_run_makes_nothing(platform: Platform):
    """Given a recipe that was run, running it again submits no job and is done at once."""
    assert run(platform, recipe()) == dict.fromkeys(STEPS, "succeeded")
    assert run(platform, recipe()) == dict.fromkeys(STEPS, "cached")
    assert queries.last_job_id(platform.database) == 5


def test_a_change_re_runs_what_depends_on_it(platform: Platform):
    """Given one line of training changed, the data stay; given one of the evaluation, the network stays too."""
    run(platform, recipe())
    changed = recipe(train={"epochs": 3})
    assert run(platform, changed) == {"data": "cached"} | dict.fromkeys(STEPS[1:], "succeeded")
    seen = run(platform, recipe(train={"epochs": 3}, evaluate={"min_accuracy_ratio": 0.5}))
    assert seen == {"data": "cached", "train": "cached"} | dict.fromkeys(STEPS[2:], "succeeded")
    assert run(platform, recipe()) == dict.fromkeys(STEPS, "cached")


def test_another_tenant_makes_its_own(platform: Platform):
    """Given a recipe that one tenant ran, another tenant's first run finds nothing of it."""
    run(platform, recipe())
    platform.identity.make_tenant("vision", by="test")
    bob = Principal("bob", "vision", Role.MEMBER)
    number = platform.workflows.start(bob, recipe(), FOLDER)
    assert {step["state"] for step in finished(platform, number).values()} == {"succeeded"}


@pytest.mark.parametrize("whole_tree", [False, True])
def test_a_damaged_result_is_made_again(platform: Platform, whole_tree: bool):
    """Given rotten bytes of the training's result, or of its list of files, training runs again; the rest is reused."""
    steps = finished(platform, platform.workflows.start(LOCAL_ADMIN, recipe(), FOLDER))
    damage(platform, steps["train"]["key"], whole_tree=whole_tree)
    assert list(platform.catalogue.artifacts.damaged()) != []
    expected = dict.fromkeys(STEPS, "cached") | {"train": "succeeded"}
    assert run(platform, recipe()) == expected
    assert list(platform.catalogue.artifacts.damaged()) == []
    assert run(platform, recipe()) == dict.fromkeys(STEPS, "cached")


def test_a_damaged_bundle_is_not_deployed(platform: Platform, scripts: dict[str, str]):
    """Given a rotten bundle, a run that deploys waits for the new one, whose bytes may differ."""
    steps = finished(platform, platform.workflows.start(LOCAL_ADMIN, recipe(), FOLDER))
    old = steps["package"]["digest"]
    damage(platform, steps["package"]["key"])
    scripts["package"] = "sleep 0.3; echo another > outputs/result"
    number = platform.workflows.start(LOCAL_ADMIN, recipe(deploy={"endpoint": "digits"}), FOLDER)
    new = finished(platform, number)["package"]["digest"]
    while not platform.workflows.get(LOCAL_ADMIN, number)["deployed_s"]:
        time.sleep(0.01)
    assert platform.workflows._deployer.bundles == [new]
    assert new != old


def test_runs_that_start_at_once_share_their_jobs(platform: Platform, scripts: dict[str, str]):
    """Given six that start the same recipe in the same moment, five jobs are made and all six see them end."""
    scripts["data"] = "sleep 0.3; echo data > outputs/result"
    numbers: list[int] = []
    people = [
        threading.Thread(target=lambda: numbers.append(platform.workflows.start(LOCAL_ADMIN, recipe(), FOLDER)))
        for _ in range(6)
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()
    jobs = [[step["job"] for step in finished(platform, number).values()] for number in numbers]
    assert jobs == [[1, 2, 3, 4, 5]] * 6
    assert queries.last_job_id(platform.database) == 5


def test_two_recipes_share_the_data_they_have_in_common(platform: Platform, scripts: dict[str, str]):
    """Given two recipes that differ in training while the data are being made, the data job is one."""
    scripts["data"] = "sleep 0.3; echo data > outputs/result"
    first = platform.workflows.start(LOCAL_ADMIN, recipe(), FOLDER)
    second = platform.workflows.start(LOCAL_ADMIN, recipe(train={"epochs": 3}), FOLDER)
    one, two = finished(platform, first), finished(platform, second)
    assert one["data"]["job"] == two["data"]["job"]
    assert one["train"]["job"] != two["train"]["job"]


def test_a_job_that_is_being_cancelled_is_not_shared(platform: Platform, scripts: dict[str, str]):
    """Given a data job that somebody cancels, the next run makes its own."""
    scripts["data"] = "sleep 30"
    first = platform.workflows.start(LOCAL_ADMIN, recipe(), FOLDER)
    job = platform.workflows.get(LOCAL_ADMIN, first)["steps"][0]["job"]
    platform.scheduler.cancel(LOCAL_ADMIN, job)
    scripts.clear()
    second = finished(platform, platform.workflows.start(LOCAL_ADMIN, recipe(), FOLDER))
    assert second["data"]["job"] != job
    assert {step["state"] for step in second.values()} == {"succeeded"}
    assert {step["state"] for step in finished(platform, first).values()} == {"cancelled"}


def test_a_restart_in_between_deploys_what_was_packaged(new_platform: Callable[[], Platform], scripts: dict[str, str]):
    """Given a control plane that goes down while the bundle is being made and jobs run on, the next one deploys it."""
    scripts["package"] = "sleep 0.5; echo bundle > outputs/result"
    first = new_platform()
    number = first.workflows.start(LOCAL_ADMIN, recipe(deploy={"endpoint": "digits"}), FOLDER)
    deadline = time.monotonic() + PATIENCE_S
    while first.workflows.get(LOCAL_ADMIN, number)["steps"][-1]["state"] != "running":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    first.stop(suspend=False)
    assert first.workflows._deployer.bundles == []
    time.sleep(0.8)  # the worker ends while nobody is there
    second = new_platform()
    while not second.workflows.get(LOCAL_ADMIN, number)["deployed_s"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert second.workflows._deployer.bundles == [finished(second, number)["package"]["digest"]]

"""Running a recipe from the command line: on the running platform, or on one inside this process."""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from datahall.foundation import document, files
from datahall.foundation.errors import Late, Problem
from datahall.foundation.units import seconds_text
from datahall.interfaces.cli.output import err, say
from datahall.interfaces.client import Client, RemoteError, connect, local
from datahall.models.recipe import Recipe
from datahall.platform.home import Home

POLL_S = 0.1
SERVE_S, DEPLOY_S = 60.0, 30.0
GOOD = ("succeeded", "cached")
OVER = (*GOOD, "failed", "cancelled")


@dataclass(slots=True)
class RecipeResult:
    """What a recipe came to."""

    recipe: str
    workflow: int
    succeeded: bool
    """All steps, and the deployment that the recipe asks for."""
    took_s: float
    cached: list[str]
    failed: list[str]
    metrics: dict[str, float] = field(default_factory=dict)
    """On the test rows, of what is packaged; of the trained model when nothing is."""
    trained_metrics: dict[str, float] = field(default_factory=dict)
    """Of the trained model, when what is packaged is another variant of it."""
    variant: str = ""
    report: str = ""
    endpoint: str = ""
    """Where it is served, when the platform runs on."""
    deployed: str = ""
    bundle: str = ""
    steps: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        names = (
            "recipe",
            "workflow",
            "succeeded",
            "took_s",
            "cached",
            "failed",
            "metrics",
            "trained_metrics",
            "variant",
            "report",
            "endpoint",
            "bundle",
            "steps",
        )
        return {name: getattr(self, name) for name in names}

    def lines(self) -> Iterator[str]:
        """What a person wants to know."""
        if self.made:
            yield from self._findings()
        yield from self.failed

    @property
    def made(self) -> bool:
        """Whether every step has its result; what was made counts also when it could not be deployed."""
        return all(step["state"] in GOOD for step in self.steps)

    def _findings(self) -> Iterator[str]:
        reused = f" ({len(self.cached)} of {len(self.steps)} steps were cached)" if self.cached else ""
        yield f"{self.recipe}: done in {seconds_text(self.took_s)}{reused}"
        if self.metrics:
            yield ("test" + (f" (packaged, {self.variant})" if self.trained_metrics else "")) + f": {_listed(self.metrics)}"
        if self.trained_metrics:
            yield f"test (as trained): {_listed(self.trained_metrics)}"
        if self.report:
            yield f"report: {self.report}"
        if self.bundle:
            yield f"bundle: sha256:{self.bundle}"
        if self.endpoint:
            yield f"endpoint: {self.endpoint}"
        elif self.deployed:
            yield f"endpoint `{self.deployed}` is ready to serve it: start with `datahall up`"


@contextlib.contextmanager
def a_platform(home: Home) -> Iterator[Client]:
    """A client of the running platform; when none runs, of one that lives in this process as long as the block."""
    if home.in_use() or os.environ.get("DATAHALL_URL"):
        with contextlib.closing(connect(home)) as client:
            yield client
        return
    from datahall.interfaces.server import embedded, log_to

    log_to(home, console=False)
    with embedded(home), contextlib.closing(local(home)) as client:
        try:
            yield client
        except KeyboardInterrupt:
            say("stopping …")
            raise


def run_recipe(path: Path, *, quiet: bool = False) -> RecipeResult:
    """Run a recipe to its end. Raises Missing, Refused with every problem of the file, Conflict, Unavailable."""
    recipe = document.load(path, Recipe)
    home = Home.from_environment()
    home.prepare()
    stays_up = home.in_use()
    began = time.monotonic()
    with a_platform(home) as client:
        shared = os.environ.get("DATAHALL_SHARED")
        body = {
            "recipe": recipe.model_dump(mode="json"),
            "folder": str(path.resolve().parent),
            "file": str(path),
            "shared": str(Path(shared).expanduser().absolute()) if shared else "",
        }
        workflow = client.post("/v1/workflows", body)
        workflow = _watch(client, workflow, quiet=quiet)
        result = _result(recipe, workflow, time.monotonic() - began)
        if result.made:
            _add_findings(client, home, recipe, workflow, result)
            _add_deployment(client, recipe, workflow, result, stays_up=stays_up)
        else:
            result.failed += _reasons(client, workflow)
    return result


def _add_deployment(client: Client, recipe: Recipe, workflow: dict[str, Any], result: RecipeResult, *, stays_up: bool) -> None:
    """Where it is served, or why it is not, and then the run has not succeeded."""
    if recipe.deploy is None:
        return
    deadline = time.monotonic() + DEPLOY_S
    while not (workflow["deployed_s"] or workflow["deploy_error"]) and time.monotonic() < deadline:
        time.sleep(POLL_S)  # it is deployed right after its last step has ended
        workflow = client.get(f"/v1/workflows/{workflow['id']}")
    if workflow["deployed_s"]:
        result.deployed = recipe.deploy.endpoint
        result.endpoint = f"{client.url}/predict/{result.deployed}" if stays_up else ""
        return
    late = Problem(
        "FLOW-004",
        f"workflow {workflow['id']}",
        f"not deployed within {DEPLOY_S:g} s",
        "`datahall doctor` says what keeps the platform",
    )
    problem = Problem(**workflow["deploy_error"]) if workflow["deploy_error"] else late
    result.succeeded = False
    result.failed.append(f"the model is made, but not served. {problem}")


def _watch(client: Client, workflow: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """Wait for all steps, showing each with its latest figures. Ctrl-C leaves the jobs running on a platform of their own."""
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(20),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=err, disable=quiet or not err.is_terminal) as progress:
        bars = {step["name"]: progress.add_task(step["name"], total=1, note="", start=False) for step in workflow["steps"]}
        seen: dict[str, str] = {}
        while True:
            for step in workflow["steps"]:
                _show(client, progress, bars[step["name"]], step)
                if not quiet and not err.is_terminal and seen.get(step["name"]) != step["state"]:
                    say(f"{step['name']}: {step['state']}")
                seen[step["name"]] = step["state"]
            if all(step["state"] in OVER for step in workflow["steps"]):
                return workflow
            time.sleep(POLL_S)
            workflow = client.get(f"/v1/workflows/{workflow['id']}")


def _show(client: Client, progress: Progress, bar: TaskID, step: dict[str, Any]) -> None:
    if progress.disable:
        return
    state = step["state"]
    if state in ("starting", "running"):
        progress.start_task(bar)
        progress.update(bar, note=_latest_figures(client, step["job"]), total=None)
    elif state in OVER:
        note = step["reason"] or state
        progress.update(bar, total=1, completed=1 if state in GOOD else 0, note=note)
        progress.stop_task(bar)


def _latest_figures(client: Client, job: int) -> str:
    try:
        lines = client.call("GET", f"/v1/jobs/{job}/metrics").text.splitlines()
    except RemoteError:
        return ""
    if not lines:
        return ""
    values = json.loads(lines[-1])["values"]
    return ", ".join(f"{name} {value:.4g}" for name, value in list(values.items())[:3] if isinstance(value, int | float))


def _result(recipe: Recipe, workflow: dict[str, Any], took_s: float) -> RecipeResult:
    good = all(step["state"] in GOOD for step in workflow["steps"])
    return RecipeResult(
        recipe=recipe.name,
        workflow=workflow["id"],
        succeeded=good,
        took_s=took_s,
        cached=[step["name"] for step in workflow["steps"] if step["state"] == "cached"],
        failed=[],
        steps=workflow["steps"],
    )


def _reasons(client: Client, workflow: dict[str, Any]) -> list[str]:
    """For each step that failed, its reason and its last words."""
    lines = []
    for step in workflow["steps"]:
        if step["state"] != "failed":
            continue
        text = client.call("GET", f"/v1/jobs/{step['job']}/logs", params={"offset": -3000}).text.strip()
        said = text.splitlines()[-8:] or [step["reason"]]
        lines += [f"step {step['name']} failed ({step['reason']}):", *(f"  {line}" for line in said)]
        lines.append(f"  the whole log: datahall logs {step['job']}")
    return lines


def _add_findings(client: Client, home: Home, recipe: Recipe, workflow: dict[str, Any], result: RecipeResult) -> None:
    digests = {step["name"]: step["digest"] for step in workflow["steps"]}
    shown = digests.get("package") or digests.get("evaluate")
    evaluation = _file(client, digests["evaluate"], "evaluation.json")
    if evaluation is not None:
        result.metrics = headline(json.loads(evaluation))
    if digests.get("package"):
        bundle = json.loads(_file(client, digests["package"], "bundle.json") or b"{}")
        result.variant, packaged = str(bundle.get("variant", "")), headline(bundle)
        if result.variant != "float32" and packaged:
            result.metrics, result.trained_metrics = packaged, result.metrics
    report = _file(client, shown, "report.html")
    if report is not None:
        target = home.root / "reports" / f"{recipe.name}.html"
        files.write_bytes(target, report)
        result.report = str(target)
    result.bundle = digests.get("package") or ""


def _file(client: Client, digest: str | None, path: str) -> bytes | None:
    if digest is None:
        return None
    return client.call("GET", "/v1/artifacts/file", params={"reference": f"sha256:{digest}", "path": path}).content


def headline(evaluation: dict[str, Any]) -> dict[str, float]:
    """The few figures that say how good a model is."""
    names = ("accuracy", "f1_macro", "log_loss")
    flat = {**evaluation, **evaluation.get("metrics", {})}
    return {name: float(flat[name]) for name in names if isinstance(flat.get(name), int | float)}


def _listed(metrics: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())


def wait_until_served(client: Client, endpoint: str, *, version_of: str | None = None) -> dict[str, Any]:
    """The endpoint once a replica answers. Raises Late with what keeps it."""
    deadline = time.monotonic() + SERVE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(RemoteError):
            client.call("GET", f"/v2/models/{endpoint}/ready")
            found: dict[str, Any] = client.get(f"/v1/endpoints/{endpoint}")
            served = {row["bundle"] for row in found["versions"]}
            if version_of is None or version_of in served:
                return found
        time.sleep(POLL_S)
    raise Late(
        Problem("SERVE-040", f"endpoint {endpoint}", f"no replica answered in {SERVE_S:g} s", "see `datahall endpoints`")
    )

"""Takes in the steps of recipes: parameters from `step.json`, `metrics.jsonl` as it grows, results when the step has ended.

One run for each workflow: its steps log into it one after another, so that a row of the runs list is a recipe with its
parameters, curves and scores. A step without a workflow gets a run of its own.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from datahall import __version__
from datahall.models.ports import About, Point, Tracker
from datahall.models.tracking.job_folder import Attempt, Job, read_json
from datahall.models.tracking.names import flattened, run_key
from datahall.models.tracking.offsets import Offsets

CHUNK_BYTES = 4 * 1024 * 1024
ATTACHED_BYTES = 32 * 1024 * 1024
ATTACHED = ("report.html", "evaluation.json", "training.json", "compression.json")
PACKAGE = "package"
"""Packs the results of the steps before it, which have told them already."""
NOT_PARAMETERS = ("folder", "recipe", "name", "description")


def is_step(job: Job) -> bool:
    return (job.work / "step.json").is_file()


def take_step(job: Job, attempt: Attempt, tracker: Tracker, offsets: Offsets) -> None:
    """Take in what is new. `attempt` was read before: what it left at its end is complete by now."""
    state = offsets.load(f"job-{job.id}")
    step = read_json(job.work / "step.json")
    config = step.get("config") or {}
    run = state.get("run") or _begin(job, attempt, str(step.get("step")), config, tracker)
    if state.get("attempt") != attempt.number:
        tracker.set_status(run, "RUNNING", attempt.started_ms)
    state |= {"run": run, "attempt": attempt.number}
    offsets.save(f"job-{job.id}", state)
    for points, place in _new_points(job.work / "metrics.jsonl", state.get("metrics") or {}):
        tracker.log(run, points=points)
        state["metrics"] = place
        offsets.save(f"job-{job.id}", state)
    if attempt.is_over:
        if attempt.status == "FINISHED":
            _take_results(job, str(step.get("step")), attempt, run, tracker)
        tracker.set_status(run, attempt.status, attempt.at_ms)
        offsets.save(f"job-{job.id}", state | {"done": attempt.number})


def _begin(job: Job, attempt: Attempt, step: str, config: dict[str, Any], tracker: Tracker) -> str:
    recipe = str(config.get("recipe") or job.name)
    tags = job.tags | {"datahall.recipe": recipe}
    key = run_key(job.tenant, job.workflow, job.id)
    run = tracker.run(About(key, job.tenant, recipe, f"{recipe}-{(job.workflow or job.id)[:8]}", attempt.started_ms, tags))
    tags = {f"datahall.job.{step}": job.id, "datahall.version": __version__}
    tracker.log(run, params=parameters(config), tags=tags)
    return run


def parameters(config: Mapping[str, Any]) -> dict[str, str]:
    """A step's or a whole recipe's settings under the names that they have in the recipe."""
    named = {"data.augment" if name == "augment" else name: value for name, value in config.items()}
    return {name: value for name, value in flattened(named) if name not in NOT_PARAMETERS}


def _new_points(path: Path, place: dict[str, int]) -> Iterator[tuple[list[Point], dict[str, int]]]:
    """Points of the complete lines after `place`, some at a time, and the place after them."""
    try:
        file = path.open("rb")
    except OSError:
        return
    with file:
        status = path.stat()
        same = place.get("inode") == status.st_ino and place.get("offset", 0) <= status.st_size
        offset = place.get("offset", 0) if same else 0
        while True:
            file.seek(offset)
            chunk = file.read(CHUNK_BYTES)
            whole = chunk[: chunk.rfind(b"\n") + 1]
            if not whole and len(chunk) == CHUNK_BYTES:
                whole = chunk  # a line longer than the chunk is no metric
            if not whole:
                return
            offset += len(whole)
            yield [point for line in whole.splitlines() for point in _points(line)], {"inode": status.st_ino, "offset": offset}


def _points(line: bytes) -> Iterator[Point]:
    """The values of one line; none of a line that is not what it should be."""
    try:
        data = json.loads(line)
        step, at_ms = int(data["step"]), int(float(data["at_s"]) * 1000)
        values = {str(name): float(value) for name, value in data["values"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return
    yield from (Point(name, value, step, at_ms) for name, value in values.items())


def _take_results(job: Job, step: str, attempt: Attempt, run: str, tracker: Tracker) -> None:
    outputs = job.work / "outputs"
    if step != PACKAGE:
        tracker.log(run, points=[Point(f"{step}/{name}", value, 0, attempt.at_ms) for name, value in results(outputs)])
    for name in ATTACHED:
        path = outputs / name
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= ATTACHED_BYTES:
            tracker.attach(run, path, name)


def results(outputs: Path) -> Iterator[tuple[str, float]]:
    """Final figures of a step: scores, seconds and sizes, each with its name."""
    for name, value in (read_json(outputs / "evaluation.json").get("metrics") or {}).items():
        if _is_number(value):
            yield name, float(value)
    for name, value in read_json(outputs / "training.json").items():
        if _is_number(value) and name != "seed":
            yield name, float(value)
    compression = read_json(outputs / "compression.json")
    for variant in compression.get("variants") or ():
        for name, value in variant.items():
            if _is_number(value):
                yield f"{variant.get('name')}/{name}", float(value)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

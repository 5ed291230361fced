"""What was measured, by platform: rows of a user's own file, and jobs that said what they trained."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from datahall.foundation.errors import DatahallError, Problem, Refused
from datahall.models.parallel.step import step_of
from datahall.planner.calibration.fit import Measured
from datahall.planner.validation.cells import placed
from datahall.planner.validation.tables import read_rows
from datahall.planner.validation.training import measured_of
from datahall.planner.validation.training_rows import Case, case_of
from datahall.planner.work import Clusters, prepared
from datahall.platform.spec import JobSpec

MAX_ROWS = 500
"""Of one platform: more would take minutes and move nothing."""
LEAST_STEPS = 20
RANKS = re.compile(r"\b(tensor|pipeline|chunks|context|expert|data|micro_batch|zero)=")
NEEDED = "columns of a training table (see docs/training.md) with iter_time_s"


@dataclass(slots=True)
class Platforms:
    """Measured steps by accelerator and stack, and what was left out, with the reason."""

    rows: dict[tuple[str, str], list[Measured]] = field(default_factory=lambda: defaultdict(list))
    skipped: list[str] = field(default_factory=list)

    def add(self, measured: Measured, stack: str) -> None:
        """Raises Missing or Refused where it cannot be predicted."""
        step_of(measured.architecture, measured.plan, measured.cluster, measured.stack)
        held = self.rows[measured.cluster.device.name, stack]
        if len(held) < MAX_ROWS:
            held.append(measured)
        else:
            self.skipped.append(f"{measured.name}: more than {MAX_ROWS} rows of one platform")


def from_file(path: Path) -> Platforms:
    """Rows of a CSV file. Raises Missing or Refused when it cannot be read, or holds no row that can be used (CAL-001)."""
    _, rows = read_rows(path)
    found = Platforms()
    for row in rows:
        _add_row(found, row)
    if not found.rows:
        reasons = "; ".join(found.skipped[:3]) or "it is empty"
        raise Refused(Problem("CAL-001", str(path), f"no row can be used: {reasons}", f"give {NEEDED}"))
    return found


def _add_row(found: Platforms, row: Mapping[str, Any]) -> None:
    case, (seconds, wrong) = case_of(row), measured_of(row)
    if isinstance(case, str) or wrong or seconds is None or case.cluster is None or case.contradiction or _guessed(case):
        why = case if isinstance(case, str) else wrong or case.no_machine or case.contradiction or _guessed(case)
        why = why or "no iter_time_s"
        found.skipped.append(why if isinstance(case, str) else placed(row, why))
        return
    name = placed(row, case.architecture.name)
    measured = Measured(name, case.architecture, case.plan, case.cluster, case.stack, seconds)
    try:
        found.add(measured, case.software.named.name)
    except DatahallError as error:
        found.skipped.append(placed(row, error.problems[0].what))


def _guessed(case: Case) -> str:
    """What of the ranks the row leaves open: a choice of ours says nothing of the platform."""
    text = next((text for text in case.assumed if "the search's choice" in text and RANKS.search(text)), "")
    return f"its ranks are {text}" if text else ""


def from_jobs(jobs: Iterable[Mapping[str, Any]], clusters: Clusters) -> Platforms:
    """Jobs that succeeded and say what they trained, each as `GET /v1/jobs/N` tells it.

    A job's time holds its start and its last checkpoint too; with fewer than LEAST_STEPS steps that would be told as slow
    steps, and the job is left out. So is one with several attempts: the last went on from a checkpoint.
    """
    found = Platforms()
    for job in jobs:
        try:
            _add_job(found, job, clusters)
        except DatahallError as error:
            found.skipped.append(f"job {job.get('id')}: {error.problems[0].what}")
        except ValidationError as error:
            found.skipped.append(f"job {job.get('id')}: {error.errors()[0]['msg']}")
    return found


def _add_job(found: Platforms, job: Mapping[str, Any], clusters: Clusters) -> None:
    spec, name = JobSpec.model_validate(job["spec"]), f"job {job['id']}"
    accelerators = spec.workers * spec.accelerators
    if spec.work is None or not accelerators:
        return
    attempt, *others = job["attempts"]
    if others or attempt["running_s"] is None or attempt["ended_s"] is None:
        found.skipped.append(f"{name}: it took several attempts, or did not run to its end")
        return
    if spec.work.steps < LEAST_STEPS:
        found.skipped.append(f"{name}: {spec.work.steps:.3g} steps, at least {LEAST_STEPS} tell a step from a start")
        return
    made = prepared(spec.work, accelerators, clusters, where=name)
    seconds = (attempt["ended_s"] - attempt["running_s"]) / made.steps
    found.add(Measured(name, made.architecture, made.plan, made.cluster, made.stack, seconds), made.stack_name)


def merged(parts: Sequence[Platforms]) -> Platforms:
    """All of them together."""
    whole = Platforms()
    for part in parts:
        for key, rows in part.rows.items():
            whole.rows[key] += rows
        whole.skipped += part.skipped
    return whole

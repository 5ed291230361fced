"""What can be learned from: jobs that said what they trained."""

from typing import Any

import pytest

from datahall.models.parallel.communication import Cluster, cluster_of
from datahall.models.parallel.step import step_of
from datahall.planner.calibration.fit import fit
from datahall.planner.calibration.rows import from_jobs, merged
from datahall.planner.work import prepared
from datahall.platform.spec import JobSpec
from datahall.platform.work import TrainingWork

STEPS = 200
WORK = {"model": "llama2-7b", "tokens": 4096 * 256 * STEPS, "sequence": 4096, "global_batch": 256, "plan": {"tensor": 4}}


def clusters(name: str) -> Cluster:
    return cluster_of(name or "A100-SXM4-80GB", nic_bytes_per_s=25e9)


def job(number: int = 1, *, slower: float = 1.0, workers: int = 8, **changes: Any) -> dict[str, Any]:
    """A job as the platform tells it, that took `slower` times as long as predicted."""
    work = TrainingWork.model_validate(WORK | changes)
    spec = JobSpec(command=("train",), workers=workers, accelerators=8, work=work)
    made = prepared(work, workers * 8, clusters)
    seconds = slower * work.steps * step_of(made.architecture, made.plan, made.cluster, made.stack).seconds
    attempt = {"running_s": 1000.0, "ended_s": 1000.0 + seconds}
    return {"id": number, "spec": spec.model_dump(mode="json"), "attempts": [attempt]}


def test_jobs_correct_the_platform() -> None:
    """Given three jobs 1.4 times slower than predicted, the correction is found from their times alone."""
    found = from_jobs([job(n, slower=1.4, workers=workers) for n, workers in enumerate((2, 4, 8))], clusters)
    ((accelerator, stack), rows), *others = found.rows.items()
    assert (accelerator, stack, len(rows), others) == ("A100-SXM4-80GB", "megatron-core", 3, [])
    assert fit(rows).compute_ratio == pytest.approx(1.4, rel=0.1)


def test_jobs_that_tell_nothing_are_left_out_with_a_reason() -> None:
    """Given few steps, several attempts, no end or no such model, nothing is learned, and why is said; no work is no matter."""
    again, unfinished, plain = job(2), job(3), job(4)
    again["attempts"] *= 2
    unfinished["attempts"][0]["ended_s"] = None
    plain["spec"] = JobSpec(command=("true",), accelerators=8).model_dump(mode="json")
    unknown = job(5)
    unknown["spec"]["work"]["model"] = "llama33"
    found = from_jobs([job(1, tokens=4096 * 256 * 3), again, unfinished, plain, unknown], clusters)
    assert not found.rows
    assert [text.partition(":")[0] for text in found.skipped] == ["job 1", "job 2", "job 3", "job 5"]
    assert "3 steps" in found.skipped[0] and "several attempts" in found.skipped[1] and "llama33" in found.skipped[3]


def test_parts_are_merged_by_platform() -> None:
    """Given rows of one platform from two places, they stand together."""
    whole = merged([from_jobs([job(1)], clusters), from_jobs([job(2)], clusters)])
    assert [len(rows) for rows in whole.rows.values()] == [2]

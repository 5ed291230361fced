"""Jobs that say what they train."""

import pytest
from pydantic import ValidationError

from datahall.platform.spec import JobSpec
from datahall.platform.work import TrainingWork

WORK = {"model": "llama3-8b", "tokens": 8192 * 64 * 10, "sequence": 8192, "global_batch": 64}


def test_steps_follow_from_tokens() -> None:
    """Given ten batches of tokens, there are ten steps."""
    assert TrainingWork(**WORK).steps == 10


def test_a_job_keeps_its_work_through_json() -> None:
    """Given a job with work, what the store keeps reads back as the same."""
    job = JobSpec(command=("train",), work=TrainingWork(**WORK, plan={"tensor": 8, "recompute": "full"}))
    assert JobSpec.model_validate_json(job.model_dump_json(exclude_defaults=True)) == job


@pytest.mark.parametrize("change", [{"tokens": 0}, {"sequence": 0}, {"global_batch": -1}, {"model": ""}, {"plan": {"../x": 1}}])
def test_impossible_work_is_refused(change: dict[str, object]) -> None:
    """Given no tokens, no sequence, no batch, no model or a field that is no name, the job is refused."""
    with pytest.raises(ValidationError):
        TrainingWork.model_validate(WORK | change)

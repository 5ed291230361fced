"""What a job will take, before it starts."""

import pytest

from datahall.foundation.errors import Missing, Refused
from datahall.models.parallel.communication import Cluster, cluster_of
from datahall.models.parallel.correction import Correction
from datahall.models.parallel.stacks import DEFAULT
from datahall.planner.calibration.store import Corrections
from datahall.planner.estimator import PlannedEstimator
from datahall.platform.ports import Estimator
from datahall.platform.spec import JobSpec
from datahall.platform.work import TrainingWork

ACCELERATOR = "H100 80GB HBM3"
WORK = {"model": "llama3-8b", "tokens": 8192 * 128 * 1000, "sequence": 8192, "global_batch": 128}


def clusters(name: str) -> Cluster:
    return cluster_of(name or ACCELERATOR, nic_bytes_per_s=50e9)


def job(workers: int = 8, **work: object) -> JobSpec:
    return JobSpec(command=("train",), workers=workers, accelerators=8, work=TrainingWork.model_validate(WORK | work))


def test_a_known_model_is_predicted() -> None:
    """Given a thousand steps of an 8B model, its time lies within its interval, and it takes energy and memory."""
    estimator: Estimator = PlannedEstimator(clusters)
    found = estimator.estimate(job(plan={"tensor": 2, "zero": 1}))
    assert found is not None
    assert found.low_s < found.duration_s < found.high_s
    assert found.energy_j is not None and 0 < found.energy_j < 64 * 700 * found.duration_s
    assert found.memory_bytes is not None and 8e9 < found.memory_bytes < 200e9
    assert DEFAULT in found.source


def test_twice_the_tokens_take_twice_as_long() -> None:
    """Given twice the tokens, duration and energy double, memory stays."""
    estimator = PlannedEstimator(clusters)
    once, twice = estimator.estimate(job()), estimator.estimate(job(tokens=2 * 8192 * 128 * 1000))
    assert once is not None and twice is not None
    assert twice.duration_s == pytest.approx(2 * once.duration_s)
    assert twice.energy_j == pytest.approx(2 * (once.energy_j or 0))
    assert twice.memory_bytes == once.memory_bytes


def test_a_correction_is_used_and_said() -> None:
    """Given measured rows that were 1.5 times slower, the job is predicted slower, and the source says by how many rows."""
    slower = Correction(
        accelerator=ACCELERATOR, stack=DEFAULT, compute_ratio=1.5, exchange_ratio=1.5, spread=0.05, rows=7,
        before_ratio=0.3, after_ratio=0.02,
    )  # fmt: skip
    plain = PlannedEstimator(clusters).estimate(job())
    found = PlannedEstimator(clusters, Corrections(corrections=(slower,))).estimate(job())
    assert plain is not None and found is not None
    assert 1.4 < found.duration_s / plain.duration_s < 1.5
    assert "7 measured rows" in found.source
    assert found.high_s / found.low_s < plain.high_s / plain.low_s


def test_what_is_not_known_is_not_guessed() -> None:
    """Given no work, no accelerators, or a model that nobody knows, there is no estimate; asked why, the reason is told."""
    estimator = PlannedEstimator(clusters)
    assert estimator.estimate(JobSpec(command=("train",), accelerators=8)) is None
    assert estimator.estimate(JobSpec(command=("train",), work=TrainingWork.model_validate(WORK))) is None
    unknown = job(model="llama33-8b")
    assert estimator.estimate(unknown) is None
    with pytest.raises(Missing, match="llama33-8b"):
        estimator.explain(unknown)


@pytest.mark.parametrize(
    ("plan", "word"),
    [({"tensor": 5}, "tensor"), ({"tensors": 4}, "tensors"), ({"sequence": 4096}, "sequence"), ({"data": 3}, "data")],
)
def test_an_impossible_plan_is_told(plan: dict[str, int], word: str) -> None:
    """Given ranks that do not divide, an unknown field, or one said twice, the field is named."""
    with pytest.raises(Refused, match=word):
        PlannedEstimator(clusters).explain(job(plan=plan))


def test_a_queue_of_like_jobs_is_answered_once() -> None:
    """Given ten thousand jobs of ten kinds, the answers are kept: the work is done ten times."""
    asked: list[str] = []

    def counted(name: str) -> Cluster:
        asked.append(name)
        return clusters(name)

    estimator = PlannedEstimator(counted)
    for n in range(10_000):
        assert estimator.estimate(job(tokens=8192 * 128 * (1 + n % 10))) is not None
    assert len(asked) == 10

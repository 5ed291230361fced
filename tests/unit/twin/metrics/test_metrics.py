"""Figures of schedules that are small enough for paper."""

import csv

import numpy as np
import pytest
from tests.unit.twin.metrics.schedules import ms, trace_of

from datahall.foundation.errors import Refused
from datahall.twin.metrics import CapacityOverTime, Cut, Pieces, Schedule, Steps, metrics_of


@pytest.fixture
def three():
    """4 accelerators. a holds 4 from 0 to 100, b holds 2 from 100 to 120, c holds 2 from 100 to 105: waits 0, 90 and 80 s."""
    trace = trace_of([0, 10, 20], [100, 20, 5], [4, 2, 2], user=[0, 1, 1], names=["x", "y"], cores=1)
    return Schedule.of(trace, ms(0, 100, 100), ms(100, 120, 105))


def test_jobs(three):
    """Given waits of 0, 90 and 80 s, mean, percentiles and slowdowns (the short job bounded at 10 s) are those of paper."""
    found = metrics_of(three)
    assert found.wait_s.mean == pytest.approx(170 / 3) and found.wait_s.p50 == 80 and found.wait_s.p95 == pytest.approx(89)
    assert found.completion_s.mean == pytest.approx((100 + 110 + 85) / 3)
    assert found.slowdown.mean == pytest.approx((1 + 110 / 20 + 85 / 10) / 3) and found.slowdown.max == 8.5
    assert (found.makespan_s, found.jobs, found.started, found.done, found.attempts) == (120, 3, 3, 3, 3)


def test_over_time(three):
    """Given 450 of 480 accelerator seconds held, allocation is 450/480; the queue is 2 for 80 s, 1 for 10 s of 120 s."""
    found = metrics_of(three, capacity=CapacityOverTime.fixed(accelerators=4, cores=2))
    assert found.accelerators.allocation_ratio == pytest.approx(450 / 480)
    assert found.accelerators.utilisation_ratio is None
    assert found.cores.held_hours == pytest.approx(125 / 3600) and found.cores.allocation_ratio == pytest.approx(125 / 240)
    assert found.queue_mean == pytest.approx((2 * 80 + 10) / 120) and found.queue_max == 2 and found.queue_p95 == 2


def test_capacity_that_changes(three):
    """Given 2 of the 4 accelerators down from 105 s on, the capacity is 4 x 105 + 2 x 15 accelerator seconds."""
    gpu = Steps(ms(0, 105), np.array([4000, 2000]))
    found = metrics_of(three, capacity=CapacityOverTime(gpu, Steps.constant(0)))
    assert found.accelerators.allocation_ratio == 1.0 and found.accelerators.capacity_hours == pytest.approx(450 / 3600)


def test_cut(three):
    """Given a cut from 10 to 110 s, the first job is not counted, but what it held within the cut is."""
    found = metrics_of(three, cut=Cut(10_000, 110_000), capacity=CapacityOverTime.fixed(accelerators=4))
    assert found.jobs == 2 and found.wait_s.mean == 85
    assert found.accelerators.held_hours == pytest.approx((90 * 4 + 2 * 10 + 2 * 5) / 3600)
    assert Cut.trimmed(three.trace, warm_up_ratio=0.25, drain_ratio=0.25) == Cut(5_000, 15_001)
    with pytest.raises(Refused, match="TWIN-072"):
        Cut.trimmed(three.trace, warm_up_ratio=0.5, drain_ratio=0.5)


def test_attempts():
    """Given a job interrupted after 60 s whose checkpoint was at 40 s, and run again for 60 s, 20 of 120 s are lost."""
    trace = trace_of([0], [100], [2])
    schedule = Schedule(trace, np.array([0, 0]), ms(90, 10), ms(150, 70), np.array([True, False]), kept_ms=ms(60, 40))
    found = metrics_of(schedule)
    assert (found.attempts, found.wait_s.mean, found.completion_s.mean) == (2, 10, 150)
    assert found.goodput_ratio == pytest.approx(100 / 120) and found.lost_hours == pytest.approx(2 * 20 / 3600)
    assert found.queue_mean == pytest.approx((10 + 20) / 150)  # it waits again from 70 to 90 s
    blind = metrics_of(Schedule(trace, schedule.job, schedule.start_ms, schedule.end_ms, schedule.finished))
    assert blind.goodput_ratio == 0.5


def test_busy_and_fragmentation(three):
    """Given how busy each attempt kept what it held, utilisation is below allocation; fragmentation is a mean over time."""
    schedule = Schedule(
        three.trace, three.job, three.start_ms, three.end_ms, three.finished, busy_ratio=np.array([0.5, 1.0, 0.0]),
        fragmentation_ratio=Steps(ms(0, 60), np.array([0.0, 0.5])),
    )  # fmt: skip
    found = metrics_of(schedule, capacity=CapacityOverTime.fixed(accelerators=4))
    assert found.accelerators.utilisation_ratio == pytest.approx((200 + 40) / 480)
    assert (found.fragmentation_mean_ratio, found.fragmentation_max_ratio) == (0.25, 0.5)
    assert dict(found.rows())["Fragmentation"] == "mean 25.0%, at most 50.0% of what is free"


def test_what_never_ran():
    """Given a job that never started and one that still runs, they are told, and their times are in no mean."""
    trace = trace_of([0, 0, 0], [10, 10, 10], [1, 1, 1])
    found = metrics_of(Schedule.of(trace, ms(0, 5, -0.001), ms(10, -0.001, -0.001)))
    assert (found.jobs, found.started, found.done) == (3, 2, 1) and found.completion_s.mean == 10
    assert len(found.notes) == 2 and "1 jobs never started" in found.notes[0]


def test_classes(three):
    """Given two users and two sizes, each has its own row; percentiles are NumPy's."""
    found = metrics_of(three)
    assert found.by["user"]["y"].jobs == 2 and found.by["user"]["y"].wait_s.p95 == pytest.approx(np.percentile([90, 80], 95))
    assert set(found.by["size"]) == {"2-8"} and "queue" not in found.by
    assert found.as_dict()["by"]["user"]["x"]["wait_s"]["mean"] == 0


def test_many_tenants():
    """Given 1,001 users, the thousand with the most jobs are listed, and that is said."""
    users = [*range(1001), *range(1000)]
    trace = trace_of([0] * 2001, [1] * 2001, 1, user=users, names=[f"u{user}" for user in range(1001)])
    found = metrics_of(Schedule.of(trace, trace.submit_ms, trace.submit_ms + 1000))
    assert len(found.by["user"]) == 1000 and "u1000" not in found.by["user"]
    assert found.notes == ("by user: only the 1000 with the most jobs are listed",)


@pytest.mark.parametrize(
    ("size", "name"),
    [(0, "0"), (1, "1"), (2, "2-8"), (8, "2-8"), (9, "9-64"), (64, "9-64"), (65, "65-512"), (4097, "above 4096")],
)
def test_sizes(size, name):
    """Given jobs at the edges of the classes, each is in its own; cores count only where no job has accelerators."""
    trace = trace_of([0, 0], [1, 1], [size, 1], cores=3)
    found = metrics_of(Schedule.of(trace, ms(0, 0), ms(1, 1))).by["size"]
    assert sum(each.jobs for each in found.values()) == 2 and set(found) == {name, "1"}


def test_cores_count_where_there_are_no_accelerators():
    """Given jobs of 3 cores and no accelerator, cores are the measure of size, service and loss."""
    found = metrics_of(Schedule(trace_of([0], [10], 0, cores=3), np.array([0]), ms(0), ms(10), np.array([False])))
    assert set(found.by["size"]) == {"2-8"} and found.lost_hours == pytest.approx(30 / 3600)


def test_kept_is_no_more_than_was_done():
    """Given a checkpoint that claims more than the attempt ran, or less than nothing, goodput stays between 0 and 1."""
    trace = trace_of([0], [100], [1])
    for kept, goodput in ((ms(1000), 1.0), (ms(-5), 0.0)):
        schedule = Schedule(trace, np.array([0]), ms(0), ms(50), np.array([False]), kept_ms=kept)
        assert metrics_of(schedule).goodput_ratio == goodput


def test_empty():
    """Given no jobs at all, everything is 0 and said to be."""
    found = metrics_of(Schedule.of(trace_of([], [], []), ms(), ms()))
    assert found.jobs == 0 and found.makespan_s == 0 and found.rows() and "no job" in found.notes[0]


def test_csv(three, tmp_path):
    """Given a schedule with places, each attempt has its start, end and machines; a job that never started has blanks."""
    trace = trace_of([0, 1], [10, 10], [1, 1], workers=[2, 1])
    pieces = Pieces(np.array([0, 0, 1]), np.array([3, 5, 4]), np.array([1, 1, 2]))
    schedule = Schedule(trace, np.array([0, 0]), ms(0, 9), ms(5, 19), np.array([False, True]), pieces=pieces)
    schedule.write_schedule(tmp_path / "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert [(row["job_id"], row["attempt"], row["start_ms"], row["end_ms"], row["nodes"]) for row in rows] == [
        ("1", "1", "0", "5000", "3;5"), ("1", "2", "9000", "19000", "4;4"), ("2", "0", "", "", ""),
    ]  # fmt: skip


@pytest.mark.parametrize("job", [[0, 3], [-1, 0]])
def test_rows_that_are_not_there(three, job):
    """Given an attempt at a job beyond the trace, the schedule is refused."""
    with pytest.raises(Refused, match="TWIN-071"):
        Schedule(three.trace, np.array(job), ms(0, 0), ms(1, 1), np.array([True, True]))


def test_columns_of_other_lengths(three):
    """Given fewer ends than starts, the schedule is refused."""
    with pytest.raises(Refused, match="2, 3 rows"):
        Schedule.of(three.trace, ms(0, 0, 0), ms(1, 1))

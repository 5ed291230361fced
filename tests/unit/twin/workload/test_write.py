"""A trace that is written and read again is the same."""

import numpy as np
import pytest

from datahall.twin.workload import read_trace
from datahall.twin.workload.arrivals import Arrivals
from datahall.twin.workload.generate import generated
from datahall.twin.workload.mix import llm_mix
from datahall.twin.workload.trace import COLUMNS
from datahall.twin.workload.write import write_trace

COMMON = """job_id,submit_time,duration,num_gpus,num_cpus,mem_mb,user,vc,group,status,req_time,gpu_milli,deferrable,deadline
a,0,60.5,12,48,1200,"ada, l",prod,g,completed,120,,true,99.001
ü,1,30,1,4,100,bob,,,failed,,250,no,
c,2.25,1e3,0,2.5,,ada,dev,,timeout,,,,
"""


def assert_same(one, two):
    for name in COLUMNS:
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
    assert (one.user_names, one.queue_names, one.group_names) == (two.user_names, two.queue_names, two.group_names)


def test_what_was_read_survives(tmp_path):
    """Given users with commas, umlauts, shares, deadlines and blanks, all columns come back as they were."""
    (tmp_path / "a.csv").write_text(COMMON, encoding="utf-8")
    trace = read_trace(tmp_path / "a.csv")
    write_trace(trace, tmp_path / "b.csv")
    assert_same(trace, read_trace(tmp_path / "b.csv"))


def test_what_was_made_up_survives(tmp_path):
    """Given a thousand generated jobs of many workers, all columns come back as they were."""
    trace = generated(Arrivals(jobs_per_hour=10), llm_mix(), jobs=1000, seed=3)
    write_trace(trace, tmp_path / "g.csv")
    again = read_trace(tmp_path / "g.csv")
    for name in set(COLUMNS) - {"queue"}:
        assert np.array_equal(getattr(trace, name), getattr(again, name)), name
    assert [trace.queue_names[code] for code in trace.queue] == [again.queue_names[code] for code in again.queue]


def test_uneven_workers_are_told(tmp_path):
    """Given 7 accelerators in 2 workers, or no worker at all, the row is dropped and told."""
    (tmp_path / "a.csv").write_text("submit_time,duration,workers,num_gpus\n0,5,2,7\n1,5,0,8\n2,5,4,8\n3,5,x,8\n")
    trace = read_trace(tmp_path / "a.csv")
    assert (trace.workers.tolist(), trace.accelerators.tolist()) == ([4], [2])
    assert [problem.code for problem in trace.problems] == ["TWIN-007", "TWIN-011", "TWIN-011"]


def test_memory_to_the_byte(tmp_path):
    """Given an odd number of bytes, it is the same afterwards."""
    (tmp_path / "a.swf").write_text("1 0 1 97 3 -1 1234567 3 210 -1 1 3 2 -1 1 -1 -1 -1\n")
    trace = read_trace(tmp_path / "a.swf")
    write_trace(trace, tmp_path / "b.csv")
    assert read_trace(tmp_path / "b.csv").memory_bytes.tolist() == [1_234_567 * 1024]
    with pytest.raises(ValueError, match="read-only"):
        trace.memory_bytes[0] = 0

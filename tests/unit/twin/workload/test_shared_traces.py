"""Real traces: row counts of the reference folder's README, what is dropped, and why."""

import importlib.util

import numpy as np
import pytest
from tests.golden.reference_easy import Jobs, fcfs

from datahall.foundation.errors import Refused, Unavailable
from datahall.twin.workload import Capacity, Options, read_trace
from datahall.twin.workload.nodes import read_nodes

pytestmark = pytest.mark.shared
HAS_PYARROW = importlib.util.find_spec("pyarrow") is not None


@pytest.fixture(scope="module")
def traces(shared):
    return shared / "reference" / "traces"


@pytest.mark.parametrize(
    ("name", "format_name", "rows", "kept"),
    [
        ("kth_sp2.swf.gz", "swf", 28_481, 28_481),
        ("nasa_ipsc_cln.swf.gz", "swf", 18_239, 18_066),
        ("alea_hpc2n.swf", "swf", 3_170, 3_145),
        ("philly_2017-10.csv.gz", "philly", 47_192, 47_192),
        ("muri_trace1.csv", "muri", 1_494, 1_494),
        ("muri_trace3.csv", "muri", 992, 992),
        ("openb_pod_list_default.csv", "openb", 8_152, 8_151),
    ],
)
def test_rows(traces, name, format_name, rows, kept):
    """Given a published trace, its format is told by its head, all rows are counted, and only jobs that never ran go."""
    trace = read_trace(traces / name)
    assert (trace.format, trace.rows_read, len(trace)) == (format_name, rows, kept)
    dropped = {problem.code for problem in trace.problems if problem.code != "TWIN-014"}
    assert dropped == ({"TWIN-010"} if kept < rows else set())
    assert (np.diff(trace.submit_ms) >= 0).all()


def test_kth_is_the_log_of_published_backfill_results(traces):
    """Given KTH-SP2 with the strong filter, all 28,481 jobs pass on 100 processors, every one with an estimate."""
    trace = read_trace(traces / "kth_sp2.swf.gz", options=Options(strong=True, strict=True, capacity=Capacity(cores=100)))
    assert len(trace) == 28_481 and (trace.requested_ms >= trace.duration_ms).all()
    assert trace.origin_s == 843_480_031


def test_kth_first_come_first_served_gives_the_published_slowdown(traces):
    """Given strict first come, first served on 100 processors, the average bounded slowdown is pyss's 6,814.973."""
    trace = read_trace(traces / "kth_sp2.swf.gz", options=Options(strong=True))
    submit, run = trace.submit_ms, trace.duration_ms
    starts = fcfs(Jobs(submit.tolist(), run.tolist(), run.tolist(), trace.workers.tolist()), 100)
    slowdowns = np.maximum((np.array(starts) - submit + run) / np.maximum(run, 10_000), 1)
    assert np.mean(slowdowns) == pytest.approx(6_814.973, abs=1e-3)


def test_philly_october(traces):
    """Given Philly's October, it is out of order, 11 virtual clusters submit, and 12 accelerators are 3 workers of 4."""
    trace = read_trace(traces / "philly_2017-10.csv.gz")
    assert trace.summary().queues == 11
    assert sorted(set(trace.total_accelerators.tolist())) == [1, 2, 4, 8, 12, 16, 24, 32]
    assert "24905 rows mended: out of order, sorted by submission (TWIN-014)" in trace.notes
    with pytest.raises(Refused, match="24885 more rows are bad"):
        read_trace(traces / "philly_2017-10.csv.gz", options=Options(strict=True))


def test_openb_pods_and_nodes(traces):
    """Given openb for placement, all 8,152 pods are kept, and the nodes have 6,212 accelerators."""
    pods = read_trace(traces / "openb_pod_list_default.csv", options=Options(keep_unrun=True))
    assert len(pods) == 8_152 and int((pods.gpu_milli >= 0).sum()) == 3_078
    nodes, every = read_nodes(traces / "openb_node_list_gpu_node.csv"), read_nodes(traces / "openb_node_list_all_node.csv")
    assert (len(nodes), int(nodes.accelerators.sum())) == (1_213, 6_212)
    assert len(every) == 1_523 and int((every.model < 0).sum()) == 310 and len(every.model_names) == 7


def test_spot_nodes(traces):
    """Given the spot inventory of 2026, its 4,278 nodes have 10,412 accelerators."""
    nodes = read_nodes(traces / "alibaba_spot2026_nodes.csv")
    assert (len(nodes), int(nodes.accelerators.sum())) == (4_278, 10_412) and int(nodes.memory_bytes.sum()) == 0


@pytest.mark.skipif(not HAS_PYARROW, reason="needs pyarrow, of the extra `trace`")
def test_opendc(traces):
    """Given SURF's half year, 194,917 tasks of 16 cores may wait a day; a table of carbon is no workload."""
    trace = read_trace(traces / "opendc_surf_halfyear_tasks.parquet")
    assert (trace.rows_read, len(trace)) == (194_917, 194_917) and set(trace.cpu_milli.tolist()) == {16_000}
    assert trace.deferrable.all() and set((trace.deadline_ms - trace.submit_ms).tolist()) == {86_400_000}
    assert set(trace.memory_bytes.tolist()) == {100_000 * 10**6}
    with pytest.raises(Refused, match="no OpenDC workload"):
        read_trace(traces / "carbon_NL_2021-2024.parquet")


@pytest.mark.skipif(HAS_PYARROW, reason="pyarrow is here")
def test_opendc_names_what_is_lacking(traces):
    """Given no pyarrow, the extra that brings it is named."""
    with pytest.raises(Unavailable, match=r"pip install 'datahall\[trace\]'"):
        read_trace(traces / "opendc_surf_halfyear_tasks.parquet")

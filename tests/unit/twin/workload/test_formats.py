"""Each format of traces gives the columns that its own words mean."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from datahall.foundation.errors import Missing, Refused
from datahall.twin.workload import STATUSES, Options, read_trace

SWF = """; UnixStartTime: 843480031
; MaxProcs: 100
 1 0 10 97 56 -1 -1 64 210 -1 1 3 2 -1 1 -1 -1 -1
 2 5 0 300 8 -1 2048 -1 200 -1 5 4 2 -1 1 -1 -1 -1
 3 9 0 20 4 -1 -1 4 -1 -1 0 -1 -1 -1 -1 -1 -1 -1
"""
COMMON = """job_id,submit_time,duration,num_gpus,num_cpus,mem_mb,user,vc,status,req_time,gpu_milli,gpu_type
a,0,60.5,12,48,1200,ada,prod,completed,120,,H100
b,1,30,1,4,100,bob,,failed,,250,A10
c,2.25,1e3,0,2,,ada,dev,weird,,,
"""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_swf_counts_processors_as_workers(tmp_path):
    """Given an SWF log, requested processors win over allocated ones, -1 is nothing, and the header gives the origin."""
    trace = read_trace(written(tmp_path, "log.swf", SWF))
    assert trace.format == "swf" and trace.origin_s == 843_480_031
    assert trace.workers.tolist() == [64, 8, 4] and trace.cpu_milli.tolist() == [1000] * 3
    assert trace.requested_ms.tolist() == [210_000, 200_000, -1] and trace.memory_bytes.tolist() == [0, 2048 * 1024, 0]
    assert [STATUSES[code] for code in trace.status] == ["completed", "cancelled", "failed"]
    assert trace.user_names == ("user3", "user4") and trace.user.tolist() == [0, 1, -1]
    assert trace.extra["wait_ms"].tolist() == [10_000, 0, 0]


def test_strong_filter_drops_and_cuts(tmp_path):
    """Given the strong filter, a job without an estimate goes, and a run ends at its estimate; both are counted."""
    trace = read_trace(written(tmp_path, "log.swf", SWF), options=Options(strong=True))
    assert trace.job_id.tolist() == [1, 2] and trace.duration_ms.tolist() == [97_000, 200_000]
    assert "1 rows dropped: without a requested time, by the strong filter (TWIN-015)" in trace.notes
    assert "1 runs cut at their requested time, by the strong filter" in trace.notes


def test_gzip_is_unpacked_and_hashed_as_it_lies(tmp_path):
    """Given a packed log, the jobs are the same, and the hash is that of the packed file."""
    path = tmp_path / "log.swf.gz"
    path.write_bytes(gzip.compress(SWF.encode(), mtime=0))
    plain = read_trace(written(tmp_path, "log.swf", SWF))
    packed = read_trace(path)
    assert packed.submit_ms.tolist() == plain.submit_ms.tolist() and packed.sha256 != plain.sha256


def test_common_form_splits_gangs_and_shares_accelerators(tmp_path):
    """Given the common form, 12 accelerators become 3 workers of 4, a quarter of one is shared, blanks are nothing."""
    trace = read_trace(written(tmp_path, "jobs.csv", COMMON))
    assert trace.job_id.tolist() == ["a", "b", "c"] and trace.submit_ms.tolist() == [0, 1000, 2250]
    assert trace.duration_ms.tolist() == [60_500, 30_000, 1_000_000]
    assert (trace.workers.tolist(), trace.accelerators.tolist()) == ([3, 1, 1], [4, 1, 0])
    assert trace.gpu_milli.tolist() == [-1, 250, -1] and trace.total_gpu_milli.tolist() == [12_000, 250, 0]
    assert trace.cpu_milli.tolist() == [16_000, 4000, 2000] and trace.memory_bytes[0] == 400 * 2**20
    assert trace.requested_ms.tolist() == [120_000, -1, -1]
    assert trace.queue_names == ("prod", "dev") and trace.queue.tolist() == [0, -1, 1]
    assert [STATUSES[code] for code in trace.status] == ["completed", "failed", "unknown"]


def test_quoted_cells_keep_their_commas(tmp_path):
    """Given a quoted user with a comma, the row stays whole and its line is right."""
    text = 'job_id,submit_time,duration,user\n1,0,5,"Lovelace, Ada"\n2,1,-5,bob\n'
    trace = read_trace(written(tmp_path, "jobs.csv", text))
    assert trace.user_names == ("Lovelace, Ada",) and trace.problems[0].where.endswith("jobs.csv:3")


def test_philly_is_sorted_and_counts_from_its_first_job(tmp_path):
    """Given Philly rows out of order, they are sorted, which is noted, and the first submission is zero."""
    text = "timestamp,duration,num_gpus,gpu_time,cluster\n2017-10-09 07:01:55,66.0,1,66.0,11cb48\n"
    text += "2017-10-09 06:13:03,2951.0,16,1,6214e9\n"
    trace = read_trace(written(tmp_path, "p.csv", text))
    assert trace.submit_ms.tolist() == [0, 2_932_000] and trace.duration_ms.tolist() == [2_951_000, 66_000]
    assert trace.origin_s == 1_507_529_583 and trace.job_id.tolist() == [1, 0]
    assert (trace.workers.tolist(), trace.accelerators.tolist()) == ([2, 1], [8, 1])
    assert any("1 rows mended: out of order" in note for note in trace.notes)


def test_muri_service_time_and_restart(tmp_path):
    """Given a Muri row, the service time is iterations x time x 1.015, and the restart is the model's on that many GPUs."""
    text = "job_id,num_gpu,submit_time,iterations,model_name,batch_size,duration,interval,iteration_time\n"
    text += "0,1,0,1000,dqn,128,7,0,490\n1,16,9,10,a2c,64,7,0,3\n2,4,9,10,new,64,7,0,3\n"
    trace = read_trace(written(tmp_path, "m.csv", text))
    assert trace.duration_ms.tolist() == [497_350, 30, 30]
    assert trace.extra["service_ms"][1] == pytest.approx(30.45)
    assert trace.extra["restart_ms"].tolist() == [5000, 46_000, 10_000]
    assert trace.extra_names["model"] == ("dqn", "a2c", "new")


def test_openb_shares_of_one_accelerator(tmp_path):
    """Given openb pods, only a part of a single accelerator is a share, and a pod runs from its placement."""
    text = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"
    text += "p0,12000,16384,1,1000,,LS,Running,0,100,10\np1,6000,12288,1,460,V100M16|T4,BE,Failed,5,25,\n"
    trace = read_trace(written(tmp_path, "o.csv", text))
    assert trace.gpu_milli.tolist() == [-1, 460] and trace.duration_ms.tolist() == [90_000, 20_000]
    assert trace.memory_bytes.tolist() == [16 * 2**30, 12 * 2**30] and trace.extra_names["gpu_spec"] == ("V100M16|T4",)
    assert trace.extra["published_wait_ms"].tolist() == [10_000, 0]


def test_an_unknown_format_names_the_near_ones(tmp_path):
    """Given a misspelt format, the near name is told before the file is read."""
    with pytest.raises(Missing, match="Did you mean philly"):
        read_trace(tmp_path / "absent.csv", "phily")


def test_list_of_nodes_is_not_a_trace(tmp_path):
    """Given openb's list of nodes, the reader says what it is and what reads it."""
    path = written(tmp_path, "n.csv", "sn,cpu_milli,memory_mib,gpu,model\nnode-0,64000,262144,2,P100\n")
    with pytest.raises(Refused, match="list of nodes, not of pods"):
        read_trace(path)


def test_columns_are_read_only_and_slices_keep_order(tmp_path):
    """Given a trace, its arrays cannot be written, a slice is a trace, and a backward one is refused."""
    trace = read_trace(written(tmp_path, "jobs.csv", COMMON))
    assert not trace.submit_ms.flags.writeable and not trace.extra["gpu_type"].flags.writeable
    assert trace[1:].job_id.tolist() == ["b", "c"] and trace.between(1000, 2000).job_id.tolist() == ["b"]
    assert trace.of_user("ada").job_id.tolist() == ["a", "c"] and len(trace.where(trace.accelerators > 0)) == 2
    with pytest.raises(ValueError, match="order of submission"):
        trace[::-1]
    with pytest.raises(Missing, match="Choose one of prod, dev"):
        trace.of_queue("test")


def test_summary_of_known_jobs(tmp_path):
    """Given three jobs by hand, the summary's hours, percentiles and shares are theirs."""
    summary = read_trace(written(tmp_path, "jobs.csv", COMMON)).summary()
    assert summary.jobs == 3 and summary.span_s == 2.25
    assert summary.accelerator_hours == pytest.approx((12 * 60.5 + 0.25 * 30) / 3600)
    assert summary.duration_s.p50 == 60.5 and summary.requested_ratio == pytest.approx(1 / 3)
    assert summary.status_ratio == pytest.approx({"unknown": 1 / 3, "completed": 1 / 3, "failed": 1 / 3})
    assert np.isclose(summary.mean_accelerators, summary.accelerator_hours / (2.25 / 3600))

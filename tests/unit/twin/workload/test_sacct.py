"""Slurm's accounting: units as sacct writes them."""

from pathlib import Path

import numpy as np
import pytest

from datahall.foundation.errors import Refused
from datahall.twin.workload import STATUSES, Options, read_trace
from datahall.twin.workload.numbers import clock_ms

HEAD = "JobID|User|Account|Partition|Submit|Start|End|Elapsed|Timelimit|State|NNodes|ReqCPUS|ReqTRES|ReqMem\n"
ROWS = (
    "100|ada|nlp|h100|2024-03-01T08:00:00|2024-03-01T08:01:00|2024-03-02T10:04:04|1-02:03:04|2-00:00:00|COMPLETED|2|64|"
    "billing=64,cpu=64,gres/gpu:h100=16,gres/gpu=16,mem=512G,node=2|256Gn\n"
    "100.batch||nlp||2024-03-01T08:00:00|x|x|1-02:03:04||COMPLETED|1|32||\n"
    "101_7|bob|cv|cpu|2024-03-01T08:00:10|Unknown|Unknown|00:00:00|UNLIMITED|CANCELLED by 1000|1|4|cpu=4,node=1|4Gc\n"
    "102|bob|cv|cpu|2024-03-01T08:00:05|x|x|00:10:00.500|30:00|TIMEOUT|3|12||2000Mn\n"
    "103|eve|cv|a100|2024-03-01T09:00:00|x|x|05:00|Partition_Limit|RUNNING|1|8|gres/gpu:a100=2|64G\n"
    "104|eve|cv|a100|2024-03-01T09:00:00|x|x|05:00|01:00:00|NODE_FAIL|1|8|cpu=8,gres/gpu:a100=2,gres/gpu:v100=1|64G\n"
)


def read(folder: Path, text: str = HEAD + ROWS, **options: bool):
    path = folder / "sacct.txt"
    path.write_text(text)
    return read_trace(path, options=Options(**options))


def test_units_of_time_accelerators_and_memory(tmp_path):
    """Given days, untyped and typed accelerators, and memory per node or of the job, each becomes what a worker has."""
    trace = read(tmp_path)
    assert trace.format == "sacct" and trace.job_id.tolist() == ["100", "102", "104"]
    assert trace.duration_ms.tolist() == [93_784_000, 600_500, 300_000]
    assert trace.requested_ms.tolist() == [172_800_000, 1_800_000, 3_600_000]
    assert trace.workers.tolist() == [2, 3, 1] and trace.accelerators.tolist() == [8, 0, 3]
    assert trace.cpu_milli.tolist() == [32_000, 4000, 8000]
    assert trace.memory_bytes.tolist() == [256 * 2**30, 2000 * 2**20, 64 * 2**30]
    assert [STATUSES[code] for code in trace.status] == ["completed", "timed_out", "lost"]
    assert trace.submit_ms.tolist() == [0, 5000, 3_600_000] and trace.group_names == ("nlp", "cv")


def test_what_is_left_out_is_counted(tmp_path):
    """Given a step, a job that never ran and one that still runs, the step is no job, and the two are told."""
    trace = read(tmp_path)
    assert trace.rows_read == 5
    told = {(problem.code, problem.where.rpartition(":")[2]) for problem in trace.problems}
    assert told == {("TWIN-010", "4"), ("TWIN-015", "6")}
    assert "1 rows of job steps left out" in trace.notes


def test_sizes_that_are_no_sizes_are_told(tmp_path):
    """Given nodes, memory and limits that sacct does not write, each row is dropped and told once; 1K is a thousand."""
    text = "JobID|Submit|Elapsed|NNodes|ReqCPUS|ReqTRES|ReqMem|Timelimit\n"
    when = "2024-03-01T08:00:00|10"
    text += f"1|{when}|two|2|||\n2|{when}|1|1||plenty|\n3|{when}|1|1|gres/gpu=-8||\n4|{when}|1|1|||soon\n5|{when}|1K|2K|||\n"
    trace = read(tmp_path, text)
    assert trace.job_id.tolist() == ["5"] and (trace.workers[0], trace.cpu_milli[0]) == (1000, 2000)
    assert [problem.code for problem in trace.problems] == ["TWIN-007"] * 4
    seen = " ".join(problem.what for problem in trace.problems)
    assert all(
        word in seen for word in ("nnodes is `two`", "reqmem is `plenty`", "reqtres is `gres/gpu=-8`", "timelimit is `soon`")
    )


def test_memory_per_core(tmp_path):
    """Given memory per core on one node, the worker has it for each of its cores."""
    text = "JobID|Submit|Elapsed|ReqCPUS|ReqMem\n7|2024-03-01T08:00:00|10|4|4Gc\n"
    trace = read(tmp_path, text)
    assert trace.memory_bytes.tolist() == [16 * 2**30] and trace.cpu_milli.tolist() == [4000]


def test_start_and_end_in_place_of_elapsed(tmp_path):
    """Given no Elapsed, it is the end less the start; an unknown start is a bad row; neither is refused."""
    text = "JobID|Submit|Start|End\n1|2024-03-01T08:00:00|2024-03-01T08:00:10|2024-03-01T08:01:10\n"
    trace = read(tmp_path, text + "2|2024-03-01T08:00:00|Unknown|Unknown\n")
    assert trace.duration_ms.tolist() == [60_000] and trace.problems[0].code == "TWIN-015"
    with pytest.raises(Refused, match="neither Elapsed, nor ElapsedRaw"):
        read(tmp_path, "JobID|Submit\n1|2024-03-01T08:00:00\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1-02:03:04", 93_784_000), ("02:03:04", 7_384_000), ("03:04.5", 184_500), ("90", 90_000), ("1-00:00:00", 86_400_000)],
)
def test_clock(text, expected):
    """Given sacct's spellings of a time, each is that many milliseconds."""
    assert clock_ms(text) == expected


@pytest.mark.parametrize("text", ["", "UNLIMITED", "1:2:3:4:5", "x-1:00", "-5"])
def test_no_clock(text):
    """Given anything else, it is no number."""
    assert np.isnan(clock_ms(text))

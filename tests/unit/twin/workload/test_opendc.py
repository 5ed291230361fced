"""OpenDC's Parquet tables; these tests need pyarrow, of the extra `trace`."""

import datetime

import pytest

from datahall.foundation.errors import Refused, TooLarge
from datahall.twin.workload import Options, read_trace

pa = pytest.importorskip("pyarrow", reason="needs pyarrow, of the extra `trace`")
pq = pytest.importorskip("pyarrow.parquet")


def table(**changes):
    columns = {
        "id": ["a", "b", "c"],
        "submission_time": pa.array([5000, 2000, 9000], pa.int64()),
        "duration": pa.array([1000, 60_000, 0], pa.int64()),
        "cpu_count": pa.array([4, 1, 2], pa.int32()),
        "cpu_capacity": [2000.0, 2000.0, 2000.0],
        "mem_capacity": pa.array([100, 200, 300], pa.int64()),
        "deferrable": pa.array([True, None, False]),
        "deadline": pa.array([90_000, None, None], pa.int64()),
    }
    return pa.table(columns | changes)


def test_columns_blanks_and_order(tmp_path):
    """Given tasks out of order with blanks, they are sorted, blanks are none, and a task that never ran is told by its row."""
    pq.write_table(table(), tmp_path / "tasks.parquet")
    trace = read_trace(tmp_path / "tasks.parquet")
    assert trace.format == "opendc" and trace.job_id.tolist() == ["b", "a"] and trace.origin_s == 2
    assert trace.submit_ms.tolist() == [0, 3000] and trace.duration_ms.tolist() == [60_000, 1000]
    assert trace.deadline_ms.tolist() == [-1, 88_000] and trace.deferrable.tolist() == [False, True]
    assert trace.memory_bytes.tolist() == [200_000_000, 100_000_000] and trace.cpu_milli.tolist() == [1000, 4000]
    assert trace.extra["cpu_capacity_mhz"].tolist() == [2000.0, 2000.0]
    assert [(problem.code, problem.where.rpartition(":")[2]) for problem in trace.problems] == [
        ("TWIN-010", "3"),
        ("TWIN-014", "2"),
    ]


def test_times_as_datetimes(tmp_path):
    """Given submissions as timestamps of microseconds, they are the same instants."""
    when = [datetime.datetime.fromtimestamp(second, datetime.UTC) for second in (5, 2, 9)]
    pq.write_table(table(submission_time=pa.array(when, pa.timestamp("us"))), tmp_path / "t.parquet")
    assert read_trace(tmp_path / "t.parquet").submit_ms.tolist() == [0, 3000]


def test_tables_that_are_no_workload(tmp_path):
    """Given text for numbers, half a file, or more than the limit unpacked, each is refused."""
    path = tmp_path / "t.parquet"
    pq.write_table(table(duration=["x", "y", "z"]), path)
    with pytest.raises(Refused, match="column duration holds"):
        read_trace(path)
    pq.write_table(table(), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(Refused, match="no Parquet file, or it is cut"):
        read_trace(path)
    pq.write_table(pa.concat_tables([table()] * 20_000), path)
    with pytest.raises(TooLarge, match="TWIN-004"):
        read_trace(path, options=Options(limit_bytes=max(1024, path.stat().st_size + 100)))

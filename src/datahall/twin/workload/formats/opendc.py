"""OpenDC's `tasks.parquet`: tasks of one machine each, with a deadline where they may wait.

Source: OpenDC documentation, Input/Workload: times in ms, capacity in MHz, memory in MB (taken as 10^6 bytes).
"""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused, TooLarge
from datahall.foundation.extras import needs
from datahall.foundation.units import bytes_text
from datahall.twin.workload.draft import Draft
from datahall.twin.workload.findings import Findings
from datahall.twin.workload.numbers import whole_of
from datahall.twin.workload.options import Options
from datahall.twin.workload.source import Source
from datahall.twin.workload.trace import NONE

COLUMNS = ("id", "submission_time", "duration", "cpu_count", "mem_capacity")
EXTRA = "trace"
MEGABYTE = 10**6


class Opendc:
    """A task is a job of one worker without accelerators. Needs pyarrow, of the extra `trace`."""

    def recognises(self, source: Source) -> bool:
        return source.data[:4] == b"PAR1" or source.name.lower().endswith(".parquet")

    def draft(self, source: Source, findings: Findings, options: Options) -> Draft:
        columns = _columns(source, options)
        count = len(columns["id"])
        whole = {name: _whole(columns[name], name, source) for name in COLUMNS[1:]}
        deferrable = columns.get("deferrable")
        draft = Draft(
            np.arange(count) + 1, columns["id"], whole["submission_time"], whole["duration"], count, np.zeros(count, np.bool_),
            cpu_milli=whole["cpu_count"] * 1000, memory_bytes=whole["mem_capacity"] * MEGABYTE,
            deferrable=None if deferrable is None else np.asarray(deferrable, np.bool_),
            deadline_ms=_whole(columns["deadline"], "deadline", source) if "deadline" in columns else None, origin_s=np.nan,
        )  # fmt: skip
        if "cpu_capacity" in columns:
            draft.extra["cpu_capacity_mhz"] = columns["cpu_capacity"]
        findings.note("lines are numbers of rows; memory in MB is taken as 10^6 bytes; cpu_capacity stays in extra, MHz")
        return draft


def _columns(source: Source, options: Options) -> dict[str, NDArray[Any]]:
    """The columns that we know, as arrays; blanks are -1 or false.

    Raises Unavailable without pyarrow, Refused for another file, TooLarge when it unpacks to more than the limit.
    """
    with needs(EXTRA):
        import pyarrow as pa  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415  heavy, one adapter
        import pyarrow.parquet as pq  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415
    try:
        file = pq.ParquetFile(io.BytesIO(source.data))
        groups = [file.metadata.row_group(group).total_byte_size for group in range(file.metadata.num_row_groups)]
        _need(set(file.schema_arrow.names), source)
        if sum(groups) > options.limit_bytes:
            what = f"it has {bytes_text(sum(groups))} unpacked, more than {bytes_text(options.limit_bytes)}"
            raise TooLarge(Problem("TWIN-004", source.name, what, "read a part of it, or raise limit_bytes"))
        known = [name for name in (*COLUMNS, "cpu_capacity", "deferrable", "deadline") if name in file.schema_arrow.names]
        table = file.read(columns=known)
    except (pa.ArrowException, OSError) as error:
        what = f"this is no Parquet file, or it is cut: {str(error).splitlines()[0][:200]}"
        raise Refused(Problem("TWIN-003", source.name, what, "copy or download it again")) from None
    return {name: _array(table[name], name) for name in known}


def _array(column: Any, name: str) -> NDArray[Any]:
    if column.null_count:
        column = column.fill_null(False if name == "deferrable" else NONE)
    array = np.asarray(column)
    return array.astype(np.str_) if array.dtype == object else array


def _whole(array: NDArray[Any], name: str, source: Source) -> NDArray[np.int64]:
    """Times as ms and counts as whole numbers, whatever the file's type for them."""
    if array.dtype.kind == "M":
        return array.astype("datetime64[ms]").astype(np.int64)
    if array.dtype.kind not in "iuf":
        what = f"the column {name} holds {array.dtype}, but numbers are needed"
        raise Refused(Problem("TWIN-005", source.name, what, "name a tasks.parquet of OpenDC"))
    return whole_of(array) if array.dtype.kind == "f" else array.astype(np.int64)


def _need(have: set[str], source: Source) -> None:
    lacking = [name for name in COLUMNS if name not in have]
    if lacking:
        what = f"this is no OpenDC workload: it has {', '.join(sorted(have))[:400]}, but not {', '.join(lacking)}"
        raise Refused(Problem("TWIN-005", source.name, what, "name a tasks.parquet of OpenDC"))

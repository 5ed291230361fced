"""Microsoft's Philly cluster as the Sia and AdaptDL artifacts publish it: timestamp, duration, num_gpus, gpu_time, cluster.

Source: Jeon et al., USENIX ATC 2019, https://github.com/msr-fiddle/philly-traces (CC-BY-4.0).
"""

import numpy as np

from datahall.twin.workload.draft import Draft, split
from datahall.twin.workload.findings import Findings
from datahall.twin.workload.formats.heads import head_columns
from datahall.twin.workload.numbers import column_of, moments_ms, tell_bad
from datahall.twin.workload.options import Options
from datahall.twin.workload.source import Source
from datahall.twin.workload.table import delimited, need_columns

COLUMNS = ("timestamp", "duration", "num_gpus", "cluster")


class Philly:
    """No users, no requests, no ids: rows are numbered as they stand, the virtual cluster is the queue."""

    def recognises(self, source: Source) -> bool:
        return set(COLUMNS) <= head_columns(source)

    def draft(self, source: Source, findings: Findings, options: Options) -> Draft:
        table = delimited(source.data, findings)
        need_columns(table, COLUMNS, findings, kind="Philly trace")
        cells = table.cells("timestamp")
        submit = tell_bad(moments_ms(cells), cells, table, findings, called="timestamp", needed=True)
        duration = column_of(table, "duration", findings)
        asked = column_of(table, "num_gpus", findings)
        workers, each = split(asked.whole(), options.accelerators_per_worker)
        bad = np.logical_or.reduce([found.bad | found.blank for found in (submit, duration, asked)])
        findings.note("job ids are numbers of rows: the trace has none, and neither users nor requested times")
        return Draft(
            table.lines, np.arange(len(table)), submit.whole(), duration.whole(1000), table.rows_read, bad,
            workers=workers, accelerators=each, queue=table.texts("cluster"), origin_s=np.nan,
        )  # fmt: skip

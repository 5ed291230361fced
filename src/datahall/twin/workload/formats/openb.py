"""Alibaba's GPU-sharing cluster: pods with a share of one accelerator, or several whole ones.

Source: Weng et al., USENIX ATC 2023 (FGD), https://github.com/alibaba/clusterdata, cluster-trace-gpu-v2023.
"""

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.twin.workload.draft import Draft
from datahall.twin.workload.findings import Findings
from datahall.twin.workload.formats.heads import head_columns
from datahall.twin.workload.numbers import column_of, whole_of
from datahall.twin.workload.options import Options
from datahall.twin.workload.source import Source
from datahall.twin.workload.table import Table, delimited, need_columns, texts_of
from datahall.twin.workload.trace import NONE, coded

COLUMNS = ("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "creation_time", "deletion_time")
STATUS = {"Succeeded": 1, "Failed": 2}
NODES = {"sn", "cpu_milli", "memory_mib", "gpu"}


class Openb:
    """A pod is a job of one worker. It runs from when it was scheduled, or from its creation, until it was deleted."""

    def recognises(self, source: Source) -> bool:
        columns = head_columns(source)
        return set(COLUMNS) <= columns or columns >= NODES

    def draft(self, source: Source, findings: Findings, options: Options) -> Draft:  # noqa: ARG002  the port's signature
        if head_columns(source) >= NODES:
            what = "this is the list of nodes, not of pods"
            raise Refused(
                Problem("TWIN-005", f"{source.name}:1", what, "read it with read_nodes, and name the list of pods here")
            )
        table = delimited(source.data, findings)
        need_columns(table, COLUMNS, findings, kind="openb list of pods")
        names = ("cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "creation_time", "deletion_time")
        cpu, memory, gpus, share, created, deleted = (column_of(table, name, findings) for name in names)
        bad = np.logical_or.reduce([found.bad | found.blank for found in (cpu, memory, gpus, share, created, deleted)])
        began = _began(table, created.values, findings)
        draft = Draft(
            table.lines, texts_of(table.cells("name")), created.whole(1000), whole_of(deleted.values - began, 1000),
            table.rows_read, bad, accelerators=gpus.whole(), cpu_milli=cpu.whole(), memory_bytes=memory.whole(2**20),
            gpu_milli=np.where((gpus.values == 1) & (share.values < 1000), share.whole(), NONE),
            queue=table.texts("qos") if "qos" in table else None, status=_statuses(table),
        )  # fmt: skip
        draft.extra["published_wait_ms"] = whole_of(began - created.values, 1000)
        if "gpu_spec" in table:
            draft.extra["gpu_spec"], names_of = coded(table.texts("gpu_spec"))
            draft.extra_names["gpu_spec"] = names_of
        findings.note(
            "the queue is the pod's class of service; a pod runs from scheduled_time, or creation_time, to deletion_time"
        )
        return draft


def _began(table: Table, created: NDArray[np.float64], findings: Findings) -> NDArray[np.float64]:
    """When each pod began, s: pods that were never placed began to exist when they were created."""
    if "scheduled_time" not in table:
        return created
    scheduled = column_of(table, "scheduled_time", findings, needed=False).values
    lacking = int(np.isnan(scheduled).sum())
    if lacking:
        findings.note(f"{lacking} pods were never scheduled: their duration is creation to deletion")
    return np.where(np.isnan(scheduled), created, scheduled)


def _statuses(table: Table) -> NDArray[np.int64] | None:
    if "pod_phase" not in table:
        return None
    return np.array([STATUS.get(text, 0) for text in table.texts("pod_phase")], np.int64)

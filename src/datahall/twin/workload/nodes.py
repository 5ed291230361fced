"""Lists of nodes that are published beside traces: what each machine has.

openb: sn, cpu_milli, memory_mib, gpu, model. Alibaba's spot list of 2026: node_name, gpu_model, gpu_capacity_num, cpu_num.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.twin.workload.findings import Findings
from datahall.twin.workload.numbers import column_of
from datahall.twin.workload.options import Options
from datahall.twin.workload.source import Source, load_source
from datahall.twin.workload.table import Table, delimited, need_columns, texts_of
from datahall.twin.workload.trace import coded

OPENB = {"name": "sn", "cpu": "cpu_milli", "memory": "memory_mib", "accelerators": "gpu", "model": "model"}
SPOT = {"name": "node_name", "cpu": "cpu_num", "accelerators": "gpu_capacity_num", "model": "gpu_model"}


@dataclass(frozen=True)
class NodeList:
    """Nodes in the order of the file, (n,) each."""

    name: NDArray[np.str_]
    cpu_milli: NDArray[np.int64]
    memory_bytes: NDArray[np.int64]
    """0 where the list says nothing."""
    accelerators: NDArray[np.int64]
    model: NDArray[Any]
    """Code of the accelerator's model in `model_names`; -1: none."""
    model_names: tuple[str, ...]
    source: str
    sha256: str
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def __len__(self) -> int:
        return len(self.name)


def read_nodes(path: Path | str, options: Options | None = None) -> NodeList:
    """The nodes of a list. Bad rows are dropped and counted, or refuse the file when strict.

    Raises Refused for a file that is no list of nodes, Missing for one that is not there.
    """
    options = options or Options()
    source = load_source(Path(path), limit_bytes=options.limit_bytes)
    findings = Findings(source.name)
    table = delimited(source.data, findings)
    nodes = _nodes(table, SPOT if SPOT["accelerators"] in table else OPENB, findings, source)
    if options.strict and findings.counts:
        raise findings.refuse()
    if not len(nodes):
        what = f"none of the {table.rows_read} rows can be used"
        raise findings.refuse(first=Problem("TWIN-016", source.name, what, "check that this is a list of nodes"))
    return nodes


def _nodes(table: Table, names: Mapping[str, str], findings: Findings, source: Source) -> NodeList:
    if "num_gpu" in table:
        what = "this is the list of pods, not of nodes"
        raise Refused(Problem("TWIN-005", f"{source.name}:1", what, "read it with read_trace, and name the list of nodes here"))
    need_columns(table, list(names.values()), findings, kind="list of nodes")
    read = {key: column_of(table, column, findings) for key, column in names.items() if key not in ("name", "model")}
    ids = texts_of(table.cells(names["name"]))
    bad = np.logical_or.reduce([found.bad | found.blank | (found.values < 0) for found in read.values()])
    negative = bad & ~np.logical_or.reduce([found.bad | found.blank for found in read.values()])
    told = lambda _: "a size is negative, but a node has 0 or more"  # noqa: E731
    findings.rows("TWIN-011", negative, table.lines, phrase="with a negative size", told=told)
    rows = np.flatnonzero(~bad)
    models = table.texts(names["model"])
    codes, model_names = coded([models[row] for row in rows.tolist()])
    memory = read["memory"].whole(2**20)[rows] if "memory" in read else np.zeros(len(rows), np.int64)
    return NodeList(
        name=ids[rows],
        cpu_milli=read["cpu"].whole(1 if names["cpu"] == "cpu_milli" else 1000)[rows],
        memory_bytes=memory,
        accelerators=read["accelerators"].whole()[rows],
        model=codes,
        model_names=model_names,
        source=source.name,
        sha256=source.sha256,
        notes=findings.all_notes(),
        problems=tuple(findings.kept),
    )

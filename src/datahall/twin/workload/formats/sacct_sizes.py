"""Sizes of Slurm jobs: nodes, CPUs, accelerators and memory, in the spellings of several versions of sacct."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datahall.twin.workload.findings import Findings
from datahall.twin.workload.numbers import LIMIT, each_once, whole_of
from datahall.twin.workload.table import Table

SIZE = re.compile(r"^(\d+(?:\.\d+)?)([KMGTP]?)B?([nc]?)$")
SCALE = {"K": 2**10, "": 2**20, "M": 2**20, "G": 2**30, "T": 2**40, "P": 2**50}
NODES, CPUS, TRES = ("nnodes", "reqnodes", "allocnodes"), ("reqcpus", "ncpus", "alloccpus"), ("reqtres", "alloctres")
NOTHING, NONSENSE = math.nan, math.inf


@dataclass(frozen=True)
class Sizes:
    """What each job asks for, (n,). bad: rows whose sizes could not be read, told already."""

    workers: NDArray[np.int64]
    accelerators: NDArray[np.int64]
    cpu_milli: NDArray[np.int64]
    memory_bytes: NDArray[np.int64]
    bad: NDArray[np.bool_]


def sizes_of(table: Table, findings: Findings) -> Sizes:
    """Workers are nodes with equal shares; where accelerators do not divide, the most workers that divide both."""
    told = Told(table, findings)
    nodes = np.maximum(whole_of(told.column(NODES, counted), none=1), 1)
    cpus = np.maximum(whole_of(told.column(CPUS, counted), none=1), 1)
    gpus = whole_of(told.column(TRES, lambda text: tres(text, "gres/gpu")), none=0)
    asked = told.column(("reqmem",), lambda text: bytes_of(text)[0])
    per = told.column(("reqmem",), lambda text: {"n": 1.0, "c": 2.0}.get(bytes_of(text)[1], 0.0))
    total = told.column(TRES, lambda text: tres(text, "mem"))
    memory = np.where(np.isnan(total), asked * np.select([per == 1, per == 2], [nodes, cpus], 1), total)
    workers = np.where(gpus > 0, np.gcd(gpus, nodes), nodes)
    return Sizes(workers, gpus // workers, cpus * 1000 // workers, whole_of(memory, none=0) // workers, told.bad)


class Told:
    """Columns parsed text by text; what is nonsense is told once and marks its row."""

    def __init__(self, table: Table, findings: Findings) -> None:
        self.table, self.findings = table, findings
        self.bad = np.zeros(len(table), np.bool_)

    def column(self, names: Sequence[str], parse: Callable[[str], float]) -> NDArray[np.float64]:
        """The first of these columns that is there; NaN where it says nothing or nonsense."""
        name = next((name for name in names if name in self.table), None)
        if name is None:
            return np.full(len(self.table), np.nan)
        cells = self.table.cells(name)
        values = each_once(cells, parse)
        wrong = np.abs(values) > LIMIT

        def told(row: int) -> str:
            return f"{name} is `{bytes(cells[row]).decode('utf-8', 'backslashreplace')[:60]}`, which is not as sacct writes it"

        self.findings.rows("TWIN-007", wrong & ~self.bad, self.table.lines, phrase=f"with a {name} that is not read", told=told)
        self.bad |= wrong
        return np.where(wrong, np.nan, values)


def counted(text: str) -> float:
    """`8`, or `1K` for 1,000; blank says nothing."""
    if not text:
        return NOTHING
    digits = text.upper().removesuffix("K")
    return float(digits) * (1000 if digits != text.upper() else 1) if digits.isdecimal() else NONSENSE


def tres(text: str, key: str) -> float:
    """One entry of `cpu=8,mem=64G,node=1,gres/gpu:a100=8`.

    The untyped entry, or else all typed ones together: sacct writes both, and they count the same accelerators.
    """
    pairs = dict(pair.split("=", 1) for pair in text.split(",") if "=" in pair)
    if key in pairs:
        return bytes_of(pairs[key])[0] if key == "mem" else counted(pairs[key])
    typed = [counted(value) for name, value in pairs.items() if name.startswith(f"{key}:")]
    return sum(typed) if typed else NOTHING


def bytes_of(text: str) -> tuple[float, str]:
    """`64Gn` -> bytes, and what they are of: n node, c core, nothing the job. Blank says nothing."""
    match = SIZE.match(text)
    if match:
        return float(match[1]) * SCALE[match[2]], match[3]
    return (NONSENSE if text and text not in ("0", "?") else NOTHING), ""


def raw_limit_ms(text: str) -> float:
    """A time limit in minutes, as TimelimitRaw has it; a word says that there is none."""
    return counted(text) * 60_000 if text.isdecimal() else NOTHING

"""The catalogue of known parts: sourced facts, looked up by the name that a part gives itself."""

import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.spec import Spec
from datahall.foundation.units import Bytes, BytesPerS
from datahall.infrastructure.catalog.part_specs import Checked


class Row(Spec):
    """One part. Whoever adds a row says where and when its figures were read, and in which unit."""

    name: str = Field(min_length=2)
    """Looked for, as whole words, in what the part calls itself."""
    tdp_w: float = Field(gt=0)
    """Thermal design power of one socket or board, W."""
    unit: str = Field(min_length=1)
    source: str = Field(min_length=8)
    date: str = Field(pattern=r"^\d{4}-\d{2}(-\d{2})?$")
    checked: Checked = "read"

    @property
    def cited(self) -> str:
        mark = "" if self.checked == "read" else f" ({self.checked})"
        return f"catalogue row {self.name}: {self.source}, {self.date}{mark}"


class AcceleratorRow(Row):
    """An accelerator: memory, dense peaks without structured sparsity, and what joins it to its neighbours.

    A peak that is not there: the device does not have it in its matrix units, or no source tells.
    """

    memory_bytes: Bytes = Field(gt=0)
    memory_bytes_per_s: BytesPerS
    bf16_flop_per_s: float | None = Field(default=None, gt=0)
    fp16_flop_per_s: float | None = Field(default=None, gt=0)
    fp8_flop_per_s: float | None = Field(default=None, gt=0)
    fp4_flop_per_s: float | None = Field(default=None, gt=0)
    tf32_flop_per_s: float | None = Field(default=None, gt=0)
    fp32_flop_per_s: float | None = Field(default=None, gt=0)
    scale_up: str = Field(min_length=2)
    """Kind of link to its neighbours, such as NVLink4."""
    scale_up_bytes_per_s: BytesPerS
    """What one device sends to its neighbours through it, one direction."""


class CpuRows(Spec):
    rows: tuple[Row, ...]


class AcceleratorRows(Spec):
    rows: tuple[AcceleratorRow, ...]


R = TypeVar("R", bound=Row)
FOLDER = Path(__file__).parent


@functools.cache
def cpu_rows() -> tuple[Row, ...]:
    return load(FOLDER / "cpus.yaml", CpuRows).rows


@functools.cache
def accelerator_rows() -> tuple[AcceleratorRow, ...]:
    return load(FOLDER / "accelerators.yaml", AcceleratorRows).rows


def row_for(model: str, rows: Sequence[R]) -> R | None:
    """The row whose name stands in `model` as whole words; the longest name wins; None when there is none."""
    found = [row for row in rows if re.search(rf"(?<![\w-]){re.escape(row.name)}(?![\w-])", model, re.IGNORECASE)]
    return max(found, key=lambda row: len(row.name), default=None)

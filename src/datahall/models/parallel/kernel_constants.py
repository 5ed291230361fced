"""The constants of kernels, each with its source; read once from the YAML in constants/."""

import functools
from pathlib import Path
from typing import Literal

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.errors import Problem, Refused
from datahall.foundation.spec import Spec

FOLDER = Path(__file__).parent / "constants"
AttentionKernel = Literal["flash1", "flash2", "flash3", "flash4", "cudnn9", "sdpa"]


class Sourced(Spec):
    source: str = Field(min_length=4)
    date: str = Field(pattern=r"^\d{4}-\d{2}$")
    checked: Literal["read", "secondary", "unverified"] = "read"


class MatmulConstants(Sourced):
    """The same for all devices; what benchmarks/models/fit_kernels.py wrote, with the bounds of the fit."""

    compute_ratio: float = Field(gt=0, le=1)
    """Share of the device's highest measured rate that a usual large product reaches."""
    memory_ratio: float = Field(gt=0, le=1)
    """Share of the data sheet's memory bandwidth."""
    launch_s: float = Field(ge=0, le=2e-5)
    """Start and end of one kernel."""
    wave_ratio: float = Field(ge=0, le=1)
    """Blocks' work of one wave, as a share, that is lost where the last wave is not full."""
    depth: float = Field(ge=0, le=1024)
    """Steps along k that filling and draining a block's pipeline cost."""
    tile_ratio: float = Field(ge=0, le=1)
    """Share of the overhang over whole blocks that is computed; kernels with smaller blocks avoid the rest."""


class AttentionRow(Sourced):
    """Share of the data sheet's peak that fused attention reaches at head width 128 and long sequences."""

    kernel: AttentionKernel
    architecture: str
    forward_ratio: float = Field(gt=0, le=1)
    backward_ratio: float = Field(gt=0, le=1)
    narrow_ratio: float = Field(gt=0, le=1)
    """Of that, what heads of width 64 reach."""


class AttentionConstants(Spec):
    ramp: float = Field(ge=0)
    """Further keys that each query costs: a short sequence is less efficient."""
    ramps_source: str
    rows: tuple[AttentionRow, ...]

    def row(self, kernel: str, architecture: str) -> AttentionRow:
        """The row of this kernel on this architecture. Raises Refused (KERN-003) where nobody published one."""
        found = next((r for r in self.rows if (r.kernel, r.architecture) == (kernel, architecture)), None)
        if found is None:
            known = ", ".join(r.kernel for r in self.rows if r.architecture == architecture)
            what = f"no published rate of `{kernel}` on {architecture}; known there: {known or 'none'}"
            way = f"choose {known}" if known else "plan with attention that is not fused"
            raise Refused(
                Problem("KERN-003", "kernel", what, f"{way}, or add a row to models/parallel/constants/attention.yaml")
            )
        return found

    def best(self, architecture: str) -> str:
        """The fastest kernel published for this architecture."""
        rows = [row for row in self.rows if row.architecture == architecture]
        return max(rows, key=lambda row: row.forward_ratio, default=self.rows[0]).kernel


@functools.cache
def matmul_constants() -> MatmulConstants:
    return load(FOLDER / "kernels.yaml", MatmulConstants)


@functools.cache
def attention_constants() -> AttentionConstants:
    return load(FOLDER / "attention.yaml", AttentionConstants)

"""An accelerator as kernels see it: what its data sheet promises, and the share that anybody ever measured of it."""

import difflib
import functools
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.errors import Missing, Problem, Refused
from datahall.foundation.spec import Spec
from datahall.foundation.units import Bytes
from datahall.infrastructure.catalog.rows import AcceleratorRow, accelerator_rows, row_for
from datahall.models.parallel.kernel_constants import matmul_constants

FOLDER = Path(__file__).parent / "constants"
PEAKS = {
    "fp32": "fp32_flop_per_s",
    "tf32": "tf32_flop_per_s",
    "bf16": "bf16_flop_per_s",
    "fp16": "fp16_flop_per_s",
    "fp8": "fp8_flop_per_s",
    "nvfp4": "fp4_flop_per_s",
}


class DeviceRow(Spec):
    """What the catalogue does not tell of an accelerator."""

    name: str
    maker: Literal["nvidia", "amd", "intel", "huawei"]
    architecture: str
    units: int = Field(ge=1)
    l2_bytes: Bytes | None = None
    measured_as: str | None = None
    measured_bf16_flop_per_s: float | None = Field(default=None, gt=0)
    measured_fp8_flop_per_s: float | None = Field(default=None, gt=0)
    usual_fp8_flop_per_s: float | None = Field(default=None, gt=0)
    """Of a large product as training runs it in 8 bits, where that was published: well below the highest of all shapes."""
    usual_source: str | None = None
    source: str = Field(min_length=8)
    date: str = Field(pattern=r"^\d{4}-\d{2}$")
    checked: Literal["read", "secondary", "unverified"]


class DeviceRows(Spec):
    rows: tuple[DeviceRow, ...]


@dataclass(frozen=True, slots=True)
class Device:
    """One accelerator.

    flop_per_s: dense peak of the data sheet by precision; a precision that the device lacks is not there.
    measured_ratio: highest measured rate of a matrix product over that peak, 0 to 1, by precision.
    units: multiprocessors. l2_bytes: None where no source tells.
    """

    name: str
    architecture: str
    flop_per_s: Mapping[str, float]
    measured_ratio: Mapping[str, float]
    memory_bytes_per_s: float
    memory_bytes: int
    units: int
    l2_bytes: int | None = None
    power_w: float | None = None
    """Of the data sheet, under which the highest rates were measured."""
    limit_w: float | None = None
    """Where it is set lower."""
    sources: tuple[str, ...] = field(default=(), compare=False)

    def peak_flop_per_s(self, precision: str) -> float:
        """Dense peak, flop/s. Raises Refused (KERN-002) where the device does not compute in `precision`."""
        if precision not in self.flop_per_s:
            known = ", ".join(self.flop_per_s)
            what = f"{self.name} has no known peak in {precision}; known: {known}"
            raise Refused(Problem("KERN-002", "precision", what, f"choose one of {known}, or add the peak to the catalogue"))
        return self.flop_per_s[precision]

    def reached_flop_per_s(self, precision: str) -> float:
        """The highest rate that a matrix product was measured at, or is expected to reach, flop/s."""
        return self.peak_flop_per_s(precision) * self.measured_ratio[precision]

    def slowed(self, ratio: float) -> "Device":
        """The same at a share of its clock: all computing slows, memory does not."""
        return replace(self, flop_per_s={name: rate * ratio for name, rate in self.flop_per_s.items()})

    def limited(self, ratio: float) -> "Device":
        """The same at a share of its clock in products alone: what keeps its units less busy does not reach the power limit."""
        return replace(self, measured_ratio={name: rate * ratio for name, rate in self.measured_ratio.items()})


@functools.cache
def device_rows() -> Mapping[str, DeviceRow]:
    return {row.name: row for row in load(FOLDER / "devices.yaml", DeviceRows).rows}


@functools.cache
def device_of(name: str) -> Device:
    """The accelerator that `name` names, as the catalogue's rows do. Raises Missing (KERN-001) when facts are missing."""
    row = row_for(name, accelerator_rows())
    if row is None:
        raise Missing(_unknown(name))
    if (more := device_rows().get(row.name)) is None:
        fix = "add units (multiprocessors), l2_bytes and measured rates to models/parallel/constants/devices.yaml"
        raise Missing(Problem("KERN-001", name, f"{row.name} is catalogued, but not what kernels need of it", fix))
    return _device(row, more)


def _unknown(name: str) -> Problem:
    names = [row.name for row in accelerator_rows()]
    folded = {known.casefold(): known for known in names}
    close = [folded[near] for near in difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.4)]
    near = f"near: {', '.join(close)}; or " if close else ""
    what = f"accelerator `{name}` is not in the catalogue"
    needed = "dense peaks by precision, memory and its bandwidth, link, power; and its count of multiprocessors"
    return Problem("KERN-001", name, what, f"{near}add a row with {needed}")


def _device(row: AcceleratorRow, more: DeviceRow) -> Device:
    found = {precision: getattr(row, column) for precision, column in PEAKS.items()}
    peaks = {precision: peak for precision, peak in found.items() if peak is not None}
    return Device(
        name=row.name,
        architecture=more.architecture,
        flop_per_s=peaks,
        measured_ratio={precision: _ratio(more, precision) for precision in peaks},
        memory_bytes_per_s=row.memory_bytes_per_s,
        memory_bytes=row.memory_bytes,
        units=more.units,
        l2_bytes=more.l2_bytes,
        power_w=row.tdp_w,
        sources=(row.source, more.source),
    )


def _ratio(more: DeviceRow, precision: str) -> float:
    narrow = precision in ("fp8", "nvfp4")  # nobody measured 4 bits: the share of 8 stands for it, and that of 16 for both
    own = [_measured(more.measured_as or more.name, narrow=width) for width in ([True, False] if narrow else [False])]
    return next((ratio for ratio in own if ratio is not None), maker_ratio(more.maker, narrow=narrow))


def _measured(measured_as: str, *, narrow: bool) -> float | None:
    """Measured share of the peak, of the row `measured_as`; None where nobody measured.

    Where the usual rate in 8 bits is known, the highest of which it is the usual share (kernels.yaml, compute_ratio).
    """
    more = device_rows()[measured_as]
    row = next(row for row in accelerator_rows() if row.name == measured_as)
    measured = more.measured_fp8_flop_per_s if narrow else more.measured_bf16_flop_per_s
    if narrow and more.usual_fp8_flop_per_s is not None:
        measured = more.usual_fp8_flop_per_s / matmul_constants().compute_ratio
    peak = row.fp8_flop_per_s if narrow else row.bf16_flop_per_s
    return None if measured is None or peak is None else min(1.0, measured / peak)


@functools.cache
def maker_ratio(maker: str, *, narrow: bool = False) -> float:
    """Median share of the peak that a maker's measured devices reach; of all makers' where none was measured."""
    rows = [row for row in device_rows().values() if row.measured_as is None]
    found = {row.name: (row.maker, _measured(row.name, narrow=narrow)) for row in rows}
    own = [ratio for made, ratio in found.values() if ratio is not None and made == maker]
    return statistics.median(own or [ratio for _, ratio in found.values() if ratio is not None])

"""Published memory of training runs beside ours: bytes held, and whether what ran is called fitting."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from datahall.foundation.document import read
from datahall.models.cost.parameters import parameters_of
from datahall.models.parallel.memory import Memory
from datahall.planner.validation.cells import named, number, placed, said
from datahall.planner.validation.hardware import GIB
from datahall.planner.validation.hardware import device_bytes_of as device_bytes_of
from datahall.planner.validation.rows import ValidationRow, compared, unjudged
from datahall.planner.validation.tables import FITTED_ON
from datahall.planner.validation.training_rows import Case, case_of

TABLE = "memory"
PUBLISHED = Path(__file__).with_name("memory_rows.yaml")
TOLERANCE_RATIO = 0.08
TOLERANCE = f"within {TOLERANCE_RATIO:.0%}"
FITS = "fits its device: 1 ran, 0 ran out of memory"
NO_ROOM = re.compile(r"\bOOM\b|out of memory", re.ASCII | re.IGNORECASE)
NOT_BLIND = "no constant fitted on these rows, but the stack's copies were looked up in its source after a first comparison"
OWN_FORMULAS = (
    "no constant fitted on these rows, but the formulas of what is kept are those of the paper that the figures are of"
)
MEASURES = {"device": "memory of the device, GiB", "reserved": "memory reserved by the framework, GiB"}


def rows(own_rows: Sequence[Mapping[str, Any]] | None = None) -> list[ValidationRow]:
    """Lines of each row: published bytes beside ours, and the verdict on its device.

    own_rows: rows of a CSV with the columns of training tables; without it, the published ones. No row raises.
    """
    return [line for row in (published() if own_rows is None else own_rows) for line in _lines(row)]


def published() -> list[dict[str, Any]]:
    """The rows that come with Datahall: a group's common cells, then each row's own."""
    found = list[dict[str, Any]]()
    for group in read(PUBLISHED).data["groups"]:
        columns = group["columns"]
        found += [group["common"] | dict(zip(columns, cells, strict=True)) for cells in group["rows"]]
    return found


def _lines(row: Mapping[str, Any]) -> list[ValidationRow]:
    name = _name(row)
    case = case_of(row)
    if isinstance(case, str):
        return [compared(TABLE, name, MEASURES["device"], published=number(row, "mem_gb"), ours=None, note=case)]
    memory = case.memory
    found = [line for line in (_bytes(row, name, case, memory), _part(row, name, case, memory)) if line is not None]
    return [*found, _verdict(row, name, case, memory)]


def _name(row: Mapping[str, Any]) -> str:
    sizes = [f"{label}{said(row, column)}" for label, column in SIZES if said(row, column)]
    return ", ".join([named(row, "model"), *sizes])


SIZES = (("devices ", "num_devices"), ("t", "tp"), ("p", "pp"), ("d", "dp"), ("micro-batch ", "micro_batch"), ("", "precision"))


def _bytes(row: Mapping[str, Any], name: str, case: Case, memory: Memory) -> ValidationRow | None:
    """What was measured on the device, or by the allocator. Published figures are in GiB, as their tools print them."""
    figure = number(row, "mem_gb")
    if figure is None:
        return None
    ours = (memory.reserved if case.measures == "reserved" else memory.total) / GIB
    # The one constant that was chosen on rows is the fragmentation, on torchtitan's.
    seen = f"{FITTED_ON} these rows: fragmentation" if case.measures == "reserved" else NOT_BLIND
    return _compared((name, MEASURES[case.measures]), (figure, ours), case, seen)


def _part(row: Mapping[str, Any], name: str, case: Case, memory: Memory) -> ValidationRow | None:
    """A published part: states, or activations."""
    metric, figure = said(row, "measured_metric"), number(row, "measured_value")
    if figure is None or "GiB" not in metric:
        return None
    states = memory.weights + memory.gradients + memory.optimiser
    ours = (states if "optimizer" in metric else memory.activations) / GIB
    return _compared((name, metric), (figure, ours), case, OWN_FORMULAS)


def _compared(place: tuple[str, str], pair: tuple[float, float], case: Case, seen: str) -> ValidationRow:
    """place: row and quantity. pair: the published figure and ours, GiB. The constant: 16 bytes a parameter over all ranks."""
    figure, ours = pair
    constant = 16 * parameters_of(case.architecture).total / case.plan.accelerators / GIB
    hit, baseline_hit = (abs(value / figure - 1) <= TOLERANCE_RATIO if figure > 0 else None for value in (ours, constant))
    note = "; ".join(part for part in (case.contradiction, seen, *case.notes) if part)
    found = compared(
        TABLE, *place, published=figure, ours=ours, hit=hit, baseline=constant, tolerance=TOLERANCE, note=note
    )  # fmt: skip
    return unjudged(found) if case.contradiction else replace(found, baseline_hit=baseline_hit)


def _verdict(row: Mapping[str, Any], name: str, case: Case, memory: Memory) -> ValidationRow:
    """Whether the device holds it, beside what happened: a row that has no word of running out ran."""
    ran = 0.0 if NO_ROOM.search(said(row, "note").replace("close to OOM", "")) else 1.0
    device = device_bytes_of(case.hardware)
    if said(row, "measured_metric").startswith(("params", "activations")):
        why = "a count of the authors, not a run"
        return compared(TABLE, name, FITS, published=None, ours=None, note=why)
    if device is None:
        why = placed(row, f"no memory is known for {case.hardware or 'the device'}")
        return compared(TABLE, name, FITS, published=ran, ours=None, note=why)
    ours = float(memory.fits(device))
    note = "; ".join(part for part in (case.contradiction, f"{memory.needed / GIB:.1f} of {device / GIB:.0f} GiB") if part)
    found = compared(TABLE, name, FITS, published=ran, ours=ours, hit=ours == ran, tolerance="as it happened", note=note)
    return unjudged(found) if case.contradiction else found

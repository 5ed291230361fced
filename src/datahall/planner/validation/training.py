"""Published training steps beside ours: seconds, an interval, the constant that we must beat, and memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from datahall.foundation.document import read
from datahall.foundation.errors import DatahallError
from datahall.models.parallel.step import step_of
from datahall.models.parallel.step_constants import StepConstants
from datahall.models.parallel.uncertainty import Quantiles, interval_of
from datahall.planner.validation.cells import count, is_blank, named, number, placed, said
from datahall.planner.validation.columns import in_columns
from datahall.planner.validation.hardware import GIB, problem_of
from datahall.planner.validation.held_out import constants_without, platform_of, spread_without, told
from datahall.planner.validation.memory import SIZES
from datahall.planner.validation.rows import ValidationRow, compared, unjudged
from datahall.planner.validation.tables import FITTED_ON, HELD_OUT, read_rows, shared_folder
from datahall.planner.validation.training_rows import Case, case_of
from datahall.planner.validation.utilisation import OWN, constant_s, others_on, table_of_source

TABLE = "training"
PUBLISHED = Path(__file__).with_name("training_rows.yaml")
TOLERANCE = "within its 80 % interval"
MEASURED = ("iter_time_s", "mem_gb", "tokens_s_gpu")
NO_ROOM = "does not fit: {:.1f} of {:.0f} GiB"
SHIPPED = "shipped constants"
APART = 0.05
"""By which two columns that say the same may differ: their digits are few."""


@dataclass(frozen=True, slots=True)
class TrainingRow(ValidationRow):
    """A training row: what was measured, what we say, and why not where we say nothing."""

    predicted_s: float | None = None
    """Of one step."""
    low_s: float | None = None
    high_s: float | None = None
    """Between these lie about 80 % of steps never seen."""
    measured_s: float | None = None
    baseline_s: float | None = None
    """One share of the data sheet's peak, chosen on other tables."""
    memory_bytes: float | None = None
    """Of the fullest accelerator, as its software reports it: what the device holds, or what the allocator has reserved."""
    memory_measured_bytes: float | None = None
    fits: bool | None = None
    """Whether its accelerator holds it; None where its memory is not known."""
    stack: str = ""
    """The software that was taken."""
    constants: str = ""
    """Which fitted constants the prediction and its interval are by."""
    assumed: tuple[str, ...] = ()
    """What the row does not say, and was taken."""
    problem: str = ""
    """What kept the row, or a part of it, from being predicted or judged."""


def rows(own_rows: Sequence[Mapping[str, Any]] | None = None) -> list[ValidationRow]:
    """One line for each row, in their order. No row raises.

    Without own rows, the published ones, each predicted by constants that never saw its table or platform.
    """
    if own_rows is None:
        return [row_of(row, unseen=True) for row in published()]
    return [row_of(row) for row in own_rows]


def row_of(row: Mapping[str, Any], *, unseen: bool = False) -> TrainingRow:
    """The row, predicted, or with the problem that kept it from that. unseen: by constants fitted without its platform."""
    table, name = table_of_source(said(row, "source")), _name(row)
    quantity = f"step of {table}, s"
    measured, wrong = measured_of(row)
    case = case_of(row)
    if isinstance(case, str):
        found = compared(TABLE, name, quantity, published=measured, ours=None, note=case)
        return _as_training(found, measured_s=measured, problem=case, stack=said(row, "stack"))
    base = _of_case(row, case, (name, quantity), measured, table, unseen=unseen)
    problem = "; ".join(text for text in (placed(row, wrong) if wrong else "", base.problem) if text)
    return replace(base, problem=problem, note="; ".join(part for part in (problem, base.note) if part))


def measured_of(row: Mapping[str, Any]) -> tuple[float | None, str]:
    """The measured seconds, and what is wrong with the columns that say them; empty where nothing is."""
    wrong = "; ".join(text for column in MEASURED if (text := _strange(row, column)))
    if wrong:
        return (None if _strange(row, "iter_time_s") else number(row, "iter_time_s")), wrong
    seconds, rate = number(row, "iter_time_s"), number(row, "tokens_s_gpu")
    sizes = [count(row, column) for column in ("seq_len", "global_batch", "num_devices")]
    if seconds and rate and all(sizes):
        sequence, batch, devices = (size or 1 for size in sizes)
        told = sequence * batch / devices / rate
        if abs(told / seconds - 1) > APART:
            return None, f"ROW-003 iter_time_s={seconds:g} contradicts tokens_s_gpu={rate:g}, which is {told:.4g} s a step"
    return seconds, ""


def _strange(row: Mapping[str, Any], column: str) -> str:
    value = number(row, column)
    if is_blank(row, column) or (value is not None and value > 0):
        return ""
    return f"ROW-002 {column} is `{said(row, column)[:40]}`, not a finite number above 0"


def _name(row: Mapping[str, Any]) -> str:
    sizes = [f"{label}{said(row, column)}" for label, column in SIZES if said(row, column)]
    return ", ".join(part for part in (named(row, "model"), *sizes) if part) or "unnamed"


def _of_case(
    row: Mapping[str, Any], case: Case, place: tuple[str, str], measured: float | None, table: str, *, unseen: bool
) -> TrainingRow:
    """place: the row's name and quantity."""
    memory, machine = case.memory, case.machine
    fits = None if machine is None else memory.fits(machine.memory_bytes)
    warning = "" if machine is None or fits else NO_ROOM.format(memory.needed / GIB, machine.memory_bytes / GIB)
    held = memory.reserved if case.measures == "reserved" else memory.total
    seconds, problem = _seconds(case, constants_without(table) if unseen else None)
    by = _constants(case, table, unseen=unseen)
    tolerance = f"{TOLERANCE}, {HELD_OUT}" if unseen else TOLERANCE
    ours = compared(TABLE, *place, published=measured, ours=seconds, baseline=constant_s(case, table), tolerance=tolerance)
    note = "; ".join(part for part in (case.contradiction, warning, *case.notes, by) if part)
    found = _as_training(
        replace(ours, note=note, others=others_on(table)),
        predicted_s=seconds, measured_s=measured, baseline_s=ours.baseline, memory_bytes=held,
        memory_measured_bytes=_measured_bytes(row), fits=fits, stack=case.software.named.name, assumed=case.assumed,
        problem=placed(row, problem) if problem else "", constants=by,
    )  # fmt: skip
    return _judged(found, case, spread_without(table, case.architecture, case.plan) if unseen else None)


def _constants(case: Case, table: str, *, unseen: bool) -> str:
    """Which constants were taken, and whether they saw the row's table."""
    if unseen:
        return told(table, case.architecture, case.plan)
    seen = platform_of(table) is not None or spread_without(table, case.architecture, case.plan) is not None
    return f"{SHIPPED}, {FITTED_ON} its table among others" if seen and table != OWN else SHIPPED


def _as_training(row: ValidationRow, **more: Any) -> TrainingRow:
    return TrainingRow(**{field.name: getattr(row, field.name) for field in fields(ValidationRow)}, **more)


def _judged(found: TrainingRow, case: Case, spread: Quantiles | None) -> TrainingRow:
    """With its interval, and whether the measured time lies in it; rows that contradict themselves are not judged."""
    if found.predicted_s is None:
        return found
    stack = None if case.software.unstated else case.stack
    low, high = interval_of(found.predicted_s, architecture=case.architecture, plan=case.plan, stack=stack, spread=spread)
    found = replace(found, low_s=low, high_s=high)
    if case.contradiction:
        return unjudged(found)
    return replace(found, hit=None if found.measured_s is None else low <= found.measured_s <= high)


def _seconds(case: Case, constants: StepConstants | None) -> tuple[float | None, str]:
    """Seconds of a step, or why there are none. constants: others than the shipped ones."""
    if case.machine is None:
        return None, case.no_machine
    try:
        step = step_of(case.architecture, case.plan, case.machine.cluster, case.stack, constants=constants)
        return float(step.seconds), ""
    except DatahallError as error:
        return None, in_columns(problem_of(error))


def _measured_bytes(row: Mapping[str, Any]) -> float | None:
    """Published figures are in GiB, as their tools print them."""
    figure = number(row, "mem_gb")
    return None if figure is None or figure <= 0 else figure * GIB


def published() -> list[dict[str, Any]]:
    """Rows with a time, of the whole tables where `$DATAHALL_SHARED` has them; of others, those that come with Datahall."""
    folder = shared_folder()
    paths = sorted((folder / "reference/training").glob("*.csv")) if folder else []
    whole = [row for path in paths for row in read_rows(path)[1] if not is_blank(row, "iter_time_s")]
    found = {table_of_source(said(row, "source")) for row in whole}
    return whole + [row for row in shipped() if table_of_source(said(row, "source")) not in found]


def shipped() -> list[dict[str, Any]]:
    """The rows that come with Datahall: a group's common cells, then each row's own."""
    found = list[dict[str, Any]]()
    for group in read(PUBLISHED).data["groups"]:
        columns = group["columns"]
        found += [group["common"] | dict(zip(columns, cells, strict=True)) for cells in group["rows"]]
    return found

"""Published serving throughput beside ours: tokens/s, an interval, and the constant that we must beat."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from datahall.foundation.document import read
from datahall.foundation.errors import DatahallError
from datahall.models.inference import throughput_of
from datahall.models.inference.engines import fitted, fitted_experts
from datahall.models.inference.uncertainty import interval_of, uncertainty
from datahall.planner.validation.cells import is_blank, named, placed, said
from datahall.planner.validation.hardware import problem_of
from datahall.planner.validation.rows import ValidationRow, compared
from datahall.planner.validation.serving_baseline import constant_tokens_per_s
from datahall.planner.validation.serving_rows import ServingCase, case_of, engine_of, measured_of, metric_of, unit_of
from datahall.planner.validation.tables import FITTED_ON, HELD_OUT, read_rows, shared_folder

TABLE = "serving"
PUBLISHED = Path(__file__).with_name("serving_rows.yaml")
TOLERANCE = "within its 80 % interval"
LABELS = (("", "hardware"), ("devices ", "num_devices"), ("t", "tp"), ("p", "pp"), ("", "precision"))


@dataclass(frozen=True, slots=True)
class ServingRow(ValidationRow):
    """A serving row: what was measured, what we say, and why not where we say nothing."""

    predicted: float | None = None
    """In the row's own metric."""
    unit: str = ""
    """Of `predicted`: `output tokens/s`, `total tokens/s`, `requests/s`, each also of each accelerator."""
    predicted_tokens_per_s: float | None = None
    """Output tokens/s of the whole, whatever the row's metric; so the four below."""
    low_tokens_per_s: float | None = None
    high_tokens_per_s: float | None = None
    """Between these lie about 80 % of rows of such software. A published row is judged by an interval that its own model or
    software had no say in."""
    measured_tokens_per_s: float | None = None
    baseline_tokens_per_s: float | None = None
    """One share of a roofline."""
    engine: str = ""
    """The software that was taken."""
    assumed: tuple[str, ...] = ()
    """What the row does not say, and was taken."""
    problem: str = ""
    """What kept the row from being predicted or judged."""


@dataclass(frozen=True, slots=True)
class Told:
    """Of one row, output tokens/s of the whole; times `factor` in its own metric."""

    factor: float
    measured: float | None
    ours: float
    interval: tuple[float, float]
    constant: float


def rows(own_rows: Sequence[Mapping[str, Any]] | None = None) -> list[ValidationRow]:
    """One line for each row, in their order. Without own rows, the published ones. No row raises."""
    if own_rows is not None:
        return [row_of(row) for row in own_rows]
    return [_of_publication(row, row_of(row, left_out=groups_of(row))) for row in published()]


def _of_publication(row: Mapping[str, Any], found: ServingRow) -> ServingRow:
    """Summed up by software, and by whether constants were fitted on it."""
    seen = seen_of(row)
    metric = "output tokens/s of each accelerator" if "per_gpu" in found.quantity else "output tokens/s"
    words = HELD_OUT if seen.startswith(HELD_OUT) else FITTED_ON
    judged = _judged_by(row)
    note = "; ".join(part for part in (seen, judged if found.hit is not None else "", found.problem) if part)
    return replace(found, quantity=f"{metric}, {said(row, 'engine').split(',')[0]}, {words}", note=note)


def _judged_by(row: Mapping[str, Any]) -> str:
    """Whose rows had no say in the interval: of the software where nothing was fitted on it, else of the model."""
    software, model = groups_of(row)
    known = (*uncertainty().engines, fitted_experts().engines[0])
    return f"judged by an interval that no row of {f'{model} under it' if software in known else 'this software'} had a say in"


def seen_of(row: Mapping[str, Any]) -> str:
    """Whether constants were fitted on the row: on its software, and there on its model."""
    name, model = engine_of(row, []).name, said(row, "model")
    if name == fitted_experts().engines[0]:
        models = fitted_experts().models
    elif name in uncertainty().engines:
        models = fitted().models
    else:
        return f"{HELD_OUT}: no constant saw this software"
    return f"{FITTED_ON} this model" if model in models else f"{HELD_OUT}: no constant saw this model under this software"


def groups_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Groups of rows that an interval may have been taken from, and that this row is one of."""
    return engine_of(row, []).name, said(row, "model")


def row_of(row: Mapping[str, Any], *, left_out: Collection[str] = ()) -> ServingRow:
    """The row, predicted, or with the problem that kept it from that. left_out: of what must not have a say in its interval."""
    measured, case = measured_of(row), case_of(row)
    strange = (
        "" if measured or is_blank(row, "measured_value") else f"ROW-002 measured_value is `{said(row, 'measured_value')}`"
    )
    if isinstance(case, str):
        return _refused(row, measured, case)
    factor, wrong = metric_of(row, case)
    if wrong:
        return _refused(row, measured, placed(row, wrong))
    try:
        ours = throughput_of(case.architecture, case.plan, case.cluster, case.load, case.engine).output_tokens_per_s
    except DatahallError as error:
        return _refused(row, measured, placed(row, problem_of(error)))
    interval = interval_of(
        ours, case.software, experts=case.architecture.experts is not None, device=case.cluster.device.name, left_out=left_out
    )
    told = Told(factor, None if measured is None else measured / factor, ours, interval, constant_tokens_per_s(case))
    return _judged(row, case, told, placed(row, strange) if strange else "")


def _name(row: Mapping[str, Any]) -> str:
    sizes = [f"{label}{said(row, column)}" for label, column in LABELS if said(row, column)]
    lengths = f"{said(row, 'input_len')}/{said(row, 'output_len')}"
    return ", ".join(part for part in (named(row, "model"), *sizes, lengths) if part)


def _quantity(row: Mapping[str, Any]) -> str:
    return said(row, "measured_metric") or "output tokens/s"


def _refused(row: Mapping[str, Any], measured: float | None, why: str) -> ServingRow:
    found = compared(TABLE, _name(row), _quantity(row), published=measured, ours=None, note=why)
    return _as_serving(found, problem=why)


def _judged(row: Mapping[str, Any], case: ServingCase, told: Told, strange: str) -> ServingRow:
    low, high = told.interval
    hit = None if told.measured is None else low <= told.measured <= high
    note = "; ".join(part for part in (strange, *case.assumed) if part)
    ours, constant = told.factor * told.ours, told.factor * told.constant
    found = compared(
        TABLE, _name(row), _quantity(row), published=measured_of(row), ours=ours, hit=hit, baseline=constant,
        tolerance=TOLERANCE, note=note,
    )  # fmt: skip
    return _as_serving(
        found, predicted=ours, unit=unit_of(row), predicted_tokens_per_s=told.ours, low_tokens_per_s=low,
        high_tokens_per_s=high, measured_tokens_per_s=told.measured, baseline_tokens_per_s=told.constant,
        engine=case.engine.name, assumed=case.assumed, problem=strange,
    )  # fmt: skip


def _as_serving(row: ValidationRow, **more: Any) -> ServingRow:
    return ServingRow(**{field.name: getattr(row, field.name) for field in fields(ValidationRow)}, **more)


def published() -> list[dict[str, Any]]:
    """The whole table where `$DATAHALL_SHARED` has it, and of the rows that come with Datahall those that it lacks."""
    folder, own = shared_folder(), shipped()
    path = folder / "reference/serving.csv" if folder else None
    if path is None or not path.is_file():
        return own
    whole = read_rows(path)[1]
    there = {(said(row, "source"), said(row, "model")) for row in whole}
    return [*whole, *(row for row in own if (said(row, "source"), said(row, "model")) not in there)]


def shipped() -> list[dict[str, Any]]:
    """The rows that come with Datahall: a group's common cells, then each row's own."""
    found = list[dict[str, Any]]()
    for group in read(PUBLISHED).data["groups"]:
        found += [group["common"] | dict(zip(group["columns"], cells, strict=True)) for cells in group["rows"]]
    return found

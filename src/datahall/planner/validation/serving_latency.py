"""Published latency of serving beside what the played scheduler gives: mean times to the first token, and between tokens."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from datahall.foundation.document import read
from datahall.foundation.errors import DatahallError
from datahall.models.inference import Latency, latency_of
from datahall.planner.validation.cells import count, is_blank, named, number, placed, said
from datahall.planner.validation.hardware import problem_of
from datahall.planner.validation.rows import ValidationRow, compared
from datahall.planner.validation.serving_rows import case_of
from datahall.planner.validation.tables import FITTED_ON, HELD_OUT

TABLE = "latency"
PUBLISHED = Path(__file__).with_name("serving_latency_rows.yaml")
MEASURES = {"ttft_ms": "time to first token, mean, ms", "itl_ms": "time between tokens, mean, ms"}
TOLERANCE_RATIO = 0.25
TOLERANCE = f"within {TOLERANCE_RATIO:.0%}"
REQUEST_FITTED_ON = "LLaMA 3.1 70B"
"""By its times to the first token the time of a request outside its steps was chosen; nothing else by any latency."""


def rows(own_rows: Sequence[Mapping[str, Any]] | None = None) -> list[ValidationRow]:
    """Two lines of each row: published milliseconds beside ours. Without own rows, the published ones. No row raises."""
    if own_rows is not None:
        return [line for row in own_rows for line in _lines(row)]
    return [_seen(row, line) for row in published() for line in _lines(row)]


def published() -> list[dict[str, Any]]:
    """The rows that come with Datahall."""
    found = list[dict[str, Any]]()
    for table in read(PUBLISHED).data["tables"]:
        for group in table["groups"]:
            shared = table["common"] | {name: value for name, value in group.items() if name != "rows"}
            shared |= {"num_devices": group["tp"]}
            found += [shared | dict(zip(table["columns"], cells, strict=True)) for cells in group["rows"]]
    return found


def _lines(row: Mapping[str, Any]) -> Iterator[ValidationRow]:
    played = played_of(row)
    name = f"{named(row, 'model', 'hardware')}, t{said(row, 'tp')}, {said(row, 'input_len')}/{said(row, 'output_len')}"
    name += f", {said(row, 'requests_per_s')} requests/s" if _offered(row) else f", {said(row, 'concurrency')} at once"
    for column, quantity in MEASURES.items():
        if is_blank(row, column) and not isinstance(played, str):
            continue
        measured = number(row, column)
        if isinstance(played, str):
            yield compared(TABLE, name, quantity, published=measured, ours=None, note=played)
            continue
        ours = 1e3 * (played.ttft_s if column == "ttft_ms" else played.tpot_s)["mean"]
        note = "" if played.stable else played.method
        hit = None if measured is None or measured <= 0 else abs(ours / measured - 1) <= TOLERANCE_RATIO
        yield compared(TABLE, name, quantity, published=measured, ours=ours, hit=hit, tolerance=TOLERANCE, note=note)


def _seen(row: Mapping[str, Any], line: ValidationRow) -> ValidationRow:
    """With a word whether a constant was chosen by the row: those are summed up apart from the others."""
    chosen = line.quantity == MEASURES["ttft_ms"] and said(row, "model") == REQUEST_FITTED_ON
    words = f"{HELD_OUT}: no constant was chosen by it"
    if chosen:
        words = f"{FITTED_ON} this model: the time of a request outside its steps"
    quantity = f"{line.quantity}, {FITTED_ON}" if chosen else line.quantity
    return replace(line, quantity=quantity, note="; ".join(filter(None, (words, line.note))))


def _offered(row: Mapping[str, Any]) -> bool:
    """Whether requests arrive at a rate, and not as others leave."""
    return not is_blank(row, "requests_per_s")


def played_of(row: Mapping[str, Any]) -> Latency | str:
    """What the simulation of the row's run says, or why there is none."""
    case, rate = case_of(row), number(row, "requests_per_s")
    if isinstance(case, str):
        return case
    if _offered(row) and (rate is None or rate <= 0):
        return placed(row, f"ROW-001 requests_per_s is `{said(row, 'requests_per_s')}`, not a finite number above 0")
    update = {"requests": None, "concurrency": None if rate else case.load.concurrency, "requests_per_s": rate}
    load = case.load.model_copy(update=update)
    requests = min(20_000, max(10, count(row, "requests") or 2000))
    try:
        return latency_of(case.architecture, case.plan, case.cluster, load, case.engine, requests=requests)
    except DatahallError as error:
        return placed(row, problem_of(error))

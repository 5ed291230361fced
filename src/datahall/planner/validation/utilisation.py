"""The constant that a prediction must beat: one share of the data sheet's peak, chosen on other tables than the row's own."""

import functools
import re
import statistics
from pathlib import Path

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.spec import Spec
from datahall.models.cost.operations import operations_of
from datahall.planner.validation.held_out import tables_beside
from datahall.planner.validation.training_rows import Case

FILE = Path(__file__).with_name("utilisation.yaml")
OWN = "own rows"
"""What rows are called whose source is none of the published tables."""


class Share(Spec):
    """A published table's."""

    table: str
    words: str
    """By which a row's source is known to be of it."""
    title: str
    """For people."""
    ratio: float | None = Field(default=None, gt=0, le=1)
    """Median over its rows: time at the data sheet's peak over measured time. None where it has no times."""
    rows: int = Field(default=0, ge=0)
    others: str = ""
    """What others' models are known to err by on it, in words."""


class Shares(Spec):
    """What benchmarks/models/fit_uncertainty.py wrote; tables, words and titles are by hand."""

    tables: tuple[Share, ...]
    source: str
    date: str


@functools.cache
def shares() -> tuple[Share, ...]:
    return load(FILE, Shares).tables


@functools.cache
def table_of_source(source: str) -> str:
    """The published table that a row's source belongs to, or `OWN`."""
    return next((share.table for share in shares() if re.search(share.words, source, re.IGNORECASE)), OWN)


@functools.cache
def share_without(table: str) -> float:
    """The median over tables of other platforms of each table's median share."""
    own = tables_beside(table)
    return statistics.median(share.ratio for share in shares() if share.ratio is not None and share.table not in own)


@functools.cache
def others_on(table: str) -> str:
    """What others' models err by on a table, in words; empty where that is not known."""
    return next((share.others for share in shares() if share.table == table), "")


def peak_s(case: Case) -> float | None:
    """Seconds at the data sheet's peak for all FLOPs that the hardware does, recomputation counted; None without a machine."""
    plan = case.plan
    if case.machine is None:
        return None
    rate = case.machine.cluster.device.flop_per_s.get(plan.precision)
    if rate is None:
        return None
    flop = operations_of(
        case.architecture, sequence=plan.sequence, batch=plan.global_batch, causal=plan.flash_attention
    )  # fmt: skip
    half = (flop.forward - flop.scores - flop.values - flop.output) / 2
    all_of_it = flop.model + half if plan.recompute == "operators" else flop.hardware(plan.recompute)
    return all_of_it / (rate * plan.accelerators)


def constant_s(case: Case, table: str) -> float | None:
    """What the constant says of a row of `table`; None where no peak is known."""
    fastest = peak_s(case)
    return None if fastest is None else fastest / share_without(table)

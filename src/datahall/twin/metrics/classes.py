"""Waits and slowdowns of each tenant, queue and size of job."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datahall.twin.metrics.distribution import SIZES, grouped, size_codes
from datahall.twin.metrics.integrals import unit_of
from datahall.twin.metrics.outcomes import Outcomes
from datahall.twin.workload.summary import Spread
from datahall.twin.workload.trace import Flags, Trace

MAX_CLASSES = 1000
"""Of one kind, the largest by jobs: a table of all users of a year is no table."""


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """Jobs of one tenant, queue or size."""

    jobs: int
    wait_s: Spread
    completion_s: Spread
    slowdown: Spread


def classes_of(trace: Trace, outcomes: Outcomes, inside: Flags) -> dict[str, dict[str, ClassMetrics]]:
    sizes = size_codes(unit_of(trace) / 1e3)
    kinds = {"user": (trace.user, trace.user_names), "queue": (trace.queue, trace.queue_names)}
    kinds |= {"group": (trace.group, trace.group_names), "size": (sizes, tuple(each.name for each in SIZES))}
    wait, completion, slowdown = outcomes.columns
    started, done = inside & outcomes.started, inside & outcomes.done
    columns = (_sorted(wait, started), _sorted(completion, done), _sorted(slowdown, done))
    found = {name: _by_code(columns, inside, codes, names) for name, (codes, names) in kinds.items()}
    return {name: table for name, table in found.items() if table}


def _sorted(values: NDArray[np.float64], kept: Flags) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The kept values in rising order, and the jobs they are of."""
    rows = np.flatnonzero(kept)
    order = rows[np.argsort(values[rows])]
    return values[order], order


def _by_code(
    columns: tuple[tuple[NDArray[np.float64], NDArray[np.int64]], ...],
    inside: Flags,
    codes: NDArray[np.integer],
    names: tuple[str, ...],
) -> dict[str, ClassMetrics]:
    """columns: waits, completion times and slowdowns, as `_sorted` gives them."""
    spreads = [grouped(values, codes[rows]) for values, rows in columns]
    counts = np.bincount(codes[inside & (codes >= 0)])
    largest = [code for code in np.argsort(-counts, kind="stable")[:MAX_CLASSES].tolist() if counts[code]]
    none = Spread(0.0, 0.0, 0.0, 0.0, 0.0)
    return {
        names[code] if code < len(names) else str(code): ClassMetrics(
            int(counts[code]), *(spread.get(code, none) for spread in spreads)
        )
        for code in sorted(largest)
    }

"""Whether a schedule kept the rules that no policy may break."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem
from datahall.twin.metrics.capacity import CapacityOverTime
from datahall.twin.metrics.integrals import used
from datahall.twin.metrics.outcomes import ordered
from datahall.twin.metrics.schedule import Pieces, Schedule
from datahall.twin.metrics.steps import Steps
from datahall.twin.workload.trace import NONE, Flags

Integers = NDArray[np.int64]
BUG = "this is a fault of what made the schedule, not of the trace: report it with the trace and the policy"


def check(schedule: Schedule, capacity: CapacityOverTime) -> tuple[Problem, ...]:
    """One Problem for each rule that was broken, with the first time and job that broke it; empty when all were kept.

    At one moment, work ends before machines change and before work starts.
    """
    return (*_of_times(schedule), *_of_jobs(schedule), *_of_capacity(schedule, capacity), *_of_places(schedule, capacity))


def _of_times(schedule: Schedule) -> Iterator[Problem]:
    submit = schedule.trace.submit_ms[schedule.job]
    early, backwards = schedule.start_ms < submit, (schedule.end_ms != NONE) & (schedule.end_ms < schedule.start_ms)

    def before(row: int) -> str:
        return f"it starts {(submit[row] - schedule.start_ms[row]) / 1e3:g} s before it is submitted"

    def ends(row: int) -> str:
        return f"it ends {(schedule.start_ms[row] - schedule.end_ms[row]) / 1e3:g} s before it starts"

    yield from _first("TWIN-080", schedule, "an attempt starts when its job was submitted, or later", early, before)
    yield from _first("TWIN-081", schedule, "an attempt ends when it started, or later", backwards, ends)


def _of_jobs(schedule: Schedule) -> Iterator[Problem]:
    """No job runs twice at once, none runs again when it is done."""
    order = ordered(schedule)
    job, start, until = schedule.job[order], schedule.start_ms[order], schedule.until_ms[order]
    again = np.diff(job) == 0
    bad = np.zeros(len(schedule), np.bool_)
    bad[order[1:][again & (start[1:] < until[:-1])]] = True
    yield from _first(
        "TWIN-082",
        schedule,
        "one attempt at a job runs at a time",
        bad,
        lambda _: "it starts while another attempt at it still runs",
    )
    bad = np.zeros(len(schedule), np.bool_)
    bad[order[1:][again & schedule.finished[order][:-1]]] = True
    yield from _first(
        "TWIN-083", schedule, "a job that is done does not run again", bad, lambda _: "it starts again although it was done"
    )


def _of_capacity(schedule: Schedule, capacity: CapacityOverTime) -> Iterator[Problem]:
    for amount, limit, what in (
        (schedule.gpu_milli, capacity.gpu_milli, "accelerators"),
        (schedule.cpu_milli, capacity.cpu_milli, "cores"),
    ):
        held = used(schedule, amount)
        yield from _beyond(schedule, held, limit, what)
        if what == "accelerators" and schedule.free_gpu_milli is not None:
            yield from _unequal(held, schedule.free_gpu_milli, limit)


def _beyond(schedule: Schedule, held: Steps, limit: Steps, what: str) -> Iterator[Problem]:
    times = _moments(held, limit)
    seen, allowed = held.at(times), limit.at(times)
    over = np.flatnonzero(seen > allowed)
    if len(over):
        moment = over[0]
        told = f"{seen[moment] / 1e3:g} {what} are held, but {allowed[moment] / 1e3:g} are up ({len(over)} moments like it)"
        yield Problem("TWIN-084", _where(schedule, _latest(schedule, int(times[moment])), int(times[moment])), told, BUG)


def _unequal(held: Steps, free: Steps, limit: Steps) -> Iterator[Problem]:
    times = _moments(held, free, limit)
    times = times[times >= free.at_ms[0]] if len(free.at_ms) else times[:0]
    off = np.flatnonzero(held.at(times) + free.at(times) != limit.at(times))
    if len(off):
        at = times[off[0] : off[0] + 1]
        parts = [f"{float(each.at(at)[0]) / 1e3:g}" for each in (held, free, limit)]
        told = f"{parts[0]} accelerators held and {parts[1]} free are not the {parts[2]} that are up"
        yield Problem("TWIN-085", f"{int(at[0]) / 1e3:g} s", f"{told} ({len(off)} moments like it)", BUG)


def _of_places(schedule: Schedule, capacity: CapacityOverTime) -> Iterator[Problem]:
    """Gangs whole, machines not overfull."""
    pieces = schedule.pieces
    if pieces is None:
        return
    placed = np.bincount(pieces.attempt, weights=pieces.workers, minlength=len(schedule)).astype(np.int64)
    gang = schedule.trace.workers[schedule.job]
    yield from _first("TWIN-086", schedule, "a gang starts whole or not at all", placed != gang, lambda row: (
        f"{placed[row]} of its {gang[row]} workers have a place"))  # fmt: skip
    if capacity.node_gpu_milli is not None:
        yield from _overfull(schedule, pieces, capacity.node_gpu_milli.astype(np.int64))


def _overfull(schedule: Schedule, pieces: Pieces, limit: Integers) -> Iterator[Problem]:
    unknown = (pieces.node < 0) | (pieces.node >= len(limit))
    if unknown.any():
        lost = int(pieces.attempt[unknown][0])
        told = f"it is placed on machine {pieces.node[unknown][0]}, but there are {len(limit)}"
        yield Problem("TWIN-087", _where(schedule, lost, int(schedule.start_ms[lost])), told, BUG)
        return
    amount = pieces.workers * (schedule.gpu_milli // schedule.trace.workers[schedule.job])[pieces.attempt]
    node, attempt = np.tile(pieces.node, 2), np.tile(pieces.attempt, 2)
    at = np.concatenate([schedule.start_ms[pieces.attempt], schedule.until_ms[pieces.attempt]])
    change = np.concatenate([amount, -amount])
    order = np.lexsort((change, at, node))  # what ends comes first
    total = np.cumsum(change[order])  # back to 0 behind the last end of each machine
    over = np.flatnonzero(total > limit[node[order]])
    if len(over):
        row = order[over[np.argmin(at[order[over]])]]
        told = f"machine {node[row]} holds more than its {limit[node[row]] / 1e3:g} accelerators"
        yield Problem("TWIN-087", _where(schedule, int(attempt[row]), int(at[row])), told, BUG)


def _first(code: str, schedule: Schedule, rule: str, bad: Flags, told: Callable[[int], str]) -> Iterator[Problem]:
    rows = np.flatnonzero(bad)
    if len(rows):
        row = int(rows[np.argmin(schedule.start_ms[rows])])
        more = f" ({len(rows)} attempts like it)" if len(rows) > 1 else ""
        yield Problem(code, _where(schedule, row, int(schedule.start_ms[row])), f"{told(row)}{more}, but {rule}", BUG)


def _moments(*steps: Steps) -> Integers:
    times = np.sort(np.concatenate([each.at_ms for each in steps]), kind="stable")
    return times[np.diff(times, prepend=times[:1] - 1) > 0]  # np.unique is ten times slower here


def _latest(schedule: Schedule, at_ms: int) -> int:
    """The attempt that started last up to the moment: what it came on top of held before."""
    before = schedule.start_ms <= at_ms
    return int(np.argmax(np.where(before, schedule.start_ms, -(2**62))))


def _where(schedule: Schedule, attempt: int, at_ms: int) -> str:
    return f"{at_ms / 1e3:g} s, job {schedule.trace.job_id[schedule.job[attempt]]}"

"""A schedule in figures: of its jobs, of its accelerators and cores over time, of its tenants."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from datahall.twin.metrics.capacity import CapacityOverTime
from datahall.twin.metrics.classes import MAX_CLASSES, ClassMetrics, classes_of
from datahall.twin.metrics.cut import Cut
from datahall.twin.metrics.fairness import Fairness, fairness_of
from datahall.twin.metrics.integrals import held_ms, unit_of, waiting
from datahall.twin.metrics.intervals import Interval, bootstrap_mean
from datahall.twin.metrics.outcomes import Outcomes, outcomes_of
from datahall.twin.metrics.schedule import Schedule
from datahall.twin.metrics.steps import Steps
from datahall.twin.workload.summary import Spread
from datahall.twin.workload.trace import Flags, Trace

Tenants = Literal["user", "queue", "group"]
HOUR_MS = 3.6e6


@dataclass(frozen=True, slots=True)
class Use:
    """Of accelerators or cores over the time that counts."""

    held_hours: float
    capacity_hours: float | None
    """Of what was up; None without a capacity."""
    allocation_ratio: float | None
    """Held over what was up."""
    utilisation_ratio: float | None
    """The same, weighted by how busy each was kept; None where the schedule does not know."""


@dataclass(frozen=True)
class Metrics:
    """What a schedule was like. Jobs count that were submitted within the cut, time that lies in it. Seconds, hours, ratios."""

    jobs: int
    started: int
    done: int
    attempts: int
    """Of these jobs; more than were started when some were interrupted."""
    from_s: float
    to_s: float
    makespan_s: float
    """From the first submission to the last end, of these jobs."""
    wait_s: Spread
    """Of jobs that started."""
    completion_s: Spread
    """Of jobs that were done."""
    slowdown: Spread
    """Bounded at 10 s."""
    wait_mean_s: Interval
    completion_mean_s: Interval
    slowdown_mean: Interval
    accelerators: Use
    cores: Use
    queue_mean: float
    """Jobs that wait, over time."""
    queue_p95: float
    queue_max: float
    goodput_ratio: float
    """Of what was held over the whole run, accelerators (or cores) times time, the share whose work was not lost."""
    lost_hours: float
    """Accelerator hours, or core hours where no job has accelerators, since the last checkpoints of interrupted attempts."""
    fragmentation_mean_ratio: float | None
    fragmentation_max_ratio: float | None
    fairness: Fairness
    by: Mapping[str, Mapping[str, ClassMetrics]]
    """By `user`, `queue`, `group` and `size`, where the trace has them."""
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def rows(self) -> tuple[tuple[str, str], ...]:
        """A table for a terminal: what, and how much."""
        from datahall.twin.metrics.words import rows_of  # noqa: PLC0415  it is about this class: not a cycle at start

        return rows_of(self)


def metrics_of(
    schedule: Schedule,
    *,
    cut: Cut | None = None,
    capacity: CapacityOverTime | None = None,
    tenants: Tenants = "user",
    shares: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Metrics:
    """All figures of a schedule.

    cut: without it everything counts. shares: by tenant's name, 1 where it is not named. seed: of the bootstrap. Raises Refused
    for shares of tenants that are not in the trace.
    """
    trace, outcomes = schedule.trace, outcomes_of(schedule)
    from_ms, to_ms = _window(schedule, cut)
    inside = _inside(trace, cut)
    started, done = inside & outcomes.started, inside & outcomes.done
    wait, completion, slowdown = outcomes.columns
    unit, names = unit_of(trace), getattr(trace, f"{tenants}_names")
    queue, by = waiting(schedule), classes_of(trace, outcomes, inside)
    kept, held = _kept(schedule, unit)
    pieces = schedule.fragmentation_ratio
    gpu, cpu = (capacity.gpu_milli, capacity.cpu_milli) if capacity else (None, None)
    return Metrics(
        jobs=int(inside.sum()),
        started=int(started.sum()),
        done=int(done.sum()),
        attempts=int(outcomes.attempts[inside].sum()),
        from_s=from_ms / 1e3,
        to_s=to_ms / 1e3,
        makespan_s=_makespan_s(trace, outcomes, done, inside),
        wait_s=Spread.of(wait[started]),
        completion_s=Spread.of(completion[done]),
        slowdown=Spread.of(slowdown[done]),
        wait_mean_s=bootstrap_mean(wait[started], seed=seed, name="wait"),
        completion_mean_s=bootstrap_mean(completion[done], seed=seed, name="completion"),
        slowdown_mean=bootstrap_mean(slowdown[done], seed=seed, name="slowdown"),
        accelerators=_use(schedule, schedule.gpu_milli, gpu, (from_ms, to_ms), busy=True),
        cores=_use(schedule, schedule.cpu_milli, cpu, (from_ms, to_ms), busy=False),
        queue_mean=queue.mean(from_ms, to_ms),
        queue_p95=queue.percentile(95, from_ms, to_ms),
        queue_max=queue.max(from_ms, to_ms),
        goodput_ratio=kept / held if held else 1.0,
        lost_hours=(held - kept) / HOUR_MS / 1e3,
        fragmentation_mean_ratio=pieces.mean(from_ms, to_ms) if pieces else None,
        fragmentation_max_ratio=pieces.max(from_ms, to_ms) if pieces else None,
        fairness=fairness_of(schedule, getattr(trace, tenants), names, unit, window=(from_ms, to_ms), shares=shares),
        by=by,
        notes=(*_notes(inside, started, done), *_cropped(by)),
    )


def _window(schedule: Schedule, cut: Cut | None) -> tuple[int, int]:
    if cut is not None:
        return cut.from_ms, cut.to_ms
    first = int(schedule.trace.submit_ms[0]) if len(schedule.trace) else 0
    return first, max(first, schedule.end_of_run_ms)


def _inside(trace: Trace, cut: Cut | None) -> Flags:
    if cut is None:
        return np.ones(len(trace), np.bool_)
    return (trace.submit_ms >= cut.from_ms) & (trace.submit_ms < cut.to_ms)


def _makespan_s(trace: Trace, outcomes: Outcomes, done: Flags, inside: Flags) -> float:
    if not done.any():
        return 0.0
    return float(outcomes.end_ms[done].max() - trace.submit_ms[inside][0]) / 1e3


def _use(
    schedule: Schedule,
    amount: NDArray[np.int64],
    capacity: Steps | None,
    window: tuple[int, int],
    *,
    busy: bool,
) -> Use:
    held = held_ms(schedule, amount, *window)
    total, up = float(held.sum()), capacity.integral(*window) if capacity is not None else None
    working = float(np.dot(held, schedule.busy_ratio)) if busy and schedule.busy_ratio is not None else None
    return Use(
        held_hours=total / HOUR_MS / 1e3,
        capacity_hours=None if up is None else up / HOUR_MS / 1e3,
        allocation_ratio=total / up if up else None,
        utilisation_ratio=working / up if up and working is not None else None,
    )


def _kept(schedule: Schedule, unit: NDArray[np.int64]) -> tuple[float, float]:
    amount = unit[schedule.job].astype(np.float64)
    ran = (schedule.until_ms - schedule.start_ms).astype(np.float64)
    return float(np.dot(schedule.kept.astype(np.float64), amount)), float(np.dot(ran, amount))


def _notes(inside: Flags, started: Flags, done: Flags) -> tuple[str, ...]:
    never, open_ = int((inside & ~started).sum()), int((started & ~done).sum())
    notes = []
    if never:
        notes.append(f"{never} jobs never started: no wait of theirs is in the figures, which flatters them")
    if open_:
        notes.append(f"{open_} jobs started but were not done: their completion times are not in the figures")
    if not inside.any():
        notes.append("no job was submitted within the cut: all figures of jobs are 0")
    return tuple(notes)


def _cropped(by: Mapping[str, Mapping[str, ClassMetrics]]) -> list[str]:
    full = [name for name, table in by.items() if len(table) == MAX_CLASSES]
    return [f"by {name}: only the {MAX_CLASSES} with the most jobs are listed" for name in full]

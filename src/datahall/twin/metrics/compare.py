"""Two schedules of the same trace, job by job."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from datahall.foundation.errors import Problem, Refused
from datahall.twin.metrics.cut import Cut
from datahall.twin.metrics.intervals import Interval, bootstrap_mean
from datahall.twin.metrics.outcomes import Outcomes, outcomes_of
from datahall.twin.metrics.schedule import Schedule
from datahall.twin.workload.trace import Flags, Trace


@dataclass(frozen=True, slots=True)
class Comparison:
    """The second less the first, over jobs that both have done; below 0 the second is better."""

    jobs: int
    wait_s: Interval
    completion_s: Interval
    slowdown: Interval
    sooner_ratio: float
    """Jobs that the second had done sooner."""
    later_ratio: float
    other_start: int
    """Jobs that started at another moment, of those that both started."""
    only_first: int
    """Jobs that only the first has done."""
    only_second: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(first: Schedule, second: Schedule, *, cut: Cut | None = None, seed: int = 0) -> Comparison:
    """Paired: the spread between jobs, which is large, drops out. Raises Refused for schedules of different traces."""
    _same_jobs(first.trace, second.trace)
    one, other = outcomes_of(first), outcomes_of(second)
    submit = first.trace.submit_ms
    inside = (submit >= cut.from_ms) & (submit < cut.to_ms) if cut else np.ones(len(submit), np.bool_)
    both = inside & one.done & other.done
    later = (other.end_ms - one.end_ms)[both]
    wait, completion, slowdown = _intervals(one, other, both, seed)
    return Comparison(
        jobs=int(both.sum()),
        wait_s=wait,
        completion_s=completion,
        slowdown=slowdown,
        sooner_ratio=float((later < 0).mean()) if len(later) else 0.0,
        later_ratio=float((later > 0).mean()) if len(later) else 0.0,
        other_start=int((inside & one.started & other.started & (one.start_ms != other.start_ms)).sum()),
        only_first=int((inside & one.done & ~other.done).sum()),
        only_second=int((inside & other.done & ~one.done).sum()),
    )


def _intervals(one: Outcomes, other: Outcomes, both: Flags, seed: int) -> tuple[Interval, Interval, Interval]:
    return (
        bootstrap_mean((other.wait_ms - one.wait_ms)[both] / 1e3, seed=seed, name="compare/wait"),
        bootstrap_mean((other.completion_ms - one.completion_ms)[both] / 1e3, seed=seed, name="compare/completion"),
        bootstrap_mean((other.slowdown - one.slowdown)[both], seed=seed, name="compare/slowdown"),
    )


def _same_jobs(one: Trace, other: Trace) -> None:
    if one is other:
        return
    if not (np.array_equal(one.job_id, other.job_id) and np.array_equal(one.submit_ms, other.submit_ms)):
        what = f"one schedule is of {len(one)} jobs, the other of {len(other)}, and they are not the same jobs"
        raise Refused(Problem("TWIN-075", "compare", what, "compare schedules of one trace; shaken traces are other traces"))

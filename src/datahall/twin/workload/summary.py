"""A trace in a dozen numbers."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.twin.workload.trace import STATUSES, Trace

PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean, percentiles and extremes of a column; all 0 of no rows."""

    mean: float
    p50: float
    p95: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: NDArray[Any], scale: float = 1.0) -> "Spread":
        if not len(values):
            return cls(0.0, 0.0, 0.0, 0.0, 0.0)
        scaled = values * scale
        p50, p95, p99 = np.percentile(scaled, PERCENTILES).tolist()
        return cls(float(scaled.mean()), p50, p95, p99, float(scaled.max()))


@dataclass(frozen=True, slots=True)
class Summary:
    """What a trace asks of a cluster. Seconds, hours, and shares as ratios."""

    jobs: int
    span_s: float
    """From the first submission to the last."""
    arrivals_per_hour: float
    arrival_variation: float
    """Standard deviation of the times between submissions over their mean: 1 for Poisson, more in bursts."""
    duration_s: Spread
    accelerators: Spread
    """Of whole jobs; shared ones by their share."""
    workers: Spread
    accelerator_hours: float
    core_hours: float
    mean_accelerators: float
    """Accelerators that the work would keep busy on average if it were done within the span."""
    mean_cores: float
    multi_worker_ratio: float
    requested_ratio: float
    """Jobs whose requested time is known."""
    users: int
    queues: int
    groups: int
    status_ratio: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def summary_of(trace: Trace) -> Summary:
    """Counts, percentiles and mean demand of a trace."""
    jobs = len(trace)
    hours = trace.duration_ms / 3.6e6
    span_s = float(trace.submit_ms[-1] - trace.submit_ms[0]) / 1e3 if jobs else 0.0
    gaps = np.diff(trace.submit_ms)
    accelerators = trace.total_gpu_milli / 1e3
    accelerator_hours, core_hours = float(accelerators @ hours), float((trace.total_cpu_milli / 1e3) @ hours)
    return Summary(
        jobs=jobs,
        span_s=span_s,
        arrivals_per_hour=_over(jobs - 1, span_s / 3600),
        arrival_variation=_over(float(gaps.std()), float(gaps.mean())) if len(gaps) else 0.0,
        duration_s=Spread.of(trace.duration_ms, 1e-3),
        accelerators=Spread.of(accelerators),
        workers=Spread.of(trace.workers),
        accelerator_hours=accelerator_hours,
        core_hours=core_hours,
        mean_accelerators=_over(accelerator_hours, span_s / 3600),
        mean_cores=_over(core_hours, span_s / 3600),
        multi_worker_ratio=_over(float((trace.workers > 1).sum()), jobs),
        requested_ratio=_over(float((trace.requested_ms > 0).sum()), jobs),
        users=_distinct(trace.user),
        queues=_distinct(trace.queue),
        groups=_distinct(trace.group),
        status_ratio={STATUSES[code]: count / jobs for code, count in enumerate(np.bincount(trace.status).tolist()) if count},
    )


def _over(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def _distinct(codes: NDArray[Any]) -> int:
    return len(np.unique(codes[codes >= 0]))

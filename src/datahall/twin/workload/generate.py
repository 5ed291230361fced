"""Made-up traces. Each draw has a named stream of its own, so that adding one leaves the others alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.twin.workload.arrivals import Arrivals, arrival_ms, stream_of
from datahall.twin.workload.draft import split
from datahall.twin.workload.mix import Kind, Mix, clipped_median_s
from datahall.twin.workload.trace import NONE, STATUSES, Trace

MINUTE_MS = 60_000


def generated(arrivals: Arrivals, mix: Mix, *, jobs: int, seed: int, per_worker: int = 8) -> Trace:
    """A trace of `jobs` jobs. The same seed gives the same trace; half as many jobs give its first half's arrivals.

    per_worker: accelerators of a worker at most, as in reading. Raises Refused when jobs < 1.
    """
    if jobs < 1:
        raise Refused(Problem("TWIN-021", "jobs", f"{jobs} jobs are asked for", "ask for at least 1"))
    kinds = _kinds(mix, jobs, seed)
    asked, duration_ms, requested_ms = _drawn(mix.kinds, kinds, seed)
    workers, each = split(asked, per_worker)
    cpus = np.array([kind.cpus_per_accelerator for kind in mix.kinds])[kinds]
    submit_ms = arrival_ms(arrivals, jobs, seed)
    none = np.full(jobs, NONE, np.int32)
    return Trace(
        job_id=np.arange(jobs), submit_ms=submit_ms, duration_ms=duration_ms, requested_ms=requested_ms, workers=workers,
        accelerators=each, cpu_milli=1000 * np.maximum(cpus * np.maximum(each, 1), 1), memory_bytes=np.zeros(jobs, np.int64),
        gpu_milli=none.copy(), user=none.copy(), queue=kinds.astype(np.int32), group=none.copy(),
        status=_statuses(mix, jobs, seed), deferrable=np.zeros(jobs, np.bool_), deadline_ms=np.full(jobs, NONE, np.int64),
        queue_names=tuple(kind.name for kind in mix.kinds), source=f"generated, seed {seed}", format="generated",
        rows_read=jobs,
        notes=(f"generated with seed {seed}: {mix.source}", mix.note, "the queue is the kind of job"),
    )  # fmt: skip


def _kinds(mix: Mix, jobs: int, seed: int) -> NDArray[np.int64]:
    """Number of each job's kind, (jobs,)."""
    edges = np.cumsum([kind.share_ratio for kind in mix.kinds])[:-1]
    return np.searchsorted(edges, stream_of(seed, "kind").random(jobs), side="right")


def _drawn(kinds: Sequence[Kind], of: NDArray[np.int64], seed: int) -> tuple[NDArray[np.int64], ...]:
    """Accelerators, duration and requested time in ms of each job."""
    accelerators, duration_ms = np.zeros(len(of), np.int64), np.zeros(len(of), np.int64)
    requested_ms = np.full(len(of), NONE, np.int64)
    for number, kind in enumerate(kinds):
        rows = np.flatnonzero(of == number)
        sizes, weights = np.array(list(kind.sizes)), np.array(list(kind.sizes.values()))
        edges = np.cumsum(weights / weights.sum())[:-1]
        accelerators[rows] = sizes[np.searchsorted(edges, stream_of(seed, f"size/{kind.name}").random(len(rows)), side="right")]
        median_s = clipped_median_s(kind.mean_s, kind.sigma, kind.max_s)
        normal = stream_of(seed, f"duration/{kind.name}").standard_normal(len(rows))
        seconds = np.minimum(median_s * np.exp(kind.sigma * normal), kind.max_s)
        duration_ms[rows] = np.maximum(np.rint(seconds * 1000), 1)
        if kind.requested_ratio is not None:
            ratio = stream_of(seed, f"requested/{kind.name}").uniform(1, 2 * kind.requested_ratio - 1, len(rows))
            requested_ms[rows] = np.ceil(duration_ms[rows] * ratio / MINUTE_MS) * MINUTE_MS
    return accelerators, duration_ms, requested_ms


def _statuses(mix: Mix, jobs: int, seed: int) -> NDArray[np.int8]:
    if not mix.status_ratio:
        return np.full(jobs, STATUSES.index("completed"), np.int8)
    codes = np.array([STATUSES.index(word) for word in mix.status_ratio], np.int8)
    weights = np.array(list(mix.status_ratio.values()))
    edges = np.cumsum(weights / weights.sum())[:-1]
    return codes[np.searchsorted(edges, stream_of(seed, "status").random(jobs), side="right")]


def poisson(*, jobs_per_hour: float, jobs: int, seed: int, kind: Kind | None = None) -> Trace:
    """Poisson arrivals of one kind of job: by default single accelerators for 10 minutes on average."""
    kind = kind or Kind(name="job", share_ratio=1, sizes={1: 1}, mean_s=600, sigma=1, max_s=86_400, requested_ratio=2)
    mix = Mix(source="Poisson arrivals", note="every figure is a choice", kinds=(kind.model_copy(update={"share_ratio": 1.0}),))
    return generated(Arrivals(jobs_per_hour=jobs_per_hour), mix, jobs=jobs, seed=seed)

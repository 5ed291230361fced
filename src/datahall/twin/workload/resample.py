"""One trace made into others: under more load, shaken, a part of it, or a million jobs of it."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.twin.workload.arrivals import stream_of
from datahall.twin.workload.trace import COLUMNS, NONE, Trace


def scaled(trace: Trace, *, load_ratio: float) -> Trace:
    """The same jobs under `load_ratio` times the load: the times between submissions shrink by it, a deadline's slack stays.

    A wait in the original that depended on its load is not there any more: only submissions, sizes and durations are kept.
    """
    if not 0 < load_ratio < 1e6:
        raise _refused("load_ratio", f"{load_ratio:g}", "choose a ratio above 0: 1.2 is a fifth more load")
    submit = np.rint(trace.submit_ms / load_ratio).astype(np.int64)
    return _moved(trace, submit).with_notes(f"load scaled by {load_ratio:g}: times between submissions divided by it")


def window(trace: Trace, *, start_ms: int, end_ms: int) -> Trace:
    """Jobs submitted in [start, end), the clock beginning at `start`. Raises Refused when there is none."""
    part = trace.between(start_ms, end_ms)
    if not len(part):
        seen = f"no job was submitted from {start_ms / 1e3:g} s to {end_ms / 1e3:g} s"
        last_s = int(trace.submit_ms[-1]) / 1e3 if len(trace) else 0
        raise _refused("window", seen, f"the trace reaches from 0 to {last_s:g} s")
    moved = _moved(part, part.submit_ms - start_ms)
    origin_s = None if trace.origin_s is None else trace.origin_s + start_ms / 1e3
    note = f"window of {len(part)} of {len(trace)} jobs, from {start_ms / 1e3:g} s to {end_ms / 1e3:g} s"
    return replace(moved, origin_s=origin_s).with_notes(note)


def shaken(trace: Trace, *, seed: int, spread_ratio: float = 0.1, spread_ms: int = 60_000) -> Trace:
    """The trace with small random changes, for an interval around a result that hangs on single coincidences.

    Durations change by up to `spread_ratio` either way, not beyond a requested time that they kept; submissions by up to
    `spread_ms`, and jobs are sorted anew. Many seeds, one result each: their spread is the interval.
    Source: Tsafrir, Ouaknine and Feitelson, Reducing performance evaluation sensitivity and variability by input shaking,
    MASCOTS 2007.
    """
    if not 0 <= spread_ratio < 1 or spread_ms < 0:
        raise _refused(
            "spread", f"{spread_ratio:g} and {spread_ms} ms", "spread_ratio is from 0 to below 1, spread_ms at least 0"
        )
    times, sizes = stream_of(seed, "shaking/submit"), stream_of(seed, "shaking/duration")
    submit = np.maximum(trace.submit_ms + times.integers(-spread_ms, spread_ms, len(trace), endpoint=True), 0)
    factor = sizes.uniform(1 - spread_ratio, 1 + spread_ratio, len(trace))
    duration = np.where(trace.duration_ms > 0, np.maximum(np.rint(trace.duration_ms * factor), 1), 0).astype(np.int64)
    kept = (trace.requested_ms > 0) & (trace.duration_ms <= trace.requested_ms)
    duration = np.where(kept, np.minimum(duration, trace.requested_ms), duration)
    moved = _sorted(replace(_moved(trace, submit, order=False), duration_ms=duration))
    return moved.with_notes(f"shaken with seed {seed}: durations by {spread_ratio:.0%}, submissions by {spread_ms / 1e3:g} s")


def replicated(trace: Trace, *, jobs: int) -> Trace:
    """The trace again and again, one copy after the other, until there are `jobs` jobs. The load stays what it was.

    Between copies lies the mean time between submissions. Ids are numbered anew; the original row is in extra `original`.
    """
    if jobs < 1 or not len(trace):
        raise _refused("jobs", f"{jobs} jobs of a trace with {len(trace)}", "ask for at least 1, of a trace that has some")
    rows = np.resize(np.arange(len(trace)), jobs)
    copies = np.arange(jobs) // len(trace)
    span = int(trace.submit_ms[-1] - trace.submit_ms[0])
    period = span + (round(span / (len(trace) - 1)) if len(trace) > 1 else int(trace.duration_ms[0]))
    columns: dict[str, Any] = {name: getattr(trace, name)[rows] for name in COLUMNS}
    columns["submit_ms"] = columns["submit_ms"] + copies * period
    columns["deadline_ms"] = np.where(columns["deadline_ms"] >= 0, columns["deadline_ms"] + copies * period, NONE)
    columns["job_id"] = np.arange(jobs)
    extra = {name: column[rows] for name, column in trace.extra.items()} | {"original": rows}
    whole, rest = divmod(jobs, len(trace))
    note = f"{whole} copies of {len(trace)} jobs, and {rest} of another: single jobs are not independent of each other"
    return replace(trace, **columns, extra=extra).with_notes(note)


def _moved(trace: Trace, submit: NDArray[Any], *, order: bool = True) -> Trace:
    """The jobs at other times; deadlines move with their submissions."""
    deadline = np.where(trace.deadline_ms >= 0, trace.deadline_ms + (submit - trace.submit_ms), NONE)
    moved = replace(trace, submit_ms=submit, deadline_ms=deadline)
    return _sorted(moved) if order else moved


def _sorted(trace: Trace) -> Trace:
    if len(trace) < 2 or not (np.diff(trace.submit_ms) < 0).any():
        return trace
    rows = np.argsort(trace.submit_ms, kind="stable")
    columns: dict[str, Any] = {name: getattr(trace, name)[rows] for name in COLUMNS}
    return replace(trace, **columns, extra={name: column[rows] for name, column in trace.extra.items()})


def _refused(where: str, seen: str, fix: str) -> Refused:
    return Refused(Problem("TWIN-022", where, f"it is {seen}" if where != "window" else seen, fix))

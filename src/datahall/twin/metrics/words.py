"""Metrics as rows of a table, in words."""

from typing import TYPE_CHECKING

from datahall.twin.workload.summary import Spread

if TYPE_CHECKING:
    from datahall.twin.metrics.fairness import Fairness
    from datahall.twin.metrics.intervals import Interval
    from datahall.twin.metrics.metrics import Metrics, Use


def rows_of(metrics: "Metrics") -> tuple[tuple[str, str], ...]:
    """Name and value of each figure; what is not known has no row."""
    rows = [
        ("Jobs", f"{metrics.jobs:,}; {metrics.started:,} started in {metrics.attempts:,} attempts, {metrics.done:,} done"),
        ("Makespan", f"{metrics.makespan_s:,.0f} s"),
        ("Wait", _spread(metrics.wait_s, " s")),
        ("Completion time", _spread(metrics.completion_s, " s")),
        ("Bounded slowdown", _spread(metrics.slowdown, "")),
        ("Mean wait", _interval(metrics.wait_mean_s, " s")),
        ("Mean bounded slowdown", _interval(metrics.slowdown_mean, "")),
        ("Waiting jobs", f"mean {metrics.queue_mean:,.1f}, p95 {metrics.queue_p95:,.0f}, at most {metrics.queue_max:,.0f}"),
        *_use("Accelerators", metrics.accelerators),
        *_use("Cores", metrics.cores),
        ("Goodput", f"{metrics.goodput_ratio:.2%}; {metrics.lost_hours:,.1f} hours lost"),
        ("Fairness", _fairness(metrics.fairness)),
    ]
    if metrics.fragmentation_mean_ratio is not None and metrics.fragmentation_max_ratio is not None:
        told = f"mean {metrics.fragmentation_mean_ratio:.1%}, at most {metrics.fragmentation_max_ratio:.1%} of what is free"
        rows.append(("Fragmentation", told))
    return tuple(rows)


def _fairness(fairness: "Fairness") -> str:
    worst = f"the worst off of {fairness.tenants:,} tenants got {fairness.max_min_ratio:.1%} of its due"
    return f"Jain {fairness.jain:.3f}; {worst}"


def _spread(spread: Spread, unit: str) -> str:
    named = (("mean", spread.mean), ("p50", spread.p50), ("p95", spread.p95), ("p99", spread.p99))
    return ", ".join(f"{name} {value:,.2f}{unit}" for name, value in named)


def _interval(interval: "Interval", unit: str) -> str:
    return f"{interval.value:,.2f}{unit} ({interval.low:,.2f} to {interval.high:,.2f}{unit}, {interval.coverage_ratio:.0%})"


def _use(name: str, use: "Use") -> list[tuple[str, str]]:
    if not use.held_hours and not use.capacity_hours:
        return []
    told = f"{use.held_hours:,.1f} hours held"
    if use.allocation_ratio is not None:
        told += f", {use.allocation_ratio:.2%} of what was up"
    if use.utilisation_ratio is not None:
        told += f"; kept busy {use.utilisation_ratio:.2%}"
    return [(name, told)]

"""Whether tenants got what was due to them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datahall.foundation.errors import Problem, Refused
from datahall.twin.metrics.integrals import held_ms
from datahall.twin.metrics.schedule import Schedule

Floats = NDArray[np.float64]
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Fairness:
    """Over the tenants that asked for anything."""

    tenants: int
    jain: float
    """Of service over share: 1 when all are equal, 1/n when one has all. It lowers it that who asks for little gets little.

    Source: Jain, Chiu and Hawe, A quantitative measure of fairness and discrimination, DEC-TR-301, 1984.
    """
    max_min_ratio: float
    """Service of the tenant that is worst off over its due: max-min by shares, no more than it asked for; 1 when all got it."""


def fairness_of(
    schedule: Schedule,
    codes: NDArray[np.integer],
    names: tuple[str, ...],
    amount: NDArray[np.int64],
    *,
    window: tuple[int, int],
    shares: Mapping[str, float] | None = None,
) -> Fairness:
    """codes: of each job's tenant, (jobs,), -1 for none; amount: what each job holds, (jobs,); window: [from, to) in ms."""
    count = int(codes.max(initial=-1)) + 1
    service = _by_tenant(codes[schedule.job], held_ms(schedule, amount[schedule.job], *window), count)
    demand = np.maximum(_demand(schedule, codes, amount, window, count), service)
    asked = demand > 0
    if not asked.any():
        return Fairness(0, 1.0, 1.0)
    share = _shares(names, count, shares)[asked]
    service, due = service[asked], max_min(float(service.sum()), demand[asked], share)
    entitled = due > ROUNDING * max(float(due.max()), 1.0)
    worst = float((service[entitled] / due[entitled]).min(initial=1.0))
    return Fairness(int(asked.sum()), jain(service / share), worst)


def jain(values: Floats) -> float:
    """(sum x)^2 / (n sum x^2); 1 of nothing."""
    squares = float(np.dot(values, values)) * len(values)
    return float(values.sum()) ** 2 / squares if squares > 0 else 1.0


def max_min(total: float, demand: Floats, share: Floats) -> Floats:
    """`total` given out by shares, to none more than its demand: what one leaves is shared among the others, (tenants,)."""
    order = np.argsort(demand / share, kind="stable")
    asked, weight = demand[order], share[order]
    before = np.concatenate([[0.0], np.cumsum(asked)[:-1]])
    left = np.cumsum(weight[::-1])[::-1]
    level = np.maximum(total - before, 0) / left  # what a share of 1 gets if all before are content
    content = np.logical_and.accumulate(asked <= level * weight * (1 + ROUNDING))
    short = int(content.sum())
    given = asked.copy()
    if short < len(asked):
        given[short:] = level[short] * weight[short:]
    out = np.empty_like(given)
    out[order] = given
    return out


def _demand(
    schedule: Schedule,
    codes: NDArray[np.integer],
    amount: NDArray[np.int64],
    window: tuple[int, int],
    count: int,
) -> Floats:
    """Work of jobs submitted before the window's end, less what was done before its beginning."""
    trace, (from_ms, to_ms) = schedule.trace, window
    work = np.where(trace.submit_ms < to_ms, trace.duration_ms.astype(np.float64) * amount, 0.0)
    before = held_ms(schedule, amount[schedule.job], -(2**60), from_ms)
    return _by_tenant(codes, work, count) - _by_tenant(codes[schedule.job], before, count)


def _by_tenant(codes: NDArray[np.integer], values: Floats, count: int) -> Floats:
    return np.bincount(codes[codes >= 0], weights=values[codes >= 0], minlength=count).astype(np.float64)


def _shares(names: tuple[str, ...], count: int, shares: Mapping[str, float] | None) -> Floats:
    given = shares or {}
    unknown = sorted(set(given) - set(names))
    if unknown or any(not share > 0 for share in given.values()):
        what = f"a share of {unknown[0]}, which is no tenant of the trace" if unknown else "a share that is not above 0"
        raise Refused(Problem("TWIN-073", "shares", what, "give shares above 0 to tenants that are in the trace"))
    known = [*names, *[""] * (count - len(names))]
    return np.array([given.get(name, 1.0) for name in known[:count]], np.float64)

"""Whose energy, money, carbon and water it was: by what jobs hold and work, at the rates of each hour."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from datahall.infrastructure.power.columns import Floats, Ints
from datahall.twin.plant.holds import Holds
from datahall.twin.plant.plant import Plant
from datahall.twin.plant.played import Played, Quantity, kwh
from datahall.twin.plant.slices import HOUR_MS

LIMIT = 1e-9


@dataclass(frozen=True, eq=False)
class Share:
    """Of one quantity, in its unit."""

    busy: Floats
    """(J,) of each job, for what its load draws above idle."""
    idle: Floats
    """(J,) of each job, for the idle draw of what it holds, worked or not."""
    unheld: float
    """Idle draw of what no job held."""
    common: float
    """Equipment that no job can hold, such as switches and storage."""

    @property
    def by_job(self) -> Floats:
        return self.busy + self.idle

    @property
    def total(self) -> float:
        return float(self.by_job.sum()) + self.unheld + self.common


@dataclass(frozen=True, eq=False)
class Shares:
    """Everything that the run took, shared out: by job, by tenant, and what belongs to nobody."""

    jobs: tuple[str, ...]
    tenants: tuple[str, ...]
    """Of each job."""
    of: Mapping[Quantity, Share]

    def by_job(self, quantity: Quantity) -> dict[str, float]:
        return dict(zip(self.jobs, self.of[quantity].by_job.tolist(), strict=True))

    def by_tenant(self, quantity: Quantity) -> dict[str, float]:
        """Sums over the jobs of each tenant, in the order in which they first appear."""
        found = dict.fromkeys(self.tenants, 0.0)
        for tenant, amount in zip(self.tenants, self.of[quantity].by_job.tolist(), strict=True):
            found[tenant] += amount
        return found


def attributed(plant: Plant, played: Played, holds: Holds) -> Shares:
    """Shares of every quantity of the run; holds: those that were played.

    Each hour, what the facility took goes to IT equipment in proportion to its draw: a job has the PUE, price and carbon of the
    hours in which it ran. Raises ArithmeticError when shares do not add up to the whole to 1e-9: that would be our fault.
    """
    it_kwh = played.per_slice["it_kwh"]
    found: dict[Quantity, Share] = {}
    for quantity, amount in played.per_slice.items():
        found[quantity] = _share(plant, played, holds, amount, it_kwh)
        _adds_up(quantity, found[quantity].total, amount)
    return Shares(holds.jobs, holds.tenants, found)


def _share(plant: Plant, played: Played, holds: Holds, amount: Floats, it_kwh: Floats) -> Share:
    places, slices = plant.places, played.slices
    per_it_kwh = np.divide(amount, it_kwh, out=np.zeros_like(amount), where=it_kwh > 0)
    curve = _Curve(played, per_it_kwh)
    while_held = curve.until(holds.place, holds.to_ms) - curve.until(holds.place, holds.from_ms)
    busy_w, idle_w = holds.busy * places.unit_w[holds.place], holds.units * places.unit_idle_w[holds.place]
    jobs = len(holds.jobs)
    busy = np.bincount(holds.job, busy_w * while_held, jobs).astype(np.float64)
    idle = np.bincount(holds.job, idle_w * while_held, jobs).astype(np.float64)
    holdable = places.units > 0
    always = places.base_w * curve.until(np.arange(len(places.names)), np.full(len(places.names), slices.edges_ms[-1]))
    nobody = float(amount[it_kwh <= 0].sum())
    more_kwh = it_kwh - kwh(played.place_w.sum(axis=0), slices)
    common = float(always[~holdable].sum()) + float(per_it_kwh @ more_kwh) + nobody
    return Share(busy, idle, float(always[holdable].sum()) - float(idle.sum()), common)


class _Curve:
    """What a W that is drawn from 0 to some moment has taken by then; even inside a slice, nothing while a place is dark."""

    def __init__(self, played: Played, per_it_kwh: Floats) -> None:
        self.slices = played.slices
        each = per_it_kwh * (self.slices.width_ms / HOUR_MS) / 1e3
        self.lit = np.concatenate(([0.0], np.cumsum(each)))
        self.dark = played.dark if played.dark is not None else np.zeros((0, 0), dtype=np.bool_)
        self.places = np.flatnonzero(self.dark.any(axis=1))
        gone = np.cumsum(np.where(self.dark[self.places], each, 0.0), axis=1) if len(self.places) else np.zeros((0, len(each)))
        self.gone = np.hstack((np.zeros((len(gone), 1)), gone))

    def until(self, place: Ints, time_ms: Ints) -> Floats:
        found = np.interp(time_ms, self.slices.edges_ms, self.lit)
        if len(self.places):
            hit = np.flatnonzero(np.isin(place, self.places))
            row = np.searchsorted(self.places, place[hit])
            into = np.minimum(self.slices.at(time_ms[hit]), self.slices.count - 1)
            late = (time_ms[hit] - self.slices.edges_ms[into]) / self.slices.width_ms[into]
            found[hit] -= self.gone[row, into] * (1 - late) + self.gone[row, into + 1] * late
        return found


def _adds_up(quantity: str, total: float, amount: Floats) -> None:
    whole, size = float(amount.sum()), float(np.abs(amount).sum())
    if abs(total - whole) > LIMIT * max(size, 1e-12):
        raise ArithmeticError(f"attributed: shares of {quantity} add up to {total!r}, but the whole is {whole!r}")

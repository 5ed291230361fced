"""Time cut into slices: hours, cut again where a cap changes; and what changes within them, averaged or at one moment."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from datahall.infrastructure.power.columns import Floats, Ints

HOUR_MS = 3_600_000


@dataclass(frozen=True, eq=False)
class Slices:
    """S slices; none reaches over the full hour."""

    edges_ms: Ints
    """(S + 1,) from 0 to the end."""
    start_hour: int
    """Hour of the weather year at 0 ms."""

    @property
    def count(self) -> int:
        return len(self.edges_ms) - 1

    @property
    def width_ms(self) -> Ints:
        return np.diff(self.edges_ms)

    @property
    def width_h(self) -> Floats:
        return self.width_ms / HOUR_MS

    @property
    def hour(self) -> Ints:
        """(S,) hours since the start."""
        return self.edges_ms[:-1] // HOUR_MS

    def hour_of_year(self, hours: int) -> Ints:
        """(S,) hour of a year of so many hours, which begins again after its last."""
        return (self.start_hour + self.hour) % hours

    def at(self, time_ms: Ints) -> Ints:
        """The slice that each moment lies in; S at the end."""
        return np.searchsorted(self.edges_ms, time_ms, side="right") - 1

    def by_hour(self, values: Floats) -> Floats:
        """Sums over the slices of each hour."""
        return np.bincount(self.hour, weights=values).astype(np.float64)


def slices_of(end_ms: int, *, start_hour: int = 0, more_ms: Iterable[int] = ()) -> Slices:
    """Hours from 0 to end_ms, cut again at more_ms. Raises ValueError unless there is time to play."""
    if end_ms <= 0:
        raise ValueError(f"slices_of: end_ms={end_ms}, but a run lasts some time")
    inner = [at for at in more_ms if 0 < at < end_ms]
    return Slices(np.unique(np.array([*range(0, end_ms, HOUR_MS), *inner, end_ms], dtype=np.int64)), start_hour)


@dataclass(frozen=True, eq=False)
class Changes:
    """Steps of levels on P places: at a moment, on a place, by so much."""

    places: int
    at_ms: Ints
    place: Ints
    by: Floats


def changes_of(places: int, place: Ints, from_ms: Ints, to_ms: Ints, level: Floats) -> Changes:
    """Every stretch begins and ends."""
    return Changes(
        places,
        np.concatenate((from_ms, to_ms)),
        np.concatenate((place, place)),
        np.concatenate((level, -level)),
    )


def means(slices: Slices, changes: Changes) -> Floats:
    """Mean level in each slice, (P, S): exact, in one pass over the changes however long each level lasts."""
    into = slices.at(changes.at_ms)
    width = np.append(slices.width_ms, 1)[into]
    late = (changes.at_ms - slices.edges_ms[into]) / width
    return _levels(slices, changes, (into, changes.by * (1 - late)), (into + 1, changes.by * late))


def at_moments(slices: Slices, changes: Changes, moments_ms: Ints) -> Floats:
    """Level at one moment of each slice, (P, S). moments_ms: (S,), each within its slice."""
    into = slices.at(changes.at_ms)
    early = changes.at_ms <= np.append(moments_ms, slices.edges_ms[-1])[into]
    return _levels(slices, changes, (np.where(early, into, into + 1), changes.by))


def _levels(slices: Slices, changes: Changes, *parts: tuple[Ints, Floats]) -> Floats:
    columns = slices.count + 2
    size = changes.places * columns
    steps = np.zeros(size)
    for into, by in parts:
        steps += np.bincount(changes.place * columns + into, weights=by, minlength=size)
    levels = np.cumsum(steps.reshape(changes.places, columns), axis=1)[:, : slices.count]
    # Steps up and down cancel to the last digit but one.
    return np.maximum(levels, 0.0, out=levels)


def highest(slices: Slices, at_ms: Ints, by: Floats) -> tuple[Floats, Ints]:
    """Highest level in each slice of one series of steps, (S,), and the first moment of it, ms."""
    times, which = np.unique(np.concatenate((slices.edges_ms[:-1], at_ms)), return_inverse=True)
    level = np.cumsum(np.bincount(which.ravel(), weights=np.concatenate((np.zeros(slices.count), by))))
    inside = slices.at(times)
    times, level, inside = times[inside < slices.count], level[inside < slices.count], inside[inside < slices.count]
    starts = np.searchsorted(inside, np.arange(slices.count))
    most = np.maximum.reduceat(level, starts)
    _, first = np.unique(np.where(level >= most[inside], inside, slices.count), return_index=True)
    return most, times[first[: slices.count]]

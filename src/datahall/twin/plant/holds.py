"""What jobs hold, and how hard they work it: the input of the plant."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from datahall.foundation.errors import Problem, Refused
from datahall.infrastructure.power.columns import Bools, Floats, Ints
from datahall.twin.plant.places import Places
from datahall.twin.plant.plant import Plant

SLACK = 1 + 1e-9
"""Sums of shares of a unit may be a rounding above the whole."""


@dataclass(frozen=True, eq=False)
class Holds:
    """One row, of C, for each stretch in which a job holds the same on one place and works it equally hard."""

    jobs: tuple[str, ...]
    tenants: tuple[str, ...]
    """Of each job."""
    job: Ints
    """Place in `jobs`."""
    place: Ints
    """Place in Places.names."""
    from_ms: Ints
    to_ms: Ints
    units: Floats
    """Units that are held."""
    busy_ratio: Floats
    """Load of what is held, 0..1."""

    @property
    def busy(self) -> Floats:
        """Units that are busy."""
        return self.units * self.busy_ratio


def steps(
    places: Places,
    edges_ms: ArrayLike,
    busy: ArrayLike,
    held: ArrayLike | None = None,
    *,
    job: str = "all",
    tenant: str = "all",
) -> Holds:
    """One job that holds the whole step series. edges_ms: (I + 1,) integer; busy, held: (P, I) units; held: as busy.

    Raises Refused when shapes do not fit or more is busy than held.
    """
    edges, on = np.asarray(edges_ms, dtype=np.int64), np.asarray(busy, dtype=np.float64)
    kept = on if held is None else np.asarray(held, dtype=np.float64)
    if on.shape != (len(places.names), len(edges) - 1) or kept.shape != on.shape:
        what = f"steps have shape {on.shape} busy and {kept.shape} held"
        fix = f"give one row for each of {len(places.names)} places and one column for each of {len(edges) - 1} intervals"
        raise Refused(Problem("TWIN-051", "holds", what, fix))
    place, interval = np.nonzero(kept > 0)
    if (on > kept * SLACK).any():
        raise Refused(Problem("TWIN-053", "holds", "more is busy than is held", "give `held` at least what is busy"))
    units = kept[place, interval]
    ratio = np.minimum(on[place, interval] / units, 1.0)
    jobs = np.zeros(len(place), dtype=np.int64)
    return Holds((job,), (tenant,), jobs, place, edges[interval], edges[interval + 1], units, ratio)


def over_racks(plant: Plant, by_block: ArrayLike) -> Floats:
    """Units of each block of racks, (B, I) in the order of the hall file, shared over its racks; (P, I), as `steps` takes them.

    Raises Refused for a row too many or too few.
    """
    units, blocks = np.asarray(by_block, dtype=np.float64), len(plant.estate.blocks)
    if units.ndim != 2 or len(units) != blocks:
        what = f"shares of blocks have shape {units.shape}"
        raise Refused(Problem("TWIN-051", "holds", what, f"give one row for each of the {blocks} entries of `racks`"))
    block = np.array(plant.works.graph.racks.block, dtype=np.int64)
    racks = np.bincount(block, minlength=blocks)
    found = np.zeros((len(plant.places.names), units.shape[1]))
    found[: len(block)] = (units / np.maximum(racks, 1)[:, None])[block]
    return found


def check(holds: Holds, places: Places, end_ms: int) -> None:
    """Raises Refused with every kind of fault, each at its first row and with how many rows have it."""
    if problems := list(_faults(holds, places, end_ms)):
        raise Refused(problems)
    if (over := _too_much(holds, places)) is not None:
        raise Refused(over)


def _faults(holds: Holds, places: Places, end_ms: int) -> Iterator[Problem]:
    columns = (holds.job, holds.place, holds.from_ms, holds.to_ms, holds.units, holds.busy_ratio)
    if len({len(column) for column in columns}) != 1 or len(holds.tenants) != len(holds.jobs):
        yield Problem("TWIN-051", "holds", "columns are not of one length", "give one value a row, and one tenant a job")
        return
    count, jobs = len(places.names), len(holds.jobs)
    known = (holds.place >= 0) & (holds.place < count) & (holds.job >= 0) & (holds.job < jobs)
    yield from _rows("TWIN-050", ~known, f"names a place or job beyond the {count} places and {jobs} jobs", "use Places.at")
    timed = (holds.from_ms >= 0) & (holds.to_ms > holds.from_ms) & (holds.to_ms <= end_ms)
    fix = "give whole milliseconds with 0 <= from < to <= end"
    yield from _rows("TWIN-052", ~timed, f"does not lie between 0 and the end at {end_ms} ms, or ends before it begins", fix)
    loaded = np.isfinite(holds.units) & (holds.units > 0) & (holds.busy_ratio >= 0) & (holds.busy_ratio <= SLACK)
    yield from _rows("TWIN-053", ~loaded, "holds no units, or is busier than 1", "give units > 0 and a busy_ratio of 0..1")


def _rows(code: str, wrong: Bools, what: str, fix: str) -> Iterator[Problem]:
    rows = np.flatnonzero(wrong)
    if len(rows):
        more = f", and so {len(rows) - 1} more" if len(rows) > 1 else ""
        yield Problem(code, f"holds row {int(rows[0])}", f"the row {what}{more}", fix)


def _too_much(holds: Holds, places: Places) -> Problem | None:
    """The first moment at which more is held on a place than it has."""
    at = np.concatenate((holds.from_ms, holds.to_ms))
    place = np.concatenate((holds.place, holds.place))
    change = np.concatenate((holds.units, -holds.units))
    # What ends makes room for what begins in the same millisecond.
    order = np.lexsort((change > 0, at, place))
    at, place, level = at[order], place[order], np.cumsum(change[order])
    first = np.searchsorted(place, np.arange(len(places.names)))
    before = np.concatenate(([0.0], level))[first][place]
    # The running sum over all places rounds in its last digits.
    over = np.flatnonzero(level - before > places.units[place] * SLACK + 1e-6)
    if not len(over):
        return None
    worst = over[np.argmin(at[over])]
    held, name = level[worst] - before[worst], places.names[place[worst]]
    what = f"{held:g} {places.unit}s are held, but it has {places.units[place[worst]]:g}"
    return Problem("TWIN-054", f"{name} at {at[worst] / 1e3:g} s", what, "let no more jobs hold a place than it has units")

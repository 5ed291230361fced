"""The power graph of a hall: from loads to flows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from datahall.infrastructure.power.alike import Nodes, each_alone, merged
from datahall.infrastructure.power.columns import Columns, Floats, columns_of
from datahall.infrastructure.power.element import Element, Racks
from datahall.infrastructure.power.flow import PowerFlow, Solved, balanced, solved
from datahall.infrastructure.power.state import State, state_of
from datahall.infrastructure.spec import PowerKind

ALONE_HOURS = 24
"""Up to here, solving each element by itself is quicker than looking for those that are alike."""


@dataclass(frozen=True, eq=False)
class PowerGraph:
    """Elements in topological order, sources first, and what hangs on them."""

    elements: tuple[Element, ...]
    racks: Racks
    mechanical: tuple[int, ...]
    """Elements that feed the mechanical load and the house load, sharing equally; empty: straight from the site."""
    critical: tuple[int, ...]
    house_load_w: float
    more_it_w: float
    """Full draw of IT equipment that stands in no rack: shared over the racks that are fed, by their peak."""
    loose_it_w: float
    """Full draw of what hangs on no element: racks without feeds, and machines outside of racks."""
    unfed_racks: tuple[str, ...]
    """Racks that no element feeds: they draw straight from the site, without losses."""

    @cached_property
    def it_peak_w(self) -> float:
        """All IT equipment at full draw, W."""
        return sum(self.racks.peak_w[r] for r, feeds in enumerate(self.racks.feeds) if feeds) + self.more_it_w + self.loose_it_w

    @cached_property
    def columns(self) -> Columns:
        return columns_of(self.elements, self.racks)

    @cached_property
    def index(self) -> dict[str, int]:
        """Element by name."""
        return {element.name: i for i, element in enumerate(self.elements)}

    @cached_property
    def utilities(self) -> frozenset[int]:
        return frozenset(i for i, element in enumerate(self.elements) if element.kind == "utility")

    @cached_property
    def generators(self) -> tuple[int, ...]:
        return tuple(i for i, element in enumerate(self.elements) if element.kind == "generator")

    def state(self, lost: frozenset[int] = frozenset()) -> State:
        """What is alive, and by which way, once the elements in `lost` are gone."""
        return self._whole if not lost else state_of(self.columns, lost, self._demanded)

    @cached_property
    def _whole(self) -> State:
        return state_of(self.columns, frozenset(), self._demanded)

    @cached_property
    def _demanded(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array(sorted({*self.mechanical, *self.critical}), dtype=np.int64)

    @cached_property
    def classes(self) -> Nodes:
        """Elements that carry the same load when nothing is lost."""
        return merged(self.columns, self._whole, self._loads(self._whole))

    def solve(
        self,
        it_ratio: ArrayLike,
        *,
        mechanical_w: ArrayLike = 0.0,
        critical_mechanical_w: ArrayLike = 0.0,
        lost: frozenset[int] = frozenset(),
    ) -> PowerFlow:
        """Flows of every hour: losses from the load up, by the ways that are left.

        it_ratio: (H,) IT draw over full draw, of every rack. mechanical_w, critical_mechanical_w: (H,) or one number.
        lost: indexes of elements that are out. Raises ValueError for loads that are negative or no numbers.
        """
        asked = _series(it_ratio, mechanical_w, critical_mechanical_w, self.house_load_w)
        state = self.state(lost)
        loads = self._loads(state)
        if asked.shape[1] <= ALONE_HOURS:
            nodes = each_alone(self.columns, state)
        else:
            nodes = merged(self.columns, state, loads) if lost else self.classes
        return self._flow(asked, state, loads, solved(self.columns, state, nodes, loads, asked))

    def _loads(self, state: State) -> Floats:
        """(N, 4): IT at full draw, W, and shares of mechanical, critical and house load, on each element itself."""
        columns = self.columns
        in_racks = columns.rack_peak_w[np.unique(columns.rack)].sum()
        draw_w = columns.rack_peak_w * (1 + self.more_it_w / in_racks if in_racks else 1.0)
        per_side = draw_w / np.maximum(state.live_sides, 1)
        live = state.live_feed
        it_w = np.bincount(columns.feed[live], per_side[columns.rack[live]], len(self.elements)).astype(np.float64)
        mechanical = shares_of(self.mechanical, state)
        # Sums of the same racks in another order differ in the last digit; like elements must not be told apart by that.
        return np.column_stack((_rounded(it_w), mechanical, shares_of(self.critical, state), mechanical))

    def _flow(self, asked: Floats, state: State, loads: Floats, sums: Solved) -> PowerFlow:
        columns = self.columns
        loose = np.array(
            [self.loose_it_w, *(0.0 if feeds else 1.0 for feeds in (self.mechanical, self.critical, self.mechanical))]
        )
        served = (loads.sum(axis=0) + loose)[:, None] * asked
        indoors = np.array([inside for _, inside in columns.groups], dtype=np.bool_)
        indoor_w, outdoor_w = sums.loss_by_group_w[indoors].sum(axis=0), sums.loss_by_group_w[~indoors].sum(axis=0)
        utility_w = sums.utility_w + loose @ asked
        facility_w = utility_w + sums.generator_w
        ratio = sums.peak_w / columns.rating_w
        live = state.live_sides
        wired_up, needed = (
            np.array([len(f) for f in self.racks.feeds], dtype=np.int64),
            np.array(self.racks.sides_needed, dtype=np.int64),
        )
        dead = (wired_up > 0) & (live == 0)
        return PowerFlow(
            it_w=served[0],
            mechanical_w=served[1] + served[2],
            house_w=served[3],
            facility_w=facility_w,
            utility_w=utility_w,
            generator_w=sums.generator_w,
            indoor_loss_w=indoor_w,
            outdoor_loss_w=outdoor_w,
            loss_kwh=_by_kind(columns, sums.loss_by_group_w),
            element_peak_w=sums.peak_w,
            peak_load_ratio=ratio,
            element_loss_kwh=sums.element_loss_kwh,
            energised=state.energised,
            overloaded=tuple(np.flatnonzero(ratio > 1 + 1e-9).tolist()),
            unserved_racks=self._named(dead),
            degraded_racks=self._named((live > 0) & (live < needed)),
            unserved_mechanical=bool((asked[1:] - served[1:] > 1e-9 * asked[1:]).any()),
            balance_error=balanced(facility_w, served.sum(axis=0) + indoor_w + outdoor_w),
        )

    def _named(self, which: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[str, ...]:
        return tuple(self.racks.names[r] for r in np.flatnonzero(which))


def _series(*loads: ArrayLike) -> Floats:
    """The loads as rows of one array: (D, H)."""
    rows = np.broadcast_arrays(*(np.atleast_1d(np.asarray(load, dtype=np.float64)) for load in loads))
    asked = np.stack(rows)
    if not np.isfinite(asked).all() or (asked < 0).any():
        raise ValueError("solve: loads are finite and not negative")
    return asked


def shares_of(feeds: tuple[int, ...], state: State) -> Floats:
    """(N,) share of a load that each of these gives: equal ones among those alive."""
    share = np.zeros(len(state.alive))
    live = [i for i in feeds if state.alive[i]]
    share[live] = 1 / len(live) if live else 0.0
    return share


def _rounded(values: Floats) -> Floats:
    """To 13 significant digits: far below the balance that is asked for."""
    scale = 10.0 ** (12 - np.floor(np.log10(np.where(values > 0, values, 1.0))))
    return np.round(values * scale) / scale


def _by_kind(columns: Columns, loss_by_group_w: Floats) -> Mapping[PowerKind, float]:
    found: dict[PowerKind, float] = {}
    for (kind, _), hours in zip(columns.groups, loss_by_group_w, strict=True):
        found[kind] = found.get(kind, 0.0) + float(hours.sum()) / 1e3
    return found

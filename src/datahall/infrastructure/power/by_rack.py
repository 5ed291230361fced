"""Power where every rack draws its own: the same elements and losses as `PowerGraph.solve`, which shares one ratio over all."""

from dataclasses import dataclass

import numpy as np

from datahall.infrastructure.power.alike import Nodes, each_alone
from datahall.infrastructure.power.columns import Floats, Ints
from datahall.infrastructure.power.flow import balanced, chunks, outputs, summed
from datahall.infrastructure.power.graph import PowerGraph, shares_of
from datahall.infrastructure.power.state import State


@dataclass(frozen=True)
class RackFlow:
    """A solved graph, W in each of S moments."""

    it_w: Floats
    """What IT equipment takes."""
    facility_w: Floats
    """What sources give."""
    utility_w: Floats
    """The part of it that comes from the grid; what hangs on no element comes from there too."""
    generator_w: Floats
    indoor_loss_w: Floats
    outdoor_loss_w: Floats


@dataclass(frozen=True)
class Worst:
    """Each of N elements at its highest."""

    load_w: Floats
    at: Ints
    """The moment of it."""
    over_s: Floats
    """Time above the limit, s."""
    over_at: Ints
    """The first moment above the limit; 0 where there is none."""


@dataclass(frozen=True)
class RackLoads:
    """What hangs on each element, rack by rack; what cooling takes comes with each question."""

    graph: PowerGraph
    state: State
    nodes: Nodes
    own_w: Floats
    """(N, S) IT equipment on each element itself."""
    loose_w: Floats
    """(S,) IT equipment on no element."""
    it_w: Floats

    def solve(self, mechanical_w: Floats, critical_w: Floats) -> RackFlow:
        """Flows of every moment. mechanical_w, critical_w: (S,) what cooling draws: what may stop, and what must not."""
        asked, loose = self._rest(mechanical_w, critical_w), self._loose
        shares, own = self._shares, self.own_w
        columns, moments = self.graph.columns, own.shape[1]
        found = summed(columns, self.state, self.nodes, lambda now: own[:, now] + shares @ asked[:, now], moments)
        indoors = np.array([inside for _, inside in columns.groups], dtype=np.bool_)
        indoor_w, outdoor_w = found.loss_by_group_w[indoors].sum(axis=0), found.loss_by_group_w[~indoors].sum(axis=0)
        utility_w = found.utility_w + self.loose_w + loose @ asked
        facility_w = utility_w + found.generator_w
        served_w = self.it_w + (shares.sum(axis=0) + loose) @ asked
        balanced(facility_w, served_w + indoor_w + outdoor_w)
        return RackFlow(self.it_w, facility_w, utility_w, found.generator_w, indoor_w, outdoor_w)

    def worst(self, mechanical_w: Floats, critical_w: Floats, *, limit_w: Floats, seconds: Floats) -> Worst:
        """Every element's highest moment, and how long it is above limit_w, (N,). seconds: (S,) how long moments last."""
        asked, columns, count = self._rest(mechanical_w, critical_w), self.graph.columns, len(self.own_w)
        found = Worst(np.zeros(count), np.zeros(count, dtype=np.int64), np.zeros(count), np.zeros(count, dtype=np.int64))
        for now in chunks(count, self.own_w.shape[1]):
            load_w, _ = outputs(columns, self.state, self.nodes, self.own_w[:, now] + self._shares @ asked[:, now])
            _note(found, load_w, load_w > limit_w[:, None] * (1 + 1e-9), now.start, seconds[now])
        return found

    @property
    def _shares(self) -> Floats:
        """(N, 3) of mechanical, critical and house load."""
        mechanical = shares_of(self.graph.mechanical, self.state)
        return np.column_stack((mechanical, shares_of(self.graph.critical, self.state), mechanical))

    @property
    def _loose(self) -> Floats:
        """(3,) whether they hang on no element."""
        feeds = (self.graph.mechanical, self.graph.critical, self.graph.mechanical)
        return np.array([0.0 if named else 1.0 for named in feeds])

    def _rest(self, mechanical_w: Floats, critical_w: Floats) -> Floats:
        return np.stack((mechanical_w, critical_w, np.full_like(mechanical_w, self.graph.house_load_w)))


def _note(found: Worst, load_w: Floats, over: np.ndarray[tuple[int, int], np.dtype[np.bool_]], start: int, s: Floats) -> None:
    """Take a chunk of moments into account."""
    place = load_w.argmax(axis=1)
    most_w = load_w[np.arange(len(load_w)), place]
    higher = most_w > found.load_w
    found.load_w[higher], found.at[higher] = most_w[higher], place[higher] + start
    fresh = over.any(axis=1) & (found.over_s == 0)
    found.over_at[fresh] = over[fresh].argmax(axis=1) + start
    found.over_s[:] += over @ s


def rack_loads(
    graph: PowerGraph, rack_w: Floats, *, outside_w: Floats, shared_w: float = 0.0, lost: frozenset[int] = frozenset()
) -> RackLoads:
    """The loads of a graph whose racks draw rack_w, (R, S), in the order of graph.racks.

    outside_w: (S,) machines outside of racks. shared_w: equipment that stands in no rack of the file: shared over the racks
    that are fed, by their peak; straight from the site where none is. lost: elements that are out; what none of their other
    sides feeds is dark and draws nothing. Raises ValueError for draws that are negative or no numbers.
    """
    if not np.isfinite(rack_w).all() or (rack_w < 0).any():
        raise ValueError("rack_loads: draws are finite and not negative")
    columns, state, (_, moments) = graph.columns, graph.state(lost), rack_w.shape
    fed = np.unique(columns.rack)
    in_racks_w = float(columns.rack_peak_w[fed].sum())
    shared = shared_w / in_racks_w * columns.rack_peak_w if in_racks_w else np.zeros(len(rack_w))
    wired = np.zeros(len(rack_w), dtype=np.bool_)
    wired[fed] = True
    loose_w = outside_w + rack_w[~wired].sum(axis=0) + (0.0 if in_racks_w else shared_w)
    own_w = np.zeros((len(graph.elements), moments))
    live = np.flatnonzero(state.live_feed)
    live = live[np.argsort(columns.feed[live], kind="stable")]
    elements, starts = np.unique(columns.feed[live], return_index=True)
    rack = columns.rack[live]
    for now in chunks(len(live), moments) if len(live) else ():
        per_side_w = (rack_w[rack, now] + shared[rack, None]) / state.live_sides[rack, None]
        own_w[elements, now] = np.add.reduceat(per_side_w, starts, axis=0)
    return RackLoads(graph, state, each_alone(columns, state), own_w, loose_w, own_w.sum(axis=0) + loose_w)

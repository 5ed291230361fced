"""Once the grid is gone: how long each rack and what cooling hangs on hold by batteries, and when generators carry them."""

import math
from dataclasses import dataclass

import numpy as np

from datahall.infrastructure.power.backup import element_holds_s, generators_start_s
from datahall.infrastructure.power.columns import Floats
from datahall.infrastructure.power.graph import PowerGraph


@dataclass(frozen=True)
class Ride:
    """Seconds after the loss of all utilities."""

    rack_holds_s: Floats
    """(R,) by batteries; 0 without one on any side."""
    rack_starts_s: Floats
    """(R,) until generators carry it; infinite where none with a known start is upstream."""
    mechanical_holds_s: float
    mechanical_starts_s: float
    critical_holds_s: float
    critical_starts_s: float

    def dark_s(self, back_s: float) -> Floats:
        """(R,) from when on each rack is dark; infinite where it never is. back_s: when utilities are back."""
        starts = np.minimum(self.rack_starts_s, back_s)
        return np.where(self.rack_holds_s < starts, self.rack_holds_s, math.inf)


def ride_of(graph: PowerGraph, load_w: Floats) -> Ride:
    """load_w: (N,) what each element gives when the grid goes.

    A rack holds as long as the best of its sides. Batteries are drained at the load of that moment: one side's load after the
    other side's battery is empty is not added. What hangs on no element has no battery, and no generator.
    """
    columns, elements = graph.columns, graph.elements
    holds = np.array([element_holds_s(e, float(w)) for e, w in zip(elements, load_w, strict=True)], dtype=np.float64)
    starts = generators_start_s(graph)
    starts = np.where(np.isfinite(starts), starts, math.inf)
    for edges in columns.edges_down():
        np.maximum.at(holds, columns.child[edges], holds[columns.parent[edges]])
    racks = len(graph.racks.names)
    rack_holds, rack_starts = np.zeros(racks), np.full(racks, math.inf)
    np.maximum.at(rack_holds, columns.rack, holds[columns.feed])
    np.minimum.at(rack_starts, columns.rack, starts[columns.feed])
    mechanical, critical = (_best(holds, starts, feeds) for feeds in (graph.mechanical, graph.critical))
    return Ride(rack_holds, rack_starts, *mechanical, *critical)


def _best(holds: Floats, starts: Floats, feeds: tuple[int, ...]) -> tuple[float, float]:
    if not feeds:
        return 0.0, math.inf
    return float(holds[list(feeds)].max()), float(starts[list(feeds)].min())

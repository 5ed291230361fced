"""How much IT may draw at any time under the caps that hold then."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from datahall.infrastructure.power import PowerFlow
from datahall.infrastructure.power.columns import Floats, Ints
from datahall.infrastructure.works import agreed
from datahall.twin.plant.caps import PowerCap, cap_line
from datahall.twin.plant.plant import Plant
from datahall.twin.plant.slices import slices_of

STEPS = 60
"""Of the false position; it ends when the meter is met, in practice after five."""


@dataclass(frozen=True, eq=False)
class Headroom:
    """What IT may draw at any time, W: caps on IT, and caps at the meter turned into IT by the hour's weather."""

    edges_ms: Ints
    limit_w: Floats

    def limit_at_w(self, time_ms: int) -> float:
        """Infinite where no cap holds."""
        place = int(np.searchsorted(self.edges_ms, time_ms, side="right")) - 1
        return float(self.limit_w[min(max(place, 0), len(self.limit_w) - 1)])

    def headroom_w(self, time_ms: int, it_w: float) -> float:
        """What may be drawn on top of it_w, W; negative where that is too much already."""
        return self.limit_at_w(time_ms) - it_w

    def next_change_ms(self, time_ms: int) -> int | None:
        """When the limit next changes; None: never again."""
        place = int(np.searchsorted(self.edges_ms, time_ms, side="right"))
        for later in range(max(place, 1), len(self.limit_w)):
            if self.limit_w[later] != self.limit_w[later - 1]:
                return int(self.edges_ms[later])
        return None


def headroom(plant: Plant, caps: Sequence[PowerCap], *, end_ms: int, start_hour: int = 0) -> Headroom:
    """Caps as limits of IT power. A cap at the meter is met for load that is spread evenly over all racks."""
    line = cap_line(plant, caps, end_ms)
    slices = slices_of(end_ms, start_hour=start_hour, more_ms=line.edges_ms.tolist())
    it_w, meter_w = line.at(slices.edges_ms[:-1])
    held = np.flatnonzero(np.isfinite(meter_w))
    if len(held):
        hours, limits = slices.hour_of_year(plant.year_h)[held], meter_w[held]
        it_w = it_w.copy()
        it_w[held] = np.minimum(it_w[held], it_at_meter_w(plant, hours, limits))
    return Headroom(slices.edges_ms, it_w)


def it_at_meter_w(plant: Plant, hour: Ints, meter_w: Floats) -> Floats:
    """IT power, W, at which the meter reads meter_w in these hours of the year; 0 where even no IT is too much.

    Never more than all IT at full draw. By false position (Illinois) between none and all: the meter rises with the load.
    """
    peak_w = plant.works.graph.it_peak_w
    low, high = np.zeros(len(hour)), np.ones(len(hour))
    below, above = _meter_w(plant, hour, low) - meter_w, _meter_w(plant, hour, high) - meter_w
    fits, never = above <= 0, below > 0
    side = np.zeros(len(hour))
    ratio = np.where(fits, 1.0, 0.0)
    for _ in range(STEPS):
        open_ = ~fits & ~never
        if not open_.any():
            break
        between = (low * above - high * below) / np.where(open_, above - below, 1.0)
        ratio = np.where(open_, between, ratio)
        gap = _meter_w(plant, hour, ratio) - meter_w
        if np.max(np.abs(gap[open_]) / meter_w[open_]) <= 1e-10:
            break
        over = gap > 0
        above, below = (
            np.where(over, gap, np.where(side < 0, above / 2, above)),
            np.where(over, np.where(side > 0, below / 2, below), gap),
        )
        high, low = np.where(over, ratio, high), np.where(over, low, ratio)
        side = np.where(over, 1.0, -1.0)
    return ratio * peak_w


def _meter_w(plant: Plant, hour: Ints, ratio: Floats) -> Floats:
    """What the meter sees with all racks at this share of their full draw, W."""
    works = plant.works
    graph, it_w = works.graph, ratio * works.graph.it_peak_w

    def powered(rest_w: Floats, critical_w: Floats) -> PowerFlow:
        return graph.solve(ratio, mechanical_w=rest_w, critical_mechanical_w=critical_w)

    if not plant.is_cooled:
        return powered(np.zeros_like(ratio), np.zeros_like(ratio)).facility_w
    liquid_w = it_w * works.liquid_ratio
    cooled = partial(plant.cooling, hour, it_w - liquid_w, liquid_w)
    return agreed(powered, cooled, it_w)[0].facility_w

"""The power graph of a hall, as a supply whose outages can be asked for."""

from datahall.infrastructure.estate import Estate
from datahall.infrastructure.power import PowerGraph
from datahall.infrastructure.power.element import Element
from datahall.infrastructure.reliability.supply import Load, Supply, Unit

PLANT, CRITICAL_PLANT = "cooling plant", "fans and pumps"
"""Names of the mechanical loads; no rack can have them, since they hold spaces."""


def supply_of(
    graph: PowerGraph,
    *,
    it_ratio: float = 1.0,
    mechanical_w: float = 0.0,
    critical_mechanical_w: float = 0.0,
    estate: Estate | None = None,
) -> Supply:
    """All elements of a graph and what hangs on them, at one moment's load. Racks that no element feeds are not in it.

    it_ratio: draw of all racks over their peak. mechanical_w, critical_mechanical_w: what cooling draws then, W.
    estate: tells how many accelerators each rack has; without it, none are counted.
    """
    racks = graph.racks
    in_racks_w = sum(peak_w for peak_w, feeds in zip(racks.peak_w, racks.feeds, strict=True) if feeds)
    scale = it_ratio * (1 + graph.more_it_w / in_racks_w if in_racks_w else 1.0)
    counts = [block.accelerators for block in estate.blocks] if estate else []
    loads = [
        Load(
            racks.names[r],
            peak_w * scale,
            racks.feeds[r],
            accelerators=counts[racks.block[r]] if counts else 0,
            sides_needed=racks.sides_needed[r],
        )
        for r, peak_w in enumerate(racks.peak_w)
        if racks.feeds[r]
    ]
    if graph.mechanical:
        loads.append(Load(PLANT, mechanical_w + graph.house_load_w, graph.mechanical, kind="mechanical"))
    if graph.critical and graph.critical != graph.mechanical:
        loads.append(Load(CRITICAL_PLANT, critical_mechanical_w, graph.critical, kind="mechanical"))
    return Supply(tuple(map(_unit, graph.elements)), tuple(loads))


def _unit(element: Element) -> Unit:
    return Unit(
        element.name,
        element.kind,
        element.rating_w,
        parents=element.parents,
        takes_first=element.takes_first,
        breaker_w=element.breaker_w,
        loss_ratios=(element.no_load_ratio, element.linear_ratio, element.square_ratio),
        battery_wh=element.battery_wh,
        start_s=element.start_s,
        failures_per_year=element.failures_per_year,
        repair_h=element.repair_h,
        fail_to_start_ratio=element.fail_to_start_ratio,
    )

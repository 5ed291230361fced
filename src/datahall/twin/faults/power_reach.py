"""Which racks, and what of cooling, lose power with power elements: at full load in the worst weather, with overloads."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from datahall.infrastructure.power import power_graph
from datahall.infrastructure.reliability.alike import Likeness
from datahall.infrastructure.reliability.from_graph import CRITICAL_PLANT, PLANT, supply_of
from datahall.infrastructure.reliability.outage import UNKNOWN_START_S, Outage, Outages
from datahall.infrastructure.reliability.supply import Supply
from datahall.infrastructure.reliability.sweep import TOLD_TRIPS, witness_of
from datahall.infrastructure.spec import Power
from datahall.infrastructure.weather import weather_of
from datahall.infrastructure.works import DesignHour, Works, design_hour, it_design_w, liquid_ratio_of
from datahall.network.load import Loaded
from datahall.network.switches import draw_of_one_w, placed_of, standing_in


@dataclass(frozen=True, slots=True)
class PowerLoss:
    """What loses power."""

    lost_racks: frozenset[str] = frozenset()
    interrupted_racks: frozenset[str] = frozenset()
    """Back on generators after `gap_s`."""
    gap_s: float = 0.0
    plant: bool = False
    """Chillers, towers and their pumps."""
    fans: bool = False
    """Fans and pumps in the hall."""
    why: tuple[str, ...] = ()
    witness: tuple[str, ...] = ()


class PowerReach:
    """The power graph of one hall under its design load."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded

    @cached_property
    def design(self) -> DesignHour:
        """All IT at full draw or at its cap, in the worst weather, with switches that stand in no rack shared over all."""
        loaded, hall = self.loaded, self.loaded.hall
        placed = placed_of(loaded.fabrics, standing_in(loaded.estate))
        builds = zip(loaded.fabrics, placed, strict=True)
        more_w = sum(draw_of_one_w(build) * (build.switches - count) for build, count in builds)
        graph = power_graph(hall.power or Power(), loaded.estate, loaded.catalogue, more_it_w=more_w)
        weather = weather_of(hall.site, loaded.folder) if hall.site and hall.site.weather else None
        liquid_ratio = liquid_ratio_of(loaded.estate, hall.cooling)
        works = Works(graph, hall.cooling, weather, loaded.catalogue, liquid_ratio)
        self.graph = graph
        cap_w = hall.power.it_cap_w if hall.power else None
        return design_hour(works, it_design_w(graph.it_peak_w, cap_w, more_it_w=more_w))

    @cached_property
    def supply(self) -> Supply:
        load = self.design.load
        return supply_of(self.graph, estate=self.loaded.estate, **load)

    @cached_property
    def _outages(self) -> Outages:
        return Outages(self.supply)

    @cached_property
    def alike(self) -> tuple[tuple[str, ...], ...]:
        """Elements that no figure and no wire tells apart."""
        units = self.supply.units
        return tuple(tuple(units[i].name for i in members) for members in Likeness(self.supply).classes().units)

    def without(self, names: Collection[str]) -> PowerLoss:
        """After the loss of these elements together; one that then carries more than its limit trips, until nothing does."""
        if not names:
            return PowerLoss()
        supply = self.supply
        outage = self._outages.after([supply.index[name] for name in names])
        lost = {supply.loads[i].name for i in outage.lost_loads if supply.loads[i].kind == "rack"}
        gaps = {supply.loads[i].name for i in outage.interrupted_loads if supply.loads[i].kind == "rack"}
        mechanical = {supply.loads[i].name for i in outage.lost_loads if supply.loads[i].kind == "mechanical"}
        shared = all(load.name != CRITICAL_PLANT for load in supply.loads)
        plant = PLANT in mechanical
        fans = CRITICAL_PLANT in mechanical or (plant and shared)
        loss = PowerLoss(frozenset(lost), frozenset(gaps), self._start_s() if gaps else 0.0, plant, fans)
        return PowerLoss(
            loss.lost_racks,
            loss.interrupted_racks,
            loss.gap_s,
            plant,
            fans,
            tuple(self._words(names, outage, loss)),
            tuple(witness_of(supply, outage)),
        )

    def _start_s(self) -> float:
        """Until the last generator runs, s."""
        engines = [unit.start_s for unit in self.supply.units if unit.kind == "generator"]
        return max((UNKNOWN_START_S if start_s is None else start_s for start_s in engines), default=UNKNOWN_START_S)

    def _words(self, names: Collection[str], outage: Outage, loss: PowerLoss) -> list[str]:
        racks = len(self.supply.racks)
        told = []
        for unit, asked_w in outage.tripped[:TOLD_TRIPS]:
            one = self.supply.units[unit]
            told.append(f"`{one.name}` trips: {asked_w / 1e3:.4g} kW asked, {one.limit_w / 1e3:.4g} kW allowed")
        if len(outage.tripped) > TOLD_TRIPS:
            told.append(f"{len(outage.tripped) - TOLD_TRIPS} more elements trip")
        if loss.lost_racks:
            told.append(f"{len(loss.lost_racks):,} of {racks:,} racks lose power")
        if loss.interrupted_racks:
            told.append(f"{len(loss.interrupted_racks):,} of {racks:,} racks lose power until generators run")
        told += ["the cooling plant has no power"] if loss.plant else []
        told += ["fans and pumps have no power"] if loss.fans else []
        some = ", ".join(f"`{name}`" for name in sorted(names)[:TOLD_TRIPS])
        lost = f"{some}{' and more' if len(names) > TOLD_TRIPS else ''} lost"
        return [lost, *told] if told else [f"{lost}: others carry its load"]

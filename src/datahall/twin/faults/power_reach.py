"""Which racks, and what of cooling, lose power with power elements: at full load in the worst weather, with overloads."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

from datahall.foundation.units import seconds_text
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
    held_racks: frozenset[str] = frozenset()
    """Those of them that still have a battery, for `hold_s`: that of the first one to be empty."""
    hold_s: float = 0.0
    interrupted_racks: frozenset[str] = frozenset()
    """Back on generators after `gap_s`."""
    gap_s: float = 0.0
    plant: bool = False
    """Chillers, towers and their pumps."""
    fans: bool = False
    """Fans and pumps in the hall."""
    fans_hold_s: float = 0.0
    """How long batteries still turn them."""
    dry_racks: frozenset[str] = frozenset()
    """On generators until their tanks are empty, after `dry_after_s` at the least: as if they gave their rating."""
    dry_after_s: float = 0.0
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
        units = [self.supply.index[name] for name in names]
        outage = self._outages.after(units)
        lost, gaps = self._racks(outage.lost_loads), self._racks(outage.interrupted_loads)
        mechanical = {self.supply.loads[i].name for i in outage.lost_loads if self.supply.loads[i].kind == "mechanical"}
        fans = CRITICAL_PLANT if any(load.name == CRITICAL_PLANT for load in self.supply.loads) else PLANT
        held, hold_s = self._held(outage)
        loss = PowerLoss(
            lost_racks=lost,
            held_racks=held,
            hold_s=hold_s,
            interrupted_racks=gaps,
            gap_s=self._start_s() if gaps else 0.0,
            plant=PLANT in mechanical,
            fans=fans in mechanical,
            fans_hold_s=self._held_s(fans, outage) if fans in mechanical else 0.0,
            dry_racks=self._dry(units) - lost,
            dry_after_s=min((self.graph.elements[i].fuel_h or 0.0 for i in self._tanks), default=0.0) * 3600,
        )
        why = tuple(self._words(names, outage, loss))
        return replace(loss, why=why, witness=tuple(witness_of(self.supply, outage)))

    def _held(self, outage: Outage) -> tuple[frozenset[str], float]:
        """Racks that batteries carry once nothing else does, and how long the first of these batteries lasts, losses aside."""
        broken = outage.removed | {unit for unit, _ in outage.tripped}
        reached = {i: self._batteries(self.supply.loads[i].feeds, broken) for i in outage.lost_loads}
        load_w: dict[int, float] = {}
        for load, units in reached.items():
            for unit in units:
                load_w[unit] = load_w.get(unit, 0.0) + self.supply.loads[load].peak_w / len(units)
        lasts_s = [(self.supply.units[i].battery_wh or 0.0) * 3600 / drawn_w for i, drawn_w in load_w.items() if drawn_w > 0]
        return self._racks([load for load, units in reached.items() if units]), min(lasts_s, default=0.0)

    def _held_s(self, name: str, outage: Outage) -> float:
        """What the batteries that a load still reaches last together, losses aside, s."""
        load = next(load for load in self.supply.loads if load.name == name)
        broken = outage.removed | {unit for unit, _ in outage.tripped}
        stored_wh = sum(self.supply.units[i].battery_wh or 0.0 for i in self._batteries(load.feeds, broken))
        return stored_wh * 3600 / load.peak_w if load.peak_w > 0 else 0.0

    def _batteries(self, feeds: Collection[int], broken: Collection[int]) -> list[int]:
        """Units with a battery that lead to these feeds past nothing that is broken."""
        todo, seen = list(feeds), set[int]()
        while todo:
            if (unit := todo.pop()) in seen or unit in broken:
                continue
            seen.add(unit)
            todo += self.supply.units[unit].parents
        return [unit for unit in sorted(seen) if self.supply.units[unit].battery_wh]

    def _dry(self, units: Collection[int]) -> frozenset[str]:
        """Racks that are without power once the tanks are empty as well."""
        return self._racks(self._outages.after([*units, *self._tanks]).lost_loads) if self._tanks else frozenset()

    def _racks(self, loads: Collection[int]) -> frozenset[str]:
        return frozenset(self.supply.loads[i].name for i in loads if self.supply.loads[i].kind == "rack")

    @cached_property
    def _tanks(self) -> tuple[int, ...]:
        """Generators whose tanks are declared; units stand in the graph's own order."""
        return tuple(i for i, unit in enumerate(self.supply.units) if self.graph.elements[i].fuel_h is not None)

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
        if loss.held_racks:
            told.append(f"batteries carry {len(loss.held_racks):,} of them for {seconds_text(loss.hold_s)}")
        if loss.interrupted_racks:
            told.append(f"{len(loss.interrupted_racks):,} of {racks:,} racks lose power until generators run")
        if loss.dry_racks:
            told.append(
                f"{len(loss.dry_racks):,} of {racks:,} racks live on generators, for {seconds_text(loss.dry_after_s)} or more"
            )
        told += ["the cooling plant has no power"] if loss.plant else []
        held = f" once batteries are empty, in {seconds_text(loss.fans_hold_s)}" if loss.fans_hold_s else ""
        told += [f"fans and pumps have no power{held}"] if loss.fans else []
        some = ", ".join(f"`{name}`" for name in sorted(names)[:TOLD_TRIPS])
        lost = f"{some}{' and more' if len(names) > TOLD_TRIPS else ''} lost"
        return [lost, *told] if told else [f"{lost}: others carry its load"]

"""The grid or the cooling is lost at some moment of a run: what holds, for how long, and what goes, as events in time."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from datahall.infrastructure.cooling import RideThroughResult, heat_of
from datahall.infrastructure.cooling.held import air_m3_of, hall_ride_through, racks_kg_of
from datahall.infrastructure.power.backup import fuel_h
from datahall.infrastructure.power.columns import Bools, Floats
from datahall.infrastructure.power.ride import Ride, ride_of
from datahall.twin.plant.plant import Plant
from datahall.twin.plant.play import heat_w, mechanical_of
from datahall.twin.plant.played import Played
from datahall.twin.plant.ways import loads_of

Kind = Literal[
    "utility_lost", "racks_dark", "generators_up", "overload", "fuel_empty", "cooling_lost", "air_limit", "loop_limit"
]


@dataclass(frozen=True, slots=True)
class PlantEvent:
    """One thing that happens, for the fault timeline."""

    at_ms: int
    kind: Kind
    what: str
    """In words, with numbers."""
    names: tuple[str, ...] = ()
    """Racks, or power elements for `overload` and `fuel_empty`."""


@dataclass(frozen=True, eq=False)
class Outage:
    """What follows, in order of time, and the temperatures behind it."""

    events: tuple[PlantEvent, ...]
    heat: RideThroughResult | None
    """None where cooling goes on, or nothing of it is known."""


def lose_utility(
    plant: Plant, played: Played, at_ms: int, *, back_ms: int | None = None, restart_s: float = 0.0, fuel: bool = True
) -> Outage:
    """All utilities are gone from at_ms until back_ms, or for good. Load and weather: those of that slice, as if they stayed.

    restart_s: from power for the cooling plant until it cools again. fuel: whether to tell when tanks are empty.
    """
    now = _Now(plant, played, at_ms)
    ends_s = math.inf if back_ms is None else (back_ms - at_ms) / 1e3
    ride = ride_of(plant.works.graph, now.load_w)
    events = [PlantEvent(at_ms, "utility_lost", f"all utilities lost at {now.facility_w / 1e3:.4g} kW")]
    events += _racks(now, ride, ends_s)
    if math.isfinite(first := float(np.min(ride.rack_starts_s, initial=math.inf))) and first < ends_s:
        events += [now.event(first, "generators_up", f"generators carry the hall after {first:.3g} s"), *_overloads(now, first)]
        events += _fuel(now, first, ends_s) if fuel else []
    back_s = min(ride.mechanical_starts_s, ends_s) + restart_s
    heat: RideThroughResult | None = None
    if ride.mechanical_holds_s < back_s - restart_s:
        fans_s = math.inf if ride.critical_holds_s >= min(ride.critical_starts_s, ends_s) else ride.critical_holds_s
        found, heat = _heat(now, ride.mechanical_holds_s, back_s, fans_s=fans_s)
        events += found
    return Outage(tuple(sorted(events, key=lambda event: event.at_ms)), heat)


def lose_cooling(plant: Plant, played: Played, at_ms: int, *, back_ms: int | None = None, fans: bool = True) -> Outage:
    """Heat rejection is gone from at_ms until back_ms, or for good. fans: whether fans and pumps in the hall go on."""
    now = _Now(plant, played, at_ms)
    ends_s = math.inf if back_ms is None else (back_ms - at_ms) / 1e3
    events, heat = _heat(now, 0.0, ends_s, fans_s=math.inf if fans else 0.0)
    return Outage(tuple(events), heat)


class _Now:
    """One slice of a run, as it is when something is lost."""

    def __init__(self, plant: Plant, played: Played, at_ms: int) -> None:
        self.plant, self.at_ms = plant, at_ms
        self.slice = min(int(played.slices.at(np.array([at_ms]))[0]), played.slices.count - 1)
        here = slice(self.slice, self.slice + 1)
        self.place_w = played.place_w[:, here]
        rest_w, critical_w = mechanical_of(played.cooling, played.slices.count)
        self.cooling_w = rest_w[here], critical_w[here]
        self.facility_w = float(played.flow.facility_w[self.slice])
        self.indoor_loss_w = float(played.flow.indoor_loss_w[self.slice])
        self.hour = int(played.slices.hour_of_year(plant.year_h)[self.slice])
        self.load_w = self.outputs_w(frozenset())

    def outputs_w(self, lost: frozenset[int]) -> Floats:
        """(N,) what each element gives once those are lost."""
        loads = loads_of(self.plant, self.place_w, lost)
        free = np.full(len(self.plant.works.graph.elements), math.inf)
        return loads.worst(*self.cooling_w, limit_w=free, seconds=np.ones(1)).load_w

    def event(self, after_s: float, kind: Kind, what: str, names: tuple[str, ...] = ()) -> PlantEvent:
        return PlantEvent(self.at_ms + round(after_s * 1e3), kind, what, names)


def _racks(now: _Now, ride: Ride, ends_s: float) -> list[PlantEvent]:
    """Racks that go dark, those at the same moment together."""
    names = now.plant.works.graph.racks.names
    dark = ride.dark_s(ends_s)
    found = []
    for after_s in np.unique(dark[np.isfinite(dark)]).tolist():
        racks = tuple(names[r] for r in np.flatnonzero(dark == after_s))
        what = f"{len(racks)} of {len(names)} racks dark: their batteries hold {after_s:.4g} s"
        found.append(now.event(after_s, "racks_dark", what, racks))
    return found


def _overloads(now: _Now, after_s: float) -> list[PlantEvent]:
    """Elements above their rating once generators carry all."""
    graph = now.plant.works.graph
    load_w = now.outputs_w(graph.utilities)
    found = []
    for i in np.flatnonzero(load_w > np.array([e.rating_w for e in graph.elements]) * (1 + 1e-9)).tolist():
        element = graph.elements[i]
        what = (
            f"`{element.name}` gives {load_w[i] / 1e3:.4g} kW, {(load_w[i] - element.rating_w) / 1e3:.4g} kW above its rating"
        )
        found.append(now.event(after_s, "overload", what, (element.name,)))
    return found


def _fuel(now: _Now, after_s: float, ends_s: float) -> list[PlantEvent]:
    """Tanks that are empty before the grid is back, each moment once."""
    graph = now.plant.works.graph
    load_w = now.outputs_w(graph.utilities)
    empty: dict[float, list[str]] = {}
    for i in graph.generators:
        element = graph.elements[i]
        if element.fuel_h is not None:
            lasts_s = after_s + 3600 * fuel_h(element.fuel_h, float(load_w[i]) / element.rating_w)
            empty.setdefault(lasts_s, []).append(element.name)
    return [
        now.event(lasts_s, "fuel_empty", f"{len(names)} generators have no fuel after {lasts_s / 3600:.3g} h", tuple(names))
        for lasts_s, names in empty.items()
        if lasts_s < ends_s
    ]


def _heat(now: _Now, from_s: float, back_s: float, *, fans_s: float) -> tuple[list[PlantEvent], RideThroughResult | None]:
    """What warms up while heat rejection is gone from from_s to back_s. fans_s: how long fans and pumps in the hall go on."""
    plant = now.plant
    events = [now.event(from_s, "cooling_lost", "heat is no longer carried away")]
    if (found := _ride_through(now)) is None:
        return events, None
    limit_s = found.with_ups_s
    if fans_s < (math.inf if limit_s is None else from_s + limit_s):
        # From the moment that fans stand still air and racks are alone; what water took until then is left out.
        limit_s = found.without_ups_s
    if limit_s is not None and from_s + limit_s < back_s:
        what = f"inlet air is at {found.limit_c:g} C {limit_s:.3g} s after cooling was lost"
        events.append(now.event(from_s + limit_s, "air_limit", what, _named(plant, plant.places.plate_ratio < 1)))
    plates = _named(plant, plant.places.plate_ratio > 0)
    if found.liquid_s is not None and plates:
        # Once pumps stand still nothing reaches cold plates, however cold the loop. Rear doors' heat is in the air's time.
        loop_s = min(found.liquid_s, max(fans_s - from_s, 0.0))
        if from_s + loop_s < back_s:
            why = "the liquid loop has warmed by its limit" if loop_s == found.liquid_s else "pumps stand still"
            events.append(now.event(from_s + loop_s, "loop_limit", f"{why} {loop_s:.3g} s after cooling was lost", plates))
    return sorted(events, key=lambda event: event.at_ms), found


def _ride_through(now: _Now) -> RideThroughResult | None:
    """At the heat and the weather of that moment; None without an air side, or with nothing that takes heat."""
    plant, spec, weather = now.plant, now.plant.works.spec, now.plant.works.weather
    air_m3 = air_m3_of(plant.hall.rooms, plant.estate.racks)
    racks_kg = racks_kg_of(plant.estate, plant.works.catalogue)
    if spec is None or air_m3 + racks_kg <= 0:
        return None
    it_w = now.place_w.sum(axis=0) + plant.more_it_w
    air_w, liquid_w = (float(heat[0]) for heat in heat_w(plant, it_w, now.place_w))
    full = heat_of(plant.estate, spec)
    return hall_ride_through(
        spec,
        air_heat_w=air_w + now.indoor_loss_w,
        liquid_heat_w=liquid_w,
        door_heat_w=full.rear_door_w / full.liquid_w * liquid_w if full.liquid_w else 0.0,
        air_m3=air_m3,
        racks_kg=racks_kg,
        outdoor_c=float(weather.dry_bulb_c[now.hour]) if weather else None,
    )


def _named(plant: Plant, chosen: Bools) -> tuple[str, ...]:
    return tuple(plant.places.names[i] for i in np.flatnonzero(chosen))

"""What batteries, tanks and availability were worked out from: each element's own figures, from its line or its row."""

from collections.abc import Iterator

from datahall.infrastructure.power.element import Element
from datahall.infrastructure.power.losses import loss_w
from datahall.infrastructure.spec import Cooling, PowerElement
from datahall.planner.facility import FacilityYear
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger

PEOPLE = {
    "maintenance_h_per_year": "h/a",
    "human_error_per_maintenance": "1",
    "human_error_repair_h": "h",
}


def battery_facts(ledger: Ledger, year: FacilityYear, spec_index: int, load_w: float) -> list[Figure]:
    """Usable energy of a UPS, its load, and its loss at that load."""
    element = _element(year, spec_index)
    path, name = ("power", "elements", spec_index), f"power.{_spec(ledger, spec_index).name}"
    load = ledger.given("battery_load_w", load_w, "W", source="the UPS with the most load, grid lost at full load")
    rating = ledger.given(f"{name}.rating_w", element.rating_w, "W", source=ledger.loaded.document.where(path))
    ratios = (element.no_load_ratio, element.linear_ratio, element.square_ratio)
    terms = [_of_row(ledger, element, f"loss_{t}", r) for t, r in zip("abc", ratios, strict=True)]
    lost_w = loss_w(load_w, rating_w=element.rating_w, no_load_ratio=ratios[0], linear_ratio=ratios[1], square_ratio=ratios[2])
    loss = ledger.computed(
        "battery_ups_loss_w",
        lost_w,
        "W",
        formula="rating × (a + b x + c x²), x = load / rating",
        inputs=[rating, load, *terms],
        about="the UPS's own loss at this load",
    )
    usable = ledger.declared(f"{name}.battery_wh", (*path, "battery_wh"), element.battery_wh or 0.0, "Wh", "usable")
    return [usable, load, loss]


def tank_facts(ledger: Ledger, year: FacilityYear, spec_index: int) -> list[Figure]:
    """Hours that a generator's tank lasts at its rating."""
    name, path = f"power.{_spec(ledger, spec_index).name}.fuel_h", ("power", "elements", spec_index, "fuel_h")
    return [ledger.declared(name, path, _element(year, spec_index).fuel_h or 0.0, "h", "from the tank, at rating")]


def failure_facts(ledger: Ledger, year: FacilityYear) -> list[Figure]:
    """How often elements and cooling units fail, and how long they are out; what nobody checked shows as assumed."""
    cooling = ledger.loaded.hall.cooling
    found = [
        figure for index in dict.fromkeys(e.spec_index for e in year.graph.elements) for figure in _failures(ledger, index)
    ]
    return [*found, *(_failures_of_cooling(ledger, cooling) if cooling else ())]


def common_cause_facts(ledger: Ledger) -> list[Figure]:
    beta_ratio = ledger.loaded.hall.reliability.beta_ratio
    return [ledger.declared("reliability.beta_ratio", ("reliability", "beta_ratio"), beta_ratio, "1", "share of failures")]


def people_facts(ledger: Ledger) -> list[Figure]:
    """Planned work, and mistakes in it."""
    spec = ledger.loaded.hall.reliability
    return [
        ledger.declared(f"reliability.{name}", ("reliability", name), getattr(spec, name), unit)
        for name, unit in PEOPLE.items()
    ]


def _failures(ledger: Ledger, spec_index: int) -> Iterator[Figure]:
    spec = _spec(ledger, spec_index)
    row = ledger.loaded.catalogue.power.get(spec.part or "")
    for field, unit in (("failures_per_year", "1/a"), ("repair_h", "h"), ("fail_to_start_ratio", "1")):
        said, looked = getattr(spec, field, None), getattr(row, field, None)
        if said is not None:
            yield ledger.declared(f"power.{spec.name}.{field}", ("power", "elements", spec_index, field), said, unit)
        elif looked is not None and row is not None:
            yield ledger.looked_up(f"power_part.{row.name}.{field}", looked, unit, row)


def _failures_of_cooling(ledger: Ledger, cooling: Cooling) -> Iterator[Figure]:
    groups = (cooling.air and cooling.air.units, cooling.liquid and cooling.liquid.units, cooling.plant.chillers)
    rows = ledger.loaded.catalogue.cooling
    for row in dict.fromkeys(units.part for units in groups if units and units.part in rows):
        part = rows[str(row)]
        for field, unit in (("failures_per_year", "1/a"), ("repair_h", "h")):
            if (value := getattr(part, field)) is not None:
                yield ledger.looked_up(f"cooling_part.{part.name}.{field}", value, unit, part)


def _of_row(ledger: Ledger, element: Element, what: str, value: float) -> Figure:
    row = ledger.loaded.catalogue.power.get(element.part or "")
    if row is None:
        return ledger.given(f"power.{element.name}.{what}", value, "1", source="no part is named: none counted", assumed=True)
    return ledger.looked_up(f"power_part.{row.name}.{what}", value, "1", row)


def _element(year: FacilityYear, spec_index: int) -> Element:
    return next(element for element in year.graph.elements if element.spec_index == spec_index)


def _spec(ledger: Ledger, spec_index: int) -> PowerElement:
    power = ledger.loaded.hall.power
    assert power is not None  # noqa: S101 - its elements are asked for
    return power.elements[spec_index]

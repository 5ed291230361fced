"""The declared choices and looked-up facts behind losses and cooling, so that a figure can be walked back to them."""

from datahall.foundation.paths import Path
from datahall.foundation.spec import Spec
from datahall.infrastructure.spec import AirSide, Cooling, LiquidSide
from datahall.planner.facility import FacilityYear
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger

AIR = {
    "supply_c": "°C",
    "rise_k": "K",
    "fan_w_per_m3_per_s": "W/(m³/s)",
    "fan_exponent": "1",
    "min_flow_ratio": "1",
    "dew_point_max_c": "°C",
}
LIQUID = {"supply_c": "°C", "rise_k": "K", "approach_k": "K", "pump_w_per_l_per_s": "W/(L/s)", "pump_exponent": "1"}
CHILLED = {"chilled_water_c": "°C", "range_k": "K"}
TOWER = {
    "tower_approach_k": "K",
    "tower_range_k": "K",
    "cycles_of_concentration": "1",
    "drift_ratio": "1",
    "tower_fan_w_per_w": "1",
}
PUMPS = {"pump_w_per_w": "1"}


def declared_fields(ledger: Ledger, spec: Spec, path: Path, units: dict[str, str]) -> list[Figure]:
    """Fields of a section as figures, each named by its path."""
    return [
        ledger.declared("_".join(str(part) for part in (*path, name)), (*path, name), getattr(spec, name), unit)
        for name, unit in units.items()
    ]


def air_set_points(ledger: Ledger, air: AirSide | None) -> list[Figure]:
    return declared_fields(ledger, air, ("cooling", "air"), AIR) if air else []


def liquid_set_points(ledger: Ledger, liquid: LiquidSide | None) -> list[Figure]:
    return declared_fields(ledger, liquid, ("cooling", "liquid"), LIQUID) if liquid else []


def plant_set_points(ledger: Ledger, cooling: Cooling, units: dict[str, str]) -> list[Figure]:
    return declared_fields(ledger, cooling.plant, ("cooling", "plant"), units)


def loss_inputs(ledger: Ledger, year: FacilityYear, kind: str) -> list[Figure]:
    """Count and ratings of the elements of a kind, and the three terms of each part among them."""
    found = [(n, element) for n, element in enumerate(year.graph.elements) if element.kind == kind]
    rating = sum(element.rating_w for _, element in found)
    mean = float(sum(year.flow.peak_load_ratio[n] for n, _ in found)) / len(found)
    inputs = [
        ledger.given(f"{kind}_rating_w", rating, "W", source=f"{len(found)} elements of the hall file", about="together"),
        ledger.given(f"{kind}_peak_load_ratio", mean, "1", source="solved from the load up", about="mean of their peaks"),
    ]
    parts = dict.fromkeys(element.part for _, element in found if element.part)
    return inputs + [term for part in parts for term in _terms(ledger, part)]


def _terms(ledger: Ledger, name: str) -> list[Figure]:
    part = ledger.loaded.catalogue.power.get(name)
    if part is None:
        return []
    terms = {"a": part.loss_no_load_ratio, "b": part.loss_linear_ratio, "c": part.loss_square_ratio}
    return [
        ledger.looked_up(f"power_part.{part.name}.loss_{term}", value, "1", part, f"term {term}")
        for term, value in terms.items()
    ]

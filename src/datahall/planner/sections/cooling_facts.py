"""What compressors, water and ride-through were worked out from: set points, machines' figures, and constants."""

from datahall.infrastructure.cooling.machines import (
    CONDENSER_APPROACH_K,
    DRY_CONDENSING_ABOVE_AIR_K,
    EVAPORATOR_APPROACH_K,
    MIN_LIFT_K,
    WATER_J_PER_KG_K,
)
from datahall.infrastructure.cooling.plant import CHILLER_ROWS, DX_COIL_BELOW_SUPPLY_K, DX_ROW, carnot_ratio_of, is_dry
from datahall.infrastructure.cooling.ride_through import AIR_KG_PER_M3
from datahall.infrastructure.spec import Cooling
from datahall.infrastructure.weather.psychrometrics import CP_AIR_J_PER_KG_K, latent_heat_j_per_kg
from datahall.planner.facility import FacilityYear
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger
from datahall.planner.sections.set_points import declared_fields

HELD = {
    "tank_water_kg": "kg",
    "rack_kj_per_kg_k": "kJ/(kg K)",
    "rack_coupling_ratio": "1",
    "wall_w_per_k": "W/K",
    "limit_c": "°C",
    "loop_rise_limit_k": "K",
}
MACHINES = "infrastructure/cooling/machines: figures of their class"


def heat_facts(ledger: Ledger, year: FacilityYear) -> list[Figure]:
    """Heat that leaves in a year."""
    assert year.cooling is not None  # noqa: S101 - the caller looked
    rejected_kwh = float(year.cooling.heat_rejected_w.sum()) / 1e3
    return [
        ledger.given("heat_rejected_kwh", rejected_kwh, "kWh", source="Σ hours, solved with the plant", about="to outdoors")
    ]


def compressor_facts(ledger: Ledger, cooling: Cooling) -> list[Figure]:
    """Shares of the Carnot limit, and the distance of refrigerant from water and air."""
    facts = [
        ledger.given("evaporator_approach_k", EVAPORATOR_APPROACH_K, "K", source=MACHINES),
        ledger.given(
            "least_lift_k", MIN_LIFT_K, "K", source=f"{MACHINES}; a common limit, not checked at a maker's", assumed=True
        ),
    ]
    if is_dry(cooling.plant):
        facts.append(ledger.given("condensing_above_air_k", DRY_CONDENSING_ABOVE_AIR_K, "K", source=MACHINES))
    else:
        facts.append(ledger.given("condenser_approach_k", CONDENSER_APPROACH_K, "K", source=MACHINES))
    if cooling.air is not None and "dx" in (cooling.air.kind, cooling.air.trim):
        facts += [
            ledger.given("coil_below_supply_k", DX_COIL_BELOW_SUPPLY_K, "K", source=MACHINES),
            _carnot_of_row(ledger, DX_ROW),
        ]
    return [*facts, _carnot_of_chiller(ledger, cooling)]


def _carnot_of_chiller(ledger: Ledger, cooling: Cooling) -> Figure:
    plant, rows = cooling.plant, ledger.loaded.catalogue.cooling
    if plant.carnot_ratio is not None:
        path = ("cooling", "plant", "carnot_ratio")
        return ledger.declared("cooling_plant_carnot_ratio", path, plant.carnot_ratio, "1", "share of the ideal COP")
    own = plant.chillers.part if plant.chillers else None
    has_own = own in rows and rows[str(own)].carnot_ratio is not None
    return _carnot_of_row(ledger, str(own) if has_own else CHILLER_ROWS[plant.chiller])


def _carnot_of_row(ledger: Ledger, name: str) -> Figure:
    value, row = carnot_ratio_of(name, ledger.loaded.catalogue), ledger.loaded.catalogue.cooling.get(name)
    figure, about = f"cooling_part.{name}.carnot_ratio", "share of the ideal COP"
    if row is None or row.carnot_ratio is None:
        return ledger.given(figure, value, "1", source=f"Datahall's own row {name}", about=about)
    return ledger.looked_up(figure, value, "1", row, about)


def water_facts(ledger: Ledger, year: FacilityYear) -> list[Figure]:
    """Heat, and what it takes to evaporate a kilogram."""
    assert year.weather is not None  # noqa: S101 - the caller looked
    latent = float(latent_heat_j_per_kg(year.weather.wet_bulb_c).mean())
    source = "psychrometrics, at the wet bulb, mean of the year"
    return [*heat_facts(ledger, year), ledger.given("latent_heat_j_per_kg", latent, "J/kg", source=source)]


def heat_to_air_facts(ledger: Ledger, year: FacilityYear) -> list[Figure]:
    """Share of the IT heat that liquid takes, and losses in the hall, at full load."""
    lost_w = year.design.air_heat_w - year.design.it_w * (1 - year.liquid_ratio)
    rows = "cold plates and rear doors of the racks, by their rows"
    return [
        ledger.given("liquid_heat_ratio", year.liquid_ratio, "1", source=rows, about="share of the IT heat to liquid"),
        ledger.given("indoor_loss_at_full_load_w", lost_w, "W", source="losses of elements in the hall, solved at full load"),
    ]


def ride_through_facts(ledger: Ledger, cooling: Cooling, year: FacilityYear) -> list[Figure]:
    """What takes heat once cooling is lost, and where it starts."""
    facts = declared_fields(ledger, cooling.ride_through, ("cooling", "ride_through"), HELD)
    if cooling.air is not None:
        facts += declared_fields(ledger, cooling.air, ("cooling", "air"), {"supply_c": "°C"})
        if "chilled_water" in (cooling.air.kind, cooling.air.trim):
            facts += declared_fields(ledger, cooling.plant, ("cooling", "plant"), {"chilled_water_c": "°C"})
    if year.weather is not None:
        source = f"{year.weather.source}: hottest hour"
        facts.append(ledger.given("hottest_hour_c", float(year.weather.dry_bulb_c.max()), "°C", source=source))
    if cooling.liquid is not None:
        if cooling.liquid.loop_water_kg is not None:
            facts += declared_fields(ledger, cooling.liquid, ("cooling", "liquid"), {"loop_water_kg": "kg"})
        facts.append(_liquid_heat(ledger, year))
    air = "air near 20 °C at sea level"
    return [
        *facts,
        ledger.given("air_kg_per_m3", AIR_KG_PER_M3, "kg/m³", source=air),
        ledger.given("air_j_per_kg_k", CP_AIR_J_PER_KG_K, "J/(kg K)", source=air),
        ledger.given("water_j_per_kg_k", WATER_J_PER_KG_K, "J/(kg K)", source="water near 20 °C"),
    ]


def _liquid_heat(ledger: Ledger, year: FacilityYear) -> Figure:
    inputs = [ledger.figures["it_design_w"], ledger.figures["liquid_heat_ratio"]]
    return ledger.computed(
        "liquid_heat_at_full_load_w",
        year.design.liquid_heat_w,
        "W",
        formula="IT at full load × share to liquid",
        inputs=inputs,
        about="heat to the liquid at full load",
    )

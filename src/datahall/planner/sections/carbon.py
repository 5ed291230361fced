"""What the hall emits: operation by the hour, by location and by contract, and the making of its equipment."""

from datahall.foundation.hourly import Series
from datahall.infrastructure.carbon import (
    CarbonYear,
    EmbodiedLine,
    Intensity,
    carbon_of,
    embodied_of,
    location_intensity,
    market_intensity,
    wue_source_l_per_kwh,
)
from datahall.infrastructure.spec import Grid, HourlyFile
from datahall.planner.facility import FacilityYear
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger
from datahall.planner.sections.money import hourly

CUE_SOURCE = "ISO/IEC 30134-8:2022; sum over sum"


def add_carbon(ledger: Ledger, year: FacilityYear) -> CarbonYear:
    """The year's emissions as figures."""
    hall = ledger.loaded.hall
    grid = hall.site.grid if hall.site else None
    emitted = carbon_of(
        year.facility,
        year.it,
        location=location_intensity(hall.site, _series(ledger, grid, year, "carbon_kgco2e_per_kwh")),
        market=market_intensity(hall.site, _series(ledger, grid, year, "market_kgco2e_per_kwh")),
        embodied=embodied_of(ledger.loaded.estate.devices, hall.economy),
    )
    _add_operation(ledger, emitted)
    _add_embodied(ledger, emitted)
    _add_source_water(ledger, year, grid)
    return emitted


def _series(ledger: Ledger, grid: Grid | None, year: FacilityYear, field: str) -> Series | None:
    declared = getattr(grid, field) if grid else None
    return hourly(ledger, declared, year) if isinstance(declared, HourlyFile) else None


def _add_operation(ledger: Ledger, emitted: CarbonYear) -> None:
    energy = ledger.figures["facility_energy_kwh"]
    for kind, intensity, total in (
        ("location", emitted.location, emitted.location_total_kgco2e),
        ("market", emitted.market, emitted.market_total_kgco2e),
    ):
        if intensity is None or total is None:
            continue
        grid = _intensity(ledger, kind, intensity, total, energy.value)
        ledger.computed(
            f"carbon_{kind}_kgco2e",
            total,
            "kgCO2e",
            formula="Σ hours facility energy × grid intensity",
            inputs=[energy, grid],
            about=f"operation, {kind}-based, in a year",
            source="GHG Protocol, Scope 2 Guidance",
        )
    if emitted.location is None:
        ledger.lacks("site.grid.carbon_kgco2e_per_kwh, or site.country", "emissions of operation")
    if emitted.cue is not None:
        inputs = [ledger.figures["carbon_location_kgco2e"], ledger.figures["it_energy_kwh"]]
        ledger.computed(
            "cue_kgco2e_per_kwh",
            emitted.cue,
            "kgCO2e/kWh",
            formula="emissions / IT energy",
            inputs=inputs,
            about="carbon usage effectiveness",
            source=CUE_SOURCE,
        )


def _intensity(ledger: Ledger, kind: str, intensity: Intensity, total: float, energy_kwh: float) -> Figure:
    mean = total / energy_kwh if energy_kwh else 0.0
    if intensity.assumed:
        ledger.assume("site.grid.carbon_kgco2e_per_kwh", f"{mean:.3f} kgCO2e/kWh: {intensity.source}")
    return ledger.given(
        f"grid_{kind}_kgco2e_per_kwh",
        mean,
        "kgCO2e/kWh",
        source=intensity.source,
        assumed=intensity.assumed,
        about="mean over the facility's energy",
    )


def _add_embodied(ledger: Ledger, emitted: CarbonYear) -> None:
    lines = emitted.embodied.lines
    if lines:
        ledger.computed(
            "embodied_kgco2e",
            emitted.embodied.kgco2e_per_year,
            "kgCO2e",
            formula="Σ devices × making of one / life",
            inputs=[figure for line in lines for figure in _embodied(ledger, line)],
            about="making of the equipment, a year of its life",
        )
    if emitted.embodied.missing:
        unknown = ", ".join(emitted.embodied.missing)
        ledger.lacks(
            "embodied_kgco2e in a catalogue row of your own", f"embodied carbon as a whole: nothing is known of {unknown}"
        )


def _embodied(ledger: Ledger, line: EmbodiedLine) -> list[Figure]:
    """How many of a part, what making one emits, and how long it lives."""
    life = "server_life_years" if line.name in ledger.loaded.estate.servers else "network_life_years"
    return [
        ledger.figures[f"devices_of_{line.name}"],
        ledger.given(f"embodied_of_one_{line.name}_kgco2e", line.kgco2e_each, "kgCO2e", source=line.source),
        ledger.declared(f"economy.{life}", ("economy", life), line.life_years, "a"),
    ]


def _add_source_water(ledger: Ledger, year: FacilityYear, grid: Grid | None) -> None:
    if grid is None or grid.water_l_per_kwh is None or year.water_l is None:
        return
    total = wue_source_l_per_kwh(year.water_l, year.facility.total, year.it.total, grid_water_l_per_kwh=grid.water_l_per_kwh)
    if total is not None:
        declared = ledger.declared("grid_water_l_per_kwh", ("site", "grid", "water_l_per_kwh"), grid.water_l_per_kwh, "L/kWh")
        named = ("water_m3", "facility_energy_kwh", "it_energy_kwh")
        inputs = [declared, *(ledger.figures[name] for name in named)]
        ledger.computed(
            "wue_source_l_per_kwh",
            total,
            "L/kWh",
            formula="(site water + facility energy × grid water) / IT energy",
            inputs=inputs,
            about="with the water of power stations",
            source="The Green Grid, White Paper 35",
        )

"""What the hall draws and cools in a year: energies, PUE, WUE, losses, the hottest element, free cooling."""

from datahall.foundation.paths import dotted_path
from datahall.infrastructure.cooling import CoolingYear
from datahall.planner.facility import FacilityYear
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger
from datahall.planner.sections.cooling_facts import compressor_facts, heat_facts, water_facts
from datahall.planner.sections.draw_facts import draw_facts
from datahall.planner.sections.set_points import (
    CHILLED,
    PUMPS,
    TOWER,
    air_set_points,
    liquid_set_points,
    loss_inputs,
    plant_set_points,
)

PUE_SOURCE = "ISO/IEC 30134-2:2016; sum over sum"
WUE_SOURCE = "ISO/IEC 30134-9:2022, category 1; sum over sum"


def add_energy(ledger: Ledger, year: FacilityYear) -> None:
    """Everything that follows from the hourly year."""
    it = _add_it(ledger, year)
    losses = _add_losses(ledger, year)
    parts = [it, losses, _house(ledger, year)]
    if year.cooling is not None:
        parts.append(_add_cooling(ledger, year))
    facility = ledger.computed(
        "facility_energy_kwh",
        year.facility.total.kwh,
        "kWh",
        formula="IT + losses + cooling + house load",
        inputs=parts,
        about="at the meter, in a year",
    )
    peak_w = float(year.flow.facility_w.max())
    ledger.computed(
        "facility_peak_w", peak_w, "W", formula="highest hour", inputs=[facility], about="highest hour at the meter"
    )
    _add_effectiveness(ledger, year, facility, it)


def _add_it(ledger: Ledger, year: FacilityYear) -> Figure:
    operation = ledger.loaded.hall.operation
    load = ledger.declared(
        "utilisation_ratio",
        ("operation", "utilisation_ratio"),
        operation.utilisation_ratio,
        "1",
        "mean load of the accelerators",
    )
    peak = ledger.figures["it_peak_in_racks_w"]
    more = [ledger.figures[name] for name in ("network_power_not_placed_w",) if name in ledger.figures]
    ledger.computed(
        "it_peak_w",
        peak.value + sum(f.value for f in more),
        "W",
        formula="in racks + network that is placed nowhere",
        inputs=[peak, *more],
        about="all IT at full load",
    )
    _add_design(ledger, year)
    if year.clipped_hours:
        ledger.assume("power.it_cap_w", f"the cap holds IT back in {year.clipped_hours:,} hours of the year")
    formula = "Σ hours min(cap, idle + (peak − idle) × load of the hour)"
    return ledger.computed(
        "it_energy_kwh",
        year.it.total.kwh,
        "kWh",
        formula=formula,
        inputs=[ledger.figures["it_peak_w"], load, *draw_facts(ledger, year)],
        about="at the inlets of the equipment, in a year",
    )


def _add_design(ledger: Ledger, year: FacilityYear) -> None:
    """What power, cooling and building are made for."""
    inputs, cap_w = [ledger.figures["it_peak_w"]], ledger.loaded.hall.power.it_cap_w if ledger.loaded.hall.power else None
    if cap_w is not None:
        inputs.append(ledger.declared("it_cap_w", ("power", "it_cap_w"), cap_w, "W", "cap on all IT together"))
    ledger.computed(
        "it_design_w",
        year.design.it_w,
        "W",
        formula="min(peak, cap)",
        inputs=inputs,
        about="all IT at full load, or at its cap: what the hall is built for",
    )


def _add_losses(ledger: Ledger, year: FacilityYear) -> Figure:
    by_kind = [
        ledger.computed(
            f"loss_{kind}_kwh",
            kwh,
            "kWh",
            formula="Σ hours rating × (a + b x + c x²), x = output / rating",
            inputs=loss_inputs(ledger, year, kind),
            about=f"lost in {kind.replace('_', ' ')}",
            source="three-term loss, Schneider WP 108",
        )
        for kind, kwh in sorted(year.flow.loss_kwh.items())
        if kwh > 0
    ]
    total = sum(figure.value for figure in by_kind)
    if not by_kind:
        return ledger.given("power_loss_kwh", 0.0, "kWh", source="no element has loss coefficients: none counted", assumed=True)
    return ledger.computed(
        "power_loss_kwh", total, "kWh", formula="Σ elements", inputs=by_kind, about="lost between meter and IT"
    )


def _house(ledger: Ledger, year: FacilityYear) -> Figure:
    power = ledger.loaded.hall.power
    load_w = power.house_load_w if power else 0.0
    declared = ledger.declared("house_load_w", ("power", "house_load_w"), load_w, "W", "lights, offices")
    return ledger.computed("house_energy_kwh", load_w * year.hours / 1e3, "kWh", formula="load × hours", inputs=[declared])


def _add_cooling(ledger: Ledger, year: FacilityYear) -> Figure:
    cooling, weather, spec = year.cooling, year.weather, ledger.loaded.hall.cooling
    assert cooling is not None and weather is not None and spec is not None  # noqa: S101 - the caller looked
    outside, wet = (
        ledger.given(f"mean_{name}_c", float(series.mean()), "°C", source=weather.source, about="outside air, mean of the year")
        for name, series in (("dry_bulb", weather.dry_bulb_c), ("wet_bulb", weather.wet_bulb_c))
    )
    air, liquid = air_set_points(ledger, spec.air), liquid_set_points(ledger, spec.liquid)
    chilled, tower = plant_set_points(ledger, spec, CHILLED), plant_set_points(ledger, spec, TOWER)
    cold = [*heat_facts(ledger, year), *compressor_facts(ledger, spec), *chilled, *tower, outside, wet]
    fan_law, parts = "rated × (flow / rated flow) ^ n", list[Figure]()
    for name, series, formula, about, inputs in (
        ("fans", cooling.fan_w, fan_law, "room fans", air),
        ("pumps", cooling.pump_w, fan_law, "water pumps", [*liquid, *plant_set_points(ledger, spec, PUMPS)]),
        ("compressors", cooling.compressor_w, "heat / (Carnot share × Carnot COP × part load)", "compressors", cold),
        ("heat_rejection", cooling.rejection_fan_w, fan_law, "towers and dry coolers", [*tower, outside, wet]),
    ):
        kwh = float(series.sum()) / 1e3
        parts.append(ledger.computed(f"cooling_{name}_kwh", kwh, "kWh", formula=formula, inputs=inputs, about=about))
    water = float(cooling.water_l.sum()) / 1e3
    ledger.computed(
        "water_m3",
        water,
        "m³",
        formula="Σ hours heat / latent heat × cycles / (cycles − 1), drift, pads",
        inputs=[*water_facts(ledger, year), *tower, outside, wet],
        about="evaporated and bled off, in a year",
    )
    _add_hours(ledger, cooling, outside)
    total = float(cooling.electricity_w.sum()) / 1e3
    formula = "fans + pumps + compressors + heat rejection"
    return ledger.computed("cooling_energy_kwh", total, "kWh", formula=formula, inputs=parts, about="cooling, in a year")


def _add_hours(ledger: Ledger, cooling: CoolingYear, outside: Figure) -> None:
    about = "hours in a year"
    free, short = cooling.economiser_h, cooling.unmet_h
    ledger.computed("free_cooling_h", free, "h", formula="hours without a compressor", inputs=[outside], about=about)
    ledger.computed("unmet_cooling_h", short, "h", formula="hours with heat beyond capacity", inputs=[outside], about=about)


def _add_effectiveness(ledger: Ledger, year: FacilityYear, facility: Figure, it: Figure) -> None:
    if year.pue is None or year.wue_l_per_kwh is None:
        lacking = "site.weather" if ledger.loaded.hall.cooling else "cooling"
        ledger.lacks(dotted_path((lacking,)), "cooling energy, PUE and WUE")
        return
    ledger.computed(
        "pue",
        year.pue,
        "1",
        formula="facility energy / IT energy",
        inputs=[facility, it],
        about="power usage effectiveness",
        source=PUE_SOURCE,
    )
    water = ledger.figures["water_m3"]
    ledger.computed(
        "wue_l_per_kwh",
        year.wue_l_per_kwh,
        "L/kWh",
        formula="water / IT energy",
        inputs=[water, it],
        about="water usage effectiveness",
        source=WUE_SOURCE,
    )

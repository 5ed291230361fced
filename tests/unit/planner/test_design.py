"""What a hall is built for does not depend on how busy it is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from datahall.infrastructure.spec import Operation
from datahall.infrastructure.works import it_design_w
from datahall.planner.facility import FacilityYear, facility_year
from datahall.planner.load import Loaded, load
from datahall.planner.plan import plan_of
from datahall.planner.site.hall_year import built_hall

AT_FULL_LOAD = (
    "battery_s", "generator_load_ratio", "generator_fuel_h", "hottest_element_ratio", "single_points",
    "availability_with_common_cause", "air_heat_at_full_load_w", "ride_through_s", "it_design_w",
)  # fmt: skip


def year_of(loaded: Loaded, **operation: object) -> FacilityYear:
    hall = loaded.hall.model_copy(update={"operation": Operation.model_validate(operation)})
    return facility_year(hall, loaded.estate, loaded.catalogue, loaded.folder)


def edited(hall_file: Path, *changes: tuple[str, str]) -> Loaded:
    text = hall_file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    hall_file.write_text(text)
    return load(hall_file)


@pytest.mark.parametrize("hall", ["h100-64", "h100-512"])
def test_figures_at_full_load_do_not_know_the_utilisation(hall: str) -> None:
    """Given a worked hall at a tenth of its load and at full load, what is said of full load is the same to the last digit."""
    loaded = load(Path(__file__).parents[3] / "halls" / f"{hall}.yaml")
    idle, busy = (
        plan_of(replace(loaded, hall=loaded.hall.model_copy(update={"operation": Operation(utilisation_ratio=ratio)}))).figures
        for ratio in (0.1, 1.0)
    )
    assert {name: idle[name].value for name in AT_FULL_LOAD} == {name: busy[name].value for name in AT_FULL_LOAD}
    assert idle["pue"].value != busy["pue"].value


def test_no_hour_asks_for_more_than_the_design(loaded: Loaded) -> None:
    """Given full utilisation, the highest hour of the year is the design hour, and no other hour is above it."""
    year = year_of(loaded, utilisation_ratio=1.0)
    assert year.design.facility_w == pytest.approx(year.flow.facility_w.max(), rel=1e-9)
    assert year.design.air_heat_w == pytest.approx(loaded.estate.peak_w + year.flow.indoor_loss_w.max(), rel=1e-9)
    assert year_of(loaded, utilisation_ratio=0.2).flow.facility_w.max() < 0.9 * year.design.facility_w


def test_the_design_hour_stands_in_bad_weather(loaded: Loaded) -> None:
    """Given chillers and a temperate year, the hour with the most power is among the warmest twentieth."""
    year = year_of(loaded)
    assert year.weather is not None and year.design.outdoor_c is not None
    assert year.design.outdoor_c > np.quantile(year.weather.dry_bulb_c, 0.95)
    assert year.design.mechanical_w > 0 and year.design.critical_mechanical_w > 0


def test_a_cap_holds_the_design_too(hall_file: Path) -> None:
    """Given a cap of 30 kW on 40.8 kW of servers, power and cooling are made for 30 kW."""
    loaded = edited(hall_file, ("  mechanical_fed_by: [grid]", "  mechanical_fed_by: [grid]\n  it_cap_w: 30 kW"))
    figures = plan_of(loaded).figures
    assert figures["it_design_w"].value == 30_000 and figures["it_peak_w"].value == pytest.approx(40_800)
    assert [f.name for f in figures["it_design_w"].inputs] == ["it_peak_w", "it_cap_w"]
    assert 30_000 < figures["air_heat_at_full_load_w"].value < 35_000
    assert built_hall(loaded).critical_w == pytest.approx(30_000)


def test_a_cap_does_not_reach_what_stands_nowhere() -> None:
    """Given 5 kW of switches outside of racks and a cap of 3 kW, the design is 5 kW; a cap above the peak changes nothing."""
    assert it_design_w(45e3, 3e3, more_it_w=5e3) == 5e3
    assert it_design_w(45e3, 60e3) == it_design_w(45e3, None) == 45e3


def test_without_weather_the_design_is_it_and_losses(hall_file: Path) -> None:
    """Given no weather year, cooling is not known, and full load is what IT and losses are."""
    design = year_of(edited(hall_file, ("  weather: {builtin: temperate}\n", ""))).design
    assert design.mechanical_w == design.critical_mechanical_w == 0 and design.outdoor_c is None
    assert design.facility_w == pytest.approx(design.it_w + design.flow.loss_w[0])


def test_pumps_rest_at_part_load(hall_file: Path) -> None:
    """Given chilled water, pumps take less for a watt of IT at 30 % than at full load, where it is 2 % of all heat."""
    found = []
    for ratio in (0.3, 0.7, 1.0):
        year = year_of(load(hall_file), utilisation_ratio=ratio)
        assert year.cooling is not None
        found.append(float(year.cooling.pump_w.sum() / year.it_w.sum()))
    assert found[0] < found[1] < 0.7 * found[2] and found[2] == pytest.approx(0.0227, rel=0.01)


def test_a_place_counts_unmet_hours_as_the_plan_does(hall_file: Path) -> None:
    """Given free cooling without trim in a hot place, a site's hours short of capacity are those of the plan's figure."""
    kind = "{kind: air_economiser, supply_c: 27, trim: none, dew_point_max_c: 25}"
    loaded = edited(hall_file, ("{kind: chilled_water, supply_c: 24}", kind))
    hot = loaded.hall.site.model_copy(update={"weather": loaded.hall.site.weather.model_copy(update={"builtin": "hot-dry"})})  # type: ignore[union-attr]
    year = facility_year(loaded.hall, loaded.estate, loaded.catalogue, loaded.folder, site=hot)
    seen = built_hall(loaded).at(hot, year.weather)
    assert year.cooling is not None and seen.unmet_cooling_h == year.cooling.unmet_h > 0
    assert seen.design_w == year.design.facility_w

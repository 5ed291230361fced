import numpy as np
import pytest

from datahall.foundation.energy import FacilityEnergy, ItEnergy
from datahall.foundation.hourly import HourlyFacility, HourlyIt
from datahall.infrastructure.carbon import (
    Intensity,
    carbon_of,
    country_intensity,
    cue,
    embodied_of,
    emissions_of,
    location_intensity,
    market_intensity,
    wue_source_l_per_kwh,
)
from datahall.infrastructure.carbon.intensity import grid_file
from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.estate import estate_of
from datahall.infrastructure.spec import Economy, Hall, Site

NONE = embodied_of({}, Economy())


def test_clean_hours_emit_little_whatever_the_mean_is():
    """Given a load that runs only while the grid is clean, its emissions are those of the clean hours."""
    facility = HourlyFacility.of_w(np.tile([0.0] * 12 + [2e6] * 12, 365))
    intensity = Intensity(np.tile([0.8] * 12 + [0.1] * 12, 365), "made up")
    year = carbon_of(facility, HourlyIt(facility.kwh / 1.25), location=intensity, market=None, embodied=NONE)
    assert year.location_total_kgco2e == pytest.approx(2000 * 4380 * 0.1)
    assert year.cue == pytest.approx(0.125), "CUE is sum over sum: 1.25 x 0.1"
    assert (year.market_total_kgco2e, year.market_cue) == (None, None)


def test_a_yearly_average_is_the_same_in_each_hour():
    """Given 0.4 kg/kWh all year and contracts at 0.05, both totals follow the facility's energy."""
    facility, it = HourlyFacility.of_w(np.full(8784, 1e6)), HourlyIt.of_w(np.full(8784, 0.8e6))
    year = carbon_of(facility, it, location=Intensity(0.4, "a"), market=Intensity(0.05, "b"), embodied=NONE)
    assert (year.location_total_kgco2e, year.market_total_kgco2e) == (pytest.approx(3_513_600), pytest.approx(439_200))
    assert (year.cue, year.market_cue) == (pytest.approx(0.5), pytest.approx(0.0625))


def test_energies_of_the_it_and_of_the_facility_do_not_mix():
    """Given an IT energy where the facility's is needed, or the other way round, it is a TypeError."""
    it = HourlyIt(np.ones(8760))
    with pytest.raises(TypeError, match="takes a HourlyFacility"):
        emissions_of(it, Intensity(0.4, "a"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="the denominator is an ItEnergy"):
        cue(np.ones(3), FacilityEnergy(1.0))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="takes a FacilityEnergy and an ItEnergy"):
        wue_source_l_per_kwh(1.0, ItEnergy(1.0), FacilityEnergy(1.0), grid_water_l_per_kwh=1.0)  # type: ignore[arg-type]


def test_no_it_load_has_no_effectiveness():
    """Given no IT energy, CUE and WUE are unknown, not infinite."""
    assert cue(np.ones(3), ItEnergy(0.0)) is None
    assert wue_source_l_per_kwh(1.0, FacilityEnergy(1.0), ItEnergy(0.0), grid_water_l_per_kwh=1.0) is None


def test_source_water_counts_the_power_stations_too():
    """Given 1,000 L at the site, 1,300 kWh from a grid of 2 L/kWh and 1,000 kWh of IT, it is 3.6 L/kWh."""
    wue = wue_source_l_per_kwh(1000.0, FacilityEnergy(1300.0), ItEnergy(1000.0), grid_water_l_per_kwh=2.0)
    assert wue == pytest.approx(3.6)


def test_what_a_hall_declares_comes_before_its_country():
    """Given a grid of its own, a series, a country or none of them, the emissions say whose they are."""
    own = location_intensity(
        Site.model_validate({"country": "DEU", "grid": {"carbon_kgco2e_per_kwh": 0.03, "source": "my grid"}})
    )
    assert own == Intensity(0.03, "my grid")
    table = location_intensity(Site(country="DEU"))
    assert table.assumed and "Germany 2023" in table.source and table.kgco2e_per_kwh == pytest.approx(0.38095)
    assert location_intensity(Site(place="somewhere")) is None and location_intensity(None) is None
    assert country_intensity("XXX") is None and market_intensity(Site(country="DEU")) is None


def test_hours_come_from_the_file_that_the_hall_names():
    """Given a CSV of hourly emissions, its series counts, and the file is its source; unread, the country stands in."""
    grid = {"carbon_kgco2e_per_kwh": {"file": "grid.csv", "column": "kg"}, "market_kgco2e_per_kwh": 0.0}
    site = Site.model_validate({"country": "FRA", "grid": grid})
    series = np.full(8760, 0.02)
    found = location_intensity(site, series)
    assert found.kgco2e_per_kwh is series and found.source == "grid.csv, column kg" and not found.assumed
    assert location_intensity(site).assumed
    assert market_intensity(site) == Intensity(0.0, "")


def test_the_table_of_countries_says_where_it_is_from():
    """Given the table of grids, it has its source, licence, date and unit, each country once, all between 0 and 1.4 kg/kWh."""
    file = grid_file()
    assert file.source and file.licence and file.date and file.unit == "kgCO2e/kWh"
    assert len({row.country for row in file.rows}) == len(file.rows) == 213
    assert all(0 <= row.kgco2e_per_kwh < 1.4 for row in file.rows)


def test_grams_for_kilograms_are_refused():
    """Given 380 where kilograms are asked, the hall file is refused."""
    with pytest.raises(ValueError, match="at most 3 kgCO2e"):
        Site.model_validate({"grid": {"carbon_kgco2e_per_kwh": 380}})


def test_making_the_equipment_is_spread_over_its_life():
    """Given 8 servers of 4,000 kg each over 4 years, 8,000 kg fall on a year; a server without a figure is named."""
    racks = [{"name": "r[1-4]", "contents": [{"part": "dgx-h100", "count": 2}, {"part": "dgx-a100", "count": 1}]}]
    hall = Hall.model_validate({"schema_version": 1, "name": "h", "racks": racks})
    devices = {
        name: (part.model_copy(update={"embodied_kgco2e": 4000.0 if name == "dgx-h100" else None}), count)
        for name, (part, count) in estate_of(hall, Catalogue()).devices.items()
    }
    embodied = embodied_of(devices, Economy(server_life_years=4))
    assert (embodied.kgco2e_per_year, embodied.kgco2e) == (8000.0, 32_000.0)
    assert embodied.missing == ("dgx-a100",)
    it = HourlyIt(np.ones(8760))
    year = carbon_of(HourlyFacility(np.ones(8760)), it, location=Intensity(1.0, "a"), market=None, embodied=embodied)
    assert year.with_embodied_kgco2e == pytest.approx(8760 + 8000)

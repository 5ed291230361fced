"""A hall through a year: energies balance, and ratios are sums over sums."""

from dataclasses import replace

import numpy as np
import pytest

from datahall.infrastructure.estate import estate_of
from datahall.infrastructure.spec import LiquidSide, Operation
from datahall.planner.facility import FacilityYear, facility_year
from datahall.planner.load import Loaded


def year_of(loaded: Loaded, *, more_it_w: float = 0.0) -> FacilityYear:
    return facility_year(loaded.hall, loaded.estate, loaded.catalogue, loaded.folder, more_it_w=more_it_w)


def with_operation(loaded: Loaded, **choices: object) -> Loaded:
    return replace(loaded, hall=loaded.hall.model_copy(update={"operation": Operation.model_validate(choices)}))


def test_what_the_meter_sees_is_it_and_losses_and_cooling(loaded: Loaded) -> None:
    """Given a year, the meter's energy is the sum of its parts in every hour, to 1e-9."""
    year = year_of(loaded)
    assert year.cooling is not None
    parts_w = year.it_w + year.cooling.electricity_w + year.flow.loss_w
    assert np.max(np.abs(year.flow.facility_w / parts_w - 1)) < 1e-9


def test_all_heat_leaves(loaded: Loaded) -> None:
    """Given a year, heat outdoors is IT, losses indoors, and what fans, pumps and compressors add, in every hour."""
    year = year_of(loaded)
    assert year.cooling is not None and not year.cooling.unmet_w.any()
    added_w = year.cooling.fan_w + year.cooling.pump_w + year.cooling.compressor_w
    heat_w = year.it_w + year.flow.indoor_loss_w + added_w
    assert np.max(np.abs(year.cooling.heat_rejected_w / heat_w - 1)) < 1e-9


def test_pue_is_a_ratio_of_sums(loaded: Loaded) -> None:
    """Given hours of unlike load, PUE is the sum over the sum, which the mean of the hours' ratios is not."""
    uneven = with_operation(loaded, utilisation_ratio=0.4, daily_profile=(0.0,) * 12 + (1.0,) * 12)
    year = year_of(uneven)
    mean_of_ratios = float(np.mean(year.flow.facility_w / year.it_w))
    assert year.pue == pytest.approx(year.flow.facility_w.sum() / year.it_w.sum(), rel=1e-12)
    assert year.pue is not None and abs(year.pue - mean_of_ratios) > 1e-3


def test_it_draws_between_idle_and_peak(loaded: Loaded) -> None:
    """Given 60 % load of 4 servers of 10.2 kW that idle at a stated share, the draw is idle + (peak - idle) x 0.6."""
    year = year_of(loaded)
    estate = loaded.estate
    assert estate.peak_w == pytest.approx(4 * 10_200)
    assert np.allclose(year.it_w, estate.idle_w + (estate.peak_w - estate.idle_w) * 0.6)


def test_more_load_costs_more_energy(loaded: Loaded) -> None:
    """Given a higher load, IT, facility and cooling energy all rise."""
    low, high = (year_of(with_operation(loaded, utilisation_ratio=load)) for load in (0.3, 0.9))
    assert low.cooling is not None and high.cooling is not None
    assert high.it.total > low.it.total and high.facility.total > low.facility.total
    assert high.cooling.electricity_w.sum() > low.cooling.electricity_w.sum()


def test_what_stands_nowhere_still_draws(loaded: Loaded) -> None:
    """Given 1 kW of switches in no rack, IT takes 1 kW more in every hour, at any load of the servers."""
    without, with_it = year_of(loaded), year_of(loaded, more_it_w=1000.0)
    assert np.allclose(with_it.it_w - without.it_w, 1000.0)
    assert with_it.flow.it_w == pytest.approx(with_it.it_w)


def test_a_rear_door_takes_its_share(loaded: Loaded) -> None:
    """Given rear doors that capture 80 % and no cold plates, 80 % of the heat is liquid; without a liquid side none."""
    [group] = loaded.hall.racks
    racks = (group.model_copy(update={"rear_door": True}),)
    found = []
    for liquid in (LiquidSide(supply_c=20, rejection="tower"), None):
        cooling = loaded.hall.cooling.model_copy(update={"liquid": liquid})  # type: ignore[union-attr]
        hall = loaded.hall.model_copy(update={"racks": racks, "cooling": cooling})
        found.append(facility_year(hall, estate_of(hall, loaded.catalogue), loaded.catalogue, loaded.folder).liquid_ratio)
    assert found == [pytest.approx(0.8), 0.0]

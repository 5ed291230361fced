"""The meter over a run's hours."""

import numpy as np
import pytest

from datahall.planner.training.used import Meter, hours_of


def meter(facility: list[float], price: list[float]) -> Meter:
    return Meter(np.array(facility), np.array(facility), np.array(price), None, None, has_cooling=True)


def test_hours_of_a_run_add_up_wherever_it_starts():
    """Given 2.5 hours from the last but one hour of a year of four, the first hour of the next year is half used."""
    assert hours_of(4, 2.5, 2).tolist() == [0.5, 0.0, 1.0, 1.0]
    assert hours_of(4, 9.0, 3).tolist() == [2.0, 2.0, 2.0, 3.0]
    assert hours_of(4, 2.0, None).tolist() == [0.5] * 4


def test_a_run_pays_the_price_of_its_own_hours():
    """Given 1 MW in the two cheap hours, it pays these; without a start it pays all hours alike."""
    day = meter([1.2, 1.2, 1.0, 1.0], [0.3, 0.3, 0.1, 0.1])
    cheap, any_time = day.used(1e6, 2, 2), day.used(1e6, 2, None)
    assert (cheap.it_kwh, cheap.facility_kwh, cheap.energy_cost) == (2000, 2000, pytest.approx(200))
    assert (any_time.facility_kwh, any_time.energy_cost) == (pytest.approx(2200), pytest.approx(460))
    assert cheap.location_kgco2e is None

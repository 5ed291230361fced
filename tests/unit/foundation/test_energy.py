"""Energies of the IT and of the facility are different things, for one sum and for a year of hours."""

import numpy as np
import pytest

from datahall.foundation.energy import FacilityEnergy, ItEnergy, at_pue, pue
from datahall.foundation.hourly import HourlyFacility, HourlyIt


def test_energies_of_one_kind_add_up():
    """Given two IT energies, their sum, difference and multiple are IT energies; joules follow."""
    total = ItEnergy(2.0) + ItEnergy(3.0) * 2 - ItEnergy(1.0)
    assert total == ItEnergy(7.0) and total.joules == pytest.approx(25.2e6)


def test_it_and_facility_energy_do_not_add_up():
    """Given one of each, their sum, by the year or by the hour, is a TypeError."""
    with pytest.raises(TypeError, match="ItEnergy and FacilityEnergy do not add up"):
        ItEnergy(1.0) + FacilityEnergy(1.0)  # type: ignore[operator]
    with pytest.raises(TypeError, match="HourlyIt and HourlyFacility do not add up"):
        HourlyIt(np.ones(3)) + HourlyFacility(np.ones(3))  # type: ignore[operator]
    with pytest.raises(TypeError, match="HourlyFacility and HourlyIt do not add up"):
        HourlyFacility(np.ones(3)) + HourlyIt(np.ones(3))  # type: ignore[operator]


def test_pue_is_applied_once():
    """Given 100 kWh of IT at a PUE of 1.3, the facility takes 130 kWh; those cannot be multiplied again."""
    facility = at_pue(ItEnergy(100.0), 1.3)
    assert facility == FacilityEnergy(130.0) and pue(facility, ItEnergy(100.0)) == pytest.approx(1.3)
    with pytest.raises(TypeError, match="a FacilityEnergy has its PUE in it already"):
        at_pue(facility, 1.3)  # type: ignore[arg-type]


def test_a_pue_has_its_two_energies_in_order():
    """Given them swapped, no IT load, or a ratio below 1, it is refused."""
    with pytest.raises(TypeError, match="in this order"):
        pue(ItEnergy(1.0), FacilityEnergy(1.0))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no PUE without IT load"):
        pue(FacilityEnergy(1.0), ItEnergy(0.0))
    with pytest.raises(ValueError, match=r"0\.9 is below 1"):
        at_pue(ItEnergy(1.0), 0.9)


def test_hours_keep_their_kind_and_their_total():
    """Given 1.5 kW and 1 kWh each hour of a year, their sum is IT energy of 2.5 kWh an hour."""
    both = HourlyIt.of_w(np.full(8760, 1500.0)) + HourlyIt(np.ones(8760))
    assert (type(both), both.hours, both.total) == (HourlyIt, 8760, ItEnergy(2.5 * 8760))
    assert HourlyFacility(np.ones(8784)).total == FacilityEnergy(8784.0)


def test_a_gap_is_no_energy():
    """Given an hour that is not a number, or a table in place of a row, it is refused."""
    with pytest.raises(ValueError, match="HourlyIt: an energy for each hour is one row of finite numbers"):
        HourlyIt(np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="one row of finite numbers"):
        HourlyFacility(np.ones((2, 24)))

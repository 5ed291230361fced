"""Caps on power through time, and what room they leave."""

import math

import numpy as np
import pytest
from pydantic import ValidationError
from tests.unit.twin.plant.halls import HOUR, TEXT, holds, plant

from datahall.foundation.document import as_spec, parse
from datahall.twin.plant import PowerCap, PowerCaps, headroom, play
from datahall.twin.plant.caps import cap_line
from datahall.twin.plant.headroom import it_at_meter_w


def test_a_cap_on_it_leaves_what_is_not_drawn():
    """Given 30 kW on IT from 1:00 to 2:00 every day, headroom is 30 kW less the draw then, and without end at other times."""
    cap = PowerCap(from_s=3600, to_s=7200, limit_w=30e3, at="it", every_s=86400)
    room = headroom(plant(), [cap], end_ms=48 * HOUR)
    assert room.headroom_w(HOUR, 12e3) == pytest.approx(18e3) and room.headroom_w(25 * HOUR, 40e3) == pytest.approx(-10e3)
    assert math.isinf(room.headroom_w(2 * HOUR, 12e3))
    assert [room.next_change_ms(at) for at in (0, HOUR, 2 * HOUR, 26 * HOUR)] == [HOUR, 2 * HOUR, 25 * HOUR, None]


def test_a_cap_at_the_meter_is_met_by_that_much_it():
    """Given limits between idle and full at the meter in four hours of the year, IT at the answer gives just that reading."""
    hall = plant()
    hours, meter_w = np.array([0, 4000, 4012, 8000]), np.array([25e3, 30e3, 35e3, 40e3])
    it_w = it_at_meter_w(hall, hours, meter_w)
    for hour, limit_w, most_w in zip(hours.tolist(), meter_w.tolist(), it_w.tolist(), strict=True):
        share = (most_w - hall.places.idle_w.sum()) / (hall.places.peak_w - hall.places.idle_w).sum()
        rows = holds(*((0, place, 0, HOUR, 16, share) for place in (0, 1)))
        assert play(hall, rows, end_ms=HOUR, start_hour=hour).flow.facility_w[0] == pytest.approx(limit_w, rel=1e-8)


def test_caps_that_no_load_meets_and_that_all_load_meets():
    """Given 1 W and 1 GW at the meter, no IT and all IT may be drawn."""
    hall = plant()
    assert it_at_meter_w(hall, np.array([5, 5]), np.array([1.0, 1e9])).tolist() == [0.0, hall.works.graph.it_peak_w]


def test_a_run_says_by_how_much_it_was_above_its_caps():
    """Given the hall's own 20 kW on IT and full load in the second hour, that hour is above by what it draws more."""
    hall = plant(TEXT.replace("power:\n", "power:\n  it_cap_w: 20 kW\n"))
    found = play(hall, holds((0, 0, HOUR, 2 * HOUR, 16, 1), (0, 1, HOUR, 2 * HOUR, 16, 1)), end_ms=2 * HOUR)
    assert found.over_cap_w == pytest.approx([0.0, hall.places.peak_w.sum() - 20e3])
    assert headroom(hall, [], end_ms=HOUR).limit_at_w(5) == 20e3


def test_a_cap_lasts_and_fits_into_its_period():
    """Given a cap that ends before it begins, or that lasts longer than its period, it is refused."""
    with pytest.raises(ValidationError, match="lasts no time"):
        PowerCap(from_s=10, to_s=10, limit_w=1)
    with pytest.raises(ValidationError, match="cannot come again every 60 s"):
        PowerCap(from_s=0, to_s=100, limit_w=1, every_s=60)


def test_a_file_of_caps_reads_as_people_write():
    """Given hours, days and megawatts, the lowest of the caps that hold counts, at the meter unless it says otherwise."""
    text = "caps:\n  - {from_s: 1 h, to_s: 3 h, limit_w: 2 MW, every_s: 1 d}\n  - {from_s: 2 h, to_s: 4 h, limit_w: 1 MW}\n"
    line = cap_line(plant(), as_spec(parse(text), PowerCaps).caps, 30 * HOUR)
    it_w, meter_w = line.at(np.array([0, 1, 2, 3, 26]) * HOUR)
    assert meter_w.tolist() == [math.inf, 2e6, 1e6, 1e6, 2e6] and np.isinf(it_w).all()

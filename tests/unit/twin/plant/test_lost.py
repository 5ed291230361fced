"""Power elements that are out for a part of the run: who carries their load, and who is dark."""

import numpy as np
import pytest
from tests.unit.twin.plant.halls import HOUR, TEXT, holds, plant

from datahall.foundation.errors import Missing, Refused
from datahall.twin.plant import Lost, attributed, play

FULL = ((0, 0, 0, 4 * HOUR, 16, 1), (1, 1, 0, 4 * HOUR, 16, 0.5))


def test_the_other_side_carries_all_and_is_told_when_that_is_too_much():
    """Given pdu-a out for half an hour from 1:30, pdu-b gives all of the racks' draw then, above its 30 kW, and losses rise."""
    hall = plant(TEXT.replace("rating_w: 100 kW", "rating_w: 30 kW"))
    lost = Lost(("pdu-a",), HOUR * 3 // 2, 2 * HOUR)
    found = play(hall, holds(*FULL), end_ms=4 * HOUR, lost=[lost])
    [told] = [over for over in found.overloads if over.limit == "rating"]
    assert (told.element, told.from_ms, told.worst_ms, told.over_s) == ("pdu-b", HOUR * 3 // 2, HOUR * 3 // 2, 1800.0)
    assert told.load_w == pytest.approx(found.flow.it_w[0]) and found.dark is None
    assert found.slices.count == 5 and found.flow.indoor_loss_w[2] > found.flow.indoor_loss_w[1] + 50


def test_dark_racks_draw_nothing_and_shares_still_add_up():
    """Given both PDUs out for a quarter of an hour, and switches that stand nowhere, all take three quarters in that hour."""
    hall = plant(more_it_w=1000.0)
    lost = [Lost(("pdu-a",), HOUR, HOUR * 5 // 4), Lost(("pdu-b",), 0, HOUR * 5 // 4)]
    rows = holds(*FULL)
    found, whole = (play(hall, rows, end_ms=4 * HOUR, lost=these) for these in (lost, []))
    assert found.dark is not None and found.dark[:, 1].all() and found.flow.it_w[1] == 0
    assert found.hourly("it_kwh") == pytest.approx(whole.hourly("it_kwh") * np.array([1, 0.75, 1, 1]))
    shares, before = attributed(hall, found, rows), attributed(hall, whole, rows)
    assert shares.of["it_kwh"].by_job == pytest.approx(before.of["it_kwh"].by_job * 3.75 / 4)
    for quantity, share in shares.of.items():
        assert share.total == pytest.approx(found.total(quantity), rel=1e-9)
    assert shares.of["facility_kwh"].common > 0, "the meter runs on while all racks are dark"


def test_on_generators_nothing_is_paid_to_the_grid():
    """Given the grid out for an hour, the hall draws as before, from its generator, and that hour costs and emits nothing."""
    hall = plant()
    found = play(hall, holds(*FULL), end_ms=4 * HOUR, lost=[Lost(("grid",), HOUR, 2 * HOUR)])
    assert found.flow.generator_w[1] == pytest.approx(found.flow.facility_w[1]) and found.flow.utility_w[1] == 0
    assert found.per_slice["carbon_kgco2e"][1] == 0 < found.per_slice["carbon_kgco2e"][0]


def test_elements_must_be_there_and_time_must_pass():
    """Given `pdu-c`, near names are offered; given an element that is back before it is out, it is refused."""
    hall = plant()
    with pytest.raises(Missing, match=r"pdu-c: TWIN-055 .*`pdu-b`"):
        play(hall, holds(*FULL), end_ms=4 * HOUR, lost=[Lost(("pdu-c",), 0, 1)])
    with pytest.raises(Refused, match="TWIN-052 it is out from 5 ms to 5 ms"):
        play(hall, holds(*FULL), end_ms=4 * HOUR, lost=[Lost(("pdu-a",), 5, 5)])
    with pytest.raises(ValueError, match="leave out `lost`"):
        play(hall, holds(*FULL), end_ms=4 * HOUR, lost=[Lost(("pdu-a",), 0, 5)], evenly=True)

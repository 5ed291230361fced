"""A small hall through some hours: power, overloads, caps and rates."""

import numpy as np
import pytest
from tests.unit.twin.plant.halls import HOUR, TEXT, holds, plant

from datahall.twin.plant import PowerCap, play

FULL = ((0, 0, 0, 24 * HOUR, 16, 1), (0, 1, 0, 24 * HOUR, 16, 1))


def test_racks_draw_idle_and_what_is_busy():
    """Given half of r1 busy for the first half hour, r1 draws a quarter of the way from idle to full then, and r2 idles."""
    hall = plant()
    found = play(hall, holds((0, 0, 0, HOUR // 2, 16, 0.5)), end_ms=2 * HOUR)
    idle_w, peak_w = hall.places.idle_w[0], hall.places.peak_w[0]
    assert found.place_w == pytest.approx(np.array([[idle_w + (peak_w - idle_w) / 4, idle_w], [idle_w, idle_w]]))
    assert found.flow.it_w == pytest.approx(found.place_w.sum(axis=0))
    assert found.it_peak_w[0] == pytest.approx(2 * idle_w + (peak_w - idle_w) / 2) and found.peak_ms.tolist() == [0, HOUR]


def test_what_the_meter_sees_is_it_and_losses_and_cooling():
    """Given a day, energy is the sum of its parts in every hour, and PUE of each hour is that of its own weather."""
    found = play(plant(), holds(*FULL), end_ms=24 * HOUR, start_hour=4000)
    assert found.cooling is not None
    parts_w = found.flow.it_w + found.cooling.electricity_w + found.flow.indoor_loss_w + found.flow.outdoor_loss_w
    assert found.flow.facility_w == pytest.approx(parts_w, rel=1e-9)
    assert found.hourly_pue.shape == (24,) and found.hourly_pue.max() > found.hourly_pue.min() > 1


def test_a_day_of_a_year_is_that_day_of_the_whole_year():
    """Given the same load in July and all year, July's hours agree: machines are made for the year, not for what is played."""
    hall, year = plant(), 8760 * HOUR
    whole = play(hall, holds((0, 0, 0, year, 16, 1), (0, 1, 0, year, 16, 1)), end_ms=year)
    day = play(hall, holds(*FULL), end_ms=24 * HOUR, start_hour=4560)
    assert day.flow.facility_w == pytest.approx(whole.flow.facility_w[4560:4584], rel=1e-10)


def test_time_goes_on_into_the_next_year_and_hours_may_be_cut():
    """Given a run over New Year with a cap's edge within an hour, each slice has its own hour's weather."""
    hall, cap = plant(), PowerCap(from_s=900, to_s=1800, limit_w=1.0)
    cut = play(hall, holds(*FULL), end_ms=24 * HOUR, start_hour=8750, caps=[cap])
    whole = play(hall, holds(*FULL), end_ms=24 * HOUR, start_hour=8750)
    late = play(hall, holds(*FULL), end_ms=24 * HOUR, start_hour=0)
    assert cut.slices.count == 26 and cut.hourly("facility_kwh") == pytest.approx(whole.hourly("facility_kwh"), rel=1e-10)
    assert whole.flow.facility_w[10:] == pytest.approx(late.flow.facility_w[:14], rel=1e-10)
    assert cut.total("money") == pytest.approx(whole.total("money"), rel=1e-9)


def test_overloads_say_what_when_and_by_how_much():
    """Given PDUs of 20 kW under two racks of 20 kW each, full for the second hour, each is 0.4 kW above its rating then, and
    more above 80 % of its breaker."""
    hall = plant(TEXT.replace("rating_w: 100 kW", "rating_w: 20 kW"))
    rows = ((0, place, HOUR, 2 * HOUR, 16, 1) for place in (0, 1))
    found = {(told.element, told.limit): told for told in play(hall, holds(*rows), end_ms=3 * HOUR).overloads}
    told = found["pdu-a", "rating"]
    assert set(found) == {(f"pdu-{side}", limit) for side in "ab" for limit in ("rating", "continuous")}
    assert (told.from_ms, told.worst_ms, told.over_s, told.limit_w) == (HOUR, HOUR, 3600.0, 20e3)
    assert told.over_w == pytest.approx(hall.places.peak_w[0] - 20e3)
    assert found["pdu-b", "continuous"].over_w == pytest.approx(told.load_w - 16e3)


def test_demand_is_charged_for_the_highest_hour_of_what_was_played_of_a_month():
    """Given one day of a January of 31 with one busy hour, a 31st of that hour's kW is charged, in that hour."""
    hall = plant()
    found = play(hall, holds((0, 0, 7 * HOUR, 8 * HOUR, 16, 1)), end_ms=24 * HOUR)
    assert found.demand_money == pytest.approx(10 * found.flow.facility_w.max() / 1e3 / 31)
    energy, water = 0.1 * found.hourly("facility_kwh"), 2 / 1e3 * found.hourly("water_l")
    demand = found.hourly("money") - energy - water
    assert int(demand.argmax()) == 7 and demand[7] == pytest.approx(found.demand_money)
    assert np.abs(np.delete(demand, 7)).max() < 1e-9


def test_any_stretch_can_be_asked_for():
    """Given even load, a quarter of an hour has a quarter of the hour's energy, and all stretches make the whole."""
    found = play(plant(), holds(*FULL), end_ms=24 * HOUR)
    assert found.between("it_kwh", 0, HOUR // 4) == pytest.approx(found.per_slice["it_kwh"][0] / 4)
    assert found.between("money", 0, 24 * HOUR) == pytest.approx(found.total("money"))


def test_a_hall_without_cooling_says_what_it_leaves_out():
    """Given no cooling, PUE is not known, and the run names what would have to be said."""
    text = TEXT[: TEXT.index("cooling:")] + TEXT[TEXT.index("rooms:") :]
    found = play(plant(text), holds(*FULL), end_ms=HOUR * 24)
    assert found.mean_pue is None and "cooling and site.weather" in found.missing and "water_l" not in found.per_slice

"""The grid or the cooling goes in the middle of a run: events in time, at the load of that moment."""

import pytest
from tests.unit.twin.plant.halls import HOUR, TEXT, holds, plant

from datahall.twin.plant import Outage, lose_cooling, lose_utility, play

AT = HOUR + 1000
ROWS = ((0, 0, HOUR, 2 * HOUR, 16, 1), (0, 1, HOUR, 2 * HOUR, 16, 1))


def lost(text: str = TEXT, *, at_ms: int = AT, **choices: float) -> Outage:
    hall = plant(text)
    return lose_utility(hall, play(hall, holds(*ROWS), end_ms=3 * HOUR), at_ms, **choices)


def kinds(outage: Outage) -> list[str]:
    return [event.kind for event in outage.events]


def test_batteries_hold_until_generators_and_then_the_tank():
    """Given a generator up after 16 s, racks never go dark; cooling is gone at once and back with it; the tank ends it."""
    outage = lost()
    assert kinds(outage) == ["utility_lost", "cooling_lost", "generators_up", "fuel_empty"]
    up, empty = outage.events[2:]
    assert up.at_ms == AT + 16_000 and empty.names == ("gen",)
    assert empty.at_ms > AT + 10 * HOUR, "ten hours at rating are more at part load"
    assert kinds(lost(back_ms=AT + 2 * HOUR)) == ["utility_lost", "cooling_lost", "generators_up"]


def test_without_generators_racks_go_dark_and_air_warms_up():
    """Given no generator and batteries of 5 kWh on each side at 40 kW, racks are dark within 15 minutes, and the air is at its
    limit before; with the grid back after a second, none of it happens."""
    text = TEXT.replace("start_s: 15 s, ", "")
    outage = lost(text)
    by_kind = {event.kind: event for event in outage.events}
    assert by_kind["racks_dark"].names == ("r1", "r2") and AT + 300_000 < by_kind["racks_dark"].at_ms < AT + 900_000
    assert AT < by_kind["air_limit"].at_ms < by_kind["racks_dark"].at_ms and outage.heat is not None
    assert kinds(lost(text, back_ms=AT + 1000)) == ["utility_lost", "cooling_lost"]


def test_idle_racks_hold_longer():
    """Given the same loss in the hour before, with all idle, batteries last more than twice as long."""
    text = TEXT.replace("start_s: 15 s, ", "")
    busy, idle = ({e.kind: e.at_ms - at for e in lost(text, at_ms=at).events}["racks_dark"] for at in (AT, 1000))
    assert idle > 2 * busy


def test_a_generator_that_is_too_small_is_told():
    """Given a generator of 30 kW, it is above its rating by all that the hall takes more."""
    text = TEXT.replace("gen, kind: generator, rating_w: 200 kW", "gen, kind: generator, rating_w: 30 kW")
    [told] = [event for event in lost(text).events if event.kind == "overload"]
    assert told.names == ("gen",) and "above its rating" in told.what and told.at_ms == AT + 16_000


def test_cooling_lost_alone_is_a_matter_of_minutes_unless_it_is_back():
    """Given cooling lost with fans on, air reaches its limit later than with fans off, and not at all if it is back in 5 s."""
    hall = plant(TEXT.replace("supply_c: 24}", "supply_c: 24}\n  ride_through: {tank_water_kg: 2000}"))
    played = play(hall, holds(*ROWS), end_ms=3 * HOUR)
    times = [lose_cooling(hall, played, AT, fans=fans).events[-1] for fans in (True, False)]
    assert [event.kind for event in times] == ["air_limit", "air_limit"] and times[0].at_ms > times[1].at_ms > AT
    assert kinds(lose_cooling(hall, played, AT, back_ms=AT + 5000)) == ["cooling_lost"]


def test_pumps_that_stand_still_leave_cold_plates_without_cooling():
    """Given 85 % of 52 kW to cold plates with 500 kg in the loop, it holds for minutes with pumps, and not at all without."""
    text = TEXT.replace("cooling:\n", "cooling:\n  liquid: {supply_c: 30, rejection: dry_cooler, loop_water_kg: 500}\n")
    hall = plant(text.replace("hgx-h100-8", "hgx-b200-8-liquid"))
    played = play(hall, holds(*ROWS), end_ms=3 * HOUR)
    with_pumps, without = (
        next(e for e in lose_cooling(hall, played, AT, fans=fans).events if e.kind == "loop_limit") for fans in (True, False)
    )
    assert without.at_ms == AT and without.names == ("r1", "r2") and "pumps stand still" in without.what
    assert with_pumps.at_ms == pytest.approx(AT + 1e3 * 500 * 4186 * 10 / (0.85 * 52e3), abs=1)


def test_rear_doors_are_told_with_the_air():
    """Given rear doors and no cold plates, the loop has no limit of its own: the air's comes sooner with pumps off."""
    text = TEXT.replace("cooling:\n", "cooling:\n  liquid: {supply_c: 30, rejection: dry_cooler, loop_water_kg: 500}\n")
    hall = plant(text.replace("feeds: [pdu-a, pdu-b], ", "feeds: [pdu-a, pdu-b], rear_door: true, "))
    played = play(hall, holds(*ROWS), end_ms=3 * HOUR)
    outages = [lose_cooling(hall, played, AT, fans=fans) for fans in (True, False)]
    assert [kinds(outage) for outage in outages] == [["cooling_lost", "air_limit"]] * 2
    assert outages[0].events[1].at_ms > outages[1].events[1].at_ms

from tests.unit.planner.search.shapes import question

from datahall.planner.search.front import Trade, front, unbeaten
from datahall.planner.search.search import search


def test_no_trade_beats_another_and_the_fastest_is_the_best():
    """Given eight accelerators and halves of them, each trade is better than each other in something."""
    asked = question(accelerators=8, memory_bytes=16e9, fewer=True)
    found = front(asked, counts=(8, 4))
    assert len(found) > 1
    assert not any(one.beats(other) for one in found for other in found)
    assert found[0].seconds == search(asked, top=1).best[0].seconds
    assert {trade.accelerators for trade in found} == {8, 4}
    assert all(trade.free_bytes >= 0.05 * 16e9 for trade in found)


def test_worse_in_all_is_left_out():
    """Given a slower trade on as many accelerators with less memory free, only the other is left."""
    best = search(question(accelerators=2)).best[0]
    good, bad = Trade(best, 2, 1.0, 5e9), Trade(best, 2, 1.1, 4e9)
    assert unbeaten([bad, good, good]) == [good]
    assert good.accelerator_seconds == 2.0

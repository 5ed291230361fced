"""The single-line diagram as data."""

import pytest
from tests.unit.infrastructure.power.halls import CATALOGUE, TWO_N, graph_of, hall_of

from datahall.infrastructure.estate import estate_of
from datahall.infrastructure.power import single_line


def drawing(text: str = TWO_N):
    hall, graph = hall_of(text), graph_of(text)
    return single_line(graph, hall.power, estate_of(hall, CATALOGUE), graph.solve(1.0))


def test_boxes_stand_below_what_feeds_them() -> None:
    """Given the 2N hall, each line runs down, from sources to racks and plant, and each entry is one box."""
    drawn = drawing()
    level = {box.key: box.level for box in drawn.boxes}
    assert all(level[line.start] < level[line.end] for line in drawn.lines)
    assert [box.name for box in drawn.boxes if box.level == 0] == ["grid-[a,b]", "gen-[a,b]"]
    assert [(box.name, box.count) for box in drawn.boxes if box.kind == "racks"] == [("r[01-16]", 16)]
    assert {box.kind for box in drawn.boxes} >= {"mechanical", "critical_mechanical"}


def test_what_stands_by_is_marked() -> None:
    """Given generators behind transfer switches, only their lines stand by."""
    drawn = drawing()
    names = {box.key: box.name for box in drawn.boxes}
    assert [(names[line.start], names[line.end], line.count) for line in drawn.lines if line.standby] == [
        ("gen-[a,b]", "ats-[a,b]", 2)
    ]


def test_loads_and_losses_are_filled_in() -> None:
    """Given a flow, the box of the PDUs says the load of the fullest and what all of them lose."""
    pdu = next(box for box in drawing().boxes if box.name == "pdu-a[1-4]")
    assert pdu.peak_load_ratio == pytest.approx(0.32) and pdu.loss_kwh == pytest.approx(4 * 0.25 * (3 + 12 * 0.32**2))
    hall = hall_of(TWO_N)
    bare = single_line(graph_of(), hall.power, estate_of(hall, CATALOGUE))
    assert all(box.peak_load_ratio is None and box.loss_kwh is None for box in bare.boxes)

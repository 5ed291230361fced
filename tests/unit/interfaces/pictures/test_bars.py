import pytest
from tests.unit.interfaces.reading import parsed, words_in

from datahall.interfaces.pictures.bars import Part, Reach, stacks, tornado


def said(value: float) -> str:
    return f"{value:g} USD"


def widths(root, kind):
    return [float(r.get("width")) for r in root.findall("rect") if kind in r.get("class", "").split()]


def test_parts_of_a_stack_are_to_scale():
    """Given 30, 10 and -5, widths are as 6 to 2 to 1, and the sum stands beside."""
    root = parsed(stacks([("hall", [Part("servers", 30), Part("energy", 10), Part("residual", -5)])], said=said, title="cost"))
    first, second, back = widths(root, "part")
    assert (first / second, second / back) == (pytest.approx(3, rel=0.01), pytest.approx(2, rel=0.01))
    assert "35 USD" in words_in(root)


def test_a_part_has_one_colour_in_every_row():
    """Given two halls of which the second lacks the first part, the shared one has the same class in both."""
    rows = [("a", [Part("servers", 3), Part("energy", 1)]), ("b", [Part("energy", 2)])]
    root = parsed(stacks(rows, said=said, title="cost"))
    assert [r.get("class") for r in root.findall("rect")] == ["part s0", "part s1", "part s1"]


def test_a_bill_of_nothing_is_drawn():
    """Given parts that cancel, no share is divided by zero."""
    assert "0 USD" in words_in(parsed(stacks([("hall", [Part("a", 1), Part("b", -1)])], said=said, title="cost")))


def test_a_driver_reaches_both_ways_from_the_base():
    """Given a driver that costs more when it is low, its low end is right of the base."""
    root = parsed(tornado([Reach("sold", 2.3, 1.6, "0.7", "1")], base=1.8, said=said, title="drivers"))
    low, high = root.findall("rect")
    assert low.get("class") == "reach c1" and float(low.get("x")) == pytest.approx(
        float(high.get("x")) + float(high.get("width")), abs=0.2
    )
    assert {"sold", "0.7", "1"} <= set(words_in(root).split())

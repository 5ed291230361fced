import pytest
from tests.unit.interfaces.reading import parsed, words_in

from datahall.interfaces.pictures.layers import layered
from datahall.interfaces.pictures.single_line import BOX_W, Box, Wire, load_kind, single_line
from datahall.interfaces.pictures.symbols import symbol

WIDE, GAP = 100.0, 20.0


def test_layers_follow_the_longest_way_and_nodes_stay_apart():
    """Given a diamond with a long side, its foot is below all, and two of a layer do not overlap."""
    edges = [(0, 1), (0, 2), (2, 3), (1, 4), (3, 4)]
    found = layered(5, edges, group=[0] * 5, wide=WIDE, gap=GAP)
    assert found.layer == (0, 1, 1, 2, 3) and found.layers == 4
    assert abs(found.x[1] - found.x[2]) >= WIDE + GAP - 1e-6
    assert len(found.passes[3]) == 1  # 1 -> 4 passes one layer on its way


def test_groups_stand_side_by_side():
    """Given two chains of groups 0 and 2 that cross in the list, the first stays left in every layer."""
    found = layered(6, [(0, 2), (1, 3), (2, 4), (3, 5)], group=[2, 0, 2, 0, 2, 0], wide=WIDE, gap=GAP)
    assert all(found.x[left] < found.x[right] for left, right in ((1, 0), (3, 2), (5, 4)))


def test_a_source_stands_close_to_what_it_feeds():
    """Given a generator that feeds the third element of a chain, it is drawn just above it."""
    assert layered(4, [(0, 1), (1, 2), (3, 2)], group=[0] * 4, wide=WIDE, gap=GAP).layer == (0, 1, 2, 1)


def test_a_cycle_is_refused():
    """Given two that feed each other, there are no layers."""
    with pytest.raises(ValueError, match="cycle"):
        layered(2, [(0, 1), (1, 0)], group=[0, 0], wide=WIDE, gap=GAP)


def test_nothing_has_a_drawing():
    assert layered(0, [], group=[], wide=WIDE, gap=GAP).layers == 0
    parsed(single_line([], [], title="nothing"))


def test_boxes_say_name_rating_side_and_load():
    """Given A and B beside a shared generator, A is left of it, B right, and each box says its load in words."""
    boxes = [
        Box("ups-b", "ups", "2 × 1 MW", "B", 0.45),
        Box("ups-a", "ups", "2 × 1 MW", "A", 0.9),
        Box("gen", "generator", "1 × 2 MW", None, 0.0),
        Box("<racks>", "rack", "8 × 40 kW"),
    ]
    root = parsed(single_line(boxes, [Wire(0, 3), Wire(1, 3), Wire(2, 3, standby=True)], title="power"))
    assert {"90%", "45%", "<racks>", "ups-a"} <= set(words_in(root).split())
    by_kind = {r.get("class"): float(r.get("x")) for r in root.findall("rect") if r.get("width") == f"{BOX_W:g}"}
    assert by_kind["box side-a"] < by_kind["box side-b"]
    assert sorted(path.get("class") for path in root.findall("path")) == ["wire", "wire", "wire standby"]


def test_loads_change_colour_at_half_four_fifths_and_full():
    """Given loads of an element, the class says how near to its rating it is; a load of its own has none."""
    assert [load_kind(x) for x in (0.2, 0.5, 0.8, 0.81, 1.0, 1.01, None)] == [
        "easy",
        "busy",
        "busy",
        "full",
        "full",
        "over",
        "",
    ]


@pytest.mark.parametrize(
    "kind",
    [
        "utility",
        "generator",
        "transformer",
        "switchgear",
        "transfer_switch",
        "ups",
        "pdu",
        "busway",
        "rectifier",
        "rack",
        "cooling",
        "x",
    ],
)
def test_every_kind_has_a_symbol(kind):
    """Given any kind of element, there is something to draw for it."""
    assert symbol(kind, 1, 2).startswith('<g transform="translate(1 2)">')

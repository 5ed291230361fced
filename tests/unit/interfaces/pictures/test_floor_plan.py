import pytest
from tests.unit.interfaces.reading import parsed, words_in

from datahall.interfaces.pictures.floor_plan import RoomDrawn, RowDrawn, Run, floor_plan


def room(**more):
    rows = (
        RowDrawn("row-a", 10, (Run(1, 4, 40e3, 0.6, 1.2, "r1 … r4"), Run(7, 2, 5e3, 0.6, 1.2, "s1, s2"))),
        RowDrawn("row-b", 10, ()),
    )
    return RoomDrawn(**({"name": "white", "width_m": 12.0, "depth_m": 6.0, "rows": rows} | more))


def racks(root):
    return [path for path in root.findall("path") if path.get("class", "").startswith("rack")]


def test_racks_are_to_scale_and_coloured_by_their_draw():
    """Given racks of 40 kW and 5 kW in a room of 12 m, four and two stand 0.6 m apart, the strong ones in the last colour."""
    root = parsed(floor_plan(room(), most_w=40e3, title="floor"))
    strong, weak = racks(root)
    assert (strong.get("class"), weak.get("class")) == ("rack q8", "rack q1")
    starts = [float(part.split()[0]) for part in strong.get("d").split("M")[1:]]
    outline = next(rect for rect in root.findall("rect") if rect.get("class") == "room")
    metre = float(outline.get("width")) / 12
    assert len(starts) == 4 and starts[1] - starts[0] == pytest.approx(0.6 * metre, rel=0.01)
    assert "racks to scale" in words_in(root)


def test_a_room_of_unknown_size_says_so():
    """Given rows without a room's size, they are drawn, and the picture says that it is schematic."""
    root = parsed(floor_plan(room(width_m=None, depth_m=None), most_w=40e3, title="floor"))
    assert len(racks(root)) == 2 and "schematic" in words_in(root)


def test_a_room_without_rows_and_racks_without_draw():
    """Given nothing to place, and nothing that draws, there still is a picture."""
    parsed(floor_plan(room(rows=()), most_w=0.0, title="floor"))


def test_thousands_of_racks_stay_small():
    """Given 10,000 racks, the picture is below 400 kB."""
    rows = tuple(RowDrawn(f"row-{n}", 100, (Run(1, 100, 40e3, 0.6, 1.2, "racks"),)) for n in range(100))
    assert len(floor_plan(room(width_m=70.0, depth_m=300.0, rows=rows), most_w=40e3, title="floor")) < 400_000

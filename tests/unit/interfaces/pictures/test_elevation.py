from tests.unit.interfaces.reading import parsed, words_in

from datahall.interfaces.pictures.elevation import UNIT, Standing, elevation


def devices(root):
    return [rect for rect in root.findall("rect") if rect.get("class", "").startswith("device")]


def test_devices_stand_on_each_other_by_height():
    """Given four servers of 8 U and a switch of 1 U in 42 U, they are 8 and 1 units high, and 9 U stay free."""
    found = [Standing("server", "accelerated", 4, 8, "10 kW"), Standing("switch", "switch", 1, 1, "1 kW")]
    root = parsed(elevation(found, units=42, title="rack"))
    heights = [float(rect.get("height")) + 2 for rect in devices(root)]
    assert heights == [8 * UNIT] * 4 + [UNIT] * 1 and "9 U free" in words_in(root)
    tops = [float(rect.get("y")) for rect in devices(root)]
    assert tops == sorted(tops, reverse=True)
    assert "42" in words_in(root).split()


def test_what_does_not_fit_is_marked():
    """Given 3 U in a rack of 2 U, the third stands above the frame and is marked."""
    root = parsed(elevation([Standing("s", "plain", 3, 1, "1 kW")], units=2, title="rack"))
    assert [rect.get("class") for rect in devices(root)] == ["device plain", "device plain", "device plain over"]


def test_an_empty_rack_and_what_hangs_beside():
    """Given a strip of no units, nothing is drawn in the rack, which is free."""
    assert "6 U free" in words_in(parsed(elevation([Standing("strip", "plain", 2, 0, "1 W")], units=6, title="rack")))

from tests.unit.interfaces.reading import parsed, words_in

from datahall.interfaces.pictures.drawing import level_of, rect, short, svg, words


def test_words_are_escaped():
    """Given markup for a name, the picture shows it and stays a picture."""
    root = parsed(svg(10, 10, [words("<b>&", 1, 2), rect(0, 0, 1, 1, "box", title='"><x')], title="a <b>"))
    assert words_in(root).split() == ["a", "<b>", "<b>&", '"><x']


def test_long_words_are_cut_and_told_whole():
    """Given a name of thirty letters and room for ten, nine are shown and the pointer tells all."""
    root = parsed(svg(10, 10, [words("n" * 30, 0, 0, most=10)], title="t"))
    assert root[1].text == "n" * 9 + "…" and root[1][0].text == "n" * 30


def test_numbers_are_short():
    """Given coordinates, no zero is written that says nothing."""
    assert [short(v) for v in (12.0, 12.34, -0.01, 0.1 + 0.2)] == ["12", "12.3", "0", "0.3"]


def test_the_scale_has_nine_steps():
    """Given values below, in and above a range, each takes a step of the scale; an empty range has one."""
    assert [level_of(v, 0, 9) for v in (-1, 0, 4.5, 8.99, 9, 100)] == [0, 0, 4, 8, 8, 8]
    assert level_of(3, 3, 3) == 0

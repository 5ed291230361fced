"""Points in a plane, and curves with their limits."""

import numpy as np
import pytest

from datahall.interfaces.pictures.rising import Rising, rising
from datahall.interfaces.pictures.scatter import Spot, scatter


def spot(x: float, y: float, *, front: bool = True, chosen: bool = False) -> Spot:
    return Spot(x, y, x, f"{x:g}", f"about <{x:g}>", front, chosen)


def drawn(*spots: Spot) -> str:
    return str(scatter(spots, x_name="money", y_name="days", x_said=str, y_said=str, title="a title"))


def test_points_that_none_beats_are_joined_from_left_to_right():
    """Given three points of the front in any order, one line passes them, and the point off it is not touched."""
    text = drawn(spot(3, 1), spot(1, 3), spot(2, 2), spot(2.5, 4, front=False))
    way = text.split('class="line c1" d="M')[1].split('"')[0]
    xs = [float(pair.split()[0]) for pair in way.split("L")]
    assert len(xs) == 3 and xs == sorted(xs)
    assert text.count("<circle") == 4 and text.count("spot front") == 3


def test_a_larger_share_is_a_larger_spot_and_words_are_escaped():
    """Given sizes 1 and 4, the radii differ; what is told under the pointer is text."""
    text = drawn(spot(1, 1), spot(4, 2, chosen=True))
    radii = [float(part.split('"')[0]) for part in text.split(' r="')[1:]]
    assert radii[0] < radii[1] and "spot chosen" in text and "about &lt;4&gt;" in text


def test_nothing_is_no_picture():
    """Given no points, the mistake is told."""
    with pytest.raises(ValueError, match="no spot"):
        drawn()


def test_limits_stand_within_the_picture():
    """Given a limit above all values, the axis reaches beyond it, and it is named."""
    curve = Rising("p95", "c1", np.array([1.0, 2.0]), np.array([0.1, 0.2]), ("one", "two"))
    text = str(
        rising([curve], x_name="rate", y_name="s", x_said=str, y_said=str, title="t", limit=(1.0, "asked"), mark=(1.5, "here"))
    )
    at = float(text.split('class="limit"')[1].split('y1="')[1].split('"', maxsplit=1)[0])
    assert at > 26 and ">asked<" in text and ">here<" in text and "<title>two</title>" in text

import numpy as np
import pytest
from tests.unit.interfaces.reading import parsed, words_in

from datahall.interfaces.pictures.hourly import Named, daily_bands, duration_curve


def test_each_day_has_its_span_and_its_mean():
    """Given two series, each has a band and a line of 365 points, and its name in the legend."""
    hours = np.arange(8760.0)
    text = daily_bands([Named("sine", "c1", np.sin(hours)), Named("slope", "c2", hours / 8760)], title="two", y_name="MW")
    root = parsed(text)
    lines = [path for path in root.findall("path") if path.get("class", "").startswith("line")]
    assert [line.get("d").count("L") for line in lines] == [364, 364]
    assert {"sine", "slope", "MW", "Dec"} <= set(words_in(root).split())


def test_lengths_that_differ_are_refused():
    """Given a common and a leap year on one picture of days, both lengths are told."""
    with pytest.raises(ValueError, match=r"\[8760, 8784\] hours"):
        daily_bands([Named("a", "c1", np.ones(8760)), Named("b", "c2", np.ones(8784))], title="t", y_name="W")


def test_a_sorted_curve_only_falls():
    """Given noise, the curve begins at its largest value and never rises; in SVG, y only grows."""
    root = parsed(duration_curve([Named("PUE", "c1", np.random.default_rng(3).random(8760))], title="t", y_name="PUE"))
    way = next(path.get("d") for path in root.findall("path"))
    heights = [float(point.split()[1]) for point in way[1:].split("L")]
    assert heights == sorted(heights) and len(heights) <= 400


def test_values_that_are_not_finite_are_left_out():
    """Given NaN among the values, they are in no line; given nothing but NaN, the axes remain."""
    series = np.ones(8760)
    series[::2] = np.nan
    parsed(duration_curve([Named("PUE", "c1", series)], title="t", y_name="PUE"))
    parsed(duration_curve([Named("PUE", "c1", np.full(24, np.nan))], title="t", y_name="PUE"))

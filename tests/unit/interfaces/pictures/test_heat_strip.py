import re

import numpy as np
import pytest
from tests.unit.interfaces.reading import parsed, words_in

from datahall.interfaces.pictures.heat_strip import heat_strip, levels_of, runs_of


def cells(way: str) -> set[tuple[int, int]]:
    """(day, hour) of every cell that a way goes around."""
    found = [tuple(map(int, run)) for run in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", way)]
    return {(day + n, hour) for day, hour, length in found for n in range(length)}


def test_runs_cover_each_cell_once():
    """Given any pattern of days and hours, runs cover its cells, all of them and no other."""
    grid = np.random.default_rng(7).random((50, 24)) < 0.4
    way = runs_of(grid)
    assert cells(way) == set(zip(*map(np.ndarray.tolist, np.nonzero(grid)), strict=True))
    assert sum(int(length) for length in re.findall(r"h(\d+)v1", way)) == grid.sum()


def test_a_quiet_year_is_a_small_picture():
    """Given one value all year, there are 24 runs, whatever the number of days."""
    assert heat_strip(np.full(8760, 1.2), title="PUE").count("v1h") == 24


@pytest.mark.parametrize("hours", [8760, 8784])
def test_common_and_leap_years(hours):
    """Given 365 or 366 days of noise, the strip parses, names all months and stays below 200 kB."""
    text = heat_strip(np.random.default_rng(1).random(hours), title="noise")
    assert words_in(parsed(text)).count("Feb") == 1 and len(text) < 200_000


def test_hours_without_a_value_stay_blank():
    """Given no value at all for a day, none of its hours is drawn; given none all year, there still is a picture."""
    series = np.ones(48)
    series[:24] = np.nan
    assert (levels_of(series, 0, 1)[:24] == -1).all()
    assert parsed(heat_strip(np.full(8760, np.nan), title="nothing")) is not None


def test_odd_hours_do_not_take_all_colours():
    """Given one hour of a thousand times the rest, the rest still differ."""
    series = np.linspace(1.0, 1.2, 8760)
    series[4000] = 1000.0
    assert sum(f'class="q{level}"' in heat_strip(series, title="PUE").partition("<text")[0] for level in range(9)) == 9


def test_half_a_day_is_refused():
    """Given 8,765 hours, the strip says what it was given."""
    with pytest.raises(ValueError, match="8765 hours do not make whole days"):
        heat_strip(np.ones(8765), title="t")

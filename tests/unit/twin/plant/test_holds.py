"""What jobs hold is checked before it is played, and every fault is told with its row."""

import numpy as np
import pytest
from tests.unit.twin.plant.halls import HOUR, holds, plant

from datahall.foundation.errors import Missing, Refused
from datahall.twin.plant import over_racks, steps
from datahall.twin.plant.holds import check


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [problem.code for problem in refused.value.problems]


def test_every_kind_of_fault_is_told_once_with_its_first_row():
    """Given a place beyond the hall, a stretch that ends before it begins, twice, and a load of 2, three problems come back."""
    rows = holds((0, 9, 0, HOUR, 1, 1), (0, 0, 5, 5, 1, 1), (0, 0, 9, 5, 1, 1), (1, 1, 0, HOUR, 1, 2))
    with pytest.raises(Refused, match=r"row 1: TWIN-052 .*, and so 1 more") as refused:
        check(rows, plant().places, HOUR)
    assert codes(refused) == ["TWIN-050", "TWIN-052", "TWIN-053"]


def test_more_than_a_place_has_is_told_with_its_name_and_time():
    """Given 10 and 8 of the 16 accelerators of r2 at once from 0.5 s on, the place and the moment are named."""
    rows = holds((0, 1, 0, 1000, 10, 1), (1, 1, 500, 900, 8, 0))
    with pytest.raises(Refused, match=r"r2 at 0.5 s: TWIN-054 18 accelerators are held, but it has 16"):
        check(rows, plant().places, HOUR)


def test_what_ends_makes_room_in_the_same_millisecond():
    """Given 16 until 500 ms and 16 from then on, all is well."""
    check(holds((0, 1, 0, 500, 16, 1), (1, 1, 500, 900, 16, 0)), plant().places, HOUR)


def test_steps_become_rows_and_must_fit():
    """Given two intervals of busy units on two racks, empty ones are left out; one row too few is refused."""
    places = plant().places
    found = steps(places, [0, 10, 30], [[4, 0], [8, 8]], [[8, 0], [8, 16]])
    assert found.place.tolist() == [0, 1, 1] and found.busy_ratio.tolist() == [0.5, 1, 0.5] and found.busy.tolist() == [4, 8, 8]
    with pytest.raises(Refused, match=r"TWIN-051 .*one row for each of 2 places"):
        steps(places, [0, 10], np.ones((1, 1)))
    with pytest.raises(Refused, match="TWIN-053 more is busy than is held"):
        steps(places, [0, 10], [[4], [8]], [[4], [7]])


def test_an_unknown_place_has_near_names():
    """Given `r3`, the hall's racks are offered."""
    with pytest.raises(Missing, match=r"TWIN-050 .*`r2`"):
        plant().places.at("r3")


def test_a_block_shares_its_units_over_its_racks():
    """Given 24 busy in the only block of two racks, each has 12; a row too many is refused."""
    hall = plant()
    assert over_racks(hall, [[24, 0]]).tolist() == [[12, 0], [12, 0]]
    with pytest.raises(Refused, match="TWIN-051 shares of blocks"):
        over_racks(hall, [[1], [2]])


def test_what_a_job_takes_of_the_headroom():
    """Given half a rack's units at full load, half of what lies between idle and full is added."""
    places = plant().places
    assert places.added_w(1, 8, 1.0) == pytest.approx((places.peak_w[1] - places.idle_w[1]) / 2)

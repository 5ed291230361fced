"""Steps of load become means of hours, whatever the steps do inside them."""

import numpy as np
import pytest

from datahall.twin.plant.slices import HOUR_MS, at_moments, changes_of, highest, means, slices_of


def steps(*rows: tuple[int, int, int, float], places: int = 2):
    place, first, last, level = np.array(rows, dtype=np.float64).T
    return changes_of(places, *(column.astype(np.int64) for column in (place, first, last)), level)


def test_a_level_counts_in_each_hour_by_how_long_it_lasts():
    """Given level 4 from 0:30 to 2:15 on place 1, its hours have 2, 4 and 1, and place 0 has nothing."""
    slices = slices_of(3 * HOUR_MS)
    found = means(slices, steps((1, HOUR_MS // 2, HOUR_MS * 9 // 4, 4.0)))
    assert found.tolist() == [[0, 0, 0], [2, 4, 1]]


def test_a_run_may_end_inside_an_hour_and_be_cut_inside_one():
    """Given 90 minutes with a cut at 0:15, slices last 15, 45 and 30 minutes, and a level of all the time is in each whole."""
    slices = slices_of(HOUR_MS * 3 // 2, more_ms=[HOUR_MS // 4, HOUR_MS * 9])
    assert (slices.width_h * 60).tolist() == [15, 45, 30] and slices.hour.tolist() == [0, 0, 1]
    assert means(slices, steps((0, 0, HOUR_MS * 3 // 2, 3.0)))[0] == pytest.approx([3, 3, 3])
    assert slices.by_hour(slices.width_h).tolist() == [1.0, 0.5]


def test_means_keep_the_integral_of_many_random_steps():
    """Given 2,000 random stretches over 50 hours on 7 places, what the hours hold is what the stretches hold, to 1e-12."""
    rng = np.random.default_rng(3)
    edges = np.sort(rng.integers(0, 50 * HOUR_MS, (2000, 2)), axis=1) + np.array([0, 1])
    place, level = rng.integers(0, 7, 2000), rng.random(2000)
    slices = slices_of(50 * HOUR_MS + 1)
    found = means(slices, changes_of(7, place, edges[:, 0], edges[:, 1], level)) @ slices.width_ms
    asked = np.bincount(place, weights=level * np.diff(edges, axis=1)[:, 0])
    assert found == pytest.approx(asked, rel=1e-12)


def test_the_highest_moment_is_found_with_what_everyone_draws_then():
    """Given 3 from 0:10 to 0:30 and 2 from 0:20 to 0:40, the hour has 5 at 0:20; the next hour, 0 from its start."""
    minute, slices = HOUR_MS // 60, slices_of(2 * HOUR_MS)
    changes = steps((0, 10 * minute, 30 * minute, 3.0), (1, 20 * minute, 40 * minute, 2.0))
    most, moments = highest(slices, changes.at_ms, changes.by)
    assert (most.tolist(), moments.tolist()) == ([5, 0], [20 * minute, HOUR_MS])
    assert at_moments(slices, changes, moments).tolist() == [[3, 0], [2, 0]]


def test_a_run_without_time_is_none():
    """Given an end at 0, there is nothing to play."""
    with pytest.raises(ValueError, match="end_ms=0"):
        slices_of(0)

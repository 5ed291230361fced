"""Which numbers of accelerators are tried, and searches put together."""

from datahall.planner.search.found import Found
from datahall.planner.training.trial import counts_below, together


def test_numbers_that_divide_are_tried_down_to_half():
    """Given 228 racks of 72, all are tried, and 16,384, 14,336, 12,288 and 10,240."""
    assert counts_below(16_416) == [16_416, 16_384, 14_336, 12_288, 10_240]
    assert counts_below(8192) == [8192, 7168, 6144, 5120]
    assert counts_below(1) == [1]


def test_counts_of_searches_add_up():
    """Given two searches in which nothing fits, nothing is the best, and all that was looked at is counted."""
    found = together([Found((), 10, 4, 0, 0.5), Found((), 20, 6, 0, 0.25)], top=3)
    assert (found.best, found.possible, found.evaluated, found.seconds, found.nearest_fit) == ((), 30, 10, 0.75, None)

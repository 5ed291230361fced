"""Published bus bandwidths beside ours."""

import csv
from statistics import fmean

import pytest

from datahall.planner.validation.cells import PLACE
from datahall.planner.validation.collectives import curves, rows


def own(**changed: str) -> dict[str, str]:
    return {"system": "H100 SXM x8", "ranks": "8", "algo": "NVLS", "bytes": "1073741824", "busbw_GBps": "466.35"} | changed


def test_the_mean_error_is_within_eight_percent_and_half_of_the_plain_models():
    """Given all 72 published rows, constants from one of three systems: at most 8 %, and under half of a + S/B."""
    found = rows()
    assert len(found) == 72
    ours = fmean(abs(row.error_ratio) for row in found)
    assert ours <= 0.08
    assert ours < fmean(abs(row.baseline_error_ratio) for row in found) / 2


def test_one_system_was_fitted_and_each_held_out_one_is_within_a_tenth():
    """Given which rows were fitted on, at most half of the systems are, and the others' mean errors are below 10 %."""
    assert sum(curve.fitted for curve in curves()) * 2 <= len(curves())
    for curve in curves():
        mine = [row for row in rows() if row.row.startswith(curve.system)]
        assert all(("fitted on this curve" in row.note) == curve.fitted for row in mine)
        assert fmean(abs(row.error_ratio) for row in mine) < 0.10


@pytest.mark.shared
def test_the_shipped_rows_are_the_published_ones(shared):
    """Given the reference table, the shipped rows are the same, in any order, and give the same answers."""
    with (shared / "reference/facility/nccl_busbw_curves.csv").open() as file:
        theirs = rows(own_rows=list(csv.DictReader(file)))
    key = lambda row: row.row  # noqa: E731
    assert sorted(theirs, key=key) == sorted(rows(), key=key)


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"note": "reduce-scatter, in place", "algo": "Ring"}, "reduce_scatter"),
        ({"collective": "all_gather", "algo": ""}, "all_gather"),
        ({}, "all_reduce"),
    ],
)
def test_foreign_rows_say_which_collective(changed, part):
    """Given a column or a note that names the collective, that one is computed."""
    [row] = rows(own_rows=[own(**changed)])
    assert part in row.row
    assert row.ours > 0


@pytest.mark.parametrize(
    ("changed", "note"),
    [
        ({"system": "Abacus x8"}, "no accelerator"),
        ({"system": "B200 x8", "ranks": "16"}, "tells no network"),
        ({"ranks": "1"}, "one rank exchanges nothing"),
    ],
)
def test_what_is_not_known_is_not_computed(changed, note):
    """Given an unknown system, no network, or a single rank, ours is None and the note says why."""
    [row] = rows(own_rows=[own(**changed)])
    assert row.ours is None
    assert row.hit is None
    assert note in row.note


@pytest.mark.parametrize(
    ("changed", "note"),
    [
        ({"ranks": "eight"}, "nccl.csv:7: ranks is `eight`, not a whole number"),
        ({"ranks": "8.5"}, "nccl.csv:7: ranks is `8.5`, not a whole number"),
        ({"bytes": "1 GiB"}, "nccl.csv:7: bytes is `1 GiB`, not a number from 1"),
        ({"bytes": ""}, "nccl.csv:7: bytes is missing"),
        ({"busbw_GBps": "inf"}, "nccl.csv:7: busbw_GBps is `inf`, not a finite number"),
        ({"busbw_GBps": ""}, "nccl.csv:7: busbw_GBps is missing"),
        ({"system": "Abacus x8"}, "nccl.csv:7: no accelerator"),
    ],
)
def test_a_bad_row_is_answered_among_good_ones(changed, note):
    """Given one row of a file that cannot be read, it says where and why, and its neighbours are computed."""
    good, bad, other = rows(own_rows=[own(), own(**changed, **{PLACE: "nccl.csv:7"}), own()])
    assert (bad.ours, bad.hit, bad.error_ratio) == (None, None, None)
    assert bad.note.startswith(note)
    assert good.ours == other.ours is not None


def test_a_bandwidth_below_zero_is_impossible_and_not_judged():
    """Given a busbw of -3, ours stands beside it without an error or a verdict."""
    [row] = rows(own_rows=[own(busbw_GBps="-3")])
    assert row.ours > 0
    assert (row.published, row.hit, row.error_ratio, row.baseline_error_ratio) == (-3, None, None, None)
    assert row.note.startswith("impossible: a bus bandwidth of -3 GB/s is below 0")


def test_a_published_zero_has_no_error():
    """Given a busbw printed as 0, nothing is judged."""
    [row] = rows(own_rows=[own(busbw_GBps="0")])
    assert (row.error_ratio, row.hit) == (None, None)

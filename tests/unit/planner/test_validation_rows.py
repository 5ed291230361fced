"""A published figure beside ours."""

import pytest

from datahall.planner.validation.rows import compared
from datahall.planner.validation.tables import shipped_rows, summary


def test_errors_are_signed_and_relative_to_what_was_published() -> None:
    """Given a PUE of 1.10 published, 1.21 of ours and a constant of 1.045, the errors are +10 % and -5 %."""
    row = compared("facility", "Oregon", "PUE", published=1.10, ours=1.21, baseline=1.045)
    assert (row.error_ratio, row.baseline_error_ratio) == (pytest.approx(0.10), pytest.approx(-0.05))
    assert row.as_dict()["quantity"] == "PUE" and row.hit is None


def test_nothing_computed_and_nothing_published_have_no_error() -> None:
    """Given a row without weather, and a published water use of 0, there is no error to tell."""
    assert compared("facility", "Lagos", "PUE", published=1.2, ours=None).error_ratio is None
    assert compared("facility", "New Zealand", "WUE, L/kWh", published=0.0, ours=0.1).error_ratio is None


def test_rows_that_were_fitted_on_are_averaged_apart_from_held_out_ones() -> None:
    """Given the published collectives, what a constant was fitted on has a line of its own, and the rest another."""
    lines = {line.quantity: line for line in summary(shipped_rows(["collectives"]))}
    rows = shipped_rows(["collectives"])
    assert lines["held out"].rows == sum("held out" in row.note for row in rows) > 0
    assert lines["fitted"].rows == sum("fitted on this curve" in row.note for row in rows) > 0
    held = [abs(row.error_ratio) for row in rows if "held out" in row.note and row.error_ratio is not None]
    assert lines["held out"].mean_error_ratio == pytest.approx(sum(held) / len(held))

"""Corrections of a platform from a few measured steps."""

from dataclasses import replace
from pathlib import Path

import pytest

from datahall.foundation.errors import Refused
from datahall.models.cost.catalogue import architecture
from datahall.models.parallel.communication import cluster_of
from datahall.models.parallel.correction import Correction, corrected
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.stack import Stack
from datahall.models.parallel.step import step_of
from datahall.planner.calibration.fit import Measured, correction_of, fit
from datahall.planner.calibration.store import FILE, Corrections, read_corrections, write_corrections

LLAMA = architecture("llama2-7b")
CLUSTER = cluster_of("A100-SXM4-80GB", nic_bytes_per_s=25e9)
PLANS = [
    TrainPlan(global_batch=256, sequence=4096, tensor=tensor, data=data, micro_batch=micro, zero=1)
    for tensor, data, micro in ((1, 64, 1), (2, 32, 2), (4, 32, 1), (8, 16, 2), (8, 4, 4), (4, 8, 2))
]


def correction(compute: float, exchange: float) -> Correction:
    return Correction(
        accelerator="A100-SXM4-80GB", stack="", compute_ratio=compute, exchange_ratio=exchange, spread=0.1, rows=1,
        before_ratio=0, after_ratio=0,
    )  # fmt: skip


def rows(compute: float, exchange: float, plans: list[TrainPlan]) -> list[Measured]:
    """What a platform would measure that is that much slower than we think."""
    slower = corrected(CLUSTER, correction(compute, exchange))
    return [
        Measured(f"row {n}", LLAMA, plan, CLUSTER, Stack(), step_of(LLAMA, plan, slower).seconds)
        for n, plan in enumerate(plans)
    ]


def test_both_ratios_are_found_again() -> None:
    """Given six steps of a platform 1.3 and 1.6 times slower, the ratios come back, and rows left out are predicted by them."""
    found = fit(rows(1.3, 1.6, PLANS))
    assert found.compute_ratio == pytest.approx(1.3, rel=0.03)
    assert found.exchange_ratio == pytest.approx(1.6, rel=0.12)
    assert found.before_ratio > 0.2
    assert found.after_ratio < 0.03


def test_a_platform_as_predicted_is_left_alone() -> None:
    """Given rows that are as predicted, both ratios stay 1."""
    found = fit(rows(1.0, 1.0, PLANS))
    assert (found.compute_ratio, found.exchange_ratio) == pytest.approx((1, 1), abs=1e-6)


def test_one_row_goes_part_of_the_way() -> None:
    """Given one row 1.5 times slower, the correction stays below it, and does not count the row itself as success."""
    found = fit(rows(1.5, 1.5, PLANS[:1]))
    assert 1.25 < found.compute_ratio < 1.45
    assert found.helps
    assert found.after_ratio == pytest.approx(found.before_ratio)


def test_many_rows_narrow_the_spread() -> None:
    """Given more rows that agree, the spread is smaller."""
    few, many = fit(rows(1.3, 1.3, PLANS[:2])), fit(rows(1.3, 1.3, PLANS))
    assert many.spread < few.spread


def test_absurd_rows_stay_within_bounds() -> None:
    """Given rows a thousand times slower, the ratios stop at their bounds and the errors stay visible."""
    absurd = [replace(row, seconds=1000 * row.seconds) for row in rows(1, 1, PLANS)]
    found = fit(absurd)
    assert found.compute_ratio <= 4
    assert found.at_bound and not found.helps


def test_no_rows_are_refused() -> None:
    """Given no rows there is nothing to fit."""
    with pytest.raises(ValueError, match="no rows"):
        fit([])


def test_a_correction_slows_the_cluster_alone() -> None:
    """Given ratios of 2, rates halve; what starts a kernel stays, so the step is at most twice as long."""
    plan = PLANS[2]
    before, after = step_of(LLAMA, plan, CLUSTER).seconds, step_of(LLAMA, plan, corrected(CLUSTER, correction(2, 2))).seconds
    assert 1.9 * before < after <= 2 * before


def test_corrections_are_kept_by_platform(tmp_path: Path) -> None:
    """Given a newer correction of the same platform, it takes the place of the older; others stay."""
    fitted = fit(rows(1.3, 1.6, PLANS))
    first = correction_of(fitted, accelerator="A100", stack="a", source="rows", date="2026-11-24")
    other = first.model_copy(update={"stack": "b"})
    newer = first.model_copy(update={"compute_ratio": 1.1})
    path = write_corrections(tmp_path, Corrections().with_([first, other]).with_([newer]))
    found = read_corrections(tmp_path)
    assert path.name == FILE
    assert found.of("A100", "a") == newer
    assert found.of("A100", "b") == other
    assert found.of("A100", "c") is None


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    """Given a file that is not ours, the problem names it and its line."""
    (tmp_path / FILE).write_text("corrections:\n- accelerator: A100\n  compute_ratio: 99\n")
    with pytest.raises(Refused, match=FILE):
        read_corrections(tmp_path)


def test_no_file_is_no_correction(tmp_path: Path) -> None:
    """Given an empty home, nothing is corrected."""
    assert read_corrections(tmp_path).corrections == ()

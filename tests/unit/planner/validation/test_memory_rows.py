"""Published memory beside ours."""

from pathlib import Path

import pytest

from datahall.planner.validation.memory import FITS, MEASURES, device_bytes_of, rows
from datahall.planner.validation.tables import read_rows, shipped_rows, summary
from datahall.planner.validation.training_rows import case_of

ROW = {
    "source": "somebody", "hardware": "A100-SXM4-80GB", "num_devices": "8", "model": "LLAMA3_8B", "layers": "32",
    "hidden": "4096", "heads": "32", "kv_heads": "8", "ffn": "14336", "vocab": "128256", "seq_len": "8192",
    "global_batch": "8", "micro_batch": "1", "tp": "1", "pp": "1", "dp": "8", "zero_fsdp": "zero1",
    "recompute": "full", "precision": "bf16", "mem_gb": "50", "note": "",
}  # fmt: skip


def test_shipped_rows_keep_their_accuracy() -> None:
    """Given all published rows, errors stay under what they are now, no run is called too large; a constant is far worse."""
    lines = {line.quantity: line for line in summary(shipped_rows(["memory"]))}
    device, reserved, fits = (lines[name] for name in (MEASURES["device"], MEASURES["reserved"], FITS))
    assert device.mean_error_ratio is not None and device.mean_error_ratio < 0.075 and device.hits >= 37
    assert reserved.mean_error_ratio is not None and reserved.mean_error_ratio < 0.045 and reserved.hits == 8
    assert (fits.hits, fits.judged) == (86, 86)
    assert device.baseline_mean_error_ratio is not None and device.baseline_mean_error_ratio > 0.5
    activations = lines["activations GiB (no recompute)"]
    assert activations.hits == activations.judged == 4


def test_rows_that_contradict_themselves_are_not_judged() -> None:
    """Given rows marked INCONSISTENT, they are computed and not judged; ranks that are not the devices are both named."""
    marked = [row for row in rows() if "INCONSISTENT" in row.note]
    assert len(marked) > 4 and all(row.hit is None and row.error_ratio is None for row in marked)
    [wrong] = rows([ROW | {"dp": "4", "global_batch": "4"}])
    assert wrong.ours is None and "dp=4" in wrong.note and "num_devices=8" in wrong.note


def test_a_row_that_ran_out_of_memory_must_not_be_called_fitting() -> None:
    """Given Llama 3 8B with nothing sharded on 80 GB and the word OOM, ours says no, and that is right."""
    [fits] = rows([ROW | {"mem_gb": "", "zero_fsdp": "none", "recompute": "none", "note": "OOM"}])
    assert (fits.published, fits.ours, fits.hit) == (0.0, 0.0, True)
    [wrong] = rows([ROW | {"mem_gb": "", "note": "out of memory"}])
    assert wrong.ours == 1.0 and wrong.hit is False


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"heads": "32.5"}, "heads is `32.5`"),
        ({"tp": "3"}, "tp=3"),
        ({"kv_heads": "3", "model": "x"}, "kv_heads=3"),
        ({"layers": "", "hidden": "4000"}, "layers is missing"),
    ],
)
def test_a_row_that_cannot_be_computed_says_why(change: dict[str, str], why: str) -> None:
    """Given a cell that is no count, or an impossible plan, the row has no figure of ours and the reason."""
    [line] = rows([ROW | change])
    assert line.ours is None and why in line.note


def test_what_a_row_leaves_open_is_taken_and_told() -> None:
    """Given a row without data ranks and without sharding, both are taken from what it says, in its notes."""
    case = case_of(ROW | {"dp": "", "zero_fsdp": ""})
    assert not isinstance(case, str)
    assert (case.plan.data, case.plan.zero) == (8, 1)
    assert any("data=8" in note for note in case.notes) and any("sharding not given" in note for note in case.notes)


def test_memory_of_a_device_is_looked_up_or_read_from_its_name() -> None:
    """Given a device of the catalogue, one that says its size, and one that nobody knows."""
    assert device_bytes_of("A100-SXM4-40GB (somewhere)") == device_bytes_of("Q7 with 40 GB") == 40 * 2**30
    assert device_bytes_of("TPU v9") is None


@pytest.mark.shared
def test_what_ran_is_called_too_large_nowhere(shared: Path) -> None:
    """Given every training table of the reference data, all of which ran, no verdict says that it cannot have."""
    found = [row for path in sorted((shared / "reference/training").glob("*.csv")) for row in rows(read_rows(path)[1])]
    judged = [row for row in found if row.quantity == FITS and row.hit is not None]
    assert len(judged) > 1400
    assert [row.row for row in judged if not row.hit] == []

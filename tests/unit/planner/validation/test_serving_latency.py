"""Published latency of serving beside ours."""

from pathlib import Path

import pytest

from datahall.planner.validation.serving_latency import MEASURES, published, rows
from datahall.planner.validation.tables import rows_of_file, shipped_rows, summary

ROW = {
    "engine": "TensorRT-LLM 0.14", "hardware": "H100 80GB HBM3", "num_devices": "1", "model": "LLaMA 3.1 8B",
    "precision": "BF16", "tp": "1", "input_len": "467", "output_len": "256", "requests_per_s": "8", "ttft_ms": "26",
    "itl_ms": "9",
}  # fmt: skip


def test_published_latencies_keep_their_accuracy() -> None:
    """Given 68 published runs, latencies that no constant was fitted on are within 17 %, and apart from those that one was."""
    lines = {line.quantity: line for line in summary(shipped_rows(["latency"]))}
    first, between = (lines[quantity] for quantity in MEASURES.values())
    assert (first.computed, between.computed, len(published())) == (38, 68, 68)
    assert between.mean_error_ratio is not None and between.mean_error_ratio < 0.14
    assert first.mean_error_ratio is not None and first.mean_error_ratio < 0.17
    assert lines["time to first token, mean, ms, fitted on"].computed == 30


def test_a_file_of_latencies_is_told_from_one_of_throughputs(tmp_path: Path) -> None:
    """Given a column for the time to the first token and arrivals, both latencies of the row are compared."""
    path = tmp_path / "mine.csv"
    path.write_text(",".join(ROW) + "\n" + ",".join(ROW.values()) + "\n", encoding="utf-8")
    assert [line.quantity for line in rows_of_file(path)] == list(MEASURES.values())


@pytest.mark.parametrize(
    ("cells", "says"),
    [({"requests_per_s": "fast"}, "ROW-001 requests_per_s"), ({"model": "nobody"}, "COST-001"), ({"tp": "5"}, "ROW-001")],
)
def test_what_keeps_a_row_from_being_played_is_told(cells: dict[str, str], says: str) -> None:
    """Given a row with one thing wrong, both lines say it and neither has a figure."""
    found = rows([ROW | cells])
    assert len(found) == 2 and all(line.ours is None and says in line.note for line in found)


def test_a_closed_loop_that_waits_for_room_is_played() -> None:
    """Given 150 requests at once where half of them have room, waiting for it is told within 10 % of what NVIDIA published."""
    [first] = [line for line in rows() if "150 at once" in line.row and "first" in line.quantity]
    assert first.published == 34794.22 and first.error_ratio is not None and abs(first.error_ratio) < 0.1


def test_an_overload_is_played_and_called_so() -> None:
    """Given far more requests than are served, the note says that waiting grows with the run's length."""
    assert all("exceeds" in line.note for line in rows([ROW | {"requests_per_s": "500", "requests": "200"}]))

"""Published serving throughput beside ours."""

import functools
from pathlib import Path

import pytest

from datahall.planner.validation.rows import ValidationRow
from datahall.planner.validation.serving import ServingRow, published, rows
from datahall.planner.validation.serving_rows import case_of
from datahall.planner.validation.tables import read_rows, rows_of_file, summary

ROW = {
    "source": "somebody", "engine": "TensorRT-LLM 0.17", "hardware": "H100-SXM-80GB", "num_devices": "8",
    "model": "LLaMA v3.1 70B", "precision": "FP8", "tp": "8", "pp": "1", "input_len": "2048", "output_len": "128",
    "concurrency": "inf", "measured_metric": "output_token_throughput_total", "measured_value": "1923.41",
    "unit": "tokens/s", "note": "",
}  # fmt: skip


def one(**cells: str) -> ServingRow:
    [found] = rows([ROW | cells])
    assert isinstance(found, ServingRow)
    return found


TENSORRT = "output tokens/s, TensorRT-LLM 0.17 in-flight batching"


@functools.cache
def published_lines() -> tuple[ValidationRow, ...]:
    """All that are published, computed once."""
    return tuple(rows())


def test_shipped_rows_keep_their_accuracy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Given the rows that come with Datahall, models that no constant saw stay within 11 %; the constant is far worse."""
    monkeypatch.setenv("DATAHALL_SHARED", str(tmp_path / "nothing"))
    lines = {line.quantity: line for line in summary(rows())}
    held, fitted = lines[f"{TENSORRT}, held out"], lines[f"{TENSORRT}, fitted on"]
    assert held.rows == held.computed and held.rows + fitted.rows == 149
    assert sum(line.computed for line in lines.values()) == len(published()) == 303
    assert held.mean_error_ratio is not None and held.mean_error_ratio < 0.11
    assert fitted.mean_error_ratio is not None and fitted.mean_error_ratio < 0.07
    assert held.baseline_mean_error_ratio is not None and held.baseline_mean_error_ratio > 3 * held.mean_error_ratio
    assert 0.7 * held.judged < held.hits


def test_other_software_is_held_against_rows_too() -> None:
    """Given vLLM on MI300X, NIM, and TensorRT-LLM 1.x with many experts on Blackwell, errors stay under what they are now."""
    lines = {line.quantity: line.mean_error_ratio or 0.0 for line in summary(published_lines())}
    assert lines["output tokens/s, vLLM 0.8.5, held out"] < 0.16
    assert lines["output tokens/s, TensorRT-LLM of NIM 1.8.0, held out"] < 0.05
    newer = "output tokens/s of each accelerator, TensorRT-LLM 1.x"
    assert lines[f"{newer}, held out"] < 0.2 and lines[f"{newer}, fitted on"] < 0.18
    assert sum(newer in row.quantity for row in published_lines()) == 106


def test_the_whole_table_is_taken_where_it_is(shared: Path) -> None:
    """Given the reference folder, all its rows are compared, and the two models that it lacks as well."""
    table = read_rows(shared / "reference/serving.csv")[1]
    assert len(table) == 337 and all(not isinstance(case_of(row), str) for row in table)
    assert len(published()) == 337 + 36 + 48 + 106


def test_a_row_of_a_users_file_is_predicted_with_its_interval(tmp_path: Path) -> None:
    """Given a file with the columns of serving.csv, its row has a prediction, an interval, the engine, and no problem."""
    path = tmp_path / "mine.csv"
    path.write_text(",".join(ROW) + "\n" + ",".join(ROW.values()) + "\n", encoding="utf-8")
    [found] = rows_of_file(path)
    assert isinstance(found, ServingRow) and found.predicted_tokens_per_s and not found.problem
    assert found.low_tokens_per_s and found.high_tokens_per_s
    assert found.low_tokens_per_s < found.predicted_tokens_per_s < found.high_tokens_per_s
    assert found.engine == "tensorrt-llm-0.17" and "never ends" in found.note


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"model": "Llama 9 70B"}, "COST-001"),
        ({"hardware": "Abacus 9000"}, "KERN-001"),
        ({"input_len": "many"}, "ROW-001 input_len"),
        ({"tp": "3", "num_devices": "3"}, "INFER-002"),
        ({"tp": "8", "num_devices": "12"}, "does not divide num_devices=12"),
        ({"tp": "1", "num_devices": "1", "precision": "FP16"}, "INFER-007"),
        ({"precision": "FP7"}, "ROW-001 precision"),
        ({"concurrency": "lots"}, "ROW-001 concurrency"),
        ({"stack": "vlm"}, "INFER-006"),
        ({"measured_metric": "ttft_p95", "unit": "ms"}, "ROW-004"),
        ({"hardware": "A100-SXM4-80GB"}, "KERN-002"),
    ],
)
def test_what_keeps_a_row_from_being_predicted_is_told(cells: dict[str, str], says: str) -> None:
    """Given a row with one thing wrong, there is no prediction, and the problem says which thing."""
    found = one(**cells)
    assert found.predicted_tokens_per_s is None and says in found.problem and found.hit is None


def test_a_blank_tp_gets_the_choice_that_serves_most_and_says_so() -> None:
    """Given eight accelerators and a small model, replicas are chosen over one wide replica."""
    found = one(tp="", model="LLaMA v3.1 8B")
    assert found.predicted_tokens_per_s and any("tp is blank: tensor=1 x data=8" in text for text in found.assumed)


def test_the_rows_own_metric_is_predicted_beside_output_tokens() -> None:
    """Given total tokens, requests, or tokens of each accelerator, `predicted` is in that metric; tokens/s stay the same."""
    output = one()
    ours = output.predicted_tokens_per_s or 0.0
    for cells, factor, unit in (
        ({"measured_metric": "total_token_throughput"}, 17, "total tokens/s"),
        ({"measured_metric": "request_throughput", "unit": "req/s"}, 1 / 128, "requests/s"),
        ({"measured_metric": "output_token_throughput_per_gpu"}, 1 / 8, "output tokens/s of each accelerator"),
    ):
        found = one(**cells)
        assert found.unit == unit and found.predicted == pytest.approx(factor * ours) == found.ours
        assert found.predicted_tokens_per_s == pytest.approx(ours) and found.low_tokens_per_s == output.low_tokens_per_s
        assert found.measured_tokens_per_s == pytest.approx(1923.41 / factor)
        assert found.baseline_tokens_per_s == output.baseline_tokens_per_s
    assert output.predicted == output.predicted_tokens_per_s and output.unit == "output tokens/s"


@pytest.mark.parametrize(("precision", "says"), [("INT8", "W8A16"), ("AWQ", "W4A16"), ("W8A8", "FP8"), ("FP8", "")])
def test_how_a_precision_is_read_is_told(precision: str, says: str) -> None:
    """Given a precision that leaves open what is narrow, how it is read is told; given FP8, nothing is."""
    told = [text for text in one(precision=precision).assumed if "read" in text]
    assert len(told) == bool(says) and all(says in text for text in told)


def test_a_measured_value_that_is_none_is_told_and_the_row_still_predicted() -> None:
    """Given `n/a`, the prediction stands, unjudged, beside the problem."""
    found = one(measured_value="n/a")
    assert found.predicted_tokens_per_s and found.hit is None and "ROW-002" in found.problem


def test_what_the_software_was_told_may_be_given() -> None:
    """Given a column for the batch, no more sequences are decoded at once; fewer are served than without."""
    narrow, wide = one(max_batch="8"), one()
    assert narrow.predicted_tokens_per_s and wide.predicted_tokens_per_s
    assert narrow.predicted_tokens_per_s < wide.predicted_tokens_per_s / 2


def width(row: ServingRow) -> float:
    return (row.high_tokens_per_s or 0) / (row.low_tokens_per_s or 1)


def test_the_less_is_known_the_wider_the_interval() -> None:
    """Given software that was fitted on, other software, and none by name, intervals widen; a device without rows adds."""
    seen, vllm, sglang = one(), one(engine="vLLM 0.8.5"), one(engine="SGLang 0.4")
    blank, ollama = one(engine=""), one(engine="Ollama 0.5")
    assert width(seen) < width(vllm) < width(blank) == pytest.approx(width(ollama))
    assert width(sglang) == pytest.approx(width(vllm))
    assert any("with a wide interval" in text for text in ollama.assumed) and any("sglang" in text for text in sglang.assumed)
    small = {"model": "LLaMA v3.1 8B", "num_devices": "1", "tp": "1", "engine": "vLLM 0.8.5"}
    assert width(one(**small, hardware="L4")) > width(one(**small, hardware="L40S"))


def test_no_published_row_is_judged_by_an_interval_that_it_made() -> None:
    """Given published rows, each says whose rows had no say in its interval, and that one is not the class's own."""
    lines = [row for row in published_lines() if row.hit is not None]
    assert all("judged by an interval that no row of" in row.note for row in lines)
    vllm = [row for row in lines if "vLLM 0.8.5" in row.quantity]
    assert len(vllm) == 40 and all("no row of this software" in row.note for row in vllm)
    assert sum(bool(row.hit) for row in vllm) >= 0.75 * len(vllm)
    assert all(isinstance(row, ServingRow) and width(row) != pytest.approx(width(one(engine="vLLM 0.8.5"))) for row in vllm)
    assert sum("no constant saw this software" in row.note for row in published_lines()) == 48


def test_weights_alone_may_be_narrow() -> None:
    """Given AWQ, weights are kept in 4 bits and computed in 16."""
    case = case_of(ROW | {"precision": "AWQ"})
    assert not isinstance(case, str)
    assert (case.plan.precision, case.plan.weight_precision, case.plan.kept) == ("fp16", "int4", "fp16")

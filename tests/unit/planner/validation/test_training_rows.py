"""Training rows: predicted with an interval, or told why not; whatever a cell holds."""

import json
from pathlib import Path
from statistics import fmean

import pytest

from datahall.foundation.errors import Problem, Refused
from datahall.models.parallel.memory import memory_of
from datahall.planner.validation import filling
from datahall.planner.validation.summaries import LEAST_ROWS, overall
from datahall.planner.validation.tables import as_json, rows_of_file, shipped_rows, summary
from datahall.planner.validation.training import TrainingRow, row_of, rows
from datahall.planner.validation.training_rows import Case, case_of

ROW = {
    "source": "somebody", "hardware": "A100-SXM4-80GB", "num_devices": "16", "model": "LLAMA3_8B", "layers": "32",
    "hidden": "4096", "heads": "32", "kv_heads": "8", "ffn": "14336", "vocab": "128256", "seq_len": "8192",
    "global_batch": "16", "micro_batch": "1", "tp": "2", "pp": "1", "vpp": "1", "cp": "1", "ep": "1", "dp": "8",
    "zero_fsdp": "zero1", "recompute": "full", "precision": "bf16", "iter_time_s": "7.5", "tokens_s_gpu": "", "mem_gb": "50",
    "note": "",
}  # fmt: skip


def case(change: dict[str, str]) -> Case:
    found = case_of(ROW | change)
    assert isinstance(found, Case), found
    return found


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATAHALL_SHARED", str(tmp_path / "nowhere"))


def test_a_row_has_seconds_bytes_an_interval_and_a_constant() -> None:
    """Given a whole row, all that a prediction is comes out, the measured time beside it, and the software that was taken."""
    row = row_of(ROW)
    assert row.predicted_s is not None and row.low_s is not None and row.high_s is not None
    assert row.low_s < row.predicted_s < row.high_s and row.baseline_s is not None and row.fits is True
    assert row.hit is (row.low_s <= 7.5 <= row.high_s) and row.memory_bytes is not None and row.memory_bytes > 2**30
    assert (row.stack, row.problem, row.measured_s) == ("megatron-core", "", 7.5)
    assert any("megatron-core assumed" in text for text in row.assumed)


def test_a_stack_may_be_named_by_the_row_and_changes_the_time() -> None:
    """Given the software of 2021 or an eager one in `stack`, it is taken; for an unknown one the default, and it says so."""
    old, eager = (row_of(ROW | {"stack": name}) for name in ("megatron-2021", "torchtitan eager"))
    assert (old.stack, eager.stack) == ("megatron-2021", "torchtitan-eager") and old.predicted_s != eager.predicted_s
    unknown = row_of(ROW | {"stack": "megatron-cor"})
    plain = row_of(ROW | {"stack": "megatron-core"})
    assert unknown.predicted_s == plain.predicted_s and unknown.high_s > plain.high_s  # type: ignore[operator]
    assert "STACK-001" in unknown.note and "`megatron-core`" in unknown.note and unknown.problem == ""


def test_memory_is_told_as_the_software_reports_it() -> None:
    """Given torchtitan, whose figure is what the allocator has reserved, and Megatron, whose is the device's, both are ours."""
    for stack in ("torchtitan-eager", "megatron-core"):
        memory = case({"stack": stack}).memory
        wanted = memory.reserved if "titan" in stack else memory.total
        assert row_of(ROW | {"stack": stack}).memory_bytes == wanted < memory.total + 1


def test_an_unstated_stack_widens_the_interval() -> None:
    """Given the same software once named and once assumed, the assumed one's interval is wider."""
    said, assumed = row_of(ROW | {"stack": "megatron-core"}), row_of(ROW)
    assert said.predicted_s == assumed.predicted_s
    assert said.low_s > assumed.low_s and said.high_s < assumed.high_s  # type: ignore[operator]


@pytest.mark.parametrize("blank", ["tp", "pp", "dp", "micro_batch", "recompute", "cp", "vpp"])
def test_a_blank_cell_takes_a_choice_and_says_so(blank: str) -> None:
    """Given one parallelism left open, a plan on all devices is chosen and the row says what was taken."""
    row = row_of(ROW | {blank: ""})
    assert row.predicted_s is not None and row.assumed != row_of(ROW).assumed
    assert case({blank: ""}).plan.accelerators == 16


def test_blank_sizes_of_a_known_model_come_from_the_catalogue() -> None:
    """Given only the model's name, it is as predicted as with its columns; an unknown name is told with the near ones."""
    blank = dict.fromkeys(("layers", "hidden", "heads", "kv_heads", "ffn", "vocab"), "")
    named = row_of(ROW | blank)
    assert named.predicted_s == pytest.approx(row_of(ROW).predicted_s, rel=1e-6) and "llama3-8b" in " ".join(named.assumed)
    assert "`llama3-8b`" in row_of(ROW | blank | {"model": "lama3-8b"}).problem


def test_everything_open_is_predicted() -> None:
    """Given a model, a machine and a count only, the rest is chosen: for the platform's own question."""
    row = row_of({"hardware": "H100", "num_devices": "8", "model": "llama3-8b"})
    assert row.predicted_s is not None and row.fits is True and row.problem == ""
    assert "global_batch not given" in row.note and "precision not given: bf16" in row.note


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dp": "4"}, ("dp=4", "num_devices=16")), ({"kv_heads": "5", "model": "x"}, ("heads=32", "kv_heads=5")),
        ({"heads": "33", "kv_heads": "", "model": "x"}, ("hidden=4096", "heads=33")),
        ({"heads": "33", "kv_heads": "", "model": "x"}, ("head_dim is missing", "column head_dim")),
        ({"tp": "3", "dp": "", "num_devices": "24"}, ("tp=3", "set tp to 2 or 4")),
        ({"pp": "4", "dp": "2", "vpp": "5"}, ("pp=4 x vpp=5", "set vpp to")),
        ({"layers": "20000", "model": "x"}, ("ROW-004 layers=20000", "less than or equal to 10000; correct layers")),
        ({"heads": "2048", "kv_heads": "", "model": "x"}, ("ROW-004 heads=2048", "less than or equal to 1024")),
        ({"zero_fsdp": "zero3=3"}, ("zero_fsdp=`zero3=3`", "dp x cp = 8")),
        ({"experts": "8"}, ("experts=8", "topk is missing")),
        ({"experts": "8", "topk": "9", "moe_ffn": "7"}, ("topk=9", "experts=8")),
        ({"global_batch": "17"}, ("global_batch=17", "dp=8")), ({"precision": "int3"}, ("precision is `int3`", "bf16")),
        ({"tp": "two"}, ("tp is `two`", "count")), ({"num_devices": "0"}, ("num_devices is `0`", "whole number")),
        ({"hardware": ""}, ("hardware is missing", "A100")), ({"hardware": "TPU v5e"}, ("TPU v5e", "memory and its bandwidth")),
        ({"ep": "2"}, ("ep=2", "experts")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_both_fields(change: dict[str, str], words: tuple[str, str]) -> None:
    """Given a contradiction or an impossible cell, there is no time, and the problem names what does not go together."""
    row = row_of(ROW | change)
    assert row.predicted_s is None and row.problem and all(word in row.problem for word in words), row.problem


@pytest.mark.parametrize("cell", ["-5", "0", "1e999", "fast", "nan", "7,5x", "∞"])
def test_a_strange_measured_time_is_told_and_the_row_predicted(cell: str) -> None:
    """Given a time that is none, the row is predicted, not judged, and says what the cell holds."""
    row = row_of(ROW | {"iter_time_s": cell})
    assert row.predicted_s is not None and row.measured_s is None and row.hit is None and row.error_ratio is None
    assert f"iter_time_s is `{cell}`" in row.problem


def test_times_that_contradict_each_other_are_not_judged() -> None:
    """Given tokens a second that are not the iteration's, both columns are named."""
    row = row_of(ROW | {"tokens_s_gpu": "99"})
    assert row.hit is None and "iter_time_s=7.5" in row.problem and "tokens_s_gpu=99" in row.problem


@pytest.mark.parametrize(
    ("words", "zero", "shard"),
    [
        ("zero3=4", 3, 4), ("zero=3", 3, None), ("ZeRO stage 2", 2, None), ("3", 3, None), ("FSDP1", 3, None), ("fsdp4", 3, 4),
        ("FSDP2", 3, None), ("zero1=-1", 1, None), ("zero1=8", 1, None), ("none", 0, None),
    ],
)  # fmt: skip
def test_sharding_is_read_as_it_is_written(words: str, zero: int, shard: int | None) -> None:
    """Given a stage, and over how many of 8 data ranks, both are taken; a release of FSDP is no count of ranks."""
    plan = case({"zero_fsdp": words}).plan
    assert (plan.zero, plan.shard) == (zero, shard)


def test_a_width_of_heads_may_be_given_or_known() -> None:
    """Given 4 heads of 96 in 320 columns, they are taken; a catalogued model's stand in where its sizes agree."""
    row = {"model": "x", "hidden": "320", "heads": "4", "kv_heads": "", "ffn": "1280", "head_dim": "96"}
    assert case(row).architecture.attention.head_dim == 96  # type: ignore[union-attr]
    palm = {"model": "palm-540b", "layers": "118", "hidden": "18432", "heads": "48", "kv_heads": "1", "ffn": "73728"}
    assert case(palm | {"vocab": "256000"}).architecture.attention.head_dim == 256  # type: ignore[union-attr]


def test_a_search_that_finds_nothing_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a search that refuses the question, the row tells its reason, in the columns of the table."""
    problem = Problem("SEARCH-001", "pinned.tensor", "tensor=2 is refused", "set tensor to 4")

    def refuses(*_: object, **__: object) -> None:
        raise Refused(problem)

    monkeypatch.setattr(filling, "search", refuses)
    row = row_of(ROW | {"micro_batch": "", "seq_len": "4160"})
    assert "the search found none (SEARCH-001 tp=2 is refused; set tp to 4)" in " ".join(row.assumed)


def test_a_row_that_does_not_fit_is_predicted_with_a_note() -> None:
    """Given nothing sharded and nothing recomputed on 16 accelerators, the time is there and so is the verdict."""
    row = row_of(ROW | {"zero_fsdp": "none", "recompute": "none"})
    assert row.predicted_s is not None and row.fits is False and "does not fit" in row.note


RECIPE = {
    "source": "NVIDIA-NeMo/Megatron-Bridge release 26.04", "hardware": "H100-SXM-80GB", "num_devices": "64",
    "model": "LLAMA3_70B", "seq_len": "8192", "global_batch": "128", "micro_batch": "1", "tp": "2", "pp": "4", "vpp": "5",
    "cp": "1", "ep": "1", "dp": "8", "zero_fsdp": "distributed optimizer", "precision": "FP8", "iter_time_s": "20",
}  # fmt: skip


def test_a_recipe_row_that_does_not_fit_is_told() -> None:
    """Given a row of NVIDIA's that fills in no recomputation and needs more than its device, memory is of that plan."""
    filled = RECIPE | {"recompute": "none"}
    found, row = case_of(filled), row_of(filled)
    assert (
        isinstance(found, Case) and found.plan.recompute == "none" and found.memory == memory_of(found.architecture, found.plan)
    )
    assert row.fits is False and "does not fit" in row.note and "search's choice" not in row.note


@pytest.mark.parametrize("cell", ["", "recipe-dependent (see scripts/performance)"])
def test_open_recomputation_is_the_least_that_fits_for_time_and_memory(cell: str) -> None:
    """Given the same left open, more is computed again until it fits, both figures are of that, and the row says so."""
    found, row = case_of(RECIPE | {"recompute": cell}), row_of(RECIPE | {"recompute": cell})
    assert isinstance(found, Case) and found.plan.recompute == "full"
    assert row.fits is True and row.memory_bytes == found.memory.total == memory_of(found.architecture, found.plan).total
    assert row.predicted_s > row_of(RECIPE | {"recompute": "none"}).predicted_s  # type: ignore[operator]
    assert any("recompute=full, the least that fits" in text for text in row.assumed)


def test_files_are_read_whatever_their_dialect(tmp_path: Path) -> None:
    """Given a byte-order mark and semicolons, each row comes back in order as one object of JSON with its place."""
    path = tmp_path / "mine.csv"
    lines = [ROW, ROW | {"tp": "x"}, ROW | {"iter_time_s": ""}]
    path.write_text("\ufeff" + "\n".join([";".join(ROW), *(";".join(line.values()) for line in lines)]), encoding="utf-8")
    found = json.loads(json.dumps(as_json(rows_of_file(path)), allow_nan=False))["rows"]
    assert [row["predicted_s"] is None for row in found] == [False, True, False]
    assert f"{path}:3" in found[1]["problem"] and found[2]["measured_s"] is None
    keys = "row table predicted_s memory_bytes low_s high_s measured_s error_ratio baseline_s hit stack assumed problem"
    assert set(keys.split()) <= found[0].keys()


def test_shipped_rows_are_all_predicted_and_beat_the_constant(alone: None) -> None:
    """Given the rows that come with Datahall, all are predicted and fit what they ran on; dense ones beat the constant."""
    found = [row for row in shipped_rows(["training"]) if isinstance(row, TrainingRow)]
    assert len(found) > 100 and [row.problem for row in found if row.predicted_s is None] == []
    lines = [line for line in summary(found) if line.mean_error_ratio is not None]
    better = [line for line in lines if line.mean_error_ratio < (line.baseline_mean_error_ratio or 0)]  # type: ignore[operator]
    assert len(better) >= len(lines) * 2 / 3


@pytest.mark.shared
def test_every_row_of_the_reference_is_predicted_or_told(shared: Path) -> None:
    """Given all training tables, none raises, each row is one line, and no row that has a time is called too large."""
    for path in sorted((shared / "reference/training").glob("*.csv")):
        found = rows_of_file(path)
        assert all(isinstance(row, TrainingRow) and (row.predicted_s or row.problem) for row in found)
    assert rows([{}])[0].note


def test_tables_are_averaged_with_the_same_weight(alone: None) -> None:
    """Given published tables of many and few rows, each with eight or more counts once, beside its constant and its peers."""
    lines = summary(shipped_rows(["training"]))
    counted = [line for line in lines if line.judged >= LEAST_ROWS]
    [whole] = overall(lines)
    assert whole.tables == len(counted) < len(lines)
    assert whole.mean_error_ratio == pytest.approx(fmean(line.mean_error_ratio or 0 for line in counted))
    assert "Calculon 10.3 %" in next(line.others for line in lines if "sc21" in line.quantity)
    assert all(line.bias_ratio is not None and abs(line.bias_ratio) <= (line.median_error_ratio or 0) + 1e-9 for line in lines)

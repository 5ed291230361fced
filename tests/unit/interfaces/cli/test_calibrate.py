"""`calibrate`: what measured runs say of a platform, kept for later predictions."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from datahall.interfaces.cli import calibrate
from datahall.interfaces.cli.output import report
from datahall.models.parallel.step import step_of
from datahall.planner.calibration.store import FILE
from datahall.planner.validation.training_rows import Case, case_of

Run = Callable[..., tuple[int, str, str]]
COMMON = {
    "source": "own runs", "stack": "megatron-core", "hardware": "A100-SXM4-80GB", "model": "llama2-7b", "layers": 32,
    "hidden": 4096, "heads": 32, "kv_heads": 32, "ffn": 11008, "vocab": 32000, "seq_len": 4096, "global_batch": 256, "pp": 1,
    "precision": "bf16", "zero_fsdp": "zero1", "recompute": "none",
}  # fmt: skip
SHAPES = [(1, 64, 1), (2, 32, 2), (4, 32, 1), (8, 16, 2), (8, 4, 4)]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `calibrate` as the command line does: exit code, stdout, stderr; in a home of its own."""
    monkeypatch.setenv("DATAHALL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DATAHALL_URL", raising=False)

    def ran(*words: str) -> tuple[int, str, str]:
        app = typer.Typer(pretty_exceptions_enable=False)
        calibrate.register(app)
        refused = report(lambda: app(list(words), standalone_mode=False))
        said = capsys.readouterr()
        return refused, said.out, said.err

    return ran


def rows(path: Path, slower: float) -> Path:
    """Five measured steps of a platform that takes `slower` times as long as we predict."""
    found = []
    for tensor, data, micro in SHAPES:
        row = COMMON | {"tp": tensor, "dp": data, "micro_batch": micro, "num_devices": tensor * data}
        case = case_of({key: str(value) for key, value in row.items()})
        assert isinstance(case, Case) and case.cluster is not None
        seconds = step_of(case.architecture, case.plan, case.cluster, case.stack).seconds
        found.append(row | {"iter_time_s": slower * seconds})
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    return path


def test_rows_correct_the_platform_and_say_before_and_after(run: Run, tmp_path: Path) -> None:
    """Given steps 1.4 times slower than predicted, computing is corrected, kept, and shown again later."""
    path = rows(tmp_path / "mine.csv", 1.4)
    code, out, _ = run(str(path), "--json")
    told = json.loads(out)
    found = told["corrections"][0]
    assert code == 0 and told["kept"]
    assert (found["accelerator"], found["stack"], found["rows"]) == ("A100-SXM4-80GB", "megatron-core", 5)
    assert found["compute_ratio"] == pytest.approx(1.4, rel=0.05)
    assert found["before_ratio"] == pytest.approx(1 - 1 / 1.4, rel=0.01)
    assert found["after_ratio"] < 0.03
    code, out, _ = run()
    assert code == 0 and "A100-SXM4-80GB" in out and str(path) in out


def test_a_dry_run_changes_nothing(run: Run, tmp_path: Path) -> None:
    """Given --dry-run, the correction is shown and no file is written."""
    code, out, _ = run(str(rows(tmp_path / "mine.csv", 1.4)), "--dry-run")
    assert code == 0 and "would be kept" in out
    assert not (tmp_path / "home" / FILE).exists()


def test_what_does_not_help_is_not_kept(run: Run, tmp_path: Path) -> None:
    """Given rows exactly as predicted, no correction is better, and none is kept."""
    code, out, _ = run(str(rows(tmp_path / "mine.csv", 1.0)))
    assert code == 0 and "not kept" in out
    assert not (tmp_path / "home" / FILE).exists()


def test_forgetting_leaves_nothing(run: Run, tmp_path: Path) -> None:
    """Given a correction, --forget removes it."""
    run(str(rows(tmp_path / "mine.csv", 1.4)))
    assert run("--forget")[0] == 0
    assert json.loads(run("--json")[1]) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "PLAN-"),
        ("a,b\n1,2\n", "CAL-001"),
        ("source,hardware,num_devices,layers,hidden,heads,seq_len,global_batch,iter_time_s\nx,A100,8,1,2\n", "CAL-001"),
    ],
)
def test_files_without_a_usable_row_are_told(run: Run, tmp_path: Path, text: str, word: str) -> None:
    """Given an empty file, other columns, or rows cut short, one problem names the file."""
    path = tmp_path / "bad.csv"
    path.write_text(text)
    code, _, err = run(str(path))
    assert code == 2 and word in err and "bad.csv" in err


def test_a_missing_file_and_contradicting_options_are_told(run: Run, tmp_path: Path) -> None:
    """Given no such file, or --forget beside rows, the problem says so."""
    assert run(str(tmp_path / "none.csv"))[0] == 2
    code, _, err = run(str(tmp_path / "none.csv"), "--forget")
    assert code == 2 and "--forget" in err


def test_rows_whose_ranks_we_chose_teach_nothing(run: Run, tmp_path: Path) -> None:
    """Given rows that leave ranks blank, our own choice is not taken for what ran."""
    path = rows(tmp_path / "mine.csv", 1.4)
    lines = path.read_text().splitlines()
    place = lines[0].split(",").index("tp")
    blank = [",".join("" if n == place else cell for n, cell in enumerate(line.split(","))) for line in lines[1:]]
    path.write_text("\n".join([lines[0], *blank]))
    code, _, err = run(str(path))
    assert code == 2 and "CAL-001" in err and "ranks" in err


def test_a_single_row_is_believed_and_said_to_be_unchecked(run: Run, tmp_path: Path) -> None:
    """Given one row, the correction is kept, and the answer says that nothing checked it."""
    path = rows(tmp_path / "mine.csv", 1.3)
    path.write_text("\n".join(path.read_text().splitlines()[:2]))
    code, out, _ = run(str(path))
    assert code == 0 and "unchecked" in out

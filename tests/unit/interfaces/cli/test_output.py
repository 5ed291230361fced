"""How the command line speaks: valid JSON, no colour in pipes, whole lines of files, and one sentence when it cannot write."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from tests.unit.interfaces.conftest import Said

from datahall.foundation.errors import Problem, Unavailable
from datahall.interfaces.cli.output import exits, show_json, show_problems, show_table, write_new

HALLS = Path(__file__).parents[4] / "halls"
PROGRAM = (sys.executable, "-m", "datahall.interfaces.cli.main")


def test_line_100_of_a_file_is_no_emoji(capsys: pytest.CaptureFixture[str]):
    """Given a problem in line 100, its place is printed as it is: Rich would take `:100:` for an emoji."""
    show_problems([Problem("INF-012", "hall.yaml:100", "too much", "less")])
    assert capsys.readouterr().err.startswith("✗ hall.yaml:100: INF-012 too much.")


def test_what_is_no_number_is_null_in_json(capsys: pytest.CaptureFixture[str]):
    """Given infinities and NaN, deep inside, the output is JSON that any parser takes."""
    show_json({"a": float("inf"), "b": [1.5, float("nan"), (float("-inf"), 2)], "c": {"d": "x"}})

    def refuse(word: str) -> None:
        raise AssertionError(word)

    found = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert found == {"a": None, "b": [1.5, None, [None, 2]], "c": {"d": "x"}}


def test_a_table_in_a_pipe_has_tabs_and_no_colour(capsys: pytest.CaptureFixture[str]):
    """Given rows with brackets and the markup of Rich, `cut` gets them as they are."""
    show_table([{"a": "[bold]x[/]", "b": 1}, {"a": "y"}], {"a": "A", "b": "B"}, empty="none")
    assert capsys.readouterr().out == "[bold]x[/]\t1\ny\t\n"


def test_an_interrupted_command_says_so():
    """Given Ctrl-C, the exit code is 130 as in a shell."""

    def interrupted() -> int:
        raise KeyboardInterrupt

    with pytest.raises(typer.Exit, match="130") as ended:
        exits(interrupted)()
    assert ended.value.exit_code == 130


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_behind_stdout_is_told(number: int, monkeypatch: pytest.MonkeyPatch):
    """Given output to a disk that is full, the problem says so and what to do."""
    monkeypatch.setattr("datahall.interfaces.cli.output._write_nowhere", lambda: None)

    def full() -> int:
        raise OSError(number, os.strerror(number))

    with pytest.raises(Unavailable, match=r"stdout: FILE-001 could not be written: .*Free some"):
        exits(full)()


def test_another_error_of_the_system_is_not_taken_for_a_full_disk():
    """Given an error that nobody foresaw, it passes, to be told as ours."""

    def broken() -> int:
        raise OSError(errno.EIO, "input/output error")

    with pytest.raises(OSError, match="input/output"):
        exits(broken)()


def test_a_file_that_a_person_edits_is_replaced_only_by_force(tmp_path: Path):
    """Given a file that is there, it stays; a folder cannot be replaced at all."""
    path = tmp_path / "a.yaml"
    write_new(path, "one", force=False)
    with pytest.raises(Exception, match="INIT-001 is there already"):
        write_new(path, "two", force=False)
    write_new(path, "two", force=True)
    assert path.read_text() == "two"
    with pytest.raises(Unavailable, match=r"FILE-001 .* Name a file in that folder"):
        write_new(tmp_path, "x", force=True)


# --- in a shell -------------------------------------------------------------------------------------------------

READS = [
    ("plan", "h100-64.yaml"),
    ("plan", "h100-64.yaml", "--json"),
    ("explain", "h100-64.yaml", "pue"),
    ("check", "h100-64.yaml"),
    ("validate", "--tables", "fabric"),
    ("export", "infragraph", "rented-rack-4.yaml", "--fabric", "compute"),
]


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """A line of bash in the folder of the worked halls; `$D` is the program."""
    environment = os.environ | {"D": " ".join(PROGRAM)}
    return subprocess.run(
        ["bash", "-c", line], cwd=HALLS, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_a_reader_that_leaves_early_is_no_fault(words: tuple[str, ...]):
    """Given `| head -1` and `| true`, the command ends with 0, and says nothing about it."""
    said = shell(
        f"$D {' '.join(words)} | head -1; echo ${{PIPESTATUS[0]}}; $D {' '.join(words)} | true; echo ${{PIPESTATUS[0]}}"
    )
    first, *codes = said.stdout.splitlines()
    assert first and codes == ["0", "0"]
    assert said.stderr == ""
    assert "\x1b" not in said.stdout


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_stdout_that_takes_nothing_is_one_problem(words: tuple[str, ...]):
    """Given a full disk behind `>`, one problem and exit code 1; given stdout closed, nothing at all."""
    said = shell(f"$D {' '.join(words)} > /dev/full")
    assert said.returncode == 1
    assert said.stderr.startswith("✗ stdout: FILE-001 could not be written: No space left") and said.stderr.count("\n") == 2
    assert shell(f"$D {' '.join(words)} >&-").returncode == 0


@pytest.mark.parametrize("after_s", [0.3, 0.6])
def test_ctrl_c_ends_a_plan_with_a_sentence(after_s: float):
    """Given a plan of a large hall and Ctrl-C somewhere in it, the end is 130 without a traceback, or the whole plan.

    On a busy machine the moment may lie in Python's own start or end, which dies of the signal.
    """
    command = [*PROGRAM, "plan", str(HALLS / "gb200-16k.yaml")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(after_s)  # the moment itself is what is tested; no result hangs on it
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode in {0, 130, -signal.SIGINT} or "site-packages" in err
    assert "datahall/planner" not in err


def test_a_device_is_never_replaced_by_a_report(cli: Callable[..., Said], tmp_path: Path):
    """Given `-o` at a pipe or a device, it is refused: a rename would put a file in its place, and end /dev/null."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    said = cli("plan", str(HALLS / "laptop.yaml"), "-o", str(pipe))
    assert (said.code, said.err.count("✗")) == (1, 1)
    assert "FILE-001 could not be written: it is a device or a pipe, not a file.\n  → Name a file." in said.err
    assert pipe.is_fifo()

"""The command line beside a running platform: jobs, tenants, tokens, secrets, artifacts."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.interfaces.conftest import Said

from datahall.interfaces.server import Server


@pytest.fixture
def running(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The platform of this module, and an empty working folder."""
    monkeypatch.chdir(tmp_path)
    return server


@pytest.fixture
def done_job(cli: Callable[..., Said], running: Server) -> str:
    said = cli("submit", "--json", "--cpus", "0.1", "--name", "greeter", "--", "sh", "-c", "echo hello")
    number = str(json.loads(said.out)["id"])
    assert cli("logs", "-f", number).code == 0
    return number


READING = [
    ("status",),
    ("doctor",),
    ("jobs",),
    ("job", "{job}"),
    ("events",),
    ("events", "{job}"),
    ("workflows",),
    ("runs",),
    ("models",),
    ("endpoints",),
    ("artifacts", "list"),
    ("artifacts", "files", "key:data"),
    ("tenant", "list"),
    ("token", "list"),
    ("audit",),
]


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_reading_commands_are_plain_in_pipes_and_speak_json(
    cli: Callable[..., Said], running: Server, done_job: str, folder: Path, words: tuple[str, ...]
):
    """Given a reading command in a pipe, there is no colour; with --json, its output is JSON and nothing else."""
    cli("artifacts", "put", str(folder), "--key", "data")
    filled = [word.format(job=done_job) for word in words]
    plain = cli(*filled)
    assert plain.code in {0, 1} if words == ("doctor",) else plain.code == 0
    assert "\x1b" not in plain.all
    spoken = cli(*filled, "--json")
    assert json.loads(spoken.out) is not None
    assert "\x1b" not in spoken.all


def test_submit_waits_and_ends_as_the_job_ends(cli: Callable[..., Said], running: Server):
    """Given --wait, the job's words are shown, and a failed job is exit code 1 with its reason."""
    said = cli("submit", "--wait", "--cpus", "0.1", "--", "sh", "-c", "echo hello")
    assert (said.code, said.out) == (0, "hello\n")
    said = cli("submit", "--wait", "--cpus", "0.1", "--", "sh", "-c", "exit 3")
    assert said.code == 1
    assert "failed: ended with code 3" in said.err


def test_a_long_program_on_the_command_line_is_taken(cli: Callable[..., Said], running: Server):
    """Given `python -c` with a program longer than any file name, it runs."""
    said = cli("submit", "--wait", "--cpus", "0.1", "--", "python", "-c", "#" + "x" * 5000 + "\nprint('hello')")
    assert (said.code, said.out) == (0, "hello\n")


def test_a_script_takes_its_neighbours_along(cli: Callable[..., Said], running: Server, tmp_path: Path):
    """Given a script that imports a module beside it, a linked file and a hidden one, the job has the first two."""
    (tmp_path / "train.py").write_text(
        "import helper, os; print(helper.WORD, open('data.txt').read(), os.path.exists('.hidden'))"
    )
    (tmp_path / "helper.py").write_text("WORD = 'from the sibling'")
    (tmp_path / ".hidden").write_text("secret")
    (tmp_path.parent / "elsewhere.txt").write_text("linked")
    (tmp_path / "data.txt").symlink_to(tmp_path.parent / "elsewhere.txt")
    said = cli("submit", "--wait", "--cpus", "0.1", "--", "python", "train.py")
    assert (said.code, said.out) == (0, "from the sibling linked False\n"), said.err


def test_names_with_brackets_are_shown_as_they_are(cli: Callable[..., Said], running: Server):
    """Given a program called `[/x]`, which is a markup tag elsewhere, the job is shown with it."""
    said = cli("submit", "--wait", "--cpus", "0.1", "--", "[/x]", "[bold]")
    assert (said.code, "could not be started: [/x]: No such file or directory" in said.err) == (1, True)
    number = json.loads(cli("jobs", "--json", "--limit", "1").out)[0]["id"]
    shown = cli("job", str(number))
    assert "command: [/x] [bold]" in shown.out
    assert "[/x]" in cli("jobs").out


def test_a_job_file_with_mistakes_names_each_with_its_line(cli: Callable[..., Said], running: Server, tmp_path: Path):
    """Given a job file with three mistakes, each is named with file and line, and nothing is queued."""
    path = tmp_path / "job.yaml"
    path.write_text("command: [python, train.py]\nworkers: 0\nmemory: 4 GiBB\ncpu: 2\n")
    said = cli("submit", "-f", str(path))
    assert said.code == 2
    for line, words in ((2, "greater than or equal to 1"), (3, "a size is a number"), (4, "unknown field `cpu`")):
        assert any(f"job.yaml:{line} " in text and words in text for text in said.err.splitlines()), said.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "CLI-010 no command was given"),
        (("--workers", "0", "--", "true"), "workers: SPEC-003 input should be greater than or equal to 1"),
        (("--name", "../x", "--", "true"), "name: SPEC-003"),
        (("--memory", "4 GiBB", "--", "true"), "memory: SPEC-003 a size is a number or a number with one of"),
        (("--env", "NAME", "--", "true"), "--env: CLI-011 `NAME` has no `=`"),
        (("--include", "nothing", "--", "true"), "CLI-012 does not exist"),
        (("--needs", "999999", "--", "true"), "JOB-011 there is no job 999999 that you may see"),
        (("--cpus", "4000", "--", "true"), "cpus: JOB-010 4000 asked for, but the largest node has"),
        (("--tenant", "nobody", "--", "true"), "AUTH-005"),
    ],
)
def test_a_bad_submission_is_code_2(cli: Callable[..., Said], running: Server, words: tuple[str, ...], told: str):
    """Given one thing wrong with a submission, it is named with its field, and the exit code is 2."""
    said = cli("submit", *words)
    assert said.code == 2
    assert told in said.err


@pytest.mark.parametrize("words", [("job", "999999"), ("logs", "999999"), ("cancel", "999999"), ("retry", "999999")])
def test_an_unknown_job_is_code_2(cli: Callable[..., Said], running: Server, words: tuple[str, ...]):
    """Given a number that no job has, it is named."""
    said = cli(*words)
    assert (said.code, "job 999999: JOB-015 there is no such job" in said.err) == (2, True)


def test_cancelling_what_is_over_is_code_1(cli: Callable[..., Said], done_job: str):
    """Given an ended job, the answer to a cancel is no."""
    said = cli("cancel", done_job)
    assert (said.code, "it has succeeded" in said.err) == (1, True)


def test_tenants_tokens_roles_and_secrets(cli: Callable[..., Said], running: Server, monkeypatch):
    """Given the verbs in order, each change shows in its list, and a token is printed this once."""
    assert cli("tenant", "add", "astronomy", "--quota", "1 GiB").code == 0
    assert cli("tenant", "quota", "astronomy", "none").code == 0
    token = cli("token", "make", "bob", "--tenant", "astronomy", "--role", "viewer").out.strip()
    assert token.startswith("dh_")
    number = next(row["id"] for row in json.loads(cli("token", "list", "--json").out) if row["tenant"] == "astronomy")
    assert cli("role", "set", str(number), "member").code == 0
    assert "viewer" in cli("role", "list").out
    monkeypatch.setenv("DATAHALL_TOKEN", token)
    assert cli("jobs").code == 0
    assert cli("tenant", "add", "more").code == 2
    monkeypatch.delenv("DATAHALL_TOKEN")
    assert cli("token", "revoke", str(number)).code == 0
    monkeypatch.setenv("DATAHALL_TOKEN", token)
    assert "AUTH-001" in cli("jobs").err


def test_a_secret_is_read_from_the_pipe(cli: Callable[..., Said], running: Server, tmp_path: Path, monkeypatch):
    """Given a secret on standard input, it is set, listed by name, and its value is shown nowhere."""
    (tmp_path / "value").write_text("hunter2\n")
    with (tmp_path / "value").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        said = cli("secret", "set", "api-key")
    assert (said.code, "hunter2" in said.all) == (0, False)
    assert "api-key" in cli("secret", "list").out.splitlines()
    said = cli("submit", "--wait", "--cpus", "0.1", "--secret", "KEY=api-key", "--", "sh", "-c", "echo $KEY | wc -c")
    assert said.out.strip() == "8"


def test_artifacts_go_in_and_come_out(cli: Callable[..., Said], running: Server, folder: Path, tmp_path: Path):
    """Given a folder, it is stored, listed, copied out, and forgotten; a folder that is there is not overwritten."""
    reference = cli("artifacts", "put", str(folder), "--key", "in-out").out.strip()
    assert "a.txt" in cli("artifacts", "files", "key:in-out").out
    assert cli("artifacts", "get", reference, str(tmp_path / "out")).code == 0
    assert (tmp_path / "out" / "a.txt").read_text() == "hello"
    assert cli("artifacts", "get", reference, str(tmp_path / "out")).code == 1
    assert cli("artifacts", "verify").code == 0
    assert cli("artifacts", "delete", "in-out").code == 0
    assert cli("artifacts", "files", "key:in-out").code == 2
    assert cli("artifacts", "put", str(folder / "a.txt"), "--key", "x").code == 2


def test_a_second_up_on_the_home_names_the_first(cli: Callable[..., Said], running: Server):
    """Given a running platform, another `up` is told its process and its address; a hall cannot be changed under it."""
    said = cli("up", "--port", "0")
    assert said.code == 1
    assert f"HOME-002 process {os.getpid()} at {running.url} is using it" in said.err
    assert cli("uninstall", "--state", "--yes").code == 1
    cli("init", "hall.yaml")
    assert "UP-004 the platform is running with another hall" in cli("up", "--hall", "hall.yaml").err


def test_a_detached_up_finds_the_running_one(cli: Callable[..., Said], running: Server):
    """Given a running platform, `up --detach` says where it is."""
    said = cli("up", "--detach")
    assert (said.code, running.url in said.err) == (0, True)

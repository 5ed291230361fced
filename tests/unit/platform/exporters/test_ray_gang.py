"""The program of an exported gang, with threads in place of Ray's actors: all workers or none, and their words to the letter.

Ray itself is not here: what is held is what the program does with its answers.
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent import futures
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.platform.exporters.hostile import WORDS, hostile, recorded

from datahall.platform.exporters import ray_gang


class Actor:
    """Methods run in threads, several at once; their answers are futures."""

    def __init__(self, pool: futures.ThreadPoolExecutor, held: Any) -> None:
        self._pool, self._held = pool, held

    def __getattr__(self, name: str) -> Any:
        return SimpleNamespace(remote=lambda *words: self._pool.submit(getattr(self._held, name), *words))


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The part of Ray that the program calls."""
    pool = futures.ThreadPoolExecutor(16)

    def remote(kind: type) -> Any:
        return SimpleNamespace(options=lambda **_: SimpleNamespace(remote=lambda: Actor(pool, kind())))

    def wait(left: Sequence[Any], *, num_returns: int, timeout: float | None) -> tuple[list[Any], list[Any]]:
        when = futures.FIRST_COMPLETED if num_returns == 1 else futures.ALL_COMPLETED
        done = futures.wait(left, timeout=timeout, return_when=when).done
        found = [one for one in left if one in done][:num_returns]
        return found, [one for one in left if one not in found]

    def get(what: Any) -> Any:
        return [one.result() for one in what] if isinstance(what, list) else what.result()

    util = SimpleNamespace(get_node_ip_address=lambda: "127.0.0.1")
    fake = SimpleNamespace(init=lambda **_: None, remote=remote, wait=wait, get=get, util=util)
    monkeypatch.setitem(sys.modules, "ray", fake)  # type: ignore[arg-type]
    yield fake
    pool.shutdown()


def gang(mounted: Path, command: Sequence[str], **changes: Any) -> Path:
    """The folder with a job.json, as it is mounted."""
    job = {"command": list(command), "workers": 3, "accelerators": 0, "time_limit_s": None, "folder": None, "environment": {}}
    (mounted / "job.json").write_text(json.dumps(job | changes))
    return mounted


@pytest.mark.usefixtures("ray")
def test_every_worker_is_given_the_words_and_its_rank(tmp_path: Path, out: Path):
    """Given words with quotes and substitutions, each of three workers gets them to the letter, with its rank."""
    environment = {"DATAHALL_TEST_OUT": str(out), "WORD": WORDS[3]}
    assert ray_gang.main(gang(tmp_path, hostile().command, environment=environment, folder=str(tmp_path))) == 0
    told = recorded(out)
    assert [one["words"] for one in told] == [list(WORDS)] * 3
    assert [one["environment"]["RANK"] for one in told] == ["0", "1", "2"]
    assert {(one["environment"]["WORD"], one["folder"]) for one in told} == {(WORDS[3], str(tmp_path))}


def test_workers_are_told_of_each_other():
    """Given two nodes, one with two workers, ranks on a node are counted, and the first worker is the master."""
    places = [("10.0.0.1", [7, 8]), ("10.0.0.2", [9, 10]), ("10.0.0.1", [11, 12])]
    told = ray_gang.variables_of(2, places)
    assert (told["LOCAL_RANK"], told["LOCAL_WORLD_SIZE"], told["MASTER_ADDR"], told["MASTER_PORT"]) == (
        "1",
        "2",
        "10.0.0.1",
        "7",
    )
    assert json.loads(told["TF_CONFIG"])["cluster"]["worker"] == ["10.0.0.1:8", "10.0.0.2:10", "10.0.0.1:12"]
    assert "TF_CONFIG" not in ray_gang.variables_of(0, places[:1])


@pytest.mark.usefixtures("ray")
def test_one_failure_ends_all(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """Given one worker of three that fails, the others are stopped at once, not after their minute."""
    begun = time.monotonic()
    program = 'if [ "$RANK" = 1 ]; then exit 7; fi; exec sleep 60'
    assert ray_gang.main(gang(tmp_path, ["bash", "-c", program])) == 1
    assert time.monotonic() - begun < 30
    assert "worker 1 ended with code 7; stopping the gang" in capfd.readouterr().err


@pytest.mark.usefixtures("ray")
def test_the_time_limit_ends_all(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """Given a limit of a tenth of a second, the gang is stopped and has failed."""
    assert ray_gang.main(gang(tmp_path, ["sleep", "60"], time_limit_s=0.1)) == 1
    assert "the time limit is over" in capfd.readouterr().err


@pytest.mark.usefixtures("ray")
def test_a_program_that_is_not_there_fails_the_gang(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """Given a command that does not exist in the image, the gang fails and says how."""
    assert ray_gang.main(gang(tmp_path, ["no-such-program"])) == 1
    assert "was lost: FileNotFoundError" in capfd.readouterr().err

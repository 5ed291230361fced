"""Steps of recipes become runs."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datahall import __version__
from datahall.models.tracking.ingest import Ingest
from datahall.models.tracking.watched import job_folders


def take(home: Path, store: Any) -> None:
    """One pass of a process that has just started."""
    Ingest(home, lambda: store).take(job_folders(home / "jobs"))


def losses(run: dict[str, Any]) -> list[int]:
    return sorted(step for name, _, step, _ in run["points"] if name == "loss")


def test_a_step_becomes_a_run_as_it_grows(home: Path, job: Callable[..., Any], memory: Any) -> None:
    """Given a training that logs, its run holds parameters and points at once, and half a line only when it is whole."""
    train = (
        job(4, tenant="vision", workflow="abc")
        .start()
        .step("train", train={"epochs": 3, "optimiser": {"name": "adam"}})
        .metrics(0, 1)
    )
    with (train.work / "metrics.jsonl").open("a") as file:
        file.write('{"step": 2, "at_s": 17900')
    take(home, memory)
    [(key, run)] = memory.runs.items()
    assert key == "vision/workflow/abc"
    assert (run["about"].experiment, run["about"].tenant, run["status"]) == ("digits", "vision", "RUNNING")
    assert run["params"] == {"train.epochs": "3", "train.optimiser.name": "adam", "seed": "7"}
    assert run["tags"] == {"datahall.job.train": "4", "datahall.version": __version__}
    assert losses(run) == [0, 1]
    with (train.work / "metrics.jsonl").open("a") as file:
        file.write('00002, "values": {"loss": 0.1}}\n')
    take(home, memory)
    assert losses(run) == [0, 1, 2]


def test_steps_of_a_workflow_share_a_run(home: Path, job: Callable[..., Any], memory: Any) -> None:
    """Given two steps of one workflow and one of another, two runs come of it; scores and reports are in the first."""
    job(1, workflow="w1").start().step("train").metrics(0).end()
    done = job(2, workflow="w1").start().step("evaluate")
    done.write("work/outputs/evaluation.json", {"metrics": {"accuracy": 0.97, "f1_macro": None}, "rows": 360})
    (done.work / "outputs" / "report.html").write_text("<p>report</p>")
    done.end()
    job(3, workflow="w2").start().step("train").end(code=3)
    take(home, memory)
    first, second = memory.runs["default/workflow/w1"], memory.runs["default/workflow/w2"]
    assert ("evaluate/accuracy", "0.97", 0, 1_790_000_100_000) in first["points"]
    assert set(first["files"]) == {"report.html", "evaluation.json"}
    assert (first["status"], first["at_ms"], second["status"]) == ("FINISHED", 1_790_000_100_000, "FAILED")


def test_figures_of_training_and_compression(home: Path, job: Callable[..., Any], memory: Any) -> None:
    """Given what these steps leave, seconds, sizes and latencies become figures; words and the seed do not."""
    train = job(1).start().step("train")
    train.write("work/outputs/training.json", {"seconds": 3.5, "epochs": 10, "device": "cpu", "seed": 7, "energy": None})
    train.end()
    squeeze = job(2).start().step("compress")
    squeeze.write(
        "work/outputs/compression.json", {"chosen": "int8", "variants": [{"name": "int8", "size_bytes": 99, "accuracy": 0.9}]}
    )
    squeeze.end()
    take(home, memory)
    points = {name: value for run in memory.runs.values() for name, value, *_ in run["points"]}
    assert points == {
        "train/seconds": "3.5",
        "train/epochs": "10.0",
        "compress/int8/size_bytes": "99.0",
        "compress/int8/accuracy": "0.9",
    }


def test_a_package_tells_no_figures_twice(home: Path, job: Callable[..., Any], memory: Any) -> None:
    """Given a package, which holds the evaluation of the step before, its files are kept and no figure is taken again."""
    package = job(1).start().step("package", augment={"rotate_deg": 5})
    package.write("work/outputs/evaluation.json", {"metrics": {"accuracy": 0.5}})
    package.end()
    take(home, memory)
    [run] = memory.runs.values()
    assert (run["points"], list(run["files"])) == (set(), ["evaluation.json"])
    assert run["params"]["data.augment.rotate_deg"] == "5"


def test_a_retry_reopens_the_run_and_goes_on(home: Path, job: Callable[..., Any], memory: Any) -> None:
    """Given a first attempt that failed and a second, the run fails, runs again, and ends well, with the points of both."""
    train = job(1).start().step("train").metrics(0).end(code=1)
    take(home, memory)
    [run] = memory.runs.values()
    assert run["status"] == "FAILED"
    train.start().metrics(1)
    take(home, memory)
    assert (run["status"], losses(run)) == ("RUNNING", [0, 1])
    train.end()
    take(home, memory)
    assert run["status"] == "FINISHED"


def test_a_metrics_file_that_was_replaced_is_read_anew(home: Path, job: Callable[..., Any], memory: Any) -> None:
    """Given a shorter file in the place of the first, its points are taken too."""
    train = job(1).start().step("train").metrics(*range(9))
    take(home, memory)
    (train.work / "metrics.jsonl").unlink()
    train.metrics(20)
    take(home, memory)
    [run] = memory.runs.values()
    assert losses(run) == [*range(9), 20]


def test_lines_that_are_no_metrics_are_passed_over(home: Path, job: Callable[..., Any], memory: Any) -> None:
    """Given nonsense between two good lines, both good ones arrive, and NaN stays NaN."""
    train = job(1).start().step("train").metrics(0)
    bad = [
        "",
        "{",
        "[]",
        '{"step": "x"}',
        '{"step": 1, "at_s": 1e400, "values": {"a": 1}}',
        '{"step":1,"at_s":1,"values":{"a":"one"}}',
    ]
    with (train.work / "metrics.jsonl").open("ab") as file:
        file.write("\n".join(bad).encode() + b"\n\xff\xfe\n" + b"[" * 100_000 + b"\n")
    train.metrics(1)
    take(home, memory)
    [run] = memory.runs.values()
    assert losses(run) == [0, 1]
    assert {value for name, value, *_ in run["points"] if name == "odd"} == {repr(math.nan)}


def test_only_the_platform_says_whose_a_job_is(home: Path, job: Callable[..., Any], memory: Any) -> None:
    """Given a folder without job.json, or a job that has not started, nothing is taken."""
    stranger = job(1).start().step("train").metrics(0)
    (stranger.path / "job.json").unlink()
    job(2).step("train").metrics(0)
    take(home, memory)
    assert memory.runs == {}


def test_a_worker_lost_with_its_watcher_is_killed(home: Path, job: Callable[..., Any], memory: Any) -> None:
    """Given pids that are gone, or that other processes have now, and no written end, the runs are KILLED, not running for
    ever; of one whose watcher lives it runs."""
    lost = job(1).start().step("train").metrics(0)
    lost.write("attempts/1/0/started.json", {"shim": 2**22 + 1, "worker": 2**22 + 2})
    job(2).start().step("train").metrics(0).die()  # its pid is ours, and we live
    job(3).start().step("train").metrics(0)
    take(home, memory)
    assert [run["status"] for run in memory.runs.values()] == ["KILLED", "KILLED", "RUNNING"]


def test_a_kill_at_any_call_loses_and_doubles_nothing(home: Path, job: Callable[..., Any], memory: Any, killed: Any) -> None:
    """Given a kill at the first, second, … write, before or after it, the same pass again ends in the same store."""
    for number, name in ((1, "train"), (2, "evaluate")):
        folder = job(number, workflow="w").start().step(name, x={"y": number}).metrics(*range(5), name=f"{name}_loss")
        folder.write("work/outputs/evaluation.json", {"metrics": {"accuracy": 0.5}})
        folder.end()
    expected = type(memory)()
    take(home, expected)
    for kill_at in range(1, expected.calls + 1):
        for path in (home / "tracking" / "offsets").glob("*.json"):
            path.unlink()
        store = type(memory)()
        store.kill_at = kill_at
        try:
            take(home, store)
        except killed:
            take(home, store)
        assert store.runs == expected.runs
    assert expected.calls > 10


def test_what_was_taken_is_not_taken_again(home: Path, job: Callable[..., Any], memory: Any) -> None:
    """Given a finished job, a later pass of a new process writes nothing."""
    job(1).start().step("train").metrics(0).end()
    take(home, memory)
    before = memory.calls
    take(home, memory)
    assert memory.calls == before


def test_trouble_with_one_job_is_told_once_and_leaves_the_others_alone(
    home: Path, job: Callable[..., Any], memory: Any, caplog: Any
) -> None:
    """Given a store of a user's job that is no database, the job after it is taken, and one line is in the log."""
    bad = job(1).start()
    (bad.work / "mlflow.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    job(2).start().step("train").metrics(0)
    ingest = Ingest(home, lambda: memory)
    for _ in range(3):
        ingest.take(job_folders(home / "jobs"))
    assert len(memory.runs) == 1
    assert sum("not a database" in line for line in caplog.messages) == 1
    assert json.loads((home / "jobs/1/job.json").read_text())["tenant"] == "default"

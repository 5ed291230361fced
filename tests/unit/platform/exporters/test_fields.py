"""Every exporter has a rule for every field of a job and every option; each is seen in the file, or refused by name."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from datahall.foundation.errors import Missing, Refused
from datahall.platform.exporters import EXPORTERS, kueue_fields, sbatch, skypilot
from datahall.platform.exporters.spec import Export, Options, Rule
from datahall.platform.spec import JobSpec

KUEUE = {"queue": "user-queue", "image": "registry.example/train:1"}
TABLES: Mapping[str, tuple[Mapping[str, Rule], Mapping[str, Rule]]] = {
    "sbatch": (sbatch.FIELDS, sbatch.OPTIONS),
    "kueue": (kueue_fields.GANG_FIELDS, kueue_fields.OPTIONS),
    "kueue-job": (kueue_fields.JOB_FIELDS, kueue_fields.OPTIONS),
    "skypilot": (skypilot.FIELDS, skypilot.OPTIONS),
}
NEEDED: Mapping[str, Mapping[str, Any]] = {"sbatch": {}, "kueue": KUEUE, "kueue-job": KUEUE, "skypilot": {}}
BASE: Mapping[str, Any] = {"command": ("python", "train.py"), "workers": 2}
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "name": {"name": "other"},
    "command": {"command": ("python", "other.py")},
    "workers": {"workers": 3},
    "cpus": {"cpus": 2.5},
    "memory": {"memory": 3 * 2**30},
    "accelerators": {"accelerators": 2},
    "tenant": {"tenant": "physics"},
    "priority": {"priority": -5},
    "time_limit": {"time_limit": 600},
    "retries": {"retries": 2},
    "backoff": {"retries": 2, "backoff": 60},
    "environment": {"environment": {"SEED": "1"}},
    "secrets": {"secrets": {"TOKEN": "hub"}},
    "needs": {"needs": (3, 4)},
    "inputs": {"inputs": {"data": "key:data/x"}},
    "files": {"files": {"a.txt": "text"}},
    "source": {"source": f"sha256:{'a' * 64}"},
    "output_key": {"output_key": "models/x"},
    "service": {"service": True},
    "work": {"work": {"model": "gpt2", "tokens": 1e9, "sequence": 1024, "global_batch": 8}},
    "annotations": {"annotations": {"step": "train"}},
}
REFUSED: Mapping[str, set[str]] = {
    "sbatch": {"service"},
    "kueue": {"needs", "inputs", "source", "output_key", "service"},
    "kueue-job": {"needs", "inputs", "source", "output_key", "service", "retries"},
    "skypilot": {"needs", "service"},
}
"""What has no counterpart there."""


def written(target: str, job: Mapping[str, Any], **options: Any) -> str:
    """The file, or the codes and places of what was refused."""
    kind: Mapping[str, Any] = {"accelerator": "H100"} if target == "skypilot" and job.get("accelerators") else {}
    write: Callable[[Export], str] = EXPORTERS.load(target)
    try:
        return write(Export(JobSpec(**job), Options(**{**NEEDED[target], **kind, **options})))
    except Refused as error:
        return "\n".join(f"{problem.code} {problem.where}" for problem in error.problems)


@pytest.mark.parametrize("target", sorted(TABLES))
def test_no_field_of_a_job_and_no_option_is_left_out(target: str):
    """Given all fields of a job, each has its rule; a new field fails here until somebody decides what becomes of it."""
    fields, options = TABLES[target]
    assert set(fields) == set(JobSpec.model_fields) == set(CHANGES)
    assert set(options) == set(Options.model_fields)


def test_every_exporter_is_held():
    """Given a new exporter, these tests fail until it stands in their tables."""
    assert set(EXPORTERS) == set(TABLES)


@pytest.mark.parametrize("field", sorted(CHANGES))
@pytest.mark.parametrize("target", sorted(TABLES))
def test_each_field_changes_what_is_written_or_is_refused_by_name(target: str, field: str):
    """Given a job that is taken, another value of one field is seen in the file, or refused at that field with EXPORT-010."""
    base = {**BASE, "workers": 1} if target == "kueue-job" and field == "backoff" else BASE
    base = {**base, "retries": 2} if field == "backoff" else base
    before, after = written(target, base), written(target, {**base, **CHANGES[field]})
    assert not before.startswith("EXPORT")
    assert after != before
    codes = [line.split(" ") for line in after.splitlines()] if after.startswith("EXPORT") else []
    assert bool(codes) == (field in REFUSED[target])
    assert all(code == "EXPORT-010" and where.startswith(f"job.{field}") for code, where in codes)


@pytest.mark.parametrize("target", sorted(TABLES))
def test_a_memory_of_nothing_is_not_a_memory_without_limit(target: str):
    """Given memory 0, which Slurm reads as the whole node, every exporter refuses it."""
    assert "EXPORT-010 job.memory" in written(target, {**BASE, "memory": 0})


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "."])
@pytest.mark.parametrize("target", sorted(TABLES))
def test_a_file_outside_the_working_folder_is_refused(target: str, name: str):
    """Given a file whose path leads out, nothing is written."""
    assert written(target, {**BASE, "files": {name: "x"}}).startswith("EXPORT-013 job.files.")


@pytest.mark.parametrize(
    ("target", "options", "where"),
    [
        ("sbatch", {"image": "a:1"}, "--image"),
        ("sbatch", {"nodes": 3}, "--nodes"),
        ("sbatch", {"accelerator": "h100"}, "--accelerator"),
        ("kueue", {"queue": ""}, "--queue"),
        ("kueue", {"queue": "Not_A_Name"}, "--queue"),
        ("kueue", {"image": ""}, "--image"),
        ("kueue", {"nodes": 1}, "--nodes"),
        ("kueue-job", {"accelerator": "H100"}, "--accelerator"),
        ("skypilot", {"queue": "q"}, "--queue"),
        ("skypilot", {"cluster_queue": "q"}, "--cluster-queue"),
    ],
)
def test_an_option_that_is_missing_or_means_nothing_is_refused(target: str, options: Mapping[str, Any], where: str):
    """Given an option that the scheduler cannot use, or without one that it needs, it is named with EXPORT-011."""
    assert written(target, BASE, **options) == f"EXPORT-011 {where}"


def test_everything_that_is_wrong_is_told_at_once():
    """Given a job with three things that Kueue lacks, all three come in one answer."""
    job = {**BASE, "needs": (1,), "service": True, "inputs": {"a": "key:x"}}
    assert {line.split()[1] for line in written("kueue", job).splitlines()} == {"job.needs", "job.service", "job.inputs.a"}


def test_more_than_the_scheduler_takes_is_refused():
    """Given files of more than 1 MiB, a ConfigMap cannot hold them; Slurm's script takes four times as much."""
    job = {**BASE, "files": {f"{n}.txt": "x" * 131_072 for n in range(9)}}
    assert written("kueue-job", job) == "EXPORT-012 job.files"
    assert not written("sbatch", job).startswith("EXPORT")
    assert written("sbatch", {**BASE, "files": {f"{n}.txt": "x" * 131_072 for n in range(33)}}) == "EXPORT-012 job.files"


def test_an_unknown_scheduler_is_answered_with_those_there_are():
    """Given `slurm`, the names there are come back."""
    with pytest.raises(Missing, match="Choose one of kueue, kueue-job, sbatch, skypilot"):
        EXPORTERS.load("slurm")

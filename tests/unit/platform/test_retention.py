"""Folders of jobs that ended long ago go; those of live ones, whatever the database says, stay."""

from tests.conftest import Parts
from tests.unit.platform.test_local_engine import finished, until

from datahall.platform.identity import LOCAL_ADMIN
from datahall.platform.retention import prune_job_folders
from datahall.platform.spec import JobSpec


def test_only_what_ended_before_goes(parts: Parts):
    """Given an ended and a running job, pruning up to now takes the first one's folder and keeps its row."""
    done = finished(parts, command=("sh", "-c", "echo hello > note"))
    [running] = parts.scheduler.submit(LOCAL_ADMIN, JobSpec(command=("sleep", "30"), cpus=0.1))
    until(lambda: parts.scheduler.job(LOCAL_ADMIN, running)["state"] == "running")
    assert prune_job_folders(parts.database, parts.home.jobs, ended_before_s=done["ended_s"]) == (0, 0)
    count, freed = prune_job_folders(parts.database, parts.home.jobs, ended_before_s=parts.clock.now_s())
    assert count == 1
    assert freed > 6
    assert not (parts.home.jobs / str(done["id"])).exists()
    assert (parts.home.jobs / str(running)).exists()
    assert parts.scheduler.job(LOCAL_ADMIN, done["id"])["state"] == "succeeded"
    parts.scheduler.cancel(LOCAL_ADMIN, running)

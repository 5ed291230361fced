"""Whose artifacts there are, how much they may be, and what nobody needs any more."""

import os
from pathlib import Path

import pytest
from tests.conftest import Parts

from datahall.foundation.errors import Conflict, Missing, Refused
from datahall.platform.artifacts import Stored
from datahall.platform.identity import LOCAL_ADMIN
from datahall.platform.spec import JobSpec

DAY_S = 86400.0


def put(parts: Parts, key: str, text: str, *, tenant: str = "default") -> Stored:
    """A folder with one file, entered under a key, that has lain there for a day."""
    folder = parts.home.root / f"folder-{key}"
    folder.mkdir(exist_ok=True)
    (folder / "file").write_text(text)
    stored = parts.catalogue.artifacts.put_tree(folder)
    parts.catalogue.add(tenant, key, stored, by="ann", lineage={})
    for path in parts.catalogue.artifacts.objects.rglob("*"):
        if path.is_file():
            os.utime(path, (path.stat().st_mtime - DAY_S,) * 2)
    return stored


def waiting_job(parts: Parts, **words: object) -> int:
    """A job that does not start, since it needs one that sleeps."""
    [blocker] = parts.scheduler.submit(LOCAL_ADMIN, JobSpec(command=("sleep", "60"), cpus=0.1))
    [number] = parts.scheduler.submit(
        LOCAL_ADMIN, JobSpec.model_validate({"command": ("true",), "needs": (blocker,), "cpus": 0.1} | words)
    )
    return number


def test_a_key_leads_to_what_was_put_last(parts: Parts):
    """Given two folders put under one key, the newer is found, and the older no longer counts."""
    put(parts, "data", "old")
    newer = put(parts, "data", "newer")
    assert parts.catalogue.require("default", "key:data")["digest"] == newer.digest
    assert parts.catalogue.used_bytes("default") == newer.size_bytes


@pytest.mark.parametrize("reference", ["", "data", "key:", "sha256:", "file:x", "../x"])
def test_what_is_no_reference_is_refused(parts: Parts, reference: str):
    """Given words that are neither a key nor a hash, the two ways of writing one are named."""
    with pytest.raises(Refused, match=r"ART-008.*is not a reference.*`sha256:<digest>` or `key:<key>`"):
        parts.catalogue.require("default", reference)


def test_tenants_have_keys_of_their_own(parts: Parts):
    """Given the same key in two tenants, each finds its own, and neither the other's by its hash."""
    parts.identity.make_tenant("vision", by="test")
    mine, theirs = put(parts, "data", "mine"), put(parts, "data", "theirs", tenant="vision")
    assert parts.catalogue.require("default", "key:data")["digest"] == mine.digest
    with pytest.raises(Missing, match="ART-009"):
        parts.catalogue.require("default", f"sha256:{theirs.digest}")


def test_a_job_cannot_read_another_tenants_source(parts: Parts):
    """Given the hash of another tenant's folder, a job that takes it as its source is told that it has none."""
    parts.identity.make_tenant("vision", by="test")
    theirs = put(parts, "data", "theirs", tenant="vision")
    [number] = parts.scheduler.submit(LOCAL_ADMIN, JobSpec(command=("cat", "file"), source=f"sha256:{theirs.digest}"))
    while not parts.scheduler.job(LOCAL_ADMIN, number)["ended_s"]:
        pass
    job = parts.scheduler.job(LOCAL_ADMIN, number)
    assert job["state"] == "failed"
    assert "is not in tenant `default`" in job["reason"]


def test_the_quota_stops_a_job_from_keeping_too_much(parts: Parts):
    """Given a quota of 100 bytes, a job that leaves 200 fails, saying how much would have come."""
    parts.identity.set_quota("default", 100, by="test")
    spec = JobSpec(command=("sh", "-c", "head -c 200 /dev/zero > outputs/x"), output_key="k")
    [number] = parts.scheduler.submit(LOCAL_ADMIN, spec)
    while not parts.scheduler.job(LOCAL_ADMIN, number)["ended_s"]:
        pass
    job = parts.scheduler.job(LOCAL_ADMIN, number)
    assert job["state"] == "failed"
    assert "0 B are used and 200 B would come, of 100 B" in job["reason"]
    assert parts.catalogue.find("default", "key:k") is None


# --- collecting ------------------------------------------------------------------------------------------------


def test_forgotten_artifacts_go_and_entered_ones_stay(parts: Parts):
    """Given two artifacts, one of them forgotten, its bytes go and the other is read as before."""
    gone, kept = put(parts, "gone", "gone"), put(parts, "kept", "kept")
    parts.catalogue.delete("default", "gone", by="ann")
    count, freed = parts.catalogue.collect_garbage(also=set(), by="ann")
    assert count == 2
    assert freed > 4
    left = set(parts.catalogue.artifacts.all_digests())
    assert gone.digest not in left
    assert (parts.catalogue.artifacts.lay_out(kept.digest) / "file").read_text() == "kept"


def test_content_that_two_keys_share_stays_for_the_second(parts: Parts):
    """Given the same folder under two keys, forgetting one keeps the bytes."""
    stored = put(parts, "one", "same")
    put(parts, "two", "same")
    parts.catalogue.delete("default", "one", by="ann")
    assert parts.catalogue.collect_garbage(also=set(), by="ann") == (0, 0)
    assert (parts.catalogue.artifacts.lay_out(stored.digest) / "file").read_text() == "same"


def test_what_an_endpoint_serves_stays(parts: Parts):
    """Given a forgotten bundle that an endpoint serves, it stays until the endpoint lets go of it."""
    bundle = put(parts, "bundle", "model")
    parts.catalogue.delete("default", "bundle", by="ann")
    assert parts.catalogue.collect_garbage(also={bundle.digest}, by="ann") == (0, 0)
    assert parts.catalogue.collect_garbage(also=set(), by="ann")[0] == 2


@pytest.mark.parametrize("how", ["key", "digest", "source"])
def test_what_a_live_job_reads_cannot_be_forgotten(parts: Parts, how: str):
    """Given a waiting job that reads an artifact, forgetting it is refused naming the job; after the job, it may go."""
    stored = put(parts, "data", "rows")
    reference = "key:data" if how == "key" else f"sha256:{stored.digest}"
    words = {"source": reference} if how == "source" else {"inputs": {"data": reference}}
    number = waiting_job(parts, **words)
    with pytest.raises(Conflict, match=f"ART-014 job {number} reads it and is not over"):
        parts.catalogue.delete("default", "data", by="ann")
    assert parts.catalogue.collect_garbage(also=set(), by="ann") == (0, 0)
    parts.scheduler.cancel(LOCAL_ADMIN, number)
    parts.catalogue.delete("default", "data", by="ann")
    assert parts.catalogue.collect_garbage(also=set(), by="ann")[0] == 2


def test_bytes_that_came_in_a_moment_ago_stay(parts: Parts, tmp_path: Path):
    """Given a folder that is stored but not entered yet, as in the middle of an upload, collecting leaves it alone."""
    (tmp_path / "upload").mkdir()
    (tmp_path / "upload" / "file").write_text("new")
    stored = parts.catalogue.artifacts.put_tree(tmp_path / "upload")
    assert parts.catalogue.collect_garbage(also=set(), by="ann") == (0, 0)
    assert stored.digest in set(parts.catalogue.artifacts.all_digests())

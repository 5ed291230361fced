"""One suite over every store: what SQLite keeps, PostgreSQL keeps the same way."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from datahall.foundation.clock import ManualClock
from datahall.foundation.errors import Conflict, Missing, Refused, Unauthenticated
from datahall.platform.artifacts import Artifacts, Stored
from datahall.platform.audit import broken_links
from datahall.platform.catalogue import Catalogue
from datahall.platform.endpoints import EndpointBook
from datahall.platform.events import (
    AttemptEnded,
    AttemptRunning,
    AttemptStarting,
    Changed,
    Event,
    JobSubmitted,
    NodeJoined,
    Placement,
    StoredOutput,
    Usage,
)
from datahall.platform.gateway.spec import EndpointSpec, VersionSpec
from datahall.platform.identity import LOCAL_ADMIN, Identity, Principal, Role
from datahall.platform.lifecycle import Ending, JobState
from datahall.platform.resources import Resources
from datahall.platform.spec import JobSpec
from datahall.platform.state import State
from datahall.platform.store import queries, schema
from datahall.platform.store.claim import claim, claimed_database
from datahall.platform.store.database import open_database
from datahall.platform.store.journal import SqlJournal

DIGEST = "ab" * 32


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    made = open_database(url)
    yield made
    made.dispose()


@pytest.fixture
def journal(engine: Engine) -> SqlJournal:
    return SqlJournal(engine)


def played(journal: SqlJournal, *events: Event, state: State | None = None) -> State:
    """The events applied to a state and written down, as the loop does it."""
    state = state or State()
    state.apply(NodeJoined(at_s=0, node="n1", capacity=Resources(4000, 2**34, 2), accelerators=(0, 1)))
    for event in events:
        state.apply(event)
        journal.record(event, state)
    journal.commit()
    state.forget_touched()
    return state


def submitted(number: int, **words: Any) -> JobSubmitted:
    spec = JobSpec.model_validate({"command": ("true",), "accelerators": 1} | words)
    return JobSubmitted(at_s=10, actor="ann", job_id=number, spec=spec)


def life(number: int, *, attempt: int = 1, code: int = 0, usage: Usage | None = None, outputs: Any = ()) -> tuple[Event, ...]:
    place = (Placement("n1", (0,)),)
    ended = AttemptEnded(
        at_s=13, job_id=number, attempt=attempt, ending=Ending.EXITED, code=code, usage=usage or Usage(), outputs=outputs
    )
    return (
        AttemptStarting(at_s=11, job_id=number, attempt=attempt, placements=place),
        AttemptRunning(at_s=12, job_id=number, attempt=attempt),
        ended,
    )


# --- the shape ---------------------------------------------------------------------------------------------


def test_migrations_make_exactly_the_tables_of_the_schema(engine: Engine):
    """Given an empty database, opening it makes every table and column that the code knows, and no other."""
    seen = inspect(engine)
    tables = set(seen.get_table_names()) - {"alembic_version"}
    assert tables == set(schema.metadata.tables)
    for table in schema.metadata.tables.values():
        assert {column["name"] for column in seen.get_columns(table.name)} == set(table.columns.keys()), table.name
        assert {index["name"] for index in seen.get_indexes(table.name)} >= {index.name for index in table.indexes}


def test_opening_again_changes_nothing(url: str):
    """Given a database with a row, a second start finds it."""
    first = open_database(url)
    played(SqlJournal(first), submitted(1))
    first.dispose()
    second = open_database(url)
    assert queries.last_job_id(second) == 1
    second.dispose()


def test_a_newer_database_is_refused(url: str):
    """Given a database of a version that we do not know, opening it says what to run."""
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(Refused, match=r"STORE-002 was made by another version.*Run the newer Datahall"):
        open_database(url)


# --- one writer --------------------------------------------------------------------------------------------


def test_a_second_control_plane_is_refused_and_named(url: str):
    """Given one control plane on a database, another is told which process has it; once that has gone, it may."""
    first, release = claimed_database(url)
    with pytest.raises(Conflict, match=r"STORE-004 datahall on \S+, process \d+ is writing to it"):
        claimed_database(url)
    release()
    first.dispose()
    second, release = claimed_database(url)
    release()
    second.dispose()


def test_a_claim_survives_the_pool(engine: Engine):
    """Given a claim, disposing and using the engine's pool does not give it up."""
    release = claim(engine)
    engine.dispose()
    assert queries.last_job_id(engine) == 0
    with pytest.raises(Conflict, match="STORE-004"):
        claim(engine)
    release()


def test_a_writer_that_lost_its_claim_is_kept_from_writing(engine: Engine):
    """Given two journals on one database, as after a lost claim, the second to write is stopped by the first's numbers."""
    first, second = SqlJournal(engine), SqlJournal(engine)
    played(first, submitted(1))
    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        played(second, submitted(1, name="other"))
    assert [row["name"] for row in queries.job_page(engine, tenant=None)] == ["job"]


# --- the record --------------------------------------------------------------------------------------------


def test_a_job_and_its_events_are_kept(engine: Engine, journal: SqlJournal):
    """Given a job that ran, its row, its attempt and its events say the same."""
    usage = Usage(wall_s=2, cpu_s=1.5, peak_memory_bytes=2**33, energy_j=30.0, energy_source="estimate: test")
    played(journal, submitted(1, name="train", tenant="vision"), *life(1, usage=usage))
    [row] = queries.job_page(engine, tenant=None)
    assert (row["name"], row["state"], row["tenant"], row["submitted_by"]) == ("train", "succeeded", "vision", "ann")
    assert (row["usage"]["peak_memory_bytes"], row["usage"]["energy_measured"]) == (2**33, False)
    [attempt] = queries.attempts_of(engine, 1)
    assert (attempt["starting_s"], attempt["running_s"], attempt["ended_s"]) == (11, 12, 13)
    assert (attempt["ending"], attempt["code"]) == ("exited", 0)
    kinds = [event["kind"] for event in queries.event_page(engine, tenant="vision", subject="job/1")]
    assert kinds == ["job_submitted", "attempt_starting", "attempt_running", "attempt_ended"]


def test_usage_of_several_attempts_adds_up(engine: Engine, journal: SqlJournal):
    """Given two attempts of 2 s, 4 s are on record, the larger peak, and energy as measured only if both were."""
    first = Usage(wall_s=2, cpu_s=1, peak_memory_bytes=100, energy_j=10, energy_measured=True)
    second = Usage(wall_s=2, cpu_s=3, peak_memory_bytes=50, energy_j=5, energy_measured=False)
    again = life(1, attempt=2, usage=second)
    played(journal, submitted(1, retries=1, backoff=0), *life(1, code=1, usage=first), *again)
    used = queries.job_row(engine, 1).usage
    assert (used["wall_s"], used["cpu_s"], used["energy_j"]) == (4, 4, 15)
    assert (used["peak_memory_bytes"], used["energy_measured"]) == (100, False)


def test_the_chain_is_whole_over_a_restart(engine: Engine, journal: SqlJournal):
    """Given two journals one after the other, the second goes on where the first ended."""
    played(journal, submitted(1), *life(1))
    following = SqlJournal(engine)
    played(following, submitted(2))
    rows = list(queries.all_events(engine))
    assert broken_links(rows) == []
    assert [row["seq"] for row in rows] == list(range(1, 6))


def test_floats_and_text_come_back_as_they_were(engine: Engine, journal: SqlJournal):
    """Given an instant with microseconds and words in three scripts, the chain still matches after reading."""
    event = Changed(at_s=1_790_000_000.123457, actor="安", subject="tenant/vision", what="quota_set", data={"né": "𝔘\\ \"'"})
    journal.change(event, lambda _: None)
    [row] = queries.all_events(engine)
    assert (row["at_s"], row["actor"], json.loads(row["data"])["data"]) == (event.at_s, "安", {"né": "𝔘\\ \"'"})
    assert broken_links([row]) == []


def test_a_change_that_fails_leaves_no_event(engine: Engine, journal: SqlJournal):
    """Given a change whose statement fails, neither it nor its event is kept, and the next one fits the chain."""
    identity = Identity(engine, ManualClock(5), journal.change)
    identity.make_tenant("vision", by="ann")
    with pytest.raises(Conflict, match="AUTH-004 exists already"):
        identity.make_tenant("vision", by="ann")
    identity.make_tenant("speech", by="ann")
    rows = list(queries.all_events(engine))
    assert [row["subject"] for row in rows] == ["tenant/vision", "tenant/speech"]
    assert broken_links(rows) == []


# --- jobs --------------------------------------------------------------------------------------------------


def test_a_job_row_follows_the_job(engine: Engine, journal: SqlJournal):
    """Given a job that is written when submitted, placed and ended, each write replaces the last, but not who sent it."""
    state = played(journal, submitted(1))
    assert queries.job_row(engine, 1).state == "waiting"
    start, running, end = life(1)
    state.apply(start)
    journal.record(start, state)
    journal.commit()
    row = queries.job_row(engine, 1)
    assert (row.state, row.placements, row.submitted_by) == ("starting", [{"node": "n1", "accelerators": [0]}], "ann")
    for event in (running, end):
        state.apply(event)
        journal.record(event, state)
    journal.commit()
    assert queries.job_row(engine, 1).placements == []


def test_what_was_going_on_comes_back(engine: Engine, journal: SqlJournal):
    """Given a placed job, a waiting one that needs it and an ended one, a restart reads the same three."""
    start = life(2)[0]
    played(journal, submitted(1), *life(1), submitted(2), submitted(3, needs=(2,), priority=4), start)
    jobs, over = queries.live_jobs(engine)
    assert {job.id: (job.state, job.priority, job.unmet) for job in jobs} == {
        2: (JobState.STARTING, 0, set()),
        3: (JobState.WAITING, 4, {2}),
    }
    assert jobs[0].placements == (Placement("n1", (0,)),)
    assert over == {1: JobState.SUCCEEDED}


def test_pages_go_through_all_jobs_newest_first(engine: Engine, journal: SqlJournal):
    """Given 25 jobs of two tenants, pages of ten meet each once; a tenant meets its own."""
    played(journal, *(submitted(n, tenant="a" if n % 5 else "b") for n in range(1, 26)))
    seen: list[int] = []
    while page := queries.job_page(engine, tenant=None, before=seen[-1] if seen else None, limit=10):
        seen += [row["id"] for row in page]
    assert seen == list(range(25, 0, -1))
    assert [row["id"] for row in queries.job_page(engine, tenant="b")] == [25, 20, 15, 10, 5]
    assert queries.job_page(engine, tenant="a", state="failed") == []
    assert queries.counts_by_state(engine) == {"waiting": 25}


def test_pages_go_through_all_events_oldest_first(engine: Engine, journal: SqlJournal):
    """Given 25 events, pages of ten meet each once."""
    played(journal, *(submitted(n) for n in range(1, 26)))
    seen: list[int] = []
    while page := queries.event_page(engine, tenant=None, after=seen[-1] if seen else 0, limit=10):
        seen += [row["seq"] for row in page]
    assert seen == list(range(1, 26))


# --- artifacts, tenants, tokens, endpoints, workflows --------------------------------------------------------


@pytest.fixture
def catalogue(engine: Engine, journal: SqlJournal, tmp_path: Path) -> Catalogue:
    Identity(engine, ManualClock(1), journal.change).make_tenant("vision", by="ann", quota_bytes=1000)
    return Catalogue(engine, Artifacts(tmp_path / "artifacts"), ManualClock(20), journal.change)


def test_an_output_becomes_the_artifact_of_its_key(engine: Engine, journal: SqlJournal, catalogue: Catalogue):
    """Given two jobs that make the same key in a tenant, the newer result is found; another tenant finds none."""
    older, newer = StoredOutput("k", DIGEST, 10), StoredOutput("k", "cd" * 32, 20)
    words = {"tenant": "vision", "inputs": {"data": "key:d"}}
    state = played(journal, submitted(1, **words), *life(1, outputs=(older,)))
    played(journal, submitted(2, **words), *life(2, outputs=(newer,)), state=state)
    row = catalogue.require("vision", "key:k")
    assert (row["digest"], row["size_bytes"], row["made_by_job"]) == ("cd" * 32, 20, 2)
    assert (row["lineage"]["inputs"], row["lineage"]["job"]) == ({"data": "key:d"}, 2)
    assert catalogue.used_bytes("vision") == 20
    with pytest.raises(Missing, match="ART-009 `key:k` is not in tenant `default`"):
        catalogue.require("default", "key:k")


def test_an_artifact_put_in_is_found_by_key_and_digest(catalogue: Catalogue):
    """Given a stored folder, both references lead to it, and its tenant's quota counts it."""
    catalogue.add("vision", "data", Stored(DIGEST, 900), by="ann", lineage={"uploaded_by": "ann"})
    assert catalogue.require("vision", "key:data") == catalogue.require("vision", f"sha256:{DIGEST}")
    with pytest.raises(Refused, match="ART-010 900 B are used and 200 B would come, of 1000 B"):
        catalogue.check_quota("vision", 200)
    catalogue.delete("vision", "data", by="ann")
    assert catalogue.find("vision", "key:data") is None


def test_tokens_come_back_after_a_restart(engine: Engine, journal: SqlJournal):
    """Given a member's token and a revoked one, a new process knows the first and not the second."""
    clock = ManualClock(5)
    identity = Identity(engine, clock, journal.change)
    identity.make_tenant("vision", by="ann")
    _, kept = identity.make_token("bob", tenant="vision", role=Role.MEMBER, by="ann", lifetime_s=60)
    number, gone = identity.make_token("eve", tenant="vision", role=Role.ADMIN, by="ann")
    identity.revoke_token(number, by="ann")
    again = Identity(engine, clock, journal.change)
    assert again.authenticate(kept) == Principal("bob", "vision", Role.MEMBER)
    with pytest.raises(Unauthenticated, match="AUTH-001"):
        again.authenticate(gone)


def test_endpoints_come_back_with_their_earlier_versions(engine: Engine, journal: SqlJournal):
    """Given an endpoint with a second version, a restart knows both, rolls back, and forgets it when it is removed."""
    clock = ManualClock(5)
    book = EndpointBook(engine, clock, journal.change)
    wanted = EndpointSpec(name="digits", tenant="default", versions=(VersionSpec(version=1, bundle=DIGEST),))
    book.deploy(wanted, bundle=DIGEST, canary_ratio=1, by="ann")
    assert book.deploy(wanted, bundle="cd" * 32, canary_ratio=1, by="ann") == 2
    again = EndpointBook(engine, clock, journal.change)
    assert again.bundles() == {DIGEST, "cd" * 32}
    assert again.roll_back(LOCAL_ADMIN, "digits").leading.version == 1
    again.remove(LOCAL_ADMIN, "digits")
    assert EndpointBook(engine, clock, journal.change).all() == ()
    with pytest.raises(Missing, match="END-001"):
        again.get(LOCAL_ADMIN, "digits")

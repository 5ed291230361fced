"""What the jobs themselves noted, held against what the platform wrote down about them."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from datahall.foundation.clock import SystemClock
from datahall.platform.artifacts import Artifacts
from datahall.platform.catalogue import Catalogue
from datahall.platform.home import Home
from datahall.platform.store import queries, schema


@dataclass(frozen=True, slots=True)
class Mark:
    """A line of a job's mark: worker `rank` of `attempt` has `begun`, or is `done` and ended with 0."""

    what: str
    attempt: int
    rank: int


class Record:
    """All that the store says about one job, beside what its workers noted."""

    def __init__(self, engine: Engine, row: Any, marks: list[Mark]) -> None:
        self.row, self.marks = row, marks
        self.spec = {"workers": 1, "service": False} | json.loads(row.spec)
        self.attempts = queries.attempts_of(engine, row.id)
        self.events = queries.event_page(engine, tenant=None, subject=f"job/{row.id}", limit=1000)

    @property
    def workers(self) -> int:
        return int(self.spec["workers"])

    def counted(self, what: str, attempt: int) -> int:
        return sum(mark.what == what and mark.attempt == attempt for mark in self.marks)

    def faults(self) -> Iterator[str]:
        """Everything about this job that must not be."""
        about = f"job {self.row.id} ({self.row.name}, {self.row.state})"
        for fault in (*self._twice(), *self._attempts(), *self._end(), *self._after_a_stop()):
            yield f"{about}: {fault}"

    def _twice(self) -> Iterator[str]:
        for mark, times in Counter(self.marks).items():
            if times > 1:
                yield f"worker {mark.rank} of attempt {mark.attempt} has {mark.what} {times} times"
        recorded = {attempt["attempt"] for attempt in self.attempts}
        for number in sorted({mark.attempt for mark in self.marks} - recorded):
            yield f"attempt {number} ran and is not recorded"

    def _attempts(self) -> Iterator[str]:
        numbers = [attempt["attempt"] for attempt in self.attempts]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"its attempts are numbered {numbers}"
        last = max((mark.attempt for mark in self.marks), default=0)
        for attempt in self.attempts:
            number, begun = attempt["attempt"], self.counted("begun", attempt["attempt"])
            if attempt["ending"] == "exited" and begun != self.workers:
                yield f"attempt {number} exited with {attempt['code']}, but {begun} of {self.workers} workers ran"
            if attempt["ending"] == "suspended" and begun:
                yield f"attempt {number} is recorded as never begun, but {begun} of {self.workers} workers ran"
            whole = self.counted("done", number) == self.workers
            if whole and number < last:
                yield f"attempt {number} ended with 0 and attempt {last} ran all the same"
            if attempt["ending"] == "exited" and attempt["code"] == 0 and not self.spec["service"] and number != numbers[-1]:
                yield f"attempt {number} is recorded as ended with 0 and is not the last"
        if self.spec["service"] and sum(attempt["running_s"] is not None for attempt in self.attempts) > 1:
            yield "the service ran and was started again instead of adopted"

    def _end(self) -> Iterator[str]:
        if self.row.state != "succeeded":
            return
        last = self.attempts[-1]
        if (last["ending"], last["code"]) != ("exited", 0):
            yield f"succeeded, but its last attempt is {last['ending']} with {last['code']}"
        if self.counted("done", last["attempt"]) != self.workers:
            yield f"succeeded, but {self.counted('done', last['attempt'])} of {self.workers} workers were done"
        begun = [attempt for attempt in self.attempts if attempt["ending"] != "suspended"]
        if not self.row.failures and not self.row.lost and len(begun) != 1:
            yield f"has {len(begun)} attempts that began, without a failure or a loss"

    def _after_a_stop(self) -> Iterator[str]:
        stopped = next((event["seq"] for event in self.events if event["kind"] == "stop_requested"), None)
        if stopped is None:
            return
        started = [event["seq"] for event in self.events if event["kind"] == "attempt_starting" and event["seq"] > stopped]
        if started:
            yield f"was cancelled (event {stopped}) and started again (events {started})"
        if self.row.state not in ("cancelled", "succeeded"):
            yield "was cancelled and is not"


def records(engine: Engine, effects: Path) -> Iterator[Record]:
    """Every job that the store knows, acknowledged or not."""
    with queries.reading(engine) as connection:
        rows = connection.execute(select(schema.jobs).order_by(schema.jobs.c.id)).all()
    for row in rows:
        yield Record(engine, row, _marks(effects / row.name))


def _marks(path: Path) -> list[Mark]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [Mark(what, int(attempt), int(rank)) for what, attempt, rank in (line.split() for line in lines)]


def kept(engine: Engine, home: Home, key: str) -> str:
    """The file `result` of an artifact, its bytes held against their digest. Raises what the store raises."""
    artifacts = Artifacts(home.artifacts)
    found = Catalogue(engine, artifacts, SystemClock(), lambda *_: None).find("default", f"key:{key}")
    assert found is not None, f"nothing is kept as {key}"
    entry = artifacts.tree_files(found["digest"])["result"]
    return artifacts.verify(str(entry["digest"])).read_text()

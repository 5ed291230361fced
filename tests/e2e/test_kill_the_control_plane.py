"""kill -9 of the control plane, at random moments, again and again: nothing that was acknowledged is lost or done twice."""

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from tests.e2e.control_plane import DONE, MARK
from tests.e2e.what_happened import kept, records

from datahall.platform.audit import broken_links
from datahall.platform.home import Home
from datahall.platform.store import queries, schema
from datahall.platform.store.database import open_database

ROOT = Path(__file__).parents[2]
JOBS_PER_LIFE = 4
LIVES_PER_WORKFLOW = 4
PATIENCE_S = 150.0
LONG_S = 600
MOMENTS = ("before", "after", "told", "launched")
SERVICES = range(3, 50, 8)


def kind_of(number: int) -> str:
    """What the job j<number> is like."""
    return "service" if number in SERVICES else ("kept", "again", "gang", "plain", "endless")[number % 5]


class Lives:
    """One control plane after the other on the same home, and what they acknowledged."""

    def __init__(self, home: Home, effects: Path, seed: int) -> None:
        self.home, self.effects = home, effects
        self.dice = random.Random(seed)
        self.said: dict[str, list[int]] = {word: [] for word in ("job", "cancelled", "over", "workflow", "service")}
        self.names: dict[int, str] = {}
        self.services: dict[int, int] = {}
        """The worker's pid of each service that ran at the end."""
        self.submitted = self.lives = 0

    def born(self, die: str = "") -> subprocess.Popen[str]:
        """die: at which moment of its own it kills itself (`control_plane.die_at`)."""
        command = [sys.executable, "-m", "tests.e2e.control_plane"]
        words = {"DATAHALL_HOME": str(self.home.root), "DATAHALL_TEST_EFFECTS": str(self.effects), "DATAHALL_TEST_DIE": die}
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | words
        )

    def live_and_die(self) -> None:
        """Ask for things while it starts, let it be killed at a random time or at a moment that matters, and note what it
        said yes to. Between two lives jobs go on, and some end."""
        wishes = self.wishes()
        moment = self.dice.choice(["", "", *MOMENTS])
        process = self.born(moment and f"{moment}:{self.dice.randint(1, 12)}")
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write("".join(json.dumps(wish) + "\n" for wish in wishes))
            process.stdin.flush()
        said = process.stdout.readline() if moment or self.dice.random() < 0.8 else ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(self.dice.expovariate(8) if not moment else 1.0)
        process.kill()
        self.hear(said + process.communicate()[0])
        time.sleep(self.dice.choice([0, 0.15]))

    def hear(self, text: str) -> None:
        """Take in the acknowledgements; a line that the kill cut short is none."""
        for line in text.splitlines(keepends=True):
            word, *numbers = line.split()
            if numbers and line.endswith("\n"):
                self.said[word].append(int(numbers[0]))
                if word == "service":
                    self.services[int(numbers[0])] = int(numbers[1])
                if word == "job":
                    self.names[int(numbers[0])] = numbers[1]

    def wishes(self) -> list[dict[str, Any]]:
        """Jobs, cancels of earlier ones, and now and then a recipe, in any order."""
        self.lives += 1
        wishes: list[dict[str, Any]] = [{"submit": self.next_job()} for _ in range(JOBS_PER_LIFE)]
        short = [number for number, name in self.names.items() if kind_of(int(name[1:])) not in ("service", "endless")]
        wishes += [{"cancel": number} for number in short[-JOBS_PER_LIFE:] if self.dice.random() < 0.3]  # those may still run
        wishes += [{"cancel": number} for number in self.endless() if self.dice.random() < 0.5]
        if self.lives % LIVES_PER_WORKFLOW == 1:
            wishes.append({"run": self.lives})
        self.dice.shuffle(wishes)
        return wishes

    def next_job(self) -> dict[str, Any]:
        """Each notes what its workers do in a file of its own. Some keep a result, some fail once, some are gangs, some end
        only when they are cancelled, one is a service."""
        self.submitted += 1
        name = f"j{self.submitted}"
        mark = self.effects / name
        steps = [MARK.format(mark=mark), f"sleep {self.dice.choice([0, 0, 0.05, 0.2])}"]
        job: dict[str, Any] = {"name": name, "cpus": 0.1}
        kind = kind_of(self.submitted)
        if kind == "kept":
            steps.append(f"echo kept {name} > outputs/result")
            job["output_key"] = f"key-{name}"
        elif kind == "again":
            steps.append(f"test $(grep -c begun {mark}) -ge 2 || exit 1")
            job |= {"retries": 50, "backoff": 0}
        elif kind == "gang":
            job["workers"] = 2
        elif kind == "endless":
            steps.append(f"sleep {LONG_S}")
        elif kind == "service":
            steps.append(f"exec sleep {LONG_S}")
            job["service"] = True
        return job | {"command": ["sh", "-c", "; ".join([*steps, DONE.format(mark=mark)])]}

    def last_life(self) -> None:
        """A control plane that is left alone finishes everything."""
        process = self.born()
        wishes = [{"cancel": number} for number in self.endless()]
        text, _ = process.communicate("".join(json.dumps(wish) + "\n" for wish in wishes), timeout=PATIENCE_S)
        self.hear(text)
        assert process.returncode == 0

    def endless(self) -> list[int]:
        """Jobs that do not end by themselves, acknowledged or not; one whose cancel is written down must end without us."""
        if not (self.home.root / "database.db").exists():
            return []
        engine = open_database(self.home.database_url)
        table = schema.jobs
        with queries.reading(engine) as connection:
            rows = connection.execute(select(table).where(table.c.state.in_(queries.LIVE) & ~table.c.cancelled)).all()
        engine.dispose()
        return [row.id for row in rows if f"; sleep {LONG_S}" in row.spec]


def rehearsed(tmp_path: Path, *, kills: int, seed: int) -> Lives:
    home = Home(tmp_path / "home")
    effects = tmp_path / "effects"
    effects.mkdir()
    lives = Lives(home, effects, seed)
    for _ in range(kills):
        lives.live_and_die()
    lives.last_life()
    return lives


def check_everything(lives: Lives) -> None:
    engine = open_database(lives.home.database_url)
    try:
        found = {record.row.id: record for record in records(engine, lives.effects)}
        assert [number for number in lives.said["job"] if number not in found] == [], "acknowledged jobs that are not there"
        assert [fault for record in found.values() for fault in record.faults()] == []
        check_ends(lives, {number: record.row for number, record in found.items()})
        check_services(lives, {number: record.row for number, record in found.items()})
        check_kept(lives, engine, [found[number].row for number in lives.said["job"]])
        check_workflows(lives, engine)
        assert broken_links(queries.all_events(engine)) == []
        left = [f for f in (lives.home.artifacts / "objects").rglob("*") if f.is_file() and len(f.parent.name + f.name) != 64]
        assert left == []
    finally:
        engine.dispose()


def check_ends(lives: Lives, rows: dict[int, Any]) -> None:
    """A job whose cancel was acknowledged is cancelled, unless it ended with 0 at that very moment; all others succeed."""
    cancelled = {number for number, row in rows.items() if row.cancelled}
    assert set(lives.said["cancelled"]) <= cancelled
    states = Counter(row.state for number, row in rows.items() if number not in cancelled)
    assert set(states) == {"succeeded"}, states
    endless = [row for row in rows.values() if f"sleep {LONG_S}" in row.spec]
    assert {row.state for row in endless} == {"cancelled"}


def check_services(lives: Lives, rows: dict[int, Any]) -> None:
    """A service that nobody cancelled before runs at the end, and after its cancel its worker is gone."""
    services = [number for number in lives.said["job"] if json.loads(rows[number].spec).get("service")]
    for number in services:
        assert number in lives.services or number in lives.said["cancelled"], f"service {number} did not run at the end"
    assert [pid for pid in lives.services.values() if Path(f"/proc/{pid}").exists()] == []


def check_kept(lives: Lives, engine: Engine, rows: list[Any]) -> None:
    for row in rows:
        key = json.loads(row.spec).get("output_key")
        if key is not None and row.state == "succeeded":
            assert kept(engine, lives.home, key) == f"kept {row.name}\n"


def check_workflows(lives: Lives, engine: Engine) -> None:
    """Each acknowledged workflow is done, its package kept and deployed as the one version of its endpoint."""
    table, endpoints = schema.workflows, schema.endpoints
    with queries.reading(engine) as connection:
        rows = {row.id: row for row in connection.execute(select(table))}
        served = {row.name: json.loads(row.spec)["versions"] for row in connection.execute(select(endpoints))}
    for number in lives.said["workflow"]:
        row = rows[number]
        assert row.deployed_s is not None and "error" not in row.deploy, f"workflow {number} is not deployed: {row.deploy}"
        assert len(served[row.name]) == 1
        for step in row.steps:
            assert kept(engine, lives.home, step["key"]) == f"{row.name}-{step['name']}\n"


@pytest.mark.timeout(280)
def test_nothing_is_lost_or_done_twice_over_dozens_of_kills(tmp_path: Path) -> None:
    """Given 30 lives of a control plane, each ended by kill -9 at a random moment, every acknowledged job has run as often as
    is written down, every cancelled one stays cancelled, services are adopted, and recipes end deployed."""
    lives = rehearsed(tmp_path, kills=30, seed=11)
    assert len(lives.said["job"]) >= 30
    assert min(len(lives.said[word]) for word in ("cancelled", "workflow", "service")) >= 1
    check_everything(lives)


@pytest.mark.slow
@pytest.mark.timeout(7000)
def test_nothing_is_lost_or_done_twice_over_many_kills(tmp_path: Path) -> None:
    """Given DATAHALL_SOAK_KILLS lives (100 unless told), the same."""
    lives = rehearsed(tmp_path, kills=int(os.environ.get("DATAHALL_SOAK_KILLS", "100")), seed=int(time.time()))
    check_everything(lives)

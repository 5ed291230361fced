"""kill -9 of the control plane, at random moments, again and again: nothing that was acknowledged is lost."""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from datahall.platform.audit import broken_links
from datahall.platform.home import Home
from datahall.platform.store import queries
from datahall.platform.store.database import open_database

ROOT = Path(__file__).parents[2]
JOBS_PER_LIFE = 4
PATIENCE_S = 120.0


class Lives:
    """One control plane after the other on the same home, and what they acknowledged."""

    def __init__(self, home: Home, effects: Path, seed: int) -> None:
        self.home, self.effects = home, effects
        self.dice = random.Random(seed)
        self.acknowledged: list[int] = []
        self.submitted = 0

    def born(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.e2e.control_plane"]
        environment = os.environ | {"DATAHALL_HOME": str(self.home.root)}
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)

    def live_and_die(self) -> None:
        """Submit jobs while it starts, wait a random while, kill it, and note what it said yes to."""
        process = self.born()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(self.next_job() for _ in range(JOBS_PER_LIFE)))
        process.stdin.flush()
        if self.dice.random() < 0.8:
            assert process.stdout.readline() == "up\n"
        time.sleep(self.dice.expovariate(8))
        process.kill()
        rest, _ = process.communicate()
        self.acknowledged += [int(line) for line in rest.splitlines() if line.isdigit()]

    def next_job(self) -> str:
        """A job that notes its number in a file of its own; some keep a result, some fail once, some are gangs."""
        self.submitted += 1
        mark = self.effects / str(self.submitted)
        sleep_s = self.dice.choice([0, 0, 0.05, 0.2])
        script = f"sleep {sleep_s}; echo x >> {mark}"
        job: dict[str, object] = {"name": f"j{self.submitted}", "cpus": 0.1}
        kind = self.submitted % 4
        if kind == 1:
            script += "; echo kept > outputs/result"
            job["output_key"] = f"key-{self.submitted}"
        elif kind == 2:
            script += f"; test $(wc -l < {mark}) -ge 2"
            job |= {"retries": 50, "backoff": 0}
        elif kind == 3:
            job["workers"] = 2
        return json.dumps(job | {"command": ["sh", "-c", script]}) + "\n"

    def last_life(self) -> None:
        """A control plane that is left alone finishes everything."""
        process = self.born()
        process.communicate("", timeout=PATIENCE_S)
        assert process.returncode == 0


def rehearsed(tmp_path: Path, *, kills: int, seed: int) -> Lives:
    home = Home(tmp_path / "home")
    effects = tmp_path / "effects"
    effects.mkdir()
    lives = Lives(home, effects, seed)
    for _ in range(kills):
        lives.live_and_die()
    lives.last_life()
    return lives


def check_nothing_lost(lives: Lives) -> None:
    engine = open_database(lives.home.database_url)
    rows = {number: queries.job_row(engine, number) for number in lives.acknowledged}
    assert [n for n, row in rows.items() if row is None] == [], "acknowledged jobs that are not there"
    states = Counter(row.state for row in rows.values() if row is not None)
    assert states == {"succeeded": len(lives.acknowledged)}, states
    for row in rows.values():
        mark = lives.effects / row.name[1:]
        assert mark.exists(), f"job {row.name} says it succeeded and did nothing"
        if "output_key" in row.spec:
            kept = json.loads(row.spec)["output_key"]
            assert (lives.home.jobs / str(row.id) / "work" / "outputs" / "result").read_text() == "kept\n", kept
    assert broken_links(queries.all_events(engine)) == []
    left = [f for f in (lives.home.artifacts / "objects").rglob("*") if f.is_file() and len(f.parent.name + f.name) != 64]
    assert left == []
    engine.dispose()


@pytest.mark.timeout(280)
def test_nothing_is_lost_over_dozens_of_kills(tmp_path: Path):
    """Given 30 lives of a control plane, each ended by kill -9 at a random moment, every acknowledged job succeeds."""
    lives = rehearsed(tmp_path, kills=30, seed=11)
    assert len(lives.acknowledged) >= 30
    check_nothing_lost(lives)


@pytest.mark.slow
@pytest.mark.timeout(7000)
def test_nothing_is_lost_over_many_kills(tmp_path: Path):
    """Given DATAHALL_SOAK_KILLS lives (100 unless told), the same."""
    lives = rehearsed(tmp_path, kills=int(os.environ.get("DATAHALL_SOAK_KILLS", "100")), seed=int(time.time()))
    check_nothing_lost(lives)

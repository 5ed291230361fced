"""Ctrl-C and SIGTERM end the platform in order: its workers are suspended, its word is withdrawn."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from datahall.platform.home import Home
from datahall.platform.store import queries
from datahall.platform.store.database import open_database

CLI = [sys.executable, "-m", "datahall.interfaces.cli.main"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_suspends_what_runs(number: signal.Signals, tmp_path: Path):
    """Given a running job, the signal makes it wait for the next start, and no process is left."""
    home = Home(tmp_path / "home")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DATAHALL_")} | {"DATAHALL_HOME": str(home.root)}
    server = subprocess.Popen([*CLI, "up", "--port", "0"], env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not home.server_file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    words = ["submit", "--json", "--", "sh", "-c", "echo $$ > pid; sleep 60"]
    done = subprocess.run([*CLI, *words], env=environment, check=True, capture_output=True, text=True)
    job = json.loads(done.stdout)["id"]
    pid_file = home.jobs / str(job) / "work" / "pid"
    while not pid_file.exists() or not pid_file.read_text().strip():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    server.send_signal(number)
    assert server.wait(30) == 0
    assert not home.server_file.exists()
    with pytest.raises(ProcessLookupError, match="No such process"):
        os.kill(int(pid_file.read_text()), 0)
    engine = open_database(home.database_url)
    row = queries.job_row(engine, job)
    assert row is not None
    assert row.state == "waiting"
    engine.dispose()

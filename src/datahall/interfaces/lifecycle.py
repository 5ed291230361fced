"""Starting the platform in the background, and stopping it, from another process."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import httpx

from datahall.foundation.errors import DatahallError, Late, Problem, Unavailable
from datahall.interfaces.client import local
from datahall.platform.home import Home

START_S, STOP_S = 60.0, 60.0


def start_detached(home: Home, *, host: str, port: int, behind_tls: bool = False) -> str:
    """Start `datahall up` in a session of its own; the URL once it answers. An already running one is found and kept.

    Raises Unavailable with what it said when it ends early, Late when it does not answer.
    """
    running = answering(home)
    if running is not None:
        return running
    home.logs.mkdir(parents=True, exist_ok=True)
    words = home.logs / "start.log"
    with words.open("wb") as log:
        command = [sys.executable, "-m", "datahall.interfaces.cli.main", "up", "--host", host, "--port", str(port)]
        command += ["--behind-tls"] if behind_tls else []
        process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=home.root
        )
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        running = answering(home)
        if running is not None:
            return running
        if process.poll() is not None:
            raise Unavailable(_last_words(words.read_text(encoding="utf-8", errors="replace")))
        time.sleep(0.05)
    raise Late(Problem("UP-006", "datahall up", f"did not answer in {START_S:g} s", f"look into {home.logs / 'server.log'}"))


def _last_words(said: str) -> Problem:
    """What `datahall up` said as it ended, as one problem with its own way out."""
    lines = [line.strip() for line in said.strip().splitlines()[-12:]]
    fixes = [line.removeprefix("→ ").rstrip(".") for line in lines if line.startswith("→ ")]
    what = " ".join(line.removeprefix("✗ ").rstrip(".") for line in lines if line and not line.startswith("→ "))
    return Problem("UP-005", "datahall up", f"ended at once: {what[-1500:]}", "; ".join(fixes) or "mend that, then start again")


def answering(home: Home) -> str | None:
    """The URL of the running platform if it answers."""
    server = home.server()
    if server is None or not home.in_use():
        return None
    try:
        httpx.get(f"{server['url']}/healthz", timeout=2, trust_env=False).raise_for_status()
    except httpx.HTTPError:
        return None
    return str(server["url"])


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def stop_running(home: Home, *, keep_jobs: bool) -> str:
    """Stop the platform of this home and wait for its end; what happened, in a sentence. Raises Late."""
    if not home.in_use():
        return "no Datahall is running here"
    owner = home.owner()
    try:
        local(home).call("POST", "/v1/shutdown", params={"keep_jobs": keep_jobs})
    except DatahallError:
        # It does not answer; the lock says that it lives, and holds the number of the process that has it.
        if owner is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(owner, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while home.in_use():
        if time.monotonic() > deadline:
            fix = f"look into {home.logs / 'server.log'}" + (f"; `kill -9 {owner}` loses nothing" if owner else "")
            raise Late(Problem("DOWN-001", str(home.root), f"did not end in {STOP_S:g} s", fix))
        time.sleep(0.05)
    while owner is not None and _lives(owner) and time.monotonic() < deadline:
        time.sleep(0.02)
    kept = "jobs run on" if keep_jobs else "running jobs will start again at the next `datahall up`"
    return f"Datahall is down; {kept}"

"""How soon, how many, how small: the control plane against its limits, in one run.

    python -m benchmarks.platform.bench_platform [--json] [--queued 10000] [--starts 60] [--short 200]

A real `datahall up` on a home of its own and a real HTTP client on the same cores. Submit-to-start is from before the
request is sent until the worker's own first look at the clock. The queue is filled behind a job that holds every CPU, so that
nothing of it starts. Fails when a limit is missed. Results go to stdout, progress to stderr.
"""

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from datahall.platform.events import AttemptStarting, JobSubmitted, NodeJoined, Placement
from datahall.platform.home import Home
from datahall.platform.policies.fifo import Fifo
from datahall.platform.resources import Resources
from datahall.platform.spec import JobSpec
from datahall.platform.state import State

START_S = 60.0
CLOCK = ["date", "+%s.%N"]
DATAHALL = Path(sys.executable).with_name("datahall")


@dataclass(frozen=True, slots=True)
class Row:
    """One measured value beside its limit. at_least: the limit is a floor. limit None: shown for comparison only."""

    what: str
    value: float
    unit: str
    limit: float | None = None
    at_least: bool = False
    runs: int = 1

    @property
    def holds(self) -> bool:
        return self.limit is None or (self.value >= self.limit if self.at_least else self.value <= self.limit)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def timed_ms(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return (time.perf_counter() - began) * 1000


def percentile(values: list[float], ratio: float) -> float:
    return sorted(values)[min(len(values) - 1, round(ratio * (len(values) - 1)))]


# --- the platform as a process ----------------------------------------------------------------------------------


class Platform:
    """A running `datahall up` and a client of it."""

    def __init__(self, home: Home, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        token = home.admin_token_file.read_text().strip()
        server = home.server()
        assert server is not None
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=server["url"], headers=headers, trust_env=False, timeout=120)

    def ask(self, method: str, path: str, **words: Any) -> Any:
        response = self.http.request(method, path, **words)
        response.raise_for_status()
        return response.json() if response.headers["content-type"] == "application/json" else response.text

    def submit(self, **spec: Any) -> int:
        return int(self.ask("POST", "/v1/jobs", json=spec)["id"])

    def ended(self, number: int) -> dict[str, Any]:
        while True:
            job: dict[str, Any] = self.ask("GET", f"/v1/jobs/{number}")
            if job["ended_s"] is not None:
                return job
            time.sleep(0.005)

    def resident_mb(self) -> float:
        return float(psutil.Process(self.process.pid).memory_info().rss / 1e6)


@contextlib.contextmanager
def platform() -> Iterator[Platform]:
    with tempfile.TemporaryDirectory(prefix="datahall-bench-") as folder:
        home = Home(Path(folder) / "home")
        environment = os.environ | {"DATAHALL_HOME": str(home.root)}
        for name in ("DATAHALL_DATABASE", "DATAHALL_URL", "DATAHALL_TOKEN"):
            environment.pop(name, None)
        with (Path(folder) / "up.log").open("wb") as log:
            command = [str(DATAHALL), "up", "--port", "0"]
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + START_S
            while (server := home.server()) is None or server["pid"] != process.pid:
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit((Path(folder) / "up.log").read_text())
                time.sleep(0.02)
            yield Platform(home, process)
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
            process.kill()


# --- what is measured ---------------------------------------------------------------------------------------------


def help_row(runs: int = 9) -> Row:
    took = [timed_ms(lambda: subprocess.run([DATAHALL, "--help"], stdout=subprocess.DEVNULL, check=True)) for _ in range(runs)]
    return Row("datahall --help, median", statistics.median(took) / 1000, "s", 0.3, runs=runs)


def start_rows(hall: Platform, runs: int) -> Iterator[Row]:
    """From before the request until the worker reads the clock, on an idle platform."""
    delays = []
    for _ in range(runs):
        before_s = time.time()
        number = hall.submit(command=CLOCK, cpus=0.1)
        hall.ended(number)
        delays.append((float(hall.ask("GET", f"/v1/jobs/{number}/logs")) - before_s) * 1000)
    yield Row("submit to start, p50", statistics.median(delays), "ms", 50, runs=runs)
    yield Row("submit to start, p99", percentile(delays, 0.99), "ms", runs=runs)


def throughput_row(hall: Platform, count: int) -> Row:
    """Short jobs from the first request to the last end, process start included."""
    began = time.monotonic()
    numbers = [hall.submit(command=["true"], cpus=0.25) for _ in range(count)]
    for number in numbers:
        hall.ended(number)
    return Row("short jobs, end to end", count / (time.monotonic() - began) * 60, "jobs/min", 200, at_least=True, runs=count)


def queue_rows(hall: Platform, queued: int) -> Iterator[Row]:
    """A long queue that nothing of can start."""
    cpus = hall.ask("GET", "/v1/status")["nodes"][0]["cpu_milli_free"] / 1000
    blocker = hall.submit(command=["sleep", "3600"], cpus=cpus, priority=900)
    batch = {"jobs": [{"command": ["true"], "name": f"j{n}"} for n in range(min(queued, 2000))]}
    began = time.monotonic()
    numbers: list[int] = []
    while len(numbers) < queued:
        numbers += hall.ask("POST", "/v1/jobs/batch", json=batch)["ids"]
    yield Row("submitting one job in batches", (time.monotonic() - began) / len(numbers) * 1000, "ms", runs=len(numbers))
    pages = [timed_ms(lambda: hall.ask("GET", "/v1/jobs", params={"limit": 50})) for _ in range(30)]
    yield Row(f"page of jobs, {len(numbers):,} queued, p50", statistics.median(pages), "ms", 200, runs=30)
    yield Row(f"page of jobs, {len(numbers):,} queued, worst", max(pages), "ms", runs=30)
    whys = [timed_ms(lambda: hall.ask("GET", f"/v1/jobs/{numbers[-1]}")) for _ in range(30)]
    yield Row(f"why the last of {len(numbers):,} waits, p50", statistics.median(whys), "ms", runs=30)
    turns = [timed_ms(lambda n=n: hall.ask("POST", f"/v1/jobs/{n}/cancel")) for n in numbers[:30]]
    yield Row(f"cancel, a whole turn, {len(numbers):,} queued, p50", statistics.median(turns), "ms", runs=30)
    yield Row(f"control plane resident, {len(numbers):,} queued", hall.resident_mb(), "MB", 300)
    hall.ask("POST", f"/v1/jobs/{blocker}/cancel")


def pass_rows(queued: int) -> Iterator[Row]:
    """FIFO over a full queue on two CPUs: the head has room, and no job has any while a service runs."""
    for what, cpus, service in (("head starts", 1, False), ("none fits beside a service", 2, True)):
        state = State()
        state.apply(NodeJoined(at_s=0, node="n1", capacity=Resources(2000, 2**34)))
        if service:
            state.apply(JobSubmitted(at_s=0, job_id=1, spec=JobSpec(command=("true",), service=True)))
            state.apply(AttemptStarting(at_s=0, job_id=1, attempt=1, placements=(Placement("n1"),)))
        for number in range(2, queued + 2):
            state.apply(JobSubmitted(at_s=0, job_id=number, spec=JobSpec(command=("true",), cpus=cpus)))
        policy = Fifo()
        took = [timed_ms(lambda p=policy, s=state: p.plan(s.snapshot())) for _ in range(200)]
        yield Row(f"scheduling pass, {queued:,} queued, {what}", percentile(took, 0.99), "ms", 50, runs=200)


def measured(chosen: argparse.Namespace) -> Iterator[Row]:
    say("datahall --help …")
    yield help_row()
    say("a scheduling pass …")
    yield from pass_rows(chosen.queued)
    with platform() as hall:
        yield Row("control plane resident, idle", hall.resident_mb(), "MB")
        say("submit to start …")
        yield from start_rows(hall, chosen.starts)
        say("short jobs …")
        yield throughput_row(hall, chosen.short)
        say(f"{chosen.queued:,} queued jobs …")
        yield from queue_rows(hall, chosen.queued)


def table(rows: list[Row]) -> Iterator[str]:
    yield f"{'what':<62}{'measured':>12}{'limit':>14}  unit"
    for row in rows:
        limit = "" if row.limit is None else f"{'≥' if row.at_least else '≤'} {row.limit:g}"
        yield f"{row.what:<62}{row.value:>12.3g}{limit:>14}  {row.unit}{'' if row.holds else '   MISSED'}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.add_argument("--queued", type=int, default=10_000, help="jobs in the long queue")
    parser.add_argument("--starts", type=int, default=60, help="submissions to an idle platform")
    parser.add_argument("--short", type=int, default=200, help="short jobs in the throughput run")
    chosen = parser.parse_args()
    rows = list(measured(chosen))
    if chosen.json:
        print(json.dumps([asdict(row) | {"holds": row.holds} for row in rows], indent=1))
    else:
        print("\n".join(table(rows)))
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Runs a gang's command once in every worker of a Ray cluster, all or none: the entry point of an exported RayJob.

It travels in a ConfigMap and runs in the user's image, so it needs nothing but Python 3.10 and Ray. What to run is in job.json,
beside it. Where one worker fails or the time is over, all are stopped: SIGTERM, and SIGKILL ten seconds later.
"""

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

GRACE_S = 10
MOST_LISTED = 1024


class Worker:
    """One worker of the gang, in a pod of its own."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.stopped, self.starting = False, threading.Lock()

    def place(self) -> tuple[str, list[int]]:
        """Its address, and two ports that are free there now."""
        address = importlib.import_module("ray").util.get_node_ip_address()
        sockets = [socket.socket() for _ in range(2)]
        for opened in sockets:
            opened.bind(("", 0))
        ports = [opened.getsockname()[1] for opened in sockets]
        for opened in sockets:
            opened.close()
        return address, ports

    def run(self, job: dict[str, Any], environment: dict[str, str]) -> int:
        """The exit code of the command; negative where a signal ended it."""
        variables = {**os.environ, **environment, **job["environment"]}
        command, folder = job["command"], job["folder"]
        with self.starting:  # a stop comes before it, and then it does not begin, or after it, and then ends it
            if self.stopped:
                return 1
            self.process = subprocess.Popen(command, env=variables, cwd=folder, start_new_session=True)  # noqa: S603
        return self.process.wait()

    def stop(self) -> None:
        """End the command with all that it started."""
        with self.starting:
            self.stopped = True
        if self.process is None or self.process.poll() is not None:
            return
        os.killpg(self.process.pid, signal.SIGTERM)
        end = time.monotonic() + GRACE_S
        while self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)


def variables_of(rank: int, places: list[tuple[str, list[int]]]) -> dict[str, str]:
    """What worker `rank` is told of the others. places: address and ports of every worker, in order of rank."""
    addresses = [address for address, _ in places]
    head, port = addresses[0], places[0][1][0]
    same = [other for other, address in enumerate(addresses) if address == addresses[rank]]
    told = {
        "RANK": str(rank),
        "LOCAL_RANK": str(same.index(rank)),
        "LOCAL_WORLD_SIZE": str(len(same)),
        "MASTER_ADDR": head,
        "MASTER_PORT": str(port),
        "JAX_COORDINATOR_ADDRESS": f"{head}:{port}",
        "JAX_PROCESS_ID": str(rank),
    }
    if 1 < len(places) <= MOST_LISTED:
        workers = [f"{address}:{ports[1]}" for address, ports in places]
        told["TF_CONFIG"] = json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": rank}})
    return told


def first_failure(ray: Any, runs: list[Any], limit_s: float | None) -> str | None:
    """Why the gang is to be stopped; None when every worker ended well."""
    end = None if limit_s is None else time.monotonic() + limit_s
    left = list(runs)
    while left:
        wait_s = None if end is None else max(0.0, end - time.monotonic())
        done, left = ray.wait(left, num_returns=1, timeout=wait_s)
        if not done:
            return "the time limit is over"
        try:
            code = ray.get(done[0])
        except Exception as error:  # noqa: BLE001 - whatever it is, the gang has lost a worker
            return f"worker {runs.index(done[0])} was lost: {type(error).__name__}"
        if code != 0:
            return f"worker {runs.index(done[0])} ended with code {code}"
    return None


def main(folder: Path) -> int:
    """0 when every worker ended well, else 1."""
    ray = importlib.import_module("ray")
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    ray.init(address="auto")
    kind = ray.remote(Worker).options(num_cpus=1, num_gpus=job["accelerators"], max_concurrency=2)
    workers = [kind.remote() for _ in range(job["workers"])]
    places = ray.get([worker.place.remote() for worker in workers])  # answered when all of them have a place
    runs = [worker.run.remote(job, variables_of(rank, places)) for rank, worker in enumerate(workers)]
    why = first_failure(ray, runs, job["time_limit_s"])
    if why is None:
        return 0
    sys.stderr.write(f"{why}; stopping the gang\n")
    ray.wait([worker.stop.remote() for worker in workers], num_returns=len(workers), timeout=2 * GRACE_S)
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parent))

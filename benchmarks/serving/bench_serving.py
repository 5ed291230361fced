"""Requests per second through gateway, token check, metrics and replica, beside other servers, in one run.

    python -m benchmarks.serving.bench_serving [--json] [--seconds 1] [--rounds 5] [--models mlp,text] [--clients 1,16,64]

All servers are up at once and idle; rounds go over all of them in turn, so that a busy neighbour hits everyone. Shown: the
best round. The load generator runs on the same cores. Peers run in the interpreter that DATAHALL_PEERS_PYTHON names.
Fails when ours is slower than FastAPI + ONNX Runtime inline, or any server of ours gave an error. Results go to stdout,
progress to stderr.
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from benchmarks.serving import bundles
from benchmarks.serving.load import HEADERS, Load, generator, loaded

SERVERS = Path(__file__).parent / "servers"
PATH = "/v2/models/m/infer"
FLOOR, INLINE = "bare ASGI + orjson", "FastAPI inline"
START_S = 60.0


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server: its script, its further arguments, and the module that must be importable in the peers' environment."""

    name: str
    script: str
    arguments: tuple[str, ...] = ()
    peer: str | None = None


CONTESTANTS = (
    Contestant("ours, 1 replica", "ours.py", ("1",)),
    Contestant("ours, 2 replicas", "ours.py", ("2",)),
    Contestant(FLOOR, "bare.py"),
    Contestant(INLINE, "fastapi_inline.py"),
    Contestant("MLServer", "mlserver_plain.py", peer="mlserver"),
    Contestant("LitServe", "litserve_plain.py", peer="litserve"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One server at one number of clients. ratio: requests per second of ours with one replica, over this server's."""

    model: str
    server: str
    clients: int
    requests_per_s: float
    p50_s: float
    p99_s: float
    errors: int
    memory_bytes: int
    start_s: float
    ratio: float = 1.0


@dataclass(slots=True)
class Running:
    """A server that answers."""

    contestant: Contestant
    process: subprocess.Popen[bytes]
    url: str
    start_s: float

    def memory_bytes(self) -> int:
        """Proportional set size of its whole process tree."""
        tree = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        return sum(process.memory_full_info().pss for process in tree)


def interpreter(contestant: Contestant) -> str | None:
    """The Python that can run it; None when the peer is not installed."""
    if contestant.peer is None:
        return sys.executable
    python = os.environ.get("DATAHALL_PEERS_PYTHON")
    if python is None:
        return None
    found = subprocess.run([python, "-c", f"import {contestant.peer}"], capture_output=True, check=False)
    return python if found.returncode == 0 else None


@contextlib.contextmanager
def running(contestant: Contestant, python: str, bundle: Path, body: bytes) -> Iterator[Running]:
    """The server, started and warm; ended with its whole session at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, str(SERVERS / contestant.script), str(bundle), str(port), *contestant.arguments]
    began_s = time.monotonic()
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}{PATH}"
        answer(url, body, process)
        yield Running(contestant, process, url, time.monotonic() - began_s)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answer(url: str, body: bytes, process: subprocess.Popen[bytes]) -> None:
    """Wait for the first answer. Raises RuntimeError when there is none."""
    until_s = time.monotonic() + START_S
    while time.monotonic() < until_s and process.poll() is None:
        try:
            urllib.request.urlopen(urllib.request.Request(url, body, HEADERS), timeout=START_S).read()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{process.args} did not answer within {START_S:.0f} s")


def measured(model: str, bundle: Path, options: argparse.Namespace) -> list[Row]:
    """All contestants on one model."""
    body = bundles.request_body(bundle)
    best: dict[tuple[str, int], Load] = {}
    errors: dict[tuple[str, int], int] = {}
    with contextlib.ExitStack() as stack:
        servers = []
        for contestant in CONTESTANTS:
            python = interpreter(contestant)
            if python is None:
                print(f"{contestant.name}: not installed in DATAHALL_PEERS_PYTHON", file=sys.stderr, flush=True)
                continue
            try:
                servers.append(stack.enter_context(running(contestant, python, bundle, body)))
            except RuntimeError as error:
                if contestant.peer is None:
                    raise
                print(f"{contestant.name}: {error}", file=sys.stderr, flush=True)
        for number in range(options.rounds):
            for clients in options.clients:
                for server in servers:
                    key = (server.contestant.name, clients)
                    seen = loaded(server.url, body, clients=clients, duration_s=options.seconds)
                    errors[key] = errors.get(key, 0) + seen.errors
                    if key not in best or seen.requests_per_s > best[key].requests_per_s:
                        best[key] = seen
                    print(f"{model} round {number + 1} {key}: {seen.requests_per_s:.0f}/s", file=sys.stderr, flush=True)
        return [
            Row(
                model=model,
                server=server.contestant.name,
                clients=clients,
                requests_per_s=best[server.contestant.name, clients].requests_per_s,
                p50_s=best[server.contestant.name, clients].p50_s,
                p99_s=best[server.contestant.name, clients].p99_s,
                errors=errors[server.contestant.name, clients],
                memory_bytes=server.memory_bytes(),
                start_s=server.start_s,
                ratio=best["ours, 1 replica", clients].requests_per_s / best[server.contestant.name, clients].requests_per_s,
            )
            for clients in options.clients
            for server in servers
        ]


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        "| model | clients | server | requests/s | ours / it | p50 ms | p99 ms | errors | memory MB | start s |",
        "|---|--:|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row.model} | {row.clients} | {row.server} | {row.requests_per_s:,.0f} | {row.ratio:.2f} | {row.p50_s * 1e3:.2f} | "
        f"{row.p99_s * 1e3:.2f} | {row.errors} | {row.memory_bytes / 1e6:.0f} | {row.start_s:.1f} |"
        for row in rows
    ]
    return "\n".join(lines)


def hop_s(rows: list[Row]) -> float | None:
    """What the way through gateway and socket adds for one client, s: the difference of medians to bare ASGI, model mlp."""
    medians = {row.server: row.p50_s for row in rows if row.model == "mlp" and row.clients == 1}
    return medians["ours, 1 replica"] - medians[FLOOR] if FLOOR in medians else None


def misses(rows: list[Row]) -> list[str]:
    """What is worse than promised."""
    slow = [
        f"{row.model}, {row.clients} clients: ours is {row.ratio:.2f} x {INLINE}, at least 1 is promised"
        for row in rows
        if row.server == INLINE and row.model == "mlp" and row.ratio < 1
    ]
    failed = [
        f"{row.model}, {row.clients} clients: {row.errors} errors of {row.server}"
        for row in rows
        if row.errors and "ours" in row.server
    ]
    return slow + failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="results as JSON")
    parser.add_argument("--seconds", type=int, default=1, help="length of one load")
    parser.add_argument("--rounds", type=int, default=5, help="loads per server and number of clients")
    parser.add_argument("--models", type=lambda text: text.split(","), default=["mlp", "text"])
    parser.add_argument("--clients", type=lambda text: [int(part) for part in text.split(",")], default=[1, 16, 64])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dh-bench-") as folder:
        rows = [
            row for model in options.models for row in measured(model, getattr(bundles, model)(Path(folder) / model), options)
        ]
    hop, missed = hop_s(rows), misses(rows)
    if options.json:
        print(json.dumps({"load": generator(), "rows": [asdict(row) for row in rows], "hop_s": hop, "misses": missed}))
    else:
        print(f"load generator: {generator()}, one sample a request, JSON\n\n{table(rows)}")
        if hop is not None:
            print(f"\nThe hop through the gateway costs one client {hop * 1e6:.0f} us a request (median, beside {FLOOR}).")
        print("\n".join(missed) or "Nothing missed.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""A load of HTTP requests: by wrk when it is installed, otherwise by a client of our own (slower, so it says which)."""

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer bench"}
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, slots=True)
class Load:
    """What one run saw."""

    requests_per_s: float
    p50_s: float
    p99_s: float
    errors: int


def generator() -> str:
    return "wrk" if shutil.which("wrk") else "own client"


def loaded(url: str, body: bytes, *, clients: int, duration_s: int) -> Load:
    """Ask `url` from so many clients at once, each as fast as it is answered."""
    if generator() == "wrk":
        return _wrk(url, body, clients, duration_s)
    return asyncio.run(_own(url, body, clients, duration_s))


def _wrk(url: str, body: bytes, clients: int, duration_s: int) -> Load:
    with tempfile.TemporaryDirectory() as folder:
        script, data = Path(folder) / "post.lua", Path(folder) / "body"
        data.write_bytes(body)
        lines = ['wrk.method = "POST"', *(f'wrk.headers["{name}"] = "{value}"' for name, value in HEADERS.items())]
        script.write_text("\n".join([*lines, f'wrk.body = io.open("{data}", "rb"):read("*a")']))
        command = ["wrk", "-t1", f"-c{clients}", f"-d{duration_s}s", "--latency", "--timeout", "30s", "-s", str(script), url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    errors = int(refused[1]) if refused else 0
    errors += sum(map(int, broken.groups())) if broken else 0
    return Load(float(rate[1]) if rate else 0.0, _percentile(said, "50%"), _percentile(said, "99%"), errors)


def _percentile(said: str, name: str) -> float:
    match = re.search(rf"{name}\s+([\d.]+)(us|ms|s|m)\b", said)
    return float(match[1]) * _SECONDS[match[2]] if match else 0.0


class _Client(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, request: bytes, until_s: float) -> None:
        self._request, self._until_s = request, until_s
        self._data = b""
        self.took_s: list[float] = []
        self.errors = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self.errors += 1
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, found, rest = self._data.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        if not found or length is None or len(rest) < int(length[1]):
            return
        now_s = time.perf_counter()
        self.took_s.append(now_s - self._asked_s)
        self.errors += not head.startswith(b"HTTP/1.1 200")
        self._data = b""
        if now_s < self._until_s:
            self._ask()
        else:
            self.done.set_result(None)
            self._transport.close()

    def _ask(self) -> None:
        self._asked_s = time.perf_counter()
        self._transport.write(self._request)  # type: ignore[attr-defined]


async def _own(url: str, body: bytes, clients: int, duration_s: int) -> Load:
    host, port, path = re.fullmatch(r"http://([^:/]+):(\d+)(/.*)", url).groups()  # type: ignore[union-attr]
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        f"Content-Length: {len(body)}",
        *(f"{k}: {v}" for k, v in HEADERS.items()),
    ]
    request = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    began_s = time.perf_counter()
    loop = asyncio.get_running_loop()
    pairs = [
        await loop.create_connection(lambda: _Client(request, began_s + duration_s), host, int(port)) for _ in range(clients)
    ]
    made = [client for _, client in pairs]
    await asyncio.gather(*(client.done for client in made))
    took_s = sorted(took for client in made for took in client.took_s) or [0.0]
    rate = len(took_s) / (time.perf_counter() - began_s)
    return Load(rate, took_s[len(took_s) // 2], took_s[len(took_s) * 99 // 100], sum(client.errors for client in made))

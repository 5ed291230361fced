"""Talking to a running platform over HTTP."""

import os
import time
import weakref
from collections.abc import Iterator
from typing import Any

import httpx

from datahall.foundation.errors import DatahallError, Problem, Refused, Unavailable
from datahall.platform.home import Home


class RemoteError(DatahallError):
    """An error that the server answered; its problems are the server's."""


class RemoteRefusal(RemoteError):
    """The server says that the input is wrong."""

    exit_code = 2


class RemoteNo(RemoteError):
    """The server says: not now."""

    exit_code = 1


def _error(status: int, problems: list[Problem]) -> RemoteError:
    kind = RemoteNo if status in (409, 429, 503, 504) else RemoteRefusal if status < 500 else RemoteError
    return kind(problems)


class Client:
    """A thin client of the API. Errors come back as the Problems that the server named."""

    def __init__(self, url: str, token: str, *, timeout_s: float = 60.0) -> None:
        self.url = url
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=timeout_s, trust_env=False
        )
        weakref.finalize(self, self._http.close)  # a command forgets its client when it ends

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Raises RemoteError, or Unavailable when nothing answers."""
        try:
            response = self._http.request(method, path, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            problem = Problem("CLI-001", self.url, f"no answer: {error}", "see `datahall status`, or start it: `datahall up`")
            raise Unavailable(problem) from None
        if response.is_error:
            raise _error(response.status_code, _problems(response))
        return response

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, params={k: v for k, v in params.items() if v is not None}).json()

    def post(self, path: str, body: Any = None) -> Any:
        return self.call("POST", path, json=body if body is not None else {}).json()

    def put(self, path: str, body: Any) -> httpx.Response:
        return self.call("PUT", path, json=body)

    def delete(self, path: str, **params: Any) -> None:
        self.call("DELETE", path, params=params)

    def follow_log(self, job_id: int, *, rank: int = 0, attempt: int | None = None, follow: bool) -> Iterator[bytes]:
        """The job's output as it grows, until the job has ended; over a retry it goes on with the new attempt."""
        offset, shown = 0, attempt
        while True:
            params = {"rank": rank, "offset": offset} | ({"attempt": attempt} if attempt else {})
            response = self.call("GET", f"/v1/jobs/{job_id}/logs", params=params)
            current = int(response.headers["X-Attempt"])
            if shown is not None and current != shown:
                offset, shown = 0, current
                continue
            shown = current
            offset = int(response.headers["X-Next-Offset"])
            if response.content:
                yield response.content
                continue
            over = response.headers["X-Job-State"] in ("succeeded", "failed", "cancelled")
            if over or not follow:
                return
            time.sleep(0.2)


def _problems(response: httpx.Response) -> list[Problem]:
    try:
        return [Problem(**item) for item in response.json()["problems"]]
    except (ValueError, KeyError, TypeError):
        return [Problem("CLI-002", str(response.url), f"answered {response.status_code}", "see the server's log")]


def connect(home: Home | None = None) -> Client:
    """The platform of DATAHALL_URL and DATAHALL_TOKEN, or else the one of the home folder. Raises Unavailable, Refused."""
    home = home or Home.from_environment()
    url = os.environ.get("DATAHALL_URL")
    if not url:
        return local(home)
    token, server = os.environ.get("DATAHALL_TOKEN"), home.server()
    if not token and server is not None and server["url"] == url.rstrip("/"):
        token = _admin_token(home)
    if not token:
        # The admin token of this home is the key to this home alone: it never goes to another address.
        fix = "set DATAHALL_TOKEN to a token that an admin of that platform made for you"
        raise Refused(Problem("CLI-004", "DATAHALL_TOKEN", f"is not set, and {url} asks for a token", fix))
    try:
        return Client(url, token)
    except (httpx.InvalidURL, ValueError) as error:
        what = f"`{url[:200]}` is no URL: {error}"
        raise Refused(Problem("CLI-005", "DATAHALL_URL", what, "write http://host:port")) from None


def local(home: Home) -> Client:
    """The platform that runs on this home, whatever DATAHALL_URL says. Raises Unavailable."""
    server = home.server()
    if server is None or not home.in_use():
        raise Unavailable(Problem("CLI-003", str(home.root), "no Datahall is running here", "start it with `datahall up`"))
    return Client(server["url"], os.environ.get("DATAHALL_TOKEN") or _admin_token(home))


def _admin_token(home: Home) -> str:
    try:
        return home.admin_token_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        fix = "set DATAHALL_TOKEN to a token that an admin made for you"
        what = f"cannot be read: {error.strerror}"
        raise Unavailable(Problem("CLI-006", str(home.admin_token_file), what, fix)) from None

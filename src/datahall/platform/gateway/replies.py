"""HTTP answers of the gateway, as ASGI messages."""

import itertools
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, ClassVar, Final, NamedTuple, Protocol

import orjson

from datahall.foundation.errors import Busy, DatahallError, Missing, Refused, Unauthenticated, Unavailable
from datahall.platform.gateway.problems import PROBLEM_TYPE, problem_body

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON: Final = (b"content-type", b"application/json")
BINARY: Final = (b"content-type", b"application/octet-stream")
PROBLEM: Final = (b"content-type", PROBLEM_TYPE)
REQUEST_ID: Final = b"x-request-id"
CONNECTION: Final = "datahall.connection"
"""Where a scope holds its Connection, when the server is ours."""

_prefix = os.urandom(4).hex().encode()
_numbers = itertools.count(1)


class Waiting(Protocol):
    """What is waited for on behalf of a client."""

    def hang_up(self) -> None:
        """The client is gone."""


class Connection(Protocol):
    """The connection that a request came by. It tells `waits_for` when the client hangs up."""

    waits_for: Waiting | None


class Reply(NamedTuple):
    """Status, body and the headers that say what the body is."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = (JSON,)


class WrongMethod(Refused):
    """The path exists, but not with this method."""

    http_status: ClassVar[int] = 405
    title: ClassVar[str] = "Wrong method"


class UnknownPath(Missing):
    """No such path."""


def json_reply(value: Any, *, status: int = 200) -> Reply:
    return Reply(status, orjson.dumps(value))


def problem_reply(error: DatahallError) -> Reply:
    """RFC 9457, with the headers that go with the status."""
    headers = [PROBLEM]
    if isinstance(error, Busy | Unavailable):
        headers.append((b"retry-after", b"1"))
    elif isinstance(error, Unauthenticated):
        headers.append((b"www-authenticate", b"Bearer"))
    elif isinstance(error, WrongMethod):
        headers.append((b"allow", b"GET, HEAD, POST"))
    return Reply(error.http_status, problem_body(error), tuple(headers))


def new_request_id() -> bytes:
    """Unlike any other of this process, and unlikely to be another process's."""
    return b"%s-%x" % (_prefix, next(_numbers))


async def send_reply(send: Send, reply: Reply, request_id: bytes) -> None:
    """Hand the answer to the server."""
    status, body, headers = reply
    start = [*headers, (b"content-length", b"%d" % len(body)), (REQUEST_ID, request_id)]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})

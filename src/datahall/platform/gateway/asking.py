"""The way of one inference request: limits, body, replica, answer. The hot path: no parsing, no task, no timer of its own."""

import asyncio
import time
from typing import NamedTuple

from datahall.foundation.errors import DatahallError, Late, Problem, Refused, TooLarge, Unavailable
from datahall.foundation.units import bytes_text
from datahall.platform.gateway import wire
from datahall.platform.gateway.endpoint import NO_VERSION, LiveEndpoint
from datahall.platform.gateway.link import Call, CallPool, ClientGone
from datahall.platform.gateway.ports import Caller
from datahall.platform.gateway.replies import (
    BINARY,
    CONNECTION,
    JSON,
    PROBLEM,
    REQUEST_ID,
    Connection,
    Receive,
    Reply,
    Scope,
    problem_reply,
)

_SWEEP_INTERVAL_S = 0.05
_MAX_REQUEST_ID_BYTES = 128
_GONE_STATUS = 499
"""nginx's number for a client that hung up before its answer; it is only counted."""
JSON_LENGTH_HEADER = b"inference-header-content-length"


class Route(NamedTuple):
    """Where a path leads."""

    endpoint: LiveEndpoint
    version: int | None
    kind: int


class Headers:
    """The few request headers that matter here, and the connection that they came by."""

    __slots__ = ("authorization", "connection", "content_length", "json_bytes", "request_id")

    def __init__(self, scope: Scope) -> None:
        self.connection: Connection | None = scope.get(CONNECTION)
        self.authorization = self.content_length = self.json_bytes = self.request_id = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                self.authorization = value
            elif name == b"content-length":
                self.content_length = value
            elif name == REQUEST_ID:
                self.request_id = value[:_MAX_REQUEST_ID_BYTES]
            elif name == JSON_LENGTH_HEADER:
                self.json_bytes = value

    def block(self) -> bytes:
        """What of them the replica should know; nothing, for a plain request."""
        if self.json_bytes is None and self.request_id is None:
            return b""
        known: dict[str, int | str] = {}
        if self.request_id is not None:
            known[wire.REQUEST_ID] = self.request_id.decode("latin-1")
        if self.json_bytes is not None:
            known[wire.JSON_BYTES] = _count(self.json_bytes, "Inference-Header-Content-Length")
        return wire.packed_headers(known)


class Asker:
    """Takes requests through, and watches their deadlines: one timer for all of them."""

    def __init__(self) -> None:
        self._open: set[Call] = set()
        self._readers: dict[Call, asyncio.Task[object]] = {}
        self._is_sweeping = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def ask(self, route: Route, caller: Caller, headers: Headers, receive: Receive, started_s: float) -> Reply:
        """The answer to one request, whatever becomes of it. Raises ClientGone."""
        endpoint = route.endpoint
        meter = endpoint.meters[NO_VERSION]
        status = _GONE_STATUS
        try:
            call = self._opened(route, caller, headers, started_s)
            try:
                await self._read(call, endpoint, headers, receive)
                pool = endpoint.choose() if route.version is None else endpoint.pool_named(route.version)
                meter = endpoint.meters[pool.version]
                pool.submit(call)
                if endpoint.shadow is not None:
                    self._mirror(call, endpoint)
                if headers.connection is not None:
                    headers.connection.waits_for = call
                await call.future
            finally:
                if headers.connection is not None:
                    headers.connection.waits_for = None
                self._open.discard(call)
                endpoint.under_way -= 1
                endpoint.held_bytes -= len(call.body)
                call.body = b""
            status = call.status
            return _reply_of(call)
        except DatahallError as error:
            status = error.http_status
            return problem_reply(error)
        finally:
            meter.observe(status, time.monotonic() - started_s)

    def _opened(self, route: Route, caller: Caller, headers: Headers, started_s: float) -> Call:
        endpoint = route.endpoint
        endpoint.admit(caller, started_s)
        loop = self._loop or asyncio.get_running_loop()
        self._loop = loop  # kept: Python 3.11 asks the kernel for the process id each time it is looked up
        call = Call(route.kind, headers.block(), b"", started_s + endpoint.spec.timeout_s, loop.create_future())
        endpoint.under_way += 1
        self._open.add(call)
        if not self._is_sweeping:
            self._is_sweeping = True
            loop.call_later(_SWEEP_INTERVAL_S, self._sweep)
        return call

    async def _read(self, call: Call, endpoint: LiveEndpoint, headers: Headers, receive: Receive) -> None:
        limit = endpoint.spec.max_body_bytes
        if headers.content_length is not None and _count(headers.content_length, "Content-Length") > limit:
            raise _too_large(endpoint, limit)
        task = asyncio.current_task(self._loop)
        if task is not None:
            self._readers[call] = task
        try:
            body = await _body(receive, endpoint, limit)
        except asyncio.CancelledError:
            if task is None or not call.future.done():
                raise
            task.uncancel()
            await call.future  # the sweep ended it: this raises the reason
            raise
        finally:
            self._readers.pop(call, None)
        call.body = body
        endpoint.held_bytes += len(body)

    def _mirror(self, call: Call, endpoint: LiveEndpoint) -> None:
        twin = Call(call.kind, b"", b"", call.deadline_s, asyncio.get_running_loop().create_future())
        started_s = time.monotonic()
        endpoint.mirror(call, twin)
        if not twin.attempts or endpoint.shadow is None:
            return
        meter = endpoint.meters[endpoint.shadow.version]
        self._open.add(twin)

        def ended(future: "asyncio.Future[None]") -> None:
            self._open.discard(twin)
            twin.body = b""
            error = future.exception()
            status = error.http_status if isinstance(error, DatahallError) else twin.status
            meter.observe(status, time.monotonic() - started_s)

        twin.future.add_done_callback(ended)

    def _sweep(self) -> None:
        now_s = time.monotonic()
        for call in [call for call in self._open if call.deadline_s <= now_s]:
            self._expire(call)
        self._is_sweeping = bool(self._open)
        if self._is_sweeping:
            asyncio.get_running_loop().call_later(_SWEEP_INTERVAL_S, self._sweep)

    def _expire(self, call: Call) -> None:
        reader = self._readers.get(call)
        call.fail(_late(call, is_reading=reader is not None))
        self._open.discard(call)
        if reader is not None:
            reader.cancel()
        else:
            call.withdraw()


async def _body(receive: Receive, endpoint: LiveEndpoint, limit: int) -> bytes:
    message = await receive()
    if message["type"] != "http.request":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(body) > limit:
            raise _too_large(endpoint, limit)
        return body
    return await _long_body(receive, endpoint, limit, body)


async def _long_body(receive: Receive, endpoint: LiveEndpoint, limit: int, first: bytes) -> bytes:
    parts, size, more = [first], len(first), True
    while more and size <= limit:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        parts.append(message.get("body", b""))
        size, more = size + len(parts[-1]), message.get("more_body", False)
    if size > limit:
        raise _too_large(endpoint, limit)
    return b"".join(parts)


def _reply_of(call: Call) -> Reply:
    if call.status != 200:
        return Reply(call.status, call.reply, (PROBLEM,))
    if not call.reply_headers:
        return Reply(200, call.reply, (JSON,))
    json_bytes = wire.unpacked_headers(call.reply_headers)[wire.JSON_BYTES]
    return Reply(200, call.reply, (BINARY, (JSON_LENGTH_HEADER, b"%d" % json_bytes)))


def _count(value: bytes, header: str) -> int:
    if value.isdigit() and len(value) < 16:
        return int(value)
    what = f"{header} is {value[:40].decode('latin-1')!r}"
    raise Refused(Problem("GATE-043", "headers", what, "send a number of bytes"))


def _too_large(endpoint: LiveEndpoint, limit: int) -> TooLarge:
    what = f"is larger than {bytes_text(limit)} ({limit} bytes)"
    return TooLarge(
        Problem("GATE-044", f"{endpoint.spec.name} body", what, "send fewer samples at once, or raise `max_body_bytes`")
    )


def _late(call: Call, *, is_reading: bool) -> Late | Unavailable:
    if is_reading:
        return Late(Problem("GATE-045", "body", "did not arrive within the time limit", "send it faster, or raise `timeout_s`"))
    if call.pool is not None and not call.pool.links:
        return Unavailable(_no_replica(call.pool))
    what = "the model did not answer within the time limit"
    return Late(Problem("GATE-046", "request", what, "send fewer samples at once, raise `timeout_s`, or add replicas"))


def _no_replica(pool: CallPool) -> Problem:
    what = f"no replica of version {pool.version} is ready: {pool.fault or 'none has started yet'}"
    return Problem("GATE-047", pool.endpoint, what, "try again in a moment; `datahall endpoints` says what it waits for")

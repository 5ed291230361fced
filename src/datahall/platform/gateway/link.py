"""The gateway's end of a replica's socket: many calls under way on one connection."""

import asyncio
from typing import Any, Protocol, cast

import orjson

from datahall.foundation.errors import DatahallError, Problem, Unavailable
from datahall.platform.gateway import wire

_NUMBERS = 1 << 32
_HEALTH_REQUEST = 0


class ClientGone(Exception):
    """The client hung up; there is nobody to answer."""


class Call:
    """One request on its way: what was asked, until when it matters, and what came back."""

    __slots__ = (
        "attempts",
        "body",
        "deadline_s",
        "future",
        "headers",
        "kind",
        "link",
        "number",
        "pool",
        "reply",
        "reply_headers",
        "status",
    )

    def __init__(self, kind: int, headers: bytes, body: bytes, deadline_s: float, future: "asyncio.Future[None]") -> None:
        self.kind, self.headers, self.body, self.deadline_s, self.future = kind, headers, body, deadline_s, future
        self.attempts = self.number = self.status = 0
        self.link: ReplicaLink | None = None
        self.pool: CallPool | None = None
        """Where it was last submitted."""
        self.reply = self.reply_headers = b""

    def fail(self, error: DatahallError) -> None:
        """End it with an error, unless it has ended."""
        if not self.future.done():
            self.future.set_exception(error)

    def hang_up(self) -> None:
        """End it, because the client did not wait for the answer: what was not started is not computed."""
        if not self.future.done():
            self.future.set_exception(ClientGone())
            self.withdraw()

    def withdraw(self) -> None:
        """Take it from wherever it is: nobody waits for it any more."""
        if self.link is not None:
            self.link.forget(self)
        elif self.pool is not None:
            self.pool.forget(self)


class CallPool(Protocol):
    """Where a call waits, and what an error message says about it."""

    endpoint: str
    version: int
    fault: str | None
    links: "list[ReplicaLink]"

    def forget(self, call: Call) -> None:
        """Keep it no longer, if it waits here."""


class LinkOwner(Protocol):
    """What a link tells its owner."""

    waiting: Any
    """Falsy while no call waits for a free replica; read on every answer, so kept an attribute."""

    def freed(self, link: "ReplicaLink") -> None:
        """It may take another call."""

    def leaving(self, link: "ReplicaLink") -> None:
        """Its replica ends soon: nothing new."""

    def lost(self, link: "ReplicaLink", calls: list[Call]) -> None:
        """The connection is gone; `calls` were under way on it."""


class ReplicaLink(asyncio.Protocol):
    """One connection to one replica."""

    def __init__(self, replica: str) -> None:
        self.replica = replica
        self.owner: LinkOwner | None = None
        self.calls: dict[int, Call] = {}
        self.is_open = False
        self.pinged_s: float | None = None
        """When the health check that is still unanswered was sent."""
        self.description: dict[str, Any] = {}
        self.health: dict[str, Any] = {}
        self._reader = wire.FrameReader(self._on_frame)
        self._last = _HEALTH_REQUEST
        self._transport = cast(asyncio.Transport, None)
        self._described: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def connect(self, socket: str) -> None:
        """Connect and learn what the replica serves. Raises OSError while it does not listen, Unavailable when it ends."""
        await asyncio.get_running_loop().create_unix_connection(lambda: self, socket)
        self._transport.write(wire.frame(wire.DESCRIBE, _HEALTH_REQUEST))
        await self._described
        self.is_open = True

    def send(self, call: Call) -> None:
        """Put a call on the wire; its future ends when the answer is back."""
        self._last = number = self._last % (_NUMBERS - 1) + 1
        call.number, call.link = number, self
        call.attempts += 1
        self.calls[number] = call
        self._transport.write(wire.frame(call.kind, number, call.body, headers=call.headers))

    def forget(self, call: Call) -> None:
        """Nobody waits for this call any more."""
        if self.calls.pop(call.number, None) is not None:
            self._transport.write(wire.frame(wire.CANCEL, call.number))

    def ping(self, now_s: float) -> None:
        """Send a health check unless one is under way."""
        if self.pinged_s is None:
            self.pinged_s = now_s
            self._transport.write(wire.frame(wire.HEALTH, _HEALTH_REQUEST))

    def close(self) -> None:
        """Hang up now; calls under way go back to the owner."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its bases

    def connection_lost(self, _error: Exception | None) -> None:
        self.is_open = False
        if not self._described.done():
            what = "ended before it said what it serves"
            self._described.set_exception(Unavailable(Problem("GATE-020", self.replica, what, "see the replica's log")))
        calls, self.calls = list(self.calls.values()), {}
        if self.owner is not None:
            self.owner.lost(self, calls)

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
        except DatahallError:
            self._transport.abort()  # not our replica's words; its calls are sent elsewhere

    def _on_frame(self, kind: int, request: int, status: int, headers: bytes, body: bytes) -> None:
        if kind == wire.ANSWER:
            call = self.calls.pop(request, None)
            if call is not None and not call.future.done():
                call.status, call.reply_headers, call.reply = status, headers, body
                call.future.set_result(None)
            if self.owner is not None and self.owner.waiting:
                self.owner.freed(self)
        elif kind == wire.HEALTHY:
            self.pinged_s, self.health = None, orjson.loads(body)
        elif kind == wire.DESCRIPTION:
            self.description = orjson.loads(body)
            if not self._described.done():
                self._described.set_result(None)
        elif kind == wire.GOODBYE:
            self.is_open = False
            if self.owner is not None:
                self.owner.leaving(self)

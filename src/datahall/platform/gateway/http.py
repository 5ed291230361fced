"""HTTP/1.1 as uvicorn reads it, with limits for who is not known yet: a head so large, within so long.

    uvicorn.Config(app, http=GuardedProtocol, ws="none")

Bad HTTP is answered with problem details, after the answers before it. `scope[CONNECTION]` is the connection: an app that
puts what it waits for into `waits_for` is told when the client hangs up.
"""

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from datahall.foundation.errors import DatahallError, Late, Problem, Refused
from datahall.foundation.units import bytes_text
from datahall.platform.gateway.problems import PROBLEM_TYPE, problem_body
from datahall.platform.gateway.replies import CONNECTION, Waiting

_parsing = httptools_impl.httptools  # type: ignore[attr-defined]  # the parser that uvicorn brings, whichever it is
_OF_AN_OFFER = (b"connection", b"upgrade", b"http2-settings")
_LINGER_S = 2.0
"""After a refusal: what the client still sends is read and dropped for so long, lest a reset takes the answer from it."""


class HeadTooLarge(Refused):
    """The request line and headers are larger than the limit."""

    http_status: ClassVar[int] = 431
    title: ClassVar[str] = "Headers too large"


class HeadLate(Late):
    """The request line and headers did not come in time."""

    http_status: ClassVar[int] = 408


class GuardedProtocol(HttpToolsProtocol):
    """One connection."""

    max_head_bytes: ClassVar[int] = 64 * 1024
    head_timeout_s: ClassVar[float] = 10.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waits_for: Waiting | None = None
        self._is_in_head, self._is_shut = True, False
        self._began = False
        """A head began in the bytes that are being read."""
        self._head_bytes = self._first_bytes = 0
        """What was read of the head before them, at most; and what of it was read with its beginning."""
        self._read_bytes = 0
        self._fault: DatahallError | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._timer = self.loop.call_later(self.head_timeout_s, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)
        if self.waits_for is not None:
            self.waits_for.hang_up()

    def data_received(self, data: bytes) -> None:
        if not self._is_shut:
            self._began, self._read_bytes = False, len(data)
            self._unset_keepalive_if_required()
            self._parse(data)
        if self._is_shut:
            return
        if self._is_in_head:
            self._wait_for_head(len(data))
        elif self.cycle.response_complete and self.timeout_keep_alive_task is None:
            # Line ends between requests, or a body that nobody reads: the timer is stopped, and nothing began.
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _parse(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except _parsing.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        except _parsing.HttpParserError:
            self._refuse(self._fault or _not_http())

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[CONNECTION] = self  # type: ignore[typeddict-unknown-key]
        self._is_in_head = self._began = True
        self._head_bytes = self._first_bytes = 0

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        if self.parser.should_upgrade():
            return  # `_decline` comes next
        if self._timer is not None:
            self._stop_timer()
        if self._head_bytes + self._read_bytes > self.max_head_bytes:
            self._weigh_head()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _wait_for_head(self, read_bytes: int) -> None:
        """More of the head is to come. What was read with its beginning may belong to the request before: it is spared."""
        self._head_bytes += read_bytes
        if self._began:
            self._first_bytes = read_bytes
        if self._head_bytes - self._first_bytes > self.max_head_bytes:
            self._refuse(self._too_large())
        elif self._timer is None:
            self._timer = self.loop.call_later(self.head_timeout_s, self._give_up)

    def _decline(self, rest: bytes) -> None:
        """Read the request again without the offer to speak another protocol.

        Java's client offers HTTP/2 with each first request; the parser would take its body for words of that protocol.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(_not_http())
            return
        kept = [(name, value) for name, value in self.headers if name not in _OF_AN_OFFER]
        lines = [b"%s %s HTTP/%s" % (method, self.url, self.parser.get_http_version().encode())]
        lines += [name + b": " + value for name, value in kept]
        self.parser = _parsing.HttpRequestParser(self)
        again = b"\r\n".join([*lines, b"", rest])
        self._read_bytes = len(again)
        self._parse(again)

    def _weigh_head(self) -> None:
        """Raises HeadTooLarge, to the parser, which then ends."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.max_head_bytes:
            self._fault = self._too_large()
            raise self._fault

    def _too_large(self) -> HeadTooLarge:
        what = f"request line and headers are larger than {bytes_text(self.max_head_bytes)}"
        return HeadTooLarge(Problem("GATE-060", "headers", what, "send fewer or shorter headers"))

    def _give_up(self) -> None:
        self._timer = None
        if self._is_shut or self.transport.is_closing():
            return
        if not self._read_bytes:
            self.transport.close()  # it never said a word
            return
        what = f"request line and headers did not arrive within {self.head_timeout_s:g} s"
        self._refuse(HeadLate(Problem("GATE-061", "headers", what, "send them in one go")))

    def _refuse(self, error: DatahallError) -> None:
        """Answer with the error and read nothing more; answers that are under way go out first."""
        self._is_shut = True
        self._stop_timer()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            cycle.keep_alive = False  # the fault is in what follows that request: it gets its answer, then the end
            return
        if cycle is not None and cycle.response_started and not cycle.response_complete:
            self.transport.close()
            return
        if not self.transport.is_closing():
            self._answer(error)

    def _answer(self, error: DatahallError) -> None:
        body = problem_body(error)
        lines = (b"content-type: " + PROBLEM_TYPE, b"content-length: %d" % len(body), b"connection: close", b"", body)
        self.transport.write(STATUS_LINE[error.http_status] + b"\r\n".join(lines))
        if self.cycle is not None:
            self.cycle.disconnected = True  # who still reads the body is told that no more of it comes
            self.cycle.message_event.set()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._timer = self.loop.call_later(_LINGER_S, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _not_http() -> Refused:
    return Refused(Problem("GATE-062", "request", "is not HTTP/1.1", "send a well-formed request"))

"""Frames between the gateway and a replica: many requests on one connection, answered in any order.

    size u32 | request u32 | kind u8 | status u16 | header bytes u16 | headers (JSON, often empty) | body

`size` counts headers and body. `request` is chosen by the gateway and comes back with the answer; `status` is an HTTP
status and is 0 in questions. The body is what the client sent, untouched: only the replica parses it.
"""

import struct
from collections.abc import Callable
from typing import Any, Final

import orjson

from datahall.foundation.errors import Problem, Refused

INFER: Final = 1
"""A body of the Open Inference Protocol, version 2."""
PREDICT: Final = 2
"""A body of the plain protocol."""
HEALTH: Final = 3
DESCRIBE: Final = 4
CANCEL: Final = 5
"""The request is no longer waited for; drop it if it has not started."""

ANSWER: Final = 16
HEALTHY: Final = 17
DESCRIPTION: Final = 18
GOODBYE: Final = 19
"""The replica is about to end: what it has will be answered, send it nothing new."""

JSON_BYTES: Final = "json_bytes"
"""Header: length of the JSON part of a body that carries binary tensors."""
REQUEST_ID: Final = "request_id"
"""Header: the client's own request id, for the replica's log."""

MAX_FRAME_BYTES: Final = 1 << 28
_HEAD = struct.Struct("<IIBHH")
_HEAD_BYTES = _HEAD.size

OnFrame = Callable[[int, int, int, bytes, bytes], None]
"""Called with kind, request, status, headers, body."""


def frame(kind: int, request: int, body: bytes = b"", *, status: int = 0, headers: bytes = b"") -> bytes:
    """The bytes of one frame."""
    return _HEAD.pack(len(headers) + len(body), request, kind, status, len(headers)) + headers + body


def packed_headers(headers: dict[str, Any]) -> bytes:
    """The header block of `headers`; nothing when there are none."""
    return orjson.dumps(headers) if headers else b""


def unpacked_headers(block: bytes) -> dict[str, Any]:
    """What `packed_headers` packed."""
    return orjson.loads(block) if block else {}


class FrameReader:
    """Cuts a stream of bytes into frames and hands each to `on_frame`."""

    def __init__(self, on_frame: OnFrame, *, max_bytes: int = MAX_FRAME_BYTES) -> None:
        self._on_frame, self._max_bytes = on_frame, max_bytes
        self._held, self._need = bytearray(), 0

    def feed(self, data: bytes) -> None:
        """Take what arrived. Raises Refused when it cannot be a frame: the stream is then of no more use."""
        if self._held:
            self._held += data
            if len(self._held) < self._need:
                return
            data, self._held = bytes(self._held), bytearray()
        used = self._whole_frames(data)
        if used < len(data):
            self._held += data[used:]

    def _whole_frames(self, data: bytes) -> int:
        at, end, self._need = 0, len(data), _HEAD_BYTES
        while end - at >= _HEAD_BYTES:
            size, request, kind, status, header_bytes = _HEAD.unpack_from(data, at)
            headers_at = at + _HEAD_BYTES
            stop = headers_at + size
            if stop > end:
                self._need = self._checked(size) + _HEAD_BYTES
                break
            body_at = headers_at + header_bytes
            self._on_frame(kind, request, status, data[headers_at:body_at], data[body_at:stop])
            at = stop
        return at

    def _checked(self, size: int) -> int:
        if size > self._max_bytes:
            what = f"a frame of {size} bytes, but at most {self._max_bytes} are allowed"
            raise Refused(Problem("GATE-001", "replica connection", what, "only a gateway may speak to a replica's socket"))
        return size

"""Frames survive any cut of the stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahall.foundation.errors import Refused
from datahall.platform.gateway import wire

FRAMES = st.lists(
    st.tuples(st.integers(1, 19), st.integers(0, 2**32 - 1), st.binary(max_size=40), st.binary(max_size=9)), max_size=6
)


@given(frames=FRAMES, cuts=st.lists(st.integers(1, 60), max_size=20))
def test_frames_arrive_whole_however_the_stream_is_cut(frames, cuts):
    """Given frames and a stream cut anywhere, the reader hands out the same frames in order."""
    stream = b"".join(wire.frame(kind, request, body, status=7, headers=headers) for kind, request, body, headers in frames)
    seen = []
    reader = wire.FrameReader(lambda kind, request, status, headers, body: seen.append((kind, request, status, body, headers)))
    for cut in cuts:
        reader.feed(stream[:cut])
        stream = stream[cut:]
    if stream:
        reader.feed(stream)
    assert seen == [(kind, request, 7, body, headers) for kind, request, body, headers in frames]


def test_a_stranger_on_the_socket_is_refused():
    """Given `GET /v2 HTTP/1.1` on a replica's socket, the reader says that only a gateway may speak there."""
    reader = wire.FrameReader(lambda *_: None)
    with pytest.raises(Refused, match="GATE-001 a frame of 542393671 bytes"):
        reader.feed(b"GET /v2 HTTP/1.1\r\n\r\n")


def test_headers_cost_nothing_when_there_are_none():
    """Given no headers, the block is empty; otherwise it comes back as it was."""
    assert wire.packed_headers({}) == b""
    assert wire.unpacked_headers(wire.packed_headers({"json_bytes": 12})) == {"json_bytes": 12}

"""Messages and connections."""

import numpy as np
import pytest

from datahall.network import constants
from datahall.network.transport import goodput_bytes_per_s, message_s, payload_ratio, tcp_connection, wire_bytes

NDR_BYTES_PER_S = 50e9


def test_a_message_is_overhead_switches_fibre_and_bytes():
    """Given an empty message over three switches and 100 m of fibre, RoCE takes 3.5 + 0.6 + 0.49 us and a header."""
    seconds = message_s(0, protocol="roce_v2", link_bytes_per_s=NDR_BYTES_PER_S, hops=3, distance_m=100)
    assert float(seconds) == pytest.approx(3.5e-6 + 3 * 0.2e-6 + 0.49e-6 + 82 / 50e9, rel=1e-9)


@pytest.mark.parametrize(("slower", "faster"), [("tcp", "roce_v2"), ("roce_v2", "infiniband")])
def test_small_messages_rank_the_protocols(slower, faster):
    """Given 64 bytes, TCP is slower than RoCE, and RoCE than InfiniBand."""
    seconds = [float(message_s(64, protocol=name, link_bytes_per_s=NDR_BYTES_PER_S)) for name in (slower, faster)]
    assert seconds[0] > seconds[1]


@pytest.mark.parametrize("protocol", ["tcp", "roce_v2", "infiniband", "nvlink"])
def test_goodput_rises_to_the_payload_share_of_the_line(protocol):
    """Given sizes from 1 KiB to 1 TiB, goodput rises and ends at the share of a packet that is payload."""
    rates = goodput_bytes_per_s(np.geomspace(2**10, 2**40, 11), protocol=protocol, link_bytes_per_s=NDR_BYTES_PER_S)
    assert np.all(np.diff(rates) > 0)
    assert rates[-1] == pytest.approx(NDR_BYTES_PER_S * payload_ratio(protocol), rel=1e-4)


def test_each_packet_carries_its_headers():
    """Given 8,193 bytes of RoCE at an MTU of 4,096, three packets carry 82 bytes more each."""
    assert float(wire_bytes(8193, protocol="roce_v2")) == 8193 + 3 * 82


@pytest.mark.parametrize(
    ("rtt_s", "loss_ratio", "window_bytes", "limit"),
    [(1e-4, 0.0, 64e6, "link"), (0.1, 0.0, 64e6, "window"), (0.1, 1e-4, 1e9, "loss")],
)
def test_a_connection_says_what_bounds_it(rtt_s, loss_ratio, window_bytes, limit):
    """Given a fast line, the round trip, the window or the losses take over in turn."""
    found = tcp_connection(link_bytes_per_s=12.5e9, rtt_s=rtt_s, window_bytes=window_bytes, loss_ratio=loss_ratio)
    assert found.limit == limit
    assert found.bytes_per_s <= 12.5e9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"protocol": "carrier pigeon"}, "choose one of tcp"),
        ({"link_bytes_per_s": 0.0}, "link_bytes_per_s must be positive"),
        ({"distance_m": -1.0}, "not negative"),
    ],
)
def test_nonsense_is_refused(arguments, message):
    """Given an unknown protocol, no bandwidth or a negative distance, the error says what is allowed."""
    with pytest.raises(ValueError, match=message):
        message_s(1, **({"protocol": "tcp", "link_bytes_per_s": 1e9} | arguments))


def test_negative_sizes_are_refused():
    """Given a negative size, the error says so."""
    with pytest.raises(ValueError, match="size_bytes must not be negative"):
        wire_bytes(-1, protocol="tcp")


@pytest.mark.parametrize("arguments", [{"window_bytes": 0.0}, {"loss_ratio": 2.0}])
def test_connections_refuse_nonsense(arguments):
    """Given no window or more losses than packets, the error says what is allowed."""
    with pytest.raises(ValueError, match="must be positive"):
        tcp_connection(**({"link_bytes_per_s": 1e9, "rtt_s": 0.1, "window_bytes": 1e6, "loss_ratio": 0.1} | arguments))


def test_every_constant_has_its_source():
    """Given the files of constants, each figure says where and when it was read; the readers refuse one that does not."""
    for protocol in constants.transport().protocols.values():
        assert protocol.overhead_s.source
        assert protocol.header_bytes.date
    assert all(row.source and row.date for row in (*constants.links().links, *constants.links().accelerators))

"""One message or one connection: TCP, RoCE v2, InfiniBand, NVLink; and the way between sites."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from datahall.network import constants
from datahall.network.constants.read import ProtocolConstants

EARTH_RADIUS_KM = 6371.0088
"""Mean radius R1 of GRS 80 (Moritz, J. Geodesy 74, 2000)."""
MATHIS = math.sqrt(3 / 2)
"""1.22: loss-limited TCP, one acknowledgement per segment (Mathis et al., ACM CCR 27(3), 1997)."""

Floats = NDArray[np.float64]


def message_s(
    size_bytes: ArrayLike, *, protocol: str, link_bytes_per_s: float, hops: int = 1, distance_m: float = 0.0
) -> Floats:
    """Time of one message, s, of the shape of `size_bytes`: overhead + hops x switch + distance in fibre + bytes on the wire.

    link_bytes_per_s: line rate of the slowest link, one direction; headers are added to the size.
    Raises ValueError for an unknown protocol, a negative size or distance, or no bandwidth.
    """
    if not link_bytes_per_s > 0 or hops < 0 or distance_m < 0:
        raise ValueError("message_s: link_bytes_per_s must be positive, hops and distance_m not negative")
    figures, row = constants.transport(), _row(protocol)
    fixed_s = row.overhead_s.value + hops * figures.switch_s.value + distance_m * figures.fibre_s_per_m.value
    return fixed_s + wire_bytes(size_bytes, protocol=protocol) / link_bytes_per_s


def goodput_bytes_per_s(
    size_bytes: ArrayLike, *, protocol: str, link_bytes_per_s: float, hops: int = 1, distance_m: float = 0.0
) -> Floats:
    """Size over `message_s`, bytes/s: rises with the size towards line rate x `payload_ratio`."""
    seconds = message_s(size_bytes, protocol=protocol, link_bytes_per_s=link_bytes_per_s, hops=hops, distance_m=distance_m)
    return np.asarray(size_bytes, dtype=float) / seconds


def wire_bytes(size_bytes: ArrayLike, *, protocol: str) -> Floats:
    """Bytes on the wire of one message: its own, and the headers of each packet (an empty message is one packet)."""
    sizes = np.asarray(size_bytes, dtype=float)
    if np.any(sizes < 0):
        raise ValueError("size_bytes must not be negative")
    row = _row(protocol)
    packets = np.maximum(1.0, np.ceil(sizes / (row.mtu_bytes - row.headers_within_mtu_bytes)))
    return sizes + packets * row.header_bytes.value


def payload_ratio(protocol: str) -> float:
    """Share of a full packet's bytes that is payload."""
    row = _row(protocol)
    payload = row.mtu_bytes - row.headers_within_mtu_bytes
    return payload / (payload + row.header_bytes.value)


def loss_limited_bytes_per_s(*, segment_bytes: float, rtt_s: float, loss_ratio: float) -> float:
    """Most that one TCP connection carries at a loss rate, bytes/s; infinite without loss.

    Source: Mathis, Semke, Mahdavi and Ott, ACM CCR 27(3), 1997, doi:10.1145/263932.264023: MSS / RTT x sqrt(3/2) / sqrt(p).
    """
    if not segment_bytes > 0 or not rtt_s > 0 or not 0 <= loss_ratio <= 1:
        raise ValueError("segment_bytes and rtt_s must be positive, loss_ratio within 0 to 1")
    return math.inf if loss_ratio == 0 else segment_bytes / rtt_s * MATHIS / math.sqrt(loss_ratio)


@dataclass(frozen=True, slots=True)
class Connection:
    """Steady rate of one TCP connection, and what bounds it: `link`, `window` or `loss`."""

    bytes_per_s: float
    limit: str


def tcp_connection(
    *, link_bytes_per_s: float, rtt_s: float, window_bytes: float, loss_ratio: float = 0.0, segment_bytes: float = 1448.0
) -> Connection:
    """A long TCP connection: the least of line rate after headers, window per round trip, and the bound of losses.

    segment_bytes: 1448 is what is left of an Ethernet frame of 1500 after IP, TCP and timestamps.
    """
    if not link_bytes_per_s > 0 or not window_bytes > 0 or not rtt_s > 0:
        raise ValueError("link_bytes_per_s, window_bytes and rtt_s must be positive")
    header = constants.transport().protocols["tcp"].header_bytes.value
    bounds = {
        "link": link_bytes_per_s * segment_bytes / (segment_bytes + header),
        "window": window_bytes / rtt_s,
        "loss": loss_limited_bytes_per_s(segment_bytes=segment_bytes, rtt_s=rtt_s, loss_ratio=loss_ratio),
    }
    limit = min(bounds, key=lambda name: bounds[name])
    return Connection(bounds[limit], limit)


def great_circle_km(latitude_deg: ArrayLike, longitude_deg: ArrayLike, *, to: tuple[ArrayLike, ArrayLike]) -> Floats:
    """Distance over the ground between two places, km (haversine on a sphere, within 0.6 % of the ellipsoid)."""
    lat_1, lon_1, lat_2, lon_2 = (np.radians(np.asarray(each, dtype=float)) for each in (latitude_deg, longitude_deg, *to))
    half = np.sin((lat_2 - lat_1) / 2) ** 2 + np.cos(lat_1) * np.cos(lat_2) * np.sin((lon_2 - lon_1) / 2) ** 2
    distance_km: Floats = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return distance_km


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """Round-trip time between sites, s: median and quartiles over real paths."""

    median_s: Floats
    low_s: Floats
    high_s: Floats


def round_trip(distance_km: ArrayLike) -> RoundTrip:
    """Round trip over `distance_km` of ground: light in fibre there and back, stretched as real paths are."""
    figures = constants.transport()
    straight_s = 2 * np.asarray(distance_km, dtype=float) / figures.fibre_km_per_ms.value * 1e-3
    stretches = figures.path_stretch_median, figures.path_stretch_low, figures.path_stretch_high
    return RoundTrip(*(straight_s * each.value for each in stretches))


def _row(protocol: str) -> ProtocolConstants:
    rows = constants.transport().protocols
    if protocol not in rows:
        raise ValueError(f"no protocol named {protocol}: choose one of {', '.join(rows)}")
    return rows[protocol]

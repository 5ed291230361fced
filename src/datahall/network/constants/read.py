"""The shapes of the constants' files, and their readers."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from datahall.foundation.document import load
from datahall.foundation.spec import Spec
from datahall.foundation.units import BitsPerS, BytesPerS

FOLDER = Path(__file__).parent


class Sourced(Spec):
    """Where and when something was read."""

    source: str = Field(min_length=4)
    date: str = Field(pattern=r"^\d{4}-\d{2}(-\d{2})?$")
    checked: Literal["read", "secondary", "unverified"] = "read"
    note: str | None = None


class Constant(Sourced):
    """One figure."""

    value: float
    unit: str = Field(min_length=1)


class ProtocolConstants(Spec):
    """What one transport protocol costs."""

    overhead_s: Constant
    """Both ends of one message, without wire and switches."""
    mtu_bytes: int = Field(gt=0)
    header_bytes: Constant
    """Bytes on the wire beside the payload of one packet."""
    headers_within_mtu_bytes: int = Field(ge=0)
    """Those of them that the MTU counts."""


class TransportConstants(Spec):
    fibre_s_per_m: Constant
    fibre_km_per_ms: Constant
    path_stretch_median: Constant
    path_stretch_low: Constant
    path_stretch_high: Constant
    switch_s: Constant
    protocols: Mapping[str, ProtocolConstants]


class CollectiveConstants(Spec):
    start_s: Constant
    network_ring_step_s: Constant
    network_tree_step_s: Constant
    network_simple_step_s: Constant
    within_many_domains_ratio: Constant
    tree_ratio: Constant
    in_network_s: Constant
    network_ratio: Constant


class FittedConstants(Spec):
    """What benchmarks/network/fit_collectives.py wrote."""

    hop_cycles: Constant
    pipeline_ratio: Constant
    baseline_start_s: Constant
    """Start-up of the plain model t = a + f S / B, fitted on the same system."""


class LinkRow(Sourced):
    """A kind of scale-up link."""

    name: str
    ring_ratio: float = Field(gt=0, le=1)
    """Share of the data sheet's bandwidth that rings reach at large sizes."""
    in_network_ratio: float | None = Field(default=None, gt=0, le=1)
    """The same for reductions within the switch; None: its switch cannot reduce."""
    step_ratio: float = Field(default=1.0, gt=0)
    """Duration of a step over that of NVLink."""
    domain: int = Field(ge=1)
    """Accelerators that it usually joins."""
    mesh_peers: int | None = Field(default=None, ge=1)
    """Direct links to so many peers and no switch: fewer ranks use fewer of them."""


class AcceleratorLink(Sourced):
    match: str
    link: str
    bytes_per_s: BytesPerS
    clock_hz: float = Field(gt=0)
    domain: int = Field(ge=1)


class ServerNetwork(Sourced):
    match: str
    accelerators: int = Field(ge=1)
    ports: int = Field(ge=1)
    port_bits_per_s: BitsPerS


class LinkConstants(Spec):
    links: tuple[LinkRow, ...]
    accelerators: tuple[AcceleratorLink, ...]
    servers: tuple[ServerNetwork, ...]


@functools.cache
def transport() -> TransportConstants:
    return load(FOLDER / "transport.yaml", TransportConstants)


@functools.cache
def collectives() -> CollectiveConstants:
    return load(FOLDER / "collectives.yaml", CollectiveConstants)


@functools.cache
def fitted() -> FittedConstants:
    return load(FOLDER / "fitted.yaml", FittedConstants)


@functools.cache
def links() -> LinkConstants:
    return load(FOLDER / "links.yaml", LinkConstants)

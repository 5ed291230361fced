"""The links within a scale-up domain, as collectives see them."""

import re
from dataclasses import dataclass

from datahall.network import constants
from datahall.network.constants.read import AcceleratorLink, LinkRow


@dataclass(frozen=True, slots=True)
class ScaleUp:
    """One accelerator's links to its neighbours: NVLink through a switch, a mesh of xGMI, PCIe."""

    name: str
    bytes_per_s: float
    """Of the data sheet: one direction, all links of one accelerator together."""
    step_s: float
    """One step of a ring: write, signal, wait."""
    ring_ratio: float
    """Share of bytes_per_s that rings reach at large sizes."""
    in_network_ratio: float | None = None
    """The same for reductions in the switch (NVLS); None: it cannot."""
    mesh_peers: int | None = None
    """Links straight to so many peers: a group of fewer ranks uses only the links among them."""

    def ring_bytes_per_s(self, ranks: int) -> float:
        """What a ring of `ranks` within the domain gets, bytes/s."""
        return self.bytes_per_s * self.ring_ratio * self.used_ratio(ranks)

    def used_ratio(self, ranks: int) -> float:
        """Share of the links that lead to members of the group."""
        return 1.0 if self.mesh_peers is None else min(1.0, (ranks - 1) / self.mesh_peers)


def scale_up(link: str, *, bytes_per_s: float, clock_hz: float) -> ScaleUp | None:
    """The links of an accelerator by the name of their kind, such as `NVLink4`; None for a kind without figures.

    A step takes a fixed number of the accelerator's clock cycles: what waits is its own cores, not the wire.
    """
    row = next((row for row in constants.links().links if row.name == link), None)
    return None if row is None else _scale_up(row, bytes_per_s=bytes_per_s, clock_hz=clock_hz)


def scale_up_of(accelerator: str) -> tuple[ScaleUp, int] | None:
    """The links of an accelerator named somewhere in a text, and how many such links usually join; None if none is known."""
    row = link_row_of(accelerator)
    if row is None:
        return None
    found = scale_up(row.link, bytes_per_s=row.bytes_per_s, clock_hz=row.clock_hz)
    return None if found is None else (found, row.domain)


def link_row_of(text: str) -> AcceleratorLink | None:
    """The first row of accelerators whose name stands in the text, not as a part of a longer word or number."""
    rows = constants.links().accelerators
    return next((row for row in rows if re.search(rf"(?<![A-Za-z0-9])(?:{row.match})(?![0-9])", text, re.IGNORECASE)), None)


def _scale_up(row: LinkRow, *, bytes_per_s: float, clock_hz: float) -> ScaleUp:
    step_s = constants.fitted().hop_cycles.value / clock_hz * row.step_ratio
    return ScaleUp(row.name, bytes_per_s, step_s, row.ring_ratio, row.in_network_ratio, row.mesh_peers)

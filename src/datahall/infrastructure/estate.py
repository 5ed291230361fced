"""What stands in the hall, added up: rack by rack, with names written out and parts looked up."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from datahall.foundation.ranges import names_of
from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.catalog.part_specs import Device, ServerPart
from datahall.infrastructure.spec import Hall, Node, RackGroup

IDLE_RATIO = 0.30
"""Idle over peak power where a row does not say: between a Frontier node's 0.26 (ExaDigiT/RAPS config/frontier.yaml, all
parts idle over all at maximum: 7.28 over 28.20 MW) and the third that servers with spinning fans take."""


@dataclass(frozen=True, slots=True)
class Content:
    """Devices of one type in each rack of a block."""

    device: Device
    count: int
    """In one rack."""
    peak_w: float
    """Of one device, caps applied."""
    idle_w: float
    cords: int
    """Plugged in, of one device."""

    @property
    def accelerators(self) -> int:
        return self.count * self.device.accelerators if isinstance(self.device, ServerPart) else 0


@dataclass(frozen=True, slots=True)
class RackBlock:
    """Racks that were declared together; each holds the same."""

    index: int
    """Its place in hall.racks."""
    group: RackGroup
    names: tuple[str, ...]
    contents: tuple[Content, ...]

    @property
    def peak_w(self) -> float:
        """Of one rack, W."""
        return sum(c.count * c.peak_w for c in self.contents)

    @property
    def idle_w(self) -> float:
        return sum(c.count * c.idle_w for c in self.contents)

    @property
    def liquid_ratio(self) -> float:
        """Share of the rack's heat that leaves by liquid, weighted by peak power; without rear doors."""
        return sum(c.count * c.peak_w * c.device.liquid_heat_ratio for c in self.contents) / self.peak_w if self.peak_w else 0.0

    @property
    def accelerators(self) -> int:
        """In one rack."""
        return sum(c.accelerators for c in self.contents)

    @property
    def contents_kg(self) -> float:
        """Weight of what is in one rack, of the devices whose weight is known."""
        return sum(c.count * (c.device.weight_kg or 0.0) for c in self.contents)

    @property
    def units_used(self) -> int:
        return sum(c.count * c.device.units for c in self.contents)


@dataclass(frozen=True)
class Estate:
    """All racks of a hall, and the machines that stand outside of racks."""

    blocks: tuple[RackBlock, ...]
    nodes: tuple[Node, ...] = ()
    unknown_parts: tuple[str, ...] = ()
    """Parts of racks that no catalogue has; they are counted nowhere, and a check has named them."""

    @cached_property
    def racks(self) -> int:
        return sum(len(block.names) for block in self.blocks)

    @cached_property
    def accelerators(self) -> int:
        return sum(len(b.names) * b.accelerators for b in self.blocks) + sum(len(node.accelerators) for node in self.nodes)

    @cached_property
    def peak_w(self) -> float:
        """All IT equipment in racks and all nodes, W at the inlets."""
        return sum(len(b.names) * b.peak_w for b in self.blocks) + sum(
            peak for node in self.nodes if (peak := node_peak_w(node))
        )

    @cached_property
    def idle_w(self) -> float:
        in_racks = sum(len(b.names) * b.idle_w for b in self.blocks)
        return in_racks + sum(IDLE_RATIO * peak for node in self.nodes if (peak := node_peak_w(node)))

    @cached_property
    def servers(self) -> Mapping[str, tuple[ServerPart, int]]:
        """Servers in racks by part name, with how many there are."""
        found: dict[str, tuple[ServerPart, int]] = {}
        for block, content in self._contents():
            if isinstance(content.device, ServerPart):
                before = found.get(content.device.name, (content.device, 0))[1]
                found[content.device.name] = (content.device, before + len(block.names) * content.count)
        return found

    @cached_property
    def devices(self) -> Mapping[str, tuple[Device, int]]:
        """All that stands in racks, by part name, with how many there are."""
        found: dict[str, tuple[Device, int]] = {}
        for block, content in self._contents():
            before = found.get(content.device.name, (content.device, 0))[1]
            found[content.device.name] = (content.device, before + len(block.names) * content.count)
        return found

    def _contents(self) -> Iterator[tuple[RackBlock, Content]]:
        for block in self.blocks:
            for content in block.contents:
                yield block, content


def node_peak_w(node: Node) -> float | None:
    """Full draw of a machine that is here, from its processors' and accelerators' design power, W; None when one is unknown.

    Power supplies, memory, fans and disks are not in it.
    """
    powers = [node.cpu.tdp_w and node.cpu.tdp_w * node.cpu.sockets, *(a.tdp_w for a in node.accelerators)]
    return None if any(power is None for power in powers) else sum(power for power in powers if power)


def estate_of(hall: Hall, catalogue: Catalogue) -> Estate:
    """The hall's equipment. Parts that the catalogue lacks are left out and named in `unknown_parts`."""
    known = catalogue.devices
    blocks = tuple(
        RackBlock(index, group, names_of(group.name), tuple(_contents_of(group, known)))
        for index, group in enumerate(hall.racks)
    )
    wanted = {contents.part for group in hall.racks for contents in group.contents}
    return Estate(blocks, hall.nodes, tuple(sorted(wanted - known.keys())))


def _contents_of(group: RackGroup, known: Mapping[str, Device]) -> Iterator[Content]:
    for contents in group.contents:
        if (device := known.get(contents.part)) is None or contents.count == 0:
            continue
        peak_w = min(device.peak_power_w, contents.power_cap_w or device.peak_power_w)
        cords = device.cords if contents.cords is None else contents.cords
        yield Content(device, contents.count, peak_w, min(peak_w, idle_power_w(device)), cords)


def idle_power_w(device: Device) -> float:
    """With nothing to do, W: what its row says, else a share of a server's peak; all else draws the same at any load."""
    if device.idle_power_w is not None:
        return device.idle_power_w
    return IDLE_RATIO * device.peak_power_w if isinstance(device, ServerPart) else device.peak_power_w


def with_draw(estate: Estate, draw_w: Mapping[str, float]) -> Estate:
    """The same racks, where the parts that are named draw so much at any load, W of one; a cap still holds them back."""
    blocks = tuple(replace(block, contents=tuple(_drawing(c, draw_w) for c in block.contents)) for block in estate.blocks)
    return replace(estate, blocks=blocks)


def _drawing(content: Content, draw_w: Mapping[str, float]) -> Content:
    found = draw_w.get(content.device.name)
    if found is None:
        return content
    capped = content.peak_w < content.device.peak_power_w
    drawn_w = min(found, content.peak_w) if capped else found
    return replace(content, peak_w=drawn_w, idle_w=drawn_w)

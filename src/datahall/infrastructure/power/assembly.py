"""From the hall file to the power graph."""

from collections.abc import Sequence

from datahall.foundation.errors import Refused
from datahall.foundation.paths import dotted_path
from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.estate import Estate, RackBlock, node_peak_w
from datahall.infrastructure.power.element import Racks
from datahall.infrastructure.power.figures import element_of, figure_faults
from datahall.infrastructure.power.graph import PowerGraph
from datahall.infrastructure.power.wiring import Wiring, wired
from datahall.infrastructure.spec import Power


def power_graph(power: Power | None, estate: Estate, catalogue: Catalogue, *, more_it_w: float = 0.0) -> PowerGraph:
    """The graph that a hall declares; without a power section, one in which all racks draw straight from the site.

    more_it_w: full draw of IT equipment that stands in no rack, such as switches that a fabric asks for, W.
    Raises Refused with every fault of the wiring; the checks name the same ones with their lines.
    """
    power = power or Power()
    wiring = wired(power, [block.group for block in estate.blocks])
    faults = [*wiring.faults, *figure_faults(power.elements, catalogue.power)]
    if faults:
        raise Refused(fault.problem(dotted_path) for fault in faults)
    return assembled(power, estate, catalogue, wiring, more_it_w=more_it_w)


def assembled(power: Power, estate: Estate, catalogue: Catalogue, wiring: Wiring, *, more_it_w: float = 0.0) -> PowerGraph:
    """The graph of a wiring that has no faults."""
    order = _order(wiring.parents)
    new = {old: i for i, old in enumerate(order)}
    rows = [catalogue.power.get(spec.part) if spec.part else None for spec in power.elements]
    elements = tuple(
        element_of(
            power.elements[number := wiring.entry[old]],
            rows[number],
            name=wiring.names[old],
            number=number,
            parents=tuple(new[p] for p in wiring.parents[old]),
        )
        for old in order
    )
    racks = _racks(estate.blocks, wiring, new)
    unfed = [r for r, feeds in enumerate(racks.feeds) if not feeds]
    loose_w = sum(racks.peak_w[r] for r in unfed) + sum(node_peak_w(node) or 0.0 for node in estate.nodes)
    fed = any(peak for peak, feeds in zip(racks.peak_w, racks.feeds, strict=True) if feeds)
    return PowerGraph(
        elements=elements,
        racks=racks,
        mechanical=tuple(new[i] for i in wiring.mechanical),
        critical=tuple(new[i] for i in wiring.critical),
        house_load_w=power.house_load_w,
        more_it_w=more_it_w if fed else 0.0,
        loose_it_w=loose_w if fed else loose_w + more_it_w,
        unfed_racks=tuple(racks.names[r] for r in unfed),
    )


def _order(parents: Sequence[tuple[int, ...]]) -> list[int]:
    """Sources first, then by the longest way from one; as declared among equals."""
    children: list[list[int]] = [[] for _ in parents]
    waiting = [len(set(p)) for p in parents]
    for child, above in enumerate(parents):
        for parent in above:
            children[parent].append(child)
    level, ready = [0] * len(parents), [i for i, count in enumerate(waiting) if count == 0]
    for i in ready:  # grows while it is walked
        for child in children[i]:
            level[child] = max(level[child], level[i] + 1)
            waiting[child] -= 1
            if waiting[child] == 0:
                ready.append(child)
    return sorted(range(len(parents)), key=lambda i: (level[i], i))


def _racks(blocks: Sequence[RackBlock], wiring: Wiring, new: dict[int, int]) -> Racks:
    every = [
        (block, name, feeds)
        for block, dealt in zip(blocks, wiring.rack_feeds, strict=True)
        for name, feeds in zip(block.names, dealt, strict=True)
    ]
    peaks = {block.index: block.peak_w for block in blocks}
    needed = {block.index: sides_needed(block) for block in blocks}
    return Racks(
        names=tuple(name for _, name, _ in every),
        block=tuple(place for place, block in enumerate(blocks) for _ in block.names),
        peak_w=tuple(peaks[block.index] for block, _, _ in every),
        feeds=tuple(tuple(new[i] for i in feeds) for *_, feeds in every),
        sides_needed=tuple(needed[block.index] for block, _, _ in every),
        phase=tuple(block.group.phase for block, _, _ in every),
    )


def sides_needed(block: RackBlock) -> int:
    """Cord sides of a rack that must be alive, whichever they are, so that each device keeps the cords it needs.

    Cords are spread over the sides as evenly as they go. Devices on the rack's busbar need one side.
    """
    sides = len(block.group.feeds)
    if sides == 0:
        return 0
    needed = 1
    for content in block.contents:
        most, left = divmod(content.cords, sides)
        cords = [most] * (sides - left) + [most + 1] * left
        wanted = min(content.device.cords_needed, content.cords)
        while sum(cords[:needed]) < wanted:
            needed += 1
    return needed

"""Rules about cables, and about the racks that the switches stand in."""

from collections import Counter
from collections.abc import Iterator

from datahall.foundation.errors import Problem
from datahall.foundation.ranges import names_of
from datahall.network.checks.context import Check, Declared, NetworkContext


def cable_too_short(context: NetworkContext) -> Iterator[Problem]:
    """NET-009: a declared cable reaches as far as its links are long."""
    for at in context.declared:
        for field, name, length_m in _cables(at):
            part = at.cable(name)
            if part and length_m and length_m > part.reach_m and part.bits_per_s == at.fabric.link_bits_per_s:
                what = f"links are up to {length_m:g} m long, but {part.name} reaches {part.reach_m:g} m"
                fix = f"choose a cable that reaches further, or leave `{field}` out to have one chosen"
                yield Problem("NET-009", context.place(at.index, field), what, fix)


def no_cable_reaches(context: NetworkContext) -> Iterator[Problem]:
    """NET-010: the catalogue has a cable that reaches, where none is declared."""
    rows = context.catalogue.cables.values()
    for at in context.declared:
        rate = at.fabric.link_bits_per_s
        longest = max((row.reach_m for row in rows if row.bits_per_s == rate), default=0.0)
        for field, name, length_m in _cables(at):
            if name is None and length_m is not None and length_m > longest:
                what = f"links are up to {length_m:g} m long, but the farthest cable at {rate / 1e9:g} Gbit/s "
                what += f"reaches {longest:g} m" if longest else "is in no catalogue"
                fix = "move the switches closer, or add a cable to a catalogue file of your own"
                where = "cable_length_m" if field == "cable" else "uplink_length_m"
                yield Problem("NET-010", context.place(at.index, where), what, fix)


def cable_of_another_rate(context: NetworkContext) -> Iterator[Problem]:
    """NET-011: a declared cable is made for the line rate of the links."""
    for at in context.declared:
        for field, name, _ in _cables(at):
            part = at.cable(name)
            if part and part.bits_per_s != at.fabric.link_bits_per_s:
                what = f"links run at {at.fabric.link_bits_per_s / 1e9:g} Gbit/s, but {part.name} is made for "
                what += f"{part.bits_per_s / 1e9:g} Gbit/s"
                fix = "choose a cable of the rate of the links"
                yield Problem("NET-011", context.place(at.index, field), what, fix)


def too_few_switches(context: NetworkContext) -> Iterator[Problem]:
    """NET-012: the racks that a fabric names hold as many of its switches as it takes.

    Two fabrics with the same switch in the same racks share what is there, in the order of the file.
    """
    stock = _switches_by_rack(context)
    for at in context.declared:
        racks = [rack for pattern in at.fabric.racks for rack in names_of(pattern)]
        if at.built is None or not racks or not context.rack_names.issuperset(racks) or not _reads_all(context, racks):
            continue
        needed = at.built.switches
        for rack in racks:
            taken = min(needed, stock[rack, at.fabric.switch])
            stock[rack, at.fabric.switch] -= taken
            needed -= taken
        if needed:
            total = at.built.switches
            what = f"it takes {total} {at.fabric.switch}, but its racks hold {total - needed} for it"
            fix = f"add {needed} more to `contents` of these racks, or name more racks"
            yield Problem("NET-012", context.place(at.index, "racks"), what, fix)


def _reads_all(context: NetworkContext, racks: list[str]) -> bool:
    """Whether all that stands in these racks is known: else a switch that seems to lack may be one with a misspelt name."""
    known, groups = context.below.catalogue.devices, enumerate(context.below.hall.racks)
    here = [(i, group) for i, group in groups if not set(racks).isdisjoint(names_of(group.name))]
    return all(
        not context.below.unread(("racks", i)) and all(contents.part in known for contents in group.contents)
        for i, group in here
    )


def _switches_by_rack(context: NetworkContext) -> Counter[tuple[str, str]]:
    """Devices by rack and part."""
    stock: Counter[tuple[str, str]] = Counter()
    wanted = {at.fabric.switch for at in context.declared if at.fabric.racks}
    for group in context.below.hall.racks:
        for contents in group.contents:
            if contents.part in wanted:
                for rack in names_of(group.name):
                    stock[rack, contents.part] += contents.count
    return stock


def _cables(at: Declared) -> Iterator[tuple[str, str | None, float | None]]:
    """Field, name and length of the cable to servers and of the one between switches."""
    yield "cable", at.fabric.cable, at.fabric.cable_length_m
    yield "uplink_cable", at.fabric.uplink_cable, at.fabric.uplink_length_m


CHECKS: tuple[Check, ...] = (cable_too_short, no_cable_reaches, cable_of_another_rate, too_few_switches)

"""A group from how people write a test system: `H100 SXM x8 (ND H100 v5)`, `B200, 4 nodes, 8x400G`."""

import math
import re
from dataclasses import dataclass, replace

from datahall.network import constants
from datahall.network.collectives.group import Group
from datahall.network.collectives.scale_up import ScaleUp, scale_up_of
from datahall.network.collectives.timing import algorithms

_GENERATIONS = {"EDR": 100e9, "HDR": 200e9, "NDR": 400e9, "XDR": 800e9}
_USUAL = {r"H[12]00": "NDR", r"A100": "HDR"}
"""InfiniBand of the generation's DGX servers, one port an accelerator: assumed where a text names no network.
Source: NVIDIA DGX H100 and DGX A100 data sheets."""
_COLLECTIVES = {
    "all_gather": r"all[ _-]?gather",
    "reduce_scatter": r"reduce[ _-]?scatter",
    "all_to_all": r"all[ _-]?to[ _-]?all",
    "broadcast": r"broadcast|bcast",
    "send_recv": r"send[ _-]?recv|sendrecv|p2p",
    "all_reduce": r"all[ _-]?reduce",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What was understood of a system: a group, or None; and in `note` what was assumed, or what is missing."""

    group: Group | None
    note: str


def group_of(system: str, ranks: int) -> Reading:
    """The group of `ranks` accelerators that a text names.

    The accelerator gives links and clock; ranks beyond one scale-up domain need a server that is known, a text that
    tells the ports (`8x400G`, `NDR`), or an A100, H100 or H200, which are taken to have one InfiniBand port each, as the
    note then says. Nothing is guessed beyond that: an unknown accelerator or network gives no group.
    """
    found = scale_up_of(system)
    if found is None:
        return Reading(None, f"no accelerator with known links is named in `{system}`")
    links, usual = found
    within = _within(system, ranks, usual)
    if ranks <= within:
        return Reading(Group(ranks, max(1, within), links), "")
    return _across(system, ranks, within, links)


def collective_of(*texts: str) -> str:
    """The collective that the texts name, the first text first; all-reduce where none does."""
    for text in texts:
        for name, pattern in _COLLECTIVES.items():
            if re.search(pattern, text, re.IGNORECASE):
                return name
    return "all_reduce"


def algorithm_of(text: str, *, collective: str, group: Group) -> str:
    """The algorithm that a text names and the group can run; else `auto`, as for `default` and the empty text."""
    words = text.lower()
    if "default" in words or "auto" in words:
        return "auto"
    named = {"nvls": "nvls", "sharp": "in_network", "collnet": "in_network", "tree": "tree", "ring": "ring"}
    return next((name for word, name in named.items() if word in words and name in algorithms(collective, group)), "auto")


def _within(system: str, ranks: int, usual: int) -> int:
    """Ranks of one domain: as the text says by NVL72 or by a number of nodes, else what the links usually join."""
    if rack := re.search(r"NVL[ -]?(\d+)", system, re.IGNORECASE):
        usual = int(rack[1])
    nodes = re.search(r"(\d+)\s*[x×]?\s*(?:nodes?|hosts?|servers?)\b", system, re.IGNORECASE)
    if nodes and usual <= 8:
        usual = min(usual, math.ceil(ranks / max(1, int(nodes[1]))))
    return max(1, usual)


def _across(system: str, ranks: int, within: int, links: ScaleUp) -> Reading:
    network = _network(system, within)
    if network is None:
        return Reading(None, f"{ranks} ranks need more than one domain of {within}, but `{system}` tells no network")
    ports, bits_per_s, note = network
    group = Group(ranks, within, links, nics_per_domain=ports, nic_bytes_per_s=bits_per_s / 8)
    return Reading(replace(group, protocol=_protocol(system)), note)


def _network(system: str, within: int) -> tuple[float, float, str] | None:
    """Ports that the ranks of a domain use, line rate in bit/s, and what was assumed."""
    if (told := _ports(system)) is not None:
        count, rate = told
        return (count, rate, "") if count else (float(within), rate, "one network port per accelerator assumed")
    rows = constants.links().servers
    server = next((row for row in rows if re.search(row.match, system, re.IGNORECASE)), None)
    if server is None:
        return _usual_network(system, within)
    note = f"{server.ports} ports of {server.port_bits_per_s / 1e9:.0f} Gbit/s a server: {server.source}"
    return server.ports * within / server.accelerators, server.port_bits_per_s, note


def _usual_network(system: str, within: int) -> tuple[float, float, str] | None:
    """What servers of the accelerator usually have; None where there is no usual."""
    name = next((name for match, name in _USUAL.items() if re.search(rf"(?<![A-Za-z0-9]){match}(?![0-9])", system)), None)
    if name is None:
        return None
    rate = _GENERATIONS[name]
    return (
        float(within),
        rate,
        f"one InfiniBand {name} port of {rate / 1e9:.0f} Gbit/s per accelerator assumed, as none is named",
    )


def _ports(system: str) -> tuple[float | None, float] | None:
    """Ports of a server and their line rate in bit/s, where the text tells: `8x400G`, `NDR`, `NDR400`, `400GbE`."""
    if told := re.search(
        r"(?:(\d+)\s*[x×]\s*)?(?<!\d)(25|40|50|100|200|400|800)\s*(?:Gb?|Gbit(?:/s)?|Gb/s|Gbps|GbE)\b", system
    ):
        return (float(told[1]) if told[1] else None), float(told[2]) * 1e9
    for name, rate in _GENERATIONS.items():
        # NDR400 says the same as NDR; NDR200 and HDR100 are half of a port's lanes
        if told := re.search(rf"(?:(\d+)\s*[x×]\s*|(?<![A-Za-z])){name}(100|200|400|800)?\b", system):
            return (float(told[1]) if told[1] else None), float(told[2]) * 1e9 if told[2] else rate
    return None


def _protocol(system: str) -> str:
    return "roce_v2" if re.search(r"roce", system, re.IGNORECASE) else "tcp" if re.search(r"\bTCP\b", system) else "infiniband"

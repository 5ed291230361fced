"""How much an InfraGraph document unfolds to: a count of a few digits may stand for more than any memory holds."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from datahall.foundation.errors import Problem, Refused

MAX_PARTS = 500_000
"""NICs, ports and chips of all machines; 20,000 endpoints have about 150,000."""
MAX_LINKS = 500_000
MAX_DEPTH = 8
"""Devices within devices."""
_SLICE = re.compile(r"\[([^\]]*)\]")


def refuse_giants(made: Any, source: str) -> None:
    """Raises Refused (NET-022) when the machines of a document, or its links, are too many to count one by one."""
    devices = _Devices(made.devices, source)
    machines = {instance.name: instance for instance in made.instances}
    parts = sum(instance.count * devices.size(instance.device)[0] for instance in made.instances)
    if parts > MAX_PARTS:
        raise _too_many(source, parts, "parts of machines", MAX_PARTS)
    links = sum(instance.count * devices.size(instance.device)[1] for instance in made.instances)
    for edge in made.edges:
        links += _links(edge.scheme, *(_ends(devices, machines, end) for end in (edge.ep1, edge.ep2)))
    if links > MAX_LINKS:
        raise _too_many(source, links, "links", MAX_LINKS)


def _too_many(source: str, count: int, what: str, limit: int) -> Refused:
    fix = "import one plane or one pod of it"
    return Refused(Problem("NET-022", source, f"it has {count:,} {what}, but at most {limit:,} are read", fix))


class _Devices:
    """Devices of a document by name, each measured once, however many hold it."""

    def __init__(self, devices: Iterable[Any], source: str) -> None:
        self._devices = {device.name: device for device in devices}
        self._counts = {name: {part.name: int(part.count) for part in d.components} for name, d in self._devices.items()}
        self._sizes = dict[str, tuple[int, int]]()
        self._source = source

    def size(self, name: str, *, depth: int = 0) -> tuple[int, int]:
        """Parts and links of a device, with those of the devices in it; none where the library will not find it either."""
        if depth > MAX_DEPTH:
            what = f"devices stand within devices more than {MAX_DEPTH} deep, as `{name}` does"
            raise Refused(Problem("NET-022", self._source, what, "let no device hold itself"))
        if name not in self._devices:
            return 0, 0
        if name not in self._sizes:
            self._sizes[name] = self._measured(name, depth)
        return self._sizes[name]

    def _measured(self, name: str, depth: int) -> tuple[int, int]:
        device = self._devices[name]
        parts = sum(self._counts[name].values())
        links = sum(_links(e.scheme, *(self.chosen(name, end.component) for end in (e.ep1, e.ep2))) for e in device.edges)
        for part in device.components:
            if part.choice == "device":
                inner = self.size(part.name, depth=depth + 1)
                parts, links = parts + part.count * inner[0], links + part.count * inner[1]
        return parts, links

    def chosen(self, name: str, text: str) -> int:
        """Parts of a device that `cx5[0:2].port[0]` stands for."""
        found = 1
        for piece in text.split("."):
            part = piece.split("[")[0]
            found *= _picked(piece, self._counts.get(name, {}).get(part, 1))
            name = part
        return found


def _links(scheme: str, one: int, other: int) -> int:
    return one * other if scheme == "many2many" else min(one, other)


def _ends(devices: _Devices, machines: Mapping[str, Any], end: Any) -> int:
    """Ports that one end of an edge stands for."""
    instance = machines.get(end.instance.split("[")[0])
    return 0 if instance is None else _picked(end.instance, instance.count) * devices.chosen(instance.device, end.component)


def _picked(text: str, count: int) -> int:
    """How many of `count` a slice takes; all of them where there is none."""
    match = _SLICE.search(text)
    parts = match[1].split(":") if match else []
    try:
        bounds = [int(part) if part else None for part in parts]
        if len(bounds) == 1 and bounds[0] is not None:
            return 1
        return len(range(*slice(*bounds).indices(count))) if 2 <= len(bounds) <= 3 else count
    except ValueError:
        return count

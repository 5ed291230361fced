"""Machines that jobs may run on: those that are here, and one for each server in a rack."""

import functools
from collections.abc import Callable, Iterator

from datahall.foundation.ranges import names_of
from datahall.infrastructure.catalog.catalogue import Catalogue
from datahall.infrastructure.catalog.part_specs import ServerPart
from datahall.infrastructure.catalog.rows import accelerator_rows, cpu_rows, row_for
from datahall.infrastructure.spec import Accelerator, Cpu, Hall, Node, RackGroup


def nodes_of(hall: Hall, catalogue: Catalogue) -> tuple[Node, ...]:
    """All machines of a hall. Server k of rack r007 is called `r007-n3`, counted from 1 over all that stands there.

    Parts that are no servers, or that no catalogue has, give none. Nodes of one part share their processors' and
    accelerators' facts, which are checked once: 12,500 of them take a fraction of a second.
    """
    template = functools.cache(_template)
    return (*hall.nodes, *(node for group in hall.racks for node in _nodes_of_group(group, catalogue, template)))


def _nodes_of_group(group: RackGroup, catalogue: Catalogue, template: Callable[[ServerPart], Node]) -> Iterator[Node]:
    in_rack = [
        template(part)
        for contents in group.contents
        if (part := catalogue.servers.get(contents.part)) is not None
        for _ in range(contents.count)
    ]
    for rack in names_of(group.name):
        for k, node in enumerate(in_rack, 1):
            yield node.model_copy(update={"name": f"{rack}-n{k}"})


def _template(part: ServerPart) -> Node:
    """A machine of this part, checked, with a name that is replaced."""
    return Node(name="template", cpu=_cpu(part), memory_bytes=part.memory_bytes, accelerators=_accelerators(part))


def _cpu(part: ServerPart) -> Cpu:
    row = row_for(part.cpu, cpu_rows()) if part.cpu else None
    return Cpu(
        model=part.cpu or f"processors of {part.name}",
        sockets=part.sockets,
        cores=part.cores,
        threads=part.threads,
        tdp_w=row.tdp_w if row else None,
        tdp_source=row.cited if row else None,
    )


def _accelerators(part: ServerPart) -> tuple[Accelerator, ...]:
    row = next((row for row in accelerator_rows() if row.name == part.accelerator), None)
    if row is None:
        return ()
    return tuple(
        Accelerator(index=index, model=row.name, memory_bytes=row.memory_bytes, tdp_w=row.tdp_w, tdp_source=row.cited)
        for index in range(part.accelerators)
    )

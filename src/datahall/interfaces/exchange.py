"""Fabrics on their way in and out: which one of a hall is meant, and what a foreign one holds."""

import difflib
from collections.abc import Iterator
from typing import Any

from datahall.foundation.errors import Missing, Problem, Refused
from datahall.foundation.readable import with_unit
from datahall.network.fabric import FabricBuild, build
from datahall.network.fabric.demand import demand_of
from datahall.network.infragraph import ImportedFabric
from datahall.planner.load import Loaded

TIERS = {0: "server", 1: "leaf", 2: "spine", 3: "core"}


def fabric_named(loaded: Loaded, name: str) -> FabricBuild:
    """A fabric of the hall as built. name: may be empty where there is only one.

    Raises Missing when there is none of that name, Refused when it is not said which, or when nothing hangs on it.
    """
    names = [fabric.name for fabric in loaded.hall.fabrics]
    index = _index(loaded, names, name)
    fabric, where = loaded.hall.fabrics[index], loaded.document.where(("fabrics", index))
    demand = demand_of(fabric, loaded.estate)
    if not demand.servers:
        what = f"no server of the hall has a port for `{fabric.name}`"
        raise Refused(Problem("EXPORT-003", where, what, "give it `server_parts` and `endpoints_per_server`"))
    return build(
        fabric,
        servers=demand.servers,
        endpoints_per_server=demand.endpoints_per_server,
        catalogue=loaded.network,
        where=where,
    )


def _index(loaded: Loaded, names: list[str], name: str) -> int:
    if name in names:
        return names.index(name)
    if name or not names:
        what = f"the hall has no fabric `{name}`" if name else "the hall has no fabric"
        close = difflib.get_close_matches(name, names, n=1)
        fix = f"did you mean `{close[0]}`?" if close else f"choose one of {', '.join(names)}" if names else "declare `fabrics`"
        raise Missing(Problem("EXPORT-001", loaded.document.where(("fabrics",)), what, fix))
    if len(names) > 1:
        what = f"the hall has {len(names)} fabrics: {', '.join(names)}"
        raise Refused(Problem("EXPORT-002", loaded.document.where(("fabrics",)), what, f"say which: --fabric {names[0]}"))
    return 0


def fabric_counts(found: ImportedFabric) -> dict[str, Any]:
    """For `--json`."""
    return {
        "name": found.name,
        "servers": found.servers,
        "endpoints_per_server": found.endpoints_per_server,
        "endpoints": found.endpoints,
        "switches": {_tier(distance): count for distance, count in found.switches.items()},
        "links": {f"{_tier(near)}-{_tier(far)}": count for (near, far), count in found.links.items()},
        "radix": found.radix,
        "link_bits_per_s": found.link_bits_per_s,
    }


def fabric_rows(found: ImportedFabric) -> list[dict[str, str]]:
    """The same for a table."""
    return [{"what": what, "count": count} for what, count in _rows(found)]


def _rows(found: ImportedFabric) -> Iterator[tuple[str, str]]:
    counts = fabric_counts(found)
    yield "servers", f"{found.servers:,}"
    yield "ports of a server", f"{found.endpoints_per_server:,}"
    for tier, count in counts["switches"].items():
        yield f"{tier} switches", f"{count:,}"
    for pair, count in counts["links"].items():
        yield f"{pair} links", f"{count:,}"
    yield "ports of a switch", f"{found.radix:,}"
    for name, rate in found.link_bits_per_s.items():
        yield f"rate of a {name}", with_unit(rate, "bit/s")


def _tier(distance: int) -> str:
    return TIERS.get(distance, f"tier-{distance}")

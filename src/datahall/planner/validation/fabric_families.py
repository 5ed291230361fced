"""Closed forms of the papers: fat tree, leaf-spine, dragonfly, rail-only and torus at their largest, or at a named size."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from datahall.infrastructure.spec import Dragonfly, FatTree, RailOnly, Torus
from datahall.network.fabric.clos import Clos, downlinks
from datahall.network.fabric.counts import Counts, counts_of
from datahall.network.fabric.wiring import DoesNotFitError
from datahall.planner.validation.cells import LARGEST, NO_COUNT, lines, named, parameters, said
from datahall.planner.validation.rows import ValidationRow

COLUMNS = ("endpoints", "switches", "edge_or_leaf", "agg_or_spine", "core", "links", "oversubscription")
COMMON: Mapping[str, Any] = {"name": "family", "protocol": "tcp", "switch": "any", "link_bits_per_s": 1}
SIZES = ("endpoints", "gpus", "hosts", "nodes", "servers", "npus", "accelerators")
"""Words that a parameter may use for how many hang on it."""
AXES = ("x0", "x1", "x2", "x3", "x4", "x", "y", "z", "w")
ASKED = frozenset({*SIZES, *AXES, "k", "radix", "ports", "r", "tiers", "levels", "p", "a", "h", "g", "groups", "rails"}) | {
    "n", "d", "dimensions", "side", "length", "oversubscription",
}  # fmt: skip
"""All parameters that a closed form may ask for."""
UNBOUNDED = 10**6
"""Ports of a router where only its degree is asked for."""


class UnclearError(Exception):
    """A row that does not say what a computation needs."""


def family_rows(row: Mapping[str, Any]) -> list[ValidationRow]:
    """Each count of one row."""
    name = named(row, "family", "parameter")
    family = said(row, "family").lower()
    try:
        given = _given(row)
        counted, note = _computation(family)(family, given)
    except (UnclearError, DoesNotFitError) as error:
        why = error.problem.what if isinstance(error, DoesNotFitError) else str(error)
        return lines(row, name, dict.fromkeys(COLUMNS), notes={"": why})
    ours = _ours(counted)
    if "rail" in family:
        ours["links"] = counted.demand.endpoints
    return lines(row, name, ours, notes={"": note} if note else None)


def _given(row: Mapping[str, Any]) -> dict[str, int]:
    """Parameters of the row; a bare grid such as `8x8x8` is in `x0`, `x1`, …

    Raises UnclearError where a parameter that a closed form asks for is no count.
    """
    text = said(row, "parameter")
    found, unread = parameters(text)
    if grid := re.search(r"\d+(?:\s*[x×*]\s*\d+)+", text):
        sides = [int(side[:10]) for side in re.findall(r"\d+", grid[0])]
        found |= {f"x{axis}": side for axis, side in enumerate(sides[:5])}
    for key, value in unread.items():
        if key in ASKED and not (grid and grid[0] in value):
            raise UnclearError(f"`{key}` is `{value}`, {NO_COUNT}")
    if not found and text.isdigit() and len(text) < 10:
        found["k"] = int(text)
    return found


def _computation(family: str) -> Callable[[str, dict[str, int]], tuple[Counts, str]]:
    """Which closed form a family is."""
    table = {"dragonfly": _dragonfly, "torus": _torus, "cube": _torus, "rail": _rail_only, "fat": _fat_tree}
    table |= {"leaf": _leaf_spine, "clos": _leaf_spine, "spine": _leaf_spine}
    for word, computation in table.items():
        if word in family:
            return computation
    raise UnclearError(f"no closed form of the family `{family}` is known here")


def _fat_tree(family: str, given: dict[str, int]) -> tuple[Counts, str]:
    """Al-Fares et al.: k^3/4 hosts on three tiers, k^2/2 on two."""
    k = _need(given, "k", "radix", "ports")
    tiers = _tiers(family, given, default=3)
    if tiers not in (2, 3) or k % 2:
        raise UnclearError(f"a fat tree here has 2 or 3 tiers of switches with an even number of ports, not {tiers} and {k}")
    hosts = _size(given) or (k**3 // 4 if tiers == 3 else k**2 // 2)
    fabric = FatTree(topology="fat_tree", tiers=3 if tiers == 3 else 2, **COMMON)
    return _counted(fabric, hosts, k), ""


def _leaf_spine(family: str, given: dict[str, int]) -> tuple[Counts, str]:
    """As many leaves as a spine has ports; a ratio such as 3:1 is downlinks to uplinks."""
    if _tiers(family, given, default=2) == 3:
        return _fat_tree(family, given)
    radix = _need(given, "radix", "k", "ports", "r")
    ratio = _ratio(family, given)
    hosts = _size(given) or radix * downlinks(radix, ratio)
    fabric = FatTree(topology="fat_tree", tiers=2, oversubscription=ratio, **COMMON)
    return _counted(fabric, hosts, radix), ""


def _dragonfly(family: str, given: dict[str, int]) -> tuple[Counts, str]:
    """Kim et al.: a p (a h + 1) endpoints; balanced where a = 2p = 2h. Dragonfly+: as many spines as leaves, p = a = h."""
    plus = "+" in family or "plus" in family
    radix = given.get("radix", given.get("k"))
    p = given.get("p") or (radix and (radix // 2 if plus else (radix + 1) // 4))
    if not p:
        raise UnclearError("the parameter says neither p nor a radix")
    a, h = given.get("a", p if plus else 2 * p), given.get("h", p)
    groups = given.get("g", given.get("groups", a * h + 1))
    hosts = _size(given) or p * a * groups
    fabric = Dragonfly(
        topology="dragonfly_plus" if plus else "dragonfly",
        endpoints_per_router=p,
        routers_per_group=a,
        global_links_per_router=h,
        **COMMON,
    )
    return _counted(fabric, hosts, UNBOUNDED), ""


def _rail_only(_: str, given: dict[str, int]) -> tuple[Counts, str]:
    """Wang et al., arXiv:2307.12169: a switch for each rail, or a Clos where the rail has more nodes than ports."""
    radix, gpus = _need(given, "radix", "k", "ports"), _size(given)
    rails = given.get("rails", 8)
    if not gpus or gpus % rails:
        raise UnclearError(f"the parameter names no number of GPUs that {rails} rails divide")
    fabric = RailOnly(topology="rail_only", rails=rails, **COMMON)
    counted = counts_of(fabric, servers=gpus // rails, endpoints_per_server=rails, radix=radix)
    return counted, f"{rails} rails; links are those to GPUs"


def _torus(family: str, given: dict[str, int]) -> tuple[Counts, str]:
    """A grid whose ends meet: n links for each place, where an axis is longer than two."""
    sides = [given[axis] for axis in AXES if axis in given]
    if not sides:
        word = re.search(r"(\d+)\s*-?\s*d", family)
        axes = given.get("n") or given.get("d") or given.get("dimensions") or (int(word[1][:3]) if word else 3)
        side = 2 if "hyper" in family else _need(given, "k", "radix", "side", "length")
        sides = [side] * axes
    if len(sides) > 5:
        raise UnclearError(f"{len(sides)} axes, but at most 5 are counted")
    fabric = Torus(topology="torus", dimensions=tuple(sides), **COMMON)
    places = 1
    for side in sides:
        places *= side
    return _counted(fabric, places, UNBOUNDED), "each endpoint is its own router; links are those of the grid"


def _counted(fabric: Any, hosts: int, radix: int) -> Counts:
    if hosts > LARGEST or radix > UNBOUNDED:
        raise UnclearError(f"{hosts:,} endpoints are more than any fabric has")
    return counts_of(fabric, servers=hosts, endpoints_per_server=1, radix=radix)


def _ours(counted: Counts) -> dict[str, float | None]:
    shape = counted.wiring.shape
    ratio = shape.down / shape.leaf_up if isinstance(shape, Clos) and shape.leaf_up else None
    routers = counted.switches_of("endpoint")
    values = (
        counted.demand.endpoints,
        counted.switches or routers,
        counted.switches_of("leaf", "router", "endpoint"),
        counted.switches_of("spine"),
        counted.switches_of("core"),
        counted.links,
        ratio,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _need(given: Mapping[str, int], *names: str) -> int:
    for name in names:
        if name in given:
            return given[name]
    raise UnclearError(f"the parameter does not say `{names[0]}`")


def _size(given: Mapping[str, int]) -> int | None:
    return next((given[word] for word in SIZES if word in given), None)


def _tiers(family: str, given: Mapping[str, int], *, default: int) -> int:
    word = re.search(r"(\d)\s*-?\s*(?:tier|level|layer|stage)", family)
    return given.get("tiers") or given.get("levels") or (int(word[1]) if word else default)


def _ratio(family: str, given: Mapping[str, int]) -> float:
    word = re.search(r"(\d{1,3})\s*:\s*(\d{1,3})", family)
    if word and int(word[2]) and int(word[1]) >= int(word[2]):
        return int(word[1]) / int(word[2])
    return float(given.get("oversubscription", 1))

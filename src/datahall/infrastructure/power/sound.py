"""The part of a wiring that no fault touches, so that its loads can be judged although the rest has faults.

What hangs on anything at fault is left out whole, with all its load, and what is left has all its ways: it carries no more
than it does in the hall as meant. So an overload that shows here is one, whatever the faults are.
"""

from collections.abc import Collection, Iterable

from datahall.foundation.paths import Path
from datahall.infrastructure.power.wiring import Wiring


def sound(wiring: Wiring, paths: Iterable[Path], names: Collection[str]) -> Wiring:
    """Without the elements and racks at these paths, the elements of these names, and all that hangs on them.

    Racks that are left out stay in their groups, fed by nothing. Raises nothing; faults are not copied.
    """
    entries = {_entry(path) for path in paths}
    first = {i for i, name in enumerate(wiring.names) if name in names or ("power", wiring.entry[i]) in entries}
    out = _with_all_below(first, wiring)
    kept = [i for i in range(len(wiring.names)) if i not in out]
    new = {old: i for i, old in enumerate(kept)}
    return Wiring(
        names=[wiring.names[i] for i in kept],
        entry=[wiring.entry[i] for i in kept],
        parents=[tuple(new[p] for p in wiring.parents[i]) for i in kept],
        rack_feeds=[
            [() if ("racks", number) in entries or out.intersection(feeds) else tuple(new[f] for f in feeds) for feeds in racks]
            for number, racks in enumerate(wiring.rack_feeds)
        ],
    )


def _with_all_below(first: set[int], wiring: Wiring) -> set[int]:
    """These elements and all that they feed, directly or through others."""
    children: dict[int, list[int]] = {}
    for child, parents in enumerate(wiring.parents):
        for parent in parents:
            children.setdefault(parent, []).append(child)
    found, waiting = set(first), list(first)
    while waiting:
        fresh = [child for child in children.get(waiting.pop(), ()) if child not in found]
        found.update(fresh)
        waiting += fresh
    return found


def _entry(path: Path) -> Path:
    """`("power", 3)` or `("racks", 3)` of a place in such an entry."""
    return (path[0], path[2]) if path[1:2] == ("elements",) and len(path) > 2 else path[:2]

"""Which nodes have how many accelerators to give, as bit sets; and the first of them that fits.

A set of nodes is one Python int: bit i is the i-th node. `levels[f]` holds the open nodes with exactly f accelerators to give,
so the fullest node that fits is the lowest bit of the first level that has any, and counting whole nodes is one `bit_count`.
CPU and memory are looked at on those candidates only.
"""

from collections.abc import Iterator, Mapping

from datahall.platform.pool_nodes import Devices, PoolNode, Row, bits
from datahall.platform.resources import Resources


class Index:
    """Rows in the order they joined, and the sets over them. Changed through `join` and `move`."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.levels: list[int] = [0]
        self.kinds: dict[str, int] = {}
        self.groups: dict[str, dict[str, int]] = {}
        """Level of the hall ("rack"), then name of the group, to its nodes."""
        self._devices: dict[tuple[int, ...], Devices] = {}

    # --- upkeep -------------------------------------------------------------------------------------------

    def join(self, node: PoolNode, at: int) -> Row:
        """A fresh row for the node, open and idle, in place of the row that stood at this position if there was one."""
        devices = self._devices.setdefault(node.accelerators, Devices(node.accelerators))
        row = Row(at, node, devices)
        if at < len(self.rows):
            self._forget(self.rows[at])
            self.rows[at] = row
        else:
            self.rows.append(row)
        self.levels += [0] * (row.level + 1 - len(self.levels))
        self.levels[row.level] |= row.bit
        self.kinds[node.kind] = self.kinds.get(node.kind, 0) | row.bit
        for level, name in node.groups.items():
            names = self.groups.setdefault(level, {})
            names[name] = names.get(name, 0) | row.bit
        return row

    def _forget(self, row: Row) -> None:
        for sets in (self.kinds, *self.groups.values()):
            for name in sets:
                sets[name] &= ~row.bit
        if row.listed:
            self.levels[row.level] ^= row.bit

    def move(self, row: Row) -> None:
        """Put the row into the level that its bits now say, or into none when it is closed."""
        levels = self.levels
        if row.listed:
            levels[row.level] ^= row.bit
        row.level = (row.free & ~row.blocked).bit_count()
        row.listed = not (row.cordoned or row.down)
        if row.listed:
            levels[row.level] ^= row.bit

    # --- questions ----------------------------------------------------------------------------------------

    def open_nodes(self) -> int:
        """The set of nodes that may be given out."""
        return _union(self.levels)

    def most(self, need: Resources, within: int) -> int:
        """An upper bound on the workers that fit, from accelerators alone."""
        if not need.accelerators:
            return 1 << 30
        return sum(f // need.accelerators * (nodes & within).bit_count() for f, nodes in enumerate(self.levels))

    def first(self, need: Resources, within: int | None, order: str) -> Row | None:
        """The one node for one worker: the fullest that fits, the emptiest or the first; the lowest position on ties."""
        levels = self.levels[need.accelerators :]
        if order == "first":
            levels = [_union(levels)]
        for nodes in reversed(levels) if order == "spread" else levels:
            candidates = nodes if within is None else nodes & within
            if candidates:
                row = self._first_of(candidates, need)
                if row is not None:
                    return row
        return None

    def _first_of(self, candidates: int, need: Resources) -> Row | None:
        """The lowest position with CPU and memory enough. With alike jobs the lowest bit nearly always fits."""
        cpu_milli, memory_bytes, rows = need.cpu_milli, need.memory_bytes, self.rows
        row = rows[(candidates ^ (candidates - 1)).bit_length() - 1]
        if row.cpu_milli >= cpu_milli and row.memory_bytes >= memory_bytes:
            return row
        for at in bits(candidates & (candidates - 1)):
            row = rows[at]
            if row.cpu_milli >= cpu_milli and row.memory_bytes >= memory_bytes:
                return row
        return None

    def counts(self, need: Resources, workers: int, within: int, order: str) -> dict[int, int] | None:
        """Workers for each position of a gang, in order of position; None when they do not all fit."""
        if self.most(need, within) < workers:
            return None
        if order == "spread":
            found = self._spread(need, workers, within)
        elif order == "packed" and need.accelerators:
            found = self._compact(need, workers, within)
        else:
            found = self._in_turn(need, workers, within, by_position=order == "first")
        return None if found is None else dict(sorted(found.items()))

    def _in_turn(self, need: Resources, workers: int, within: int, *, by_position: bool) -> dict[int, int] | None:
        """As many on each node as it takes, the fullest nodes first or the first."""
        levels = self.levels[need.accelerators :]
        found: dict[int, int] = {}
        left = workers
        for nodes in [_union(levels)] if by_position else levels:
            for row, times in self._takers(nodes & within, need):
                found[row.at] = min(times, left)
                left -= found[row.at]
                if not left:
                    return found
        return None

    def _compact(self, need: Resources, workers: int, within: int) -> dict[int, int] | None:
        """On few nodes: the emptiest first while the gang fills them; the rest of it on the fullest node that holds it."""
        found: dict[int, int] = {}
        left, others = workers, within
        for level in reversed(self.levels[need.accelerators :]):
            for row, times in self._takers(level & within, need):
                taker = row if times < left else self._last_of(need, left, others) or row
                found[taker.at] = min(times, left)
                left -= found[taker.at]
                others &= ~taker.bit
                if not left:
                    return found
        return None

    def _last_of(self, need: Resources, workers: int, within: int) -> Row | None:
        """The fullest node that holds all these workers."""
        together = Resources(need.cpu_milli * workers, need.memory_bytes * workers, need.accelerators * workers)
        return self.first(together, within, "packed")

    def _spread(self, need: Resources, workers: int, within: int) -> dict[int, int] | None:
        """One worker on each node, the emptiest first, and round again while some are left."""
        levels = reversed(self.levels[need.accelerators :])
        room = {row.at: times for nodes in levels for row, times in self._takers(nodes & within, need)}
        if sum(room.values()) < workers:
            return None
        found = dict.fromkeys(room, 0)
        left = workers
        while left:
            for at, times in room.items():
                if left and found[at] < times:
                    found[at] += 1
                    left -= 1
        return {at: count for at, count in found.items() if count}

    def _takers(self, nodes: int, need: Resources) -> Iterator[tuple[Row, int]]:
        """Nodes of the set that can take at least one worker, and how many."""
        for at in bits(nodes):
            times = self.rows[at].times(need)
            if times:
                yield self.rows[at], times

    def groups_by_room(self, level: str, need: Resources, workers: int, within: int) -> Iterator[int]:
        """Groups of a level that may hold the gang, those with the least room first, so that large gaps stay whole."""
        names: Mapping[str, int] = self.groups.get(level, {})
        room = ((self.most(need, nodes & within), nodes & within) for nodes in names.values())
        fitting = [(most, nodes) for most, nodes in room if most >= workers and nodes]
        return (nodes for _, nodes in sorted(fitting, key=lambda pair: pair[0]))


def _union(sets: list[int]) -> int:
    found = 0
    for nodes in sets:
        found |= nodes
    return found

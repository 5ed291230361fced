"""What is free in the hall, and where a job could sit: one index for the live loop and for the twin. No clock, no dice."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from datahall.platform.events import Placement
from datahall.platform.pool_ledger import Ledger
from datahall.platform.pool_nodes import PoolNode, Row, bits
from datahall.platform.resources import Resources

Order = Literal["packed", "spread", "first"]


class Pool(Ledger):
    """Nodes, who holds how much of them, and where more would fit.

    The same calls give the same places: ties go to the node that joined first.
    groups: levels of the hall from narrow to wide; a gang that asks for one and does not fit there tries the next.
    """

    def __init__(self, nodes: Iterable[PoolNode] = (), *, groups: tuple[str, ...] = ("rack", "leaf", "pod")) -> None:
        super().__init__(nodes)
        self._wider = groups

    def fit(
        self,
        need: Resources,
        workers: int = 1,
        *,
        together: str | None = None,
        demand: bool = False,
        order: Order = "packed",
        kind: str | None = None,
    ) -> tuple[Placement, ...] | None:
        """Places for all workers, or None when they do not all fit. Nothing is taken.

        together: keep the gang in one group of this level ("rack"); wider levels, then the whole hall follow unless `demand`.
        order: "packed" leaves large gaps whole: the fullest node that fits, a large gang on the fewest nodes. "spread" takes
        the emptiest nodes, one worker on each in turn. "first" takes nodes in the order they joined.
        kind: only nodes with accelerators of this kind.
        Raises ValueError if workers < 1 or the level is neither in `groups` nor in any node's.
        """
        if workers < 1:
            raise ValueError(f"fit: workers={workers}, but a job has at least 1")
        if together is not None:
            self._check_level(together)
        shape = (need, kind, together if demand else None)
        if self._refused and self._refused.get(shape, workers + 1) <= workers:
            return None
        if workers == 1 and not (demand and together):
            places = self._one(need, order, kind)
        else:
            places = self._gang(need, workers, order, self._scopes(need, workers, together, demand=demand, kind=kind))
        if places is None:
            self._refused[shape] = workers
        return places

    def _one(self, need: Resources, order: Order, kind: str | None) -> tuple[Placement, ...] | None:
        within = None if kind is None else self._index.kinds.get(kind, 0)
        row = self._index.first(need, within, order)
        if row is None:
            return None
        if not need.accelerators:
            return (Placement(row.node.name),)
        return (Placement(row.node.name, row.devices.pick(row.free & ~row.blocked, need.accelerators)),)

    def _gang(self, need: Resources, workers: int, order: Order, scopes: Iterable[int]) -> tuple[Placement, ...] | None:
        """Places in the first set of nodes that holds the gang, in order of position: ranks that are neighbours sit near."""
        for within in scopes:
            counts = self._index.counts(need, workers, within, order)
            if counts is not None:
                return tuple(place for at, count in counts.items() for place in _places(self._index.rows[at], need, count))
        return None

    def _scopes(self, need: Resources, workers: int, together: str | None, *, demand: bool, kind: str | None) -> Iterator[int]:
        """Sets of nodes to try in turn."""
        whole = self._of_kind(kind)
        if together is not None:
            for level in (together,) if demand else self._levels_from(together):
                yield from self._index.groups_by_room(level, need, workers, whole)
        if together is None or not demand:
            yield whole

    def _check_level(self, level: str) -> None:
        known = (*self._wider, *self._index.groups)
        if level not in known:
            raise ValueError(f"no node stands in a {level!r}; levels are {', '.join(dict.fromkeys(known))}")

    def _levels_from(self, level: str) -> tuple[str, ...]:
        return self._wider[self._wider.index(level) :] if level in self._wider else (level,)

    def _of_kind(self, kind: str | None) -> int:
        return (1 << len(self._index.rows)) - 1 if kind is None else self._index.kinds.get(kind, 0)

    def could_ever_fit(
        self, need: Resources, workers: int = 1, *, together: str | None = None, kind: str | None = None
    ) -> bool:
        """Whether all nodes, idle and open, would hold the gang; within one group of a level if `together` is given."""
        if together is not None:
            self._check_level(together)
        whole = self._of_kind(kind)
        scopes = [whole] if together is None else [nodes & whole for nodes in self._index.groups.get(together, {}).values()]
        rows = self._index.rows
        return any(sum(need.times_into(rows[at].node.capacity) for at in bits(nodes)) >= workers for nodes in scopes)

    def fits_beside(
        self,
        need: Resources,
        workers: int,
        services: Iterable[tuple[Resources, Iterable[Placement]]],
        *,
        kind: str | None = None,
    ) -> bool:
        """Whether the open nodes would hold the gang if all ended but these services, which nobody expects to end."""
        room = {at: self._unblocked(at) for at in bits(self._index.open_nodes() & self._of_kind(kind))}
        for held, places in services:
            for place in places:
                row = self._rows.get(place.node)
                if row is not None and row.at in room:
                    room[row.at] -= Resources(held.cpu_milli, held.memory_bytes, _unblocked(row, place))
        return sum(max(need.times_into(left), 0) for left in room.values()) >= workers

    def _unblocked(self, at: int) -> Resources:
        row = self._index.rows[at]
        capacity = row.node.capacity
        return Resources(capacity.cpu_milli, capacity.memory_bytes, capacity.accelerators - row.blocked.bit_count())

    # --- how much is free ---------------------------------------------------------------------------------

    @property
    def free_accelerators(self) -> int:
        """Accelerators that could be given out now: open node, not cordoned, not held. Quick at any size."""
        return sum(f * nodes.bit_count() for f, nodes in enumerate(self._index.levels))

    def whole_nodes(self, accelerators: int) -> int:
        """Open nodes with exactly this many accelerators to give; at the size of a node, its idle nodes."""
        levels = self._index.levels
        return levels[accelerators].bit_count() if 0 <= accelerators < len(levels) else 0

    def fragmentation(self, mix: Mapping[Resources, float]) -> float:
        """Share of the accelerators to give that sit where a worker does not fit, 0..1, a mean over the mix.

        mix: what one worker needs, to its weight. A node with no room for it is lost to it whole.
        Source of the idea: Weng et al., "Beware of Fragmentation", USENIX ATC 2023; here for whole accelerators.
        Raises ValueError when the weights do not add up to more than zero.
        """
        weight = sum(mix.values())
        if weight <= 0:
            raise ValueError(f"fragmentation: weights add up to {weight}, but the mix needs at least one job")
        total = self.free_accelerators
        if not total:
            return 0.0
        rows = [self._index.rows[at] for at in bits(self._index.open_nodes())]
        lost = sum(share * sum(row.level for row in rows if not row.times(need)) for need, share in mix.items())
        return lost / (weight * total)


def _places(row: Row, need: Resources, count: int) -> Iterator[Placement]:
    """Places for `count` workers on one node, each with the next of its accelerators."""
    size = need.accelerators
    chosen = row.devices.pick(row.usable, count * size)
    return (Placement(row.node.name, chosen[i * size : (i + 1) * size]) for i in range(count))


def _unblocked(row: Row, place: Placement) -> int:
    """Accelerators of a place that are not cordoned."""
    return ((row.devices.mask(place.accelerators) or 0) & ~row.blocked).bit_count()

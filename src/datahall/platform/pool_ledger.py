"""Who holds how much of which node, which nodes may be given out, and what-ifs that leave no trace."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from datahall.foundation.errors import Conflict, Missing, Problem
from datahall.platform.events import Placement
from datahall.platform.pool_index import Index
from datahall.platform.pool_nodes import PoolNode, Row, Saved
from datahall.platform.resources import Resources, shortfalls

Shape = tuple[Resources, str | None, str | None]
"""What decides whether a gang fits, but for its size: one worker's need, kind of accelerator, the group it demands."""


class Trial:
    """What has changed since a trial began. `keep` lets it stand."""

    def __init__(self) -> None:
        self.before: list[tuple[Row, Saved]] = []
        self.kept = False

    def keep(self) -> None:
        self.kept = True


class Ledger:
    """Nodes and what is held on them. Keeps the index in step with every change."""

    def __init__(self, nodes: Iterable[PoolNode] = ()) -> None:
        self._index = Index()
        self._rows: dict[str, Row] = {}
        self._refused: dict[Shape, int] = {}
        """Shapes that did not fit since anything was last given back, with the fewest workers tried."""
        self._trials: list[Trial] = []
        for node in nodes:
            self.join(node)

    def __len__(self) -> int:
        """How many nodes there are."""
        return len(self._rows)

    # --- what is held -------------------------------------------------------------------------------------

    def take(self, places: Iterable[Placement], need: Resources, *, adopted: bool = False) -> None:
        """Hold these places, `need` on each. Raises Conflict (POOL-002) when one is not to be had; then nothing has changed.

        adopted: a job that already runs there, so that a cordoned or lost node is no obstacle.
        """
        places = tuple(places)
        for done, place in enumerate(places):
            if not self._hold(place, need, adopted):
                refusal = self._refusal(place, need)
                self.give(places[:done], need)
                raise refusal

    def give(self, places: Iterable[Placement], need: Resources) -> None:
        """Let these places go. Raises Conflict (POOL-003) when one is not held; then nothing has changed."""
        places = tuple(places)
        for done, place in enumerate(places):
            if not self._release(place, need):
                self.take(places[:done], need, adopted=True)
                what = f"{need} on accelerators {list(place.accelerators)} is not held"
                raise Conflict(Problem("POOL-003", f"node {place.node}", what, "give back what was taken, once"))
        if self._refused:
            self._refused.clear()

    def _hold(self, place: Placement, need: Resources, adopted: bool) -> bool:
        row = self._rows.get(place.node)
        if row is None or len(place.accelerators) != need.accelerators:
            return False
        mask = row.devices.mask(place.accelerators)
        cpu_milli, memory_bytes = row.cpu_milli - need.cpu_milli, row.memory_bytes - need.memory_bytes
        if mask is None or mask & ~row.free or cpu_milli < 0 or memory_bytes < 0:
            return False
        if not adopted and (row.cordoned or row.down or mask & row.blocked):
            return False
        if self._trials:
            self._note(row)
        row.cpu_milli, row.memory_bytes = cpu_milli, memory_bytes
        if mask:
            row.free ^= mask
            self._index.move(row)
        return True

    def _release(self, place: Placement, need: Resources) -> bool:
        row = self._row(place.node)
        mask = row.devices.mask(place.accelerators)
        cpu_milli, memory_bytes = row.cpu_milli + need.cpu_milli, row.memory_bytes + need.memory_bytes
        capacity = row.node.capacity
        if mask is None or mask & row.free or len(place.accelerators) != need.accelerators:
            return False
        if cpu_milli > capacity.cpu_milli or memory_bytes > capacity.memory_bytes:
            return False
        if self._trials:
            self._note(row)
        row.cpu_milli, row.memory_bytes = cpu_milli, memory_bytes
        if mask:
            row.free |= mask
            self._index.move(row)
        return True

    def _refusal(self, place: Placement, need: Resources) -> Conflict:
        row = self._row(place.node)
        short = shortfalls(need, row.unheld)
        if short:
            what = f"lacks {', '.join(short)}"
        elif not row.is_open:
            what = "is down" if row.down else "is cordoned"
        else:
            what = f"cannot give accelerators {list(place.accelerators)} for {need}"
        return Conflict(Problem("POOL-002", f"node {place.node}", what, "ask `fit` for places, and take them before others do"))

    # --- which nodes there are ----------------------------------------------------------------------------

    def join(self, node: PoolNode) -> None:
        """Add a node, idle and open; one of the same name is replaced, whatever was held on it. Not within a trial.

        Raises Refused (POOL-001) when its accelerators are not told apart.
        """
        if self._trials:
            what = "a node cannot join while a trial is on"
            raise Conflict(Problem("POOL-004", f"node {node.name}", what, "let the trial end first"))
        known = self._rows.get(node.name)
        at = len(self._index.rows) if known is None else known.at
        self._rows[node.name] = self._index.join(node, at)
        self._refused.clear()

    def cordon(self, name: str, accelerator: int | None = None) -> None:
        """Give nothing more of this node, or of one accelerator of it; what is held stays held."""
        row = self._row(name)
        self._note(row)
        if accelerator is None:
            row.cordoned = True
        else:
            row.blocked |= self._accelerator(row, accelerator)
        self._index.move(row)

    def uncordon(self, name: str, accelerator: int | None = None) -> None:
        """The opposite of `cordon`, for the node or for one accelerator."""
        row = self._row(name)
        self._note(row)
        if accelerator is None:
            row.cordoned = False
        else:
            row.blocked &= ~self._accelerator(row, accelerator)
        self._index.move(row)
        self._refused.clear()

    def down(self, name: str) -> None:
        """The node is lost. What is held on it stays held until it is given back."""
        row = self._row(name)
        self._note(row)
        row.down = True
        self._index.move(row)

    def up(self, name: str) -> None:
        """The node is back; a cordon on it stays."""
        row = self._row(name)
        self._note(row)
        row.down = False
        self._index.move(row)
        self._refused.clear()

    def _row(self, name: str) -> Row:
        row = self._rows.get(name)
        if row is None:
            what = "there is no such node in the pool"
            raise Missing(
                Problem(
                    "POOL-005",
                    f"node {name}",
                    what,
                    f"name one of the {len(self._rows)} nodes that have joined, or let it join first",
                )
            )
        return row

    def _accelerator(self, row: Row, accelerator: int) -> int:
        mask = row.devices.mask((accelerator,))
        if mask is None:
            what = f"has no accelerator {accelerator}; it has {list(row.devices.ids)}"
            raise Missing(Problem("POOL-006", f"node {row.node.name}", what, "name one of those"))
        return mask

    # --- what-ifs -----------------------------------------------------------------------------------------

    @contextmanager
    def trial(self) -> Iterator[Trial]:
        """What-ifs: whatever is taken, given or cordoned inside is undone at the end, exactly, unless `keep` is called.

        An error that leaves the block undoes it too.
        """
        trial, refused = Trial(), dict(self._refused)
        self._trials.append(trial)
        try:
            yield trial
        except BaseException:
            trial.kept = False
            raise
        finally:
            self._trials.pop()
            if not trial.kept:
                self._undo(trial)
                self._refused = refused
            elif self._trials:
                self._trials[-1].before += trial.before

    def _undo(self, trial: Trial) -> None:
        for row, saved in reversed(trial.before):
            row.restore(saved)
            self._index.move(row)

    def _note(self, row: Row) -> None:
        if self._trials:
            self._trials[-1].before.append((row, row.saved()))

    # --- sums ---------------------------------------------------------------------------------------------

    @property
    def capacity(self) -> Resources:
        """All that the nodes have."""
        return _sum(row.node.capacity for row in self._index.rows)

    @property
    def free(self) -> Resources:
        """All that nobody holds, on closed nodes too: `capacity` less this is what jobs hold."""
        return _sum(row.unheld for row in self._index.rows)


def _sum(amounts: Iterable[Resources]) -> Resources:
    return sum(amounts, Resources())

"""A layered drawing of a graph without cycles: who stands in which layer, in which order, and where lines bend.

Sugiyama, Tagawa and Toda, IEEE Trans. SMC 11(2), 1981: layers by the longest way, places in passing for lines that skip
layers, order by the mean of the neighbours, up and down in turns. Then places by least squares, order kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands, in pixels from 0."""

    x: tuple[float, ...]
    """Middle of each node."""
    layer: tuple[int, ...]
    """Of each node, from 0."""
    layers: int
    width: float
    passes: tuple[tuple[float, ...], ...]
    """For each edge, x in each layer strictly between its ends."""


def layered(count: int, edges: Sequence[tuple[int, int]], *, group: Sequence[int], wide: float, gap: float) -> Layout:
    """Nodes 0 … count - 1, edges from above to below. group: nodes of a lower group stand left of those of a higher one.

    wide: of a node; gap: between two. Raises ValueError where edges make a cycle.
    """
    layer = _layers(count, edges)
    work = _Work(layer, list(group), [wide + gap] * count)
    chains = [work.chain(top, bottom, gap) for top, bottom in edges]
    order = work.ordered()
    x = work.placed(order)
    low = min((x[i] for i in range(len(x))), default=0.0) - wide / 2
    x = [value - low for value in x]
    return Layout(
        x=tuple(x[:count]),
        layer=tuple(layer[:count]),
        layers=max(layer, default=-1) + 1,
        width=max(x, default=0.0) + wide / 2,
        passes=tuple(tuple(x[i] for i in chain) for chain in chains),
    )


def _layers(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Longest way from a source; sources as low as what they feed lets them."""
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for top, bottom in edges:
        above[bottom].append(top)
        below[top].append(bottom)
    layer, waiting = [0] * count, [len(tops) for tops in above]
    ready = [i for i in range(count) if not waiting[i]]
    for node in ready:  # grows while it is walked
        for child in below[node]:
            layer[child] = max(layer[child], layer[node] + 1)
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    if len(ready) < count:
        raise ValueError("layered: the edges make a cycle")
    return [
        min((layer[child] for child in below[i]), default=layer[i] + 1) - 1 if not above[i] else layer[i] for i in range(count)
    ]


@dataclass
class _Work:
    """Nodes and places in passing, while they are ordered."""

    layer: list[int]
    group: list[int]
    room: list[float]
    """What a node takes of its layer, the gap included."""

    def __post_init__(self) -> None:
        self.near: list[list[int]] = [[] for _ in self.layer]

    def chain(self, top: int, bottom: int, gap: float) -> list[int]:
        """Places in passing between two nodes, joined to each other and to both."""
        made: list[int] = []
        last = top
        for level in range(self.layer[top] + 1, self.layer[bottom]):
            self.layer.append(level)
            self.group.append(self.group[bottom])
            self.room.append(gap * 1.5)
            self.near.append([])
            made.append(len(self.layer) - 1)
            self._join(last, made[-1])
            last = made[-1]
        self._join(last, bottom)
        return made

    def _join(self, one: int, other: int) -> None:
        self.near[one].append(other)
        self.near[other].append(one)

    def ordered(self) -> list[list[int]]:
        """Nodes of each layer from left to right."""
        rows: list[list[int]] = [[] for _ in range(max(self.layer, default=-1) + 1)]
        for node in sorted(range(len(self.layer)), key=lambda i: (self.group[i], i)):
            rows[self.layer[node]].append(node)
        at = {node: place / max(len(row), 1) for row in rows for place, node in enumerate(row)}
        for sweep in range(SWEEPS):
            for row in rows if sweep % 2 == 0 else rows[::-1]:
                row.sort(key=lambda i: (self.group[i], self._mean(i, at), at[i]))
                at.update({node: (place + 0.5) / len(row) for place, node in enumerate(row)})
        return rows

    def placed(self, rows: Sequence[Sequence[int]]) -> list[float]:
        """x of each node: near its neighbours, in order, none on another."""
        x = dict.fromkeys(range(len(self.layer)), 0.0)
        for row in rows:
            x.update(zip(row, self._apart(row, [0.0] * len(row)), strict=True))
        for sweep in range(SWEEPS):
            for row in rows if sweep % 2 == 0 else rows[::-1]:
                wanted = [self._mean(node, x) for node in row]
                x.update(zip(row, self._apart(row, wanted), strict=True))
        return [x[i] for i in range(len(self.layer))]

    def _mean(self, node: int, at: dict[int, float]) -> float:
        near = self.near[node]
        return sum(at[other] for other in near) / len(near) if near else at[node]

    def _apart(self, row: Sequence[int], wanted: Sequence[float]) -> list[float]:
        """Least squares to the wanted places with each pair far enough apart: neighbours that clash move as one."""
        offset, blocks = 0.0, list[list[float]]()
        offsets = list[float]()
        for place, node in enumerate(row):
            offset += (self.room[row[place - 1]] + self.room[node]) / 2 if place else 0.0
            offsets.append(offset)
            blocks.append([wanted[place] - offset, 1.0])
            while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
                (mean, size), (other, many) = blocks[-2], blocks.pop()
                blocks[-1] = [(mean * size + other * many) / (size + many), size + many]
        flat = [mean for mean, size in blocks for _ in range(int(size))]
        return [mean + offset for mean, offset in zip(flat, offsets, strict=True)]

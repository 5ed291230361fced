"""Units and loads that no figure and no wire tells apart: what holds for one of a class holds for each.

Colours are refined until neighbours of equal colours have equal neighbours; the graph without its one-of-a-kind vertices
falls into pieces, and pieces of equal colours can change places. So each class lies in one orbit of the graph's symmetries,
though one orbit may be told as several classes.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datahall.infrastructure.reliability.supply import Supply, Unit

Colours = NDArray[np.uint64]
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: spreads neighbouring numbers (Knuth, TAOCP 3, 6.4)


@dataclass(frozen=True)
class Alike:
    """Classes of the units and of the loads of one supply, each class in order of index."""

    units: tuple[tuple[int, ...], ...]
    loads: tuple[tuple[int, ...], ...]


class Likeness:
    """Finds the classes of one supply, also when some units are set apart."""

    def __init__(self, supply: Supply) -> None:
        self.supply, self._count = supply, len(supply.units)
        edges: list[tuple[int, int, int]] = [
            (p, i, 1 + k * u.takes_first) for i, u in enumerate(supply.units) for k, p in enumerate(u.parents)
        ]
        edges += [(f, self._count + i, 0) for i, load in enumerate(supply.loads) for f in load.feeds]
        table = np.array(edges, dtype=np.int64).reshape(-1, 3)
        wire_label = np.uint64(2) * table[:, 2].astype(np.uint64)
        self._up, self._down = table[:, 0], table[:, 1]
        self._wire_down, self._wire_up = _hashed(wire_label), _hashed(wire_label + np.uint64(1))
        self._near: list[list[int]] = [[] for _ in range(self._count + len(supply.loads))]
        wires: list[list[tuple[int, int]]] = [[] for _ in self._near]
        for up, down, label in edges:
            self._near[up].append(down)
            self._near[down].append(up)
            wires[up].append((down, -1 - label))
            wires[down].append((up, label))
        of_loads = ((load.kind, load.peak_w, load.accelerators, load.sides_needed) for load in supply.loads)
        self._start = _numbered([*map(_figures, supply.units), *of_loads])
        twins = ((figure, *sorted(wire)) for figure, wire in zip(self._start.tolist(), wires, strict=True))
        self._twin: list[int] = _numbered(twins).tolist()

    def classes(self, apart: Iterable[Collection[int]] = ()) -> Alike:
        """apart: sets of units that may be exchanged only within their set."""
        marks = np.zeros(len(self._near), dtype=np.int64)
        for number, units in enumerate(apart, start=1):
            marks[list(units)] = number
        while True:
            colours = self._refined(marks)
            keys, stuck = self._pieces(colours, marks.tolist())
            if not stuck:
                return self._grouped(keys)
            marks[stuck] += 1 + marks.max()  # a new mark beside the old one, which stays told apart

    def twins(self) -> tuple[tuple[int, ...], ...]:
        """Units in parallel: alike, with the same parents and the same that hangs on them; groups of two and more."""
        found: dict[int, list[int]] = defaultdict(list)
        for unit, twin in enumerate(self._twin[: self._count]):
            found[twin].append(unit)
        return tuple(tuple(group) for group in found.values() if len(group) > 1)

    def _refined(self, marks: NDArray[np.int64]) -> NDArray[np.int64]:
        """The coarsest colours under which equals have equal neighbours. 64-bit hashes: a clash is a matter of 1e-12."""
        colours = _hashed(_hashed(self._start.astype(np.uint64)) + marks.astype(np.uint64))
        number = 0
        while True:
            names, inverse = np.unique(colours, return_inverse=True)
            if len(names) == number:
                return inverse.ravel()
            number = len(names)
            heard = np.zeros_like(colours)
            np.add.at(heard, self._down, _hashed(colours[self._up] ^ self._wire_down))
            np.add.at(heard, self._up, _hashed(colours[self._down] ^ self._wire_up))
            colours = _hashed(colours * np.uint64(3) + heard)

    def _pieces(self, colours: NDArray[np.int64], marks: list[int]) -> tuple[list[Hashable], list[int]]:
        """A key for each vertex, equal within a class; and one vertex of each piece in which none is one of a kind.

        Twins, with the same wires to the same others, can change places whatever the rest does: one stands for all.
        """
        first: dict[tuple[int, int], int] = {}
        twin = [first.setdefault(pair, vertex) for vertex, pair in enumerate(zip(self._twin, marks, strict=True))]
        pieces = _Pieces(colours.tolist(), self._near, self._count)
        whole = pieces.cut(sorted(first.values()))
        keys: list[Hashable] = [None] * len(self._near)
        pieces.name(whole, keys, 0)
        return [keys[one] for one in twin], pieces.stuck

    def _grouped(self, keys: list[Hashable]) -> Alike:
        found: dict[Hashable, list[int]] = defaultdict(list)
        for vertex, key in enumerate(keys):
            found[vertex < self._count, key].append(vertex)
        groups = [tuple(group) for group in found.values()]
        units = tuple(group for group in groups if group[0] < self._count)
        loads = tuple(tuple(v - self._count for v in group) for group in groups if group[0] >= self._count)
        return Alike(units, loads)


@dataclass(slots=True)
class _Piece:
    single: list[int]
    parts: "list[_Piece]"
    certificate: int


class _Pieces:
    """Takes away what is one of a kind, piece by piece, and numbers pieces so that equal numbers mean exchangeable."""

    def __init__(self, colours: list[int], near: list[list[int]], units: int) -> None:
        self.colours, self.near, self.units = colours, near, units
        self.stuck: list[int] = []
        self._numbers: dict[Hashable, int] = {}
        self._paths: dict[Hashable, int] = {}

    def cut(self, vertices: list[int]) -> _Piece:
        many = Counter(self.colours[v] for v in vertices)
        single = [v for v in vertices if many[self.colours[v]] == 1]
        rest = [v for v in vertices if many[self.colours[v]] > 1]
        pieces = list(self._connected(rest))
        if not single and len(pieces) == 1:
            self.stuck.append(
                min(rest, key=lambda v: (many[self.colours[v]], v >= self.units, -len(self.near[v]), self.colours[v], v))
            )
            pieces, single = [], rest
        parts = [self.cut(piece) for piece in pieces]
        kind = (tuple(sorted(self.colours[v] for v in single)), tuple(sorted(part.certificate for part in parts)))
        return _Piece(single, parts, self._numbers.setdefault(kind, len(self._numbers)))

    def name(self, piece: _Piece, keys: list[Hashable], path: int) -> None:
        """Keys of all vertices: by the kinds of the pieces around them, outermost first, and by colour."""
        here = self._paths.setdefault((path, piece.certificate), len(self._paths) + 1)
        for vertex in piece.single:
            keys[vertex] = (here, self.colours[vertex])
        for part in piece.parts:
            self.name(part, keys, here)

    def _connected(self, vertices: list[int]) -> Iterator[list[int]]:
        left = set(vertices)
        for start in vertices:
            if start not in left:
                continue
            left.discard(start)
            piece = [start]
            for vertex in piece:
                for other in self.near[vertex]:
                    if other in left:
                        left.discard(other)
                        piece.append(other)
            yield piece


def _figures(unit: Unit) -> Hashable:
    failures = (unit.failures_per_year, unit.repair_h, unit.fail_to_start_ratio)
    electric = (unit.kind, unit.takes_first, unit.rating_w, unit.breaker_w, unit.loss_ratios, unit.battery_wh, unit.start_s)
    return (electric, failures, not unit.parents)


def _numbered(values: Iterable[Hashable]) -> NDArray[np.int64]:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)


def _hashed(values: Colours) -> Colours:
    """Numbers spread over 64 bits, wrapping around. Source: splitmix64, Steele, Lea and Flood, OOPSLA 2014, figure 13."""
    mixed = values + _MIX
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))

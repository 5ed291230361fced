"""Elements that must carry the same load, merged into one: 10,000 become a few dozen, and nothing is approximated.

Two elements are alike when their figures are, and the same kinds of alike elements hang on them with the same shares: the
coarsest backward equitable partition (colour refinement). The graph has no cycles, so one pass from the load up finds it.
"""

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

import numpy as np

from datahall.infrastructure.power.columns import Columns, Floats, Ints
from datahall.infrastructure.power.state import State


@dataclass(frozen=True)
class Step:
    """Nodes whose input is complete, and the edges by which it reaches their parents; sorted by parent."""

    nodes: Ints
    child: Ints
    weight: Floats
    """Input of one child -> load of one parent: how many such children it has, times the share it gives to each."""
    parents: Ints
    starts: Ints
    """Where the edges of each of `parents` begin."""


@dataclass(frozen=True)
class Nodes:
    """Elements, or classes of them, ready to be solved from the load up."""

    of_element: Ints
    """(N,) node of each element."""
    example: Ints
    """(K,) an element of each node."""
    count: Ints
    """(K,) elements in each node."""
    steps: tuple[Step, ...]


def each_alone(columns: Columns, state: State) -> Nodes:
    """Every element a node of its own: quicker for one hour than looking for likeness."""
    every = np.arange(len(columns.rating_w))
    steps = []
    for edges in columns.edges_up():
        taken = np.flatnonzero(state.taken[edges]) + edges.start
        child, parent = columns.child[taken], columns.parent[taken]
        steps.append(_step(np.unique(columns.child[edges]), child, parent, state.share[taken]))
    steps.append(_step(np.flatnonzero(columns.level == 0), every[:0], every[:0], np.zeros(0)))
    return Nodes(every, every, np.ones_like(every), tuple(steps))


def merged(columns: Columns, state: State, loads: Floats) -> Nodes:
    """loads: (N, D) what hangs on each element itself, in as many figures as there are kinds of load."""
    own = _own_figures(columns, state, loads)
    below: list[list[int]] = [[] for _ in own]
    found: dict[Hashable, int] = {}
    of_element = np.zeros(len(own), dtype=np.int64)
    example: list[int] = []
    for i, ways in zip(range(len(own) - 1, -1, -1), _ways_up(columns, state, len(own)), strict=True):
        node = found.setdefault((own[i], tuple(sorted(below[i]))), len(example))
        if node == len(example):
            example.append(i)
        of_element[i] = node
        for parent in ways:
            below[parent].append(node)
    examples = np.array(example, dtype=np.int64)
    count = np.bincount(of_element, minlength=len(examples)).astype(np.int64)
    return Nodes(of_element, examples, count, tuple(_steps(columns, state, examples, below)))


def _own_figures(columns: Columns, state: State, loads: Floats) -> list[int]:
    """A number for each different set of an element's own figures."""
    total = np.bincount(columns.child[state.taken], columns.rating_w[columns.parent[state.taken]], len(columns.rating_w))
    kind = columns.utility + 2.0 * columns.generator
    figures = np.column_stack((columns.rating_w, columns.terms, state.energised, total, kind, columns.group, loads))
    numbers: list[int] = np.unique(figures, axis=0, return_inverse=True)[1].ravel().tolist()
    return numbers


def _ways_up(columns: Columns, state: State, count: int) -> Iterator[list[int]]:
    """Parents that give to each element, the last element first."""
    taken = np.flatnonzero(state.taken)
    parents = columns.parent[taken].tolist()
    bounds = np.searchsorted(columns.child[taken], np.arange(count + 1)).tolist()
    for i in range(count - 1, -1, -1):
        yield parents[bounds[i] : bounds[i + 1]]


def _steps(columns: Columns, state: State, example: Ints, below: list[list[int]]) -> Iterator[Step]:
    """Classes by height: 0 has nothing below, others stand one above the highest that hangs on them."""
    total = np.bincount(columns.child[state.taken], columns.rating_w[columns.parent[state.taken]], len(columns.rating_w))
    edges = [
        (child, parent, many * columns.rating_w[i] / total[example[child]])
        for parent, i in enumerate(example.tolist())
        for child, many in Counter(below[i]).items()
    ]
    height = np.zeros(len(example), dtype=np.int64)
    for below_it, above, _ in edges:  # a class is numbered after all that hang on it
        height[above] = max(height[above], height[below_it] + 1)
    child = np.array([edge[0] for edge in edges], dtype=np.int64)
    parent = np.array([edge[1] for edge in edges], dtype=np.int64)
    weight = np.array([edge[2] for edge in edges], dtype=np.float64)
    for level in range(int(height.max(initial=0)) + 1):
        here = height[child] == level
        yield _step(np.flatnonzero(height == level), child[here], parent[here], weight[here])


def _step(nodes: Ints, child: Ints, parent: Ints, weight: Floats) -> Step:
    order = np.argsort(parent, kind="stable")
    parents, starts = np.unique(parent[order], return_index=True)
    return Step(nodes, child[order], weight[order], parents, starts)

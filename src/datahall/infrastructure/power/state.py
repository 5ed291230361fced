"""What is alive, what carries load, and by which way, once some elements are lost."""

from dataclasses import dataclass

import numpy as np

from datahall.infrastructure.power.columns import Bools, Columns, Floats, Ints


@dataclass(frozen=True)
class State:
    """The graph at rest: no power figures yet, only ways."""

    alive: Bools
    """(N,) could carry load: a way down from a utility or a generator."""
    energised: Bools
    """(N,) under voltage, and so with losses. Generators, and what only they feed, are so only while something needs them."""
    taken: Bools
    """(E,) edges that carry load."""
    share: Floats
    """(E,) part of the child's input that this parent gives; 0 where not taken."""
    live_feed: Bools
    """(F,) feeds of racks that are alive."""
    live_sides: Ints
    """(R,) cord sides of each rack that are alive."""


def state_of(columns: Columns, lost: frozenset[int], demanded: Ints) -> State:
    """demanded: elements that feed mechanical or house loads, beside those that feed racks.

    Grid before generator: whoever has a way from a utility takes nothing from generators, so they stand still in normal
    running. A transfer switch takes the first such parent; all else shares among them by rating.
    """
    there = np.ones(len(columns.rating_w), dtype=np.bool_)
    there[list(lost)] = False
    grid = _reached(columns, columns.utility & there, there)
    alive = _reached(columns, (columns.utility | columns.generator) & there, there)
    taken = _taken(columns, grid, alive)
    live_feed = alive[columns.feed]
    fed = np.zeros_like(grid)
    fed[columns.feed[live_feed]] = True
    fed[demanded] = True
    for edges in columns.edges_up():
        needs = taken[edges] & fed[columns.child[edges]]
        np.logical_or.at(fed, columns.parent[edges], needs)
    return State(
        alive=alive,
        energised=alive & (grid | fed),
        taken=taken,
        share=_share(columns, taken),
        live_feed=live_feed,
        live_sides=np.bincount(columns.rack[live_feed], minlength=len(columns.rack_peak_w)).astype(np.int64),
    )


def _reached(columns: Columns, start: Bools, there: Bools) -> Bools:
    reached = start.copy()
    for edges in columns.edges_down():
        np.logical_or.at(reached, columns.child[edges], reached[columns.parent[edges]])
        reached &= there
    return reached


def _taken(columns: Columns, grid: Bools, alive: Bools) -> Bools:
    child, parent = columns.child, columns.parent
    usable: Bools = np.where(grid[child], grid[parent], alive[parent] & alive[child])
    first = np.full(len(grid), np.iinfo(np.int64).max)
    np.minimum.at(first, child[usable], columns.place[usable])
    taken: Bools = usable & (~columns.takes_first[child] | (columns.place == first[child]))
    return taken


def _share(columns: Columns, taken: Bools) -> Floats:
    given = np.where(taken, columns.rating_w[columns.parent], 0.0)
    total = np.bincount(columns.child, weights=given, minlength=len(columns.rating_w))
    return np.divide(given, total[columns.child], out=np.zeros_like(given), where=taken)

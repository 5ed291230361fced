"""How competing flows share links: max-min fair rates, and who slows whom down."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Flows:
    """Flows over links as index pairs: entry i says that flow `flow[i]` crosses link `link[i]`."""

    flow: Integers
    link: Integers
    count: int
    """Flows in all."""

    @classmethod
    def of(cls, paths: Sequence[Sequence[int]]) -> "Flows":
        """From one list of links per flow. Raises ValueError for a flow without links."""
        lengths = np.array([len(path) for path in paths], dtype=np.int64)
        if lengths.size and lengths.min() == 0:
            raise ValueError(f"flow {int(np.argmin(lengths))} crosses no link: nothing bounds its rate")
        links = np.array([link for path in paths for link in path], dtype=np.int64)
        return cls(np.repeat(np.arange(len(paths)), lengths), links, len(paths))


def max_min_rates(flows: Flows, capacity: ArrayLike, *, weight: ArrayLike = 1.0) -> Floats:
    """Max-min fair rate of each flow, in the unit of `capacity`; shape (flows,).

    capacity: of each link, one direction, positive. weight: of each flow or one for all, positive: shares of a link are in
    proportion to it. No flow can have more without a flow of the same or a lower rate per weight having less.
    Raises ValueError for links out of range, and for capacities or weights that are not positive and finite.
    Source: progressive filling, Bertsekas and Gallager, Data Networks, 2nd ed., 1992, section 6.5.2. A link is filled as soon
    as no link that it shares a flow with fills earlier: then nothing else can change its share, so many fill in one round.
    """
    left = np.array(capacity, dtype=float)
    weights = np.broadcast_to(np.asarray(weight, dtype=float), (flows.count,))
    _check(flows, left, weights)
    rates = np.zeros(flows.count)
    flow, link = _distinct(flows, left.size)
    while flow.size:
        level = _levels(link, weights[flow], left)
        lowest = _lowest(level[link], flow, flows.count)
        least_of_flows = _lowest(lowest[flow], link, left.size)
        # A link's flows all wait for it alone: it is the first to fill wherever they go.
        full = least_of_flows[link] >= level[link]
        done = np.zeros(flows.count, dtype=bool)
        done[flow[full]] = True
        rates[done] = weights[done] * lowest[done]
        settled = done[flow]
        left -= np.bincount(link[settled], weights=rates[flow[settled]], minlength=left.size)
        np.maximum(left, 0.0, out=left)
        flow, link = flow[~settled], link[~settled]
    return rates


def loads(flows: Flows, rates: ArrayLike, *, links: int) -> Floats:
    """Sum of the rates on each link; shape (links,)."""
    flow, link = _distinct(flows, links)
    return np.bincount(link, weights=np.asarray(rates, dtype=float)[flow], minlength=links).astype(float)


@dataclass(frozen=True, slots=True)
class Slowdown:
    """What competition costs a group of flows: total rate by itself and among the others, and the worst flow's ratio."""

    alone: float
    together: float
    ratio: float
    """Of the flow that loses most: rate alone over rate together. A step that waits for all its flows takes so much longer."""


def slowdowns(
    flows: Flows, capacity: ArrayLike, groups: Sequence[Hashable], *, weight: ArrayLike = 1.0
) -> Mapping[Hashable, Slowdown]:
    """For each group: its flows alone on the links, against all groups at once.

    groups: the group of each flow, in the order of the flows. Raises ValueError when their number differs.
    """
    if len(groups) != flows.count:
        raise ValueError(f"slowdowns: {len(groups)} group names for {flows.count} flows")
    weights = np.broadcast_to(np.asarray(weight, dtype=float), (flows.count,))
    together = max_min_rates(flows, capacity, weight=weights)
    found: dict[Hashable, Slowdown] = {}
    for name in dict.fromkeys(groups):
        mine = np.array([group == name for group in groups])
        alone = max_min_rates(_only(flows, mine), capacity, weight=weights[mine])
        both = together[mine]
        found[name] = Slowdown(float(alone.sum()), float(both.sum()), float(np.max(alone / both)))
    return found


def _only(flows: Flows, kept: NDArray[np.bool_]) -> Flows:
    number = np.cumsum(kept) - 1
    entries = kept[flows.flow]
    return Flows(number[flows.flow[entries]], flows.link[entries], int(kept.sum()))


def _levels(link: Integers, weight: Floats, left: Floats) -> Floats:
    """Rate per weight at which each link fills if all its flows grow together; infinite for links without flows."""
    waiting = np.bincount(link, weights=weight, minlength=left.size)
    level = np.full(left.size, np.inf)
    np.divide(left, waiting, out=level, where=waiting > 0)
    return level


def _lowest(values: Floats, index: Integers, count: int) -> Floats:
    """Least value at each index."""
    found = np.full(count, np.inf)
    np.minimum.at(found, index, values)
    return found


def _distinct(flows: Flows, links: int) -> tuple[Integers, Integers]:
    """Each pair once: a flow that crosses a link twice still has one share of it."""
    pairs = np.unique(flows.flow * np.int64(links) + flows.link)
    return pairs // links, pairs % links


def _check(flows: Flows, capacity: Floats, weight: Floats) -> None:
    if capacity.ndim != 1 or not np.all((capacity > 0) & np.isfinite(capacity)):
        raise ValueError("capacity must be one positive, finite figure per link")
    if not np.all((weight > 0) & np.isfinite(weight)):
        raise ValueError("weights must be positive and finite")
    if flows.link.size and not (flows.link.min() >= 0 and flows.link.max() < capacity.size):
        raise ValueError(f"a flow crosses a link that is not among the {capacity.size}")
    if np.unique(flows.flow).size != flows.count:
        raise ValueError("each flow must cross at least one link")

"""Time of a collective by size, and which algorithm it takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from datahall.network.collectives import all_reduce, others
from datahall.network.collectives.busbw import bus_bytes_per_s
from datahall.network.collectives.cost import Cost, Floats
from datahall.network.collectives.group import Group

Law = Callable[[Group], Cost | None]
_HALF: Mapping[str, Law] = {"ring": others.ring_half, "hierarchical": others.hierarchical_half}
LAWS: Mapping[str, Mapping[str, Law]] = {
    "all_reduce": {
        "ring": all_reduce.ring,
        "tree": all_reduce.tree,
        "nvls": all_reduce.nvls,
        "in_network": all_reduce.in_network,
        "hierarchical": all_reduce.hierarchical,
    },
    "all_gather": _HALF,
    "reduce_scatter": _HALF,
    "broadcast": {"ring": others.broadcast_ring, "tree": others.broadcast_tree},
    "all_to_all": {"pairwise": others.pairwise, "bruck": others.bruck},
    "send_recv": {"direct": others.direct},
}
# NCCL has no staged all-reduce: a framework that has one names it, and `auto` stays what the library would do.
NOT_AUTOMATIC = frozenset({"hierarchical"})


@dataclass(frozen=True, slots=True)
class Estimate:
    """One size on one group: how long, how fast, by which algorithm, and what limits it."""

    collective: str
    size_bytes: float
    ranks: int
    seconds: float
    busbw_bytes_per_s: float
    algorithm: str
    limit: str


def algorithms(collective: str, group: Group) -> tuple[str, ...]:
    """Names of the algorithms that the group can run, those that `auto` chooses from first."""
    laws = _laws(collective)
    return tuple(sorted((name for name, law in laws.items() if law(group)), key=lambda name: name in NOT_AUTOMATIC))


def cost(collective: str, group: Group, *, algorithm: str) -> Cost:
    """What one algorithm asks of the group. Raises ValueError for unknown names and for what the group cannot run."""
    laws = _laws(collective)
    if algorithm not in laws:
        raise ValueError(f"no {collective} by {algorithm}: choose auto or one of {', '.join(laws)}")
    found = laws[algorithm](group)
    if found is None:
        raise ValueError(
            f"this group cannot run {collective} by {algorithm}: choose one of {', '.join(algorithms(collective, group))}"
        )
    return found


@overload
def time_s(collective: str, size_bytes: float, group: Group, *, algorithm: str = "auto") -> float: ...
@overload
def time_s(collective: str, size_bytes: Floats, group: Group, *, algorithm: str = "auto") -> Floats: ...
def time_s(collective: str, size_bytes: float | Floats, group: Group, *, algorithm: str = "auto") -> float | Floats:
    """Duration of a collective, s: a float for a float, an array of the same shape for an array of sizes.

    collective: all_reduce, all_gather, reduce_scatter, all_to_all, broadcast or send_recv.
    size_bytes: as nccl-tests counts it: the buffer; for an all-gather what is gathered in all, for an all-to-all what one
        rank sends to all in all.
    algorithm: `auto` takes the fastest of the library's at each size.
    Zero for a single rank. No congestion but the group's oversubscription, no overlap with computing.
    Raises ValueError for negative sizes, unknown names, and algorithms that the group cannot run.
    """
    sizes = _sizes(size_bytes)
    if group.ranks == 1:
        _laws(collective)
        times = np.zeros_like(sizes)
    else:
        times = np.min([law.time_s(sizes) for law in _chosen(collective, group, algorithm).values()], axis=0)
    return float(times) if np.ndim(size_bytes) == 0 else times


def estimate(collective: str, size_bytes: float, group: Group, *, algorithm: str = "auto") -> Estimate:
    """One size in full: time, bus bandwidth, the algorithm taken and what limits it. A single rank takes no time."""
    size = float(_sizes(size_bytes))
    if group.ranks == 1:
        _laws(collective)
        return Estimate(collective, size, 1, 0.0, 0.0, "none", "nothing")
    chosen = _chosen(collective, group, algorithm)
    name = min(chosen, key=lambda each: float(chosen[each].time_s(size)))
    seconds = float(chosen[name].time_s(size))
    busbw = float(bus_bytes_per_s(collective, size, seconds, ranks=group.ranks))
    return Estimate(collective, size, group.ranks, seconds, busbw, name, chosen[name].limit(size))


def _chosen(collective: str, group: Group, algorithm: str) -> dict[str, Cost]:
    if algorithm != "auto":
        return {algorithm: cost(collective, group, algorithm=algorithm)}
    names = [name for name in algorithms(collective, group) if name not in NOT_AUTOMATIC]
    return {name: cost(collective, group, algorithm=name) for name in names}


def _laws(collective: str) -> Mapping[str, Law]:
    if collective not in LAWS:
        raise ValueError(f"no collective named {collective}: choose one of {', '.join(LAWS)}")
    return LAWS[collective]


def _sizes(size_bytes: ArrayLike) -> Floats:
    sizes = np.asarray(size_bytes, dtype=float)
    if not np.all(sizes >= 0) or not np.all(np.isfinite(sizes)):
        raise ValueError("size_bytes must be finite and not negative")
    return sizes

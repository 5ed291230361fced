"""Phase balance: what single-phase racks put on L1, L2 and L3."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from datahall.infrastructure.power.graph import PowerGraph

PHASE_LIMIT_RATIO = 0.10
"""How far the fullest phase may stand over the mean. A choice, not from a standard: planners' usual target at PDUs."""
MIN_RACKS = 3
"""With fewer single-phase racks on an element there is nothing to spread over three phases."""
PHASES = ("L1", "L2", "L3")


@dataclass(frozen=True, slots=True)
class Unbalance:
    element: int
    phase_w: tuple[float, float, float]
    excess_ratio: float
    """Fullest phase over the mean, less one."""
    block: int
    """Group of the first rack on the fullest phase."""


def unbalanced(graph: PowerGraph) -> Iterator[Unbalance]:
    """The worst of each set of elements that the same groups of racks hang on; racks share their draw over their sides."""
    columns, racks = graph.columns, graph.racks
    sides = np.maximum(np.bincount(columns.rack, minlength=len(racks.names)), 1)
    draw_w = columns.rack_peak_w / sides
    loads = np.zeros((len(graph.elements), 3))
    for k, phase in enumerate(PHASES):
        share = np.array([1.0 if p == phase else 1 / 3 if p == "3" else 0.0 for p in racks.phase])
        loads[:, k] = np.bincount(columns.feed, (draw_w * share)[columns.rack], len(graph.elements))
    single = np.array([p != "3" for p in racks.phase], dtype=np.bool_)
    many = np.bincount(columns.feed[single[columns.rack]], minlength=len(graph.elements)) >= MIN_RACKS
    mean = loads.mean(axis=1)
    excess = np.divide(loads.max(axis=1), mean, out=np.ones_like(mean), where=mean > 0) - 1
    worst: dict[frozenset[int], int] = {}
    for i in np.flatnonzero(many & (excess > PHASE_LIMIT_RATIO)).tolist():
        blocks = frozenset(racks.block[r] for r in columns.rack[columns.feed == i].tolist())
        if blocks not in worst or excess[i] > excess[worst[blocks]]:
            worst[blocks] = i
    for i in worst.values():
        full = PHASES[int(loads[i].argmax())]
        here = columns.rack[columns.feed == i].tolist()
        block = next(racks.block[r] for r in here if racks.phase[r] == full)
        first, second, third = loads[i].tolist()
        yield Unbalance(i, (first, second, third), float(excess[i]), block)

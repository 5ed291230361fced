"""Power from the load up: what each element gives, keeps and takes, in every hour."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from datahall.infrastructure.power.alike import Nodes
from datahall.infrastructure.power.columns import Bools, Columns, Floats
from datahall.infrastructure.power.losses import loss_w
from datahall.infrastructure.power.state import State
from datahall.infrastructure.spec import PowerKind

BALANCE_LIMIT = 1e-9
CELLS = 2**21
"""Nodes x hours that are worked on at once: 16 MB an array, however large the hall."""


@dataclass(frozen=True)
class PowerFlow:
    """A solved graph. Series have H hours; arrays by element have N entries."""

    it_w: Floats
    """(H,) what IT equipment takes; without the racks that nothing feeds."""
    mechanical_w: Floats
    """(H,) critical and other mechanical loads that are fed."""
    house_w: Floats
    facility_w: Floats
    """(H,) what sources give: it + mechanical + house + losses."""
    utility_w: Floats
    """(H,) the part of it that comes from the grid; what hangs on no element comes from there too."""
    generator_w: Floats
    indoor_loss_w: Floats
    outdoor_loss_w: Floats
    loss_kwh: Mapping[PowerKind, float]
    """Losses of all hours by kind of element, kWh."""
    element_peak_w: Floats
    """(N,) largest output of each element."""
    peak_load_ratio: Floats
    """(N,) the same over its rating."""
    element_loss_kwh: Floats
    """(N,) losses of each element over all hours, kWh."""
    energised: Bools
    overloaded: tuple[int, ...]
    """Elements that give more than their rating in some hour."""
    unserved_racks: tuple[str, ...]
    """Racks that are wired up, but none of whose sides is alive."""
    degraded_racks: tuple[str, ...]
    """Racks with a side alive, but with fewer than their equipment needs."""
    unserved_mechanical: bool
    """Whether mechanical load was asked for that nothing feeds."""
    balance_error: float
    """Largest relative gap between what goes in and what comes out."""

    @property
    def loss_w(self) -> Floats:
        return self.indoor_loss_w + self.outdoor_loss_w


@dataclass(frozen=True)
class Solved:
    """Sums over elements, and what is known of each."""

    utility_w: Floats
    generator_w: Floats
    loss_by_group_w: Floats
    """(G, H)"""
    peak_w: Floats
    element_loss_kwh: Floats


def solved(columns: Columns, state: State, nodes: Nodes, loads: Floats, series: Floats) -> Solved:
    """loads: (N, D) share of each kind of load that hangs on each element; series: (D, H) those loads, W."""
    shares = loads[nodes.example]
    return summed(columns, state, nodes, lambda now: shares @ series[:, now], series.shape[1])


def summed(columns: Columns, state: State, nodes: Nodes, own_w: Callable[[slice], Floats], hours: int) -> Solved:
    """own_w: what hangs on each node itself in those hours, W: (K, hours of the slice), which is written over."""
    utility_w, generator_w = np.zeros(hours), np.zeros(hours)
    by_group = np.zeros((len(columns.groups), hours))
    peak_w, kwh = np.zeros(len(nodes.example)), np.zeros(len(nodes.example))
    for now in chunks(len(nodes.example), hours):
        output, lost = outputs(columns, state, nodes, own_w(now))
        at = nodes.example
        utility_w[now] = _total(output + lost, nodes, columns.utility[at])
        generator_w[now] = _total(output + lost, nodes, columns.generator[at])
        for group in range(len(columns.groups)):
            by_group[group, now] = _total(lost, nodes, columns.group[at] == group)
        peak_w = np.maximum(peak_w, output.max(axis=1, initial=0.0))
        kwh += lost.sum(axis=1) / 1e3
    return Solved(utility_w, generator_w, by_group, peak_w[nodes.of_element], kwh[nodes.of_element])


def chunks(rows: int, hours: int) -> Iterator[slice]:
    """Hours that are worked on at once, so that an array of so many rows stays small."""
    size = max(1, CELLS // max(1, rows))
    for start in range(0, hours, size):
        yield slice(start, start + size)


def outputs(columns: Columns, state: State, nodes: Nodes, output: Floats) -> tuple[Floats, Floats]:
    """Output and loss of each node, W: (K, H) each. output: what hangs on each itself; it is written over."""
    at = nodes.example
    lost = np.zeros_like(output)
    terms = columns.terms[at] * state.energised[at][:, None]
    rating_w = columns.rating_w[at][:, None]
    for step in nodes.steps:
        own = step.nodes
        no_load, linear, square = (terms[own, k][:, None] for k in range(3))
        lost[own] = loss_w(output[own], rating_w=rating_w[own], no_load_ratio=no_load, linear_ratio=linear, square_ratio=square)
        if len(step.parents):
            given = step.weight[:, None] * (output[step.child] + lost[step.child])
            output[step.parents] += np.add.reduceat(given, step.starts, axis=0)
    return output, lost


def balanced(facility_w: Floats, spent_w: Floats) -> float:
    """Largest relative gap between what goes in and what comes out. Raises ArithmeticError beyond BALANCE_LIMIT."""
    gap = np.abs(facility_w - spent_w) / np.maximum(np.maximum(facility_w, spent_w), 1e-9)
    error = float(gap.max(initial=0.0))
    if not error <= BALANCE_LIMIT:
        raise ArithmeticError(
            f"power does not balance: {error:.3g} of what goes in does not come out, at most {BALANCE_LIMIT:g}"
        )
    return error


def _total(values: Floats, nodes: Nodes, which: Bools) -> Floats:
    """Sum over the elements of the chosen nodes: (H,)."""
    return nodes.count[which].astype(np.float64) @ values[which]

"""How power reaches the racks: the graph, its losses, and what stands behind the grid."""

from datahall.infrastructure.power.assembly import power_graph
from datahall.infrastructure.power.element import Element, Racks
from datahall.infrastructure.power.flow import PowerFlow
from datahall.infrastructure.power.graph import PowerGraph

__all__ = ["Element", "PowerFlow", "PowerGraph", "Racks", "power_graph"]

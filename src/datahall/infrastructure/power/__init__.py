"""How power reaches the racks: the graph, its losses, and what stands behind the grid."""

from datahall.infrastructure.power.assembly import power_graph
from datahall.infrastructure.power.backup import Backup, Batteries, Generators, backup_of
from datahall.infrastructure.power.by_rack import RackFlow, RackLoads, Worst, rack_loads
from datahall.infrastructure.power.element import Element, Racks
from datahall.infrastructure.power.flow import PowerFlow
from datahall.infrastructure.power.graph import PowerGraph
from datahall.infrastructure.power.judgement import Judgement
from datahall.infrastructure.power.overload import Loaded, Overload
from datahall.infrastructure.power.single_line import Box, Line, SingleLine, single_line

__all__ = [
    "Backup",
    "Batteries",
    "Box",
    "Element",
    "Generators",
    "Judgement",
    "Line",
    "Loaded",
    "Overload",
    "PowerFlow",
    "PowerGraph",
    "RackFlow",
    "RackLoads",
    "Racks",
    "SingleLine",
    "Worst",
    "backup_of",
    "power_graph",
    "rack_loads",
    "single_line",
]

"""Fabrics: from one declaration to switches, links, cables, power and price; their graph, their cuts, their picture."""

from datahall.network.fabric.build import FabricBuild, build
from datahall.network.fabric.levels import Level
from datahall.network.fabric.tiers import Bundle, Tier
from datahall.network.fabric.wiring import Demand, Wiring

__all__ = ["Bundle", "Demand", "FabricBuild", "Level", "Tier", "Wiring", "build"]

"""What a hall file declares. Facts have no defaults; choices have, and a plan lists those that were not written down."""

from datahall.infrastructure.spec.cooling import AirSide, Cooling, LiquidSide, Plant, RideThrough, Units
from datahall.infrastructure.spec.economy import Economy, Operation, Reliability
from datahall.infrastructure.spec.fabric import Dragonfly, Fabric, FatTree, LeafSpine, RailOnly, RailOptimised, Torus
from datahall.infrastructure.spec.hall import Hall, PlatformSettings
from datahall.infrastructure.spec.layout import Contents, RackGroup, Room, Row, Zone
from datahall.infrastructure.spec.machine import (
    Accelerator,
    Capacity,
    Cpu,
    Disk,
    DiskKind,
    Nic,
    Node,
    Reserved,
    Usable,
    capacity_of,
)
from datahall.infrastructure.spec.power import Phase, Power, PowerElement, PowerKind
from datahall.infrastructure.spec.site import Grid, HourlyFile, Site, Surroundings, Tariff, Water, Weather
from datahall.infrastructure.spec.storage import ErasureCode, Replicas, StorageDemand, StorageTier

__all__ = [
    "Accelerator",
    "AirSide",
    "Capacity",
    "Contents",
    "Cooling",
    "Cpu",
    "Disk",
    "DiskKind",
    "Dragonfly",
    "Economy",
    "ErasureCode",
    "Fabric",
    "FatTree",
    "Grid",
    "Hall",
    "HourlyFile",
    "LeafSpine",
    "LiquidSide",
    "Nic",
    "Node",
    "Operation",
    "Phase",
    "Plant",
    "PlatformSettings",
    "Power",
    "PowerElement",
    "PowerKind",
    "RackGroup",
    "RailOnly",
    "RailOptimised",
    "Reliability",
    "Replicas",
    "Reserved",
    "RideThrough",
    "Room",
    "Row",
    "Site",
    "StorageDemand",
    "StorageTier",
    "Surroundings",
    "Tariff",
    "Torus",
    "Units",
    "Usable",
    "Water",
    "Weather",
    "Zone",
    "capacity_of",
]

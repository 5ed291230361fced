"""Faults of a hall in time: planned or drawn, what each takes with it, and what is left."""

from datahall.twin.faults.draw import Occurrence
from datahall.twin.faults.elements import Element, Elements
from datahall.twin.faults.events import FaultEvent, Timeline
from datahall.twin.faults.harm import Harm
from datahall.twin.faults.named import FaultSet, fault_set, set_names
from datahall.twin.faults.ranking import SingleRemoval, single_removals
from datahall.twin.faults.reach import Reach
from datahall.twin.faults.timeline import timeline

__all__ = [
    "Element",
    "Elements",
    "FaultEvent",
    "FaultSet",
    "Harm",
    "Occurrence",
    "Reach",
    "SingleRemoval",
    "Timeline",
    "fault_set",
    "set_names",
    "single_removals",
    "timeline",
]

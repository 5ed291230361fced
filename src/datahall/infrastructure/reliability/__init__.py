"""What fails together, how often, and what it costs in hours: outages, cut sets, availability, interrupted jobs."""

from datahall.infrastructure.reliability.availability import AvailabilityReport, availability_of
from datahall.infrastructure.reliability.services import Contribution, ServiceAvailability
from datahall.infrastructure.reliability.spare_groups import SpareGroup, spare_groups
from datahall.infrastructure.reliability.sweep import Removal, SweepResult, Trip, sweep

__all__ = [
    "AvailabilityReport",
    "Contribution",
    "Removal",
    "ServiceAvailability",
    "SpareGroup",
    "SweepResult",
    "Trip",
    "availability_of",
    "spare_groups",
    "sweep",
]

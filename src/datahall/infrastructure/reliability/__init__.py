"""What fails together, how often, and what it costs in hours: outages, cut sets, availability, interrupted jobs."""

from datahall.infrastructure.reliability.availability import AvailabilityReport, availability_of
from datahall.infrastructure.reliability.jobs import JobFailures, JobReliability, job_reliability, published_failures
from datahall.infrastructure.reliability.services import Contribution, ServiceAvailability
from datahall.infrastructure.reliability.spare_groups import SpareGroup, spare_groups
from datahall.infrastructure.reliability.sweep import Removal, SweepResult, Trip, sweep
from datahall.infrastructure.reliability.together import FailsTogether, fails_together

__all__ = [
    "AvailabilityReport",
    "Contribution",
    "FailsTogether",
    "JobFailures",
    "JobReliability",
    "Removal",
    "ServiceAvailability",
    "SpareGroup",
    "SweepResult",
    "Trip",
    "availability_of",
    "fails_together",
    "job_reliability",
    "published_failures",
    "spare_groups",
    "sweep",
]

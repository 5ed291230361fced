"""What fails together, how often, and what it costs in hours: outages, cut sets, availability, interrupted jobs."""

from datahall.infrastructure.reliability.sweep import Removal, SweepResult, Trip, sweep

__all__ = ["Removal", "SweepResult", "Trip", "sweep"]

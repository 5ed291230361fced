"""What may stand where: siting rules of standards, and distances on the globe."""

from datahall.infrastructure.siting.distance import great_circle_m
from datahall.infrastructure.siting.rules import Finding, SitingRule, findings, siting_notes, siting_rules

__all__ = ["Finding", "SitingRule", "findings", "great_circle_m", "siting_notes", "siting_rules"]

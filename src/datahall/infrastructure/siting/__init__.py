"""What may stand where: siting rules of standards."""

from datahall.infrastructure.siting.rules import Finding, SitingRule, findings, siting_notes, siting_rules

__all__ = ["Finding", "SitingRule", "findings", "siting_notes", "siting_rules"]

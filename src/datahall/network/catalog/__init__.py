"""Switches, cables and scale-up links: sourced rows, and the user's own before them."""

from datahall.network.catalog.catalogue import NetworkCatalogue, NetworkPartsFile
from datahall.network.catalog.specs import CablePart, LinkPart, SwitchPart

__all__ = ["CablePart", "LinkPart", "NetworkCatalogue", "NetworkPartsFile", "SwitchPart"]

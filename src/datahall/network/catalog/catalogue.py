"""The network catalogue of a hall: its own rows first, then those that come with Datahall."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import model_validator

from datahall.foundation.document import load
from datahall.foundation.spec import Spec
from datahall.infrastructure.catalog.catalogue import PartsFile, merged, named
from datahall.infrastructure.catalog.part_specs import Device
from datahall.network.catalog.specs import CablePart, LinkPart, SwitchPart

FOLDER = Path(__file__).parent


class NetworkPartsFile(Spec):
    """A catalogue file as the network floor reads it: rows for servers, racks and power are the floor's below."""

    switches: tuple[SwitchPart, ...] = ()
    cables: tuple[CablePart, ...] = ()
    links: tuple[LinkPart, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _own_kinds(cls, data: Any) -> Any:
        """Leaves out what infrastructure reads; what neither floor knows stays, and is refused."""
        if not isinstance(data, Mapping):
            return data
        return {kind: rows for kind, rows in data.items() if kind in cls.model_fields or kind not in PartsFile.model_fields}


@functools.cache
def shipped() -> NetworkPartsFile:
    """The rows that come with Datahall."""
    return merged(NetworkPartsFile, (load(path, NetworkPartsFile) for path in sorted((FOLDER / "parts").glob("*.yaml"))))


@dataclass(frozen=True)
class NetworkCatalogue:
    """Switches, cables and scale-up links by name."""

    own: NetworkPartsFile = field(default_factory=NetworkPartsFile)

    @functools.cached_property
    def switches(self) -> Mapping[str, SwitchPart]:
        return named((*self.own.switches, *shipped().switches))

    @functools.cached_property
    def cables(self) -> Mapping[str, CablePart]:
        return named((*self.own.cables, *shipped().cables))

    @functools.cached_property
    def links(self) -> Mapping[str, LinkPart]:
        return named((*self.own.links, *shipped().links))

    def devices(self) -> Mapping[str, Device]:
        """What this floor adds to what may stand in a rack: pass it to infrastructure's Catalogue as `more_devices`."""
        return dict(self.switches)
